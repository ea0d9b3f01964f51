//! Tasks of our own. (Those of the pools are objects.)

use super::*;

const WAIT: Params = Params::Fields(&[Param::req("id", Str), Param::opt("wait", Or(&[Bool, Word(&["result", ""])]))]);

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    change("task.abort", SignedIn, Params::Fields(ID), "Asks a task to stop.").rest_elsewhere(),
    change("task.clear", SignedIn, Params::Fields(&[]), "Deletes the records of all tasks that are over.")
        .rest_only(Verb::Delete, "/tasks"),
    change("task.delete", SignedIn, Params::Fields(ID), "Deletes the record of a task that is over.")
        .rest_only(Verb::Delete, "/tasks/{id}"),
    read("task.get", SignedIn, WAIT, "Returns a task; with `wait`, when it is over.")
        .rest_only(Verb::Get, "/tasks/{id}"),
    read("task.list", SignedIn, LIST, "Lists tasks.").rest_only(Verb::Get, "/tasks"),
];
