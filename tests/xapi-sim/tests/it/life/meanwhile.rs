//! What shows while an operation runs (PROTOCOL 7.1, last lines), how hosts are emptied and machines go down and up (7.6), and when
//! guest tools report (7.8).

use std::time::Duration;

use serde_json::{Value, json};
use xapi_sim::{Delays, Options};

use super::world::{bring, options, r, start};
use crate::client::{Client, until};

/// Operations take a minute: nobody sees them end.
fn slow() -> Options {
    let options = options();
    Options { delays: Delays { operation: Duration::from_secs(60), ..options.delays }, ..options }
}

/// The call, and where its operation shows under which name while it runs.
const SHOWN: &str = r#"
    VM.start ["vm",false,false]                                       | VM vm start, host h1 vm_start
    VM.start_on ["vm","h2",false,false]                               | VM vm start_on, host h2 vm_start
    VM.clone ["vm","new"]                                             | VM vm clone
    VM.copy ["vm","new","lvm"]                                        | VM vm copy
    VM.snapshot ["vm","new"]                                          | VM vm snapshot
    VM.destroy ["vm"]                                                 | VM vm destroy
    VM.provision ["template"]                                         | VM template provision
    VM.migrate_send ["vm",{"host":"h1"},true,{"system":"lvm"},{},{}]  | VM vm migrate_send
    VDI.snapshot ["spare"]                                            | VDI spare snapshot, SR nfs vdi_snapshot
    VDI.clone ["spare"]                                               | VDI spare clone, SR nfs vdi_clone
    VDI.destroy ["spare"]                                             | VDI spare destroy, SR nfs vdi_destroy
    VDI.resize ["spare",2147483648]                                   | VDI spare resize, SR nfs vdi_resize
    VDI.copy ["spare","lvm"]                                          | VDI spare copy, SR lvm vdi_create
    VDI.forget ["spare"]                                              | VDI spare forget
    VDI.pool_migrate ["system","lvm",{}]                              | VDI system mirror, VM vm migrate_send, SR lvm vdi_create
    SR.scan ["nfs"]                                                   | SR nfs scan
    PBD.unplug ["h1.lvm"]                                             | SR lvm unplug
    VBD.insert ["vm.cd","image"]                                      | VBD vm.cd insert
"#;

#[tokio::test]
async fn an_operation_shows_where_it_runs_and_goes_when_it_is_cancelled() -> anyhow::Result<()> {
    let names = |value: Value| resolve(value);
    for line in SHOWN.lines().filter(|l| !l.trim().is_empty()) {
        let (call, shown) = line.split_once('|').unwrap();
        let (method, params) = call.trim().split_once(' ').unwrap();
        let client = Client::start(slow()).await?;
        let before = client.token().await?;
        let task = client.call(&format!("Async.{method}"), names(serde_json::from_str(params)?)).await?;
        let task = task.as_str().unwrap().to_owned();
        let marks: Vec<[&str; 3]> = shown
            .split(',')
            .map(|mark| mark.split_whitespace().collect::<Vec<_>>().try_into().expect("class, object, operation"))
            .collect();
        let entry = |[class, object, _]: &[&str; 3]| {
            client.sim.record(class, &r(object)).unwrap()["current_operations"][&task].clone()
        };
        until(|| marks.iter().all(|mark| entry(mark) == mark[2])).await;
        let (events, _) = client.from(json!(["*"]), &before, 5.0).await?;
        for [class, object, operation] in &marks {
            let told =
                |e: &&Value| e["class"] == class.to_lowercase() && e["ref"] == r(object) && e["operation"] == "mod";
            let event = events.iter().find(told).unwrap_or_else(|| panic!("{method}: no event of {class} {object}"));
            assert_eq!(event["snapshot"]["current_operations"][&task], *operation, "{method}");
            // What runs is not offered a second time, but for what goes together.
            let offered = event["snapshot"]["allowed_operations"].as_array().cloned().unwrap_or_default();
            let together =
                ["clone", "copy", "vm_start", "scan", "plug", "unplug"].contains(operation) || *class == "SR";
            assert!(together || !offered.contains(&json!(operation)), "{method}: {offered:?}");
        }
        client.call("task.cancel", json!([task])).await?;
        until(|| client.sim.record("task", &task).is_some_and(|t| t["status"] == "cancelled")).await;
        assert!(marks.iter().all(|mark| entry(mark).is_null()), "{method}");
        assert_eq!(client.sim.record("VM", &r("vm")).unwrap()["scheduled_to_be_resident_on"], "OpaqueRef:NULL");
    }
    Ok(())
}

/// Every text that names something of the pool is its reference.
fn resolve(value: Value) -> Value {
    match value {
        Value::String(text)
            if super::world::dump()
                .as_object()
                .is_some_and(|classes| classes.values().any(|rows| rows.get(r(&text)).is_some())) =>
        {
            json!(r(&text))
        }
        Value::Array(items) => items.into_iter().map(resolve).collect(),
        Value::Object(members) => {
            let key = |k: String| resolve(json!(k.clone())).as_str().map_or(k, str::to_owned);
            // `host` is a member of a destination, not one of ours.
            members.into_iter().map(|(k, v)| (if k == "host" { k } else { key(k) }, resolve(v))).collect()
        }
        other => other,
    }
}

