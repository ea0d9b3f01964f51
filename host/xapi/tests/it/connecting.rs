//! Finding the dialect, logging in, keeping the session, logging out.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use xapi::{Connection, Dialect, Error, Value};

use crate::server::{Reply, Request, Server, fail, host, html, in_turn, ok, timeouts, xml};

#[tokio::test]
async fn json_rpc_where_the_host_speaks_it() {
    let server = Server::start(host(|_| ok(json!(["OpaqueRef:vm"])))).await;
    let connection = Connection::open(server.target(), timeouts()).await.expect("a session");
    assert_eq!(connection.dialect(), Dialect::Json);
    assert_eq!(connection.peer_fingerprint(), None);
    let vms = connection.call("VM.get_all", vec![]).await.expect("an answer");
    assert_eq!(vms, Value::from(vec!["OpaqueRef:vm"]));

    let login = server.calls("session.login_with_password");
    assert_eq!(login[0].params(), json!(["root", "hunter2", "2.21", "xylem"]));
    assert_eq!(server.calls("VM.get_all")[0].params(), json!(["OpaqueRef:session"]));
    for request in server.all() {
        assert_eq!(request.line, "POST /jsonrpc HTTP/1.1");
        assert!(request.head.len() < 512, "XAPI takes 1024 bytes: {}", request.head);
        let head = request.head.to_ascii_lowercase();
        assert!(head.contains("content-length: ") && !head.contains("transfer-encoding"), "{head}");
    }
}

#[tokio::test]
async fn xml_rpc_where_it_does_not() {
    /// Answers the JSON question like this kind of old host, and XML-RPC like any.
    fn old(probe: fn() -> Reply) -> impl Fn(&Request) -> Reply + Send + Sync {
        move |request| match request.line.as_str() {
            "POST /jsonrpc HTTP/1.1" => probe(),
            "POST / HTTP/1.1" if request.method() == "VM.get_all" => {
                xml("<array><data><value>r</value></data></array>")
            }
            "POST / HTTP/1.1" => xml("OpaqueRef:session"),
            other => panic!("{other}"),
        }
    }
    let probes: [fn() -> Reply; 4] = [
        || xml("x"),
        || html(404),
        || html(500),
        || Reply::Http {
            status: 200,
            content_type: "application/json; charset=utf-8",
            body: r#"{"result":"xylem","id":0}"#.to_owned(),
        },
    ];
    for probe in probes {
        let server = Server::start(old(probe)).await;
        let connection = Connection::open(server.target(), timeouts()).await.expect("a session");
        assert_eq!(connection.dialect(), Dialect::Xml);
        let vms = connection.call("VM.get_all", vec![]).await.expect("an answer");
        assert_eq!(vms, Value::from(vec!["r"]));
        // The old host writes what it does not understand into its log.
        assert!(!server.all()[0].body.contains("hunter2"));
        assert!(server.calls("VM.get_all")[0].body.contains("<string>OpaqueRef:session</string>"));
    }
}

#[tokio::test]
async fn very_old_hosts_take_two_parameters() {
    let server = Server::start(|request| match request.method().as_str() {
        "session.login_with_password" if request.params().as_array().is_some_and(|params| params.len() > 2) => {
            fail("MESSAGE_PARAMETER_COUNT_MISMATCH", &["session.login_with_password", "2", "4"])
        }
        _ => ok(json!("OpaqueRef:session")),
    })
    .await;
    Connection::open(server.target(), timeouts()).await.expect("a session");
    assert_eq!(server.calls("session.login_with_password").len(), 2);
}

#[tokio::test]
async fn a_refused_login_is_tried_once() {
    for code in ["SESSION_AUTHENTICATION_FAILED", "SESSION_AUTHORIZATION_FAILED"] {
        let server = Server::start(move |request| match request.method().as_str() {
            "session.login_with_password" => fail(code, &["root", "Authentication failure"]),
            _ => ok(json!("xylem")),
        })
        .await;
        let error = Connection::open(server.target(), timeouts()).await.expect_err("refused");
        assert!(matches!(&error, Error::AuthenticationFailed { username, .. } if username == "root"), "{error:?}");
        assert_eq!(error.code(), Some(code));
        assert!(error.needs_administrator());
        assert_eq!(server.calls("session.login_with_password").len(), 1);
    }
}

#[tokio::test]
async fn a_slave_names_its_master() {
    let server = Server::start(|request| match request.method().as_str() {
        "session.login_with_password" => fail("HOST_IS_SLAVE", &["192.0.2.7"]),
        _ => ok(json!("xylem")),
    })
    .await;
    let error = Connection::open(server.target(), timeouts()).await.expect_err("refused");
    assert!(matches!(&error, Error::HostIsSlave { master, .. } if master == "192.0.2.7"), "{error:?}");
    assert_eq!(error.code(), Some("HOST_IS_SLAVE"));
}

/// A host with sessions that are numbered, and a list of those it still knows.
fn forgetful(valid: &'static [&'static str]) -> impl Fn(&Request) -> Reply + Send + Sync {
    let session = in_turn(vec!["OpaqueRef:s1", "OpaqueRef:s2", "OpaqueRef:s3"]);
    move |request| match request.method().as_str() {
        "system.isAlive:xylem" => ok(json!("xylem")),
        "session.login_with_password" => ok(json!(session())),
        "session.logout" => ok(json!("")),
        _ => match request.params()[0].as_str() {
            Some(session) if valid.contains(&session) => ok(json!("fine")),
            session => fail("SESSION_INVALID", &[session.unwrap_or_default()]),
        },
    }
}

