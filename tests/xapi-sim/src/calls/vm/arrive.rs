//! A VM arrives from another pool: checked and made while it is on its way, running once it is here, gone again when it does
//! not come.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    copy, domain, leave, life,
    parcel::{Parcel, Place},
    place,
};
use crate::{
    calls::objects::{allowed, host, messages::alert, sm, vdi},
    content::Content,
    core::Core,
    db::Db,
    failure::{Failure, fail, handle_invalid},
    model::{NULL, Record, model},
    tasks::object,
};

/// What is told at the end: what the VM is doing by then, what is on its disks, and what was said about it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Delivery {
    state: String,
    contents: BTreeMap<String, Content>,
    messages: Vec<Value>,
}

impl Delivery {
    /// Collects it, where the VM still is.
    pub fn of(db: &Db, parcel: &Parcel) -> Self {
        let messages = if parcel.copy { Vec::new() } else { leave::messages(db, parcel) };
        Self {
            state: db.text("VM", &parcel.vm, "power_state").to_owned(),
            contents: parcel.disks.keys().map(|disk| (disk.clone(), db.content(disk))).collect(),
            messages: messages.iter().filter_map(|m| Some(Value::Object(db.get("message", m)?.to_map()))).collect(),
        }
    }
}

/// Would the VM find its place here?
pub fn check(db: &Db, parcel: &Parcel) -> Result<(), Failure> {
    let (vm, target) = (&*parcel.vm, &*parcel.host);
    if db.get("host", target).is_none() {
        return Err(handle_invalid("host", target));
    } else if !host::is_live(db, target) {
        return Err(fail("HOST_NOT_LIVE", []));
    } else if !db.flag("host", target, "enabled") {
        return Err(fail("HOST_DISABLED", [target]));
    }
    let uuid = parcel.own().get("uuid").and_then(Value::as_str).unwrap_or_default();
    if let Some(there) = db.by_uuid("VM", uuid).filter(|_| !parcel.copy) {
        return Err(fail("DUPLICATE_VM", [&there]));
    }
    let mut sizes: BTreeMap<String, i64> = BTreeMap::new();
    for item in parcel.of("VDI") {
        let sr = sr_of(db, parcel, &item.reference)?;
        if db.get("SR", &sr).is_none() {
            return Err(handle_invalid("SR", &sr));
        } else if !place::sees_sr(db, target, &sr) {
            return Err(fail("VM_REQUIRES_SR", [vm, &sr]));
        } else if db.text("SR", &sr, "content_type") == "iso" || !sm::has_feature(db, &sr, "VDI_CREATE") {
            return Err(fail("SR_OPERATION_NOT_SUPPORTED", [&sr]));
        }
        *sizes.entry(sr).or_default() += item.record.get("virtual_size").and_then(Value::as_i64).unwrap_or_default();
    }
    for (sr, size) in sizes {
        vdi::assert_room(db, &sr, size)?;
    }
    for network in parcel.interfaces.values() {
        if db.get("network", network).is_none() {
            return Err(handle_invalid("network", network));
        } else if !place::sees_network(db, target, network) {
            return Err(fail("VM_REQUIRES_NETWORK", [vm, network]));
        }
    }
    let (need, free) = (memory(parcel), place::free(db, target));
    if free < need {
        return Err(fail("HOST_NOT_ENOUGH_FREE_MEMORY", [&need.to_string(), &free.to_string()]));
    }
    Ok(())
}

/// Bytes that the VM takes on the host; none while it is off.
fn memory(parcel: &Parcel) -> i64 {
    let own = parcel.own();
    let on = own.get("power_state").is_some_and(|state| state == "Running" || state == "Paused");
    if on { place::need(own.get("memory_dynamic_max").and_then(Value::as_i64).unwrap_or_default()) } else { 0 }
}

