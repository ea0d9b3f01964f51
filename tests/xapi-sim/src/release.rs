//! Product releases: what a host of that age does not know yet is neither shown nor answered.

use std::str::FromStr;

/// The releases before XAPI's own version numbers, oldest first, by the code names of the interface description.
const NAMES: [&str; 27] = [
    "rio",
    "miami",
    "symc",
    "orlando",
    "orlando-update-1",
    "george",
    "midnight-ride",
    "cowley",
    "boston",
    "tampa",
    "clearwater",
    "vgpu-tech-preview",
    "vgpu-productisation",
    "clearwater-felton",
    "clearwater-whetstone",
    "creedence",
    "cream",
    "indigo",
    "dundee",
    "ely",
    "falcon",
    "inverness",
    "jura",
    "kolkata",
    "lima",
    "naples",
    "quebec",
];
/// Above all names: versions count from here.
const VERSIONS: u32 = 1_000_000;
/// `stockholm` (8.2) was XAPI 1.249.
const STOCKHOLM: u32 = VERSIONS + 1_249;

/// When something of the interface first appeared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Since(u32);

impl Since {
    /// Reads a code name or a version of XAPI (`1.290.0`, `24.14.0`); "" is as old as everything.
    pub fn parse(text: &str) -> Self {
        if let Some(at) = NAMES.iter().position(|n| *n == text) {
            return Self(u32::try_from(at).unwrap_or(0));
        }
        match text {
            "" => return Self(0),
            "stockholm" => return Self(STOCKHOLM),
            "stockholm_psr" => return Self(STOCKHOLM + 1),
            _ => {}
        }
        let mut numbers = text.split('.').map(|n| n.parse::<u32>().unwrap_or(0));
        let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        Self(VERSIONS + major * 1_000 + minor)
    }
}

/// Which host a simulator is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Release {
    /// XenServer 6.5.
    V6_5,
    /// XenServer 7.0.
    V7_0,
    /// XenServer 7.2.
    V7_2,
    /// XCP-ng 8.2 and Citrix Hypervisor 8.2.
    V8_2,
    /// XCP-ng 8.3 (XAPI 26.1).
    V8_3,
    /// Everything the data model has.
    #[default]
    Latest,
}

impl Release {
    /// Does a host of this release know what appeared then?
    pub fn knows(self, since: Since) -> bool {
        since.0
            <= match self {
                Self::V6_5 => Since::parse("creedence").0,
                Self::V7_0 => Since::parse("dundee").0,
                Self::V7_2 => Since::parse("falcon").0,
                Self::V8_2 => STOCKHOLM + 1,
                Self::V8_3 => VERSIONS + 26_001,
                Self::Latest => u32::MAX,
            }
    }

    /// `/jsonrpc` exists since 7.3.
    pub fn json_rpc(self) -> bool {
        self >= Self::V8_2
    }

    /// Are numbers in RRD answers written as JSON strings (XAPI 23.31)? Older hosts write something that is not JSON.
    pub fn quotes_rrd_numbers(self) -> bool {
        self >= Self::V8_3
    }

    /// Do event records carry `obj_uuid`?
    pub fn sends_obj_uuid(self) -> bool {
        self <= Self::V6_5
    }

    /// `software_version` of a host: product_version, its texts, platform_version, xapi, xen, linux, dbv, product_brand.
    pub fn versions(self) -> Versions {
        let of = |product, platform, xapi, xen, linux, brand, api| Versions {
            product,
            platform,
            xapi,
            xen,
            linux,
            brand,
            api,
        };
        match self {
            Self::V6_5 => of("6.5.0", "1.9.0", "1.3", "4.4.1-xs90192", "3.10.0+2", "XenServer", (2, 3)),
            Self::V7_0 => of("7.0.0", "2.1.0", "1.9", "4.6.1-xs124423", "3.10.0+10", "XenServer", (2, 5)),
            Self::V7_2 => of("7.2.0", "2.3.0", "1.14", "4.7.2-2.2", "4.4.0+2", "XenServer", (2, 7)),
            Self::V8_2 => of("8.2.1", "3.2.1", "1.20", "4.13.5-9.40", "4.19.0+1", "XCP-ng", (2, 15)),
            Self::V8_3 => of("8.3.0", "3.4.0", "26.1", "4.17.5-15", "4.19.0+1", "XCP-ng", (2, 21)),
            Self::Latest => of("8.3.0", "3.4.0", "26.1", "4.17.5-15", "4.19.0+1", "XCP-ng", (2, 23)),
        }
    }
}

impl PartialOrd for Release {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some((*self as u8).cmp(&(*other as u8)))
    }
}

impl FromStr for Release {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "6.5" => Ok(Self::V6_5),
            "7.0" => Ok(Self::V7_0),
            "7.2" => Ok(Self::V7_2),
            "8.2" => Ok(Self::V8_2),
            "8.3" => Ok(Self::V8_3),
            "latest" => Ok(Self::Latest),
            other => Err(format!("no release {other}; there are 6.5, 7.0, 7.2, 8.2, 8.3, latest")),
        }
    }
}

/// The numbers a host says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Versions {
    pub product: &'static str,
    pub platform: &'static str,
    pub xapi: &'static str,
    pub xen: &'static str,
    pub linux: &'static str,
    pub brand: &'static str,
    /// API_version_major and _minor.
    pub api: (u32, u32),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::model;

    #[test]
    fn releases_know_what_is_not_newer() {
        for (since, first) in [
            ("", Release::V6_5),
            ("rio", Release::V6_5),
            ("creedence", Release::V6_5),
            ("cream", Release::V7_0),
            ("falcon", Release::V7_2),
            ("inverness", Release::V8_2),
            ("stockholm", Release::V8_2),
            ("1.250.0", Release::V8_2),
            ("1.290.0", Release::V8_3),
            ("24.14.0", Release::V8_3),
            ("26.9.0", Release::Latest),
        ] {
            let all = [Release::V6_5, Release::V7_0, Release::V7_2, Release::V8_2, Release::V8_3, Release::Latest];
            let found = all.into_iter().find(|r| r.knows(Since::parse(since)));
            assert_eq!(found, Some(first), "{since}");
        }
    }

    #[test]
    fn the_model_says_when_fields_came() {
        let vm = model().class("VM").unwrap();
        let fields = |release: Release| vm.fields.values().filter(|f| release.knows(f.since)).count();
        assert!(fields(Release::V6_5) < fields(Release::V7_2) && fields(Release::V7_2) < fields(Release::Latest));
        assert!(!Release::V6_5.knows(vm.fields["domain_type"].since));
    }
}
