//! How records get into the log: one behind the other.
//!
//! Everybody who has a record puts it into a queue. Who finds nobody writing writes all that wait, until nothing does: a crowd
//! shares one durable write, and no record ever has two that follow it.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::{Batch, Error, Expect, Store, Table};
use tokio::sync::oneshot;

use super::{NO_RECORD, Record, hash};

/// What keys of records begin with; behind it their place, in as many digits as sort.
pub(super) const PREFIX: &str = "chain/";

/// What stands before the first record that is kept.
pub(super) const ANCHOR: &str = "anchor";

/// Records that wait; more are refused, which is told in the operator's log. A record has 64 KiB at most.
const WAITING: usize = 2_000;

/// Records written at once.
const AT_ONCE: usize = 200;

/// A record with its place in the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) record: Record,
    /// Bytes of all records up to this one, ever.
    pub(super) size: u64,
}

/// Where the log ends at present.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    /// Place of the last record; 0 = there was none.
    pub(super) place: u64,
    /// Its id.
    pub(super) id: String,
    /// Bytes of all records, ever.
    pub(super) size: u64,
}

impl Default for End {
    fn default() -> Self {
        Self { place: 0, id: NO_RECORD.to_owned(), size: 0 }
    }
}

pub(super) fn key(place: u64) -> String {
    format!("{PREFIX}{place:020}")
}

pub(super) fn place_of(key: &str) -> u64 {
    key.strip_prefix(PREFIX).and_then(|digits| digits.parse().ok()).unwrap_or_default()
}

/// The place where the records of this daemon queue.
#[derive(Default)]
pub(crate) struct Chain(Arc<Mutex<Queue>>);

#[derive(Default)]
struct Queue {
    waiting: VecDeque<(Record, oneshot::Sender<Result<(), String>>)>,
    is_written: bool,
}

/// Appends a record; done when it is durable.
pub(super) async fn append(store: &Store, chain: &Chain, record: Record) -> Result<(), String> {
    let (done, written) = oneshot::channel();
    {
        let mut queue = chain.0.lock();
        if queue.waiting.len() >= WAITING {
            return Err(format!("{WAITING} records wait to be written"));
        }
        queue.waiting.push_back((record, done));
        if !std::mem::replace(&mut queue.is_written, true) {
            // A task of its own: who gives up waiting must not leave the others without a writer.
            tokio::spawn(write_all(store.clone(), chain.0.clone()));
        }
    }
    written.await.unwrap_or_else(|_| Err("the writer has gone".to_owned()))
}

async fn write_all(store: Store, queue: Arc<Mutex<Queue>>) {
    loop {
        let (records, done): (Vec<_>, Vec<_>) = {
            let mut queue = queue.lock();
            let count = queue.waiting.len().min(AT_ONCE);
            if count == 0 {
                queue.is_written = false;
                return;
            }
            queue.waiting.drain(..count).unzip()
        };
        let outcome = write(&store, records).await.map_err(|error| error.to_string());
        for done in done {
            // Whoever waited may have left.
            let _ = done.send(outcome.clone());
        }
    }
}

async fn write(store: &Store, records: Vec<Record>) -> Result<(), Error> {
    let mut end = end(store)?;
    let mut batch = Batch::new();
    for mut record in records {
        record.previous_id.clone_from(&end.id);
        record.id = hash::id_of(&members(&record));
        let bytes = serde_json::to_vec(&record).map_or(0, |json| json.len() as u64);
        end = End { place: end.place + 1, id: record.id.clone(), size: end.size + bytes };
        let entry = Entry { record, size: end.size };
        batch = batch.put(Table::Audit, &key(end.place), &entry, Expect::Absent)?;
    }
    store.commit(batch).await
}

/// Returns where the log ends.
pub(super) fn end(store: &Store) -> Result<End, Error> {
    let last = store.scan_back::<Entry>(Table::Audit, PREFIX, None, 1)?.pop();
    match last {
        Some((key, stored)) => {
            let Entry { record, size } = stored.value;
            Ok(End { place: place_of(&key), id: record.id, size })
        }
        // All may have been too old.
        None => anchor(store),
    }
}

/// Returns what stands before the first record that is kept.
pub(super) fn anchor(store: &Store) -> Result<End, Error> {
    Ok(store.get::<End>(Table::Audit, ANCHOR)?.map(|stored| stored.value).unwrap_or_default())
}

/// Returns a record as what is hashed.
pub(super) fn members(record: &Record) -> Map<String, Value> {
    match serde_json::to_value(record) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}
