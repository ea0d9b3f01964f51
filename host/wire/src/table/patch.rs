//! Patches of hosts, and whether guests can boot securely.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    read("host.missingPatches", SignedIn, Params::Fields(ID), "Lists the patches that a host could have and has not.")
        .on(&[object("id", &["host"], Level::View)])
        .rest_only(Verb::Get, "/hosts/{id}/missing_patches"),
    read(
        "pool.getGuestSecureBootReadiness",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::opt("forceRefresh", Bool)]),
        "Tells whether the VMs of a pool could boot securely.",
    )
    .on(&[object("id", &["pool"], Level::View)]),
    read(
        "pool.getPatchesDifference",
        SignedIn,
        Params::Fields(&[Param::req("source", Str), Param::req("target", Str)]),
        "Lists the patches that one host has and another has not.",
    )
    .on(&[object("source", &["host"], Level::View), object("target", &["host"], Level::View)]),
    read(
        "pool.listMissingPatches",
        SignedIn,
        Params::Fields(&[Param::req("host", Str)]),
        "Lists the patches that a host could have and has not.",
    )
    .on(&[object("host", &["host"], Level::View)]),
    read("pool.missingPatches", SignedIn, Params::Fields(ID), "Lists the patches that hosts of a pool could have.")
        .on(&[object("id", &["pool"], Level::View)])
        .rest_only(Verb::Get, "/pools/{id}/missing_patches"),
];
