//! Records into objects, in two steps.
//!
//! `decode` reads one record by itself: everything that needs no other record goes straight into a draft of the object,
//! the rest (references, raw numbers, flags) into [`Links`]. `resolve` fills in what depends on other records; it
//! overwrites all such properties, so it can run again on its own result whenever a dependency changes.

mod guest;
mod host;
mod network;
mod pool;
mod storage;
mod vm;
mod vulnerable;
mod xml;

use model::object::Head;
use model::{Kind, Object, ObjectId, Packed, Text};

use crate::record::Record;
use crate::table::{Interest, List, Reader, Slot, Table};
pub(crate) use guest::GuestMetrics;
pub(crate) use host::{HostLinks, Update};
pub(crate) use network::{NetworkLinks, PifLinks, VifLinks, is_bonded};
pub(crate) use pool::PoolLinks;
pub(crate) use storage::{PbdLinks, SrLinks, VbdLinks, VdiLinks, chain_usage, disk_host, local_host};
pub(crate) use vm::VmLinks;

/// What is kept of a record beside its object.
pub(crate) enum Links {
    Pool(PoolLinks),
    Host(Box<HostLinks>),
    Vm(Box<VmLinks>),
    Sr(SrLinks),
    Vdi(Box<VdiLinks>),
    Vbd(VbdLinks),
    Vif(VifLinks),
    Network(NetworkLinks),
    Pbd(PbdLinks),
    Pif(Box<PifLinks>),
    HostMetrics(HostMetrics),
    VmMetrics(VmMetrics),
    GuestMetrics(Box<GuestMetrics>),
    PifMetrics(PifMetrics),
    Bond(Bond),
    Certificate(Packed),
    Update(Box<Update>),
    /// Only its id matters.
    Bare,
}

/// Of a host.
pub(crate) struct HostMetrics {
    pub(crate) total: i64,
    pub(crate) free: i64,
    pub(crate) live: bool,
}

/// Of a VM, as the host sees it.
pub(crate) struct VmMetrics {
    pub(crate) memory: Option<i64>,
    pub(crate) vcpus: Option<i64>,
    pub(crate) install_time: Option<i64>,
    pub(crate) start_time: Option<i64>,
}

/// Of a PIF.
pub(crate) struct PifMetrics {
    pub(crate) device_name: Option<Text>,
    pub(crate) carrier: bool,
    pub(crate) speed: Option<i64>,
}

/// A bond of PIFs.
pub(crate) struct Bond {
    pub(crate) master: Option<Slot>,
    pub(crate) slaves: Box<[Slot]>,
}

/// A record read by itself.
pub(crate) struct Draft {
    pub(crate) object: Option<Object>,
    pub(crate) links: Links,
}

impl Links {
    pub(crate) fn is_default_template(&self) -> bool {
        match self {
            Self::Vm(vm) => vm.template.as_ref().is_some_and(|template| template.is_default),
            _ => false,
        }
    }

    pub(crate) fn has_missing_list(&self) -> bool {
        let missing = |lists: &[&List]| lists.iter().any(|list| matches!(list, List::Missing));
        match self {
            Self::Host(host) => missing(&[&host.resident_vms, &host.pifs, &host.pbds]),
            Self::Vm(vm) => missing(&[&vm.snapshots, &vm.vifs, &vm.vbds]),
            Self::Sr(sr) => missing(&[&sr.vdis, &sr.pbds]),
            Self::Vdi(vdi) => missing(&[&vdi.snapshots, &vdi.vbds]),
            Self::Network(network) => missing(&[&network.pifs, &network.vifs]),
            Self::Pif(pif) => missing(&[&pif.bond_master_of]),
            _ => false,
        }
    }
}

/// Reads a record by itself.
pub(crate) fn decode(class: &str, record: Record<'_>, reader: &mut Reader<'_>) -> Draft {
    match class {
        "pool" => pool::decode(record, reader),
        "host" => host::decode(record, reader),
        "VM" => vm::decode(record, reader),
        "SR" => storage::decode_sr(record, reader),
        "VDI" => storage::decode_vdi(record, reader),
        "VBD" => storage::decode_vbd(record, reader),
        "PBD" => storage::decode_pbd(record, reader),
        "VIF" => network::decode_vif(record, reader),
        "network" => network::decode_network(record, reader),
        "PIF" => network::decode_pif(record, reader),
        other => Draft { object: None, links: decode_rest(other, record, reader) },
    }
}

