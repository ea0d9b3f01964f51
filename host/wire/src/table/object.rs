//! What belongs to an object of any type.

use super::*;

const OF_OBJECT: Params =
    Params::Fields(&[Param::req("id", Str), Param::req("kind", Str), FIELDS, FILTER, LIMIT, NDJSON, MARKDOWN]);

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    read("object.alarms", SignedIn, OF_OBJECT, "Lists alarms about an object.").rest_elsewhere(),
    read("object.messages", SignedIn, OF_OBJECT, "Lists messages about an object.").rest_elsewhere(),
    read("object.tasks", SignedIn, OF_OBJECT, "Lists tasks on an object.").rest_elsewhere(),
    read("object.vdis", SignedIn, OF_OBJECT, "Lists the disks of a VM.").rest_elsewhere(),
];
