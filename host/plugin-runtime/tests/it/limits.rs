//! What a plugin cannot get past: processor time, memory, wall clock, size, and the patience of the supervisor.

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{InstanceId, Secret};
use plugin_runtime::{Breaker, CallError, Spec, Verdict};

use crate::guest::Guest;
use crate::support::{Bench, bare};

const LOOP: &str = "(loop (br 0)) unreachable";
/// Grows by 1 MiB until refused, then gives up as an allocator does.
const BOMB: &str = "(loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";

fn authenticate(body: &'static str) -> Guest {
    Guest { authenticate: body, ..Guest::default() }
}

async fn sign_in(bench: &Bench, spec: &Spec) -> Result<Verdict, CallError> {
    bench.runtime.authenticate(spec, "alice", &Secret::from("wonderland")).await
}

#[tokio::test]
async fn each_way_to_end() {
    let start = r#"(func $start (loop (br 0))) (start $start)"#;
    let recursion = "(func $deeper (param i32) (result i32) (i32.add (call $deeper (local.get 0)) (i32.const 1)))";
    // A list of a million errors, all of them the same bytes; and one text of 6 MiB.
    let aliases = "(i32.store (i32.const 4096) (i32.const 8192)) (i32.store (i32.const 4100) (i32.const 1000000))
        (drop (memory.grow (i32.const 500))) i32.const 4096";
    let text = "(drop (memory.grow (i32.const 200)))
        (i32.store8 (i32.const 4104) (i32.const 1)) (i32.store (i32.const 4112) (i32.const 65536))
        (i32.store (i32.const 4116) (i32.const 6291456)) i32.const 4096";
    let cases = [
        (authenticate(LOOP), "cpu"),
        (Guest { more: start, ..Guest::default() }, "cpu"),
        (authenticate(BOMB), "memory"),
        (authenticate("unreachable"), "trap"),
        (Guest { more: recursion, ..authenticate("(call $deeper (i32.const 0))") }, "trap"),
        (authenticate("i32.const -4"), "trap"),
        (authenticate(text), "result-too-large"),
    ];
    for (guest, kind) in cases {
        let bench = Bench::with(&guest).await;
        let start = Instant::now();
        let error = sign_in(&bench, &bare()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?} {}", guest.authenticate);
        assert!(start.elapsed() < Duration::from_secs(5), "{kind} took {:?}", start.elapsed());
        let health = bench.runtime.health(&InstanceId::from("it"));
        assert_eq!((health.calls, health.failures, health.in_flight), (1, 1, 0));
        assert_eq!(health.last_error.unwrap().kind, kind);
        let audited = bench.services.audited();
        assert!(audited.iter().any(|line| line.contains("password-provider.authenticate")), "{audited:?}");
        if kind == "cpu" {
            assert!((1_900..=2_100).contains(&health.cpu_high_water_ms), "{}", health.cpu_high_water_ms);
        }
        if kind == "memory" {
            assert!(health.memory_high_water > 60 << 20, "{}", health.memory_high_water);
        }
    }
    let bench = Bench::with(&Guest { validate: aliases, ..Guest::default() }).await;
    assert_eq!(bench.runtime.validate(&bare()).await.unwrap_err().kind(), "result-too-large");
}

