//! VMs that move from one simulator to another, over their sockets.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use xapi_sim::{Dump, Options};

use crate::client::{Client, until};
use crate::life::world::{self, bring, list, r};

/// The world twice: where the VM is, and another pool, whose names all begin with `b-`.
async fn pools(operation: Duration) -> anyhow::Result<(Client, Client)> {
    let mut here = world::options();
    here.delays.operation = operation;
    let there = world::dump().to_string().replace("OpaqueRef:", "OpaqueRef:b-").replace("uuid-", "uuid-b-");
    let there = Options { dump: Dump::Json(Box::new(serde_json::from_str(&there)?)), seed: 2, ..world::options() };
    Ok((Client::start(here).await?, Client::start(there).await?))
}

async fn ticket(there: &Client) -> anyhow::Result<Value> {
    there.call("host.migrate_receive", json!([r("b-h1"), r("b-net0"), {}])).await
}

fn params(vm: &str, ticket: &Value) -> Value {
    json!([r(vm), ticket, true, {r("system"): r("b-lvm"), r("spare"): r("b-nfs")}, {r("vm.eth0"): r("b-net1")}, {}])
}

/// A running VM with two disks, an interface, a disc in its drive, and a snapshot of all that.
async fn furnished(here: &Client) -> anyhow::Result<String> {
    let spare = json!({"VM": r("vm"), "VDI": r("spare"), "userdevice": "1", "type": "Disk", "mode": "RW"});
    here.sim.insert("VBD", spare)?;
    here.call("VBD.insert", json!([r("vm.cd"), r("image")])).await?;
    bring(here, &r("vm"), "Running").await?;
    here.sim.set("VM", &r("vm"), "tags", json!(["kept"]))?;
    here.sim.set("VM", &r("vm"), "other_config", json!({"xo:resource_set": "\"set\""}))?;
    let taken = here.call("VM.snapshot", json!([r("vm"), "before", []])).await?;
    Ok(taken.as_str().unwrap_or_default().to_owned())
}

/// What a pool holds, without what is worked out from the rest.
fn picture(client: &Client) -> BTreeMap<String, BTreeMap<String, Value>> {
    let classes =
        ["VM", "VM_metrics", "VM_guest_metrics", "VBD", "VIF", "VDI", "SR", "host_metrics", "console", "message"];
    let records = |class: &str| {
        let mut records = client.sim.records(class);
        for record in records.values_mut().filter_map(Value::as_object_mut) {
            record.remove("allowed_operations");
        }
        records
    };
    classes.into_iter().map(|class| (class.to_owned(), records(class))).collect()
}

fn by_uuid(client: &Client, class: &str, uuid: &Value) -> (String, Value) {
    let reference = client.sim.by_uuid(class, uuid.as_str().unwrap_or_default()).expect("it is there");
    let record = client.sim.record(class, &reference).expect("it is there");
    (reference, record)
}

