//! PCI, graphics, USB and trusted platform modules. There are few of them, so what they point at is kept in the plainest
//! way: per struct, a list of fields that name one record, and of fields that name several.

use model::object::{GpuGroup, Pci, Pgpu, Pusb, UsbGroup, Vgpu, VgpuType, Vtpm, Vusb};
use model::{Kind, Packed, Refs};

use super::{Draft, Links, head, id};
use crate::reader::Reader;
use crate::record::Record;
use crate::slot::{Interest, List, Slot};
use crate::table::Table;

macro_rules! links {
    ($($name:ident of $object:ident { one: [$($one:ident = $one_field:literal),*], many: [$($many:ident = $many_field:literal),*] })*) => {
        $(
            pub(crate) struct $name {
                $($one: Option<Slot>,)*
                $($many: List,)*
            }

            impl $name {
                fn read(record: Record<'_>, reader: &mut Reader<'_>) -> Self {
                    Self {
                        $($one: reader.watch(record.reference($one_field), Interest::Id),)*
                        $($many: reader.list(record, $many_field, Interest::Id),)*
                    }
                }

                pub(super) fn resolve(&self, table: &Table, slot: Slot, object: &mut $object) {
                    let _ = slot;
                    $(object.$one = id(table, self.$one);)*
                    $(object.$many = refs(table, slot, self.$many);)*
                }
            }
        )*
    };
}

links! {
    PciLinks of Pci { one: [host = "host"], many: [] }
    PgpuRefs of Pgpu {
        one: [gpu_group = "GPU_group", pci = "PCI", host = "host"],
        many: [enabled_vgpu_types = "enabled_VGPU_types", supported_vgpu_types = "supported_VGPU_types",
               vgpus = "resident_VGPUs"]
    }
    GpuGroupLinks of GpuGroup {
        one: [],
        many: [pgpus = "PGPUs", vgpus = "VGPUs", enabled_vgpu_types = "enabled_VGPU_types",
               supported_vgpu_types = "supported_VGPU_types"]
    }
    VgpuLinks of Vgpu {
        one: [gpu_group = "GPU_group", resident_on = "resident_on", vgpu_type = "type", vm = "VM"],
        many: []
    }
    VgpuTypeLinks of VgpuType {
        one: [],
        many: [gpu_groups = "enabled_on_GPU_groups", pgpus = "enabled_on_PGPUs", vgpus = "VGPUs"]
    }
    VtpmLinks of Vtpm { one: [vm = "VM"], many: [] }
    PusbLinks of Pusb { one: [host = "host", usb_group = "USB_group"], many: [] }
    VusbLinks of Vusb { one: [usb_group = "USB_group", vm = "VM"], many: [] }
    UsbGroupLinks of UsbGroup { one: [], many: [pusbs = "PUSBs", vusbs = "VUSBs"] }
}

pub(crate) struct PgpuLinks {
    refs: PgpuRefs,
    /// Type and how many of it fit.
    capacities: Box<[(Slot, i64)]>,
}

impl PgpuLinks {
    pub(super) fn resolve(&self, table: &Table, slot: Slot, pgpu: &mut Pgpu) {
        self.refs.resolve(table, slot, pgpu);
        let known =
            self.capacities.iter().filter_map(|&(slot, count)| Some((table.id(slot)?.to_string(), count.into())));
        pgpu.supported_vgpu_max_capacities = Packed::value(&serde_json::Value::Object(known.collect()));
    }
}

/// Returns the ids of a list, unknown ones as nothing; none when the release has no such list.
fn refs(table: &Table, slot: Slot, list: List) -> Option<Refs> {
    (!list.is_missing()).then(|| table.given(slot, list).map(|slot| table.id(slot)).collect())
}

pub(super) fn decode(class: &str, record: Record<'_>, reader: &mut Reader<'_>) -> Option<Draft> {
    Some(match class {
        "PCI" => pci(record, reader),
        "PGPU" => pgpu(record, reader),
        "GPU_group" => gpu_group(record, reader),
        "VGPU" => vgpu(record, reader),
        "VGPU_type" => vgpu_type(record, reader),
        "VTPM" => {
            let vtpm = Vtpm { head: head(Kind::Vtpm, reader), vm: None };
            Draft { object: Some(vtpm.into()), links: Links::Vtpm(VtpmLinks::read(record, reader)) }
        }
        "PUSB" => pusb(record, reader),
        "VUSB" => vusb(record, reader),
        "USB_group" => {
            let group = UsbGroup { head: head(Kind::UsbGroup, reader), pusbs: None, vusbs: None };
            Draft { object: Some(group.into()), links: Links::UsbGroup(Box::new(UsbGroupLinks::read(record, reader))) }
        }
        _ => return None,
    })
}