/// The SR of a disk: as asked, else where memory is kept, else the pool's default.
fn sr_of(db: &Db, parcel: &Parcel, disk: &str) -> Result<String, Failure> {
    let Some(Place { sr, memory }) = parcel.disks.get(disk) else { return Err(fail("VDI_NOT_IN_MAP", [disk])) };
    let pool = |field: &str| db.text("pool", db.pool(), field).to_owned();
    let there = |sr: &String| db.get("SR", sr).is_some();
    let for_memory = || [pool("suspend_image_SR"), db.text("host", &parcel.host, "suspend_image_sr").to_owned()];
    let for_memory = memory.then(for_memory).into_iter().flatten();
    let fallback = for_memory.chain([pool("default_SR")]).find(there);
    sr.clone().or(fallback).ok_or_else(|| fail("VDI_NOT_IN_MAP", [disk]))
}

/// A VM that is made and not here yet. Dropped before it is finished, it and all of its own goes.
pub struct Arrival {
    core: Arc<Core>,
    parcel: Parcel,
    /// From the references of the pool that sends to ours.
    names: HashMap<String, String>,
    /// Memory that is kept for it on the host.
    reserved: i64,
    finished: bool,
}

impl Arrival {
    /// Makes the VM, halted, and keeps memory for it.
    pub fn prepare(core: &Arc<Core>, parcel: Parcel) -> Result<Self, Failure> {
        let reserved = memory(&parcel);
        let names = core.write(|db| {
            check(db, &parcel)?;
            place::take_memory(db, &parcel.host, reserved);
            make(db, &parcel)
        })?;
        Ok(Self { core: core.clone(), parcel, names, reserved, finished: false })
    }

    /// The reference of the VM here.
    pub fn vm(&self) -> &str {
        self.ours(&self.parcel.vm)
    }

    fn ours(&self, theirs: &str) -> &str {
        self.names.get(theirs).map_or(NULL, String::as_str)
    }

    /// The VM is here.
    pub fn finish(mut self, delivery: Delivery) -> Result<(), Failure> {
        let (vm, host) = (self.vm().to_owned(), self.parcel.host.clone());
        let on = matches!(&*delivery.state, "Running" | "Paused");
        let report = self.core.write(|db| {
            if db.get("VM", &vm).is_none() {
                return Err(handle_invalid("VM", &vm));
            } else if on && !host::is_live(db, &host) {
                return Err(fail("HOST_NOT_LIVE", []));
            }
            place::take_memory(db, &host, -self.reserved);
            for (disk, content) in &delivery.contents {
                db.set_content(self.ours(disk), content.clone());
            }
            for message in delivery.messages {
                db.insert("message", object(message));
            }
            match on {
                true => domain::boot(db, &vm, &host, &delivery.state, false),
                false => _ = db.set("VM", &vm, "power_state", delivery.state),
            }
            if !self.parcel.copy {
                alert(db, "VM_MIGRATED", &vm);
            }
            allowed::settle(db, "VM", &vm);
            let report = db.get("VM_guest_metrics", db.text("VM", &vm, "guest_metrics")).map(|r| (**r).clone());
            Ok(report.map(|report| (db.text("VM", &vm, "uuid").to_owned(), report)))
        })?;
        self.finished = true;
        // What the guest's tools say after the next start.
        self.core.tools.lock().extend(report);
        Ok(())
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        self.core.write(|db| {
            for vm in self.parcel.of("VM") {
                life::remove(db, self.ours(&vm.reference));
            }
            for disk in self.parcel.disks.keys() {
                vdi::erase(db, self.ours(disk));
            }
            place::take_memory(db, &self.parcel.host, -self.reserved);
        });
    }
}

