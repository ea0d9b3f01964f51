//! VMs made from other VMs: clone, copy, and the copying that snapshots share.

use serde_json::{Value, json};

use super::operate::{nothing, operate};
use crate::{
    calls::objects::{allowed, messages::alert, sm, vdi},
    clock,
    core::Ctx,
    db::Db,
    failure::{Failure, fail, handle_invalid},
    model::{NEVER, NULL, Record, model},
};

/// What a copy becomes.
pub enum Kind<'a> {
    /// Disks cloned on their SRs.
    Clone,
    /// Disks copied in full, to this SR when there is one.
    Copy(Option<&'a str>),
    Snapshot,
    /// A snapshot with the memory of a suspended VM.
    Checkpoint,
}

impl Kind<'_> {
    pub fn is_snapshot(&self) -> bool {
        matches!(self, Self::Snapshot | Self::Checkpoint)
    }
}

/// `VM.clone`, and `VM.csvm` of a suspended VM: disks on the same SR.
pub async fn clone(ctx: &Ctx, vm: &str, name: &str, operation: &str) -> Result<Value, Failure> {
    let effect = |db: &mut Db, ()| {
        let new = duplicate(db, vm, name, &Kind::Clone, &[]);
        alert(db, "VM_CLONED", vm);
        Ok(json!(new))
    };
    operate(ctx, vm, operation, nothing, effect).await
}

/// `VM.copy`: the same, disks in full on the given SR.
pub async fn copy(ctx: &Ctx, vm: &str, name: &str, sr: &str) -> Result<Value, Failure> {
    let sr = (sr != NULL).then_some(sr);
    let prepare = |db: &mut Db, _: &mut _| {
        let Some(sr) = sr else { return Ok(()) };
        if db.get("SR", sr).is_none() {
            return Err(handle_invalid("SR", sr));
        }
        if db.text("SR", sr, "content_type") == "iso" {
            return Err(fail("OPERATION_NOT_ALLOWED", ["an ISO SR takes no disks"]));
        }
        if !sm::has_feature(db, sr, "VDI_CREATE") {
            return Err(fail("SR_OPERATION_NOT_SUPPORTED", [sr]));
        }
        let disks = db.list("VM", vm, "VBDs").into_iter().filter(|vbd| db.text("VBD", vbd, "type") == "Disk");
        let sizes = disks.map(|vbd| db.int("VDI", db.text("VBD", &vbd, "VDI"), "virtual_size"));
        vdi::assert_room(db, sr, sizes.sum())
    };
    let effect = |db: &mut Db, ()| {
        let new = duplicate(db, vm, name, &Kind::Copy(sr), &[]);
        alert(db, "VM_CLONED", vm);
        Ok(json!(new))
    };
    operate(ctx, vm, "copy", prepare, effect).await
}

/// Makes a new VM from an old one, with its disks (but for those left out) and interfaces.
pub fn duplicate(db: &mut Db, vm: &str, name: &str, kind: &Kind<'_>, without: &[String]) -> String {
    let source = db.get("VM", vm).map(|r| (**r).clone()).unwrap_or_default();
    let mut new = source.clone();
    let mut put = |field: &str, value: Value| new.insert(field, value);
    let metrics = duplicate_record(db, "VM_metrics", source["metrics"].as_str());
    let guest = duplicate_record(db, "VM_guest_metrics", source["guest_metrics"].as_str());
    db.set("VM_metrics", &metrics, "current_domain_type", "unspecified");
    put("uuid", json!(""));
    put("name_label", json!(name));
    put("metrics", json!(metrics));
    put("guest_metrics", json!(guest));
    put("domid", json!(-1));
    for field in ["resident_on", "scheduled_to_be_resident_on", "parent", "appliance", "suspend_VDI", "snapshot_of"] {
        put(field, json!(NULL));
    }
    for (set, _) in model().mirrored("VM") {
        put(set, json!([]));
    }
    for (field, _) in model().mirrors("VM").filter(|(f, _)| *f == "attached_PCIs") {
        put(field, json!([]));
    }
    put("current_operations", json!({}));
    put("is_default_template", json!(false));
    put("ha_always_run", json!(false));
    let mut other = source["other_config"].as_object().cloned().unwrap_or_default();
    let memory = if kind.is_snapshot() {
        put("is_a_template", json!(true));
        put("is_a_snapshot", json!(true));
        put("snapshot_of", json!(vm));
        put("snapshot_time", json!(clock::now()));
        put("snapshot_metadata", json!(super::snapshot::dump(&source)));
        let info = json!({
            "power-state-at-snapshot": source["power_state"], "disk-snapshot-type": "crash_consistent",
        });
        put("snapshot_info", info);
        matches!(kind, Kind::Checkpoint)
    } else {
        other.remove("default_template");
        other.remove("xensource_internal");
        other.insert("mac_seed".to_owned(), json!(db.uuid()));
        // The base is a template; a snapshot is one only in name.
        let template = source["is_a_template"] == true && source["is_a_snapshot"] == false;
        if template && !other.contains_key("base_template_name") {
            other.insert("base_template_name".to_owned(), source["name_label"].clone());
        }
        // What was a snapshot is a plain template in its copy.
        for (field, value) in [
            ("is_a_snapshot", json!(false)),
            ("snapshot_time", json!(NEVER)),
            ("snapshot_info", json!({})),
            ("snapshot_metadata", json!("")),
        ] {
            put(field, value);
        }
        if source["generation_id"].as_str().is_some_and(|id| !matches!(id, "" | "0:0")) {
            put("generation_id", json!(generation_id(db)));
        }
        true
    };
    let suspended = memory && source["power_state"] == "Suspended";
    put("power_state", json!(if suspended { "Suspended" } else { "Halted" }));
    put("other_config", Value::Object(other));
    let new = db.insert("VM", new);
    if suspended {
        let memory = source["suspend_VDI"].as_str().unwrap_or_default();
        if db.get("VDI", memory).is_some() {
            let copy = vdi::duplicate(db, memory, &vdi::Kind::Clone);
            db.set("VM", &new, "suspend_VDI", copy);
        }
    }
    for vbd in references(&source, "VBDs") {
        if !without.iter().any(|disk| disk == db.text("VBD", &vbd, "VDI")) {
            duplicate_disk(db, &vbd, &new, kind);
        }
    }
    for vif in references(&source, "VIFs") {
        duplicate_interface(db, &vif, &new, !kind.is_snapshot());
    }
    for (class, set) in [("VGPU", "VGPUs"), ("VTPM", "VTPMs")] {
        for device in references(&source, set) {
            let Some(mut record) = db.get(class, &device).map(|r| (**r).clone()) else { continue };
            reset_device(&mut record, &new);
            db.insert(class, record);
        }
    }
    allowed::settle(db, "VM", &new);
    new
}

