//! VMs from their making to their end: from a template, with disks, cards and a configuration; copied, kept, moved, deleted.

use anyhow::{Context, Result, ensure};
use rig::{Client, Rig, View};
use serde_json::{Value, json};

use crate::devices::disk_store;

fn id_of(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).with_context(|| format!("{value} is no id"))
}

async fn state(client: &Client, id: &str, wanted: &str) -> Result<()> {
    let what = format!("{id} to be {wanted}");
    client.until(&what, |view| (view.objects.get(id)?["power_state"] == wanted).then_some(())).await
}

fn disks<'a>(view: &'a View, vm: &'a str) -> Vec<&'a Value> {
    let places = view.of_kind("VBD").filter(|vbd| vbd["VM"] == vm && vbd["is_cd_drive"] == false);
    places.filter_map(|vbd| view.objects.get(vbd["VDI"].as_str()?)).collect()
}

#[tokio::test]
async fn a_vm_as_terraform_makes_it() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let (admin, eye) = (rig.admin().await?, rig.admin().await?);
    eye.watch().await?;
    let view = eye.view();
    let template = view.named("VM-template", "Other install media").context("a template")?["id"].clone();
    let sr = disk_store(&view)?;
    let network = view.of_kind("network").next().context("a network")?["id"].clone();
    let new = json!({
        "affinityHost": null, "bootAfterCreate": true, "name_label": "made", "name_description": "by a test",
        "template": template, "coreOs": false, "cpuCap": null, "cpuWeight": null, "CPUs": 2,
        "memoryMax": 268_435_456, "existingDisks": {}, "tags": ["a", "b"], "auto_poweron": true,
        "VDIs": [{ "$SR": sr, "SR": sr, "name_label": "root", "name_description": "d", "size": 20_971_520, "type": "user" }],
        "VIFs": [{ "network": network, "mac": "02:00:00:00:00:11" }],
        "cloudConfig": "#cloud-config\nhostname: made\n", "networkConfig": "version: 2\n",
        "unheardOf": 1,
    });
    let id = id_of(&admin.call("vm.create", new.clone()).await?)?;
    // Whoever lists now has all of it, as it was asked for.
    let all = admin.call("xo.getAllObjects", json!({ "filter": { "type": "VM", "id": id } })).await?;
    let vm = &all[&id];
    ensure!(vm["name_label"] == "made" && vm["name_description"] == "by a test", "{vm}");
    ensure!(vm["CPUs"]["number"] == 2 && vm["memory"]["dynamic"][1] == 268_435_456, "{vm}");
    ensure!(vm["auto_poweron"] == true && vm["tags"] == json!(["a", "b"]), "{vm}");
    ensure!(vm["VIFs"].as_array().is_some_and(|vifs| vifs.len() == 1), "{vm}");
    ensure!(vm["creation"]["user"].is_string() && vm["creation"]["date"].is_string(), "{vm}");
    state(&eye, &id, "Running").await?;
    let view = eye.view();
    let mut names: Vec<&str> = disks(&view, &id).iter().filter_map(|disk| disk["name_label"].as_str()).collect();
    names.sort_unstable();
    ensure!(names == ["XO CloudConfigDrive", "root"], "{names:?}");
    ensure!(rig.sim(0).calls_of("PUT /import_raw_vdi") + rig.sim(0).calls_of("task.create") > 0, "the drive was sent");

    ensure!(admin.call("vm.set", json!({ "id": id, "xenStoreData": null })).await? == json!(true));
    let data =
        json!({ "id": id, "xenStoreData": { "a": "1", "vm-data/b": "2" }, "blockedOperations": { "destroy": "mine" } });
    ensure!(admin.call("vm.set", data).await? == json!(true));
    eye.until("the data", |view| {
        let data = &view.objects.get(&id)?["xenStoreData"];
        (data["vm-data/a"] == "1" && data["vm-data/b"] == "2").then_some(())
    })
    .await?;
    eye.until("the block", |view| (view.objects.get(&id)?["blockedOperations"]["destroy"] == "mine").then_some(()))
        .await?;
    let blocked = admin.refused("vm.delete", json!({ "id": id })).await?;
    ensure!(blocked.code == 5, "{blocked}");
    admin
        .call("vm.set", json!({ "id": id, "blockedOperations": { "destroy": null }, "xenStoreData": { "a": null } }))
        .await?;
    eye.until("no block", |view| {
        let vm = view.objects.get(&id)?;
        (vm["blockedOperations"] == json!({}) && vm["xenStoreData"].get("vm-data/a").is_none()).then_some(())
    })
    .await?;
    for (method, wanted) in
        [("vm.pause", "Paused"), ("vm.unpause", "Running"), ("vm.suspend", "Suspended"), ("vm.resume", "Running")]
    {
        let done = admin.attempt(method, json!({ "id": id })).await?;
        match done {
            Ok(done) => {
                ensure!(done == json!(true), "{method}: {done}");
                state(&eye, &id, wanted).await?;
            }
            // A guest without tools cannot be saved; then there is nothing to bring back either.
            Err(error) => ensure!([13, 14].contains(&error.code) && method.ends_with("e"), "{method}: {error}"),
        }
        if method == "vm.unpause" && eye.view().objects[&id]["pvDriversDetected"] != true {
            break;
        }
    }
    ensure!(admin.call("vm.delete", json!({ "id": id, "deleteDisks": true })).await? == json!(true));
    eye.until("the VM to be gone", |view| (!view.objects.contains_key(&id)).then_some(())).await?;
    eye.until("its disks to be gone", |view| {
        let left = ["root", "XO CloudConfigDrive"].iter().any(|name| view.named("VDI", name).is_some());
        (!left).then_some(())
    })
    .await?;

    // What fails half-way leaves nothing behind.
    for method in ["VIF.create", "VBD.create", "VM.set_tags", "VM.provision"] {
        rig.sim(0).fail_next(method, "INTERNAL_ERROR", &["on purpose"]);
        let failed = admin.refused("vm.create", new.clone()).await?;
        ensure!(failed.data["code"] == "INTERNAL_ERROR", "{method}: {failed}");
        let sim = rig.sim(0);
        ensure!(
            sim.find("VM", "made").is_none() && sim.find("VDI", "root").is_none(),
            "{method} left something behind"
        );
    }
    // What is wrong with the question is said before anything is made.
    let mut wrong = new.clone();
    wrong["VIFs"][0]["network"] = json!("nothing");
    ensure!(admin.refused("vm.create", wrong).await?.code == 1);
    let mut wrong = new;
    wrong["VDIs"][0]["size"] = json!("much");
    ensure!(admin.refused("vm.create", wrong).await?.code == 10);
    ensure!(rig.sim(0).find("VM", "made").is_none());
    rig.end().await
}

