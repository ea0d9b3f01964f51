//! The event stream's states, walked without a network: what is done, what comes of it, what a reader sees.

use super::*;
use crate::{TlsFailure, Value};

/// A machine over connections that are numbers, and a log in words.
struct Walk {
    machine: Machine<u32>,
    sessions: u32,
    now: Instant,
}

impl Walk {
    fn new() -> Self {
        Self { machine: Machine::new(Timeouts::default(), || 0.0), sessions: 0, now: Instant::now() }
    }

    /// Lets the present work end in the way this word says, and returns what was asked and what a reader then sees.
    /// `11@30` is `11` after 30 seconds.
    fn step(&mut self, word: &str) -> String {
        let (word, seconds) = word.split_once('@').unwrap_or((word, "0"));
        self.now += Duration::from_secs(seconds.parse().expect("seconds"));
        let work = self.machine.work();
        let asked = match &work {
            Work::Connect => "connect".to_owned(),
            Work::Load(_, plan) => format!("load by {plan:?}"),
            Work::Poll(_, token, _) => format!("poll {}", token.0),
            Work::Renew(..) => "renew".to_owned(),
            Work::Wait(wait) => format!("wait {wait:?}"),
        };
        let outcome = match (work, word) {
            (Work::Connect, "ok") => {
                self.sessions += 1;
                Outcome::Connected(Ok(self.sessions))
            }
            (Work::Connect, word) => Outcome::Connected(Err(error(word))),
            (Work::Load(..), word) => {
                // Records come before the outcome, whatever that is: "7+2/unreachable" is cut after two.
                let (records, word) = word.split_once('/').unwrap_or((word, word));
                for delta in answer(records).map(|answer| answer.deltas).unwrap_or_default() {
                    self.machine.loaded(delta);
                }
                Outcome::Loaded(answer(word).map(|answer| answer.token))
            }
            (Work::Poll(..), word) => Outcome::Polled(answer(word)),
            (Work::Renew(..), "ok") => Outcome::Renewed(Ok(())),
            (Work::Renew(..), word) => Outcome::Renewed(Err(error(word))),
            (Work::Wait(_), _) => Outcome::Waited,
        };
        // What nobody has taken yet belongs to the steps before.
        let mut seen = self.seen();
        self.machine.step(outcome, self.now);
        seen.extend(self.seen());
        format!("{asked} -> {word}: {}", seen.join(" ")).trim_end().to_owned()
    }

    fn seen(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.machine.take())
            .map(|event| match event {
                Event::Connecting { attempt } => format!("Connecting{attempt}"),
                Event::Init => "Init".to_owned(),
                Event::InitApply { reference, .. } => format!("+{reference}"),
                Event::InitDone => "InitDone".to_owned(),
                Event::Batch(deltas) => format!("Batch{}", deltas.len()),
                Event::Members(_) => unreachable!("the stream tells them"),
                Event::Lost { retry_in, needs_administrator, .. } => {
                    format!("Lost({retry_in:?}{})", if needs_administrator { ", administrator" } else { "" })
                }
            })
            .collect()
    }
}

fn error(word: &str) -> Error {
    let host = || "xen1:443".to_owned();
    match word {
        "unreachable" => {
            Error::Unreachable { host: host(), source: std::sync::Arc::new(std::io::Error::other("refused")) }
        }
        "timeout" => Error::Timeout { doing: "event.from".to_owned(), after: Duration::from_secs(1) },
        "password" => {
            Error::AuthenticationFailed { username: "root".to_owned(), code: "SESSION_AUTHENTICATION_FAILED".into() }
        }
        "slave" => Error::HostIsSlave { master: "xen2".to_owned(), stranger: Some("it is not known") },
        "certificate" => {
            let failure = TlsFailure::ChangedCertificate { expected: "aa".to_owned(), fingerprint: "bb".to_owned() };
            Error::Tls { host: host(), failure }
        }
        code => Error::Api { method: "event.from".to_owned(), code: code.into(), params: vec![] },
    }
}

/// `10` is an empty answer with that token, `10+3` one with three objects; everything else is an error.
fn answer(word: &str) -> Result<Answer, Failure> {
    let (token, count) = word.split_once('+').unwrap_or((word, "0"));
    let (Ok(_), Ok(count)) = (token.parse::<u64>(), count.parse::<u64>()) else {
        return Err(Failure { error: error(word), epoch: 0 });
    };
    let deltas =
        (0..count).map(|n| Delta::Apply { class: "VM".into(), reference: n.to_string().into(), record: Value::Nil });
    Ok(Answer { deltas: deltas.collect(), token: Token(format!("{token},0").into()) })
}

