//! Does what the states of an event stream ask for: connect, load, poll, log in again, wait.

use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::events::machine::{Answer, Failure, Outcome, Plan, Token, Turn, Work};
use crate::events::{Delta, Nudger};
use crate::member::Roster;
use crate::{Connection, Error, Target, Timeouts, Value};

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
    classes: &'static [&'static str],
    nudger: Nudger,
    roster: Roster,
}

impl Source {
    pub(crate) fn new(target: Target, timeouts: Timeouts, classes: &'static [&'static str]) -> Self {
        let roster = Roster::new(target.members.clone());
        Self { target, timeouts, classes, nudger: Nudger::default(), roster }
    }

    pub(crate) fn nudger(&self) -> &Nudger {
        &self.nudger
    }

    /// Begins a piece of work.
    pub(crate) fn start(&self, work: Work<Connection>) -> BoxFuture<'static, Outcome<Connection>> {
        let classes = self.classes;
        match work {
            Work::Connect => {
                let open = Connection::open_with(self.target.clone(), self.timeouts, self.roster.clone());
                Box::pin(async { Outcome::Connected(open.await) })
            }
            Work::Load(connection, plan) => Box::pin(async move {
                let epoch = connection.epoch();
                let loaded = match plan {
                    Plan::Events => load_by_events(&connection, classes).await,
                    Plan::Records => load_by_records(&connection, classes).await,
                };
                Outcome::Loaded(loaded.map_err(|error| Failure { error, epoch }))
            }),
            Work::Poll(connection, token, turn) => Box::pin(async move {
                let epoch = connection.epoch();
                let polled = poll(&connection, classes, token, turn).await;
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
        }
    }
}

async fn load_by_events(connection: &Connection, classes: &[&'static str]) -> Result<Answer, Error> {
    from(connection, classes, "", LOAD_WAIT, connection.timeouts().load).await
}

/// Reads class by class. The token comes first, from an injected event, so nothing can happen unseen in between.
async fn load_by_records(connection: &Connection, classes: &'static [&'static str]) -> Result<Answer, Error> {
    let limit = connection.timeouts().load;
    let quick = connection.timeouts().login;
    let pools = connection.call_once("pool.get_all", vec![], quick).await?;
    let pool = pools.as_array().and_then(|pools| pools.first()).and_then(Value::as_str);
    let pool = pool.ok_or_else(|| malformed("pool.get_all", "no pool"))?;
    let token = connection.call_once("event.inject", vec!["pool".into(), pool.into()], quick).await?;
    let token = Token(token.as_str().ok_or_else(|| malformed("event.inject", "the token is not a text"))?.into());
    // A list first: the compiler cannot follow a closure over borrowed names through `buffer_unordered`.
    let reads: Vec<_> = classes.iter().map(|class| table(connection.clone(), class, limit)).collect();
    let tables: Vec<_> = stream::iter(reads).buffer_unordered(PARALLEL_CLASSES).try_collect().await?;
    let deltas = tables.into_iter().flat_map(|(class, records)| {
        records.into_iter().map(move |(reference, record)| Delta::Apply { class: class.into(), reference, record })
    });
    Ok(Answer { deltas: deltas.collect(), token })
}

