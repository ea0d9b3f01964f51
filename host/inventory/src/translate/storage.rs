//! Storage: SRs, VDIs, VBDs, PBDs, and the walks along them.

use model::object::{Pbd, Sm, Sr, Vbd, Vdi, VdiSnapshot};
use model::{Kind, Object, ObjectId, Packed, Refs, Text};

use super::{Draft, Links, head, id};
use crate::reader::Reader;
use crate::record::{Record, seconds};
use crate::slot::{Interest, List, Slot};
use crate::table::{Slots, Table};

/// What stands instead of a password in `device_config`; the text is upstream's.
const OBFUSCATED: &str = "* obfuscated *";

pub(crate) struct SrLinks {
    pub(crate) vdis: List,
    pub(crate) pbds: List,
    shared: bool,
}

pub(crate) struct VdiLinks {
    pub(crate) sr: Option<Slot>,
    pub(crate) snapshots: List,
    pub(crate) vbds: List,
    pub(crate) snapshot_of: Option<Slot>,
    is_a_snapshot: bool,
    unmanaged: bool,
    snapshot_time: Option<i64>,
    usage: i64,
    /// The slot of the parent's UUID.
    parent: Option<Slot>,
}

pub(crate) struct VbdLinks {
    pub(crate) vm: Option<Slot>,
    pub(crate) vdi: Option<Slot>,
    is_cd_drive: bool,
}

pub(crate) struct PbdLinks {
    pub(crate) host: Option<Slot>,
    pub(crate) sr: Option<Slot>,
    pub(crate) provisioning: Option<Text>,
}

pub(super) fn decode_sr(record: Record<'_>, reader: &mut Reader<'_>) -> Draft {
    let sr_type = record.str("type");
    let sr = Sr {
        head: head(Kind::Sr, reader),
        name_label: reader.text(record.str("name_label")),
        name_description: reader.text(record.str("name_description")),
        tags: reader.texts(record.list("tags")),
        content_type: reader.text(record.str("content_type")),
        other_config: reader.map(record, "other_config"),
        sm_config: reader.map(record, "sm_config"),
        current_operations: reader.map(record, "current_operations"),
        sr_type: reader.text(sr_type),
        size: record.int("physical_size"),
        physical_usage: record.int("physical_utilisation"),
        usage: record.int("virtual_allocation"),
        allocation_strategy: reader.opt_text(allocation_strategy(sr_type)),
        in_maintenance_mode: record.entry("other_config", "xo:maintenanceState").is_some(),
        shared: record.bool("shared"),
        vdis: Refs::default(),
        pbds: Refs::default(),
        container: None,
    };
    let links = SrLinks {
        vdis: reader.list(record, "VDIs", Interest::Id),
        pbds: reader.list(record, "PBDs", Interest::Content),
        shared: sr.shared,
    };
    Draft { object: Some(Object::Sr(Box::new(sr))), links: Links::Sr(Box::new(links)) }
}

/// Returns how a type of SR takes its room; linstor's is a setting of its PBDs.
fn allocation_strategy(sr_type: &str) -> Option<&'static str> {
    match sr_type {
        "ext" | "file" | "nfs" | "shm" | "smb" | "zfs" => Some("thin"),
        "hba" | "iscsi" | "rawhba" | "rawiscsi" | "udev" => Some("thick"),
        other if ["lvhd", "lvm", "ocfs"].iter().any(|prefix| other.starts_with(prefix)) => Some("thick"),
        "linstor" => Some("unknown"),
        _ => None,
    }
}

pub(super) fn resolve_sr(table: &Table, slot: Slot, sr: &mut Sr, links: &SrLinks) {
    sr.vdis = table.list(slot, links.vdis, |links, sr| matches!(links, Links::Vdi(vdi) if vdi.sr == Some(sr)));
    let pbds = table.slots_of(slot, links.pbds, is_pbd_of);
    sr.pbds = pbds.iter().map(|&pbd| table.id(pbd)).collect();
    sr.container = local_host(table, slot).or_else(|| table.pool_id().cloned());
    if &*sr.sr_type == "linstor" {
        let provisioning = pbds.first().and_then(|&pbd| pbd_links(table, pbd)?.provisioning.clone());
        sr.allocation_strategy = Some(provisioning.unwrap_or_else(|| "unknown".into()));
    }
}

