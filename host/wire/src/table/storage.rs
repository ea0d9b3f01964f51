//! Storage repositories, their drivers and connections.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    one("pbd.get", "/pbds/{id}", "Returns a connection of a host to an SR."),
    list("pbd.list", "/pbds", "Lists connections of hosts to SRs."),
    one("sm.get", "/sms/{id}", "Returns a storage driver."),
    list("sm.list", "/sms", "Lists storage drivers."),
    one("sr.get", "/srs/{id}", "Returns a storage repository."),
    list("sr.list", "/srs", "Lists storage repositories."),
    read("sr.stats", SignedIn, STATS, "Returns the curves of a storage repository, over all hosts.").on(&[object(
        "id",
        &["SR"],
        Level::View,
    )]),
];
