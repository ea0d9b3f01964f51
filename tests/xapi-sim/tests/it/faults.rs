//! Every fault does what it says, and is over when it is over.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::net::TcpStream;
use xapi_sim::{Delays, Options, Sim};

use crate::client::{Client, Connection, raw, until};

#[tokio::test]
async fn calls_fail_on_demand() -> anyhow::Result<()> {
    let client = Client::start(Options::default()).await?;
    let vm = client.vm("silver");
    client.sim.fail_next("VM.pause", "HOST_OFFLINE", &["h"]);
    assert_eq!(client.fails("VM.pause", json!([vm])).await, ["HOST_OFFLINE", "h"]);
    client.sim.fail_times(2, "VM.pause", "TOO_BUSY", &[]);
    let task = client.call("Async.VM.pause", json!([vm])).await?;
    until(|| client.sim.record("task", task.as_str().unwrap()).unwrap()["error_info"] == json!(["TOO_BUSY"])).await;
    assert_eq!(client.fails("VM_pause", json!([vm])).await, ["TOO_BUSY"]);
    client.call("VM.pause", json!([vm])).await?;
    assert_eq!((client.sim.calls_of("VM.pause"), client.sim.calls_of("Async.VM.pause")), (2, 1));

    client.sim.http_error("*", 503, 1);
    assert_eq!(client.call("VM.get_all", json!([])).await.unwrap_err().to_string(), "HTTP 503");
    client.sim.half_answer("VM.get_all_records", 1);
    let cut = client.call("VM.get_all_records", json!([])).await.unwrap_err();
    assert_eq!(cut.to_string(), "the body is cut");
    client.call("VM.get_all_records", json!([])).await?;
    Ok(())
}

#[tokio::test]
async fn calls_hang_until_released_and_are_slow_until_not() -> anyhow::Result<()> {
    let client = Client::start(Options::default()).await?;
    client.sim.hang("VM.get_all");
    let hanging = tokio::spawn({
        let client = client.clone();
        async move { client.call("VM.get_all", json!([])).await }
    });
    until(|| client.sim.calls_of("VM.get_all") == 1).await;
    // Others do not hang.
    client.call("host.get_all", json!([])).await?;
    assert!(!hanging.is_finished());
    client.sim.release("VM.get_all");
    hanging.await??;

    client.sim.slow("host.get_all", Duration::from_millis(200));
    let start = Instant::now();
    client.call("host.get_all", json!([])).await?;
    assert!(start.elapsed() >= Duration::from_millis(200));
    client.sim.slow("host.get_all", Duration::ZERO);
    client.sim.hang("*");
    client.sim.clear_faults();
    client.call("host.get_all", json!([])).await?;
    Ok(())
}

#[tokio::test]
async fn long_answers_stand_still_in_their_middle() -> anyhow::Result<()> {
    let client = Client::start(Options::default()).await?;
    let read = || {
        let client = client.clone();
        tokio::spawn(async move { client.call("VM.get_all_records", json!([])).await })
    };
    let whole = read().await??;
    client.sim.hold("VM.get_all_records", whole.to_string().len() / 2);
    client.call("VM.get_all", json!([])).await?;
    let waiting = read();
    until(|| client.sim.held() == 1).await;
    assert!(!waiting.is_finished());
    // What hangs does not go on.
    client.sim.hang("*");
    client.sim.let_go("VM.get_all_records");
    assert_eq!(client.sim.held(), 1);
    client.sim.release("*");
    assert_eq!(waiting.await??, whole);
    assert_eq!(client.sim.held(), 0);

    // It may end as half an answer, or with its connection.
    client.sim.hold("*", 1_000);
    let cut = read();
    until(|| client.sim.held() == 1).await;
    client.sim.half_answer("VM.get_all_records", 1);
    client.sim.let_go("*");
    assert_eq!(cut.await?.unwrap_err().to_string(), "the body is cut");
    client.sim.hold("*", 1_000);
    let cut = read();
    until(|| client.sim.held() == 1).await;
    client.sim.drop_connections();
    assert!(cut.await?.is_err());
    until(|| client.sim.held() == 0).await;
    Ok(())
}

