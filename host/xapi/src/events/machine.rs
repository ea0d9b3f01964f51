//! The states of an event stream and the one function that changes them. No network, no clock: tests own both.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::events::{Delta, Event};
use crate::{Error, Timeouts};

/// From the second attempt on the wait doubles, beginning here.
const SECOND_RETRY: Duration = Duration::from_secs(1);
/// Whole pictures in a row without a single successful poll before we treat it as a loss: a host that forgets its events
/// all the time must not be asked for everything all the time.
const MAX_RELOADS: u32 = 3;

/// Where an event stream is. The drawing is in the module above.
#[derive(Debug)]
pub(crate) enum State<C> {
    /// Nothing has happened yet.
    Start,
    /// Logging in.
    Connecting,
    /// Reading everything.
    Loading(C),
    /// Waiting for changes after this point in the pool's history, for the first time or again.
    Polling(C, Token, Turn),
    /// The host is there but forgot our session: log in again, then read everything, because it may be a new process.
    Renewing(C, u64),
    /// Waiting before the next attempt.
    Lost(Duration),
}

/// What a state wants done.
#[derive(Debug, PartialEq)]
pub(crate) enum Work<C> {
    Connect,
    Load(C, Plan),
    Poll(C, Token, Turn),
    Renew(C, u64),
    Wait(Duration),
}

/// What came of it.
pub(crate) enum Outcome<C> {
    Connected(Result<C, Error>),
    /// Its records were told one by one ([`Machine::loaded`]).
    Loaded(Result<Token, Failure>),
    Polled(Result<Answer, Failure>),
    Renewed(Result<(), Error>),
    Waited,
}

/// An error, and the number of the session that met it.
pub(crate) struct Failure {
    pub error: Error,
    pub epoch: u64,
}

/// What `event.from` brought.
pub(crate) struct Answer {
    pub deltas: Vec<Delta>,
    pub token: Token,
}

/// Which poll it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The first after a picture. It is a short one: only a poll that worked proves that the pool is well, and until then
    /// the next loss would count as one more in a row.
    First,
    Later,
}

/// How to read everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// `event.from` with an empty token brings all objects at one moment.
    Events,
    /// `get_all_records` of each class, for hosts that fail at the former.
    Records,
}

/// A point in a pool's history, `"<database generation>,<message generation>"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token(pub Box<str>);

impl Token {
    fn generation(&self) -> Option<u64> {
        self.0.split(',').next()?.trim().parse().ok()
    }

    /// Returns whether this point lies before the other one: then it is another history.
    fn is_before(&self, other: &Self) -> bool {
        matches!((self.generation(), other.generation()), (Some(this), Some(other)) if this < other)
    }
}

/// The states of one stream, over connections of type `C`.
pub(crate) struct Machine<C> {
    state: State<C>,
    plan: Plan,
    times: Timeouts,
    /// Losses in a row: since the pool was last live for a while. One that was live only briefly does not count, in
    /// either direction.
    losses: u32,
    /// Refused passwords in a row.
    refusals: u32,
    /// Since when the pool is live.
    live_since: Option<Instant>,
    /// Whole pictures asked for since the last successful poll, not counting those after a loss.
    reloads: u32,
    /// Whether the load under way has brought a record.
    begun: bool,
    /// Events nobody has taken yet.
    out: VecDeque<Event>,
    /// Returns a number from 0 to 1.
    chance: fn() -> f64,
}

impl<C: Clone> Machine<C> {
    pub(crate) fn new(times: Timeouts, chance: fn() -> f64) -> Self {
        let mut machine = Self {
            state: State::Start,
            plan: Plan::Events,
            times,
            losses: 0,
            refusals: 0,
            live_since: None,
            reloads: 0,
            begun: false,
            out: VecDeque::new(),
            chance,
        };
        machine.connect();
        machine
    }

    /// Returns the oldest event nobody has taken.
    pub(crate) fn take(&mut self) -> Option<Event> {
        self.out.pop_front()
    }

    /// Returns the connection, when there is one.
    pub(crate) fn connection(&self) -> Option<&C> {
        match &self.state {
            State::Loading(connection) | State::Polling(connection, ..) | State::Renewing(connection, _) => {
                Some(connection)
            }
            State::Start | State::Connecting | State::Lost(_) => None,
        }
    }

    /// Returns what the present state wants done.
    pub(crate) fn work(&self) -> Work<C> {
        match &self.state {
            State::Start | State::Connecting => Work::Connect,
            State::Loading(connection) => Work::Load(connection.clone(), self.plan),
            State::Polling(connection, token, turn) => Work::Poll(connection.clone(), token.clone(), *turn),
            State::Renewing(connection, epoch) => Work::Renew(connection.clone(), *epoch),
            State::Lost(wait) => Work::Wait(*wait),
        }
    }

    /// Moves on after the work of the present state is done.
    pub(crate) fn step(&mut self, outcome: Outcome<C>, now: Instant) {
        self.advance(outcome, now);
        self.begun = false;
    }

