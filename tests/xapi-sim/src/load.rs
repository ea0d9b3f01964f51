//! From a recorded dump to a database: records as they are, newer fields by their defaults, missing ends of relations computed.

use std::{fs, sync::Arc};

use anyhow::{Context, bail, ensure};
use serde_json::{Map, Value, json};

use crate::{
    Dump, Options,
    calls::random_mac,
    db::Db,
    model::{NULL, Record, model},
};

const BUILT_IN: [(&str, &str, &str); 3] = [
    ("single-host", "xs56-singlehost-8vms-15snaps", include_str!("../data/xs56-singlehost-8vms-15snaps.json")),
    ("pool2", "xs56fp1-pool2-bonds-vlans-tunnels", include_str!("../data/xs56fp1-pool2-bonds-vlans-tunnels.json")),
    ("snapshots", "xs61-pool2-snapshots", include_str!("../data/xs61-pool2-snapshots.json")),
];

/// Loads the pool the options name.
pub fn load(options: &Options) -> anyhow::Result<Db> {
    let dump = match &options.dump {
        Dump::Fleet(fleet, pool) => return Ok(fleet.load(*pool, options.release)),
        Dump::Named(name) => match BUILT_IN.iter().find(|(short, stem, _)| short == name || stem == name) {
            Some((.., text)) => serde_json::from_str(text).context("parse the built-in dump")?,
            None => bail!("no built-in dump {name}; there are {}", BUILT_IN.map(|(short, ..)| short).join(", ")),
        },
        Dump::File(path) => {
            let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
            serde_json::from_str(&text).with_context(|| format!("parse {}", path.display()))?
        }
        Dump::Json(value) => (**value).clone(),
    };
    let mut db = Db::new(options.seed, options.release);
    let Value::Object(dump) = dump else { bail!("a dump is an object of classes") };
    fill(&mut db, dump)?;
    copy_vms(&mut db, options.copies);
    db.relate();
    ensure!(db.count("pool") == 1, "a dump has exactly one pool");
    Ok(db)
}

fn fill(db: &mut Db, dump: Map<String, Value>) -> anyhow::Result<()> {
    for (name, rows) in dump {
        let class = model().class(&name).with_context(|| format!("class {name} is unknown"))?;
        let Value::Object(rows) = rows else { bail!("class {name} is not an object") };
        for (reference, record) in rows {
            let Value::Object(mut record) = record else { bail!("{name} {reference} is not an object") };
            if name == "VM" {
                upgrade_vm(&mut record);
            }
            db.put(&class.name, &reference, record);
        }
    }
    Ok(())
}

/// The one newer field whose default would be wrong: XAPI derives it when it upgrades an old database.
fn upgrade_vm(record: &mut Map<String, Value>) {
    if !record.contains_key("domain_type") {
        let pv = record.get("HVM_boot_policy").is_none_or(|p| p == "");
        record.insert("domain_type".to_owned(), json!(if pv { "pv" } else { "hvm" }));
    }
}

/// Adds copies of every real VM, running where the original runs.
fn copy_vms(db: &mut Db, copies: usize) {
    let real = |vm: &Record| ["is_a_template", "is_a_snapshot", "is_control_domain"].iter().all(|f| vm[*f] == false);
    // Looked up once: the tables grow while we copy.
    let originals: Vec<(Arc<Record>, Vec<Device>)> =
        db.rows("VM").filter(|(_, vm)| real(vm)).map(|(r, vm)| (vm.clone(), devices(db, r))).collect();
    for number in 1..=copies {
        for (vm, devices) in &originals {
            copy_vm(db, vm, devices, number);
        }
    }
}

/// A VBD, VIF or console with the disk behind it.
struct Device {
    class: &'static str,
    record: Arc<Record>,
    disk: Option<Arc<Record>>,
}

