//! A host.

use serde::{Serialize, Serializer};

use super::entries::Entries;
use super::{Head, Packed, Refs, Text};
use crate::ObjectId;

/// Number of processors, as far as the release tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cpus {
    /// Logical processors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<i64>,
    /// Sockets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sockets: Option<i64>,
}

/// Memory of a host in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HostMemory {
    /// In use.
    pub usage: i64,
    /// Built in, rounded up to whole GiB.
    pub size: i64,
    /// Zero while the host has no metrics; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
}

/// Whether a host is up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum HostPower {
    /// Its heartbeat is seen.
    Running,
    /// No heartbeat.
    Halted,
    /// No metrics to tell by.
    #[default]
    Unknown,
}

/// A host, that is a server of a pool.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct Host {
    pub head: Head,
    pub name_label: Text,
    pub name_description: Text,
    pub tags: Box<[Text]>,
    pub cpu_info: Packed,
    pub cpus: Cpus,
    pub address: Text,
    pub hostname: Text,
    pub bios_strings: Packed,
    pub license_params: Packed,
    pub license_server: Packed,
    pub logging: Packed,
    pub build: Option<Text>,
    pub version: Option<Text>,
    pub product_brand: Option<Text>,
    pub iommu: Option<bool>,
    pub enabled: bool,
    pub control_domain: Option<ObjectId>,
    pub current_operations: Packed,
    pub iscsi_iqn: Text,
    pub zstd_supported: bool,
    pub license_expiry: Option<i64>,
    pub memory: HostMemory,
    pub multipathing: bool,
    pub other_config: Packed,
    pub patches: Refs,
    pub supplemental_packs: Packed,
    pub power_on_mode: Text,
    pub power_state: HostPower,
    pub resident_vms: Refs,
    pub start_time: Option<i64>,
    pub agent_start_time: Option<i64>,
    pub reboot_required: bool,
    pub hvm_capable: bool,
    pub certificates: Option<Packed>,
    pub pifs: Refs,
    pub pcis: Refs,
    pub pgpus: Refs,
    pub pbds: Refs,
}

impl Host {
    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        self.head.shape(out)?;
        out.put("name_label", &self.name_label)?;
        out.put("name_description", &self.name_description)?;
        out.put("tags", &self.tags)?;
        out.put("CPUs", &self.cpu_info)?;
        out.put("cpus", &self.cpus)?;
        out.put("address", &self.address)?;
        out.put("hostname", &self.hostname)?;
        out.put("bios_strings", &self.bios_strings)?;
        out.put("license_params", &self.license_params)?;
        out.put("license_server", &self.license_server)?;
        out.put("logging", &self.logging)?;
        out.opt("build", &self.build)?;
        out.opt("version", &self.version)?;
        out.opt("productBrand", &self.product_brand)?;
        out.put("chipset_info", &Chipset { iommu: self.iommu })?;
        out.put("enabled", &self.enabled)?;
        out.opt("controlDomain", &self.control_domain)?;
        out.put("current_operations", &self.current_operations)?;
        out.put("iscsiIqn", &self.iscsi_iqn)?;
        out.put("zstdSupported", &self.zstd_supported)?;
        out.put("license_expiry", &self.license_expiry)?;
        out.put("memory", &self.memory)?;
        out.put("multipathing", &self.multipathing)?;
        out.put("otherConfig", &self.other_config)?;
        out.put("patches", &self.patches)?;
        out.put("supplementalPacks", &self.supplemental_packs)?;
        out.put("powerOnMode", &self.power_on_mode)?;
        out.put("power_state", &self.power_state)?;
        out.put("residentVms", &self.resident_vms)?;
        out.put("startTime", &self.start_time)?;
        out.put("agentStartTime", &self.agent_start_time)?;
        out.put("rebootRequired", &self.reboot_required)?;
        out.put("hvmCapable", &self.hvm_capable)?;
        out.opt("certificates", &self.certificates)?;
        // Clients of both generations are about: with and without the dollar sign.
        out.put("PIFs", &self.pifs)?;
        out.put("$PIFs", &self.pifs)?;
        out.put("PCIs", &self.pcis)?;
        out.put("$PCIs", &self.pcis)?;
        out.put("PGPUs", &self.pgpus)?;
        out.put("$PGPUs", &self.pgpus)?;
        out.put("$PBDs", &self.pbds)
    }
}

struct Chipset {
    iommu: Option<bool>,
}

impl Serialize for Chipset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iommu.map(|iommu| ("iommu", iommu)))
    }
}
