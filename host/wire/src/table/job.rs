//! Jobs and schedules, to be read.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    read("job.get", Admin, Params::Fields(ID), "Returns a job."),
    read("job.getAll", Admin, Params::Any, "Lists the jobs."),
    read("schedule.get", Admin, Params::Fields(ID), "Returns a schedule.").rest(Verb::Get, "/schedules/{id}"),
    read("schedule.getAll", Admin, Params::Any, "Lists the schedules."),
    list("schedule.list", "/schedules", "Lists the schedules that the caller may see."),
];
