//! VMs, templates, snapshots and control domains: one class in XAPI, four kinds in public.

use std::sync::LazyLock;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::entries::Entries;
use super::{Decimal, Head, Packed, Refs, Text};
use crate::ObjectId;

/// Whether a VM runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum PowerState {
    /// Off.
    #[default]
    Halted,
    /// Stopped in memory.
    Paused,
    /// On.
    Running,
    /// Saved to disk.
    Suspended,
    /// A word we do not know.
    Other(Text),
}

impl PowerState {
    /// Returns the public word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Halted => "Halted",
            Self::Paused => "Paused",
            Self::Running => "Running",
            Self::Suspended => "Suspended",
            Self::Other(word) => word,
        }
    }

    /// Returns whether the VM has a domain: running or paused.
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }
}

impl From<&str> for PowerState {
    fn from(word: &str) -> Self {
        match word {
            "Halted" => Self::Halted,
            "Paused" => Self::Paused,
            "Running" => Self::Running,
            "Suspended" => Self::Suspended,
            other => Self::Other(other.into()),
        }
    }
}

impl Serialize for PowerState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Virtual processors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Vcpus {
    /// At most.
    pub max: i64,
    /// Now, or at the next start.
    pub number: i64,
}

/// Memory of a VM in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// Smallest and largest while running.
    pub dynamic: [i64; 2],
    /// Smallest and largest at all.
    #[serde(rename = "static")]
    pub fixed: [i64; 2],
    /// What the VM has.
    pub size: i64,
    /// What its guest says it uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<i64>,
}

/// The guest tools of a running VM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum XenTools {
    /// The VM is off or has no metrics; the property is absent.
    #[default]
    Unknown,
    /// Running without tools: `false`.
    Missing,
    /// Running with tools of this version; written with `major.minor` read as one number, too.
    Version {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
}

impl Serialize for XenTools {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self::Version { major, minor } = self else {
            return serializer.serialize_bool(false);
        };
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("major", major)?;
        map.serialize_entry("minor", minor)?;
        map.serialize_entry("version", &Decimal(format!("{major}.{minor}").parse().unwrap_or_default()))?;
        map.end()
    }
}

/// What the guest of a running VM says about its drivers; all absent unless there are metrics of both kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestAgent {
    /// Whether the management agent reports.
    pub agent_detected: bool,
    /// Whether the drivers are there.
    pub drivers_detected: bool,
    /// `major.minor.micro-build`.
    pub drivers_version: Option<Text>,
    /// Whether XAPI thinks they are recent.
    pub drivers_up_to_date: Option<bool>,
}

/// What a snapshot has on top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// When it was taken.
    pub time: Option<i64>,
    /// The VM it was taken of, while that exists.
    pub of: Option<ObjectId>,
    /// The saved memory.
    pub suspend_vdi: Option<ObjectId>,
}

/// A disk that a template asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TemplateDisk {
    /// Whether to boot from it.
    pub bootable: bool,
    /// Position.
    pub device: Text,
    /// Bytes.
    pub size: i64,
    /// Type of the image, such as "system".
    #[serde(rename = "type")]
    pub disk_type: Text,
    /// UUID of the wanted SR, often empty.
    #[serde(rename = "SR")]
    pub sr: Text,
}

/// What a template has on top.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TemplateInfo {
    /// Architecture of the installer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arch: Option<Text>,
    /// The disks to make.
    pub disks: Box<[TemplateDisk]>,
    /// Ways to install: "cdrom", "http"...
    pub install_methods: Box<[Text]>,
    /// Where to install from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install_repository: Option<Text>,
    /// Whether it came with the product; a property of its own in public.
    #[serde(skip)]
    pub is_default: bool,
}

/// A VM, template, snapshot or control domain.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct Vm {
    pub head: Head,
    pub name_label: Text,
    pub name_description: Text,
    pub tags: Box<[Text]>,
    pub power_state: PowerState,
    pub addresses: Packed,
    pub main_ip_address: Option<Text>,
    pub auto_poweron: bool,
    pub bios_strings: Packed,
    pub blocked_operations: Packed,
    pub boot: Packed,
    pub xenstore_data: Packed,
    pub other: Packed,
    pub cpus: Vcpus,
    pub creation: Option<Packed>,
    pub current_operations: Packed,
    pub exp_nested_hvm: bool,
    pub is_nested_virt_enabled: bool,
    pub viridian: bool,
    pub secure_boot: bool,
    pub needs_vtpm: bool,
    pub vulnerabilities: Option<Packed>,
    pub high_availability: Text,
    pub is_firmware_supported: bool,
    pub memory: Memory,
    /// Outer none is absent (no metrics), inner none is null (not a date).
    pub install_time: Option<Option<i64>>,
    /// As `install_time`.
    pub start_time: Option<Option<i64>>,
    /// None is written as null.
    pub os_version: Option<Packed>,
    pub has_vendor_device: bool,
    pub snapshots: Refs,
    /// Seconds.
    pub start_delay: i64,
    pub vifs: Refs,
    pub vbds: Refs,
    pub virtualization_mode: Text,
    pub xen_tools: XenTools,
    pub guest_agent: Option<GuestAgent>,
    /// The host it runs on or whose local storage it lies on, else the pool.
    pub container: Option<ObjectId>,
    pub vga: Option<Text>,
    /// MiB.
    pub videoram: Option<i64>,
    pub cores_per_socket: Option<i64>,
    /// What few VMs have; none when it is all absent or empty. Read it through [`Vm::rare`].
    pub more: Option<Box<Rare>>,
}