#[tokio::test]
async fn a_host_is_emptied_in_batches_and_says_how_far_it_is() -> anyhow::Result<()> {
    let quick = options();
    let delays = Delays { operation: Duration::from_millis(50), ..quick.delays };
    let client = Client::start(Options { delays, ..quick }).await?;
    let mut guests = Vec::new();
    for number in 0..6 {
        let guest = client.call("VM.clone", json!([r("vm"), format!("guest {number}")])).await?;
        let guest = guest.as_str().unwrap().to_owned();
        client.call("VM.start_on", json!([guest, r("h2"), false, false])).await?;
        let tools = super::world::dump()["VM_guest_metrics"][r("vm.tools")].clone();
        let tools = client.sim.insert("VM_guest_metrics", tools)?;
        client.sim.set("VM", &guest, "guest_metrics", json!(tools))?;
        guests.push(guest);
    }
    client.call("host.disable", json!([r("h2")])).await?;
    let task = client.call("Async.host.evacuate", json!([r("h2"), "OpaqueRef:NULL", 2])).await?;
    let task = task.as_str().unwrap().to_owned();
    let (mut progress, mut together) = (Vec::new(), 0);
    until(|| {
        let running = guests.iter().filter(|g| client.sim.record("VM", g).unwrap()["current_operations"] != json!({}));
        together = together.max(running.count());
        let record = client.sim.record("task", &task).unwrap();
        let now = record["progress"].as_f64().unwrap();
        if progress.last() != Some(&now) {
            progress.push(now);
        }
        record["status"] == "success"
    })
    .await;
    assert!(progress.is_sorted() && progress.len() >= 3 && progress.last() == Some(&1.0), "{progress:?}");
    assert_eq!(together, 2);
    assert!(guests.iter().all(|g| client.sim.record("VM", g).unwrap()["resident_on"] == r("h1")));
    // The tasks of the single VMs are gone again.
    assert_eq!(client.sim.records("task").len(), 1);
    Ok(())
}

#[tokio::test]
async fn who_comes_to_a_host_that_is_emptied_waits_or_goes_elsewhere() -> anyhow::Result<()> {
    let client = Client::start(slow()).await?;
    client.sim.set("host", &r("h1"), "current_operations", json!({"OpaqueRef:task": "evacuate"}))?;
    client.call("Async.VM.start", json!([r("vm"), false, false])).await?;
    let goes = || client.sim.record("VM", &r("vm")).unwrap()["scheduled_to_be_resident_on"].clone();
    until(|| goes() == r("h2")).await;
    Ok(())
}

#[tokio::test]
async fn the_master_goes_down_with_everybodys_connection_and_comes_back() -> anyhow::Result<()> {
    let client = start().await;
    client.call("host.disable", json!([r("h1")])).await?;
    let sim = &client.sim;
    client.call("host.reboot", json!([r("h1")])).await?;
    until(|| sim.record("host", &r("h1")).unwrap()["enabled"] == true).await;
    until(|| sim.sessions() == 0).await;
    assert_eq!(sim.record("host_metrics", &r("h1.metrics")).unwrap()["live"], true);
    assert_eq!(sim.record("host", &r("h1")).unwrap()["current_operations"], json!({}));
    // The listener is there again some time after.
    let mut again = Client::login(sim.clone()).await;
    for _ in 0..200 {
        if again.is_ok() {
            break;
        }
        tokio::task::yield_now().await;
        again = Client::login(sim.clone()).await;
    }
    again?.call("VM.get_all", json!([])).await?;
    // Shut down, it stays away.
    let client = Client::login(sim.clone()).await?;
    client.call("host.disable", json!([r("h1")])).await?;
    client.call("host.shutdown", json!([r("h1")])).await?;
    until(|| sim.connections() == 0 && sim.sessions() == 0).await;
    assert!(Client::login(sim.clone()).await.is_err());
    assert_eq!(sim.record("host_metrics", &r("h1.metrics")).unwrap()["live"], false);
    Ok(())
}

#[tokio::test]
async fn tools_report_after_each_start_also_in_a_clone() -> anyhow::Result<()> {
    let quick = options();
    let delays = Delays { guest_tools: Duration::from_millis(20), ..quick.delays };
    let client = Client::start(Options { delays, ..quick }).await?;
    let clone = client.call("VM.clone", json!([r("vm"), "new"])).await?;
    let clone = clone.as_str().unwrap();
    let metrics = |vm: &str| client.sim.record("VM", vm).unwrap()["guest_metrics"].as_str().unwrap().to_owned();
    for vm in [clone, &r("vm")] {
        for _ in 0..2 {
            let before = metrics(vm);
            client.call("VM.start", json!([vm, false, false])).await?;
            until(|| metrics(vm) != "OpaqueRef:NULL").await;
            let after = metrics(vm);
            assert_ne!(after, before);
            let report = client.sim.record("VM_guest_metrics", &after).unwrap();
            assert_eq!(report["PV_drivers_version"]["major"], "9");
            assert_ne!(report["last_updated"], "19700101T00:00:00Z");
            let offered = client.sim.record("VM", vm).unwrap()["allowed_operations"].clone();
            assert!(offered.as_array().unwrap().contains(&json!("clean_shutdown")), "{offered}");
            client.call("VM.clean_shutdown", json!([vm])).await?;
            // Not at the shutdown: the next start takes it away.
            assert_eq!(metrics(vm), after);
        }
    }
    // Who has no tools never reports.
    bring(&client, &r("bare"), "Running").await?;
    assert_eq!(metrics(&r("bare")), "OpaqueRef:NULL");
    Ok(())
}
