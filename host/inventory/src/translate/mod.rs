//! Records into objects, in two steps.
//!
//! `decode` reads one record by itself: everything that needs no other record goes straight into a draft of the object,
//! the rest (references, raw numbers, flags) into [`Links`]. `resolve` fills in what depends on other records; it
//! overwrites all such properties, so it can run again on its own result whenever a dependency changes.

mod activity;
mod device;
mod guest;
mod host;
mod network;
mod patch;
mod pool;
mod storage;
mod vm;
mod vulnerable;
mod xml;

use model::object::Head;
use model::{Kind, Object, ObjectId, Packed, Text};

use crate::record::Record;
use crate::table::{List, Reader, Slot, Table};
pub(crate) use activity::TaskLinks;
pub(crate) use device::{
    GpuGroupLinks, PciLinks, PgpuLinks, PusbLinks, UsbGroupLinks, VgpuLinks, VgpuTypeLinks, VtpmLinks, VusbLinks,
};
pub(crate) use guest::GuestMetrics;
pub(crate) use host::{HostLinks, Update};
pub(crate) use network::{BondLinks, NetworkLinks, PifLinks, VifLinks, is_bonded};
pub(crate) use patch::{PatchLinks, PoolPatchLinks};
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
    Bond(BondLinks),
    Certificate(Packed),
    Update(Box<Update>),
    Task(TaskLinks),
    Patch(PatchLinks),
    PoolPatch(Box<PoolPatchLinks>),
    Pci(PciLinks),
    Pgpu(Box<PgpuLinks>),
    GpuGroup(Box<GpuGroupLinks>),
    Vgpu(Box<VgpuLinks>),
    VgpuType(Box<VgpuTypeLinks>),
    Vtpm(VtpmLinks),
    Pusb(PusbLinks),
    Vusb(VusbLinks),
    UsbGroup(Box<UsbGroupLinks>),
    /// It points at nothing.
    Plain,
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
            Self::PoolPatch(patch) => missing(&[&patch.host_patches]),
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
        "Bond" => network::decode_bond(record, reader),
        "SM" => storage::decode_sm(record, reader),
        "message" => activity::decode_message(record, reader),
        "task" => activity::decode_task(record, reader),
        "host_patch" => patch::decode_patch(record, reader),
        "pool_patch" => patch::decode_pool_patch(record, reader),
        other => device::decode(other, record, reader)
            .unwrap_or_else(|| Draft { object: None, links: decode_rest(other, record, reader) }),
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
        "Certificate" => Links::Certificate(host::certificate(record)),
        "pool_update" => Links::Update(Box::new(host::decode_update(record, reader))),
        _ => Links::Plain,
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
        (Object::Bond(bond), Links::Bond(links)) => bond.master = id(table, links.master),
        (Object::Task(task), Links::Task(links)) => activity::resolve_task(table, task, links),
        (Object::Patch(patch), Links::Patch(links)) => patch::resolve_patch(table, patch, links),
        (Object::PoolPatch(patch), Links::PoolPatch(links)) => patch::resolve_pool_patch(table, slot, patch, links),
        (Object::Pci(pci), Links::Pci(links)) => links.resolve(table, pci),
        (Object::Pgpu(pgpu), Links::Pgpu(links)) => links.resolve(table, pgpu),
        (Object::GpuGroup(group), Links::GpuGroup(links)) => links.resolve(table, group),
        (Object::Vgpu(vgpu), Links::Vgpu(links)) => links.resolve(table, vgpu),
        (Object::VgpuType(vgpu_type), Links::VgpuType(links)) => links.resolve(table, vgpu_type),
        (Object::Vtpm(vtpm), Links::Vtpm(links)) => links.resolve(table, vtpm),
        (Object::Pusb(pusb), Links::Pusb(links)) => links.resolve(table, pusb),
        (Object::Vusb(vusb), Links::Vusb(links)) => links.resolve(table, vusb),
        (Object::UsbGroup(group), Links::UsbGroup(links)) => links.resolve(table, group),
        (Object::Message(_) | Object::Sm(_), Links::Plain) => {}
        _ => return None,
    }
    let head = object.head_mut();
    head.id = entry.id.clone();
    head.pool = pool.clone();
    Some(object)
}

/// Returns a head to begin with; id and pool come when the object is resolved.
fn head(kind: Kind, reader: &mut Reader<'_>) -> Head {
    let nobody = reader.id_to_come();
    Head::new(nobody.clone(), kind, nobody, reader.own_reference())
}

fn id(table: &Table, slot: Option<Slot>) -> Option<ObjectId> {
    table.id(slot?)
}
