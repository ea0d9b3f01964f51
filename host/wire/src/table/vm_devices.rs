//! What is plugged into VMs.

use super::*;

const DISK: &[Object] = &[object("vdi", &["VDI"], Level::Administrate), object("vm", &["VM"], Level::Administrate)];

const VM: &[Object] = &[object("id", &["VM"], Level::Administrate)];

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    change(
        "vm.addDataSource",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::req("dataSource", Str)]),
        "Has the host record a source of data.",
    )
    .on(VM),
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
        "vm.attachPcis",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::req("pcis", List(&Str))]),
        "Gives a VM PCI devices.",
    )
    .on(&[object("id", &["VM"], Level::Administrate), object("pcis", &["PCI"], Level::Administrate)]),
    change("vm.coalesceLeaf", SignedIn, Params::Fields(ID), "Makes one image of the disks of a VM that could be one.")
        .on(VM),
    change(
        "vm.createCloudInitConfigDrive",
        SignedIn,
        Params::Fields(&[
            Param::req("vm", Str),
            Param::req("sr", Str),
            Param::req("config", Text),
            Param::opt("networkConfig", Text),
        ]),
        "Makes a disk with a cloud-init configuration for a VM.",
    )
    .on(&[object("vm", &["VM"], Level::Administrate), offered("sr", &["SR"], Level::Administrate)]),
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
    change(
        "vm.createVgpu",
        SignedIn,
        Params::Fields(&[Param::req("vm", Str), Param::req("gpuGroup", Str), Param::req("vgpuType", Str)]),
        "Gives a VM graphics.",
    )
    .on(&[
        object("vm", &["VM"], Level::Administrate),
        object("gpuGroup", &["gpuGroup"], Level::View),
        object("vgpuType", &["vgpuType"], Level::View),
    ]),
    change("vm.deleteVgpu", SignedIn, Params::Fields(&[Param::req("vgpu", Str)]), "Takes graphics away from a VM.")
        .on(&[object("vgpu", &["vgpu"], Level::Administrate)]),
    change(
        "vm.detachPcis",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::req("pciIds", List(&Str))]),
        "Takes PCI devices away from a VM.",
    )
    .on(VM),
    change("vm.ejectCd", SignedIn, Params::Fields(ID), "Takes the CD out of the drive.").on(VM_OPERATE),
    read(
        "vm.getCloudInitConfig",
        SignedIn,
        Params::Fields(&[Param::req("template", Str)]),
        "Returns the user data on the drive of a template's configuration.",
    )
    .on(&[object("template", &["VM-template"], Level::Administrate)]),
    read(
        "vm.getSecurebootReadiness",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::opt("forceRefresh", Bool)]),
        "Tells whether a VM is ready to boot securely.",
    )
    .on(&[object("id", &["VM"], Level::View)]),
    change(
        "vm.insertCd",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::req("cd_id", Str), Param::opt("force", Bool)]),
        "Puts a CD into the drive; another one is taken out first unless `force` is false.",
    )
    .on(&[object("id", &["VM"], Level::Operate), object("cd_id", &["VDI"], Level::View)]),
    change(
        "vm.removeDataSource",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::req("dataSource", Str)]),
        "Has the host forget a source of data.",
    )
    .on(VM),
    change("vtpm.create", SignedIn, Params::Fields(ID), "Gives a VM a trusted platform module; returns its id.").on(VM),
    change("vtpm.destroy", SignedIn, Params::Fields(ID), "Takes the trusted platform module away from a VM.")
        .on(&[object("id", &["VTPM"], Level::Administrate)]),
];
