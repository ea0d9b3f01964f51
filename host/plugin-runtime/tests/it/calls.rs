//! What goes into a call and what comes out.

use std::sync::Arc;

use model::{InstanceId, Secret};
use plugin_runtime::{CallError, ErrorKind, FieldError, LogLevel, Spec};
use serde_json::json;

use crate::guest::Guest;
use crate::support::{Bench, bare, spec};

const KV_SET: (&str, &str, &str) = ("xylem:plugin/kv@0.1.0", "set", "(param i32 i32 i32 i32 i32 i64 i32 i64 i32)");
/// Sets the key "key" to "value" and returns an empty list.
const SET: &str = "(call $set (i32.const 3000) (i32.const 3) (i32.const 3003) (i32.const 5)
    (i32.const 0) (i64.const 0) (i32.const 0) (i64.const 0) (i32.const 4096)) i32.const 1024";

fn setter() -> Guest {
    Guest {
        imports: vec![KV_SET],
        more: r#"(data (i32.const 3000) "keyvalue")"#,
        validate: SET,
        activate: SET,
        ..Guest::default()
    }
}

#[tokio::test]
async fn pure_calls_change_nothing() {
    let bench = Bench::with(&setter()).await;
    let it = InstanceId::from("it");
    bench.runtime.validate(&bare()).await.unwrap();
    bench.runtime.trial_activate(&bare()).await.unwrap();
    assert!(bench.services.kv.lock().unwrap().is_empty());
    let calls = bench.runtime.host_calls(&it);
    let outcomes: Vec<_> = calls.iter().map(|call| (call.function.as_str(), call.outcome.as_str())).collect();
    assert_eq!(outcomes, [("kv.set", "phase.pure"), ("kv.set", "phase.pure")]);
    assert_eq!(bench.runtime.health(&it).denied, 2);

    bench.runtime.activate(&bare()).await.unwrap();
    let entry = bench.services.kv.lock().unwrap()[&("it".to_owned(), "key".to_owned())].clone();
    assert_eq!((entry.value.as_slice(), entry.version), (&b"value"[..], 1));
}

#[tokio::test]
async fn the_plugins_own_error_comes_through() {
    // err({kind: upstream (8), code: "x.y", message: "no", ...}) at 4096: the error begins at 8, its code at 12.
    let refuse = r#"(i32.store8 (i32.const 4096) (i32.const 1)) (i32.store8 (i32.const 4104) (i32.const 8))
        (i32.store (i32.const 4108) (i32.const 3000)) (i32.store (i32.const 4112) (i32.const 3))
        (i32.store (i32.const 4116) (i32.const 3003)) (i32.store (i32.const 4120) (i32.const 2)) i32.const 4096"#;
    let more = r#"(data (i32.const 3000) "x.yno")"#;
    let bench = Bench::with(&Guest { more, authenticate: refuse, test: refuse, ..Guest::default() }).await;
    for outcome in [
        bench.runtime.authenticate(&bare(), "a", &Secret::from("b")).await.err(),
        bench.runtime.test(&bare(), Some(&json!({}))).await.err(),
    ] {
        let Some(CallError::Plugin(error)) = outcome else { panic!("must be the plugin's error: {outcome:?}") };
        assert_eq!((error.kind, error.code.as_str(), error.message.as_str()), (ErrorKind::Upstream, "x.y", "no"));
    }
    let health = bench.runtime.health(&InstanceId::from("it"));
    assert_eq!((health.failures, health.last_error.unwrap().code), (0, "x.y".to_owned()));
}

#[tokio::test]
async fn an_identity_without_subject_is_refused() {
    // Zeros read as accepted(identity) with empty texts.
    let bench = Bench::with(&Guest { authenticate: "i32.const 1024", ..Guest::default() }).await;
    let error = bench.runtime.authenticate(&bare(), "a", &Secret::from("b")).await.unwrap_err();
    assert_eq!(error.code(), "plugin.answer");
}

#[tokio::test]
async fn empty_passwords_are_not_asked_about() {
    let bench = Bench::with(&Guest { authenticate: "unreachable", ..Guest::default() }).await;
    for (name, password) in [("", "x"), ("x", "")] {
        let verdict = bench.runtime.authenticate(&bare(), name, &Secret::from(password)).await.unwrap();
        assert_eq!(verdict, plugin_runtime::Verdict::Unknown);
    }
    assert_eq!(bench.runtime.health(&InstanceId::from("it")).calls, 0);
}

#[tokio::test]
async fn logs_hold_no_secrets() {
    // Writes what it was given as configuration, at level info, with a field.
    let log = ("xylem:plugin/log@0.1.0", "write", "(param i32 i32 i32 i32 i32)");
    let echo = "(call $write (i32.const 2) (local.get 0) (local.get 1) (i32.const 0) (i32.const 0)) i32.const 1024";
    let guest = Guest { imports: vec![log], activate: echo, ..Guest::default() };
    let bench = Bench::with(&guest).await;
    let secrets = Arc::new([("bind.password".to_owned(), Secret::from("hunter2x"))].into());
    let config = json!({"a": "hunter2x", "b": "aHVudGVyMng=", "c": "68756e7465723278", "d": "fine"});
    bench.runtime.activate(&Spec { secrets, ..spec(config) }).await.unwrap();
    let log = bench.services.log.lock().unwrap().clone();
    let [(LogLevel::Info, line, _)] = &log[..] else { panic!("one line: {log:?}") };
    assert!(line.contains("fine"), "{line}");
    for spelling in ["hunter2x", "aHVudGVyMng", "68756e7465723278"] {
        assert!(!line.contains(spelling), "{line}");
    }
}

#[tokio::test]
async fn reactivation_is_told_once() {
    let asks = ("xylem:plugin/context@0.1.0", "reactivate", "");
    let body = "(call $reactivate) i32.const 1024";
    let bench = Bench::with(&Guest { imports: vec![asks], activate: body, validate: body, ..Guest::default() }).await;
    let it = InstanceId::from("it");
    bench.runtime.validate(&bare()).await.unwrap();
    assert!(!bench.runtime.take_reactivation(&it), "not in a pure call");
    bench.runtime.activate(&bare()).await.unwrap();
    assert!(bench.runtime.take_reactivation(&it));
    assert!(!bench.runtime.take_reactivation(&it));
}

#[tokio::test]
async fn validation_errors_come_through() {
    // A list of one {path: "/a", code: "range", message: "no"}.
    let one = r#"(i32.store (i32.const 4096) (i32.const 4112)) (i32.store (i32.const 4100) (i32.const 1))
        (i32.store (i32.const 4112) (i32.const 3000)) (i32.store (i32.const 4116) (i32.const 2))
        (i32.store (i32.const 4120) (i32.const 3002)) (i32.store (i32.const 4124) (i32.const 5))
        (i32.store (i32.const 4128) (i32.const 3007)) (i32.store (i32.const 4132) (i32.const 2)) i32.const 4096"#;
    let more = r#"(data (i32.const 3000) "/arangeno")"#;
    let bench = Bench::with(&Guest { more, validate: one, ..Guest::default() }).await;
    let expected = FieldError { path: "/a".to_owned(), code: "range".to_owned(), message: "no".to_owned() };
    assert_eq!(bench.runtime.validate(&bare()).await.unwrap(), [expected]);
}
