//! The event stream against hosts that forget, cut lines and come back.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use xapi::{Delta, Event, EventStream, Target, Timeouts};

use crate::server::{PATIENCE, Reply, Request, Server, fail, host, html, in_turn, ok, timeouts, xml};

const CLASSES: &[&str] = &["VM", "VM_guest_metrics", "pool"];

/// Writes an event down in one word.
fn word(event: &Event) -> String {
    match event {
        Event::Connecting { attempt } => format!("Connecting{attempt}"),
        Event::Init => "Init".to_owned(),
        Event::InitApply { class, reference, record } => {
            format!("+{class}/{reference}={}", record.get("n").and_then(xapi::Value::as_i64).unwrap_or_default())
        }
        Event::InitDone => "InitDone".to_owned(),
        Event::Batch(deltas) => {
            let words = deltas.iter().map(|delta| match delta {
                Delta::Apply { class, reference, record } => {
                    format!("{class}/{reference}={}", record.get("n").and_then(xapi::Value::as_i64).unwrap_or_default())
                }
                Delta::Delete { class, reference } => format!("-{class}/{reference}"),
            });
            words.collect::<Vec<_>>().join(",")
        }
        Event::Members(members) => {
            let word = |member: &xapi::Member| format!("{}={}", member.address, member.fingerprint.is_some());
            format!("Members({})", members.iter().map(word).collect::<Vec<_>>().join(","))
        }
        Event::Lost { error, needs_administrator, .. } => {
            format!(
                "Lost({}{})",
                error.code().unwrap_or("-"),
                if *needs_administrator { ", administrator" } else { "" }
            )
        }
    }
}

/// Returns what the stream says until it has said this.
async fn until(stream: &mut EventStream, last: &str) -> Vec<String> {
    let mut words = Vec::new();
    let reading = async {
        loop {
            words.push(word(&stream.next().await));
            if words.last().is_some_and(|word| word == last) {
                return;
            }
        }
    };
    assert!(tokio::time::timeout(PATIENCE, reading).await.is_ok(), "no {last} in {words:?}");
    words
}

/// An answer of `event.from`: the token's generation, and objects as `class/ref=n` or `-class/ref`.
fn events(generation: u64, objects: &[&str]) -> Json {
    let events: Vec<Json> = objects
        .iter()
        .map(|object| {
            let (operation, object) = object.strip_prefix('-').map_or(("mod", *object), |object| ("del", object));
            let (class, rest) = object.split_once('/').expect("class/ref");
            let (reference, n) = rest.split_once('=').unwrap_or((rest, ""));
            let mut event =
                json!({ "id": "1", "timestamp": "0.0", "class": class, "operation": operation, "ref": reference });
            if !n.is_empty() {
                event["snapshot"] = json!({ "n": n });
            }
            event
        })
        .collect();
    json!({ "events": events, "valid_ref_counts": { "vm": 1 }, "token": format!("{generation:020},{:020}", 0) })
}

