//! The power verbs: what they change, and what they refuse with which error.

use std::time::Duration;

use serde_json::{Value, json};
use xapi_sim::{Delays, Options};

use crate::client::{Client, until};

fn slow() -> Options {
    Options { delays: Delays { operation: Duration::from_secs(60), ..Delays::default() }, ..Options::default() }
}

#[tokio::test]
async fn a_vm_goes_down_and_up_with_everything_around_it() -> anyhow::Result<()> {
    let client = Client::start(Options::default()).await?;
    let (sim, vm) = (&client.sim, client.vm("silver"));
    let before = sim.record("VM", &vm).unwrap();
    let host = before["resident_on"].as_str().unwrap().to_owned();
    let free = |c: &Client| c.sim.records("host_metrics").values().next().unwrap()["memory_free"].as_i64().unwrap();
    let free_before = free(&client);
    let token = client.token().await?;

    client.call("VM.clean_shutdown", json!([vm])).await?;
    let halted = sim.record("VM", &vm).unwrap();
    assert_eq!(
        [
            &halted["power_state"],
            &halted["resident_on"],
            &halted["domid"],
            &halted["consoles"],
            &halted["current_operations"]
        ],
        [&json!("Halted"), &json!("OpaqueRef:NULL"), &json!(-1), &json!([]), &json!({})]
    );
    for vbd in halted["VBDs"].as_array().unwrap() {
        assert_eq!(sim.record("VBD", vbd.as_str().unwrap()).unwrap()["currently_attached"], false);
    }
    assert!(!sim.record("host", &host).unwrap()["resident_VMs"].as_array().unwrap().contains(&json!(vm)));
    assert!(free(&client) > free_before);
    // The recorded guest metrics stay until the next start.
    assert_eq!(halted["guest_metrics"], before["guest_metrics"]);
    let mut listed: Vec<&str> =
        halted["allowed_operations"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    listed.sort_unstable();
    let mut expected = vec![
        "snapshot",
        "clone",
        "copy",
        "start",
        "start_on",
        "changing_dynamic_range",
        "changing_static_range",
        "changing_shadow_memory",
        "changing_NVRAM",
        "make_into_template",
        "export",
        "metadata_export",
        "destroy",
        "migrate_send",
        "create_vtpm",
    ];
    expected.sort_unstable();
    assert_eq!(listed, expected);

    client.call("VM.start", json!([vm, false, false])).await?;
    let running = sim.record("VM", &vm).unwrap();
    assert_eq!([&running["power_state"], &running["resident_on"]], [&json!("Running"), &json!(host)]);
    assert!(running["domid"].as_i64().unwrap() > 0);
    assert_eq!(running["consoles"].as_array().unwrap().len(), 2);
    assert_eq!(free(&client), free_before);
    until(|| sim.record("VM", &vm).unwrap()["guest_metrics"] != "OpaqueRef:NULL").await;
    let running = sim.record("VM", &vm).unwrap();
    assert_ne!(running["guest_metrics"], before["guest_metrics"]);
    for operation in ["clean_shutdown", "suspend", "pool_migrate", "hard_reboot"] {
        assert!(running["allowed_operations"].as_array().unwrap().contains(&json!(operation)), "{operation}");
    }

    let (events, _) = client.from(json!(["*"]), &token, 5.0).await?;
    let classes: std::collections::BTreeSet<&str> = events.iter().filter_map(|e| e["class"].as_str()).collect();
    for class in ["vm", "vbd", "vif", "vm_metrics", "vm_guest_metrics", "host", "host_metrics", "console", "message"] {
        assert!(classes.contains(class), "{class}");
    }
    assert!(sim.records("message").values().any(|m| m["name"] == "VM_STARTED" && m["obj_uuid"] == running["uuid"]));
    // The tasks of the synchronous calls are gone.
    assert!(sim.records("task").is_empty());
    Ok(())
}

#[tokio::test]
async fn every_verb_leads_to_its_state() -> anyhow::Result<()> {
    let client = Client::start(Options { dump: "snapshots".into(), ..Options::default() }).await?;
    // Its disks are on shared storage, so it can move.
    let vm = client.vm("dlvm_shared");
    let sr = client.sim.records("SR").into_iter().find(|(_, sr)| sr["content_type"] == "user").unwrap().0;
    client.sim.set("VM", &vm, "suspend_SR", json!(sr))?;
    // The recorded hosts have little room: make it.
    for metrics in client.sim.records("host_metrics").keys() {
        client.sim.set("host_metrics", metrics, "memory_free", json!(64_i64 << 30))?;
    }
    let other = client
        .sim
        .records("host")
        .into_keys()
        .find(|h| json!(h) != client.sim.record("VM", &vm).unwrap()["resident_on"])
        .unwrap();
    for (verb, params, state) in [
        ("pause", json!([vm]), "Paused"),
        ("unpause", json!([vm]), "Running"),
        ("clean_reboot", json!([vm]), "Running"),
        ("hard_reboot", json!([vm]), "Running"),
        ("pool_migrate", json!([vm, other, {"live": "true"}]), "Running"),
        ("suspend", json!([vm]), "Suspended"),
        ("resume", json!([vm, false, false]), "Running"),
        ("suspend", json!([vm]), "Suspended"),
        ("hard_shutdown", json!([vm]), "Halted"),
        ("start_on", json!([vm, other, true, false]), "Paused"),
        ("unpause", json!([vm]), "Running"),
        ("shutdown", json!([vm]), "Halted"),
        ("start", json!([vm, false, false]), "Running"),
        ("hard_shutdown", json!([vm]), "Halted"),
    ] {
        let domid = client.sim.record("VM", &vm).unwrap()["domid"].clone();
        if ["clean_reboot", "suspend"].contains(&verb) {
            until(|| client.sim.record("VM", &vm).unwrap()["guest_metrics"] != "OpaqueRef:NULL").await;
        }
        client.call(&format!("VM.{verb}"), params).await.map_err(|e| e.context(verb))?;
        let record = client.sim.record("VM", &vm).unwrap();
        assert_eq!(record["power_state"], state, "{verb}");
        assert_eq!(record["suspend_VDI"] != "OpaqueRef:NULL", state == "Suspended", "{verb}");
        if verb.ends_with("reboot") {
            assert_ne!(record["domid"], domid);
        }
        if verb == "pool_migrate" || verb == "start_on" {
            assert_eq!(record["resident_on"], json!(other));
        }
    }
    Ok(())
}

#[tokio::test]
async fn refusals_come_in_the_order_of_the_checks() -> anyhow::Result<()> {
    let client = Client::start(Options::default()).await?;
    let sim = &client.sim;
    let running = client.vm("silver");
    let dom0 = client.vm("Control domain on host: berlin");
    let template = sim
        .records("VM")
        .into_iter()
        .find(|(_, v)| v["is_a_template"] == true && v["is_a_snapshot"] == false)
        .unwrap()
        .0;
    let snapshot = sim
        .records("VM")
        .into_iter()
        .find(|(_, v)| v["is_a_snapshot"] == true && v["power_state"] == "Halted")
        .unwrap()
        .0;
    let hvm = client.vm("CCNET");
    for (method, params, error) in [
        ("VM.start", json!([running, false, false]), vec!["VM_BAD_POWER_STATE", &running, "halted", "running"]),
        (
            "VM.hard_shutdown",
            json!([template]),
            vec!["VM_BAD_POWER_STATE", &template, "paused, suspended, running", "halted"],
        ),
        ("VM.start", json!([template, false, false]), vec!["VM_IS_TEMPLATE", &template, "start"]),
        ("VM.start", json!([snapshot, false, false]), vec!["VM_IS_SNAPSHOT", &snapshot, "start"]),
        ("VM.clean_shutdown", json!([dom0]), vec!["OPERATION_NOT_ALLOWED", "This operation is not allowed on dom0"]),
        ("VM.resume", json!([running, false, false]), vec!["VM_BAD_POWER_STATE", &running, "suspended", "running"]),
        ("VM.start", json!(["OpaqueRef:no", false, false]), vec!["HANDLE_INVALID", "VM", "OpaqueRef:no"]),
        ("VM.set_VCPUs_max", json!([running, 4]), vec!["VM_BAD_POWER_STATE", &running, "halted", "running"]),
        ("VM.set_VCPUs_number_live", json!([running, 9]), vec!["INVALID_VALUE", "VCPUs_number_live", "9"]),
        (
            "VM.set_ha_restart_priority",
            json!([running, "never"]),
            vec!["INVALID_VALUE", "ha_restart_priority", "never"],
        ),
    ] {
        assert_eq!(client.fails(method, params).await, error, "{method}");
    }
    // Without tools an HVM guest hears nothing; its block comes first of all.
    sim.set("VM", &hvm, "guest_metrics", json!("OpaqueRef:NULL"))?;
    assert_eq!(client.fails("VM.clean_shutdown", json!([hvm])).await, ["VM_LACKS_FEATURE", &hvm]);
    client.call("VM.add_to_blocked_operations", json!([hvm, "clean_shutdown", "because"])).await?;
    assert_eq!(client.fails("VM.clean_shutdown", json!([hvm])).await, ["OPERATION_BLOCKED", &hvm, "because"]);
    // No host can take it.
    client.call("VM.hard_shutdown", json!([hvm])).await?;
    let host = sim.records("host").keys().next().cloned().unwrap();
    client.call("host.disable", json!([host])).await?;
    assert_eq!(client.fails("VM.start", json!([hvm, false, false])).await, ["NO_HOSTS_AVAILABLE"]);
    assert_eq!(client.fails("VM.start_on", json!([hvm, host, false, false])).await, ["HOST_DISABLED", &host]);
    client.call("host.enable", json!([host])).await?;
    let metrics = sim.records("host_metrics").keys().next().cloned().unwrap();
    sim.set("host_metrics", &metrics, "memory_free", json!(1000))?;
    let refused = client.fails("VM.start", json!([hvm, false, false])).await;
    assert_eq!((refused[0].as_str(), refused[2].as_str()), ("HOST_NOT_ENOUGH_FREE_MEMORY", "1000"));
    let left = sim.record("VM", &hvm).unwrap();
    assert_eq!(
        [&left["current_operations"], &left["scheduled_to_be_resident_on"]],
        [&json!({}), &json!("OpaqueRef:NULL")]
    );
    Ok(())
}

#[tokio::test]
async fn an_operation_shows_while_it_runs_and_a_stronger_one_ends_it() -> anyhow::Result<()> {
    let client = Client::start(slow()).await?;
    let vm = client.vm("silver");
    let task = client.call("Async.VM.clean_shutdown", json!([vm])).await?;
    let task = task.as_str().unwrap();
    until(|| client.sim.record("VM", &vm).unwrap()["current_operations"] == json!({task: "clean_shutdown"})).await;
    // Only what may run beside it is offered.
    assert_eq!(client.sim.record("VM", &vm).unwrap()["allowed_operations"], json!(["hard_shutdown", "hard_reboot"]));
    let hard = client.call("Async.VM.hard_shutdown", json!([vm])).await?;
    until(|| client.sim.record("task", task).is_some_and(|t| t["status"] == "cancelled")).await;
    assert_eq!(client.sim.record("task", task).unwrap()["error_info"], json!(["TASK_CANCELLED", task]));
    until(|| {
        client.sim.record("VM", &vm).unwrap()["current_operations"] == json!({hard.as_str().unwrap(): "hard_shutdown"})
    })
    .await;
    Ok(())
}

#[tokio::test]
async fn a_call_waits_for_the_operation_in_its_way() -> anyhow::Result<()> {
    let delays = Delays { operation: Duration::from_millis(200), busy_limit: Duration::ZERO, ..Delays::default() };
    let client = Client::start(Options { delays, ..Options::default() }).await?;
    let vm = client.vm("silver");
    // With no patience the error shows what is in the way.
    let task = client.call("Async.VM.pause", json!([vm])).await?;
    until(|| client.sim.record("VM", &vm).unwrap()["current_operations"] != json!({})).await;
    let busy = client.fails("VM.suspend", json!([vm])).await;
    assert_eq!(busy, ["OTHER_OPERATION_IN_PROGRESS", "VM", &vm, "pause", task.as_str().unwrap()]);

    // With patience the second call waits, and then finds the state changed.
    let delays = Delays { operation: Duration::from_millis(200), ..Delays::default() };
    let client = Client::start(Options { delays, ..Options::default() }).await?;
    let vm = client.vm("silver");
    client.call("Async.VM.pause", json!([vm])).await?;
    until(|| client.sim.record("VM", &vm).unwrap()["current_operations"] != json!({})).await;
    assert_eq!(client.fails("VM.suspend", json!([vm])).await, ["VM_BAD_POWER_STATE", &vm, "running", "paused"]);
    Ok(())
}

#[tokio::test]
async fn settings_keep_their_rules() -> anyhow::Result<()> {
    let client = Client::start(Options { dump: "pool2".into(), ..Options::default() }).await?;
    let vm = client.vm("Demo Linux VM (1)");
    let mib = 1_i64 << 20;
    let limits = json!([vm, 64 * mib, 512 * mib, 128 * mib, 256 * mib]);
    client.call("VM.set_memory_limits", limits).await?;
    let record = client.sim.record("VM", &vm).unwrap();
    assert_eq!([&record["memory_static_max"], &record["memory_dynamic_min"]], [&json!(512 * mib), &json!(128 * mib)]);
    let broken = client.fails("VM.set_memory_dynamic_range", json!([vm, 300 * mib, 200 * mib])).await;
    assert_eq!(broken[0], "MEMORY_CONSTRAINT_VIOLATION");
    client.call("VM.set_VCPUs_max", json!([vm, 4])).await?;
    client.call("VM.set_VCPUs_at_startup", json!([vm, 3])).await?;
    assert_eq!(client.fails("VM.set_VCPUs_max", json!([vm, 2])).await, ["INVALID_VALUE", "VCPUs_max", "2"]);
    assert_eq!(
        client.fails("VM.set_VCPUs_at_startup", json!([vm, 5])).await,
        ["INVALID_VALUE", "VCPUs_at_startup", "5"]
    );
    client.call("VM.set_ha_restart_priority", json!([vm, "restart"])).await?;
    assert_eq!(client.fails("VM.set_is_a_template", json!([vm, true])).await, ["VM_IS_PROTECTED", &vm]);
    client.call("VM.set_ha_restart_priority", json!([vm, ""])).await?;
    client.call("VM.set_is_a_template", json!([vm, true])).await?;
    assert_eq!(client.sim.record("VM", &vm).unwrap()["is_a_template"], true);
    let offered = client.sim.record("VM", &vm).unwrap()["allowed_operations"].clone();
    assert!(
        !offered.as_array().unwrap().contains(&json!("start"))
            && offered.as_array().unwrap().contains(&json!("provision"))
    );
    Ok(())
}

#[tokio::test]
async fn copies_and_snapshots_are_whole() -> anyhow::Result<()> {
    let client = Client::start(Options { dump: "pool2".into(), ..Options::default() }).await?;
    let (sim, vm) = (&client.sim, client.vm("Demo Linux VM (1)"));
    let source = sim.record("VM", &vm).unwrap();
    let clone = client.call("VM.clone", json!([vm, "copy"])).await?;
    let clone = sim.record("VM", clone.as_str().unwrap()).unwrap();
    assert_eq!((&clone["name_label"], &clone["power_state"]), (&json!("copy"), &json!("Halted")));
    for field in ["uuid", "metrics", "guest_metrics"] {
        assert_ne!(clone[field], source[field], "{field}");
    }
    assert_eq!(clone["VBDs"].as_array().unwrap().len(), source["VBDs"].as_array().unwrap().len());
    assert_eq!(clone["VIFs"].as_array().unwrap().len(), source["VIFs"].as_array().unwrap().len());
    assert!(clone["VBDs"].as_array().unwrap().iter().all(|v| !source["VBDs"].as_array().unwrap().contains(v)));

    let snapshot_ref = client.call("VM.snapshot", json!([vm, "snap"])).await?;
    let snapshot = sim.record("VM", snapshot_ref.as_str().unwrap()).unwrap();
    assert_eq!([&snapshot["is_a_snapshot"], &snapshot["snapshot_of"]], [&json!(true), &json!(vm)]);
    let after = sim.record("VM", &vm).unwrap();
    assert!(after["snapshots"].as_array().unwrap().contains(&snapshot_ref));
    assert_eq!(after["parent"], snapshot_ref);
    let disks = sim.records("VDI").len();
    client.call("VM.destroy", json!([snapshot_ref])).await?;
    assert!(sim.record("VM", snapshot_ref.as_str().unwrap()).is_none());
    assert!(!sim.record("VM", &vm).unwrap()["snapshots"].as_array().unwrap().contains(&snapshot_ref));
    // The disks are the client's business.
    assert_eq!(sim.records("VDI").len(), disks);
    Ok(())
}
