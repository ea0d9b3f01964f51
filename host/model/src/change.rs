//! What happened to the picture: one record per batch, for whoever keeps a copy of it.

use std::sync::Arc;
use std::time::Instant;

use crate::{Kind, Object, ObjectId};

/// Number of a state of the picture; grows with every change, never repeats while the daemon runs.
pub type Revision = u64;

/// The real differences between two states of the picture: applying `set` and `removed` to the state before gives the
/// state `revision`.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The state after these changes.
    pub revision: Revision,
    /// Objects that are new or different, whole. An object whose type changed is here, not in `removed`.
    pub set: Vec<Arc<Object>>,
    /// For each of `set`, what stood there before; none for new objects.
    pub before: Vec<Option<Arc<Object>>>,
    /// Objects that are gone.
    pub removed: Vec<(ObjectId, Kind)>,
    /// For each of `removed`, the last state of it.
    pub last: Vec<Arc<Object>>,
    /// When the answer of the pool that told this was in hand, for measuring; none for what no pool told.
    pub arrived: Option<Instant>,
    /// Whether the state of a server (live, stale, which pool) changed too.
    pub servers: bool,
}

impl Changes {
    /// Returns each object that is new, different or gone, as it was before and as it is now.
    pub fn states(&self) -> impl Iterator<Item = (Option<&Arc<Object>>, Option<&Arc<Object>>)> {
        let removed = self.last.iter().map(|last| (Some(last), None));
        removed.chain(self.set.iter().zip(&self.before).map(|(after, before)| (before.as_ref(), Some(after))))
    }

    /// Returns whether nothing happened.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.removed.is_empty() && !self.servers
    }
}
