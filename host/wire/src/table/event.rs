//! Server-sent events: changes of collections.

use super::*;

/// What can be subscribed to: types of objects but tasks of pools, alarms, and tasks of ours.
const COLLECTIONS: Type = Word(&[
    "alarm",
    "bond",
    "gpuGroup",
    "host",
    "message",
    "network",
    "patch",
    "PBD",
    "PCI",
    "PGPU",
    "PIF",
    "pool",
    "pool_patch",
    "PUSB",
    "SM",
    "SR",
    "task",
    "USB_group",
    "VBD",
    "VDI",
    "VDI-snapshot",
    "VDI-unmanaged",
    "vgpu",
    "vgpuType",
    "VIF",
    "VM",
    "VM-controller",
    "VM-snapshot",
    "VM-template",
    "VTPM",
    "VUSB",
]);

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    read(
        "event.listen",
        SignedIn,
        Params::Fields(&[]),
        "Tells changes as server-sent events; the first one, `init`, has the id to subscribe with.",
    )
    .rest_only(Verb::Get, "/events"),
    read(
        "event.subscribe",
        SignedIn,
        Params::Fields(&[
            Param::req("id", Str),
            Param::req("collection", COLLECTIONS),
            Param::opt("fields", Or(&[List(&Str), Word(&["*"])])),
        ]),
        "Asks a stream of events to tell changes of a collection, whole or some properties.",
    )
    .rest_elsewhere(),
    read(
        "event.unsubscribe",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::req("subscription", Str)]),
        "Ends a subscription.",
    )
    .rest_elsewhere(),
];
