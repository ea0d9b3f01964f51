//! Alarms: messages that report that something is wrong.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] =
    &[one("alarm.get", "/alarms/{id}", "Returns an alarm."), list("alarm.list", "/alarms", "Lists alarms.")];
