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

use std::hash::{Hash, Hasher};

use model::object::Head;
use model::{Kind, Object, ObjectId, Packed, Text};

use crate::reader::Reader;
use crate::record::Record;
use crate::slot::{List, Slot};
use crate::table::Table;
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

/// What is kept of a record beside its object; small, because there is one for each record.
pub(crate) enum Links {
    Pool(Box<PoolLinks>),
    Host(Box<HostLinks>),
    Vm(Box<VmLinks>),
    Sr(Box<SrLinks>),
    Vdi(Box<VdiLinks>),
    Vbd(VbdLinks),
    Vif(VifLinks),
    Network(Box<NetworkLinks>),
    Pbd(Box<PbdLinks>),
    Pif(Box<PifLinks>),
    HostMetrics(Box<HostMetrics>),
    VmMetrics(Box<VmMetrics>),
    GuestMetrics(Box<GuestMetrics>),
    PifMetrics(Box<PifMetrics>),
    Bond(BondLinks),
    Certificate(Box<Packed>),
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
#[derive(Hash)]
pub(crate) struct HostMetrics {
    pub(crate) total: i64,
    pub(crate) free: i64,
    pub(crate) live: bool,
}

/// Of a VM, as the host sees it.
#[derive(Hash)]
pub(crate) struct VmMetrics {
    pub(crate) memory: Option<i64>,
    pub(crate) vcpus: Option<i64>,
    pub(crate) install_time: Option<i64>,
    pub(crate) start_time: Option<i64>,
}

/// Of a PIF.
#[derive(Hash)]
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
        let missing = |lists: &[List]| lists.iter().any(|list| list.is_missing());
        match self {
            Self::Host(host) => missing(&[host.resident_vms, host.pifs, host.pbds]),
            Self::Vm(vm) => missing(&[vm.snapshots, vm.vifs, vm.vbds]),
            Self::Sr(sr) => missing(&[sr.vdis, sr.pbds]),
            Self::Vdi(vdi) => missing(&[vdi.snapshots, vdi.vbds]),
            Self::Network(network) => missing(&[network.pifs, network.vifs]),
            Self::Pif(pif) => missing(&[pif.bond_master_of]),
            Self::PoolPatch(patch) => missing(&[patch.host_patches]),
            _ => false,
        }
    }
}

impl Links {
    /// Hashes what others read of the record beside its id.
    pub(crate) fn facet<H: Hasher>(&self, table: &Table, slot: Slot, hasher: &mut H) {
        match self {
            Self::Host(host) => (&host.platform_version, &host.name_label).hash(hasher),
            Self::Pbd(pbd) => (pbd.host.map(|host| table.id(host)), &pbd.provisioning).hash(hasher),
            Self::Sr(_) => local_host(table, slot).hash(hasher),
            Self::Vdi(vdi) => {
                (chain_usage(table, slot), vdi.sr.and_then(|sr| local_host(table, sr))).hash(hasher);
                vdi.sr.and_then(|sr| table.id(sr)).hash(hasher);
            }
            Self::Vbd(_) => disk_host(table, slot).hash(hasher),
            Self::Pif(pif) => is_bonded(table, slot, pif).hash(hasher),
            Self::Bond(bond) => {
                bond.master.map(|master| table.id(master)).hash(hasher);
                table.given(slot, bond.slaves).for_each(|slave| table.id(slave).hash(hasher));
            }
            Self::Update(update) => (update, update.ids(table, slot)).hash(hasher),
            Self::HostMetrics(metrics) => metrics.hash(hasher),
            Self::VmMetrics(metrics) => metrics.hash(hasher),
            Self::GuestMetrics(metrics) => metrics.hash(hasher),
            Self::PifMetrics(metrics) => metrics.hash(hasher),
            Self::Certificate(certificate) => certificate.hash(hasher),
            Self::PoolPatch(patch) => patch.hash(hasher),
            // Nobody reads these but for their ids.
            Self::Pool(_)
            | Self::Vm(_)
            | Self::Vif(_)
            | Self::Network(_)
            | Self::Task(_)
            | Self::Patch(_)
            | Self::Pci(_)
            | Self::Pgpu(_)
            | Self::GpuGroup(_)
            | Self::Vgpu(_)
            | Self::VgpuType(_)
            | Self::Vtpm(_)
            | Self::Pusb(_)
            | Self::Vusb(_)
            | Self::UsbGroup(_)
            | Self::Plain => {}
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
        "host_metrics" => Links::HostMetrics(Box::new(HostMetrics {
            total: record.int("memory_total"),
            free: record.int("memory_free"),
            live: record.bool("live"),
        })),
        "VM_metrics" => Links::VmMetrics(Box::new(VmMetrics {
            memory: record.opt_int("memory_actual"),
            vcpus: record.opt_int("VCPUs_number"),
            install_time: record.opt_str("install_time").and_then(crate::record::seconds),
            start_time: record.opt_str("start_time").and_then(crate::record::seconds),
        })),
        "VM_guest_metrics" => Links::GuestMetrics(Box::new(guest::decode(record, reader))),
        "PIF_metrics" => Links::PifMetrics(Box::new(PifMetrics {
            device_name: reader.opt_text(record.opt_str("device_name")),
            carrier: record.bool("carrier"),
            speed: record.opt_int("speed"),
        })),
        "Certificate" => Links::Certificate(Box::new(host::certificate(record))),
        "pool_update" => Links::Update(Box::new(host::decode_update(record, reader))),
        _ => Links::Plain,
    }
}

/// Completes the object of a record with the present state of what it depends on.
pub(crate) fn resolve(table: &Table, slot: Slot, object: &mut Object) {
    let (Some(entry), Some(pool)) = (table.entry(slot), table.pool_id()) else { return };
    match (&mut *object, &entry.links) {
        (Object::Pool(pool), Links::Pool(links)) => pool::resolve(table, slot, pool, links),
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
        (Object::Pci(pci), Links::Pci(links)) => links.resolve(table, slot, pci),
        (Object::Pgpu(pgpu), Links::Pgpu(links)) => links.resolve(table, slot, pgpu),
        (Object::GpuGroup(group), Links::GpuGroup(links)) => links.resolve(table, slot, group),
        (Object::Vgpu(vgpu), Links::Vgpu(links)) => links.resolve(table, slot, vgpu),
        (Object::VgpuType(vgpu_type), Links::VgpuType(links)) => links.resolve(table, slot, vgpu_type),
        (Object::Vtpm(vtpm), Links::Vtpm(links)) => links.resolve(table, slot, vtpm),
        (Object::Pusb(pusb), Links::Pusb(links)) => links.resolve(table, slot, pusb),
        (Object::Vusb(vusb), Links::Vusb(links)) => links.resolve(table, slot, vusb),
        (Object::UsbGroup(group), Links::UsbGroup(links)) => links.resolve(table, slot, group),
        (Object::Message(_) | Object::Sm(_), Links::Plain) => {}
        // The class decides over both.
        _ => {}
    }
    let head = object.head_mut();
    head.id = entry.id.clone();
    head.pool = pool.clone();
}

/// Returns a head to begin with; id and pool come when the object is resolved.
fn head(kind: Kind, reader: &mut Reader<'_>) -> Head {
    Head::new(ObjectId::default(), kind, ObjectId::default(), reader.own_reference())
}

fn id(table: &Table, slot: Option<Slot>) -> Option<ObjectId> {
    table.id(slot?)
}
