//! VMs come, are copied, move and go.

use super::*;

const DISK: Type = Record(&[
    Param::opt("size", SIZE),
    Param::opt("SR", Or(&[Text, Null])),
    Param::opt("$SR", Or(&[Text, Null])),
    Param::opt("name_label", Or(&[Text, Null])),
    Param::opt("name_description", Or(&[Text, Null])),
    Param::opt("userdevice", Str),
    Param::opt("destroy", Bool),
    Param::opt("*", Any),
]);

const CARD: Type = Record(&[
    Param::req("network", Str),
    Param::opt("mac", Text),
    Param::opt("allowedIpv4Addresses", List(&Str)),
    Param::opt("allowedIpv6Addresses", List(&Str)),
]);

const NEW: &[Param] = &[
    Param::opt("acls", List(&Record(&[Param::req("subject", Str), Param::req("action", Str)]))),
    Param::opt("affinityHost", Or(&[Text, Null])),
    Param::opt("bootAfterCreate", Bool),
    Param::opt("cloudConfig", Or(&[Text, Null])),
    Param::opt("createVtpm", Bool),
    Param::opt("networkConfig", Or(&[Text, Null])),
    Param::opt("coreOs", Bool),
    Param::opt("clone", Bool),
    Param::opt("resourceSet", Or(&[Text, Null])),
    Param::opt("destroyCloudConfigVdiAfterBoot", Bool),
    Param::opt("installation", Record(&[Param::req("method", Str), Param::opt("repository", Text)])),
    Param::opt("vgpuType", Str),
    Param::opt("gpuGroup", Str),
    Param::req("name_label", Str),
    Param::opt("name_description", Text),
    Param::opt("pv_args", Text),
    Param::opt("share", Bool),
    Param::req("template", Str),
    Param::opt("VIFs", Or(&[List(&CARD), Null])),
    Param::opt("VDIs", Or(&[List(&DISK), Null])),
    Param::opt("existingDisks", Or(&[MapOf(&DISK), Null])),
    Param::opt("hvmBootFirmware", Or(&[Text, Null])),
    Param::opt("copyHostBiosStrings", Bool),
    // The rest is what vm.set takes.
    Param::opt("*", Any),
];

/// What REST takes for a new VM.
const NEW_OF_REST: &[Param] = &[
    Param::req("id", Str),
    Param::req("name_label", Str),
    Param::req("template", Str),
    Param::opt("name_description", Text),
    Param::opt("cpus", Count),
    Param::opt("memory", SIZE),
    Param::opt("boot", Bool),
    Param::opt("clone", Bool),
    Param::opt("autoPoweron", Bool),
    Param::opt("affinity", Str),
    Param::opt("high_availability", Word(&["best-effort", "restart", ""])),
    Param::opt(
        "vdis",
        List(&Record(&[
            Param::opt("name_label", Str),
            Param::opt("name_description", Text),
            Param::opt("size", SIZE),
            Param::opt("sr", Str),
            Param::opt("userdevice", Str),
            Param::opt("destroy", Bool),
        ])),
    ),
    Param::opt(
        "vifs",
        List(&Record(&[
            Param::opt("network", Str),
            Param::opt("mac", Text),
            Param::opt("mtu", Count),
            Param::opt("device", Str),
            Param::opt("ipv4_allowed", List(&Str)),
            Param::opt("ipv6_allowed", List(&Str)),
            Param::opt("destroy", Bool),
        ])),
    ),
    Param::opt("install", Record(&[Param::req("method", Word(&["cdrom", "network"])), Param::opt("repository", Text)])),
    Param::opt("cloud_config", Text),
    Param::opt("network_config", Text),
    Param::opt("destroy_cloud_config_vdi", Bool),
    Param::opt("hvmBootFirmware", Word(&["uefi", "bios"])),
    Param::opt("secureBoot", Bool),
    Param::opt("createVtpm", Bool),
    Param::opt("copyHostBiosStrings", Bool),
    Param::opt("gpuGroup", Str),
    Param::opt("vgpuType", Str),
];

