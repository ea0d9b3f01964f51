//! Pools of IP addresses.

use super::*;

const ADDRESSES: Type = MapOf(&Any);

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    change(
        "ipPool.create",
        Admin,
        Params::Fields(&[
            Param::req("name", Str),
            Param::opt("addresses", ADDRESSES),
            Param::opt("networks", List(&Str)),
        ]),
        "Makes a pool of IP addresses; returns its id.",
    ),
    change("ipPool.delete", Admin, Params::Fields(ID), "Deletes a pool of IP addresses; cards keep those they have."),
    read(
        "ipPool.getAll",
        SignedIn,
        Params::Fields(&[Param::opt("userId", Str)]),
        "Lists the pools of IP addresses that the caller may use, with who has which.",
    ),
    change(
        "ipPool.set",
        Admin,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("name", Str),
            Param::opt("addresses", ADDRESSES),
            Param::opt("networks", List(&Str)),
            Param::opt("resourceSet", Str),
        ]),
        "Changes a pool of IP addresses; an address with null is taken out, and the resource set may use the pool from now on.",
    ),
];