#[tokio::test]
async fn copies_snapshots_and_templates() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let (admin, eye) = (rig.admin().await?, rig.admin().await?);
    eye.watch().await?;
    let view = eye.view();
    let template = view.named("VM-template", "Other install media").context("a template")?["id"].clone();
    let sr = disk_store(&view)?;
    let new = json!({
        "name_label": "first", "template": template, "VDIs": [{ "SR": sr, "size": "10 MiB", "type": "user" }],
    });
    let vm = id_of(&admin.call("vm.create", new).await?)?;
    let taken = admin.call("vm.snapshot", json!({ "id": vm, "name": "before", "description": "as it was" })).await?;
    let taken = id_of(&taken)?;
    let snapshot = admin.call("xo.getAllObjects", json!({ "filter": { "id": taken } })).await?[&taken].clone();
    ensure!(snapshot["type"] == "VM-snapshot" && snapshot["$snapshot_of"] == vm, "{snapshot}");
    admin.call("vm.set", json!({ "id": vm, "name_description": "changed" })).await?;
    ensure!(admin.call("vm.revert", json!({ "snapshot": taken })).await? == json!(true));
    eye.until("the old text", |view| (view.objects.get(&vm)?["name_description"] != "changed").then_some(())).await?;

    let clone = id_of(&admin.call("vm.clone", json!({ "id": vm, "name": "second", "full_copy": false })).await?)?;
    let copy = id_of(&admin.call("vm.copy", json!({ "vm": vm, "sr": sr, "name": "third" })).await?)?;
    for (id, name) in [(&clone, "second"), (&copy, "third")] {
        eye.until("the copy", |view| (view.objects.get(id)?["name_label"] == name).then_some(())).await?;
    }
    ensure!(admin.call("vm.convert", json!({ "id": clone })).await? == json!(true));
    eye.until("a template", |view| (view.objects.get(&clone)?["type"] == "VM-template").then_some(())).await?;
    ensure!(admin.call("vm.setBootOrder", json!({ "vm": vm, "order": "dcn" })).await? == json!(true));
    eye.until("the order", |view| (view.objects.get(&vm)?["boot"]["order"] == "dcn").then_some(())).await?;
    ensure!(admin.refused("vm.setBootOrder", json!({ "vm": vm, "order": "x" })).await?.code == 10);

    // From a template with a disk: it is made larger and named, and its VM goes with all its disks, the snapshot's too.
    let new = json!({
        "name_label": "fourth", "template": clone, "clone": true,
        "existingDisks": { "0": { "name_label": "grown", "size": "20 MiB", "$SR": sr } },
    });
    let fourth = id_of(&admin.call("vm.create", new).await?)?;
    let grown = admin.call("xo.getAllObjects", json!({ "filter": { "type": "VDI", "name_label": "grown" } })).await?;
    let sizes: Vec<&Value> = grown.as_object().into_iter().flatten().map(|(_, disk)| &disk["size"]).collect();
    ensure!(sizes == [20 << 20], "{grown}");
    let missing = json!({ "name_label": "fifth", "template": clone, "existingDisks": { "7": {} } });
    ensure!(admin.refused("vm.create", missing).await?.code == 10);
    for id in [&fourth, &copy, &vm] {
        admin.call("vm.delete", json!({ "id": id })).await?;
    }
    eye.until("all to be gone", |view| {
        let left = [&fourth, &copy, &vm, &taken].iter().any(|id| view.objects.contains_key(id.as_str()));
        (!left && view.named("VDI", "grown").is_none()).then_some(())
    })
    .await?;
    rig.end().await
}