fn devices(db: &Db, vm: &str) -> Vec<Device> {
    let classes = ["VBD", "VIF", "console"].into_iter();
    let all = classes.flat_map(|class| db.rows(class).map(move |(_, record)| (class, record)));
    let own = all.filter(|(_, record)| record["VM"] == *vm);
    own.map(|(class, record)| {
        let disk = record.get("VDI").and_then(Value::as_str).filter(|_| record["type"] == "Disk");
        Device { class, record: record.clone(), disk: disk.and_then(|d| db.get("VDI", d).cloned()) }
    })
    .collect()
}

fn copy_vm(db: &mut Db, vm: &Record, devices: &[Device], number: usize) {
    let mut copy = fresh(vm);
    let label = vm["name_label"].as_str().unwrap_or_default();
    copy.insert("name_label", json!(format!("{label} ({number})")));
    for (set, _) in model().mirrored("VM") {
        copy.insert(set, json!([]));
    }
    for (field, class) in [("metrics", "VM_metrics"), ("guest_metrics", "VM_guest_metrics")] {
        let record = db.get(class, vm[field].as_str().unwrap_or(NULL)).map(|r| fresh(r));
        if let Some(record) = record {
            copy.insert(field, json!(put(db, class, record)));
        }
    }
    let vm = put(db, "VM", copy);
    for device in devices {
        let mut record = fresh(&device.record);
        record.insert("VM", json!(vm));
        if device.class == "VIF" {
            record.insert("MAC", json!(random_mac(db)));
        }
        if let Some(disk) = &device.disk {
            let mut disk = fresh(disk);
            for set in ["VBDs", "snapshots", "crash_dumps"] {
                disk.insert(set, json!([]));
            }
            record.insert("VDI", json!(put(db, "VDI", disk)));
        }
        put(db, device.class, record);
    }
}

/// Puts a row under a fresh reference.
fn put(db: &mut Db, class: &str, record: Record) -> String {
    let reference = db.reference();
    db.put(class, &reference, record);
    reference
}

/// The record with a uuid still to be made.
fn fresh(record: &Record) -> Record {
    let mut record = record.clone();
    record.remove("uuid");
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    fn db(name: &str, copies: usize) -> Db {
        load(&Options { dump: name.into(), copies, ..Options::default() }).unwrap()
    }

    #[test]
    fn recorded_records_stay_and_newer_fields_are_filled() {
        let recorded: Value = serde_json::from_str(BUILT_IN[0].2).unwrap();
        let db = db("single-host", 0);
        for (class, rows) in recorded.as_object().unwrap() {
            assert_eq!(db.count(class), rows.as_object().unwrap().len(), "{class}");
            for (reference, record) in rows.as_object().unwrap() {
                let loaded = db.get(class, reference).unwrap();
                for (field, value) in record.as_object().unwrap() {
                    assert_eq!(&loaded[field], value, "{class} {reference} {field}");
                }
                for (field, of) in &model().class(class).unwrap().fields {
                    assert!(of.internal || loaded.get(field).is_some(), "{class}.{field}");
                }
            }
        }
    }

    #[test]
    fn every_built_in_dump_loads() {
        for (short, stem, _) in BUILT_IN {
            assert!(db(short, 0).count("VM") > 50);
            assert_eq!(db(stem, 0).generation(), db(short, 0).generation());
        }
        let unknown = load(&Options { dump: "nonsense".into(), ..Options::default() });
        assert!(unknown.unwrap_err().to_string().contains("single-host"));
    }

    #[test]
    fn copies_are_complete_vms() {
        let (one, three) = (db("single-host", 0), db("single-host", 2));
        assert_eq!(three.count("VM"), one.count("VM") + 2 * 8);
        let (copy, record) = three.rows("VM").find(|(_, vm)| vm["name_label"] == "silver (2)").unwrap();
        let original = three.rows("VM").find(|(_, vm)| vm["name_label"] == "silver").unwrap().1;
        assert_eq!(three.list("VM", copy, "VBDs").len(), original["VBDs"].as_array().unwrap().len());
        assert!(
            three.list("host", record["resident_on"].as_str().unwrap(), "resident_VMs").contains(&copy.to_string())
        );
    }
}
