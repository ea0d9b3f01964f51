//! The hand that writes one server's pool into the picture.
//!
//! ```text
//!             begin              finish             apply, mark_stale
//!   Idle ------------> Loading ----------> Live -----------------------+
//!     ^                 |  ^ load, apply    |  ^                       |
//!     +--- finish err --+  +---- begin -----+  +-----------------------+
//! ```
//!
//! Between `begin` and `finish` the picture keeps showing the last state.

use std::time::{Duration, Instant};

use model::{ObjectId, ServerId};
use tracing::{debug, warn};
use xapi::{Delta, Value};

use crate::table::Table;
use crate::{Error, Inventory};

/// Writes the pool of one server. It is not `Clone`: only the worker of the pool holds it.
pub struct Writer {
    inventory: Inventory,
    server: ServerId,
    ticket: u64,
    table: Table,
    phase: Phase,
    arrived: Option<Instant>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Loading,
    Live,
}

/// What a finished load brought.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The pool.
    pub pool: ObjectId,
    /// Objects of the pool in the picture now.
    pub objects: usize,
    /// Time that translating and swapping took.
    pub took: Duration,
}

impl Writer {
    pub(crate) fn new(inventory: Inventory, server: ServerId, ticket: u64) -> Self {
        Self { inventory, server, ticket, table: Table::default(), phase: Phase::Idle, arrived: None }
    }

    /// Returns the server whose pool this writes.
    pub fn server(&self) -> &ServerId {
        &self.server
    }

    /// Starts a full load. What was loaded but not finished is dropped; the picture does not change.
    pub fn begin(&mut self) {
        self.table.clear();
        self.phase = Phase::Loading;
    }

    /// Takes one record of the load. Records of classes that nobody reads are ignored.
    pub fn load(&mut self, class: &str, reference: &str, record: &Value) {
        if self.phase != Phase::Loading {
            self.begin();
        }
        self.table.set(class, reference, record);
    }

    /// Ends the load: swaps the whole pool in at once, and tells subscribers the real differences.
    ///
    /// # Errors
    /// No pool among the records, the pool is another server's, or this writer is not the server's any more. The picture
    /// is as before then.
    pub fn finish(&mut self) -> Result<Loaded, Error> {
        let started = Instant::now();
        let result = self.swap();
        match &result {
            Ok(pool) => {
                self.phase = Phase::Live;
                let objects = self.table.len();
                debug!(server = %self.server, %pool, objects, "pool swapped in");
            }
            Err(_) => {
                self.phase = Phase::Idle;
                self.table.clear();
            }
        }
        Ok(Loaded { pool: result?, objects: self.table.len(), took: started.elapsed() })
    }

    fn swap(&mut self) -> Result<ObjectId, Error> {
        let Some(pool) = self.table.seal() else { return Err(Error::NoPool { server: self.server.clone() }) };
        let (slots, objects): (Vec<_>, Vec<_>) = self.table.settle().set.into_iter().unzip();
        let shown = self.inventory.swap(&self.server, self.ticket, &pool, objects)?;
        self.table.adopt(slots.into_iter().zip(shown));
        Ok(pool)
    }

    /// Notes when the answer that is applied next was in hand; its changes carry it along.
    pub fn arrived(&mut self, at: Instant) {
        self.arrived = Some(at);
    }

    /// Takes one answer of event.from. All its changes appear at once, with what depends on them.
    pub fn apply(&mut self, deltas: &[Delta]) {
        for delta in deltas {
            match delta {
                Delta::Apply { class, reference, record } => self.table.set(class, reference, record),
                Delta::Delete { reference, .. } => self.table.delete(reference),
            }
        }
        match self.phase {
            Phase::Live => self.commit(),
            // The changes are part of the load and appear with it.
            Phase::Loading => {}
            Phase::Idle => {
                warn!(server = %self.server, "changes before the first load are dropped");
                self.table.clear();
            }
        }
    }

    fn commit(&mut self) {
        let outcome = self.table.settle();
        let (slots, objects): (Vec<_>, Vec<_>) = outcome.set.into_iter().unzip();
        let arrived = self.arrived.take();
        match self.inventory.commit(&self.server, self.ticket, objects, &outcome.removed, arrived) {
            Ok(shown) => self.table.adopt(slots.into_iter().zip(shown)),
            Err(error) => warn!(server = %self.server, %error, "changes dropped"),
        }
    }

    /// Notes that the connection is lost: the objects stay, marked stale, until the next load is finished.
    pub fn mark_stale(&mut self, reason: &str) {
        self.inventory.mark_stale(&self.server, self.ticket, reason);
    }

    /// Removes the server and all its objects from the picture.
    pub fn remove(self) {
        self.inventory.remove(&self.server, self.ticket);
    }
}