    fn advance(&mut self, outcome: Outcome<C>, now: Instant) {
        match (std::mem::replace(&mut self.state, State::Start), outcome) {
            (State::Connecting, Outcome::Connected(Ok(connection))) => {
                self.refusals = 0;
                self.state = State::Loading(connection);
            }
            (State::Connecting, Outcome::Connected(Err(error))) => self.lose(error, now),

            (State::Loading(connection), Outcome::Loaded(Ok(token))) => {
                self.begin();
                self.out.push_back(Event::InitDone);
                self.state = State::Polling(connection, token, Turn::First);
            }
            (State::Loading(connection), Outcome::Loaded(Err(failure))) => self.load_failed(connection, failure, now),

            (State::Polling(connection, token, _), Outcome::Polled(Ok(answer))) if answer.token.is_before(&token) => {
                let reason = "the pool's history goes backwards again and again".to_owned();
                let error = Error::Protocol { method: "event.from".to_owned(), reason };
                self.reload(State::Loading(connection), error, now);
            }
            (State::Polling(connection, ..), Outcome::Polled(Ok(answer))) => {
                self.live_since.get_or_insert(now);
                self.reloads = 0;
                self.state = State::Polling(connection, answer.token, Turn::Later);
                if !answer.deltas.is_empty() {
                    self.out.push_back(Event::Batch(answer.deltas));
                }
            }
            (State::Polling(connection, ..), Outcome::Polled(Err(Failure { error, epoch }))) => match error.code() {
                Some("SESSION_INVALID") => self.reload(State::Renewing(connection, epoch), error, now),
                Some("EVENTS_LOST" | "EVENT_FROM_TOKEN_PARSE_FAILURE") => {
                    self.reload(State::Loading(connection), error, now)
                }
                _ => self.lose(error, now),
            },

            (State::Renewing(connection, _), Outcome::Renewed(Ok(()))) => self.state = State::Loading(connection),
            (State::Renewing(..), Outcome::Renewed(Err(error))) => self.lose(error, now),

            (State::Lost(_), Outcome::Waited) => self.connect(),

            // The work always belongs to the state; if it ever does not, beginning anew is right.
            _ => self.connect(),
        }
    }

    fn connect(&mut self) {
        self.state = State::Connecting;
        self.out.push_back(Event::Connecting { attempt: self.losses.saturating_add(1) });
    }

    /// Takes a record of the load under way.
    pub(crate) fn loaded(&mut self, delta: Delta) {
        self.begin();
        if let Delta::Apply { class, reference, record } = delta {
            self.out.push_back(Event::InitApply { class, reference, record });
        }
    }

    /// Tells that a picture follows. Not before its first record: a host that refuses brings none.
    fn begin(&mut self) {
        if !std::mem::replace(&mut self.begun, true) {
            self.out.push_back(Event::Init);
        }
    }

    fn load_failed(&mut self, connection: C, Failure { error, epoch }: Failure, now: Instant) {
        match &error {
            error if error.is("SESSION_INVALID") => {
                self.reload(State::Renewing(connection, epoch), error.clone(), now);
            }
            // Too old, or too slow: the other way may work.
            Error::Api { .. } | Error::Timeout { .. } if self.plan == Plan::Events && !error.is_busy() => {
                self.plan = Plan::Records;
                self.state = State::Loading(connection);
            }
            _ => {
                self.plan = Plan::Events;
                self.lose(error, now);
            }
        }
    }

    /// Goes to a state that leads to a new whole picture, unless that happened too often.
    fn reload(&mut self, state: State<C>, error: Error, now: Instant) {
        self.reloads += 1;
        if self.reloads > MAX_RELOADS {
            self.reloads = 0;
            return self.lose(error, now);
        }
        self.state = state;
    }

    fn lose(&mut self, error: Error, now: Instant) {
        let live = self.live_since.take().map(|since| now.saturating_duration_since(since));
        self.losses = match live {
            Some(live) if live >= self.times.settled => 1,
            Some(_) => self.losses.max(1),
            None => self.losses.saturating_add(1),
        };
        let needs_administrator = error.needs_administrator();
        let retry_in = match &error {
            Error::AuthenticationFailed { .. } => {
                self.refusals = self.refusals.saturating_add(1);
                doubled(self.times.retry_last, self.refusals - 1).min(self.times.retry_refused)
            }
            _ if needs_administrator => self.times.retry_last,
            _ => back_off(&self.times, self.losses, (self.chance)()),
        };
        self.out.push_back(Event::Lost { error, retry_in, needs_administrator });
        self.state = State::Lost(retry_in);
    }
}

/// Returns how long to wait after this many losses. Up to a quarter is taken off by chance, so that fifty pools behind one
/// broken switch do not come back in the same instant.
fn back_off(times: &Timeouts, losses: u32, chance: f64) -> Duration {
    let full = match losses {
        0 | 1 => times.retry_first,
        more => doubled(SECOND_RETRY, more - 2),
    };
    full.min(times.retry_last).mul_f64(1.0 - chance.clamp(0.0, 1.0) / 4.0)
}

/// Returns the time, doubled this often.
fn doubled(time: Duration, often: u32) -> Duration {
    time.saturating_mul(1 << often.min(16))
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