#[tokio::test]
async fn a_running_vm_moves_with_all_that_is_its_own() -> anyhow::Result<()> {
    let (here, there) = pools(Duration::ZERO).await?;
    let snapshot = furnished(&here).await?;
    let record = |class: &str, reference: &str| here.sim.record(class, reference).expect("it is there");
    let (vm, taken) = (record("VM", &r("vm")), record("VM", &snapshot));
    let vbds: Vec<Value> = list(&vm, "VBDs").iter().map(|vbd| record("VBD", vbd)["uuid"].clone()).collect();
    let (vif, system) = (record("VIF", &r("vm.eth0")), record("VDI", &r("system")));
    let disks = here.sim.records("VDI").len();
    let (token, token_there) = (here.token().await?, there.token().await?);
    let free = |client: &Client, host: &str| {
        client.sim.record("host_metrics", &r(host)).expect("metrics")["memory_free"].clone()
    };
    let (free_here, free_there) = (free(&here, "h1.metrics"), free(&there, "b-h1.metrics"));

    let ticket = ticket(&there).await?;
    here.call("VM.assert_can_migrate", params("vm", &ticket)).await?;
    let before = picture(&there);
    assert_eq!(before, picture(&there), "asking changes nothing");
    let moved = here.call("VM.migrate_send", params("vm", &ticket)).await?;

    let (reference, new) = by_uuid(&there, "VM", &vm["uuid"]);
    assert_eq!(moved, json!(reference));
    assert_ne!(reference, r("vm"));
    for field in ["name_label", "tags", "other_config", "memory_dynamic_max", "generation_id", "HVM_boot_policy"] {
        assert_eq!(new[field], vm[field], "{field}");
    }
    assert_eq!([&new["power_state"], &new["resident_on"]], ["Running", &r("b-h1")]);
    assert_ne!(new["domid"], -1);
    assert_eq!(new["current_operations"], json!({}));
    assert!(list(&new, "allowed_operations").contains(&"pool_migrate".to_owned()), "{new}");
    let tools = there.sim.record("VM_guest_metrics", new["guest_metrics"].as_str().unwrap_or_default());
    assert_eq!(tools.expect("the tools' report")["PV_drivers_detected"], true);
    let console = list(&new, "consoles").pop().and_then(|console| there.sim.record("console", &console));
    assert!(console.expect("a console")["location"].as_str().is_some_and(|at| at.contains("10.0.0.1/console")));
    let (_, card) = by_uuid(&there, "VIF", &vif["uuid"]);
    assert_eq!([&card["MAC"], &card["network"], &card["VM"]], [&vif["MAC"], &json!(r("b-net1")), &json!(reference)]);
    assert_eq!(card["currently_attached"], true);
    let mut srs = Vec::new();
    for uuid in &vbds {
        let (_, vbd) = by_uuid(&there, "VBD", uuid);
        assert_eq!(vbd["VM"], reference);
        if vbd["type"] == "CD" {
            assert_eq!([&vbd["empty"], &vbd["VDI"]], [&json!(true), &json!("OpaqueRef:NULL")]);
            continue;
        }
        let disk = there.sim.record("VDI", vbd["VDI"].as_str().unwrap_or_default()).expect("the disk");
        assert_ne!(disk["uuid"], system["uuid"]);
        assert_eq!(disk["virtual_size"], system["virtual_size"]);
        assert_eq!(list(&disk, "snapshots").len(), 1, "{disk}");
        srs.push((disk["name_label"].clone(), disk["SR"].clone()));
    }
    srs.sort_by_key(|(name, _)| name.to_string());
    assert_eq!(srs, [(json!("spare"), json!(r("b-nfs"))), (json!("system"), json!(r("b-lvm")))]);

    // The snapshot came along, its disks on the SRs of those they are of, and leads back.
    let (kept, old) = by_uuid(&there, "VM", &taken["uuid"]);
    assert_eq!([&old["snapshot_of"], &new["parent"]], [&json!(reference), &json!(kept)]);
    for vbd in
        list(&old, "VBDs").iter().filter_map(|vbd| there.sim.record("VBD", vbd)).filter(|vbd| vbd["type"] != "CD")
    {
        let disk = there.sim.record("VDI", vbd["VDI"].as_str().unwrap_or_default()).expect("the snapshot's disk");
        let of = there.sim.record("VDI", disk["snapshot_of"].as_str().unwrap_or_default()).expect("what it is of");
        assert_eq!([&disk["is_a_snapshot"], &disk["SR"]], [&json!(true), &of["SR"]]);
    }
    there.call("VM.revert", json!([kept])).await?;

    // Nothing is left, and both pools tell of it.
    assert!(here.sim.by_uuid("VM", "uuid-vm").is_none() && here.sim.record("VM", &snapshot).is_none());
    assert!(here.sim.record("VBD", &r("vm.0")).is_none() && here.sim.record("VIF", &r("vm.eth0")).is_none());
    // Both disks, both disks of the snapshot; what they shared is for the storage to collect.
    assert_eq!(here.sim.records("VDI").len(), disks - 4);
    let metrics = |client: &Client| {
        free(client, if client.sim.host() == here.sim.host() { "h1.metrics" } else { "b-h1.metrics" })
    };
    assert!(metrics(&here).as_i64() > free_here.as_i64(), "the memory is free again");
    assert_eq!(metrics(&there), free_there, "the revert ended it there");
    assert!(here.sim.records("message").values().all(|m| m["obj_uuid"] != vm["uuid"]), "messages go along");
    assert!(there.sim.records("message").values().any(|m| m["obj_uuid"] == vm["uuid"] && m["name"] == "VM_MIGRATED"));
    let (events, _) = here.from(json!(["vm"]), &token, 1.0).await?;
    assert!(events.iter().any(|e| e["ref"] == r("vm") && e["operation"] == "del"), "{events:?}");
    let (events, _) = there.from(json!(["vm"]), &token_there, 1.0).await?;
    assert!(events.iter().any(|e| e["ref"] == reference && e["operation"] == "add"), "{events:?}");
    Ok(())
}

#[tokio::test]
async fn halted_and_suspended_ones_stay_as_they_are() -> anyhow::Result<()> {
    for state in ["Halted", "Suspended"] {
        let (here, there) = pools(Duration::ZERO).await?;
        bring(&here, &r("vm"), state).await?;
        let moved = here.call("VM.migrate_send", params("vm", &ticket(&there).await?)).await?;
        let moved = moved.as_str().unwrap_or_default();
        let vm = there.sim.record("VM", moved).expect("it is there");
        assert_eq!([&vm["power_state"], &vm["resident_on"]], [state, "OpaqueRef:NULL"]);
        assert!(here.sim.by_uuid("VM", "uuid-vm").is_none());
        let start = if state == "Halted" { "start" } else { "resume" };
        there.call(&format!("VM.{start}"), json!([moved, false, false])).await?;
        assert_eq!(there.sim.record("VM", moved).expect("it is there")["power_state"], "Running");
    }
    Ok(())
}