/// Says one answer of `event.from` after the other; silence when there are none left.
fn script(answers: Vec<Option<Json>>) -> impl Fn(&Request) -> Reply + Send + Sync {
    let mut answers = answers;
    answers.push(None);
    let next = in_turn(answers);
    move |request| match request.method().as_str() {
        "event.from" => match next() {
            Some(Json::String(code)) => fail(&code, &[]),
            Some(answer) => ok(answer),
            None => Reply::Silence,
        },
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_picture_then_changes_in_exact_case() {
    let answers = vec![
        Some(events(10, &["vm/a=1", "vm_guest_metrics/g=2", "session/x=3", "pool/p=1"])),
        Some(events(11, &["vm/a=2"])),
        Some(events(12, &["-vm/a", "vm_guest_metrics/g=3"])),
    ];
    let server = Server::start(host(script(answers))).await;
    let mut stream = EventStream::new(server.target(), timeouts(), CLASSES, None);
    assert!(stream.connection().is_none());
    assert_eq!(
        until(&mut stream, "-VM/a,VM_guest_metrics/g=3").await,
        [
            "Connecting1",
            "Init",
            "+VM/a=1",
            "+VM_guest_metrics/g=2",
            "+pool/p=1",
            "InitDone",
            "VM/a=2",
            "-VM/a,VM_guest_metrics/g=3"
        ]
    );
    assert!(stream.connection().is_some());
    let calls = server.calls("event.from");
    assert_eq!(calls[0].params(), json!(["OpaqueRef:session", CLASSES, "", 30.0]));
    assert_eq!(calls[1].params()[2], json!("00000000000000000010,00000000000000000000"));
    // The first poll is short, so that we know soon that polling works.
    assert_eq!((&calls[1].params()[3], &calls[2].params()[3]), (&json!(1.0), &json!(5.0)));
    drop(stream);
    server.until_called("session.logout").await;
}

#[tokio::test]
async fn a_new_picture_without_a_loss_when_something_may_be_missing() {
    for answer in [
        json!("EVENTS_LOST"),
        json!("EVENT_FROM_TOKEN_PARSE_FAILURE"),
        json!("SESSION_INVALID"),
        events(3, &["vm/a=7"]),
    ] {
        let answers = vec![Some(events(10, &["vm/a=1"])), Some(answer), Some(events(4, &["vm/b=1"]))];
        let server = Server::start(host(script(answers))).await;
        let mut stream = EventStream::new(server.target(), timeouts(), CLASSES, None);
        until(&mut stream, "InitDone").await;
        assert_eq!(until(&mut stream, "InitDone").await, ["Init", "+VM/b=1", "InitDone"]);
        assert_eq!(server.calls("event.from")[2].params()[2], json!(""));
    }
}

#[tokio::test]
async fn a_host_that_dies_is_missed() {
    let server = Server::start(host(script(vec![Some(events(10, &["vm/a=1"])), Some(events(11, &["vm/a=2"]))]))).await;
    let mut stream = EventStream::new(server.target(), timeouts(), CLASSES, None);
    until(&mut stream, "VM/a=2").await;
    server.stop().await;
    assert_eq!(until(&mut stream, "Lost(-)").await, ["Lost(-)"]);
    assert!(stream.connection().is_none());
    assert_eq!(until(&mut stream, "Lost(-)").await, ["Connecting2", "Lost(-)"]);
    stream.nudge();
    assert_eq!(until(&mut stream, "Connecting3").await, ["Connecting3"]);
}

#[tokio::test]
async fn a_cut_line_heals_by_itself() {
    let next = in_turn(vec![
        Some(events(10, &["vm/a=1"])),
        Some(events(11, &["vm/a=2"])),
        None,
        Some(events(20, &["vm/a=3"])),
        Some(events(21, &["vm/a=4"])),
        Some(events(22, &[])),
    ]);
    let server = Server::start(host(move |_| next().map_or(Reply::Raw(vec![]), ok))).await;
    let mut stream = EventStream::new(server.target(), timeouts(), CLASSES, None);
    assert_eq!(
        until(&mut stream, "VM/a=4").await,
        [
            "Connecting1",
            "Init",
            "+VM/a=1",
            "InitDone",
            "VM/a=2",
            "Lost(-)",
            "Connecting2",
            "Init",
            "+VM/a=3",
            "InitDone",
            "VM/a=4"
        ]
    );
}

#[tokio::test]
async fn an_administrator_presses_connect() {
    let refused = in_turn(vec![true, false]);
    let server = Server::start(move |request| match request.method().as_str() {
        "session.login_with_password" if refused() => fail("SESSION_AUTHENTICATION_FAILED", &["root", "no"]),
        "session.login_with_password" => ok(json!("OpaqueRef:session")),
        "event.from" => ok(events(10, &[])),
        _ => ok(json!("")),
    })
    .await;
    let mut stream = EventStream::new(server.target(), timeouts(), CLASSES, None);
    let lost = "Lost(SESSION_AUTHENTICATION_FAILED, administrator)";
    assert_eq!(until(&mut stream, lost).await, ["Connecting1", lost]);
    let nudger = stream.nudger();
    let start = Instant::now();
    tokio::spawn(async move { nudger.nudge() });
    until(&mut stream, "InitDone").await;
    assert!(start.elapsed() < PATIENCE);
}

#[tokio::test]
async fn hosts_that_fail_at_the_first_load_are_read_class_by_class() {
    let server = Server::start(host(|request| match request.method().as_str() {
        "event.from" if request.params()[2] == json!("") => fail("INTERNAL_ERROR", &["Stack_overflow"]),
        "event.from" if request.params()[2] == json!("00000000000000000009,0") => ok(events(10, &["vm/a=2"])),
        "event.from" => Reply::Silence,
        "pool.get_all" => ok(json!(["p"])),
        "event.inject" if request.params() == json!(["OpaqueRef:session", "pool", "p"]) => {
            ok(json!("00000000000000000009,0"))
        }
        "VM.get_all_records" => ok(json!({ "a": { "n": "1" } })),
        "pool.get_all_records" => ok(json!({ "p": { "n": "5" } })),
        "VM_guest_metrics.get_all_records" => fail("MESSAGE_METHOD_UNKNOWN", &["VM_guest_metrics.get_all_records"]),
        other => panic!("{other}"),
    }))
    .await;
    // A read-only connection may do all of this.
    let target = Target { read_only: true, ..server.target() };
    let mut stream = EventStream::new(target, timeouts(), CLASSES, None);
    let mut words = until(&mut stream, "VM/a=2").await;
    words[2..4].sort();
    assert_eq!(words, ["Connecting1", "Init", "+VM/a=1", "+pool/p=5", "InitDone", "VM/a=2"]);
}

#[tokio::test]
async fn a_record_that_did_not_come_along_is_fetched() {
    let next = in_turn(vec![Some(events(10, &["vm/a=1"])), Some(events(11, &["vm/a", "vm/b"])), None]);
    let server = Server::start(host(move |request| match request.method().as_str() {
        "event.from" => next().map_or(Reply::Silence, ok),
        "VM.get_record" if request.params()[1] == json!("a") => ok(json!({ "n": 9 })),
        "VM.get_record" => fail("HANDLE_INVALID", &["VM", "b"]),
        other => panic!("{other}"),
    }))
    .await;
    let mut stream = EventStream::new(server.target(), timeouts(), CLASSES, None);
    until(&mut stream, "VM/a=9,-VM/b").await;
}

#[tokio::test]
async fn a_silent_host_is_a_dead_one() {
    let times =
        Timeouts { event_poll: Duration::from_millis(50), event_margin: Duration::from_millis(50), ..timeouts() };
    let server = Server::start(host(script(vec![Some(events(10, &[]))]))).await;
    let mut stream = EventStream::new(server.target(), times, CLASSES, None);
    assert_eq!(until(&mut stream, "Lost(-)").await, ["Connecting1", "Init", "InitDone", "Lost(-)"]);
}

#[tokio::test]
async fn a_host_that_answers_at_once_with_nothing_is_not_asked_in_a_tight_loop() {
    let server = Server::start(host(|_| ok(events(10, &[])))).await;
    let mut stream = EventStream::new(server.target(), timeouts(), CLASSES, None);
    until(&mut stream, "InitDone").await;
    // The only test that lets time pass: it is about time.
    let quiet = tokio::time::timeout(Duration::from_millis(600), stream.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    let polls = server.calls("event.from").len();
    assert!((2..=5).contains(&polls), "{polls} polls");
}

#[tokio::test]
async fn a_reader_that_looks_away_misses_nothing() {
    let answers = (10..30).map(|n| Some(events(n, &[&*format!("vm/a={n}")]))).collect();
    let server = Server::start(host(script(answers))).await;
    let mut stream = EventStream::new(server.target(), timeouts(), CLASSES, None);
    let mut words = Vec::new();
    let start = Instant::now();
    while words.last().is_none_or(|word| word != "VM/a=29") {
        // Each wait is broken off at the first chance.
        let event = tokio::select! {
            biased;
            event = stream.next() => Some(event),
            () = tokio::task::yield_now() => None,
        };
        words.extend(event.iter().map(word));
        assert!(start.elapsed() < PATIENCE, "{words:?}");
    }
    let expected: Vec<String> = (11..30).map(|n| format!("VM/a={n}")).collect();
    assert_eq!(words[4..], expected);
    assert_eq!(server.calls("session.login_with_password").len(), 1);
}

#[tokio::test]
async fn the_same_in_xml() {
    let event = |class: &str, n: u8| {
        let member = |name: &str, value: &str| format!("<member><name>{name}</name><value>{value}</value></member>");
        format!(
            "<value><struct>{}{}{}{}</struct></value>",
            member("class", class),
            member("operation", "add"),
            member("ref", "r"),
            member("snapshot", &format!("<struct>{}</struct>", member("n", &n.to_string()))),
        )
    };
    let answer = move |token: u8, events: String| {
        format!(
            "<struct><member><name>events</name><value><array><data>{events}</data></array></value></member>\
             <member><name>valid_ref_counts</name><value><struct><member><name>vm</name><value><i4>1</i4></value></member>\
             </struct></value></member><member><name>token</name><value>{token},0</value></member></struct>"
        )
    };
    let next = in_turn(vec![Some(answer(1, event("vm_guest_metrics", 4))), Some(answer(2, event("vm", 5))), None]);
    let server = Server::start(move |request| match (request.line.as_str(), request.method().as_str()) {
        ("POST / HTTP/1.1", "event.from") => next().map_or(Reply::Silence, |answer| xml(&answer)),
        ("POST / HTTP/1.1", _) => xml("OpaqueRef:session"),
        _ => html(403),
    })
    .await;
    let mut stream = EventStream::new(server.target(), timeouts(), CLASSES, None);
    let words = until(&mut stream, "VM/r=5").await;
    assert_eq!(words, ["Connecting1", "Init", "+VM_guest_metrics/r=4", "InitDone", "VM/r=5"]);
}

/// The beginning of an answer that claims to be longer.
fn half_of(answer: &Json) -> Vec<u8> {
    let body = json!({ "jsonrpc": "2.0", "result": answer, "id": 0 }).to_string();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), &body.as_bytes()[..body.len() * 2 / 3]].concat()
}

#[tokio::test]
async fn a_picture_that_breaks_off_is_lost_and_begun_anew() {
    // Large enough to be decoded while it arrives.
    let objects: Vec<String> = (0..20_000).map(|n| format!("vm/{n}={n}")).collect();
    let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
    let whole = events(10, &objects);
    let half = half_of(&whole);
    let turn = in_turn(vec![0, 1, 2]);
    let server = Server::start(host(move |_| match turn() {
        0 => Reply::Raw(half.clone()),
        1 => ok(whole.clone()),
        _ => Reply::Silence,
    }))
    .await;
    let mut stream = EventStream::new(server.target(), timeouts(), CLASSES, None);
    let before = until(&mut stream, "Lost(-)").await;
    assert_eq!(before[..2], ["Connecting1", "Init"], "records come before the end of the answer");
    assert!(before.len() > 100 && !before.contains(&"InitDone".to_owned()), "{}", before.len());
    let after = until(&mut stream, "InitDone").await;
    let again = after.iter().position(|word| word == "Init").expect("a picture");
    assert_eq!(after.len() - again - 2, objects.len(), "the whole picture, from the beginning");
}

#[tokio::test]
async fn an_answer_that_stands_still_is_a_dead_host() {
    let half = half_of(&events(11, &["vm/a=1", "vm/b=2"]));
    let turn = in_turn(vec![0, 1, 2]);
    let server = Server::start(host(move |_| match turn() {
        0 => ok(events(10, &[])),
        1 => Reply::Stall(half.clone()),
        _ => Reply::Silence,
    }))
    .await;
    let times = Timeouts { stall: Duration::from_millis(200), ..timeouts() };
    let mut stream = EventStream::new(server.target(), times, CLASSES, None);
    assert_eq!(until(&mut stream, "Lost(-)").await, ["Connecting1", "Init", "InitDone", "Lost(-)"]);
}

#[tokio::test]
async fn large_changes_are_one_batch() {
    let objects: Vec<String> = (0..20_000).map(|n| format!("vm/{n}={n}")).collect();
    let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
    let server = Server::start(host(script(vec![Some(events(10, &[])), Some(events(11, &objects))]))).await;
    let mut stream = EventStream::new(server.target(), timeouts(), CLASSES, None);
    until(&mut stream, "InitDone").await;
    match stream.next().await {
        Event::Batch(deltas) => assert_eq!(deltas.len(), objects.len()),
        other => panic!("{}", word(&other)),
    }
}
