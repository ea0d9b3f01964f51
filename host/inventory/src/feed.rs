//! Tells subscribers what changed. A slow one gets a resync, never unbounded memory.

use std::sync::Arc;

use model::{Changes, Revision};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::{Inventory, Snapshot};

/// Batches kept for slow subscribers. A busy pool makes one batch per answer of event.from, some ten a second; who is
/// 256 batches behind has slept for many seconds and is served better by one fresh snapshot.
pub(crate) const FEED_QUEUE: usize = 256;

/// What a subscriber gets.
#[derive(Clone, Debug)]
pub enum Feed {
    /// The picture changed.
    Changes(Arc<Changes>),
    /// Changes were missed: take a fresh snapshot, from [`Subscription::snapshot`], and go on from there.
    Resync,
}

/// A place in the sequence of changes.
pub struct Subscription {
    pub(crate) inventory: Inventory,
    pub(crate) changes: broadcast::Receiver<Arc<Changes>>,
    /// Changes up to here are in the subscriber's snapshot already.
    pub(crate) seen: Revision,
}

impl Subscription {
    /// Takes a snapshot to start (again) from. Changes that are in it already will not be delivered.
    pub fn snapshot(&mut self) -> Snapshot {
        let snapshot = self.inventory.snapshot();
        self.seen = snapshot.revision();
        snapshot
    }

    /// Waits for the next change. Dropping the future loses nothing.
    pub async fn recv(&mut self) -> Feed {
        loop {
            match self.changes.recv().await {
                Ok(changes) if changes.revision <= self.seen => {}
                Ok(changes) => return Feed::Changes(changes),
                Err(RecvError::Lagged(_)) => {
                    // What is still queued is older than the snapshot the subscriber will take now.
                    self.changes = self.changes.resubscribe();
                    return Feed::Resync;
                }
                // We hold the inventory and thereby the sender, so this cannot be; waiting is right all the same.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}