/// Makes the objects: VMs, devices and interfaces keep their uuids, disks are new ones.
fn make(db: &mut Db, parcel: &Parcel) -> Result<HashMap<String, String>, Failure> {
    let mut places = HashMap::new();
    for item in parcel.of("VDI") {
        places.insert(item.reference.clone(), sr_of(db, parcel, &item.reference)?);
    }
    let names: HashMap<String, String> =
        parcel.items.iter().map(|item| (item.reference.clone(), db.reference())).collect();
    for item in &parcel.items {
        let mut fields = item.record.clone();
        fields.values_mut().for_each(|value| rename(value, &names));
        let mut fields = object(Value::Object(fields));
        for (set, _) in model().mirrored(&item.class) {
            fields.insert(set, json!([]));
        }
        for (field, empty) in [("current_operations", json!({})), ("allowed_operations", json!([]))] {
            if fields.get(field).is_some() {
                fields.insert(field, empty);
            }
        }
        let keeps = matches!(&*item.class, "VM" | "VBD" | "VIF" | "VTPM") && !parcel.copy;
        if !keeps {
            fields.insert("uuid", json!(""));
        }
        match &*item.class {
            "VM" => settle_vm(&mut fields, &names, item.reference == parcel.vm),
            "VDI" => settle_disk(db, &mut fields, &places[&item.reference]),
            "VBD" | "VIF" | "VTPM" => {
                let uuid = fields.get("uuid").cloned().unwrap_or_default();
                let vm = fields["VM"].as_str().unwrap_or_default().to_owned();
                copy::reset_device(&mut fields, &vm);
                fields.insert("uuid", uuid);
            }
            _ => {}
        }
        if item.class == "VBD" && fields["type"] == "CD" {
            fields.insert("VDI", json!(NULL));
            fields.insert("empty", json!(true));
        }
        if item.class == "VIF" {
            fields.insert("network", json!(parcel.interfaces.get(&item.reference).map_or(NULL, String::as_str)));
            if parcel.copy {
                fields.insert("MAC", json!(copy::random_mac(db)));
            }
        }
        db.insert_as(&item.class, &names[&item.reference], fields);
    }
    for vm in parcel.of("VM") {
        allowed::settle(db, "VM", &names[&vm.reference]);
    }
    Ok(names)
}

/// The VM is off while it is on its way; its snapshots are as they were.
fn settle_vm(fields: &mut Record, names: &HashMap<String, String>, own: bool) {
    fields.insert("domid", json!(-1));
    if own {
        fields.insert("power_state", json!("Halted"));
    }
    // A snapshot knows the VM's record as text.
    let noted = fields["snapshot_metadata"].as_str().and_then(|t| serde_json::from_str::<Map<String, Value>>(t).ok());
    if let Some(mut noted) = noted {
        noted.values_mut().for_each(|value| rename(value, names));
        fields.insert("snapshot_metadata", json!(Value::Object(noted).to_string()));
    }
}

fn settle_disk(db: &mut Db, fields: &mut Record, sr: &str) {
    let mut sm_config = fields["sm_config"].as_object().cloned().unwrap_or_default();
    sm_config.retain(|key, _| key != "vhd-parent" && !key.starts_with("host_"));
    for (field, value) in [
        ("SR", json!(sr)),
        ("location", json!(db.uuid())),
        ("sm_config", json!(sm_config)),
        ("storage_lock", json!(false)),
        ("managed", json!(true)),
    ] {
        fields.insert(field, value);
    }
    let amount = |field: &str| fields[field].as_i64().unwrap_or_default();
    vdi::account(db, sr, amount("virtual_size"), amount("physical_utilisation"));
}

/// References to what comes along are those of here, the others go.
fn rename(value: &mut Value, names: &HashMap<String, String>) {
    let leads = |value: &Value| {
        let reference = value.as_str().filter(|text| text.starts_with("OpaqueRef:"));
        reference.is_none_or(|reference| names.contains_key(reference))
    };
    match value {
        Value::String(text) if text.starts_with("OpaqueRef:") => {
            *text = names.get(text.as_str()).cloned().unwrap_or_else(|| NULL.to_owned());
        }
        Value::Array(items) => {
            items.retain(leads);
            items.iter_mut().for_each(|item| rename(item, names));
        }
        Value::Object(members) => {
            members.retain(|_, member| leads(member));
            members.values_mut().for_each(|member| rename(member, names));
        }
        _ => {}
    }
}
