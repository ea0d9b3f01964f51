//! A pool.

use super::entries::Entries;
use super::{Cpus, Head, Packed, Refs, Text};
use crate::ObjectId;

/// A pool of hosts.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct Pool {
    pub head: Head,
    pub name_label: Text,
    pub name_description: Text,
    pub tags: Box<[Text]>,
    pub auto_poweron: bool,
    pub crash_dump_sr: Option<ObjectId>,
    pub suspend_sr: Option<ObjectId>,
    pub default_sr: Option<ObjectId>,
    pub current_operations: Packed,
    pub ha_enabled: bool,
    pub ha_reboot_vm_on_internal_shutdown: bool,
    pub ha_srs: Refs,
    pub master: Option<ObjectId>,
    pub migration_compression: Option<bool>,
    pub other_config: Packed,
    pub cpus: Cpus,
    pub zstd_supported: bool,
    pub vtpm_supported: bool,
    /// Of the master.
    pub platform_version: Option<Text>,
}

impl Pool {
    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        self.head.shape(out)?;
        out.put("name_label", &self.name_label)?;
        out.put("name_description", &self.name_description)?;
        out.put("tags", &self.tags)?;
        out.put("auto_poweron", &self.auto_poweron)?;
        out.opt("crashDumpSr", &self.crash_dump_sr)?;
        out.opt("suspendSr", &self.suspend_sr)?;
        out.opt("default_SR", &self.default_sr)?;
        out.put("current_operations", &self.current_operations)?;
        out.put("HA_enabled", &self.ha_enabled)?;
        out.put("haRebootVmOnInternalShutdown", &self.ha_reboot_vm_on_internal_shutdown)?;
        out.put("haSrs", &self.ha_srs)?;
        out.opt("master", &self.master)?;
        out.opt("migrationCompression", &self.migration_compression)?;
        out.put("otherConfig", &self.other_config)?;
        out.put("cpus", &self.cpus)?;
        out.put("zstdSupported", &self.zstd_supported)?;
        out.put("vtpmSupported", &self.vtpm_supported)?;
        out.opt("platform_version", &self.platform_version)
    }
}
