//! A VM on its way to another pool: its records and those of its snapshots, where its disks and its interfaces go.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{check::check_as, migrate::Send};
use crate::{
    db::Db,
    failure::{Failure, fail, handle_invalid},
};

/// What the pools tell each other. References are those of the pool that sends; the target's are SRs, networks and the host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Parcel {
    pub vm: String,
    pub host: String,
    /// The original stays: whatever arrives has a new identity.
    pub copy: bool,
    pub items: Vec<Item>,
    /// The disks.
    pub disks: BTreeMap<String, Place>,
    /// Interface to network.
    pub interfaces: BTreeMap<String, String>,
}

/// A record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Item {
    pub class: String,
    pub reference: String,
    pub record: Map<String, Value>,
}

/// Where a disk goes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Place {
    /// The target's SR; `None` leaves it to the target.
    pub sr: Option<String>,
    /// It holds the memory of a suspended VM.
    pub memory: bool,
}

impl Parcel {
    /// Packs a VM, after all that can be checked without the other pool.
    pub fn pack(db: &Db, vm: &str, request: &Send) -> Result<Self, Failure> {
        check_as(db, vm, "migrate_send", request.strict)?;
        let state = db.text("VM", vm, "power_state");
        if request.copy && state != "Halted" {
            return Err(fail("VM_BAD_POWER_STATE", [vm, "halted", &state.to_lowercase()]));
        }
        let mut parcel = Self {
            vm: vm.to_owned(),
            host: request.host.clone(),
            copy: request.copy,
            items: Vec::new(),
            disks: BTreeMap::new(),
            interfaces: BTreeMap::new(),
        };
        let named = request.disks.keys().map(|disk| ("VDI", disk));
        for (class, object) in named.chain(request.interfaces.keys().map(|vif| ("VIF", vif))) {
            if db.get(class, object).is_none() {
                return Err(handle_invalid(class, object));
            }
        }
        let all: Vec<String> = std::iter::once(vm.to_owned()).chain(db.list("VM", vm, "snapshots")).collect();
        for one in &all {
            parcel.add(db, "VM", one);
            for (class, field) in [("VM_metrics", "metrics"), ("VM_guest_metrics", "guest_metrics")] {
                parcel.add(db, class, db.text("VM", one, field));
            }
            for (class, set) in [("VBD", "VBDs"), ("VIF", "VIFs"), ("VTPM", "VTPMs")] {
                db.list("VM", one, set).iter().for_each(|device| parcel.add(db, class, device));
            }
            for vbd in db.list("VM", one, "VBDs") {
                // What is in a CD drive stays where it is.
                if db.text("VBD", &vbd, "type") != "CD" {
                    parcel.add_disk(db, db.text("VBD", &vbd, "VDI"), request, one == vm)?;
                }
            }
            for vif in db.list("VM", one, "VIFs") {
                let network = network_of(db, &vif, request).ok_or_else(|| fail("VIF_NOT_IN_MAP", [&vif]))?;
                parcel.interfaces.insert(vif, network);
            }
            let memory = db.text("VM", one, "suspend_VDI");
            if db.get("VDI", memory).is_some() {
                let sr = request.disks.get(memory).cloned();
                parcel.add(db, "VDI", memory);
                parcel.disks.insert(memory.to_owned(), Place { sr, memory: true });
            }
        }
        Ok(parcel)
    }

    fn add(&mut self, db: &Db, class: &str, reference: &str) {
        let known = self.items.iter().any(|item| item.reference == reference);
        if let Some(record) = db.get(class, reference).filter(|_| !known) {
            let item = Item { class: class.to_owned(), reference: reference.to_owned(), record: record.to_map() };
            self.items.push(item);
        }
    }

    /// Disks of the VM itself must be in the map; those of its snapshots go where the disk goes that they are of.
    fn add_disk(&mut self, db: &Db, disk: &str, request: &Send, must: bool) -> Result<(), Failure> {
        if db.get("VDI", disk).is_none() {
            return Ok(());
        }
        let asked = request.disks.get(disk);
        let sr = match must {
            true => Some(asked.ok_or_else(|| fail("VDI_NOT_IN_MAP", [disk]))?.clone()),
            false => asked.or_else(|| request.disks.get(db.text("VDI", disk, "snapshot_of"))).cloned(),
        };
        if must && db.text("VDI", disk, "on_boot") == "reset" {
            return Err(fail("VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION", []));
        }
        if must && db.flag("VDI", disk, "cbt_enabled") {
            return Err(fail("VDI_CBT_ENABLED", [disk]));
        }
        self.add(db, "VDI", disk);
        self.disks.insert(disk.to_owned(), Place { sr, memory: false });
        Ok(())
    }

    /// The records of a class.
    pub fn of<'a>(&'a self, class: &'a str) -> impl Iterator<Item = &'a Item> {
        self.items.iter().filter(move |item| item.class == class)
    }

    /// The record of the VM itself.
    pub fn own(&self) -> &Map<String, Value> {
        static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
        self.items.iter().find(|item| item.reference == self.vm).map_or(&NONE, |item| &item.record)
    }
}

/// The network of the map; an interface with the same address as one of the map, as snapshots have, goes where that goes.
fn network_of(db: &Db, vif: &str, request: &Send) -> Option<String> {
    let address = db.text("VIF", vif, "MAC");
    let alike = || request.interfaces.iter().find(|(other, _)| db.text("VIF", other, "MAC") == address);
    request.interfaces.get(vif).or_else(|| alike().map(|(_, network)| network)).cloned()
}
