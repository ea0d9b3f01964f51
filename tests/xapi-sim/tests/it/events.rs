//! event.from: tokens, merging, mirrored changes, counts, waiting and being ended.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use xapi_sim::Options;

use crate::client::{Client, Connection, raw};

fn names(events: &[Value]) -> Vec<String> {
    let mut names: Vec<String> = events
        .iter()
        .map(|e| format!("{} {}", e["operation"].as_str().unwrap_or_default(), e["class"].as_str().unwrap_or_default()))
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn the_empty_token_brings_every_object_once() -> anyhow::Result<()> {
    let client = Client::start(Options::default()).await?;
    let (events, token) = client.from(json!(["vm", "VBD", "nonsense"]), "", 5.0).await?;
    let vms = client.sim.records("VM");
    assert_eq!(events.len(), vms.len() + client.sim.records("VBD").len());
    assert!(events.iter().all(|e| e["operation"] == "add" && e["timestamp"] == "0.0"));
    for event in events.iter().filter(|e| e["class"] == "vm") {
        assert_eq!(event["snapshot"], vms[event["ref"].as_str().unwrap()]);
    }
    assert_eq!(token.len(), 41);
    // Now there is nothing, and the timeout of zero says so at once.
    let (events, later) = client.from(json!(["vm"]), &token, 0.0).await?;
    assert!(events.is_empty() && later >= token);
    Ok(())
}

#[tokio::test]
async fn changes_are_merged_mirrored_and_current() -> anyhow::Result<()> {
    let client = Client::start(Options::default()).await?;
    let (sim, vm) = (&client.sim, client.vm("silver"));
    let token = client.token().await?;
    sim.set("VM", &vm, "name_label", json!("one"))?;
    sim.set("VM", &vm, "name_label", json!("two"))?;
    let network = sim.records("network").keys().next().cloned().unwrap();
    let vif = sim.insert("VIF", json!({"VM": vm, "network": network, "device": "7"}))?;
    let gone = sim.insert("VIF", json!({"VM": vm, "network": network, "device": "8"}))?;
    sim.remove("VIF", &gone);
    let (events, token) = client.from(json!(["*"]), &token, 5.0).await?;
    // The session and the login are no events; the VIF that came and went is not told.
    assert_eq!(names(&events), ["add vif", "mod network", "mod vm"]);
    let find = |class: &str| events.iter().find(|e| e["class"] == class).unwrap();
    assert_eq!(find("vm")["snapshot"]["name_label"], "two");
    assert!(find("vm")["snapshot"]["VIFs"].as_array().unwrap().contains(&json!(vif)));

    sim.remove("VIF", &vif);
    let (events, token) = client.from(json!(["vif"]), &token, 5.0).await?;
    assert_eq!(names(&events), ["del vif"]);
    assert_eq!((&events[0]["ref"], events[0].get("snapshot")), (&json!(vif), None));

    // One object only.
    sim.set("VM", &client.vm("jarvis"), "name_label", json!("x"))?;
    sim.set("VM", &vm, "name_label", json!("three"))?;
    let (events, _) = client.from(json!([format!("VM/{vm}")]), &token, 5.0).await?;
    assert_eq!((names(&events), &events[0]["ref"]), (vec!["mod vm".to_owned()], &json!(vm)));
    Ok(())
}

#[tokio::test]
async fn counts_are_those_of_every_table() -> anyhow::Result<()> {
    let client = Client::start(Options::default()).await?;
    let answer = client.call("event.from", json!([["task"], "", 0.0])).await?;
    let counts = &answer["valid_ref_counts"];
    for class in ["VM", "VBD", "VDI", "host", "secret", "VM_guest_metrics", "session", "task", "Bond"] {
        assert_eq!(counts[class.to_lowercase()], json!(client.sim.records(class).len()), "{class}");
    }
    assert!(counts.get("message").is_none());
    // They are the only numbers that XML tags.
    let body = format!(
        "<methodCall><methodName>event.from</methodName><params><param><value>{}</value></param><param><value><array><data/></array></value></param>\
         <param><value/></param><param><value><double>0</double></value></param></params></methodCall>",
        client.session
    );
    let answer = Connection::plain(&client.sim).await?.post("/", &body).await?.body;
    assert!(answer.contains("<member><name>host</name><value><i4>1</i4></value></member>"), "{answer}");
    Ok(())
}

#[tokio::test]
async fn a_wait_ends_with_the_change_and_not_before() -> anyhow::Result<()> {
    let client = Client::start(Options::default()).await?;
    let vm = client.vm("silver");
    let token = client.token().await?;
    let waiting = {
        let (client, token) = (client.clone(), token.clone());
        tokio::spawn(async move {
            let events = client.from(json!(["vm"]), &token, 30.0).await;
            (Instant::now(), events)
        })
    };
    // Something else changes: no spurious answer.
    tokio::time::sleep(Duration::from_millis(150)).await;
    client.sim.set("host", client.sim.records("host").keys().next().unwrap(), "name_label", json!("h"))?;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished());
    let changed = Instant::now();
    client.sim.set("VM", &vm, "name_label", json!("x"))?;
    let (answered, events) = waiting.await?;
    assert_eq!(names(&events?.0), ["mod vm"]);
    assert!(answered - changed < Duration::from_secs(2));

    // The pause before the first look is there, and the timeout is kept.
    let start = Instant::now();
    let (events, _) = client.from(json!(["vbd"]), &client.token().await?, 0.3).await?;
    assert!(events.is_empty() && start.elapsed() >= Duration::from_millis(300));
    let start = Instant::now();
    client.from(json!(["vm"]), "", 10.0).await?;
    assert!(start.elapsed() >= Duration::from_millis(50));
    Ok(())
}

