//! event.from, event.inject, and the old event.register / next.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    clock,
    core::Core,
    db::{Change, Db},
    failure::{Failure, fail, handle_invalid},
    model::model,
    wire::{Event, Reply, Wire},
};

/// The first look after an empty one comes this fast; the distance doubles up to `Delays::event_spacing`.
const FIRST_STEP: Duration = Duration::from_millis(3);
/// What an out-of-range timeout means.
const LONGEST: f64 = 86_400.0;
/// Pause before event.next answers (the real number).
const NEXT_PAUSE: Duration = Duration::from_millis(200);
/// The pool object beats for listeners of event.next.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// What a caller wants to hear of.
#[derive(Clone, Debug)]
enum Subscription {
    All,
    Class(String),
    Object(String, String),
}

fn subscriptions(classes: &[Value]) -> Vec<Subscription> {
    let texts = classes.iter().filter_map(Value::as_str);
    texts
        .map(|text| match text.split_once('/') {
            _ if text == "*" => Subscription::All,
            Some((class, reference)) => Subscription::Object(class.to_lowercase(), reference.to_owned()),
            None => Subscription::Class(text.to_lowercase()),
        })
        .collect()
}

fn wanted(subscriptions: &[Subscription], class: &str, reference: &str) -> bool {
    subscriptions.iter().any(|s| match s {
        Subscription::All => true,
        Subscription::Class(c) => c == class,
        Subscription::Object(c, r) => c == class && r == reference,
    })
}

/// Returns the token that stands for this moment.
pub fn token(db: &Db) -> String {
    format!("{:020},{:020}", db.generation(), db.message_generation())
}

fn parse_token(token: &str) -> Result<(u64, u64), Failure> {
    if token.is_empty() {
        return Ok((0, 0));
    }
    let bad = || fail("EVENT_FROM_TOKEN_PARSE_FAILURE", [token]);
    let (database, messages) = token.split_once(',').ok_or_else(bad)?;
    Ok((database.parse().map_err(|_| bad())?, messages.parse().map_err(|_| bad())?))
}

/// One event of each object that changed after the token.
fn collect(db: &Db, subscriptions: &[Subscription], (since, messages_since): (u64, u64)) -> Vec<Wire> {
    let mut events = Vec::new();
    let obj_uuid = db.release().sends_obj_uuid();
    let mut see =
        |generation: u64, class: &'static crate::model::Class, reference: &std::sync::Arc<str>, change: Change| {
            if !class.events || !wanted(subscriptions, &class.lower, reference) {
                return;
            }
            let (operation, snapshot) = match change {
                Change::Add(record) => ("add", Some(record)),
                Change::Mod(record) => ("mod", Some(record)),
                Change::Del => ("del", None),
            };
            events.push(Wire::Event(Event {
                id: if class.name == "message" { 0 } else { generation },
                timestamp: "0.0".to_owned(),
                class,
                operation,
                reference: reference.clone(),
                snapshot,
                obj_uuid,
            }));
        };
    // Messages have a generation of their own in the token; here both counters are one sequence.
    db.since(messages_since, |g, c, r, change| {
        if c.name == "message" {
            see(g, c, r, change);
        }
    });
    db.since(since, |g, c, r, change| {
        if c.name != "message" {
            see(g, c, r, change);
        }
    });
    events
}

/// The number of rows of every table, subscribed or not.
fn counts(db: &Db) -> Wire {
    let tables = model().classes.values().filter(|c| c.in_database);
    Wire::Struct(tables.map(|c| (c.lower.clone(), Wire::I4(db.count(&c.name)))).collect())
}

