//! Does what the states of an event stream ask for: connect, load, poll, log in again, wait.

use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::events::machine::{Answer, Failure, Outcome, Plan, Token, Turn, Work};
use crate::events::records::{Answered, BATCHES, Call, Sink, malformed};
use crate::events::{Delta, Nudger, members};
use crate::member::Roster;
use crate::split::Place;
use crate::{Connection, Error, Fields, Target, Timeouts, Value};

/// How long XAPI may wait for the first object, in seconds. There is always a pool object, so it never does.
const LOAD_WAIT: f64 = 30.0;
/// How long XAPI may hold the first poll back.
const FIRST_POLL: Duration = Duration::from_secs(1);
/// How many classes are read at once by `get_all_records`; more only makes XAPI's database lock busier.
const PARALLEL_CLASSES: usize = 4;
/// The pause after an answer that came too early and brought nothing, so that a broken host is not asked in a tight loop.
const PAUSE: Duration = Duration::from_millis(250);

/// Where the events come from.
pub(crate) struct Source {
    target: Target,
    timeouts: Timeouts,
    wanted: Wanted,
    nudger: Nudger,
    roster: Roster,
}

/// What is wanted of a pool.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    /// In exact case.
    pub classes: &'static [&'static str],
    pub fields: Fields,
}

impl Source {
    pub(crate) fn new(target: Target, timeouts: Timeouts, wanted: Wanted) -> Self {
        let roster = Roster::new(target.members.clone());
        Self { target, timeouts, wanted, nudger: Nudger::default(), roster }
    }

    pub(crate) fn roster(&self) -> &Roster {
        &self.roster
    }

    pub(crate) fn nudger(&self) -> &Nudger {
        &self.nudger
    }

    /// Begins a piece of work.
    pub(crate) fn start(&self, work: Work<Connection>) -> Running {
        let wanted = self.wanted;
        let outcome: BoxFuture<'static, Outcome<Connection>> = match work {
            Work::Connect => {
                let open = Connection::open_with(self.target.clone(), self.timeouts, self.roster.clone());
                Box::pin(async { Outcome::Connected(open.await) })
            }
            Work::Load(connection, plan) => return load(connection, plan, wanted),
            Work::Poll(connection, token, turn) => Box::pin(async move {
                let epoch = connection.epoch();
                let polled = poll(&connection, wanted, token, turn).await;
                Outcome::Polled(polled.map_err(|error| Failure { error, epoch }))
            }),
            Work::Renew(connection, epoch) => Box::pin(async move { Outcome::Renewed(connection.renew(epoch).await) }),
            Work::Wait(wait) => {
                let (nudger, end) = (self.nudger.clone(), tokio::time::Instant::now() + wait);
                Box::pin(async move {
                    // A nudge that came a little too early counts, too.
                    let _ = tokio::time::timeout_at(end, nudger.0.notified()).await;
                    Outcome::Waited
                })
            }
        };
        Running { outcome, records: None }
    }
}

/// A piece of work that has begun.
pub(crate) struct Running {
    /// What came of it.
    pub outcome: BoxFuture<'static, Outcome<Connection>>,
    /// What a load brings while it runs, in batches.
    pub records: Option<mpsc::Receiver<Vec<Delta>>>,
}

/// Begins to read everything. The work goes on beside the reader, who takes records out at the other end; when this is
/// dropped, it ends.
fn load(connection: Connection, plan: Plan, wanted: Wanted) -> Running {
    let (sink, records) = mpsc::channel(BATCHES);
    let mut work = JoinSet::new();
    work.spawn(async move {
        let epoch = connection.epoch();
        let loaded = match plan {
            Plan::Events => load_by_events(&connection, wanted, &sink).await,
            Plan::Records => load_by_records(&connection, wanted, &sink).await,
        };
        Outcome::Loaded(loaded.map_err(|error| Failure { error, epoch }))
    });
    let outcome = Box::pin(async move {
        match work.join_next().await {
            Some(Ok(outcome)) => outcome,
            _ => Outcome::Loaded(Err(Failure { error: malformed("event.from", "the reader failed"), epoch: 0 })),
        }
    });
    Running { outcome, records: Some(records) }
}

async fn load_by_events(connection: &Connection, wanted: Wanted, sink: &Sink) -> Result<Token, Error> {
    let limit = connection.timeouts().load;
    let (deltas, token) = from(connection, wanted, "", LOAD_WAIT, limit, Some(sink)).await?;
    hand_over(sink, deltas).await;
    Ok(token)
}

