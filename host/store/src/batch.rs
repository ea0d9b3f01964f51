//! A change to the store as a value: what to write, and what must still be true when it is written.

use std::sync::Arc;

use serde::Serialize;

use crate::{Error, Table};

/// Largest key in bytes. Keys are ids and short paths (`<instance>/<key>`, which the plugin contract holds below this).
pub const MAX_KEY_BYTES: usize = 1024;

/// Largest value in bytes of JSON: the largest frame that the API takes, so nothing from outside can be larger.
pub const MAX_VALUE_BYTES: usize = 4 * 1024 * 1024;

/// A record with its revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<T> {
    /// Grows with each change of the record, also over a delete; never 0. One batch gives one revision to all it writes.
    pub revision: u64,
    /// The value.
    pub value: T,
}

/// What must be true of a record for a change to be made. Otherwise: [`Error::Conflict`], and nothing of the batch is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    #[default]
    Any,
    /// It does not exist.
    Absent,
    /// It exists and has this revision.
    Revision(u64),
}

impl Expect {
    /// Returns whether a record with this revision (`None`: no record) is as expected.
    pub(crate) fn holds(self, revision: Option<u64>) -> bool {
        match self {
            Self::Any => true,
            Self::Absent => revision.is_none(),
            Self::Revision(expected) => revision == Some(expected),
        }
    }
}

/// Tells watchers that a record was changed. Sent after the change is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// Where.
    pub table: Table,
    /// Which record.
    pub key: Arc<str>,
    /// Its revision now; `None`: it was deleted.
    pub revision: Option<u64>,
}

/// Changes that are made together or not at all. All expectations are checked against the state before the batch.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub(crate) steps: Vec<Step>,
}

/// One change of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) table: Table,
    pub(crate) key: Arc<str>,
    pub(crate) expect: Expect,
    /// JSON; `None`: delete.
    pub(crate) value: Option<Vec<u8>>,
}

impl Batch {
    /// Returns a batch that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the writing of a record. Fails when the value has no JSON form or is too large.
    pub fn put<T: Serialize + ?Sized>(self, table: Table, key: &str, value: &T, expect: Expect) -> Result<Self, Error> {
        let json = serde_json::to_vec(value).map_err(|source| Error::Encode { table, key: key.into(), source })?;
        if json.len() > MAX_VALUE_BYTES {
            let (what, bytes, limit) = ("value", json.len(), MAX_VALUE_BYTES);
            return Err(Error::Size { table, key: shorten(key), what, bytes, limit });
        }
        Ok(self.step(table, key, expect, Some(json)))
    }

    /// Adds the removal of a record. A record that does not exist is no error unless a revision is expected.
    #[must_use]
    pub fn delete(self, table: Table, key: &str, expect: Expect) -> Self {
        self.step(table, key, expect, None)
    }

    /// Returns whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Returns the number of changes.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    fn step(mut self, table: Table, key: &str, expect: Expect, value: Option<Vec<u8>>) -> Self {
        self.steps.push(Step { table, key: key.into(), expect, value });
        self
    }

    /// Checks what the engine would choke on, before anything is queued.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for Step { table, key, .. } in &self.steps {
            if key.is_empty() || key.len() > MAX_KEY_BYTES {
                let (what, bytes, limit) = ("key", key.len(), MAX_KEY_BYTES);
                return Err(Error::Size { table: *table, key: shorten(key), what, bytes, limit });
            }
        }
        Ok(())
    }
}

/// Returns enough of a key to recognise it by.
fn shorten(key: &str) -> String {
    key.chars().take(80).collect()
}
