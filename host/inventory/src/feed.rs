//! Tells subscribers what changed. A slow one gets a resync, never unbounded memory.

use std::sync::Arc;

use model::{Changes, Revision};
use tokio::sync::broadcast::{
    self,
    error::{RecvError, TryRecvError},
};

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
    /// The last change that was taken from the queue. There is one for each revision, without gaps.
    pub(crate) received: Revision,
}

impl Subscription {
    /// Takes a snapshot to start (again) from. Changes that are in it already will not be delivered.
    pub fn snapshot(&mut self) -> Snapshot {
        let snapshot = self.inventory.snapshot();
        self.seen = snapshot.revision();
        snapshot
    }

    /// Takes a snapshot and what has changed from the last received change up to it. None when changes were missed; then
    /// take a fresh start, as after a resync.
    pub fn catch_up(&mut self) -> Option<(Snapshot, Vec<Arc<Changes>>)> {
        let snapshot = self.inventory.snapshot();
        let mut changes = Vec::new();
        // A snapshot is taken after its changes were told, so they are all there.
        while self.received < snapshot.revision() {
            match self.changes.try_recv() {
                Ok(next) => {
                    self.received = next.revision;
                    if next.revision > self.seen {
                        changes.push(next);
                    }
                }
                Err(TryRecvError::Lagged(_)) => {
                    (self.changes, self.received) = self.inventory.listen();
                    return None;
                }
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        Some((snapshot, changes))
    }

    /// Waits for the next change. Dropping the future loses nothing.
    pub async fn recv(&mut self) -> Feed {
        loop {
            match self.changes.recv().await {
                Ok(changes) => {
                    self.received = changes.revision;
                    if changes.revision > self.seen {
                        return Feed::Changes(changes);
                    }
                }
                Err(RecvError::Lagged(_)) => {
                    // What is still queued is older than the snapshot the subscriber will take now.
                    (self.changes, self.received) = self.inventory.listen();
                    return Feed::Resync;
                }
                // We hold the inventory and thereby the sender, so this cannot be; waiting is right all the same.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}
