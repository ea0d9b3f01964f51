//! Hosts that join pools and leave them.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    change("host.detach", SignedIn, Params::Fields(ID), "Takes a host out of its pool and registers it as a server.")
        .on(&[object("id", &["host"], Level::Administrate)]),
    change(
        "pool.addHost",
        // The account of the pool is told to the host, which no role on an object covers.
        Admin,
        Params::Fields(&[Param::req("id", Str), Param::req("host", Str), Param::opt("force", Bool)]),
        "Has a host that is a pool of its own join a pool.",
    )
    .on(&[object("id", &["pool"], Level::Administrate), object("host", &["host"], Level::Administrate)])
    .rest_elsewhere(),
    change(
        "pool.mergeInto",
        Admin,
        Params::Fields(&[
            Param::opt("force", Bool),
            Param::opt("source", Str),
            Param::opt("sources", List(&Str)),
            Param::req("target", Str),
        ]),
        "Has pools of one host each join a pool.",
    )
    .on(&[
        object("source", &["pool"], Level::Administrate),
        object("sources", &["pool"], Level::Administrate),
        object("target", &["pool"], Level::Administrate),
    ]),
];
