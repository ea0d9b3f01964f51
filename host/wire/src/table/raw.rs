//! What REST makes with every property that the pool knows, and where it says more than JSON-RPC does.

use super::*;

const TEXTS: Type = MapOf(&Text);
const LOCKING_MODES: &[&str] = &["disabled", "locked", "network_default", "unlocked"];
const IMAGES: &[&str] = &[
    "cbt_metadata",
    "crashdump",
    "ephemeral",
    "ha_statefile",
    "metadata",
    "pvs_cache",
    "redo_log",
    "rrd",
    "suspend",
    "system",
    "user",
];

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    read("host.smt", SignedIn, Params::Fields(ID), "Tells whether the processors of a host run two threads each.")
        .on(&[object("id", &["host"], Level::View)])
        .rest_only(Verb::Get, "/hosts/{id}/smt"),
    change(
        "host.takeOut",
        SignedIn,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("evacuate", Bool),
            Param::opt("vmIdsToForceMigrate", List(&Str)),
            Param::opt("force", Bool),
            Param::opt("autoEnable", Bool),
        ]),
        "Lets no VM start on a host any more, and moves those away that run there if asked to.",
    )
    .on(&[object("id", &["host"], Level::Administrate)])
    .rest_elsewhere(),
    change(
        "pool.emergencyShutdown",
        SignedIn,
        Params::Fields(ID),
        "Suspends the VMs of a pool and shuts its hosts down, the master last.",
    )
    .on(&[object("id", &["pool"], Level::Administrate)])
    .rest_elsewhere(),
    change(
        "sr.create",
        SignedIn,
        Params::Fields(&[
            Param::req("hostId", Str),
            Param::req("name_label", Str),
            Param::req("SR_type", Str),
            Param::req("device_config", TEXTS),
            Param::opt("name_description", Text),
            Param::opt("content_type", Text),
            Param::opt("size", Count),
            Param::opt("sm_config", TEXTS),
        ]),
        "Makes an SR of any type; returns its id.",
    )
    .on(&[object("hostId", &["host"], Level::Administrate)])
    .rest_elsewhere(),
    change(
        "vbd.create",
        SignedIn,
        Params::Fields(&[
            Param::req("VM", Str),
            Param::req("VDI", Str),
            Param::opt("bootable", Bool),
            Param::opt("mode", Word(&["RO", "RW"])),
            Param::opt("type", Word(&["CD", "Disk", "Floppy"])),
            Param::opt("userdevice", Str),
            Param::opt("empty", Bool),
            Param::opt("unpluggable", Bool),
            Param::opt("other_config", TEXTS),
            Param::opt("qos_algorithm_type", Text),
            Param::opt("qos_algorithm_params", TEXTS),
        ]),
        "Puts a disk into a VM; returns the id of its place there.",
    )
    .on(&[object("VDI", &["VDI"], Level::Administrate), object("VM", &["VM"], Level::Administrate)])
    .rest_elsewhere(),
    change(
        "vdi.create",
        SignedIn,
        Params::Fields(&[
            Param::req("srId", Str),
            Param::req("virtual_size", Count),
            Param::opt("name_label", Text),
            Param::opt("name_description", Text),
            Param::opt("tags", List(&Str)),
            Param::opt("type", Word(IMAGES)),
            Param::opt("read_only", Bool),
            Param::opt("sharable", Bool),
            Param::opt("other_config", TEXTS),
            Param::opt("sm_config", TEXTS),
            Param::opt("xenstore_data", TEXTS),
        ]),
        "Makes a disk; returns its id.",
    )
    .on(&[object("srId", &["SR"], Level::Administrate)])
    .rest_elsewhere(),
    change(
        "vif.create",
        SignedIn,
        Params::Fields(&[
            Param::req("vmId", Str),
            Param::req("networkId", Str),
            Param::opt("device", Str),
            Param::opt("MAC", Text),
            Param::opt("MTU", Count),
            Param::opt("currently_attached", Bool),
            Param::opt("ipv4_allowed", List(&Str)),
            Param::opt("ipv6_allowed", List(&Str)),
            Param::opt("locking_mode", Word(LOCKING_MODES)),
            Param::opt("other_config", TEXTS),
            Param::opt("qos_algorithm_type", Text),
            Param::opt("qos_algorithm_params", TEXTS),
        ]),
        "Gives a VM a network card; returns its id.",
    )
    .on(&[object("networkId", &["network"], Level::View), object("vmId", &["VM"], Level::Administrate)])
    .rest_elsewhere(),
];
