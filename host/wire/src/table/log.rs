//! Failed calls.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    change(
        "log.delete",
        Admin,
        Params::Fields(&[Param::req("id", Or(&[Str, List(&Str)])), Param::req("namespace", Str)]),
        "Is refused: failed calls stand in the audit log.",
    ),
    read(
        "log.get",
        Admin,
        Params::Fields(&[Param::req("namespace", Str)]),
        "Lists the failed calls that would have changed something (namespace `api`).",
    ),
];
