//! Disks and their places in VMs.

use super::*;

const VBD: &[Object] = &[object("id", &["VBD"], Level::Administrate)];
const VDI: &[Object] = &[object("id", &["VDI", "VDI-snapshot"], Level::Administrate)];

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    change(
        "disk.create",
        SignedIn,
        Params::Fields(&[
            Param::req("name", Str),
            Param::req("size", SIZE),
            Param::req("sr", Str),
            Param::opt("vm", Str),
            Param::opt("bootable", Bool),
            Param::opt("mode", Str),
            Param::opt("position", Str),
        ]),
        "Makes a disk, in a VM if one is named; returns its id.",
    )
    .on(&[offered("sr", &["SR"], Level::Administrate), object("vm", &["VM"], Level::Administrate)]),
    change("vbd.connect", SignedIn, Params::Fields(ID), "Plugs a disk into its running VM.").on(VBD),
    change("vbd.delete", SignedIn, Params::Fields(ID), "Takes a disk out of its VM; the disk stays.").on(VBD),
    change("vbd.disconnect", SignedIn, Params::Fields(ID), "Unplugs a disk from its running VM.").on(VBD),
    change(
        "vbd.set",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::opt("position", Or(&[Str, Num]))]),
        "Moves a disk to another position in its VM.",
    )
    .on(VBD),
    change(
        "vbd.setBootable",
        SignedIn,
        Params::Fields(&[Param::req("vbd", Str), Param::req("bootable", Bool)]),
        "Says whether a paravirtualised VM boots from a disk.",
    )
    .on(&[object("vbd", &["VBD"], Level::Administrate)]),
    change("vdi.delete", SignedIn, Params::Fields(ID), "Deletes a disk.").on(VDI),
    change(
        "vdi.migrate",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::opt("resourceSet", Str), Param::req("sr_id", Str)]),
        "Moves a disk to another SR; returns its id there.",
    )
    .on(&[object("id", &["VDI", "VDI-snapshot"], Level::Administrate), offered("sr_id", &["SR"], Level::Administrate)]),
    change(
        "vdi.set",
        SignedIn,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("name_label", Str),
            Param::opt("name_description", Text),
            Param::opt("size", SIZE),
            Param::opt("cbt", Bool),
        ]),
        "Changes a disk; it can only grow.",
    )
    .on(VDI),
    one("vbd.get", "/vbds/{id}", "Returns a disk of a VM."),
    list("vbd.list", "/vbds", "Lists disks of VMs."),
    one("vdi-snapshot.get", "/vdi-snapshots/{id}", "Returns a snapshot of a disk."),
    list("vdi-snapshot.list", "/vdi-snapshots", "Lists snapshots of disks."),
    one("vdi.get", "/vdis/{id}", "Returns a disk."),
    list("vdi.list", "/vdis", "Lists disks."),
];
