//! Hosts that answer badly, late or not at all: each way has its own error.

use std::time::Duration;

use serde_json::json;
use xapi::{Connection, Error, Timeouts, Value};

use crate::server::{Reply, Server, host, html, in_turn, ok, timeouts};

/// Lets a host answer `VM.start` like this and returns what comes of it.
async fn answered(times: Timeouts, reply: fn() -> Reply) -> Result<Value, Error> {
    let server = Server::start(host(move |_| reply())).await;
    let connection = Connection::open(server.target(), times).await.expect("a session");
    let outcome = connection.call("VM.start", vec![]).await;
    // Something that may have been done is never done twice.
    assert_eq!(server.calls("VM.start").len(), 1);
    outcome
}

fn raw(head: &str, body: &str) -> Reply {
    Reply::Raw(format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{head}\r\n{body}").into_bytes())
}

#[tokio::test]
async fn an_answer_without_length_ends_with_the_connection() {
    let outcome = answered(timeouts(), || raw("", r#"{"result":"x","id":0}"#)).await;
    assert_eq!(outcome.expect("complete"), Value::from("x"));
    let outcome = answered(timeouts(), || raw("", r#"{"result":"x","#)).await;
    assert!(matches!(outcome, Err(Error::Protocol { .. })), "{outcome:?}");
}

#[tokio::test]
async fn half_an_answer_is_a_cut_line() {
    let outcome = answered(timeouts(), || raw("content-length: 1000\r\n", r#"{"result":"x","#)).await;
    assert!(matches!(outcome, Err(Error::Unreachable { .. })), "{outcome:?}");
    let outcome = answered(timeouts(), || Reply::Raw(vec![])).await;
    assert!(matches!(outcome, Err(Error::Unreachable { .. })), "{outcome:?}");
}

#[tokio::test]
async fn statuses_are_told() {
    let outcome = answered(timeouts(), || html(500)).await;
    assert!(matches!(outcome, Err(Error::Status { status: 500, .. })), "{outcome:?}");
    // Not followed: a redirect could lead the session anywhere.
    let outcome = answered(timeouts(), || html(302)).await;
    assert!(matches!(outcome, Err(Error::Status { status: 302, .. })), "{outcome:?}");
}

#[tokio::test]
async fn what_is_not_an_answer_is_a_protocol_error_that_tells_no_content() {
    let replies: [fn() -> Reply; 6] = [
        || Reply::Raw(b"SSH-2.0-OpenSSH_9.2\r\nsecret-content".to_vec()),
        || Reply::Http { status: 200, content_type: "text/html", body: "<html>secret-content</html>".to_owned() },
        || Reply::Http { status: 200, content_type: "application/json", body: r#"{"x":"secret-content"}"#.to_owned() },
        || Reply::Http {
            status: 200,
            content_type: "application/json",
            body: r#"{"result":"secret-content"#.to_owned(),
        },
        || Reply::Http { status: 200, content_type: "application/json", body: r#"["secret-content"]"#.to_owned() },
        || Reply::Http { status: 200, content_type: "application/json", body: "[".repeat(100_000) },
    ];
    for reply in replies {
        let error = answered(timeouts(), reply).await.expect_err("not an answer");
        assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
        assert!(!format!("{error:?} {}", error.chain()).contains("secret-content"), "{error:?}");
    }
}

#[tokio::test]
async fn answers_have_a_size() {
    let times = Timeouts { max_answer: 10_000, ..timeouts() };
    // Claimed, and really sent.
    for reply in [(|| raw("content-length: 99999999\r\n", "")) as fn() -> Reply, || raw("", &"x".repeat(20_000))] {
        let error = answered(times, reply).await.expect_err("too large");
        assert!(matches!(&error, Error::Protocol { reason, .. } if reason.contains("larger than 10000")), "{error:?}");
    }
}

#[tokio::test]
async fn large_answers_are_read_elsewhere_and_whole() {
    let outcome = answered(timeouts(), || ok(json!(vec!["x".repeat(1000); 2000]))).await.expect("an answer");
    assert_eq!(outcome.as_array().map(<[Value]>::len), Some(2000));
}

#[tokio::test]
async fn silence_ends() {
    let times = Timeouts { call: Duration::from_millis(100), ..timeouts() };
    let error = answered(times, || Reply::Silence).await.expect_err("silence");
    assert!(matches!(&error, Error::Timeout { doing, .. } if doing == "VM.start"), "{error:?}");

    let server = Server::start(|_| Reply::Silence).await;
    let times = Timeouts { login: Duration::from_millis(100), ..timeouts() };
    let error = Connection::open(server.target(), times).await.expect_err("silence");
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
}

#[tokio::test]
async fn nobody_there() {
    let server = Server::start(|_| Reply::Silence).await;
    let target = server.target();
    server.stop().await;
    let error = Connection::open(target, timeouts()).await.expect_err("refused");
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert!(error.chain().contains("refused"), "{}", error.chain());
    assert!(!error.needs_administrator());
}

#[tokio::test]
async fn a_getter_whose_line_was_cut_is_repeated() {
    let cut = in_turn(vec![true, false]);
    let server = Server::start(host(move |_| if cut() { Reply::Raw(vec![]) } else { ok(json!("fine")) })).await;
    let connection = Connection::open(server.target(), timeouts()).await.expect("a session");
    assert_eq!(connection.call("VM.get_all", vec![]).await.expect("an answer"), Value::from("fine"));
    assert_eq!(server.calls("VM.get_all").len(), 2);
}

#[tokio::test]
async fn a_request_that_is_too_large_is_not_sent() {
    let server = Server::start(host(|_| ok(json!("")))).await;
    let connection = Connection::open(server.target(), timeouts()).await.expect("a session");
    let error = connection.call("VM.set_name_label", vec!["x".repeat(400_000).into()]).await.expect_err("too large");
    assert!(matches!(error, Error::Unsendable { .. }), "{error:?}");
    assert!(server.calls("VM.set_name_label").is_empty());
}
