//! VMs that come and go: create, clone, copy, snapshot, provision, destroy.

use serde_json::{Value, json};

use super::{check::recompute, operate::operate, power::alert};
use crate::{
    clock,
    core::Ctx,
    db::Db,
    failure::{Failure, fail},
    model::{NULL, Record, model},
};

/// What a copy becomes.
enum Kind {
    Clone,
    Snapshot,
}

/// `VM.clone`: disks on the same SR.
pub async fn clone(ctx: &Ctx, vm: &str, name: &str) -> Result<Value, Failure> {
    operate(
        ctx,
        vm,
        "clone",
        |_| Ok(()),
        |db, ()| {
            let new = duplicate(db, vm, name, &Kind::Clone, None);
            alert(db, "VM_CLONED", &new);
            Ok(json!(new))
        },
    )
    .await
}

/// `VM.copy`: the same, disks on the given SR.
pub async fn copy(ctx: &Ctx, vm: &str, name: &str, sr: &str) -> Result<Value, Failure> {
    if ctx.core.read(|db| db.text("SR", sr, "content_type") == "iso") {
        return Err(fail("OPERATION_NOT_ALLOWED", ["an ISO SR takes no disks"]));
    }
    let sr = (sr != NULL).then_some(sr);
    operate(ctx, vm, "copy", |_| Ok(()), |db, ()| Ok(json!(duplicate(db, vm, name, &Kind::Clone, sr)))).await
}

/// `VM.snapshot`.
pub async fn snapshot(ctx: &Ctx, vm: &str, name: &str) -> Result<Value, Failure> {
    operate(
        ctx,
        vm,
        "snapshot",
        |_| Ok(()),
        |db, ()| {
            let new = duplicate(db, vm, name, &Kind::Snapshot, None);
            let parent = db.text("VM", vm, "parent").to_owned();
            db.set("VM", &new, "parent", parent);
            db.set("VM", vm, "parent", new.clone());
            alert(db, "VM_SNAPSHOTTED", vm);
            Ok(json!(new))
        },
    )
    .await
}

/// Makes a new VM from an old one, with its disks and interfaces.
fn duplicate(db: &mut Db, vm: &str, name: &str, kind: &Kind, sr: Option<&str>) -> String {
    let source = db.get("VM", vm).map(|r| (**r).clone()).unwrap_or_default();
    let mut new = source.clone();
    let mut put = |field: &str, value: Value| new.insert(field.to_owned(), value);
    let metrics = duplicate_record(db, "VM_metrics", source["metrics"].as_str());
    let guest = duplicate_record(db, "VM_guest_metrics", source["guest_metrics"].as_str());
    put("uuid", json!(""));
    put("name_label", json!(name));
    put("metrics", json!(metrics));
    put("guest_metrics", json!(guest));
    put("power_state", json!("Halted"));
    put("domid", json!(-1));
    for field in ["resident_on", "scheduled_to_be_resident_on", "parent", "appliance", "suspend_VDI", "snapshot_of"] {
        put(field, json!(NULL));
    }
    for field in model().class("VM").into_iter().flat_map(|_| model().mirrored("VM")).map(|(set, _)| set) {
        put(field, json!([]));
    }
    put("current_operations", json!({}));
    put("is_default_template", json!(false));
    put("ha_always_run", json!(false));
    let mut other = source["other_config"].as_object().cloned().unwrap_or_default();
    match kind {
        Kind::Clone => {
            other.remove("default_template");
            other.remove("xensource_internal");
            other.insert("mac_seed".to_owned(), json!(db.uuid()));
            if source["is_a_template"] == true && !other.contains_key("base_template_name") {
                other.insert("base_template_name".to_owned(), source["name_label"].clone());
            }
        }
        Kind::Snapshot => {
            put("is_a_template", json!(true));
            put("is_a_snapshot", json!(true));
            put("snapshot_of", json!(vm));
            put("snapshot_time", json!(clock::now()));
            let info = json!({
                "power-state-at-snapshot": source["power_state"], "disk-snapshot-type": "crash_consistent",
            });
            put("snapshot_info", info);
        }
    }
    put("other_config", Value::Object(other));
    let new = db.insert("VM", new);
    for vbd in references(&source, "VBDs") {
        duplicate_disk(db, &vbd, &new, kind, sr);
    }
    for vif in references(&source, "VIFs") {
        let Some(mut record) = db.get("VIF", &vif).map(|r| (**r).clone()) else { continue };
        if matches!(kind, Kind::Clone) {
            record.insert("MAC".to_owned(), json!(random_mac(db)));
        }
        reset_device(&mut record, &new);
        db.insert("VIF", record);
    }
    recompute(db, &new);
    new
}

