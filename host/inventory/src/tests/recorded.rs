//! Pools of the years 2010 to 2013 translate without surprises.

use std::fmt::Write;

use expect_test::{Expect, ExpectFile, expect, expect_file};
use model::Kind;
use serde_json::Value as Json;

use super::support::{connected, load, recorded};

fn counts(name: &str, expected: &Expect) {
    let (inventory, _writer) = connected(&recorded(name));
    let snapshot = inventory.snapshot();
    let mut text = String::new();
    for &kind in Kind::ALL {
        assert_eq!(snapshot.of_kind(kind).count(), snapshot.count(kind));
        if snapshot.count(kind) > 0 {
            writeln!(text, "{kind} {}", snapshot.count(kind)).expect("writes to a string");
        }
    }
    assert_eq!(snapshot.iter().count(), snapshot.len());
    expected.assert_eq(&text);
}

#[test]
fn single_host_with_snapshots() {
    counts(
        "xs56-singlehost-8vms-15snaps",
        &expect![[r#"
            pool 1
            host 1
            VM 8
            VM-template 49
            VM-snapshot 15
            VM-controller 1
            SR 9
            VDI 157
            VDI-snapshot 20
            VDI-unmanaged 19
            VBD 56
            VIF 27
            network 4
            PBD 9
            PIF 3
            SM 14
        "#]],
    );
}

#[test]
fn pool_of_two_with_bonds() {
    counts(
        "xs56fp1-pool2-bonds-vlans-tunnels",
        &expect![[r#"
            pool 1
            host 2
            VM 4
            VM-template 87
            VM-snapshot 1
            VM-controller 2
            SR 10
            VDI 149
            VBD 17
            VIF 18
            network 11
            PBD 14
            PIF 16
            bond 2
            SM 14
        "#]],
    );
}

#[test]
fn pool_of_two_with_checkpoints() {
    counts(
        "xs61-pool2-snapshots",
        &expect![[r#"
            pool 1
            host 2
            VM 2
            VM-template 61
            VM-snapshot 5
            VM-controller 2
            SR 8
            VDI 6
            VDI-snapshot 7
            VDI-unmanaged 5
            VBD 14
            VIF 7
            network 3
            PBD 10
            PIF 4
            SM 14
            PCI 2
            PGPU 2
            gpuGroup 1
        "#]],
    );
}

fn whole(dump: &str, kind: Kind, name: &str, expected: &ExpectFile) {
    let (inventory, _writer) = connected(&recorded(dump));
    let snapshot = inventory.snapshot();
    let object = snapshot.of_kind(kind).find(|object| object.name_label() == name).expect("is in the dump");
    let value: Json = serde_json::from_str(&object.to_json()).expect("objects are JSON");
    expected.assert_eq(&format!("{value:#}\n"));
}

#[test]
fn a_whole_vm() {
    whole("xs56-singlehost-8vms-15snaps", Kind::Vm, "CCNET", &expect_file!["whole/vm.json"]);
}

#[test]
fn a_whole_snapshot() {
    whole("xs61-pool2-snapshots", Kind::VmSnapshot, "localsnap2full", &expect_file!["whole/snapshot.json"]);
}

#[test]
fn a_whole_host() {
    whole("xs61-pool2-snapshots", Kind::Host, "dt23", &expect_file!["whole/host.json"]);
}

#[test]
fn a_whole_pool() {
    whole(
        "xs56-singlehost-8vms-15snaps",
        Kind::Pool,
        "GUI team permanent 5.6 FP1 (Cowley)",
        &expect_file!["whole/pool.json"],
    );
}

#[test]
fn a_whole_sr() {
    whole("xs61-pool2-snapshots", Kind::Sr, "Local storage", &expect_file!["whole/sr.json"]);
}

#[test]
fn references_lead_to_objects() {
    for name in ["xs56-singlehost-8vms-15snaps", "xs56fp1-pool2-bonds-vlans-tunnels", "xs61-pool2-snapshots"] {
        let (inventory, _writer) = connected(&recorded(name));
        let snapshot = inventory.snapshot();
        for object in snapshot.iter() {
            assert_eq!(snapshot.get(object.id().as_str()).map(|found| found.id()), Some(object.id()));
            assert_eq!(snapshot.by_ref(object.reference()).map(|found| found.id()), Some(object.id()));
            for field in ["$VBDs", "VIFs", "VDIs", "$PBDs", "PIFs", "residentVms", "snapshots"] {
                let ids = object.field(field).and_then(|list| list.as_array().cloned()).unwrap_or_default();
                for id in ids.iter().filter_map(Json::as_str) {
                    assert!(snapshot.get(id).is_some(), "{field} of {}: {id}", object.id());
                }
            }
            let json = object.to_json();
            assert!(!json.contains("\"OpaqueRef:NULL\"") || object.as_vm().is_some(), "{json}");
        }
    }
}

#[test]
fn a_second_reading_is_silent() {
    for name in ["xs56-singlehost-8vms-15snaps", "xs56fp1-pool2-bonds-vlans-tunnels", "xs61-pool2-snapshots"] {
        let pool = recorded(name);
        let (inventory, mut writer) = connected(&pool);
        let before = inventory.snapshot();
        load(&mut writer, &pool).expect("loads again");
        let after = inventory.snapshot();
        assert_eq!(after.revision(), before.revision());
        let shared = before.iter().zip(after.iter()).all(|(before, after)| std::sync::Arc::ptr_eq(before, after));
        assert!(shared, "equal objects keep their allocation");
    }
}