#[tokio::test]
async fn hosts_pools_and_stores() -> Result<()> {
    let rig = Rig::builder().pools(["xs61-pool2-snapshots"]).start().await?;
    let (admin, eye) = (rig.admin().await?, rig.admin().await?);
    eye.watch().await?;
    let view = eye.view();
    let pool = view.of_kind("pool").next().context("a pool")?.clone();
    let host = view.of_kind("host").find(|host| host["id"] != pool["master"]).context("a member")?["id"].clone();
    let host = id_of(&host)?;
    admin.call("host.set", json!({ "id": host, "name_label": "named", "name_description": "d" })).await?;
    eye.until("the name", |view| (view.objects.get(&host)?["name_label"] == "named").then_some(())).await?;
    for (method, wanted) in [("host.disable", false), ("host.enable", true)] {
        ensure!(admin.call(method, json!({ "id": host })).await? == json!(true));
        eye.until(method, |view| (view.objects.get(&host)?["enabled"] == wanted).then_some(())).await?;
    }
    ensure!(admin.call("host.isHostServerTimeConsistent", json!({ "host": host })).await? == json!(true));
    admin.call("host.setRemoteSyslogHost", json!({ "id": host, "syslogDestination": "192.0.2.1" })).await?;
    eye.until("the log's address", |view| {
        (view.objects.get(&host)?["logging"]["syslog_destination"] == "192.0.2.1").then_some(())
    })
    .await?;
    admin.call("pool.set", json!({ "id": pool["id"], "name_label": "renamed", "auto_poweron": true })).await?;
    eye.until("the pool's name", |view| {
        let pool = view.objects.get(pool["id"].as_str()?)?;
        (pool["name_label"] == "renamed" && pool["auto_poweron"] == true).then_some(())
    })
    .await?;
    let fitting = admin.call("pool.listPoolsMatchingCriteria", json!({ "poolNameRegExp": "^renamed$" })).await?;
    ensure!(fitting.as_array().is_some_and(|pools| pools.len() == 1), "{fitting}");
    let none = admin.call("pool.listPoolsMatchingCriteria", json!({ "minHostCpus": 10_000 })).await?;
    ensure!(none == json!([]), "{none}");

    let exports = admin.call("sr.probeNfs", json!({ "host": host, "server": "192.0.2.9" })).await?;
    ensure!(exports == json!([{ "path": "/export", "acl": "*" }]), "{exports}");
    let names = admin.call("sr.probeIscsiIqns", json!({ "host": host, "target": "192.0.2.9" })).await?;
    ensure!(names[0]["iqn"] == "iqn.2010-01.example:disks", "{names}");
    let new = json!({
        "host": host, "nameLabel": "nfs", "nameDescription": "", "server": "192.0.2.9", "serverPath": "/export",
    });
    let sr = id_of(&admin.call("sr.createNfs", new).await?)?;
    let hosts = view.of_kind("host").count();
    let connected = |view: &View, wanted: bool| {
        let pbds: Vec<&Value> = view.of_kind("PBD").filter(|pbd| pbd["SR"] == sr).collect();
        (pbds.len() == hosts && pbds.iter().all(|pbd| pbd["attached"] == wanted)).then_some(())
    };
    eye.until("a connection of every host", |view| connected(view, true)).await?;
    admin.call("sr.set", json!({ "id": sr, "name_label": "other" })).await?;
    eye.until("the SR's name", |view| (view.objects.get(&sr)?["name_label"] == "other").then_some(())).await?;
    ensure!(admin.call("sr.scan", json!({ "id": sr })).await? == json!(true));
    ensure!(admin.call("sr.disconnectAllPbds", json!({ "id": sr })).await? == json!(true));
    eye.until("no connection", |view| connected(view, false)).await?;
    ensure!(admin.call("sr.connectAllPbds", json!({ "id": sr })).await? == json!(true));
    eye.until("connections again", |view| connected(view, true)).await?;
    admin.call("pool.setDefaultSr", json!({ "sr": sr })).await?;
    eye.until("the default", |view| (view.objects.get(pool["id"].as_str()?)?["default_SR"] == sr).then_some(()))
        .await?;
    ensure!(admin.call("sr.forget", json!({ "id": sr })).await? == json!(true));
    eye.until("the SR to be gone", |view| (!view.objects.contains_key(&sr)).then_some(())).await?;

    // A VM moves to the other host.
    let Some(vm) = view.of_kind("VM").find(|vm| vm["power_state"] == "Running" && vm["pvDriversDetected"] == true)
    else {
        return rig.end().await;
    };
    let vm = id_of(&vm["id"])?;
    let to = view.of_kind("host").find(|host| host["id"] != view.objects[&vm]["$container"]).context("another host")?;
    let to = id_of(&to["id"])?;
    ensure!(admin.call("vm.migrate", json!({ "vm": vm, "targetHost": to })).await? == json!(true));
    eye.until("the VM on the other host", |view| (view.objects.get(&vm)?["$container"] == to).then_some(())).await?;
    rig.end().await
}

