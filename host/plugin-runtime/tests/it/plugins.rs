//! The plugins that are compiled from Rust: `auth-ldap` against a directory, and the hostile ones.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use model::{InstanceId, Secret};
use plugin_runtime::{CallError, Grant, Mode, Spec, Verdict};
use serde_json::json;

use crate::directory::{Certificates, Directory, Door, Manner};
use crate::support::{Bench, spec};

/// Returns a plugin of the workspace of guests.
fn compiled(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/target/wasm32-wasip2/release");
    let path = folder.join(format!("{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask plugins` first", path.display()))
}

async fn bench(name: &str) -> Bench {
    let bench = Bench::new();
    bench.put("it", &compiled(name));
    assert_eq!(bench.scan().await, [("it".to_owned(), String::new())], "{name}");
    bench
}

async fn sign_in(bench: &Bench, spec: &Spec, name: &str, password: &str) -> Result<Verdict, CallError> {
    bench.runtime.authenticate(spec, name, &Secret::from(password)).await
}

#[tokio::test]
async fn auth_ldap_signs_people_in() {
    let bench = bench("auth_ldap").await;
    let certificates = Certificates::new(&["localhost"], false);
    let server = Directory::start(Door::Ldaps, Manner::Good, &certificates).await;
    let port = server.address.port();
    let plugin = bench.runtime.get(&InstanceId::from("it")).unwrap();
    let typed = json!({
        "server": {"host": "localhost", "port": port, "ca": certificates.ca}, "base": "dc=test",
        "bind": {"dn": "cn=xylem", "password": "s3cret"},
    });
    assert_eq!(plugin.check_schema(&typed), []);
    let (public, secrets) = plugin.split(&plugin.with_defaults(&typed), &Default::default());
    assert_eq!(public["bind"]["password"], json!({"$secret": "bind.password"}));
    let requested = plugin.requested(&public);
    assert_eq!(requested.len(), 1);
    assert_eq!(requested[0].capability, format!("ldap:localhost:{port}"));

    let bare = Spec { secrets: Arc::new(secrets), ..spec(public) };
    assert_eq!(bench.runtime.validate(&bare).await.unwrap(), []);
    bench.runtime.activate(&bare).await.unwrap();
    let refused = sign_in(&bench, &bare, "user7", "pw7").await.unwrap_err();
    assert_eq!(refused.code(), "grant.missing");
    assert_eq!(server.accepted(), 0);

    let options = json!({"addresses": ["loopback"]});
    let grant = Grant { capability: requested[0].capability.clone(), mode: Mode::Count, options };
    let granted = Spec { grants: Arc::new(vec![grant]), ..bare.clone() };
    let Ok(Verdict::Accepted(person)) = sign_in(&bench, &granted, "user7", "pw7").await else {
        panic!("user7 must be let in: {:?}", bench.services.log.lock().unwrap())
    };
    assert_eq!((person.subject.as_str(), person.email.as_deref()), ("user7", Some("user7@example.org")));
    assert!(matches!(sign_in(&bench, &granted, "user7", "wrong").await, Ok(Verdict::Refused(_))));
    assert_eq!(sign_in(&bench, &granted, "nobody", "x").await, Ok(Verdict::Unknown));
    assert_eq!(sign_in(&bench, &granted, "user7)(uid=*", "pw7").await, Ok(Verdict::Unknown), "names stay names");

    let checks = bench.runtime.test(&granted, Some(&json!({"username": "user7", "password": "pw7"}))).await.unwrap();
    assert!(!checks.is_empty() && checks.iter().all(|check| check.outcome.is_ok()), "{checks:#?}");
    let wrong =
        Spec { secrets: Arc::new([("bind.password".to_owned(), Secret::from("wrong"))].into()), ..granted.clone() };
    let checks = bench.runtime.test(&wrong, None).await.unwrap();
    let codes: Vec<_> =
        checks.iter().filter_map(|check| check.outcome.as_ref().err()).map(|error| error.code.as_str()).collect();
    assert!(codes.contains(&"ldap.invalid-credentials"), "{checks:#?}");
    server.until_idle().await;

    let audited = bench.services.audited();
    assert!(
        audited.iter().any(|line| line.starts_with(&format!("ldap.connection.open ldap:localhost:{port} Done"))),
        "{audited:?}"
    );
    assert!(!format!("{:?}{:?}", audited, bench.services.log.lock().unwrap()).contains("s3cret"));
    let health = bench.runtime.health(&InstanceId::from("it"));
    assert!(health.counted[&format!("ldap:localhost:{port}")] > 0, "{health:?}");
}

