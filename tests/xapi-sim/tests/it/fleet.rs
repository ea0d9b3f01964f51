//! Made-up fleets at work: the size of their answers, storms of changes, releases.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use xapi_sim::{Fleet, Options, Release, Sim, Stamp};

use crate::client::{Client, Connection, raw, until};

#[tokio::test]
async fn a_storm_loses_nothing_and_says_when() -> anyhow::Result<()> {
    let client = Client::start(Fleet::small().options(0)).await?;
    let mut token = client.token().await?;
    let storm = client.sim.storm(2_000.0);
    let mut seen: BTreeMap<String, Stamp> = BTreeMap::new();
    let mut highest = 0;
    let mut read = |events: Vec<Value>| {
        for event in events.iter().filter(|e| e["class"] == "vm") {
            let text = event["snapshot"]["name_description"].as_str().unwrap_or_default();
            let stamp = Stamp::read(text).expect("every change is stamped");
            assert!(stamp.age() < Duration::from_secs(20));
            highest = highest.max(stamp.serial);
            seen.insert(event["ref"].as_str().unwrap_or_default().to_owned(), stamp);
        }
        highest
    };
    let mut last = 0;
    while last < 1_000 {
        let (events, next) = client.from(json!(["VM"]), &token, 5.0).await?;
        token = next;
        last = read(events);
    }
    let made = storm.stop().await;
    let (events, _) = client.from(json!(["VM"]), &token, 0.0).await?;
    assert_eq!(read(events), made);
    // Evenly: each of the 100 VMs had its turn, and the last 100 serials are all there.
    let mut serials: Vec<u64> = seen.values().map(|s| s.serial).collect();
    serials.sort();
    assert_eq!(serials, (made - 99..=made).collect::<Vec<_>>());
    until(|| client.sim.calls_of("event.from") > 0).await;
    Ok(())
}

#[tokio::test]
async fn first_loads_come_whole_in_both_dialects() -> anyhow::Result<()> {
    let client = Client::start(Fleet::small().options(0)).await?;
    let (events, _) = client.from(json!(["*"]), "", 0.0).await?;
    let vms = client.sim.records("VM");
    let found: BTreeMap<String, Value> = events
        .iter()
        .filter(|e| e["class"] == "vm")
        .map(|e| (e["ref"].as_str().unwrap_or_default().to_owned(), e["snapshot"].clone()))
        .collect();
    assert_eq!(found, vms);
    let body = format!(
        "<methodCall><methodName>VM.get_all_records</methodName><params><param><value>{}</value></param></params></methodCall>",
        client.session
    );
    let answer = Connection::plain(&client.sim).await?.post("/", &body).await?;
    for (reference, vm) in &vms {
        let name = vm["name_label"].as_str().unwrap_or_default();
        assert!(answer.body.contains(&format!("<name>{reference}</name>")), "{reference}");
        assert!(answer.body.contains(&format!("<name>name_label</name><value>{name}</value>")), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn old_hosts_know_less() -> anyhow::Result<()> {
    let fields = |release: Release| async move {
        let sim = Sim::start(Options { release, ..Fleet { vms: 3, ..Fleet::small() }.options(0) }).await?;
        let version = sim.records("host").into_values().next().unwrap()["software_version"]["product_version"].clone();
        let xml = "<methodCall><methodName>session.login_with_password</methodName><params><param><value>root</value></param><param><value>password</value></param></params></methodCall>";
        let answer = Connection::plain(&sim).await?.post("/jsonrpc", xml).await?;
        let json_rpc = answer.header("content-type") != Some("text/xml");
        anyhow::Ok((sim, version, json_rpc))
    };
    let (old, version, json_rpc) = fields(Release::V6_5).await?;
    assert_eq!((version, json_rpc), (json!("6.5.0"), false));
    let vm = old.records("VM").into_values().next().unwrap();
    assert!(vm.get("domain_type").is_none() && vm.get("name_label").is_some());

    let (new, version, _) = fields(Release::V8_3).await?;
    assert_eq!(version, json!("8.3.0"));
    let vm = new.records("VM").into_values().next().unwrap();
    assert!(vm.get("domain_type").is_some());
    let methods = raw(&new, "system.listMethods", json!([])).await?.as_array().unwrap().len();
    let (latest, ..) = fields(Release::Latest).await?;
    assert!(raw(&latest, "system.listMethods", json!([])).await?.as_array().unwrap().len() > methods);

    let client = Client::start(Options { release: Release::V8_2, ..Options::default() }).await?;
    let said = client.fails("pool.sync_updates", json!(["x"])).await;
    assert_eq!(said, ["MESSAGE_METHOD_UNKNOWN", "pool.sync_updates"]);
    Ok(())
}

#[tokio::test]
async fn a_reference_may_come_before_its_target() -> anyhow::Result<()> {
    let client = Client::start(Fleet { vms: 3, ..Fleet::small() }.options(0)).await?;
    let token = client.token().await?;
    let vm = client.sim.reserve();
    let vbd = client.sim.insert("VBD", json!({"VM": vm}))?;
    let (events, token) = client.from(json!(["VBD", "VM"]), &token, 5.0).await?;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["snapshot"]["VM"], json!(vm));
    client.sim.insert_as("VM", &vm, json!({"name_label": "late"}))?;
    let (events, _) = client.from(json!(["VM"]), &token, 5.0).await?;
    assert_eq!((events.len(), &events[0]["snapshot"]["VBDs"]), (1, &json!([vbd])));
    Ok(())
}