#[tokio::test]
async fn a_copy_leaves_the_original() -> anyhow::Result<()> {
    let (here, there) = pools(Duration::ZERO).await?;
    let mut asked = params("vm", &ticket(&there).await?);
    asked[5] = json!({"copy": "true"});
    let before = picture(&here);
    let copy = here.call("VM.migrate_send", asked.clone()).await?;
    let copy = there.sim.record("VM", copy.as_str().unwrap_or_default()).expect("the copy");
    assert_eq!(copy["name_label"], "vm");
    assert_ne!(copy["uuid"], "uuid-vm");
    let card = there.sim.record("VIF", &list(&copy, "VIFs")[0]).expect("its interface");
    assert_ne!(card["MAC"], here.sim.record("VIF", &r("vm.eth0")).expect("the original's")["MAC"]);
    assert_eq!(picture(&here)["VDI"], before["VDI"]);
    bring(&here, &r("vm"), "Running").await?;
    asked[1] = ticket(&there).await?;
    assert_eq!(here.fails("VM.migrate_send", asked).await, ["VM_BAD_POWER_STATE", &r("vm"), "halted", "running"]);
    Ok(())
}

#[tokio::test]
async fn what_does_not_fit_is_said_before_anything_happens() -> anyhow::Result<()> {
    let (here, there) = pools(Duration::ZERO).await?;
    furnished(&here).await?;
    let good = params("vm", &ticket(&there).await?);
    let with = |at: usize, key: String, value: Value| {
        let mut bad = good.clone();
        match value.is_null() {
            true => _ = bad[at].as_object_mut().and_then(|map| map.remove(&key)),
            false => bad[at][key] = value,
        }
        bad
    };
    let need = (1_i64 << 30) + (4 << 20);
    let vm = r("vm");
    let cases: Vec<(&str, Value, Vec<String>)> = vec![
        ("a disk is nowhere to go", with(3, r("spare"), Value::Null), vec!["VDI_NOT_IN_MAP".into(), r("spare")]),
        (
            "nobody's disk",
            with(3, r("none"), json!(r("b-nfs"))),
            vec!["HANDLE_INVALID".into(), "VDI".into(), r("none")],
        ),
        ("no SR", with(3, r("spare"), json!(r("nfs"))), vec!["HANDLE_INVALID".into(), "SR".into(), r("nfs")]),
        ("discs only", with(3, r("spare"), json!(r("b-iso"))), vec!["SR_OPERATION_NOT_SUPPORTED".into(), r("b-iso")]),
        (
            "an interface is nowhere to go",
            with(4, r("vm.eth0"), Value::Null),
            vec!["VIF_NOT_IN_MAP".into(), r("vm.eth0")],
        ),
        (
            "no network",
            with(4, r("vm.eth0"), json!(r("net1"))),
            vec!["HANDLE_INVALID".into(), "network".into(), r("net1")],
        ),
        (
            "a wrong session",
            with(1, "session_id".into(), json!("OpaqueRef:x")),
            vec!["SESSION_INVALID".into(), "OpaqueRef:x".into()],
        ),
        (
            "no host",
            with(1, "host".into(), json!("OpaqueRef:x")),
            vec!["HANDLE_INVALID".into(), "host".into(), "OpaqueRef:x".into()],
        ),
        (
            "nobody there",
            with(1, "xenops".into(), json!("http://127.0.0.1:1/")),
            vec!["VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED".into()],
        ),
    ];
    let (mine, theirs) = (picture(&here), picture(&there));
    let refused = async |what: &str, asked: Value, error: &[String]| {
        for method in ["VM.assert_can_migrate", "VM.migrate_send"] {
            assert_eq!(here.fails(method, asked.clone()).await, error, "{what}: {method}");
        }
        // It is unpacked by the time the answer is here; only its announcement came and went.
        assert_eq!(mine["VM"], picture(&here)["VM"], "{what}");
        assert_eq!(theirs["VDI"].len(), there.sim.records("VDI").len(), "{what}");
        assert_eq!(theirs["VM"].len(), there.sim.records("VM").len(), "{what}");
    };
    for (what, asked, error) in cases {
        refused(what, asked, &error).await;
    }
    // The target is not as it should be.
    let set = |class: &str, object: &str, field: &str, value: Value| there.sim.set(class, &r(object), field, value);
    let worlds: [(&str, &str, &str, Value, Vec<String>); 5] = [
        ("host", "b-h1", "enabled", json!(false), vec!["HOST_DISABLED".into(), r("b-h1")]),
        ("host_metrics", "b-h1.metrics", "live", json!(false), vec!["HOST_NOT_LIVE".into()]),
        (
            "host_metrics",
            "b-h1.metrics",
            "memory_free",
            json!(1000),
            vec!["HOST_NOT_ENOUGH_FREE_MEMORY".into(), need.to_string(), "1000".into()],
        ),
        (
            "SR",
            "b-nfs",
            "physical_size",
            json!(10_i64 << 30),
            vec!["SR_FULL".into(), (2_i64 << 30).to_string(), "0".into()],
        ),
        ("PBD", "b-h1.lvm", "currently_attached", json!(false), vec!["VM_REQUIRES_SR".into(), vm.clone(), r("b-lvm")]),
    ];
    for (class, object, field, value, error) in worlds {
        let before = there.sim.record(class, &r(object)).expect("it is there")[field].clone();
        set(class, object, field, value)?;
        refused(field, good.clone(), &error).await;
        set(class, object, field, before)?;
    }
    // A guest that cannot be moved.
    let tools = here.sim.record("VM", &vm).expect("the VM")["guest_metrics"].clone();
    here.sim.set("VM", &vm, "guest_metrics", json!("OpaqueRef:NULL"))?;
    assert_eq!(here.fails("VM.migrate_send", good.clone()).await, ["VM_LACKS_FEATURE", &vm]);
    here.sim.set("VM", &vm, "guest_metrics", tools)?;
    here.sim.set("VDI", &r("spare"), "cbt_enabled", json!(true))?;
    assert_eq!(here.fails("VM.migrate_send", good.clone()).await, ["VDI_CBT_ENABLED", &r("spare")]);
    here.sim.set("VDI", &r("spare"), "cbt_enabled", json!(false))?;
    here.call("VM.migrate_send", good).await?;
    Ok(())
}