#[tokio::test]
async fn hostile_sign_ins_end_as_they_should() {
    let wall = Some(Duration::from_secs(5));
    for (name, kind) in [
        ("hostile_trap", "trap"),
        ("hostile_memory_bomb", "memory"),
        ("hostile_giant_result", "result-too-large"),
        ("hostile_deep_recursion", "trap"),
        ("hostile_endless_loop", "cpu"),
    ] {
        let bench = bench(name).await;
        let error = sign_in(&bench, &Spec { wall, ..spec(json!({})) }, "alice", "wonderland").await.unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error:?}");
        if let ("hostile_trap", CallError::Trap { message, backtrace }) = (name, &error) {
            assert!(message.contains("alice was one too many"), "the panic's own words: {message}");
            assert!(backtrace.contains("authenticate"), "{backtrace}");
        }
    }
}

#[tokio::test]
async fn hostile_waits_end_by_the_wall_clock() {
    let bench = bench("hostile_silent").await;
    let spec = Spec { wall: Some(Duration::from_millis(300)), ..spec(json!({})) };
    assert_eq!(sign_in(&bench, &spec, "alice", "x").await, Err(CallError::Timeout { limit_ms: 300 }));
}

#[tokio::test]
async fn a_flood_of_log_lines_is_cut() {
    let bench = bench("hostile_log_flood").await;
    let spec = Spec { wall: Some(Duration::from_secs(30)), ..spec(json!({})) };
    // In an unoptimised build 100,000 host calls may use up the processor time first; either end is a good one.
    let outcome = sign_in(&bench, &spec, "alice", "x").await;
    assert!(matches!(outcome, Ok(Verdict::Unknown) | Err(CallError::Cpu { .. })), "{outcome:?}");
    let health = bench.runtime.health(&InstanceId::from("it"));
    let kept = bench.services.log.lock().unwrap().len() as u64;
    assert!(kept <= 200 * 10 && health.log_dropped > 1_000, "{kept} kept, {} dropped", health.log_dropped);
}

#[tokio::test]
async fn doors_that_nobody_opened_stay_shut() {
    let bench = bench("hostile_ungranted_ldap").await;
    let error = sign_in(&bench, &spec(json!({})), "alice", "x").await.unwrap_err();
    assert_eq!(error.code(), "grant.missing", "{error:?}");
}

/// Returns resident memory in KiB, number of open files, and names of the threads of this process.
fn footprint() -> (u64, usize, Vec<String>) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let resident = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).unwrap().trim().to_owned();
    let mut threads: Vec<String> = tasks.map(|task| name(task.unwrap())).collect();
    threads.sort();
    (resident, std::fs::read_dir("/proc/self/fd").unwrap().count(), threads)
}

#[tokio::test]
async fn misbehaviour_leaves_nothing_behind() {
    let bench = Bench::new();
    let names =
        ["hostile_trap", "hostile_memory_bomb", "hostile_giant_result", "hostile_deep_recursion", "hostile_silent"];
    let specs: Vec<Spec> = names
        .iter()
        .map(|name| {
            let instance = name.replace('_', "-");
            bench.put(&instance, &compiled(name));
            Spec { wall: Some(Duration::from_millis(700)), ..Spec::new(InstanceId::from(instance), json!({})) }
        })
        .collect();
    bench.scan().await;
    let round = async || {
        for spec in &specs {
            for _ in 0..3 {
                let _ = sign_in(&bench, spec, "alice", "x").await;
            }
            bench.runtime.reset(&spec.instance);
        }
    };
    round().await;
    let before = footprint();
    for _ in 0..3 {
        round().await;
    }
    let after = footprint();
    assert!(after.0 < before.0 + (5 << 10), "resident memory: {} KiB before, {} KiB after", before.0, after.0);
    assert!(after.1 <= before.1, "open files: {} before, {} after", before.1, after.1);
    // Fewer is fine: idle threads of tokio's pool go home.
    assert!(after.2.len() <= before.2.len(), "threads: {:?} before, {:?} after", before.2, after.2);
}
