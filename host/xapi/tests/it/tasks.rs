//! Long operations: their end, their progress, their result, their failures, and what is left behind.

use std::time::Duration;

use serde_json::json;
use xapi::{Connection, Error, Target, Timeouts, Value};
use xapi_sim::{Delays, Options, Sim};

use crate::server::{PATIENCE, Server, fail, host, ok, timeouts};
use crate::simulator::{simulator, target};

async fn pool(operation: Duration) -> (Sim, Connection) {
    let delays = Delays { operation, ..Delays::default() };
    let sim = simulator(Options { dump: "pool2".into(), delays, ..Options::default() }).await;
    let connection = Connection::open(target(&sim), timeouts()).await.expect("a session");
    (sim, connection)
}

fn halted(sim: &Sim) -> String {
    let vms = sim.records("VM").into_iter();
    let real = |vm: &serde_json::Value| vm["is_a_template"] == json!(false) && vm["is_a_snapshot"] == json!(false);
    let mut halted = vms.filter(|(_, vm)| vm["power_state"] == "Halted" && real(vm)).map(|(vm, _)| vm);
    halted.next().expect("a halted VM")
}

/// Parameters of VM.start.
fn start(vm: &str) -> Vec<Value> {
    vec![vm.into(), false.into(), false.into()]
}

async fn until(what: &str, fact: impl Fn() -> bool) {
    let waiting = async {
        while !fact() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "{what}");
}

#[tokio::test]
async fn from_start_to_end_and_nothing_is_left() {
    for json_rpc in [true, false] {
        let sim = simulator(Options { dump: "pool2".into(), json_rpc, ..Options::default() }).await;
        let connection = Connection::open(target(&sim), timeouts()).await.expect("a session");
        let vm = halted(&sim);
        let task = connection.start("VM.start", start(&vm)).await.expect("a task");
        assert!(task.reference().starts_with("OpaqueRef:"));
        assert_eq!(task.wait().await.expect("it starts"), Value::from(""));
        assert_eq!(*task.progress().borrow(), 1.0);
        assert_eq!(sim.record("VM", &vm).expect("a VM")["power_state"], "Running");
        // Again: it is known.
        task.wait().await.expect("it started");
        until("the record is destroyed", || sim.record("task", task.reference()).is_none()).await;

        let task = connection.start("VM.clone", vec![vm.as_str().into(), "copy".into()]).await.expect("a task");
        let outcome = task.wait().await;
        match outcome {
            Ok(clone) => assert!(sim.record("VM", clone.as_str().unwrap_or_default()).is_some(), "{clone:?}"),
            // A running VM cannot be cloned.
            Err(error) => assert_eq!(error.code(), Some("VM_BAD_POWER_STATE"), "{error:?}"),
        }
        task.cancel().await.expect("a finished one is left as it is");
    }
}

#[tokio::test]
async fn failures_are_those_of_the_operation() {
    let (sim, connection) = pool(Duration::from_millis(1)).await;
    sim.fail_next("VM.start", "VM_BAD_POWER_STATE", &["r", "halted", "running"]);
    let task = connection.start("VM.start", start(&halted(&sim))).await.expect("a task");
    let error = task.wait().await.expect_err("it fails");
    assert!(
        matches!(&error, Error::Api { method, code, params }
            if method == "VM.start" && &**code == "VM_BAD_POWER_STATE" && params.len() == 3),
        "{error:?}"
    );
    until("the record is destroyed", || sim.record("task", task.reference()).is_none()).await;

    let read_only = Target { read_only: true, ..target(&sim) };
    let connection = Connection::open(read_only, timeouts()).await.expect("a session");
    let error = connection.start("VM.start", vec![]).await.expect_err("read-only");
    assert!(matches!(error, Error::ReadOnly { .. }), "{error:?}");
}