/// Disks are copied, CDs are shared.
fn duplicate_disk(db: &mut Db, vbd: &str, vm: &str, kind: &Kind, sr: Option<&str>) {
    let Some(mut record) = db.get("VBD", vbd).map(|r| (**r).clone()) else { return };
    let disk = record["VDI"].as_str().unwrap_or_default().to_owned();
    if record["type"] != "CD"
        && let Some(mut copy) = db.get("VDI", &disk).map(|r| (**r).clone())
    {
        copy.insert("uuid".to_owned(), json!(""));
        copy.insert("location".to_owned(), json!(db.uuid()));
        copy.insert("current_operations".to_owned(), json!({}));
        for set in ["VBDs", "snapshots", "crash_dumps"] {
            copy.insert(set.to_owned(), json!([]));
        }
        if let Some(sr) = sr {
            copy.insert("SR".to_owned(), json!(sr));
        }
        let snapshot = matches!(kind, Kind::Snapshot);
        copy.insert("is_a_snapshot".to_owned(), json!(snapshot));
        copy.insert("snapshot_of".to_owned(), json!(if snapshot { disk.as_str() } else { NULL }));
        if snapshot {
            copy.insert("snapshot_time".to_owned(), json!(clock::now()));
        }
        let copy = db.insert("VDI", copy);
        record.insert("VDI".to_owned(), json!(copy));
        if let Some(Value::Object(other)) = record.get_mut("other_config") {
            other.insert("owner".to_owned(), json!(""));
        }
    }
    reset_device(&mut record, vm);
    db.insert("VBD", record);
}

fn reset_device(record: &mut Record, vm: &str) {
    for (field, value) in [
        ("uuid", json!("")),
        ("VM", json!(vm)),
        ("currently_attached", json!(false)),
        ("current_operations", json!({})),
        ("allowed_operations", json!(["attach"])),
    ] {
        record.insert(field.to_owned(), value);
    }
}

fn duplicate_record(db: &mut Db, class: &str, reference: Option<&str>) -> String {
    match db.get(class, reference.unwrap_or(NULL)).map(|r| (**r).clone()) {
        Some(mut record) => {
            record.insert("uuid".to_owned(), json!(""));
            db.insert(class, record)
        }
        None => NULL.to_owned(),
    }
}

fn references(record: &Record, field: &str) -> Vec<String> {
    record
        .get(field)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|v| v.as_str().map(str::to_owned))
        .collect()
}

/// Locally administered, unicast.
pub fn random_mac(db: &mut Db) -> String {
    let mut bytes: [u8; 6] = db.bytes();
    bytes[0] = (bytes[0] & 0xfc) | 0x02;
    bytes.map(|b| format!("{b:02x}")).join(":")
}

/// `VM.create(record)`: a Halted VM with metrics of its own.
pub fn create(ctx: &Ctx, record: Value) -> Result<Value, Failure> {
    let Value::Object(mut fields) = record else { return Err(fail("FIELD_TYPE_ERROR", ["args"])) };
    let constructor = model().class("VM").and_then(|c| c.constructor.as_ref());
    if let Some(missing) = constructor.into_iter().flatten().find(|m| !fields.contains_key(*m)) {
        return Err(fail("FIELD_TYPE_ERROR", [missing]));
    }
    Ok(ctx.core.write(|db| {
        if fields.get("power_state").is_none_or(|s| s != "Suspended") {
            fields.insert("power_state".to_owned(), json!("Halted"));
        }
        let metrics = db.insert("VM_metrics", Record::new());
        fields.insert("metrics".to_owned(), json!(metrics));
        fields.insert("domid".to_owned(), json!(-1));
        let mut other = fields.get("other_config").and_then(Value::as_object).cloned().unwrap_or_default();
        other.insert("mac_seed".to_owned(), json!(db.uuid()));
        fields.insert("other_config".to_owned(), Value::Object(other));
        let vm = db.insert("VM", fields);
        recompute(db, &vm);
        json!(vm)
    }))
}

/// `VM.provision`: a template's copy becomes a VM. Disks are made from the `disks` entry only as far as tests need: none.
pub async fn provision(ctx: &Ctx, vm: &str) -> Result<(), Failure> {
    operate(
        ctx,
        vm,
        "provision",
        |_| Ok(()),
        |db, ()| {
            db.set("VM", vm, "is_a_template", false);
            db.set_entry("VM", vm, "other_config", "disks", None);
            let metrics = db.text("VM", vm, "metrics").to_owned();
            db.set("VM_metrics", &metrics, "install_time", clock::now());
            Ok(())
        },
    )
    .await
}

/// `VM.destroy`: the disks stay, everything else of the VM goes.
pub async fn destroy(ctx: &Ctx, vm: &str) -> Result<(), Failure> {
    operate(
        ctx,
        vm,
        "destroy",
        |_| Ok(()),
        |db, ()| {
            let parent = db.text("VM", vm, "parent").to_owned();
            for child in db.list("VM", vm, "children") {
                db.set("VM", &child, "parent", parent.clone());
            }
            for (class, set) in [
                ("VBD", "VBDs"),
                ("VIF", "VIFs"),
                ("VGPU", "VGPUs"),
                ("VTPM", "VTPMs"),
                ("VUSB", "VUSBs"),
                ("console", "consoles"),
            ] {
                for device in db.list("VM", vm, set) {
                    db.remove(class, &device);
                }
            }
            let (metrics, guest) =
                (db.text("VM", vm, "metrics").to_owned(), db.text("VM", vm, "guest_metrics").to_owned());
            db.remove("VM_metrics", &metrics);
            db.remove("VM_guest_metrics", &guest);
            db.remove("VM", vm);
            Ok(())
        },
    )
    .await
}
