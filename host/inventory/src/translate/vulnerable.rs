//! Windows drivers with the hole of XSA-468 (<https://xenbits.xen.org/xsa/advisory-468.html>).
//!
//! `VM_guest_metrics.PV_drivers_version` names drivers as `xenbus` = `XenServer 9.1.9.105 `: vendor, then version.

use crate::record::Record;

/// Driver, vendor, first version without the hole; from the detection script that came with the advisory.
const FIXED_IN: &[(&str, &str, [u32; 4])] = &[
    ("xenbus", "XenServer", [9, 1, 11, 115]),
    ("xenbus", "Citrix", [9, 1, 11, 115]),
    ("xenbus", "XCP_ng", [9, 0, 9048, 0]),
    ("xenbus", "Xen_Project", [9, 1, 0, 2]),
    ("xeniface", "XenServer", [9, 1, 12, 94]),
    ("xeniface", "Citrix", [9, 1, 12, 94]),
    ("xeniface", "XCP_ng", [9, 0, 9048, 0]),
    ("xeniface", "Xen_Project", [9, 1, 0, 1]),
    ("xencons", "XCP_ng", [9, 0, 9048, 0]),
    ("xencons", "Xen_Project", [9, 1, 0, 3]),
];

/// What the guest says of its drivers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Drivers {
    /// Nothing that could be compared.
    Unknown,
    /// None of them is known to be vulnerable.
    Fine,
    /// This one is.
    Vulnerable(Box<Hole>),
}

/// A driver with the hole.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Hole {
    pub(super) driver: &'static str,
    pub(super) version: Box<str>,
}

/// Looks at the drivers of a guest.
pub(super) fn drivers(record: Record<'_>) -> Drivers {
    let mut verdict = Drivers::Unknown;
    for (driver, text) in record.pairs("PV_drivers_version") {
        let Some((vendor, version)) = text.trim().split_once(' ') else { continue };
        let version = version.split_whitespace().next().unwrap_or_default();
        if let Some(&(driver, _, fixed)) = FIXED_IN.iter().find(|(name, by, _)| *name == driver && *by == vendor)
            && !crate::record::version_at_least(version, &fixed)
        {
            return Drivers::Vulnerable(Box::new(Hole { driver, version: version.into() }));
        }
        verdict = Drivers::Fine;
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use xapi::Value;

    #[test]
    fn versions_decide() {
        let vulnerable =
            |driver, version: &str| Drivers::Vulnerable(Box::new(Hole { driver, version: version.into() }));
        for (versions, expected) in [
            (vec![("xenbus", "XenServer 9.1.9.105 ")], vulnerable("xenbus", "9.1.9.105")),
            (vec![("xenbus", "XenServer 9.1.11.114 ")], vulnerable("xenbus", "9.1.11.114")),
            (vec![("xenbus", "XenServer 9.1.11.115 ")], Drivers::Fine),
            (
                vec![("xenvbd", "XenServer 9.1.8.70 "), ("xencons", "XCP_ng 9.0.9047.1 ")],
                vulnerable("xencons", "9.0.9047.1"),
            ),
            (vec![("xenbus", "XCP_ng 9.0.9048.0 ")], Drivers::Fine),
            (vec![("major", "9"), ("minor", "4"), ("micro", "0"), ("build", "146")], Drivers::Unknown),
            (vec![], Drivers::Unknown),
        ] {
            let record = Value::record([("PV_drivers_version", Value::record(versions))]);
            assert_eq!(drivers(Record(&record)), expected, "{record:?}");
        }
    }
}
