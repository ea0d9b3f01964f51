//! How long the log is kept: by time and by size. What goes is said in the log itself.

use std::sync::Arc;
use std::time::Duration;

use model::{Caller, Millis};
use serde_json::json;
use store::{Batch, Error, Expect, Store, Table};
use tracing::warn;

use super::chain::{ANCHOR, End, Entry, PREFIX, anchor, end, place_of};
use crate::ctx::App;

/// Time between two looks.
const EACH: Duration = Duration::from_secs(3_600);

/// Records removed with one write.
const AT_ONCE: usize = 1_000;

/// How long records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Milliseconds.
    pub time: Millis,
    /// Bytes of all records together.
    pub size: u64,
}

impl Default for Keep {
    /// Some more than a year, and 256 MiB: about a million calls.
    fn default() -> Self {
        Self { time: 400 * 24 * 3_600_000, size: 256 << 20 }
    }
}

/// Removes what is too old or too much, now and then for as long as the daemon runs.
pub(crate) fn watch(app: &Arc<App>, keep: Keep) {
    let (worker, mut stop) = (app.clone(), app.workers.stop_signal());
    app.workers.spawn("audit retention", async move {
        loop {
            match shorten(&worker.store, keep, worker.clock.now()).await {
                Ok(Some((count, last))) => {
                    let data = json!({ "count": count, "newestId": last });
                    worker.audit_as(&Caller::Daemon, "auditShortened", data).await;
                }
                Ok(None) => {}
                Err(cause) => warn!(%cause, "what is too old in the audit log could not be removed"),
            }
            tokio::select! {
                () = tokio::time::sleep(EACH) => {}
                () = stop.wait() => break,
            }
        }
    });
}

/// Removes what is too old or too much; returns how many records that were, and the id of the newest of them.
pub(super) async fn shorten(store: &Store, keep: Keep, now: Millis) -> Result<Option<(u64, String)>, Error> {
    let mut removed = None;
    loop {
        let whole = end(store)?.size;
        let is_too_much = |entry: &Entry| {
            let is_old = now.saturating_sub(entry.record.time) > keep.time;
            // Bytes from this record on, to the end of the log.
            is_old || whole - (entry.size.min(whole)) >= keep.size
        };
        let first = store.scan::<Entry>(Table::Audit, PREFIX, None, AT_ONCE)?;
        let gone: Vec<_> = first.iter().take_while(|(_, stored)| is_too_much(&stored.value)).collect();
        let Some((key, stored)) = gone.last() else { return Ok(removed) };
        let at = End { place: place_of(key), id: stored.value.record.id.clone(), size: stored.value.size };
        let count = removed.map_or(0, |(count, _): (u64, String)| count) + at.place - anchor(store)?.place;
        let batch = Batch::new().put(Table::Audit, ANCHOR, &at, Expect::Any)?;
        let batch = gone.iter().fold(batch, |batch, (key, _)| batch.delete(Table::Audit, key, Expect::Any));
        removed = Some((count, at.id.clone()));
        store.commit(batch).await?;
    }
}