fn pci(record: Record<'_>, reader: &mut Reader<'_>) -> Draft {
    let pci = Pci {
        head: head(Kind::Pci, reader),
        class_name: reader.text(record.str("class_name")),
        device_name: reader.text(record.str("device_name")),
        pci_id: reader.text(record.str("pci_id")),
        host: None,
    };
    Draft { object: Some(pci.into()), links: Links::Pci(PciLinks::read(record, reader)) }
}

fn pgpu(record: Record<'_>, reader: &mut Reader<'_>) -> Draft {
    let pgpu = Pgpu {
        head: head(Kind::Pgpu, reader),
        dom0_access: reader.opt_text(record.opt_str("dom0_access")),
        is_system_display_device: record.bool("is_system_display_device"),
        gpu_group: None,
        pci: None,
        host: None,
        enabled_vgpu_types: None,
        supported_vgpu_types: None,
        supported_vgpu_max_capacities: Packed::empty(),
        vgpus: None,
    };
    let capacities = record.counts("supported_VGPU_max_capacities");
    let links = PgpuLinks {
        refs: PgpuRefs::read(record, reader),
        capacities: capacities
            .filter_map(|(name, count)| Some((reader.watch(Some(name), Interest::Id)?, count)))
            .collect(),
    };
    Draft { object: Some(pgpu.into()), links: Links::Pgpu(Box::new(links)) }
}

fn gpu_group(record: Record<'_>, reader: &mut Reader<'_>) -> Draft {
    let group = GpuGroup {
        head: head(Kind::GpuGroup, reader),
        name_label: reader.text(record.str("name_label")),
        name_description: reader.text(record.str("name_description")),
        allocation: reader.opt_text(record.opt_str("allocation_algorithm")),
        gpu_types: reader.texts(record.list("GPU_types")),
        other_config: reader.map(record, "other_config"),
        pgpus: None,
        vgpus: None,
        enabled_vgpu_types: None,
        supported_vgpu_types: None,
    };
    Draft { object: Some(group.into()), links: Links::GpuGroup(Box::new(GpuGroupLinks::read(record, reader))) }
}

fn vgpu(record: Record<'_>, reader: &mut Reader<'_>) -> Draft {
    let vgpu = Vgpu {
        head: head(Kind::Vgpu, reader),
        currently_attached: record.bool("currently_attached"),
        device: reader.text(record.str("device")),
        other_config: reader.map(record, "other_config"),
        gpu_group: None,
        resident_on: None,
        vgpu_type: None,
        vm: None,
    };
    Draft { object: Some(vgpu.into()), links: Links::Vgpu(Box::new(VgpuLinks::read(record, reader))) }
}

fn vgpu_type(record: Record<'_>, reader: &mut Reader<'_>) -> Draft {
    let vgpu_type = VgpuType {
        head: head(Kind::VgpuType, reader),
        experimental: record.bool("experimental"),
        framebuffer_size: record.int("framebuffer_size"),
        max_heads: record.int("max_heads"),
        max_resolution_x: record.int("max_resolution_x"),
        max_resolution_y: record.int("max_resolution_y"),
        model_name: reader.text(record.str("model_name")),
        vendor_name: reader.text(record.str("vendor_name")),
        gpu_groups: None,
        pgpus: None,
        vgpus: None,
    };
    Draft { object: Some(vgpu_type.into()), links: Links::VgpuType(Box::new(VgpuTypeLinks::read(record, reader))) }
}

fn pusb(record: Record<'_>, reader: &mut Reader<'_>) -> Draft {
    let pusb = Pusb {
        head: head(Kind::Pusb, reader),
        description: reader.text(&format!("{} - {}", record.str("vendor_desc"), record.str("product_desc"))),
        passthrough_enabled: record.bool("passthrough_enabled"),
        speed: record.decimal("speed"),
        vendor_id: reader.text(record.str("vendor_id")),
        version: reader.text(record.str("version")),
        host: None,
        usb_group: None,
    };
    Draft { object: Some(pusb.into()), links: Links::Pusb(PusbLinks::read(record, reader)) }
}

fn vusb(record: Record<'_>, reader: &mut Reader<'_>) -> Draft {
    let vusb = Vusb {
        head: head(Kind::Vusb, reader),
        currently_attached: record.bool("currently_attached"),
        usb_group: None,
        vm: None,
    };
    Draft { object: Some(vusb.into()), links: Links::Vusb(VusbLinks::read(record, reader)) }
}
