//! Pools.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    one("pool.get", "/pools/{id}", "Returns a pool."),
    list("pool.list", "/pools", "Lists pools."),
    read("pool.stats", SignedIn, STATS, "Returns the curves of each host of a pool.")
        .on(&[object("id", &["pool"], Level::View)])
        .rest_only(Verb::Get, "/pools/{id}/stats"),
];