/// `event.from(classes, token, timeout)`.
pub async fn from(core: &Core, session: &str, classes: &[Value], token_text: &str, timeout: f64) -> Reply {
    let start = Instant::now();
    let since = parse_token(token_text)?;
    let subscriptions = subscriptions(classes);
    let timeout = if (0.0..=LONGEST).contains(&timeout) || timeout < 0.0 { timeout.max(0.0) } else { LONGEST };
    let deadline = start + Duration::from_secs_f64(timeout);
    let delays = &core.options.delays;
    let is_task = |s: &Subscription| matches!(s, Subscription::Class(c) | Subscription::Object(c, _) if c == "task");
    if subscriptions.is_empty() || !subscriptions.iter().all(is_task) {
        core.pause(session, delays.event_before).await?;
    }
    let moved = core.watch();
    let mut step = FIRST_STEP.min(delays.event_spacing);
    let mut looked_at = None;
    loop {
        let generation = *moved.borrow();
        let late = Instant::now() >= deadline;
        if late || looked_at != Some(generation) {
            looked_at = Some(generation);
            core.check_session(session)?;
            if !token_text.is_empty() && since.0 < *core.oldest_token.lock() {
                return Err(fail("EVENTS_LOST", []));
            }
            let answer = core.read(|db| {
                let events = collect(db, &subscriptions, since);
                (late || !events.is_empty()).then(|| {
                    Wire::Struct(vec![
                        ("events".to_owned(), Wire::List(events)),
                        ("valid_ref_counts".to_owned(), counts(db)),
                        ("token".to_owned(), Wire::Text(token(db))),
                    ])
                })
            });
            if let Some(answer) = answer {
                return Ok(answer);
            }
        }
        core.pause(session, step.min(deadline.saturating_duration_since(Instant::now()))).await?;
        step = (step * 2).min(delays.event_spacing);
    }
}

/// `event.inject(class, ref)`: returns the token just before the change it makes.
pub fn inject(core: &Core, class: &str, reference: &str) -> Result<Value, Failure> {
    core.write(|db| {
        let before = token(db);
        if db.touch(class, reference) { Ok(json!(before)) } else { Err(handle_invalid(class, reference)) }
    })
}

/// A registration of event.register.
#[derive(Clone, Debug)]
pub struct Legacy {
    subscriptions: Vec<Subscription>,
    since: u64,
    /// Overflown: the next event.next is EVENTS_LOST.
    pub lost: bool,
}

/// `event.register(classes)`.
pub fn register(core: &Core, session: &str, classes: &[Value]) {
    let since = core.read(Db::generation);
    let mut legacy = core.legacy.lock();
    let entry =
        legacy.entry(session.to_owned()).or_insert_with(|| Legacy { subscriptions: Vec::new(), since, lost: false });
    entry.subscriptions.extend(subscriptions(classes));
}

/// `event.unregister(classes)`: one subscription per session, so all of it ends.
pub fn unregister(core: &Core, session: &str) {
    core.legacy.lock().remove(session);
}

/// `event.next()`: blocks until something matches; the answer is an array.
pub async fn next(core: &Core, session: &str) -> Reply {
    let unknown = || fail("SESSION_NOT_REGISTERED", [session]);
    let start = Instant::now();
    loop {
        core.pause(session, NEXT_PAUSE).await?;
        let registered = core.legacy.lock().get(session).cloned().ok_or_else(unknown)?;
        if registered.lost {
            return Err(fail("EVENTS_LOST", []));
        }
        let beat = start.elapsed() >= HEARTBEAT;
        let (events, generation) = core.write(|db| {
            let pool = db.rows("pool").next().map(|(r, _)| r.clone());
            if let Some(pool) = pool.filter(|_| beat) {
                db.touch("pool", &pool);
            }
            (collect(db, &registered.subscriptions, (registered.since, registered.since)), db.generation())
        });
        if let Some(entry) = core.legacy.lock().get_mut(session) {
            entry.since = generation;
        }
        if !events.is_empty() || beat {
            return Ok(Wire::List(events.into_iter().map(stamp).collect()));
        }
    }
}

/// event.next dates its events.
fn stamp(event: Wire) -> Wire {
    match event {
        Wire::Event(event) => Wire::Event(Event { timestamp: clock::unix(), ..event }),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_two_numbers() {
        assert_eq!(parse_token(""), Ok((0, 0)));
        assert_eq!(parse_token("00000000000000045133,00000000000000000002"), Ok((45133, 2)));
        for bad in ["1", "1,2,3", "a,b", ",", "x"] {
            assert_eq!(parse_token(bad), Err(fail("EVENT_FROM_TOKEN_PARSE_FAILURE", [bad])));
        }
    }

    #[test]
    fn subscriptions_name_all_a_class_or_an_object() {
        let of = |text: &str| subscriptions(&[json!(text)]);
        assert!(wanted(&of("*"), "vm", "r"));
        assert!(wanted(&of("VM"), "vm", "r") && !wanted(&of("VM"), "host", "r"));
        assert!(
            wanted(&of("VM/OpaqueRef:a"), "vm", "OpaqueRef:a") && !wanted(&of("vm/OpaqueRef:a"), "vm", "OpaqueRef:b")
        );
        // Only the first slash splits.
        assert!(wanted(&of("vm/a/b"), "vm", "a/b"));
        assert!(!wanted(&[], "vm", "r"));
    }
}