/// Walks through the words and compares the log.
fn walk(words: &[&str], expected: &[&str]) {
    let mut walk = Walk::new();
    let log: Vec<String> = words.iter().map(|word| walk.step(word)).collect();
    assert_eq!(log, expected);
}

#[test]
fn a_quiet_life() {
    walk(
        &["ok", "10+2", "10", "11+1"],
        &[
            "connect -> ok: Connecting1",
            "load by Events -> 10+2: Init +0 +1 InitDone",
            "poll 10,0 -> 10:",
            "poll 10,0 -> 11+1: Batch1",
        ],
    );
}

#[test]
fn a_picture_that_breaks_off_is_begun_anew() {
    walk(
        &["ok", "10+2/unreachable", "", "ok", "10+1/INTERNAL_ERROR", "11+2"],
        &[
            "connect -> ok: Connecting1",
            "load by Events -> 10+2/unreachable: Init +0 +1 Lost(250ms)",
            "wait 250ms -> : Connecting2",
            "connect -> ok:",
            "load by Events -> 10+1/INTERNAL_ERROR: Init +0",
            "load by Records -> 11+2: Init +0 +1 InitDone",
        ],
    );
}

#[test]
fn a_pool_that_is_away_is_tried_less_and_less_and_welcomed_back() {
    walk(
        &[
            "unreachable",
            "",
            "timeout",
            "",
            "unreachable",
            "",
            "ok",
            "10",
            "unreachable",
            "",
            "ok",
            "10",
            "11",
            "12@29",
            "unreachable",
            "",
            "ok",
            "10",
            "11",
            "12@30",
            "unreachable",
        ],
        &[
            "connect -> unreachable: Connecting1 Lost(250ms)",
            "wait 250ms -> : Connecting2",
            "connect -> timeout: Lost(1s)",
            "wait 1s -> : Connecting3",
            "connect -> unreachable: Lost(2s)",
            "wait 2s -> : Connecting4",
            "connect -> ok:",
            "load by Events -> 10: Init InitDone",
            // Connecting alone is no success: a pool that falls at once is not asked for everything four times a second.
            "poll 10,0 -> unreachable: Lost(4s)",
            "wait 4s -> : Connecting5",
            "connect -> ok:",
            "load by Events -> 10: Init InitDone",
            "poll 10,0 -> 11:",
            "poll 11,0 -> 12:",
            // Live, but briefly: the wait neither grows nor starts over.
            "poll 12,0 -> unreachable: Lost(4s)",
            "wait 4s -> : Connecting5",
            "connect -> ok:",
            "load by Events -> 10: Init InitDone",
            "poll 10,0 -> 11:",
            "poll 11,0 -> 12:",
            "poll 12,0 -> unreachable: Lost(250ms)",
        ],
    );
}

#[test]
fn a_refused_password_is_tried_less_and_less() {
    walk(
        &["password", "", "password", "", "unreachable", "", "password", "", "ok", "SESSION_INVALID", "password"],
        &[
            "connect -> password: Connecting1 Lost(60s, administrator)",
            "wait 60s -> : Connecting2",
            "connect -> password: Lost(120s, administrator)",
            "wait 120s -> : Connecting3",
            "connect -> unreachable: Lost(2s)",
            "wait 2s -> : Connecting4",
            "connect -> password: Lost(240s, administrator)",
            "wait 240s -> : Connecting5",
            "connect -> ok:",
            "load by Events -> SESSION_INVALID:",
            "renew -> password: Lost(60s, administrator)",
        ],
    );
}

#[test]
fn an_administrator_is_needed() {
    for word in ["password", "slave", "certificate"] {
        let mut walk = Walk::new();
        assert!(walk.step(word).ends_with("Connecting1 Lost(60s, administrator)"), "{word}");
    }
    walk(
        &["ok", "10", "SESSION_INVALID", "password", ""],
        &[
            "connect -> ok: Connecting1",
            "load by Events -> 10: Init InitDone",
            "poll 10,0 -> SESSION_INVALID:",
            "renew -> password: Lost(60s, administrator)",
            "wait 60s -> : Connecting2",
        ],
    );
}