fn decode_rest(class: &str, record: Record<'_>, reader: &mut Reader<'_>) -> Links {
    match class {
        "host_metrics" => Links::HostMetrics(HostMetrics {
            total: record.int("memory_total"),
            free: record.int("memory_free"),
            live: record.bool("live"),
        }),
        "VM_metrics" => Links::VmMetrics(VmMetrics {
            memory: record.opt_int("memory_actual"),
            vcpus: record.opt_int("VCPUs_number"),
            install_time: record.opt_str("install_time").and_then(crate::record::seconds),
            start_time: record.opt_str("start_time").and_then(crate::record::seconds),
        }),
        "VM_guest_metrics" => Links::GuestMetrics(Box::new(guest::decode(record, reader))),
        "PIF_metrics" => Links::PifMetrics(PifMetrics {
            device_name: reader.opt_text(record.opt_str("device_name")),
            carrier: record.bool("carrier"),
            speed: record.opt_int("speed"),
        }),
        "Bond" => Links::Bond(Bond {
            master: reader.watch(record.reference("master"), Interest::Id),
            slaves: reader.watch_all(record.list("slaves"), Interest::Id),
        }),
        "Certificate" => Links::Certificate(host::certificate(record)),
        "pool_update" => Links::Update(Box::new(host::decode_update(record, reader))),
        _ => Links::Bare,
    }
}

/// Makes the object of a record from its draft and the present state of what it depends on.
pub(crate) fn resolve(table: &Table, slot: Slot) -> Option<Object> {
    let entry = table.entry(slot)?;
    let pool = table.pool_id()?;
    let mut object = table.draft(slot)?.clone();
    match (&mut object, &entry.links) {
        (Object::Pool(pool), Links::Pool(links)) => pool::resolve(table, pool, links),
        (Object::Host(host), Links::Host(links)) => host::resolve(table, slot, host, links),
        (Object::Vm(vm), Links::Vm(links)) => vm::resolve(table, slot, vm, links),
        (Object::Sr(sr), Links::Sr(links)) => storage::resolve_sr(table, slot, sr, links),
        (Object::Vdi(vdi), Links::Vdi(links)) => storage::resolve_vdi(table, slot, vdi, links),
        (Object::Vbd(vbd), Links::Vbd(links)) => storage::resolve_vbd(table, vbd, links),
        (Object::Pbd(pbd), Links::Pbd(links)) => storage::resolve_pbd(table, pbd, links),
        (Object::Vif(vif), Links::Vif(links)) => network::resolve_vif(table, vif, links),
        (Object::Network(network), Links::Network(links)) => network::resolve_network(table, slot, network, links),
        (Object::Pif(pif), Links::Pif(links)) => network::resolve_pif(table, slot, pif, links),
        _ => return None,
    }
    let head = head_of(&mut object);
    head.id = entry.id.clone();
    head.pool = pool.clone();
    Some(object)
}

fn head_of(object: &mut Object) -> &mut Head {
    match object {
        Object::Pool(inner) => &mut inner.head,
        Object::Host(inner) => &mut inner.head,
        Object::Vm(inner) => &mut inner.head,
        Object::Sr(inner) => &mut inner.head,
        Object::Vdi(inner) => &mut inner.head,
        Object::Vbd(inner) => &mut inner.head,
        Object::Vif(inner) => &mut inner.head,
        Object::Network(inner) => &mut inner.head,
        Object::Pbd(inner) => &mut inner.head,
        Object::Pif(inner) => &mut inner.head,
    }
}

/// Returns a head to begin with; id and pool come when the object is resolved.
fn head(kind: Kind, reader: &mut Reader<'_>) -> Head {
    let nobody = reader.id_to_come();
    Head::new(nobody.clone(), kind, nobody, reader.own_reference())
}

fn id(table: &Table, slot: Option<Slot>) -> Option<ObjectId> {
    table.id(slot?)
}
