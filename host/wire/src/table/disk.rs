//! Disks and their places in VMs.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    one("vbd.get", "/vbds/{id}", "Returns a disk of a VM."),
    list("vbd.list", "/vbds", "Lists disks of VMs."),
    one("vdi-snapshot.get", "/vdi-snapshots/{id}", "Returns a snapshot of a disk."),
    list("vdi-snapshot.list", "/vdi-snapshots", "Lists snapshots of disks."),
    one("vdi.get", "/vdis/{id}", "Returns a disk."),
    list("vdi.list", "/vdis", "Lists disks."),
];