#[tokio::test]
async fn a_task_can_be_cancelled_and_is_when_dropped_if_asked() {
    let (sim, connection) = pool(PATIENCE).await;
    let vm = halted(&sim);
    let task = connection.start("VM.start", start(&vm)).await.expect("a task");
    task.cancel().await.expect("it can be cancelled");
    let error = task.wait().await.expect_err("cancelled");
    assert_eq!(error.code(), Some("TASK_CANCELLED"), "{error:?}");

    let task = connection.start("VM.start", start(&vm)).await.expect("a task").cancel_on_drop();
    let reference = task.reference().to_owned();
    drop(task);
    until("the record is destroyed", || sim.record("task", &reference).is_none()).await;
    assert_eq!(sim.record("VM", &vm).expect("a VM")["power_state"], "Halted");

    // Not asked: it goes on.
    let task = connection.start("VM.start", start(&vm)).await.expect("a task");
    let reference = task.reference().to_owned();
    drop(task);
    connection.call("VM.get_all", vec![]).await.expect("an answer");
    assert_eq!(sim.record("task", &reference).expect("it is there")["status"], "pending");
}

#[tokio::test]
async fn nobody_knows_after_a_restart() {
    let (sim, connection) = pool(PATIENCE).await;
    let task = connection.start("VM.start", start(&halted(&sim))).await.expect("a task");
    let waiting = task.wait();
    sim.restart();
    let outcome = tokio::time::timeout(PATIENCE, waiting).await.expect("an end");
    assert!(matches!(&outcome, Err(Error::TaskLost { method }) if method == "VM.start"), "{outcome:?}");
}

#[tokio::test]
async fn dead_sessions_and_cut_lines_do_not_end_the_waiting() {
    let (sim, connection) = pool(Duration::from_millis(300)).await;
    let task = connection.start("VM.start", start(&halted(&sim))).await.expect("a task");
    sim.drop_connections();
    sim.kill_sessions();
    let outcome = tokio::time::timeout(PATIENCE, task.wait()).await.expect("an end");
    // The simulator ends the work of a dead session; what counts is that we hear of it.
    assert!(!matches!(outcome, Err(Error::Unreachable { .. } | Error::TaskLost { .. })), "{outcome:?}");
}

#[tokio::test]
async fn many_tasks_share_one_loop() {
    let (sim, connection) = pool(Duration::from_millis(50)).await;
    let starts = (0..40).map(|_| connection.start("VM.start", start(&halted(&sim))));
    let tasks: Vec<_> = futures::future::join_all(starts).await.into_iter().map(|task| task.expect("a task")).collect();
    let ends = futures::future::join_all(tasks.iter().map(xapi::Task::wait));
    let ends = tokio::time::timeout(PATIENCE, ends).await.expect("all end");
    // The first one starts the VM; the others find it running.
    assert_eq!(ends.iter().filter(|end| end.is_ok()).count(), 1);
    assert!(ends.iter().flat_map(|end| end.as_ref().err()).all(|error| error.code() == Some("VM_BAD_POWER_STATE")));
    until("all records are destroyed", || sim.records("task").is_empty()).await;
    assert!(sim.connections() < 60, "{} connections", sim.connections());
}

#[tokio::test]
async fn what_is_no_task_is_an_error() {
    let server = Server::start(host(|_| ok(json!(7)))).await;
    let connection = Connection::open(server.target(), timeouts()).await.expect("a session");
    let error = connection.start("VM.start", vec![]).await.expect_err("no reference");
    assert!(matches!(error, Error::Protocol { .. }), "{error:?}");

    let server = Server::start(host(|request| match request.method().as_str() {
        "Async.VM.start" => ok(json!("OpaqueRef:task")),
        "task.get_record" => fail("HANDLE_INVALID", &["task", "OpaqueRef:task"]),
        _ => crate::server::Reply::Silence,
    }))
    .await;
    let times = Timeouts { event_poll: Duration::from_millis(100), ..timeouts() };
    let connection = Connection::open(server.target(), times).await.expect("a session");
    let task = connection.start("VM.start", vec![]).await.expect("a task");
    let outcome = tokio::time::timeout(PATIENCE, task.wait()).await.expect("an end");
    assert!(matches!(outcome, Err(Error::TaskLost { .. })), "{outcome:?}");
}