/// Reads class by class. The token comes first, from an injected event, so nothing can happen unseen in between.
async fn load_by_records(connection: &Connection, wanted: Wanted, sink: &Sink) -> Result<Token, Error> {
    let quick = connection.timeouts().login;
    let pools = connection.call_once("pool.get_all", vec![], quick).await?;
    let pool = pools.as_array().and_then(|pools| pools.first()).and_then(Value::as_str);
    let pool = pool.ok_or_else(|| malformed("pool.get_all", "no pool"))?;
    let token = connection.call_once("event.inject", vec!["pool".into(), pool.into()], quick).await?;
    let token = Token(token.as_str().ok_or_else(|| malformed("event.inject", "the token is not a text"))?.into());
    // A list first: the compiler cannot follow a closure over borrowed names through `buffer_unordered`.
    let reads: Vec<_> =
        wanted.classes.iter().map(|class| table(connection.clone(), class, wanted.fields, sink.clone())).collect();
    stream::iter(reads).buffer_unordered(PARALLEL_CLASSES).try_collect::<()>().await?;
    Ok(token)
}

async fn table(connection: Connection, class: &'static str, fields: Fields, sink: Sink) -> Result<(), Error> {
    let method = format!("{class}.get_all_records");
    let limit = connection.timeouts().load;
    let call = Call { method: &method, params: vec![], place: Place::Table, classes: &[class], fields, limit };
    match connection.records(call, Some(&sink)).await {
        Ok(Answered { rest: Value::Struct(rest), .. }) if rest.is_empty() => Ok(()),
        Ok(_) => Err(malformed(&method, "the records are not a struct")),
        // The host is older or newer than this class.
        Err(Error::Api { code, .. }) if matches!(&*code, "MESSAGE_METHOD_UNKNOWN" | "MESSAGE_REMOVED") => Ok(()),
        Err(error) => Err(error),
    }
}

async fn poll(connection: &Connection, wanted: Wanted, token: Token, turn: Turn) -> Result<Answer, Error> {
    let (wait, margin) = (connection.timeouts().event_poll, connection.timeouts().event_margin);
    let wait = if turn == Turn::First { wait.min(FIRST_POLL) } else { wait };
    members::ask(connection, connection.timeouts().login).await;
    let start = Instant::now();
    let (deltas, next) = from(connection, wanted, &token.0, wait.as_secs_f64(), wait + margin, None).await?;
    let nothing = deltas.is_empty() || next == token;
    if nothing && start.elapsed() < PAUSE.min(wait / 2) {
        tokio::time::sleep(PAUSE).await;
    }
    Ok(Answer { deltas, token: next })
}

/// Asks what happened since a token. Changes go to the sink, if there is one; what is left is returned.
async fn from(
    connection: &Connection,
    wanted: Wanted,
    token: &str,
    wait: f64,
    limit: Duration,
    sink: Option<&Sink>,
) -> Result<(Vec<Delta>, Token), Error> {
    const METHOD: &str = "event.from";
    let params = vec![Value::from(wanted.classes.to_vec()), token.into(), wait.into()];
    let call =
        Call { method: METHOD, params, place: Place::Events, classes: wanted.classes, fields: wanted.fields, limit };
    let Answered { mut deltas, bare, mut rest } = connection.records(call, sink).await?;
    // The splitter took the events out; those it did not see would be missed.
    if rest.get("events").and_then(Value::as_array).is_none_or(|left| !left.is_empty()) {
        return Err(malformed(METHOD, "no events"));
    }
    for (class, reference) in bare {
        deltas.push(complete(connection, class, reference).await?);
    }
    match rest.take("token") {
        Some(Value::String(token)) => Ok((deltas, Token(token))),
        _ => Err(malformed(METHOD, "no token")),
    }
}

async fn hand_over(sink: &Sink, deltas: Vec<Delta>) {
    if !deltas.is_empty() {
        // A reader that has gone does not want them.
        let _ = sink.send(deltas).await;
    }
}

/// Asks for the record that an event should have brought along.
async fn complete(connection: &Connection, class: &'static str, reference: Box<str>) -> Result<Delta, Error> {
    let limit = connection.timeouts().call;
    let method = format!("{class}.get_record");
    match connection.call_once(&method, vec![(&*reference).into()], limit).await {
        Ok(record) => Ok(Delta::Apply { class: class.into(), reference, record }),
        Err(error) if error.is("HANDLE_INVALID") => Ok(Delta::Delete { class: class.into(), reference }),
        Err(error) => Err(error),
    }
}

/// Returns a number from 0 to 1, by chance.
pub(crate) fn chance() -> f64 {
    use ring::rand::{SystemRandom, generate};
    // Without chance, the middle is as good as any.
    generate::<[u8; 2]>(&SystemRandom::new())
        .map_or(0.5, |bytes| f64::from(u16::from_ne_bytes(bytes.expose())) / 65535.0)
}
