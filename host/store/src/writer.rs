//! The one writer: takes everything that is queued, makes one durable commit of it, then answers everybody.
//!
//! A commit costs 0.3 ms on an idle disk and 100 ms on a busy one whatever is in it, so under load the groups grow and the
//! cost is shared. Batches of one group are made in the order in which they came, each on the state that the one before it
//! left; a conflict fails its own batch and no other.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread::JoinHandle;

use redb::{ReadableTable, WriteTransaction};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::engine::{Changed, Engine, join, rows};
use crate::seal::Sealed;
use crate::{Batch, Error, Expect, KeyChange, Table, format};

/// Batches that wait for the writer, and the most that one commit takes. Two hundred clients that save at the same moment
/// still share one commit; whoever comes after them waits at the door, with its batch in its own hands. At a kilobyte each,
/// which a record seldom exceeds, the queue holds a quarter of a megabyte.
const QUEUE: usize = 256;

/// Changes that a watcher may lag behind. More than four full groups of single records; beyond, scanning again is cheaper
/// than following, and it bounds a sleeping watcher to some 64 KiB.
const WATCH_QUEUE: usize = 1024;

/// What a committed batch did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    /// Revision of the records that it wrote; 0 when it changed nothing.
    pub(crate) revision: u64,
    /// How many records it removed.
    pub(crate) removed: usize,
}

/// Handle to the thread. Dropping it lets the thread finish what is queued and waits for it.
pub(crate) struct Writer {
    queue: Option<mpsc::Sender<Request>>,
    changes: broadcast::Sender<KeyChange>,
    thread: Option<JoinHandle<()>>,
}

struct Request {
    work: Work,
    answer: oneshot::Sender<Result<Done, Error>>,
}

enum Work {
    Batch(Batch),
    Canary(Sealed),
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(engine: Arc<Engine>) -> Self {
        let (queue, requests) = mpsc::channel(QUEUE);
        let (changes, _) = broadcast::channel(WATCH_QUEUE);
        let sender = changes.clone();
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || run(&engine, requests, &sender))
            .expect("a thread can be started: at start-up, before anything else runs");
        Self { queue: Some(queue), changes, thread: Some(thread) }
    }

    /// Queues a batch and waits until it is durable.
    pub(crate) async fn commit(&self, batch: Batch) -> Result<Done, Error> {
        batch.check()?;
        self.request(Work::Batch(batch)).await
    }

    /// Replaces the canary.
    pub(crate) async fn replace_canary(&self, canary: Sealed) -> Result<(), Error> {
        self.request(Work::Canary(canary)).await.map(|_| ())
    }

    /// Returns the changes from now on.
    pub(crate) fn watch(&self) -> broadcast::Receiver<KeyChange> {
        self.changes.subscribe()
    }

    async fn request(&self, work: Work) -> Result<Done, Error> {
        let (answer, answered) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(Error::Closed)?;
        queue.send(Request { work, answer }).await.map_err(|_| Error::Closed)?;
        answered.await.map_err(|_| Error::Closed)?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed by then; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

fn run(engine: &Engine, mut requests: mpsc::Receiver<Request>, changes: &broadcast::Sender<KeyChange>) {
    while let Some(first) = requests.blocking_recv() {
        let mut group = vec![first];
        while group.len() < QUEUE
            && let Ok(next) = requests.try_recv()
        {
            group.push(next);
        }
        commit(engine, group, changes);
    }
}

/// What the transaction made of one request.
struct Outcome {
    result: Result<Done, Error>,
    changes: Vec<KeyChange>,
}

fn commit(engine: &Engine, group: Vec<Request>, watchers: &broadcast::Sender<KeyChange>) {
    let (works, answers): (Vec<_>, Vec<_>) = group.into_iter().map(|request| (request.work, request.answer)).unzip();
    match engine.write(|transaction| apply_group(transaction, &works)) {
        Ok(outcomes) => {
            for (outcome, answer) in outcomes.into_iter().zip(answers) {
                for change in outcome.changes {
                    engine.has_changed(change.table);
                    // Nobody watching is fine.
                    let _ = watchers.send(change);
                }
                // Whoever asked may have left.
                let _ = answer.send(outcome.result);
            }
        }
        Err(error) => {
            let reason = error.to_string();
            for answer in answers {
                let _ = answer.send(Err(Error::ReadOnly { reason: reason.clone() }));
            }
        }
    }
}

type OpenTables<'t> = HashMap<Table, redb::Table<'t, &'static str, &'static [u8]>>;

fn apply_group(transaction: &WriteTransaction, works: &[Work]) -> Result<(Vec<Outcome>, Changed), redb::Error> {
    let before = format::revision(transaction)?;
    let mut revision = before;
    let mut changed = Changed::No;
    let mut outcomes = Vec::with_capacity(works.len());
    let mut tables = OpenTables::new();
    for work in works {
        let outcome = match work {
            Work::Batch(batch) => apply(transaction, &mut tables, batch, revision + 1)?,
            Work::Canary(canary) => {
                format::put_canary(transaction, canary)?;
                changed = Changed::Yes;
                Outcome { result: Ok(Done { revision: 0, removed: 0 }), changes: Vec::new() }
            }
        };
        if !outcome.changes.is_empty() {
            revision += 1;
        }
        outcomes.push(outcome);
    }
    // Closed before the commit, as redb demands.
    drop(tables);
    if revision > before {
        format::put_revision(transaction, revision)?;
        changed = Changed::Yes;
    }
    Ok((outcomes, changed))
}

/// Makes one batch, or finds the expectation that does not hold and touches nothing.
fn apply<'t>(
    transaction: &'t WriteTransaction,
    tables: &mut OpenTables<'t>,
    batch: &Batch,
    revision: u64,
) -> Result<Outcome, redb::Error> {
    for step in &batch.steps {
        if step.expect == Expect::Any {
            continue;
        }
        let found = table(transaction, tables, step.table)?.get(&*step.key)?;
        let found = found.map(|row| crate::engine::revision(row.value())).transpose()?;
        if !step.expect.holds(found) {
            let (table, key) = (step.table, step.key.to_string());
            return Ok(Outcome { result: Err(Error::Conflict { table, key }), changes: Vec::new() });
        }
    }
    let mut done = Done { revision: 0, removed: 0 };
    let mut changes = Vec::with_capacity(batch.steps.len());
    for step in &batch.steps {
        let rows = table(transaction, tables, step.table)?;
        let written = match &step.value {
            Some(json) => {
                rows.insert(&*step.key, join(revision, json).as_slice())?;
                done.revision = revision;
                Some(revision)
            }
            None if rows.remove(&*step.key)?.is_some() => {
                done.removed += 1;
                None
            }
            None => continue,
        };
        changes.push(KeyChange { table: step.table, key: Arc::clone(&step.key), revision: written });
    }
    Ok(Outcome { result: Ok(done), changes })
}

fn table<'a, 't>(
    transaction: &'t WriteTransaction,
    tables: &'a mut OpenTables<'t>,
    table: Table,
) -> Result<&'a mut redb::Table<'t, &'static str, &'static [u8]>, redb::Error> {
    use std::collections::hash_map::Entry;
    match tables.entry(table) {
        Entry::Occupied(entry) => Ok(entry.into_mut()),
        Entry::Vacant(entry) => Ok(entry.insert(transaction.open_table(rows(table))?)),
    }
}
