//! Dashboards.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    read(
        "dashboard.get",
        Admin,
        Params::Fields(&[NDJSON]),
        "Returns sums over everything; with `ndjson`, part by part.",
    )
    .rest_only(Verb::Get, "/dashboard"),
    read("pool.dashboard", SignedIn, ONE_PART, "Returns sums over a pool.")
        .on(&[object("id", &["pool"], Level::View)])
        .rest_only(Verb::Get, "/pools/{id}/dashboard"),
    read("rest.routes", Open, Params::Fields(&[]), "Tells where the pages are.").rest_only(Verb::Get, "/gui-routes"),
    read("vm.dashboard", SignedIn, ONE_PART, "Returns what matters of a VM.")
        .on(&[object("id", &["VM"], Level::View)])
        .rest_only(Verb::Get, "/vms/{id}/dashboard"),
];

const ONE_PART: Params = Params::Fields(&[Param::req("id", Str), NDJSON]);