/// The properties that few VMs have, apart so that the others do not carry the room for them.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct Rare {
    pub affinity_host: Option<ObjectId>,
    pub attached_pcis: Option<Box<[Text]>>,
    pub docker: Option<Packed>,
    pub notes: Option<Text>,
    pub parent: Option<ObjectId>,
    pub resource_set: Option<Text>,
    pub suspend_sr: Option<ObjectId>,
    pub vtpms: Refs,
    pub vgpus: Refs,
    pub nic_type: Option<Text>,
    pub cpu_cap: Option<i64>,
    pub cpu_weight: Option<i64>,
    pub cpu_mask: Option<Box<[i64]>>,
    pub pv_args: Option<Text>,
    /// On snapshots only.
    pub snapshot: Option<SnapshotInfo>,
    /// On templates only.
    pub template: Option<TemplateInfo>,
}

static NOTHING_RARE: LazyLock<Rare> = LazyLock::new(Rare::default);

impl Vm {
    /// Returns the properties that few VMs have.
    pub fn rare(&self) -> &Rare {
        self.more.as_deref().unwrap_or(&NOTHING_RARE)
    }

    /// Changes the properties that few VMs have.
    pub fn edit_rare(&mut self, edit: impl FnOnce(&mut Rare)) {
        let mut rare = self.more.take().unwrap_or_default();
        edit(&mut rare);
        self.more = (*rare != *NOTHING_RARE).then_some(rare);
    }

    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        let rare = self.rare();
        self.head.shape(out)?;
        out.put("name_label", &self.name_label)?;
        out.put("name_description", &self.name_description)?;
        out.put("tags", &self.tags)?;
        out.put("power_state", &self.power_state)?;
        out.put("addresses", &self.addresses)?;
        out.opt("mainIpAddress", &self.main_ip_address)?;
        out.opt("affinityHost", &rare.affinity_host)?;
        out.opt("attachedPcis", &rare.attached_pcis)?;
        out.put("auto_poweron", &self.auto_poweron)?;
        out.put("bios_strings", &self.bios_strings)?;
        out.put("blockedOperations", &self.blocked_operations)?;
        out.put("boot", &self.boot)?;
        out.put("xenStoreData", &self.xenstore_data)?;
        out.put("other", &self.other)?;
        out.put("CPUs", &self.cpus)?;
        out.opt("creation", &self.creation)?;
        out.put("current_operations", &self.current_operations)?;
        out.opt("docker", &rare.docker)?;
        out.put("expNestedHvm", &self.exp_nested_hvm)?;
        out.put("isNestedVirtEnabled", &self.is_nested_virt_enabled)?;
        out.put("viridian", &self.viridian)?;
        out.put("secureBoot", &self.secure_boot)?;
        out.put("needsVtpm", &self.needs_vtpm)?;
        out.opt("vulnerabilities", &self.vulnerabilities)?;
        out.put("high_availability", &self.high_availability)?;
        out.put("isFirmwareSupported", &self.is_firmware_supported)?;
        out.put("memory", &self.memory)?;
        out.opt("installTime", &self.install_time)?;
        out.opt("startTime", &self.start_time)?;
        out.opt("notes", &rare.notes)?;
        out.put("os_version", &self.os_version)?;
        out.opt("parent", &rare.parent)?;
        out.put("hasVendorDevice", &self.has_vendor_device)?;
        out.opt("resourceSet", &rare.resource_set)?;
        out.put("snapshots", &self.snapshots)?;
        out.put("startDelay", &self.start_delay)?;
        out.opt("suspendSr", &rare.suspend_sr)?;
        out.put("VIFs", &self.vifs)?;
        out.put("VTPMs", &rare.vtpms)?;
        out.put("$VBDs", &self.vbds)?;
        out.put("VGPUs", &rare.vgpus)?;
        out.put("$VGPUs", &rare.vgpus)?;
        out.put("virtualizationMode", &self.virtualization_mode)?;
        if self.xen_tools != XenTools::Unknown {
            out.put("xenTools", &self.xen_tools)?;
        }
        if let Some(agent) = &self.guest_agent {
            out.put("managementAgentDetected", &agent.agent_detected)?;
            out.put("pvDriversDetected", &agent.drivers_detected)?;
            out.opt("pvDriversVersion", &agent.drivers_version)?;
            out.opt("pvDriversUpToDate", &agent.drivers_up_to_date)?;
        }
        out.opt("$container", &self.container)?;
        out.opt("nicType", &rare.nic_type)?;
        out.opt("vga", &self.vga)?;
        out.opt("videoram", &self.videoram)?;
        out.opt("coresPerSocket", &self.cores_per_socket)?;
        out.opt("cpuCap", &rare.cpu_cap)?;
        out.opt("cpuWeight", &rare.cpu_weight)?;
        out.opt("cpuMask", &rare.cpu_mask)?;
        out.opt("PV_args", &rare.pv_args)?;
        if let Some(snapshot) = &rare.snapshot {
            out.put("snapshot_time", &snapshot.time)?;
            out.opt("$snapshot_of", &snapshot.of)?;
            out.opt("suspendVdi", &snapshot.suspend_vdi)?;
        }
        if let Some(template) = &rare.template {
            out.put("isDefaultTemplate", &template.is_default)?;
            out.put("template_info", template)?;
        }
        Ok(())
    }
}
