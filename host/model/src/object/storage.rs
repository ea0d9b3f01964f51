//! Storage: repositories, images, and how both are plugged in.

use super::entries::Entries;
use super::{Head, Packed, Refs, Text};
use crate::ObjectId;

/// A storage repository.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct Sr {
    pub head: Head,
    pub name_label: Text,
    pub name_description: Text,
    pub tags: Box<[Text]>,
    pub content_type: Text,
    pub other_config: Packed,
    pub sm_config: Packed,
    pub current_operations: Packed,
    pub sr_type: Text,
    /// Bytes of the device.
    pub size: i64,
    /// Bytes taken on the device.
    pub physical_usage: i64,
    /// Bytes promised to images.
    pub usage: i64,
    /// "thin", "thick", "unknown"; none for types that have no such notion.
    pub allocation_strategy: Option<Text>,
    pub in_maintenance_mode: bool,
    pub shared: bool,
    pub vdis: Refs,
    pub pbds: Refs,
    /// The pool, or the host for local storage.
    pub container: Option<ObjectId>,
}

impl Sr {
    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        self.head.shape(out)?;
        out.put("name_label", &self.name_label)?;
        out.put("name_description", &self.name_description)?;
        out.put("tags", &self.tags)?;
        out.put("content_type", &self.content_type)?;
        out.put("other_config", &self.other_config)?;
        out.put("sm_config", &self.sm_config)?;
        out.put("current_operations", &self.current_operations)?;
        out.put("SR_type", &self.sr_type)?;
        out.put("size", &self.size)?;
        out.put("physical_usage", &self.physical_usage)?;
        out.put("usage", &self.usage)?;
        out.opt("allocationStrategy", &self.allocation_strategy)?;
        out.put("inMaintenanceMode", &self.in_maintenance_mode)?;
        out.put("shared", &self.shared)?;
        out.put("VDIs", &self.vdis)?;
        out.put("$PBDs", &self.pbds)?;
        out.opt("$container", &self.container)
    }
}

/// What a snapshot of an image has on top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VdiSnapshot {
    /// When it was taken.
    pub time: Option<i64>,
    /// The image it was taken of, while that exists.
    pub of: Option<ObjectId>,
}

/// A disk image.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct Vdi {
    pub head: Head,
    pub name_label: Text,
    pub name_description: Text,
    pub tags: Box<[Text]>,
    pub cbt_enabled: Option<bool>,
    pub missing: bool,
    pub other_config: Packed,
    pub current_operations: Packed,
    /// UUID of the image below in the chain.
    pub parent: Option<Text>,
    pub image_format: Option<Text>,
    /// Bytes that the VM sees.
    pub size: i64,
    /// Bytes taken on the storage.
    pub usage: i64,
    pub vdi_type: Text,
    pub snapshots: Refs,
    pub sr: Option<ObjectId>,
    pub vbds: Refs,
    /// On snapshots only.
    pub snapshot: Option<Box<VdiSnapshot>>,
    /// On plain images only: bytes taken by it and everything below.
    pub chain_physical_usage: Option<i64>,
}

impl Vdi {
    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        self.head.shape(out)?;
        out.put("name_label", &self.name_label)?;
        out.put("name_description", &self.name_description)?;
        out.put("tags", &self.tags)?;
        out.opt("cbt_enabled", &self.cbt_enabled)?;
        out.put("missing", &self.missing)?;
        out.put("other_config", &self.other_config)?;
        out.put("current_operations", &self.current_operations)?;
        out.opt("parent", &self.parent)?;
        out.opt("image_format", &self.image_format)?;
        out.put("size", &self.size)?;
        out.put("usage", &self.usage)?;
        out.put("VDI_type", &self.vdi_type)?;
        out.put("snapshots", &self.snapshots)?;
        out.opt("$SR", &self.sr)?;
        out.put("$VBDs", &self.vbds)?;
        if let Some(snapshot) = &self.snapshot {
            out.put("snapshot_time", &snapshot.time)?;
            out.opt("$snapshot_of", &snapshot.of)?;
        }
        out.opt("chainPhysicalUsage", &self.chain_physical_usage)
    }
}

/// A disk or CD drive of a VM.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct Vbd {
    pub head: Head,
    pub attached: bool,
    pub bootable: bool,
    /// None is written as null.
    pub device: Option<Text>,
    pub is_cd_drive: bool,
    pub position: Text,
    pub read_only: bool,
    pub vdi: Option<ObjectId>,
    pub vm: Option<ObjectId>,
}

impl Vbd {
    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        self.head.shape(out)?;
        out.put("attached", &self.attached)?;
        out.put("bootable", &self.bootable)?;
        out.put("device", &self.device)?;
        out.put("is_cd_drive", &self.is_cd_drive)?;
        out.put("position", &self.position)?;
        out.put("read_only", &self.read_only)?;
        out.opt("VDI", &self.vdi)?;
        out.opt("VM", &self.vm)
    }
}

/// The connection of a host to a storage repository.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct Pbd {
    pub head: Head,
    pub attached: bool,
    pub host: Option<ObjectId>,
    pub sr: Option<ObjectId>,
    /// What looks like a password in it has been masked.
    pub device_config: Packed,
    pub other_config: Packed,
}

impl Pbd {
    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        self.head.shape(out)?;
        out.put("attached", &self.attached)?;
        out.opt("host", &self.host)?;
        out.opt("SR", &self.sr)?;
        out.put("device_config", &self.device_config)?;
        out.put("otherConfig", &self.other_config)
    }
}

/// A driver for storage repositories of one type.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct Sm {
    pub head: Head,
    pub name_label: Text,
    pub name_description: Text,
    pub sm_type: Text,
    /// What has to be said to make a repository, in words.
    pub configuration: Packed,
    pub vendor: Text,
    /// What it can do, and since which version of that.
    pub features: Packed,
    pub driver_filename: Text,
    pub required_cluster_stack: Box<[Text]>,
    pub supported_image_formats: Box<[Text]>,
}

impl Sm {
    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        self.head.shape(out)?;
        out.put("name_label", &self.name_label)?;
        out.put("name_description", &self.name_description)?;
        out.put("SM_type", &self.sm_type)?;
        out.put("configuration", &self.configuration)?;
        out.put("vendor", &self.vendor)?;
        out.put("features", &self.features)?;
        out.put("driver_filename", &self.driver_filename)?;
        out.put("required_cluster_stack", &self.required_cluster_stack)?;
        out.put("supported_image_formats", &self.supported_image_formats)
    }
}
