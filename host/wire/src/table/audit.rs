//! The audit log.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    read(
        "audit.checkIntegrity",
        Admin,
        Params::Fields(&[Param::opt("newest", Str), Param::opt("oldest", Str)]),
        "Checks that the log is what was written, and returns how many records that are.",
    ),
    change("audit.clean", Admin, Params::Any, "Is refused: nothing is taken out of the log but by its age and size."),
    change("audit.deleteRange", Admin, Params::Any, "Is refused: the log proves that nothing was taken out of it."),
    read(
        "audit.exportRecords",
        Admin,
        Params::Any,
        "Returns an address with all records, newest first, one on each line.",
    ),
    read(
        "audit.generateFingerprint",
        Admin,
        Params::Any,
        "Returns the ends of the log; who keeps them elsewhere notices when it is cut off.",
    ),
    read(
        "audit.getRecords",
        Admin,
        Params::Fields(&[Param::opt("id", Str), Param::opt("maxRecords", Int), Param::opt("ndjson", Bool)]),
        "Lists records, newest first, from the one of that id; with `ndjson` all of them, as an address.",
    ),
    change("audit.importRecords", Admin, Params::Any, "Is refused: the log has only what this daemon has seen."),
    read("audit.record", Admin, Params::Fields(ID), "Returns a record of the log.")
        .rest_only(Verb::Get, "/plugins/audit/records/{id}"),
    read(
        "audit.records",
        Admin,
        Params::Fields(&[Param::opt("from", Str), FIELDS, FILTER, LIMIT, NDJSON, MARKDOWN]),
        "Lists records, newest first, from the one of that id: ten thousand at most.",
    )
    .rest_only(Verb::Get, "/plugins/audit/records"),
];