/// A class and all its records by reference.
type Table = (&'static str, Vec<(Box<str>, Value)>);

async fn table(connection: Connection, class: &'static str, limit: Duration) -> Result<Table, Error> {
    let method = format!("{class}.get_all_records");
    match connection.call_once(&method, vec![], limit).await {
        Ok(Value::Struct(records)) => Ok((class, records)),
        Ok(_) => Err(malformed(&method, "the records are not a struct")),
        // The host is older or newer than this class.
        Err(Error::Api { code, .. }) if matches!(&*code, "MESSAGE_METHOD_UNKNOWN" | "MESSAGE_REMOVED") => {
            Ok((class, vec![]))
        }
        Err(error) => Err(error),
    }
}

async fn poll(connection: &Connection, classes: &[&'static str], token: Token, turn: Turn) -> Result<Answer, Error> {
    let (wait, margin) = (connection.timeouts().event_poll, connection.timeouts().event_margin);
    let wait = if turn == Turn::First { wait.min(FIRST_POLL) } else { wait };
    let start = Instant::now();
    let answer = from(connection, classes, &token.0, wait.as_secs_f64(), wait + margin).await?;
    let nothing = answer.deltas.is_empty() || answer.token == token;
    if nothing && start.elapsed() < PAUSE.min(wait / 2) {
        tokio::time::sleep(PAUSE).await;
    }
    Ok(answer)
}

async fn from(
    connection: &Connection,
    classes: &[&'static str],
    token: &str,
    wait: f64,
    limit: Duration,
) -> Result<Answer, Error> {
    let params = vec![Value::from(classes.to_vec()), token.into(), wait.into()];
    let mut answer = connection.call_once("event.from", params, limit).await?;
    let token = match answer.take("token") {
        Some(Value::String(token)) => Token(token),
        _ => return Err(malformed("event.from", "no token")),
    };
    let Some(Value::Array(events)) = answer.take("events") else { return Err(malformed("event.from", "no events")) };
    let mut deltas = Vec::with_capacity(events.len());
    for event in events {
        match change(event, classes)? {
            Change::Whole(delta) => deltas.push(delta),
            Change::Bare { class, reference } => deltas.push(complete(connection, class, reference).await?),
            Change::Foreign => {}
        }
    }
    Ok(Answer { deltas, token })
}

#[derive(Debug, PartialEq)]
enum Change {
    Whole(Delta),
    /// The object was touched, but its record did not come along.
    Bare {
        class: &'static str,
        reference: Box<str>,
    },
    /// Of a class nobody asked for.
    Foreign,
}

/// Reads one event. XAPI sends class names in lower case.
fn change(mut event: Value, classes: &[&'static str]) -> Result<Change, Error> {
    let mut text = |name: &str| match event.take(name) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(malformed("event.from", "an event without class, operation or ref")),
    };
    let (class, operation, reference) = (text("class")?, text("operation")?, text("ref")?);
    let Some(class) = classes.iter().find(|known| known.eq_ignore_ascii_case(&class)) else {
        return Ok(Change::Foreign);
    };
    if &*operation == "del" {
        return Ok(Change::Whole(Delta::Delete { class: (*class).into(), reference }));
    }
    Ok(match event.take("snapshot") {
        Some(record @ Value::Struct(_)) => Change::Whole(Delta::Apply { class: (*class).into(), reference, record }),
        _ => Change::Bare { class, reference },
    })
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

fn malformed(method: &str, reason: &str) -> Error {
    Error::Protocol { method: method.to_owned(), reason: reason.to_owned() }
}

/// Returns a number from 0 to 1, by chance.
pub(crate) fn chance() -> f64 {
    use ring::rand::{SystemRandom, generate};
    // Without chance, the middle is as good as any.
    generate::<[u8; 2]>(&SystemRandom::new())
        .map_or(0.5, |bytes| f64::from(u16::from_ne_bytes(bytes.expose())) / 65535.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes() {
        let event = |class: &str, operation: &str, snapshot: Option<Value>| {
            let mut members: Vec<(&str, Value)> =
                vec![("class", class.into()), ("operation", operation.into()), ("ref", "r".into())];
            members.extend(snapshot.map(|snapshot| ("snapshot", snapshot)));
            change(Value::record(members), &["VM_guest_metrics", "VM"])
        };
        let record = Value::record([("uuid", "u")]);
        let whole = Delta::Apply { class: "VM_guest_metrics".into(), reference: "r".into(), record: record.clone() };
        assert_eq!(event("vm_guest_metrics", "mod", Some(record)).ok(), Some(Change::Whole(whole)));
        let gone = Delta::Delete { class: "VM".into(), reference: "r".into() };
        assert_eq!(event("vm", "del", None).ok(), Some(Change::Whole(gone)));
        assert_eq!(event("vm", "add", None).ok(), Some(Change::Bare { class: "VM", reference: "r".into() }));
        assert_eq!(event("session", "add", None).ok(), Some(Change::Foreign));
        assert!(change(Value::record([("class", "vm")]), &["VM"]).is_err());
        assert!(change(Value::Nil, &["VM"]).is_err());
    }
}
