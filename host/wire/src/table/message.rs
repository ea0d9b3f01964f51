//! Messages of pools.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] =
    &[one("message.get", "/messages/{id}", "Returns a message."), list("message.list", "/messages", "Lists messages.")];
