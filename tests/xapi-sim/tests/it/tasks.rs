//! Tasks: asynchronous calls, their results, cancelling and collecting.

use std::time::Duration;

use serde_json::json;
use xapi_sim::{Delays, Options};

use crate::client::{Client, until};

#[tokio::test]
async fn an_asynchronous_call_is_its_task() -> anyhow::Result<()> {
    let client = Client::start(Options::default()).await?;
    let vm = client.vm("silver");
    let token = client.token().await?;
    let task = client.call("Async.VM.clone", json!([client.vm("jarvis"), "x"])).await;
    // jarvis runs: the failure is the task's.
    let failed = task?;
    let failed = failed.as_str().unwrap();
    until(|| client.sim.record("task", failed).unwrap()["status"] == "failure").await;
    let record = client.sim.record("task", failed).unwrap();
    assert_eq!(record["error_info"], json!(["VM_BAD_POWER_STATE", client.vm("jarvis"), "halted", "running"]));
    assert_eq!(
        [&record["name_label"], &record["type"], &record["progress"]],
        [&json!("Async.VM.clone"), &json!("<none/>"), &json!(1.0)]
    );

    let task = client.call("Async.VM.snapshot", json!([vm, "x"])).await?;
    let task = task.as_str().unwrap();
    until(|| client.sim.record("task", task).unwrap()["status"] == "success").await;
    let result = client.sim.record("task", task).unwrap()["result"].as_str().unwrap().to_owned();
    let snapshot = result.trim_start_matches("<value>").trim_end_matches("</value>");
    assert_eq!(client.sim.record("VM", snapshot).unwrap()["name_label"], "x");
    let void = client.call("Async.VM.pause", json!([vm])).await?;
    until(|| client.sim.record("task", void.as_str().unwrap()).unwrap()["status"] == "success").await;
    assert_eq!(client.sim.record("task", void.as_str().unwrap()).unwrap()["result"], "<value></value>");

    let (events, _) = client.from(json!(["task"]), &token, 5.0).await?;
    assert_eq!(events.iter().filter(|e| e["operation"] == "add").count(), 3);
    client.call("task.destroy", json!([task])).await?;
    assert_eq!(client.fails("task.get_status", json!([task])).await, ["HANDLE_INVALID", "task", task]);
    Ok(())
}

#[tokio::test]
async fn work_can_be_cancelled_and_its_task_disowned() -> anyhow::Result<()> {
    let delays = Delays { operation: Duration::from_secs(60), ..Delays::default() };
    let client = Client::start(Options { delays, ..Options::default() }).await?;
    let vm = client.vm("silver");
    let task = client.call("Async.VM.suspend", json!([vm])).await?;
    let task = task.as_str().unwrap();
    // Destroying a pending task only notes the wish; cancelling it ends the work, and then it goes.
    client.call("task.destroy", json!([task])).await?;
    assert_eq!(client.sim.record("task", task).unwrap()["status"], "pending");
    client.call("task.cancel", json!([task])).await?;
    until(|| client.sim.record("task", task).is_none()).await;
    let record = client.sim.record("VM", &vm).unwrap();
    assert_eq!([&record["power_state"], &record["current_operations"]], [&json!("Running"), &json!({})]);

    let own = client.call("task.create", json!(["mine", "text"])).await?;
    client.call("task.set_progress", json!([own, 0.5])).await?;
    client.call("task.set_result", json!([own, "<value>x</value>"])).await?;
    client.call("task.set_status", json!([own, "SUCCESS"])).await?;
    let record = client.call("task.get_record", json!([own])).await?;
    assert_eq!(
        [&record["status"], &record["progress"], &record["result"]],
        [&json!("success"), &json!(0.5), &json!("<value>x</value>")]
    );
    client.call("task.cancel", json!([own])).await?;
    client.call("task.destroy", json!([own])).await?;
    assert!(client.sim.records("task").is_empty());
    Ok(())
}