#[test]
fn forgotten_events_and_sessions_lead_to_a_new_picture_without_a_loss() {
    walk(
        &["ok", "10", "EVENTS_LOST", "20+1", "21", "SESSION_INVALID", "ok", "30", "31", "9+5", "9+1"],
        &[
            "connect -> ok: Connecting1",
            "load by Events -> 10: Init InitDone",
            "poll 10,0 -> EVENTS_LOST:",
            "load by Events -> 20+1: Init +0 InitDone",
            "poll 20,0 -> 21:",
            "poll 21,0 -> SESSION_INVALID:",
            "renew -> ok:",
            "load by Events -> 30: Init InitDone",
            "poll 30,0 -> 31:",
            // A smaller generation: another process, another history. Its changes mean nothing without a picture.
            "poll 31,0 -> 9+5:",
            "load by Events -> 9+1: Init +0 InitDone",
        ],
    );
}

#[test]
fn a_pool_that_forgets_all_the_time_is_a_loss() {
    let lost = "EVENT_FROM_TOKEN_PARSE_FAILURE";
    walk(
        &["ok", "1", lost, "1", lost, "1", lost, "1", lost],
        &[
            "connect -> ok: Connecting1",
            "load by Events -> 1: Init InitDone",
            &format!("poll 1,0 -> {lost}:"),
            "load by Events -> 1: Init InitDone",
            &format!("poll 1,0 -> {lost}:"),
            "load by Events -> 1: Init InitDone",
            &format!("poll 1,0 -> {lost}:"),
            "load by Events -> 1: Init InitDone",
            &format!("poll 1,0 -> {lost}: Lost(250ms)"),
        ],
    );
    walk(
        &["ok", "SESSION_INVALID", "ok", "SESSION_INVALID", "ok", "SESSION_INVALID", "ok", "SESSION_INVALID"],
        &[
            "connect -> ok: Connecting1",
            "load by Events -> SESSION_INVALID:",
            "renew -> ok:",
            "load by Events -> SESSION_INVALID:",
            "renew -> ok:",
            "load by Events -> SESSION_INVALID:",
            "renew -> ok:",
            "load by Events -> SESSION_INVALID: Lost(250ms)",
        ],
    );
}

#[test]
fn the_other_way_to_load_is_kept_until_it_fails() {
    walk(
        &["ok", "INTERNAL_ERROR", "10+1", "EVENTS_LOST", "TOO_BUSY", "", "ok", "TOO_BUSY", "", "ok", "timeout", "10"],
        &[
            "connect -> ok: Connecting1",
            "load by Events -> INTERNAL_ERROR:",
            "load by Records -> 10+1: Init +0 InitDone",
            "poll 10,0 -> EVENTS_LOST:",
            "load by Records -> TOO_BUSY: Lost(250ms)",
            "wait 250ms -> : Connecting2",
            "connect -> ok:",
            // A busy pool is not asked for more.
            "load by Events -> TOO_BUSY: Lost(1s)",
            "wait 1s -> : Connecting3",
            "connect -> ok:",
            "load by Events -> timeout:",
            "load by Records -> 10: Init InitDone",
        ],
    );
}

#[test]
fn the_connection_is_there_while_there_is_one() {
    let mut walk = Walk::new();
    for (word, expected) in [
        ("ok", Some(1)),
        ("10", Some(1)),
        ("SESSION_INVALID", Some(1)),
        ("unreachable", None),
        ("", None),
        ("ok", Some(2)),
    ] {
        walk.step(word);
        assert_eq!(walk.machine.connection().copied(), expected, "after {word}");
    }
}

#[test]
fn waits_double_up_to_a_minute_and_vary() {
    let times = Timeouts::default();
    let waits: Vec<u64> = (1..=9).map(|losses| back_off(&times, losses, 0.0).as_secs()).collect();
    assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 60, 60]);
    assert_eq!(back_off(&times, u32::MAX, 1.0), Duration::from_secs(45));
    assert_eq!(back_off(&times, 1, 0.0), Duration::from_millis(250));
}

#[test]
fn any_order_of_outcomes_is_survived() {
    // Outcomes that do not belong to the state begin anew; nothing panics, and there is always something to do.
    let words = ["ok", "10+1", "5", "EVENTS_LOST", "SESSION_INVALID", "unreachable", "password", "", "7+1/unreachable"];
    let mut seed = 1u32;
    let mut walk = Walk::new();
    let (mut inside, mut connected) = (false, false);
    for _ in 0..10_000 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let log = walk.step(words[(seed >> 24) as usize % words.len()]);
        for event in log.split(": ").nth(1).unwrap_or("").split(' ') {
            match event {
                "Init" => (inside, connected) = (true, true),
                "InitDone" => inside = false,
                event if event.starts_with('+') => assert!(inside, "{log}"),
                event if event.starts_with("Batch") => assert!(connected && !inside, "{log}"),
                // A picture may break off.
                event if event.starts_with("Lost") => (inside, connected) = (false, false),
                _ => {}
            }
        }
    }
}
