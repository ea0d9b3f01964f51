//! Keeps a reader up to date with all objects of a pool, for ever.
//!
//! ```text
//!                  +--------------------------- waited, or nudged --------------------------+
//!                  v                                                                        |
//!   start --> Connecting --logged in--> Loading --Init, InitApply.., InitDone--> Polling    |
//!                  |                    |  ^  ^                                  | |  ^     |
//!                  |                    |  |  +---- events lost, process new ----+ |  +-+   |
//!                  |    session died ---+  |                                     | |    |   |
//!                  |                    v  | logged in again                     | +----+   |
//!                  |                  Renewing <--------- session died ----------+  Batch   |
//!                  |                       |                                     |          |
//!                  +--------- any other failure, in any state -------------------+--> Lost -+
//! ```
//!
//! [`machine`] holds the states and the one function that changes them, without any network; [`source`] does what a state
//! asks for (connect, load, poll, wait); [`records`] reads what a host has to say about its objects while it arrives.
//!
//! A reader sees: `Connecting`, then a whole picture from `Init` to `InitDone`, then batches of changes. Whenever changes
//! could have been missed there is a new whole picture. A picture that breaks off ends with `Lost`, or with another
//! `Init`: what came of it so far is worth nothing.

mod machine;
mod members;
mod records;
mod source;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::{Connection, Error, Fields, Member, Target, Timeouts, Value};
use machine::{Machine, Outcome};
pub(crate) use members::OWN_FIELDS;
use members::Tracker;
use source::{Running, Source, Wanted};

/// What happens between us and a pool.
#[derive(Clone, Debug)]
pub enum Event {
    /// We try to log in. `attempt` counts from 1 and starts again after a success.
    Connecting {
        /// Which attempt it is.
        attempt: u32,
    },
    /// A whole picture follows: forget what came of an unfinished one, and what you know when `InitDone` comes.
    Init,
    /// One object of the picture.
    InitApply {
        /// The class in XAPI's exact case, such as `VM_guest_metrics`.
        class: Box<str>,
        /// The object's reference.
        reference: Box<str>,
        /// The object's full record.
        record: Value,
    },
    /// The picture is complete.
    InitDone,
    /// What one answer of `event.from` brought; never empty. The order in it means nothing.
    Batch(Vec<Delta>),
    /// The members of the pool, when something about them is new. Keep them for [`Target::members`]: when the entry is dead,
    /// the pool is found by them.
    Members(Vec<Member>),
    /// The pool cannot be reached, or will not have us.
    Lost {
        /// Why.
        error: Error,
        /// When the next attempt comes.
        retry_in: Duration,
        /// Whether waiting will not help: the settings of this server have to change.
        needs_administrator: bool,
    },
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta {
    /// The object is new or has changed; this is its present state.
    Apply {
        /// The class in XAPI's exact case.
        class: Box<str>,
        /// The object's reference.
        reference: Box<str>,
        /// The object's full record.
        record: Value,
    },
    /// The object is gone.
    Delete {
        /// The class in XAPI's exact case.
        class: Box<str>,
        /// The object's reference.
        reference: Box<str>,
    },
}

/// The events of a pool: endless, and never a panic. Drop it to stop; it logs out then.
pub struct EventStream {
    machine: Machine<Connection>,
    source: Source,
    /// What the present state asked for. Kept here, so that a dropped `next()` does not break off a request.
    running: Option<Running>,
    /// How the work ended, while records it brought are still to be taken.
    outcome: Option<Outcome<Connection>>,
    tracker: Tracker,
    /// What the reader knows about members.
    told: Vec<Member>,
}

/// What the work of a state has brought.
enum Progress {
    Records(Vec<Delta>),
    Done(Outcome<Connection>),
}

/// Ends the waiting of an [`EventStream`] from elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Nudger(Arc<Notify>);

impl Nudger {
    /// Lets the stream try again at once, if it waits after a loss.
    pub fn nudge(&self) {
        self.0.notify_one();
    }
}

impl EventStream {
    /// Makes a stream of these classes (exact case); nothing is sent before the first [`EventStream::next`]. Classes the
    /// pool does not know are simply never seen. Of each record the stream keeps these fields, by sorted names, and drops the
    /// others unread; none keeps all.
    pub fn new(target: Target, timeouts: Timeouts, classes: &'static [&'static str], fields: Fields) -> Self {
        let (tracker, told) = (Tracker::new(&target), target.members.clone());
        let source = Source::new(target, timeouts, Wanted { classes, fields });
        Self { machine: Machine::new(timeouts, source::chance), source, running: None, outcome: None, tracker, told }
    }

    /// Returns the next event. Dropping the future loses nothing: the work under way goes on in the next call.
    pub async fn next(&mut self) -> Event {
        loop {
            // A picture of 100,000 objects is handed out without any waiting: let others work in between.
            tokio::task::consume_budget().await;
            if let Some(event) = self.machine.take() {
                if self.tracker.see(&event) {
                    self.tracker.tell(self.source.roster());
                }
                if let (Event::InitDone, Some(connection), Some(master)) =
                    (&event, self.machine.connection(), self.tracker.master())
                {
                    // Only the master lets anybody in, so that is where we are.
                    connection.set_address(master);
                }
                return event;
            }
            let members = self.source.roster().members();
            if members != self.told {
                self.told.clone_from(&members);
                return Event::Members(members);
            }
            match self.advance().await {
                Progress::Records(batch) => batch.into_iter().for_each(|delta| self.machine.loaded(delta)),
                Progress::Done(outcome) => self.machine.step(outcome, Instant::now()),
            }
        }
    }

    /// Lets the work under way go on until it has brought something. All records come before the outcome.
    async fn advance(&mut self) -> Progress {
        let running = self.running.get_or_insert_with(|| self.source.start(self.machine.work()));
        if let Some(records) = &mut running.records {
            let batch = tokio::select! {
                biased;
                batch = records.recv() => batch,
                outcome = &mut running.outcome, if self.outcome.is_none() => {
                    self.outcome = Some(outcome);
                    records.recv().await
                }
            };
            match batch {
                Some(batch) => return Progress::Records(batch),
                None => running.records = None,
            }
        }
        let outcome = match self.outcome.take() {
            Some(outcome) => outcome,
            None => (&mut running.outcome).await,
        };
        self.running = None;
        Progress::Done(outcome)
    }

    /// Returns the present connection, for calls; `None` while there is none.
    pub fn connection(&self) -> Option<Connection> {
        self.machine.connection().cloned()
    }

    /// Lets the stream try again at once, if it waits after a loss.
    pub fn nudge(&self) {
        self.source.nudger().nudge();
    }

    /// Returns a handle that can nudge while somebody else waits in [`EventStream::next`].
    pub fn nudger(&self) -> Nudger {
        self.source.nudger().clone()
    }
}