/// Disks are copied, CDs are shared.
fn duplicate_disk(db: &mut Db, vbd: &str, vm: &str, kind: &Kind<'_>) {
    let Some(mut record) = db.get("VBD", vbd).map(|r| (**r).clone()) else { return };
    let disk = record["VDI"].as_str().unwrap_or_default().to_owned();
    if record["type"] != "CD" && db.get("VDI", &disk).is_some() {
        let own = db.text("VDI", &disk, "SR").to_owned();
        let copy = match kind {
            Kind::Copy(sr) => vdi::Kind::Full(sr.unwrap_or(&own)),
            Kind::Clone => vdi::Kind::Clone,
            Kind::Snapshot | Kind::Checkpoint => vdi::Kind::Snapshot,
        };
        let copy = vdi::duplicate(db, &disk, &copy);
        record.insert("VDI", json!(copy));
        if let Some(Value::Object(other)) = record.get_mut("other_config") {
            other.insert("owner".to_owned(), json!(""));
        }
    }
    reset_device(&mut record, vm);
    db.insert("VBD", record);
}

/// The interface again on another VM, with a new address when asked.
pub fn duplicate_interface(db: &mut Db, vif: &str, vm: &str, new_address: bool) {
    let Some(mut record) = db.get("VIF", vif).map(|r| (**r).clone()) else { return };
    if new_address {
        record.insert("MAC", json!(random_mac(db)));
    }
    reset_device(&mut record, vm);
    db.insert("VIF", record);
}

/// Makes a device's record one of this VM, as if it had never been plugged.
pub fn reset_device(record: &mut Record, vm: &str) {
    for (field, value) in [
        ("uuid", json!("")),
        ("VM", json!(vm)),
        ("currently_attached", json!(false)),
        ("reserved", json!(false)),
        ("current_operations", json!({})),
        ("allowed_operations", json!([])),
        ("resident_on", json!(NULL)),
        ("scheduled_to_be_resident_on", json!(NULL)),
    ] {
        if record.get(field).is_some() {
            record.insert(field, value);
        }
    }
}

fn duplicate_record(db: &mut Db, class: &str, reference: Option<&str>) -> String {
    match db.get(class, reference.unwrap_or(NULL)).map(|r| (**r).clone()) {
        Some(mut record) => {
            record.insert("uuid", json!(""));
            db.insert(class, record)
        }
        None => NULL.to_owned(),
    }
}

fn references(record: &Record, field: &str) -> Vec<String> {
    let items = record.get(field).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

/// Locally administered, unicast.
pub fn random_mac(db: &mut Db) -> String {
    let mut bytes: [u8; 6] = db.bytes();
    bytes[0] = (bytes[0] & 0xfc) | 0x02;
    bytes.map(|b| format!("{b:02x}")).join(":")
}

/// Two numbers of 64 bits.
fn generation_id(db: &mut Db) -> String {
    let [a, b]: [i64; 2] = std::array::from_fn(|_| i64::from_be_bytes(db.bytes()));
    format!("{a}:{b}")
}
