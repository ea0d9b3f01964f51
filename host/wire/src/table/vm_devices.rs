//! What is plugged into VMs.

use super::*;

const DISK: &[Object] = &[object("vdi", &["VDI"], Level::Administrate), object("vm", &["VM"], Level::Administrate)];

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    change(
        "vm.attachDisk",
        SignedIn,
        Params::Fields(&[
            Param::opt("bootable", Bool),
            Param::opt("mode", Str),
            Param::opt("position", Str),
            Param::req("vdi", Str),
            Param::req("vm", Str),
        ]),
        "Puts a disk into a VM.",
    )
    .on(DISK),
    change(
        "vm.createInterface",
        SignedIn,
        Params::Fields(&[
            Param::req("vm", Str),
            Param::req("network", Str),
            Param::opt("position", Or(&[Int, Str])),
            Param::opt("mac", Text),
            Param::opt("allowedIpv4Addresses", List(&Str)),
            Param::opt("allowedIpv6Addresses", List(&Str)),
        ]),
        "Gives a VM a network card, not plugged in; returns its id.",
    )
    .on(&[object("network", &["network"], Level::View), object("vm", &["VM"], Level::Administrate)]),
    change("vm.ejectCd", SignedIn, Params::Fields(ID), "Takes the CD out of the drive.").on(VM_OPERATE),
    change(
        "vm.insertCd",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::req("cd_id", Str), Param::opt("force", Bool)]),
        "Puts a CD into the drive; another one is taken out first unless `force` is false.",
    )
    .on(&[object("id", &["VM"], Level::Operate), object("cd_id", &["VDI"], Level::View)]),
];