/// Returns whether a method only shows something.
fn shows(name: &str) -> bool {
    name.ends_with(".stats") || [".get", ".list", "host.is"].iter().any(|part| name.contains(part))
}

/// Who may look may not touch: a viewer of the whole pool is refused whatever would change something in it.
#[tokio::test]
async fn a_viewer_changes_nothing() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let admin = rig.admin().await?;
    let account = admin.call("user.create", json!({ "email": "viewer", "password": "viewer-1" })).await?;
    admin.watch().await?;
    let view = admin.view();
    let pool = view.of_kind("pool").next().context("a pool")?["id"].clone();
    admin.call("acl.add", json!({ "subject": account, "object": pool, "action": "viewer" })).await?;
    let viewer = rig.client().await?;
    viewer.sign_in("viewer", "viewer-1").await?;
    let before = e2e::simulated(rig.sim(0));
    let vm = view.named("VM", "CCNET").context("a running VM")?["id"].clone();
    let mut wrong = Vec::new();
    let mut tried = 0;
    for (name, params, [_, none, _]) in crate::ledger::METHODS {
        // What is about an object of the pool, and not hidden for other reasons.
        if *none != 1 || params.contains("nothing") || params.contains("$server") {
            continue;
        }
        let mut text = (*params).to_owned();
        for kind in crate::ledger::KINDS {
            if let Some(id) = view.of_kind(kind).next().and_then(|object| object["id"].as_str()) {
                text = text.replace(&format!("${kind}\""), &format!("{id}\""));
            }
        }
        let text = text.replace("$vm", vm.as_str().unwrap_or_default());
        let found = viewer.attempt(name, serde_json::from_str(&text)?).await?;
        tried += 1;
        match found {
            Err(error) if error.code == 2 => {}
            Ok(_) if shows(name) => {}
            Ok(_) => wrong.push(format!("{name} was done")),
            // What only shows something may fail in its own way.
            Err(_) if shows(name) || name.contains("export") => {}
            Err(error) => wrong.push(format!("{name}: {error}")),
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    ensure!(tried > 30, "only {tried} were tried");
    e2e::same(&before, &e2e::simulated(rig.sim(0)))?;
    rig.end().await
}