fn is_pbd_of(links: &Links, sr: Slot) -> bool {
    matches!(links, Links::Pbd(pbd) if pbd.sr == Some(sr))
}

fn pbd_links(table: &Table, slot: Slot) -> Option<&PbdLinks> {
    match table.links(Some(slot)) {
        Some(Links::Pbd(pbd)) => Some(pbd),
        _ => None,
    }
}

/// Returns the host whose local storage an SR is; none for shared ones.
pub(crate) fn local_host(table: &Table, sr: Slot) -> Option<ObjectId> {
    match table.links(Some(sr)) {
        Some(Links::Sr(links)) if !links.shared => {
            let pbds = table.slots_of(sr, links.pbds, is_pbd_of);
            id(table, pbd_links(table, *pbds.first()?)?.host)
        }
        _ => None,
    }
}

/// Returns the host whose local storage a disk lies on; none for CDs, empty drives and shared storage.
pub(crate) fn disk_host(table: &Table, vbd: Slot) -> Option<ObjectId> {
    let Some(Links::Vbd(vbd)) = table.links(Some(vbd)) else { return None };
    if vbd.is_cd_drive {
        return None;
    }
    match table.links(vbd.vdi) {
        Some(Links::Vdi(vdi)) => local_host(table, vdi.sr?),
        _ => None,
    }
}

pub(super) fn decode_vdi(record: Record<'_>, reader: &mut Reader<'_>) -> Draft {
    let parent = record.entry("sm_config", "vhd-parent").filter(|parent| !parent.is_empty());
    let parent_slot = reader.watch(parent, Interest::Content);
    let vdi = Vdi {
        head: head(Kind::Vdi, reader),
        name_label: reader.text(record.str("name_label")),
        name_description: reader.text(record.str("name_description")),
        tags: reader.texts(record.list("tags")),
        cbt_enabled: record.opt_bool("cbt_enabled"),
        missing: record.bool("missing"),
        other_config: reader.map(record, "other_config"),
        current_operations: reader.map(record, "current_operations"),
        parent: parent_slot.map(|slot| reader.name(slot)),
        image_format: reader.opt_text(record.entry("sm_config", "image-format")),
        size: record.int("virtual_size"),
        usage: record.int("physical_utilisation"),
        vdi_type: reader.text(record.str("type")),
        snapshots: Refs::default(),
        sr: None,
        vbds: Refs::default(),
        snapshot: None,
        chain_physical_usage: None,
    };
    let links = VdiLinks {
        sr: reader.watch(record.reference("SR"), Interest::Content),
        snapshots: reader.list(record, "snapshots", Interest::Id),
        vbds: reader.list(record, "VBDs", Interest::Id),
        snapshot_of: reader.watch(record.reference("snapshot_of"), Interest::Id),
        is_a_snapshot: record.bool("is_a_snapshot"),
        unmanaged: record.opt_bool("managed") == Some(false),
        snapshot_time: record.opt_str("snapshot_time").and_then(seconds),
        usage: vdi.usage,
        parent: parent_slot,
    };
    Draft { object: Some(Object::Vdi(Box::new(vdi))), links: Links::Vdi(Box::new(links)) }
}

pub(super) fn resolve_vdi(table: &Table, slot: Slot, vdi: &mut Vdi, links: &VdiLinks) {
    let of = id(table, links.snapshot_of);
    vdi.head.kind = if links.is_a_snapshot || of.is_some() {
        Kind::VdiSnapshot
    } else if links.unmanaged {
        Kind::VdiUnmanaged
    } else {
        Kind::Vdi
    };
    vdi.snapshot =
        (vdi.head.kind == Kind::VdiSnapshot).then(|| Box::new(VdiSnapshot { time: links.snapshot_time, of }));
    vdi.chain_physical_usage = (vdi.head.kind == Kind::Vdi).then(|| chain_usage(table, slot));
    vdi.sr = id(table, links.sr);
    vdi.snapshots =
        table.list(slot, links.snapshots, |links, of| matches!(links, Links::Vdi(vdi) if vdi.snapshot_of == Some(of)));
    vdi.vbds = table.list(slot, links.vbds, |links, of| matches!(links, Links::Vbd(vbd) if vbd.vdi == Some(of)));
}