#[tokio::test]
async fn twenty_calls_with_a_dead_session_make_one_login() {
    let server = Server::start(forgetful(&["OpaqueRef:s2"])).await;
    let connection = Connection::open(server.target(), timeouts()).await.expect("a session");
    let calls = (0..20).map(|n| {
        let connection = connection.clone();
        // Changing methods, too: XAPI did nothing when it says that the session is invalid.
        async move { connection.call(if n % 2 == 0 { "VM.get_all" } else { "VM.start" }, vec![]).await }
    });
    for outcome in futures::future::join_all(calls).await {
        assert_eq!(outcome.expect("an answer"), Value::from("fine"));
    }
    assert_eq!(server.calls("session.login_with_password").len(), 2);
}

#[tokio::test]
async fn a_session_that_dies_again_is_an_error_without_the_session_in_it() {
    let server = Server::start(forgetful(&[])).await;
    let connection = Connection::open(server.target(), timeouts()).await.expect("a session");
    let error = connection.call("VM.get_all", vec![]).await.expect_err("never valid");
    assert_eq!(error.code(), Some("SESSION_INVALID"));
    let told = format!("{error} {error:?} {} {connection:?} {:?}", error.chain(), connection.target());
    assert!(!told.contains("OpaqueRef:s") && !told.contains("hunter2"), "{told}");
    assert_eq!(server.calls("session.login_with_password").len(), 2);
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(Arc<parking_lot::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn secrets_are_not_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone());
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let server = Server::start(forgetful(&["OpaqueRef:s2"])).await;
    let connection = Connection::open(server.target(), timeouts()).await.expect("a session");
    connection.call("VM.get_all", vec![]).await.expect("an answer");
    connection.logout().await;
    let log = String::from_utf8_lossy(&log.0.lock()).into_owned();
    assert!(log.contains("session renewed") && log.contains("VM.get_all"), "{log}");
    assert!(!log.contains("OpaqueRef:s") && !log.contains("hunter2"), "{log}");
}

#[tokio::test]
async fn a_password_that_changed_is_not_tried_again_and_again() {
    let first = in_turn(vec![true, false]);
    let server = Server::start(move |request| match request.method().as_str() {
        "system.isAlive:xylem" => ok(json!("xylem")),
        "session.login_with_password" if first() => ok(json!("OpaqueRef:s1")),
        "session.login_with_password" => fail("SESSION_AUTHENTICATION_FAILED", &["root", "no"]),
        _ => fail("SESSION_INVALID", &["OpaqueRef:s1"]),
    })
    .await;
    let connection = Connection::open(server.target(), timeouts()).await.expect("a session");
    for _ in 0..5 {
        let error = connection.call("VM.get_all", vec![]).await.expect_err("refused");
        assert!(matches!(error, Error::AuthenticationFailed { .. }), "{error:?}");
    }
    assert_eq!(server.calls("session.login_with_password").len(), 2);
}

#[tokio::test]
async fn read_only_refuses_before_sending() {
    let server = Server::start(host(|_| ok(json!("")))).await;
    let target = xapi::Target { read_only: true, ..server.target() };
    let connection = Connection::open(target, timeouts()).await.expect("a session");
    connection.call("VM.get_all_records", vec![]).await.expect("an answer");
    for method in ["VM.start", "Async.VM.start", "host.call_plugin", "session.change_password"] {
        let error = connection.call(method, vec![]).await.expect_err("refused");
        assert!(matches!(&error, Error::ReadOnly { method: told } if told == method), "{error:?}");
        assert!(server.calls(method).is_empty());
    }
}

#[tokio::test]
async fn the_last_clone_logs_out() {
    let server = Server::start(host(|_| ok(json!("")))).await;
    let connection = Connection::open(server.target(), timeouts()).await.expect("a session");
    let clone = connection.clone();
    drop(connection);
    clone.call("VM.get_all", vec![]).await.expect("still open");
    assert!(server.calls("session.logout").is_empty());
    drop(clone);
    server.until_called("session.logout").await;
    assert_eq!(server.calls("session.logout")[0].params(), json!(["OpaqueRef:session"]));
}

#[tokio::test]
async fn nothing_works_after_a_logout() {
    let server = Server::start(host(|_| ok(json!("")))).await;
    let connection = Connection::open(server.target(), timeouts()).await.expect("a session");
    connection.logout().await;
    connection.logout().await;
    let error = connection.call("VM.get_all", vec![]).await.expect_err("closed");
    assert!(matches!(error, Error::Closed), "{error:?}");
    drop(connection);
    assert_eq!(server.calls("session.logout").len(), 1);
}

#[tokio::test]
async fn a_busy_pool_is_asked_again_for_a_while() {
    let busy = ["TOO_MANY_PENDING_TASKS", "HOST_STILL_BOOTING", "TOO_BUSY"];
    let left = in_turn(vec![Some(busy[0]), Some(busy[1]), Some(busy[2]), None]);
    let server = Server::start(host(move |_| left().map_or_else(|| ok(json!("fine")), |code| fail(code, &[])))).await;
    let times = xapi::Timeouts { busy_wait: Duration::from_millis(1), ..timeouts() };
    let connection = Connection::open(server.target(), times).await.expect("a session");
    assert_eq!(connection.call("VM.start", vec![]).await.expect("an answer"), Value::from("fine"));
    assert_eq!(server.calls("VM.start").len(), 4);

    let server = Server::start(host(|_| fail("TOO_BUSY", &[]))).await;
    let times = xapi::Timeouts { busy_limit: Duration::from_millis(20), ..times };
    let connection = Connection::open(server.target(), times).await.expect("a session");
    let error = connection.call("VM.start", vec![]).await.expect_err("busy for ever");
    assert!(error.is_busy(), "{error:?}");
    assert!((2..=21).contains(&server.calls("VM.start").len()));
}