#[tokio::test]
async fn the_end_of_a_session_ends_its_waits_at_once() -> anyhow::Result<()> {
    let client = Client::start(Options::default()).await?;
    let token = client.token().await?;
    let waiting = {
        let client = client.clone();
        tokio::spawn(async move { client.fails("event.from", json!([["vm"], token, 60.0])).await })
    };
    while client.sim.calls_of("event.from") < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let start = Instant::now();
    client.call("session.logout", json!([])).await?;
    assert_eq!(waiting.await?, ["SESSION_INVALID", &client.session]);
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(client.fails("session.logout", json!([])).await, ["SESSION_INVALID", &client.session]);
    Ok(())
}

#[tokio::test]
async fn inject_gives_the_token_just_before() -> anyhow::Result<()> {
    let client = Client::start(Options::default()).await?;
    let pool = client.sim.records("pool").keys().next().cloned().unwrap();
    let token = client.call("event.inject", json!(["pool", pool])).await?;
    let (events, _) = client.from(json!(["*"]), token.as_str().unwrap(), 5.0).await?;
    assert_eq!(names(&events), ["mod pool"]);
    assert_eq!(client.fails("event.inject", json!(["Pool", pool])).await, ["HANDLE_INVALID", "Pool", &pool]);
    assert_eq!(client.fails("event.from", json!([["vm"], "12", 0.0])).await, ["EVENT_FROM_TOKEN_PARSE_FAILURE", "12"]);
    Ok(())
}

#[tokio::test]
async fn lost_events_are_said_to_be_lost() -> anyhow::Result<()> {
    let client = Client::start(Options::default()).await?;
    let token = client.token().await?;
    let waiting = {
        let (client, token) = (client.clone(), token.clone());
        tokio::spawn(async move { client.fails("event.from", json!([["vm"], token, 60.0])).await })
    };
    client.sim.lose_events();
    assert_eq!(waiting.await?, ["EVENTS_LOST"]);
    assert_eq!(client.fails("event.from", json!([["vm"], token, 0.0])).await, ["EVENTS_LOST"]);
    let fresh = client.token().await?;
    assert!(client.from(json!(["vm"]), &fresh, 0.0).await?.0.is_empty());
    assert!(!client.from(json!(["vm"]), "", 0.0).await?.0.is_empty());
    Ok(())
}

#[tokio::test]
async fn the_old_way_blocks_and_answers_an_array() -> anyhow::Result<()> {
    let client = Client::start(Options::default()).await?;
    assert_eq!(client.fails("event.next", json!([])).await, ["SESSION_NOT_REGISTERED", &client.session]);
    client.call("event.register", json!([["VM"]])).await?;
    client.sim.set("VM", &client.vm("silver"), "name_label", json!("x"))?;
    let events = client.call("event.next", json!([])).await?;
    assert_eq!(names(events.as_array().unwrap()), ["mod vm"]);
    assert_ne!(events[0]["timestamp"], "0.0");
    client.sim.lose_events();
    assert_eq!(client.fails("event.next", json!([])).await, ["EVENTS_LOST"]);
    assert_eq!(raw(&client.sim, "event.next", json!(["x"])).await.unwrap_err().to_string(), "SESSION_INVALID x");
    Ok(())
}