/// Returns the bytes that an image and everything below it in its chain take.
pub(crate) fn chain_usage(table: &Table, vdi: Slot) -> i64 {
    let mut total = 0_i64;
    // A chain that bites its own tail must not hold us. Most have a link or two.
    let mut seen = Slots::new();
    let mut next = Some(vdi);
    while let Some(slot) = next.filter(|slot| !seen.contains(slot)) {
        seen.push(slot);
        let Some(Links::Vdi(links)) = table.links(Some(slot)) else { break };
        total = total.saturating_add(links.usage);
        next = links.parent.and_then(|parent| table.vdi(table.name(parent)));
    }
    total
}

pub(super) fn decode_vbd(record: Record<'_>, reader: &mut Reader<'_>) -> Draft {
    let vbd = Vbd {
        head: head(Kind::Vbd, reader),
        attached: record.bool("currently_attached"),
        bootable: record.bool("bootable"),
        device: reader.opt_text(record.opt_str("device").filter(|device| !device.is_empty())),
        is_cd_drive: record.str("type") == "CD",
        position: reader.text(record.str("userdevice")),
        read_only: record.str("mode") == "RO",
        vdi: None,
        vm: None,
    };
    let links = VbdLinks {
        vm: reader.watch(record.reference("VM"), Interest::Id),
        vdi: reader.watch(record.reference("VDI"), Interest::Content),
        is_cd_drive: vbd.is_cd_drive,
    };
    Draft { object: Some(Object::from(vbd)), links: Links::Vbd(links) }
}

pub(super) fn resolve_vbd(table: &Table, vbd: &mut Vbd, links: &VbdLinks) {
    vbd.vm = id(table, links.vm);
    vbd.vdi = id(table, links.vdi);
}

pub(super) fn decode_pbd(record: Record<'_>, reader: &mut Reader<'_>) -> Draft {
    let config = record.pairs("device_config");
    let config = Packed::map(config.map(|(key, value)| (key, if is_secret(key) { OBFUSCATED } else { value })));
    let pbd = Pbd {
        head: head(Kind::Pbd, reader),
        attached: record.bool("currently_attached"),
        host: None,
        sr: None,
        device_config: reader.share(config),
        other_config: reader.map(record, "other_config"),
    };
    let links = PbdLinks {
        host: reader.watch(record.reference("host"), Interest::Id),
        sr: reader.watch(record.reference("SR"), Interest::Id),
        provisioning: reader.opt_text(record.entry("device_config", "provisioning")),
    };
    Draft { object: Some(Object::from(pbd)), links: Links::Pbd(Box::new(links)) }
}

/// Returns whether a setting holds a password or the key to one: `cifspassword`, `chappassword_secret`...
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["passw", "pwd", "passphrase", "secret", "token", "credential"].iter().any(|word| key.contains(word))
}

pub(super) fn resolve_pbd(table: &Table, pbd: &mut Pbd, links: &PbdLinks) {
    pbd.host = id(table, links.host);
    pbd.sr = id(table, links.sr);
}

pub(super) fn decode_sm(record: Record<'_>, reader: &mut Reader<'_>) -> Draft {
    let features = record.counts("features").map(|(name, version)| (name.to_owned(), version.into())).collect();
    let sm = Sm {
        head: head(Kind::Sm, reader),
        name_label: reader.text(record.str("name_label")),
        name_description: reader.text(record.str("name_description")),
        sm_type: reader.text(record.str("type")),
        configuration: reader.map(record, "configuration"),
        vendor: reader.text(record.str("vendor")),
        features: reader.share(Packed::value(&serde_json::Value::Object(features))),
        driver_filename: reader.text(record.str("driver_filename")),
        required_cluster_stack: reader.texts(record.list("required_cluster_stack")),
        supported_image_formats: reader.texts(record.list("supported_image_formats")),
    };
    Draft { object: Some(Object::from(sm)), links: Links::Plain }
}