#[tokio::test]
async fn the_wall_clock_ends_loops_and_waits() {
    let kv = ("xylem:plugin/kv@0.1.0", "get", "(param i32 i32 i32)");
    // Waits for a value that never comes, again and again.
    let wait = r#"(loop (call $get (i32.const 3000) (i32.const 5) (i32.const 4096)) (br 0)) unreachable"#;
    let waiting = Guest { imports: vec![kv], more: r#"(data (i32.const 3000) "never")"#, ..authenticate(wait) };
    for guest in [authenticate(LOOP), waiting] {
        let bench = Bench::with(&guest).await;
        let spec = Spec { wall: Some(Duration::from_millis(400)), ..bare() };
        let start = Instant::now();
        assert_eq!(sign_in(&bench, &spec).await, Err(CallError::Timeout { limit_ms: 400 }));
        assert!(start.elapsed() < Duration::from_millis(1_500), "{:?}", start.elapsed());
    }
}

#[tokio::test]
async fn five_failures_open_the_breaker() {
    let bench = Bench::with(&Guest { test: "unreachable", ..authenticate("unreachable") }).await;
    let it = InstanceId::from("it");
    for _ in 0..5 {
        assert_eq!(sign_in(&bench, &bare()).await.unwrap_err().kind(), "trap");
    }
    let retry_at = 1_000_000 + 30_000;
    assert_eq!(sign_in(&bench, &bare()).await, Err(CallError::BreakerOpen { retry_at }));
    let health = bench.runtime.health(&it);
    assert_eq!(health.breakers["password-provider"], Breaker::Open { retry_at });
    assert!(bench.services.audited().iter().any(|line| line.contains("breaker.opened")));
    assert_eq!(bench.runtime.validate(&bare()).await, Ok(vec![]), "other roles go on");

    bench.clock.advance(30_000);
    assert_eq!(sign_in(&bench, &bare()).await.unwrap_err().kind(), "trap", "one call is let through");
    assert_eq!(sign_in(&bench, &bare()).await.unwrap_err().kind(), "breaker-open");
    bench.runtime.reset(&it);
    assert_eq!(bench.runtime.health(&it).last_error, None);

    // A better version, in the same place.
    bench.put("it", &Guest::default().build());
    bench.scan().await;
    assert_eq!(sign_in(&bench, &bare()).await, Ok(Verdict::Unknown));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_run_and_sixty_four_wait() {
    let kv = ("xylem:plugin/kv@0.1.0", "get", "(param i32 i32 i32)");
    let wait = "(call $get (i32.const 3000) (i32.const 5) (i32.const 4096)) unreachable";
    let guest = Guest { imports: vec![kv], more: r#"(data (i32.const 3000) "never")"#, ..authenticate(wait) };
    let bench = Arc::new(Bench::with(&guest).await);
    let it = InstanceId::from("it");
    let spec = Spec { wall: Some(Duration::from_secs(300)), ..bare() };
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..80 {
        let (bench, spec) = (bench.clone(), spec.clone());
        calls.spawn(async move { sign_in(&bench, &spec).await });
    }
    for _ in 0..80 - 4 - 64 {
        assert_eq!(calls.join_next().await.unwrap().unwrap(), Err(CallError::Busy));
    }
    let health = bench.runtime.health(&it);
    assert_eq!((health.in_flight, health.waiting), (4, 64));
    assert_eq!(sign_in(&bench, &spec).await, Err(CallError::Busy));
    calls.shutdown().await;
    let health = bench.runtime.health(&it);
    assert_eq!((health.calls, health.in_flight, health.waiting), (0, 0, 0));
}

#[tokio::test]
async fn a_caller_who_leaves_takes_the_call_along() {
    let bench = Bench::with(&authenticate(LOOP)).await;
    let it = InstanceId::from("it");
    let left = tokio::time::timeout(Duration::from_millis(100), sign_in(&bench, &bare())).await;
    assert!(left.is_err());
    let health = bench.runtime.health(&it);
    assert_eq!((health.calls, health.in_flight), (0, 0));
    assert_eq!(health.breakers["password-provider"], Breaker::Closed);
}

#[tokio::test]
async fn cancelled_calls_get_two_seconds() {
    let asks = ("xylem:plugin/context@0.1.0", "is-cancelled", "(result i32)");
    let polite = "(loop (br_if 0 (i32.eqz (call $is-cancelled)))) i32.const 1536";
    for (guest, expected) in [
        (Guest { imports: vec![asks], ..authenticate(polite) }, Ok(Verdict::Unknown)),
        (
            Guest {
                imports: vec![("xylem:plugin/kv@0.1.0", "get", "(param i32 i32 i32)")],
                more: r#"(data (i32.const 3000) "never")"#,
                ..authenticate("(call $get (i32.const 3000) (i32.const 5) (i32.const 4096)) unreachable")
            },
            Err(CallError::Cancelled),
        ),
    ] {
        let bench = Bench::with(&guest).await;
        let it = InstanceId::from("it");
        let spec = bare();
        let cancel = async {
            while bench.runtime.health(&it).in_flight == 0 || bench.runtime.health(&it).host_calls == 0 {
                tokio::task::yield_now().await;
            }
            bench.runtime.cancel(&it);
        };
        let (outcome, ()) = tokio::join!(sign_in(&bench, &spec), cancel);
        assert_eq!(outcome, expected);
        assert_eq!(bench.runtime.health(&it).failures, 0, "a cancelled call is nobody's failure");
    }
}