const ANY_VM: &[&str] = &["VM", "VM-snapshot", "VM-template"];

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    change(
        "pool.createVm",
        SignedIn,
        Params::Fields(NEW_OF_REST),
        "Makes a VM from a template of a pool; returns its id.",
    )
    .on(&[
        object("id", &["pool"], Level::View),
        object("template", &["VM-template"], Level::View),
        object("vgpuType", &["vgpuType"], Level::View),
        object("gpuGroup", &["gpuGroup"], Level::View),
    ])
    .rest_elsewhere(),
    change(
        "vm.clone",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::req("name", Str), Param::req("full_copy", Bool)]),
        "Copies a VM where it is; returns the id of the copy.",
    )
    .on(&[object("id", ANY_VM, Level::Administrate)]),
    change(
        "vm.cloneOrCopy",
        SignedIn,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("name_label", Str),
            Param::opt("fast", Bool),
            Param::opt("srId", Str),
            Param::opt("compress", Word(&["gzip", "zstd"])),
        ]),
        "Copies a VM where it is, fast if possible, or onto an SR; returns the id of the copy.",
    )
    .on(&[object("id", ANY_VM, Level::Administrate), object("srId", &["SR"], Level::Operate)])
    .rest_elsewhere(),
    change("vm.convert", SignedIn, Params::Fields(ID), "Makes a template of a VM.").on(&[object(
        "id",
        &["VM", "VM-snapshot"],
        Level::Administrate,
    )]),
    change("vm.convertToTemplate", SignedIn, Params::Fields(ID), "Makes a template of a VM.").on(&[object(
        "id",
        &["VM", "VM-snapshot"],
        Level::Administrate,
    )]),
    change(
        "vm.copy",
        SignedIn,
        Params::Fields(&[
            Param::opt("compress", Or(&[Bool, Str])),
            Param::opt("name", Str),
            Param::req("vm", Str),
            Param::req("sr", Str),
        ]),
        "Copies a VM onto an SR; returns the id of the copy.",
    )
    .on(&[object("vm", ANY_VM, Level::Administrate), offered("sr", &["SR"], Level::Operate)]),
    change("vm.copyToTemplate", SignedIn, Params::Fields(ID), "Makes a template that is a copy of a snapshot.")
        .on(&[object("id", &["VM-snapshot"], Level::Administrate)]),
    change("vm.create", SignedIn, Params::Fields(NEW), "Makes a VM from a template; returns its id.").on(&[
        object("template", &["VM-template"], Level::View),
        object("vgpuType", &["vgpuType"], Level::View),
        object("gpuGroup", &["gpuGroup"], Level::View),
    ]),
    change(
        "vm.delete",
        SignedIn,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("deleteDisks", Bool),
            Param::opt("force", Bool),
            Param::opt("forceDeleteDefaultTemplate", Bool),
            Param::opt("forceBlockedOperation", Bool),
        ]),
        "Deletes a VM with its snapshots, and its disks unless `deleteDisks` is false.",
    )
    .on(&[object("id", ANY_VM, Level::Administrate)]),
    read("vm.getHaValues", SignedIn, Params::Any, "Lists the priorities of high availability."),
    change(
        "vm.migrate",
        SignedIn,
        Params::Fields(&[
            Param::req("vm", Str),
            Param::opt("force", Bool),
            Param::req("targetHost", Str),
            Param::opt("sr", Str),
            Param::opt("mapVdisSrs", MapOf(&Str)),
            Param::opt("mapVifsNetworks", MapOf(&Str)),
            Param::opt("migrationNetwork", Str),
            Param::opt("bypassAssert", Bool),
        ]),
        "Moves a VM to a host, of its pool or of another.",
    )
    .on(&[
        object("vm", &["VM"], Level::Administrate),
        object("targetHost", &["host"], Level::Administrate),
        object("sr", &["SR"], Level::Administrate),
        object("migrationNetwork", &["network"], Level::Administrate),
    ]),
    change("vm.recoveryStart", SignedIn, Params::Fields(ID), "Starts a VM once from its CD.").on(VM_OPERATE),
    change("vm.revert", SignedIn, Params::Fields(&[Param::req("snapshot", Str)]), "Brings a VM back to a snapshot.")
        .on(&[object("snapshot", &["VM-snapshot"], Level::View)]),
    change(
        "vm.revertTo",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::req("snapshotId", Str), Param::opt("snapshotBefore", Bool)]),
        "Brings a VM back to one of its snapshots, and takes another one before if asked to.",
    )
    .on(&[object("id", &["VM"], Level::Operate), object("snapshotId", &["VM-snapshot"], Level::View)])
    .rest_elsewhere(),
    change(
        "vm.setBootOrder",
        SignedIn,
        Params::Fields(&[Param::req("vm", Str), Param::req("order", Str)]),
        "Says in which order a VM tries its devices.",
    )
    .on(&[object("vm", &["VM", "VM-template"], Level::Operate)]),
    change(
        "vm.snapshot",
        SignedIn,
        Params::Fields(&[
            Param::opt("description", Text),
            Param::req("id", Str),
            Param::opt("name", Str),
            Param::opt("saveMemory", Bool),
        ]),
        "Takes a snapshot of a VM; returns its id.",
    )
    .on(VM_OPERATE),
];
