//! What a guest says of itself: addresses, memory, drivers, system.

use std::collections::{BTreeMap, HashSet};

use model::{Packed, Text};

use super::vulnerable::{self, Drivers};
use crate::reader::Reader;
use crate::record::Record;

/// Of a VM, as its guest tells it.
#[derive(Hash)]
pub(crate) struct GuestMetrics {
    pub(super) addresses: Packed,
    pub(super) main_ip: Option<Text>,
    pub(super) os_version: Packed,
    pub(super) memory_used: Option<i64>,
    pub(super) memory_total: Option<i64>,
    pub(super) major: Option<Text>,
    pub(super) minor: Option<Text>,
    /// `major.minor.micro-build`.
    pub(super) drivers_version: Option<Text>,
    pub(super) drivers_up_to_date: Option<bool>,
    pub(super) drivers_detected: bool,
    pub(super) static_ip_setting: bool,
    pub(super) drivers: Drivers,
}

pub(super) fn decode(record: Record<'_>, reader: &mut Reader<'_>) -> GuestMetrics {
    let networks: BTreeMap<&str, &str> = record.pairs("networks").collect();
    let version = |part| record.entry("PV_drivers_version", part);
    let drivers_version = match (version("major"), version("minor")) {
        (Some(major), Some(minor)) => {
            let rest = (version("micro").unwrap_or_default(), version("build").unwrap_or_default());
            Some(format!("{major}.{minor}.{}-{}", rest.0, rest.1))
        }
        _ => None,
    };
    GuestMetrics {
        addresses: addresses(&networks),
        main_ip: main_address(&networks).map(Text::from),
        os_version: reader.map(record, "os_version"),
        memory_used: record.number("memory", "used").filter(|&used| used != 0),
        memory_total: record.number("memory", "total"),
        major: reader.opt_text(version("major")),
        minor: reader.opt_text(version("minor")),
        drivers_version: reader.opt_text(drivers_version.as_deref()),
        drivers_up_to_date: record.opt_bool("PV_drivers_up_to_date"),
        drivers_detected: record.bool("PV_drivers_detected"),
        static_ip_setting: record.entry("other", "feature-static-ip-setting") == Some("1"),
        drivers: vulnerable::drivers(record),
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Family {
    V4,
    V6,
}

/// Takes a key apart: `0/ip`, `0/ipv4/1`, `0/ipv6/0`.
fn key(key: &str) -> Option<(&str, Family)> {
    let (device, rest) = key.split_once('/')?;
    if device.is_empty() || !device.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let numbered = |number: &str| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    match rest.split_once('/') {
        None if rest == "ip" => Some((device, Family::V4)),
        Some(("ipv4", number)) if numbered(number) => Some((device, Family::V4)),
        Some(("ipv6", number)) if numbered(number) => Some((device, Family::V6)),
        _ => None,
    }
}

/// Returns all addresses, numbered from zero for each device and family. A guest may put several into one value, and
/// the same one under `N/ip` and `N/ipv4/0`.
fn addresses(networks: &BTreeMap<&str, &str>) -> Packed {
    let mut seen = HashSet::new();
    let mut next: BTreeMap<(&str, Family), usize> = BTreeMap::new();
    let mut found = Vec::new();
    for (name, value) in networks {
        let Some((device, family)) = key(name) else { continue };
        for address in value.split_whitespace() {
            if seen.insert((device, family, address)) {
                let number = next.entry((device, family)).or_default();
                let word = if family == Family::V4 { "ipv4" } else { "ipv6" };
                found.push((format!("{device}/{word}/{number}"), address));
                *number += 1;
            }
        }
    }
    Packed::map(found.iter().map(|(name, address)| (&**name, *address)))
}

fn main_address<'a>(networks: &BTreeMap<&str, &'a str>) -> Option<&'a str> {
    let first = |wanted: Family| {
        let of_family = networks.iter().filter(move |(name, _)| key(name).is_some_and(|(_, family)| family == wanted));
        of_family.flat_map(|(_, value)| value.split_whitespace()).next()
    };
    first(Family::V4).or_else(|| first(Family::V6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_renumbered() {
        for (networks, expected, main) in [
            (vec![("0/ip", "10.0.0.1")], r#"{"0/ipv4/0":"10.0.0.1"}"#, Some("10.0.0.1")),
            (
                vec![("0/ip", "10.0.0.1"), ("0/ipv4/0", "10.0.0.1"), ("0/ipv4/1", "10.0.0.2")],
                r#"{"0/ipv4/0":"10.0.0.1","0/ipv4/1":"10.0.0.2"}"#,
                Some("10.0.0.1"),
            ),
            (
                vec![("1/ip", " 10.0.0.1  10.0.0.2 "), ("0/ipv6/0", "fe80::1"), ("0/ip", "")],
                r#"{"0/ipv6/0":"fe80::1","1/ipv4/0":"10.0.0.1","1/ipv4/1":"10.0.0.2"}"#,
                Some("10.0.0.1"),
            ),
            (vec![("0/ipv6/3", "fe80::1")], r#"{"0/ipv6/0":"fe80::1"}"#, Some("fe80::1")),
            (vec![("0/mac", "x"), ("ip", "1"), ("a/ip", "1"), ("0/ipv4/x", "1")], "{}", None),
        ] {
            let networks: BTreeMap<&str, &str> = networks.into_iter().collect();
            assert_eq!(addresses(&networks).as_json(), expected);
            assert_eq!(main_address(&networks), main);
        }
    }
}