#[tokio::test]
async fn sessions_and_connections_are_lost() -> anyhow::Result<()> {
    let client = Client::start(Options::default()).await?;
    client.sim.kill_sessions();
    assert_eq!(client.sim.sessions(), 0);
    assert_eq!(client.fails("VM.get_all", json!([])).await, ["SESSION_INVALID", &client.session]);

    let mut connection = Connection::plain(&client.sim).await?;
    until(|| client.sim.connections() == 1).await;
    client.sim.drop_connections();
    assert!(connection.is_closed().await);
    until(|| client.sim.connections() == 0).await;

    client.sim.pause_listening().await;
    assert!(TcpStream::connect(client.sim.host()).await.is_err());
    client.sim.resume_listening().await;
    let client = Client::login(client.sim).await?;

    client.sim.refuse_for(Duration::from_millis(300)).await;
    let start = Instant::now();
    assert!(TcpStream::connect(client.sim.host()).await.is_err());
    while TcpStream::connect(client.sim.host()).await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(start.elapsed() >= Duration::from_millis(250));
    client.call("VM.get_all", json!([])).await?;

    let host = client.sim.host();
    client.sim.stop().await;
    until_refused(&host).await;
    Ok(())
}

async fn until_refused(host: &str) {
    let start = Instant::now();
    while TcpStream::connect(host).await.is_ok() {
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn a_dropped_simulator_is_gone() -> anyhow::Result<()> {
    let sim = Sim::start(Options { control: Some("127.0.0.1:0".parse()?), ..Options::default() }).await?;
    let (host, control) = (sim.host(), sim.control_url().unwrap_or_default().replace("http://", ""));
    drop(sim);
    until_refused(&host).await;
    until_refused(&control).await;
    Ok(())
}

#[tokio::test]
async fn a_restart_forgets_what_is_not_stored() -> anyhow::Result<()> {
    let delays = Delays { operation: Duration::from_secs(60), ..Delays::default() };
    let client = Client::start(Options { delays, ..Options::default() }).await?;
    let vm = client.vm("silver");
    let token = client.token().await?;
    client.call("Async.VM.suspend", json!([vm])).await?;
    let mut connection = Connection::plain(&client.sim).await?;
    until(|| client.sim.record("VM", &vm).unwrap()["current_operations"] != json!({})).await;
    let generation = client.sim.generation();
    client.sim.restart();
    assert!(connection.is_closed().await);
    assert!(client.sim.records("task").is_empty());
    assert_eq!(client.sim.record("VM", &vm).unwrap()["current_operations"], json!({}));
    assert_eq!(client.fails("VM.get_all", json!([])).await, ["SESSION_INVALID", &client.session]);
    let client = Client::login(client.sim).await?;
    assert!(client.sim.generation() > generation);
    // The old token still works, but deletions before the restart are not told: no `del` of the task.
    let (events, _) = client.from(json!(["task", "vm"]), &token, 5.0).await?;
    assert!(events.iter().all(|e| e["operation"] != "del"));
    Ok(())
}

#[tokio::test]
async fn a_slave_names_its_master() -> anyhow::Result<()> {
    let client = Client::start(Options::default()).await?;
    client.sim.become_slave("192.0.2.1");
    for (method, params) in
        [("session.login_with_password", json!(["root", "password"])), ("VM.get_all", json!([client.session]))]
    {
        assert_eq!(raw(&client.sim, method, params).await.unwrap_err().to_string(), "HOST_IS_SLAVE 192.0.2.1");
    }
    let local = raw(&client.sim, "session.slave_local_login_with_password", json!(["root", "password"])).await?;
    assert_eq!(raw(&client.sim, "pool.is_slave", json!([local, "x"])).await?, true);
    client.sim.become_master();
    client.call("VM.get_all", json!([])).await?;
    Ok(())
}
