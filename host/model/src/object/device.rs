//! Devices that hosts lend to VMs: PCI, graphics, USB, and the trusted platform module.
//!
//! Lists of graphics that a release does not have yet are absent, as upstream leaves them out.

use super::entries::Entries;
use super::{Decimal, Head, Packed, Refs, Text};
use crate::ObjectId;

/// A PCI device of a host.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct Pci {
    pub head: Head,
    pub class_name: Text,
    pub device_name: Text,
    /// Address on the bus: `0000:04:00.0`.
    pub pci_id: Text,
    pub host: Option<ObjectId>,
}

impl Pci {
    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        self.head.shape(out)?;
        out.put("class_name", &self.class_name)?;
        out.put("device_name", &self.device_name)?;
        out.put("pci_id", &self.pci_id)?;
        out.opt("$host", &self.host)
    }
}

/// A graphics card of a host.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct Pgpu {
    pub head: Head,
    pub dom0_access: Option<Text>,
    pub is_system_display_device: bool,
    pub gpu_group: Option<ObjectId>,
    pub pci: Option<ObjectId>,
    pub host: Option<ObjectId>,
    pub enabled_vgpu_types: Option<Refs>,
    pub supported_vgpu_types: Option<Refs>,
    /// How many of each type fit, by id of the type.
    pub supported_vgpu_max_capacities: Packed,
    pub vgpus: Option<Refs>,
}

impl Pgpu {
    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        self.head.shape(out)?;
        out.opt("dom0Access", &self.dom0_access)?;
        out.put("isSystemDisplayDevice", &self.is_system_display_device)?;
        out.opt("gpuGroup", &self.gpu_group)?;
        out.opt("pci", &self.pci)?;
        out.opt("host", &self.host)?;
        out.opt("$host", &self.host)?;
        out.opt("enabledVgpuTypes", &self.enabled_vgpu_types)?;
        out.opt("supportedVgpuTypes", &self.supported_vgpu_types)?;
        // Spelt like this on the wire.
        out.put("supportedVgpuMaxCapcities", &self.supported_vgpu_max_capacities)?;
        out.opt("vgpus", &self.vgpus)?;
        out.opt("$vgpus", &self.vgpus)
    }
}

/// A group of graphics cards that are as good as each other.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct GpuGroup {
    pub head: Head,
    pub name_label: Text,
    pub name_description: Text,
    /// "breadth_first" or "depth_first".
    pub allocation: Option<Text>,
    /// Vendor and device: `10de/0ff2`.
    pub gpu_types: Box<[Text]>,
    pub other_config: Packed,
    pub pgpus: Option<Refs>,
    pub vgpus: Option<Refs>,
    pub enabled_vgpu_types: Option<Refs>,
    pub supported_vgpu_types: Option<Refs>,
}

impl GpuGroup {
    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        self.head.shape(out)?;
        out.put("name_label", &self.name_label)?;
        out.put("name_description", &self.name_description)?;
        out.opt("allocation", &self.allocation)?;
        out.put("gpuTypes", &self.gpu_types)?;
        out.put("otherConfig", &self.other_config)?;
        out.opt("pgpus", &self.pgpus)?;
        out.opt("vgpus", &self.vgpus)?;
        out.opt("enabledVgpuTypes", &self.enabled_vgpu_types)?;
        out.opt("supportedVgpuTypes", &self.supported_vgpu_types)
    }
}

/// Graphics of a VM.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct Vgpu {
    pub head: Head,
    pub currently_attached: bool,
    /// Position: "0".
    pub device: Text,
    pub other_config: Packed,
    pub gpu_group: Option<ObjectId>,
    /// The graphics card it runs on.
    pub resident_on: Option<ObjectId>,
    pub vgpu_type: Option<ObjectId>,
    pub vm: Option<ObjectId>,
}

impl Vgpu {
    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        self.head.shape(out)?;
        out.put("currentlyAttached", &self.currently_attached)?;
        out.put("device", &self.device)?;
        out.put("otherConfig", &self.other_config)?;
        out.opt("gpuGroup", &self.gpu_group)?;
        out.opt("resident_on", &self.resident_on)?;
        out.opt("vgpuType", &self.vgpu_type)?;
        out.opt("vm", &self.vm)
    }
}

/// A way to cut a graphics card.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct VgpuType {
    pub head: Head,
    pub experimental: bool,
    /// Bytes.
    pub framebuffer_size: i64,
    pub max_heads: i64,
    pub max_resolution_x: i64,
    pub max_resolution_y: i64,
    pub model_name: Text,
    pub vendor_name: Text,
    pub gpu_groups: Option<Refs>,
    pub pgpus: Option<Refs>,
    pub vgpus: Option<Refs>,
}

impl VgpuType {
    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        self.head.shape(out)?;
        out.put("experimental", &self.experimental)?;
        out.put("framebufferSize", &self.framebuffer_size)?;
        out.put("maxHeads", &self.max_heads)?;
        out.put("maxResolutionX", &self.max_resolution_x)?;
        out.put("maxResolutionY", &self.max_resolution_y)?;
        out.put("modelName", &self.model_name)?;
        out.put("vendorName", &self.vendor_name)?;
        out.opt("gpuGroups", &self.gpu_groups)?;
        out.opt("pgpus", &self.pgpus)?;
        out.opt("vgpus", &self.vgpus)
    }
}

/// The trusted platform module of a VM.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct Vtpm {
    pub head: Head,
    pub vm: Option<ObjectId>,
}

impl Vtpm {
    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        self.head.shape(out)?;
        out.opt("vm", &self.vm)
    }
}

/// A USB device of a host.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct Pusb {
    pub head: Head,
    /// Vendor and product.
    pub description: Text,
    pub passthrough_enabled: bool,
    /// In Mbit/s; absent before 8.0, -1 when unknown.
    pub speed: Option<Decimal>,
    pub vendor_id: Text,
    pub version: Text,
    pub host: Option<ObjectId>,
    pub usb_group: Option<ObjectId>,
}

impl Pusb {
    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        self.head.shape(out)?;
        out.put("description", &self.description)?;
        out.opt("host", &self.host)?;
        out.put("passthroughEnabled", &self.passthrough_enabled)?;
        out.opt("speed", &self.speed)?;
        out.opt("usbGroup", &self.usb_group)?;
        out.put("vendorId", &self.vendor_id)?;
        out.put("version", &self.version)
    }
}

/// A USB device of a VM.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct Vusb {
    pub head: Head,
    pub currently_attached: bool,
    pub usb_group: Option<ObjectId>,
    pub vm: Option<ObjectId>,
}

impl Vusb {
    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        self.head.shape(out)?;
        out.opt("vm", &self.vm)?;
        out.put("currentlyAttached", &self.currently_attached)?;
        out.opt("usbGroup", &self.usb_group)
    }
}

/// A group of USB devices, and the VMs' ends of it.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct UsbGroup {
    pub head: Head,
    pub pusbs: Option<Refs>,
    pub vusbs: Option<Refs>,
}

impl UsbGroup {
    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        self.head.shape(out)?;
        out.opt("PUSBs", &self.pusbs)?;
        out.opt("VUSBs", &self.vusbs)
    }
}
