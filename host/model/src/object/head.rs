//! What every object has.

use super::entries::Entries;
use super::{Cell, Kind, Text};
use crate::ObjectId;

/// Identity and home of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The public id: the UUID, for default templates `<pool>-<uuid>`, because these have the same UUID in every pool.
    pub id: ObjectId,
    /// The public type.
    pub kind: Kind,
    /// The pool.
    pub pool: ObjectId,
    /// The opaque reference for XAPI calls.
    pub reference: Text,
    /// The JSON of the object, if it is kept.
    pub written: Cell,
}

impl Head {
    /// Returns the head of an object whose JSON nobody has asked for yet.
    pub fn new(id: ObjectId, kind: Kind, pool: ObjectId, reference: Text) -> Self {
        Self { id, kind, pool, reference, written: Cell::default() }
    }

    /// Returns the UUID.
    pub fn uuid(&self) -> &str {
        let id = self.id.as_str();
        // The pool itself has id == pool and so no rest after it.
        id.strip_prefix(self.pool.as_str()).and_then(|rest| rest.strip_prefix('-')).unwrap_or(id)
    }

    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        out.put("id", &self.id)?;
        out.put("type", &self.kind)?;
        out.put("uuid", self.uuid())?;
        out.put("$pool", &self.pool)?;
        out.put("$poolId", &self.pool)?;
        out.put("_xapiRef", &self.reference)
    }
}