/// Begins a move that takes a minute, and waits until the target has begun to make the VM.
async fn under_way(here: &Client, there: &Client) -> anyhow::Result<String> {
    let task = here.call("Async.VM.migrate_send", params("vm", &ticket(there).await?)).await?;
    until(|| there.sim.by_uuid("VM", "uuid-vm").is_some()).await;
    Ok(task.as_str().unwrap_or_default().to_owned())
}

fn is_untouched(here: &Client, there: &Client, before: &BTreeMap<String, BTreeMap<String, Value>>) -> bool {
    let now = picture(there);
    let vm = here.sim.record("VM", &r("vm")).expect("it stays");
    let kept = vm["power_state"] == "Running" && vm["current_operations"] == json!({});
    kept && ["VM", "VDI", "VBD", "VIF", "SR", "host_metrics"].iter().all(|class| now[*class] == before[*class])
}

#[tokio::test]
async fn a_target_that_is_lost_on_the_way_changes_nothing() -> anyhow::Result<()> {
    let (here, there) = pools(Duration::from_secs(1)).await?;
    here.sim
        .insert("VBD", json!({"VM": r("vm"), "VDI": r("spare"), "userdevice": "1", "type": "Disk", "mode": "RW"}))?;
    bring(&here, &r("vm"), "Running").await?;
    let before = picture(&there);
    let task = under_way(&here, &there).await?;
    assert_eq!(
        there.sim.record("VM", &there.sim.by_uuid("VM", "uuid-vm").expect("it is coming")).expect("it")["power_state"],
        "Halted"
    );
    until(|| here.sim.record("task", &task).is_some_and(|t| t["progress"].as_f64() > Some(0.0))).await;
    there.sim.drop_connections();
    until(|| here.sim.record("task", &task).is_some_and(|t| t["status"] == "failure")).await;
    let error = here.sim.record("task", &task).expect("the task")["error_info"].clone();
    assert_eq!(error, json!(["VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED"]));
    until(|| is_untouched(&here, &there, &before)).await;
    Ok(())
}

#[tokio::test]
async fn who_cancels_keeps_the_vm() -> anyhow::Result<()> {
    let (here, there) = pools(Duration::from_secs(600)).await?;
    // The world's own verbs would take as long.
    for (field, value) in [("power_state", json!("Running")), ("resident_on", json!(r("h1"))), ("domid", json!(7))] {
        here.sim.set("VM", &r("vm"), field, value)?;
    }
    let before = picture(&there);
    let task = under_way(&here, &there).await?;
    here.call("task.cancel", json!([task])).await?;
    until(|| here.sim.record("task", &task).is_some_and(|t| t["status"] == "cancelled")).await;
    assert!(is_untouched(&here, &there, &before), "it was taken back before the task ended");
    Ok(())
}
