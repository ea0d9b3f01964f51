//! VMs that move from one pool to another: what both pools hold afterwards, what Xylem knows of the VM, and who sees it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rig::{Auth, Client, Rig, View};
use serde_json::{Value, json};
use xapi_sim::{Fleet, Options};

fn id_of(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).with_context(|| format!("{value} is no id"))
}

fn pool(number: usize) -> Options {
    let fleet = Fleet { pools: 2, hosts: 2, vms: 8, snapshots: 1, templates: 1, messages: 1, ..Fleet::small() };
    fleet.options(number)
}

/// The uuid of a simulator's pool.
fn pool_of(rig: &Rig, number: usize) -> Result<Value> {
    let pools = rig.sim(number).records("pool");
    Ok(pools.values().next().context("a pool")?["uuid"].clone())
}

/// The first object of a pool that fits.
fn first(view: &View, kind: &str, pool: &Value, fits: impl Fn(&Value) -> bool) -> Result<Value> {
    let found = view.of_kind(kind).find(|object| object["$pool"] == *pool && fits(object));
    Ok(found.with_context(|| format!("a {kind} of {pool}"))?["id"].clone())
}

/// Where a VM goes: a host, its own SR and a shared one, two networks.
struct There {
    pool: Value,
    host: Value,
    own: Value,
    shared: Value,
    networks: [Value; 2],
}

fn there(view: &View, pool: &Value) -> Result<There> {
    let host = first(view, "host", pool, |_| true)?;
    let own = first(view, "SR", pool, |sr| sr["$container"] == host && sr["content_type"] == "user")?;
    let takes = |sr: &Value| sr["$container"] == *pool && sr["content_type"] == "user";
    let shared = first(view, "SR", pool, takes)?;
    let mut networks = view.of_kind("network").filter(|network| {
        let cards = network["PIFs"].as_array().into_iter().flatten().filter_map(Value::as_str);
        network["$pool"] == *pool && cards.filter_map(|pif| view.objects.get(pif)).any(|pif| pif["$host"] == host)
    });
    let mut network = || Ok::<_, anyhow::Error>(networks.next().context("a network")?["id"].clone());
    Ok(There { pool: pool.clone(), networks: [network()?, network()?], host, own, shared })
}

/// The ids of a VM's disks, by their device.
fn disks(view: &View, vm: &str) -> Vec<String> {
    let mut vbds: Vec<&Value> =
        view.of_kind("VBD").filter(|vbd| vbd["VM"] == vm && vbd["is_cd_drive"] == false).collect();
    vbds.sort_by_key(|vbd| vbd["position"].to_string());
    vbds.iter().filter_map(|vbd| vbd["VDI"].as_str().map(str::to_owned)).collect()
}

fn cards(view: &View, vm: &str) -> Vec<String> {
    let mut vifs: Vec<&Value> = view.of_kind("VIF").filter(|vif| vif["$VM"] == vm).collect();
    vifs.sort_by_key(|vif| vif["device"].to_string());
    vifs.iter().filter_map(|vif| vif["id"].as_str().map(str::to_owned)).collect()
}

/// What a client was told of an object, in order: the pool it is in, or nothing once it is gone; the same twice is one.
fn told(view: &View, id: &str) -> Vec<Option<String>> {
    let mut told: Vec<Option<String>> = Vec::new();
    for notification in &view.notifications {
        let item = &notification["params"]["items"][id];
        let pool = match notification["params"]["type"].as_str() {
            Some("enter") if item.is_object() => item["$pool"].as_str().map(str::to_owned),
            Some("exit") if notification["params"]["items"].get(id).is_some() => None,
            _ => continue,
        };
        if told.last() != Some(&pool) {
            told.push(pool);
        }
    }
    told
}

/// An account with entries in the access lists, on a socket that follows what it sees.
async fn person(rig: &Rig, admin: &Client, name: &str, entries: &[(&Value, &str)]) -> Result<(Value, Client)> {
    let password = format!("{name}-1");
    let id = admin.call("user.create", json!({ "email": name, "password": password })).await?;
    for (object, action) in entries {
        admin.call("acl.add", json!({ "subject": id, "object": object, "action": action })).await?;
    }
    let client = rig.client().await?;
    client.sign_in(name, &password).await?;
    client.watch().await?;
    Ok((id, client))
}

/// A running VM of the first pool.
fn runs(view: &View, pool: &Value) -> Result<String> {
    let fits = |vm: &Value| vm["power_state"] == "Running" && vm["pvDriversDetected"] == true;
    id_of(&first(view, "VM", pool, fits)?)
}

#[tokio::test]
async fn a_running_vm_moves_and_stays_who_it_is() -> Result<()> {
    let rig = Rig::builder().pool(pool(0)).pool(pool(1)).start().await?;
    let (admin, eye) = (rig.admin().await?, rig.admin().await?);
    eye.watch().await?;
    let (old, new) = (pool_of(&rig, 0)?, pool_of(&rig, 1)?);
    let (view, to) = (eye.view(), there(&eye.view(), &new)?);
    let vm = runs(&view, &old)?;
    let here = rig.sim(0).by_uuid("VM", &vm).context("the VM")?;
    let record = rig.sim(0).record("VM", &here).context("the VM")?;
    let first_card = record["VIFs"][0].as_str().and_then(|vif| rig.sim(0).record("VIF", vif)).context("a card")?;
    let second = json!({ "VM": here, "network": first_card["network"], "device": "1", "MAC": "02:00:00:00:00:77" });
    rig.sim(0).insert("VIF", second)?;

    // What Xylem knows of it: a set, who may see it, words on it.
    let (alice, hers) = person(&rig, &admin, "alice", &[]).await?;
    let (_, his) = person(&rig, &admin, "bob", &[(&old, "viewer")]).await?;
    let limits =
        json!({ "cpus": 100, "memory": 1_u64 << 42, "disk": 1_u64 << 50, "disks": 100, "vms": 5, "snapshots": 5 });
    let set = json!({ "name": "set", "subjects": [alice], "limits": limits });
    let set = admin.call("resourceSet.create", set).await?["id"].clone();
    admin.call("vm.set", json!({ "id": vm, "resourceSet": set, "share": true })).await?;
    let (_, carol) = person(&rig, &admin, "carol", &[(&json!(vm), "operator")]).await?;
    admin.call("tag.add", json!({ "id": vm, "tag": "kept" })).await?;
    admin.call("customField.add", json!({ "id": vm, "name": "owner", "value": "lab" })).await?;
    let snapshot = id_of(&admin.call("vm.snapshot", json!({ "id": vm, "name": "before" })).await?)?;
    hers.until("the VM of the set", |view| view.objects.get(&vm).map(drop)).await?;
    let is_whole = |view: &View| (cards(view, &vm).len() == 2 && disks(view, &vm).len() == 2).then_some(());
    eye.until("two disks and two cards", is_whole).await?;
    let usage = async || {
        let set = admin.call("resourceSet.get", json!({ "id": set })).await?;
        Ok::<_, anyhow::Error>(set["limits"].clone())
    };
    let (used, entries) = (usage().await?, admin.call("acl.get", json!({})).await?);
    let view = eye.view();
    let (images, nics) = (disks(&view, &vm), cards(&view, &vm));
    let names: Vec<Value> = images.iter().map(|disk| view.objects[disk]["name_label"].clone()).collect();

    let migrate = json!({
        "vm": vm, "targetHost": to.host, "mapVdisSrs": { (&*images[0]): to.own, (&*images[1]): to.shared },
        "mapVifsNetworks": { (&*nics[0]): to.networks[0], (&*nics[1]): to.networks[1] },
    });
    ensure!(admin.call("vm.migrate", migrate).await? == json!(true));

    // Whoever asks now finds it there, as it was.
    let all = admin.call("xo.getAllObjects", json!({ "filter": { "id": vm } })).await?;
    let moved = &all[&vm];
    ensure!(
        moved["$pool"] == to.pool && moved["$container"] == to.host && moved["power_state"] == "Running",
        "{moved}"
    );
    ensure!(moved["tags"].as_array().is_some_and(|tags| tags.contains(&json!("kept"))), "{moved}");
    ensure!(moved["resourceSet"] == set && moved["other"]["XenCenter.CustomFields.owner"] == "lab", "{moved}");
    ensure!(moved["snapshots"] == json!([snapshot]), "{moved}");
    eye.until("its disks and cards there", |view| {
        let (disks, cards) = (disks(view, &vm), cards(view, &vm));
        let on: Vec<(&Value, &Value)> = disks
            .iter()
            .filter_map(|id| view.objects.get(id))
            .map(|disk| (&disk["name_label"], &disk["$SR"]))
            .collect();
        let nets: Vec<&Value> = cards.iter().map(|id| &view.objects[id]["$network"]).collect();
        let placed = on == [(&names[0], &to.own), (&names[1], &to.shared)];
        (placed && nets == [&to.networks[0], &to.networks[1]]).then_some(())
    })
    .await?;
    eye.until("nothing of it in the old pool", |view| {
        let left = images.iter().any(|id| view.objects.contains_key(id));
        let kept =
            view.objects.get(&snapshot).is_some_and(|kept| kept["$pool"] == to.pool && kept["$snapshot_of"] == vm);
        (!left && kept).then_some(())
    })
    .await?;
    let there = rig.sim(1).by_uuid("VM", &vm).context("the VM in the other pool")?;
    ensure!(rig.sim(0).by_uuid("VM", &vm).is_none() && rig.sim(0).by_uuid("VM", &snapshot).is_none());
    ensure!(rig.sim(1).record("VM", &there).context("the VM")?["power_state"] == "Running");

    // Rights, the set and what is counted of it are as before; who saw the old pool alone sees it no more.
    ensure!(admin.call("acl.get", json!({})).await? == entries);
    ensure!(usage().await? == used, "{used}");
    admin.call("resourceSet.recomputeAllLimits", json!({})).await?;
    ensure!(usage().await? == used, "{used} counted anew");
    his.until("bob to lose it", |view| (!view.objects.contains_key(&vm)).then_some(())).await?;
    ensure!(his.refused("vm.set", json!({ "id": vm, "name_label": "x" })).await?.code == 1);
    for (name, client) in [("alice", &hers), ("carol", &carol), ("an administrator", &eye)] {
        client.until(name, |view| (view.objects.get(&vm)?["$pool"] == to.pool).then_some(())).await?;
        // One removal and one addition at most, or one change; never back.
        let told = told(&client.view(), &vm);
        let pools: Vec<&str> =
            told.iter().flatten().filter_map(|pool| Some(&**pool).filter(|pool| *pool != new)).collect();
        ensure!(pools.len() <= 1 && told.last() == Some(&new.as_str().map(str::to_owned)), "{name}: {told:?}");
        ensure!(told.iter().filter(|pool| pool.is_none()).count() <= 1, "{name}: {told:?}");
    }
    ensure!(hers.call("vm.set", json!({ "id": vm, "name_label": "hers" })).await? == json!(true));
    ensure!(carol.refused("vm.delete", json!({ "id": vm })).await?.code == 2);
    eye.until("its new name", |view| (view.objects.get(&vm)?["name_label"] == "hers").then_some(())).await?;
    rig.end().await
}

#[tokio::test]
async fn a_halted_vm_moves_through_rest() -> Result<()> {
    let rig = Rig::builder().pool(pool(0)).pool(pool(1)).start().await?;
    let (eye, rest) = (rig.admin().await?, rig.admin_rest()?);
    eye.watch().await?;
    let (old, new) = (pool_of(&rig, 0)?, pool_of(&rig, 1)?);
    let view = eye.view();
    let to = there(&view, &new)?;
    let vm = id_of(&first(&view, "VM", &old, |vm| vm["power_state"] == "Halted")?)?;
    let asked = json!({ "hostId": to.host, "srId": to.shared });
    let answer = rest.post(&format!("/vms/{vm}/actions/migrate?sync=true"), &asked).await?;
    ensure!(answer.status == 204, "{} {}", answer.status, answer.text);
    let found = rest.get(&format!("/vms/{vm}")).await?.json();
    ensure!(found["$pool"] == to.pool && found["power_state"] == "Halted", "{found}");
    // Nobody named networks: its card is on that by which the host is managed.
    eye.until("its disks and its card there", |view| {
        let (disks, cards) = (disks(view, &vm), cards(view, &vm));
        let stored = disks.iter().all(|id| view.objects.get(id).is_some_and(|disk| disk["$SR"] == to.shared));
        let managed = view.of_kind("PIF").find(|pif| pif["$host"] == to.host && pif["management"] == true)?;
        let wired = cards.iter().all(|id| view.objects[id]["$network"] == managed["$network"]);
        (disks.len() == 2 && cards.len() == 1 && stored && wired).then_some(())
    })
    .await?;
    ensure!(rig.sim(0).by_uuid("VM", &vm).is_none());

    // Disks of one pool on an SR of another, by copy, go through Xylem: that is not served yet.
    let sr = there(&eye.view(), &old)?.shared;
    let copied = eye.refused("vm.copy", json!({ "vm": vm, "sr": sr, "name": "copy" })).await?;
    ensure!(copied.code == 0, "{copied}");
    let answer =
        rest.post(&format!("/vms/{vm}/actions/clone?sync=true"), &json!({ "srId": sr, "fast": false })).await?;
    ensure!(answer.status == 501, "{} {}", answer.status, answer.text);
    let (_, alice) = person(&rig, &eye, "alice", &[(&json!(vm), "admin")]).await?;
    ensure!(alice.refused("vm.copy", json!({ "vm": vm, "sr": sr, "name": "copy" })).await?.code == 1);
    rig.end().await
}

#[tokio::test]
async fn who_may_not_and_what_does_not_fit() -> Result<()> {
    let rig = Rig::builder().pool(pool(0)).pool(pool(1)).start().await?;
    let admin = rig.admin().await?;
    admin.watch().await?;
    let (old, new) = (pool_of(&rig, 0)?, pool_of(&rig, 1)?);
    let view = admin.view();
    let (here, to) = (there(&view, &old)?, there(&view, &new)?);
    let vm = runs(&view, &old)?;
    let (image, card) = (disks(&view, &vm)[0].clone(), cards(&view, &vm)[0].clone());
    let with = |name: &str, value: Value| {
        let mut asked = json!({ "vm": vm, "targetHost": to.host, "sr": to.shared, "mapVifsNetworks": { (&*card): to.networks[0] } });
        asked[name] = value;
        asked
    };

    // Rights on the VM, the host, and each SR and network; what is hidden is as good as absent.
    let (alice, hers) = person(&rig, &admin, "alice", &[(&json!(vm), "admin")]).await?;
    let rest = rig.rest(Auth::Basic("alice".to_owned(), "alice-1".to_owned()));
    let path = format!("/vms/{vm}/actions/migrate?sync=true");
    let all: serde_json::Map<String, Value> =
        disks(&view, &vm).into_iter().map(|disk| (disk, to.shared.clone())).collect();
    let asked = json!({ "vm": vm, "targetHost": to.host, "mapVdisSrs": all });
    let over_rest = json!({ "hostId": to.host, "srIdByVdiId": all });
    for (object, action, code, status) in [
        (&to.host, "viewer", 2, 403),
        (&to.host, "operator", 2, 403),
        (&to.host, "admin", 1, 404),
        (&to.shared, "viewer", 2, 403),
    ] {
        let before = hers.refused("vm.migrate", asked.clone()).await?;
        ensure!(before.code == if action == "viewer" { 1 } else { 2 }, "before {action}: {before}");
        admin.call("acl.add", json!({ "subject": alice, "object": object, "action": action })).await?;
        let refused = hers.refused("vm.migrate", asked.clone()).await?;
        ensure!(refused.code == code, "{action}: {refused}");
        let answer = rest.post(&path, &over_rest).await?;
        ensure!(answer.status == status, "{action}: {} {}", answer.status, answer.text);
    }
    admin.call("acl.add", json!({ "subject": alice, "object": to.shared, "action": "admin" })).await?;
    // Its card has no network that she may use, and nothing names one.
    ensure!(hers.refused("vm.migrate", asked).await?.code == 10);
    ensure!(hers.refused("vm.migrate", with("sr", to.shared.clone())).await?.code == 1, "the network is hidden");
    for (name, value, code) in [
        ("mapVdisSrs", json!({ "nothing": to.shared }), 1),
        ("mapVdisSrs", json!({ (&*image): "nothing" }), 1),
        ("mapVdisSrs", json!({ (&*image): here.shared }), 10),
        ("mapVifsNetworks", json!({ "nothing": to.networks[0] }), 1),
        ("mapVifsNetworks", json!({ (&*card): here.networks[0] }), 10),
        ("migrationNetwork", here.networks[0].clone(), 10),
        ("sr", here.shared.clone(), 10),
    ] {
        let refused = admin.refused("vm.migrate", with(name, value.clone())).await?;
        ensure!(refused.code == code, "{name} {value}: {refused}");
    }

    // What the other pool says is handed on, and changes nothing.
    let sim = rig.sim(1);
    let host = sim.by_uuid("host", &id_of(&to.host)?).context("the host")?;
    let metrics = id_of(&sim.record("host", &host).context("the host")?["metrics"])?;
    let sr = sim.by_uuid("SR", &id_of(&to.shared)?).context("the SR")?;
    for (class, object, field, value, code) in [
        ("host_metrics", &metrics, "memory_free", json!(1000), "HOST_NOT_ENOUGH_FREE_MEMORY"),
        ("SR", &sr, "physical_size", json!(1000), "SR_FULL"),
    ] {
        let before = sim.record(class, object).context("an object")?[field].clone();
        sim.set(class, object, field, value)?;
        let refused = admin.refused("vm.migrate", with("force", json!(false))).await?;
        ensure!(refused.data["code"] == code, "{refused}");
        sim.set(class, object, field, before)?;
    }
    let record = rig.sim(0).by_uuid("VM", &vm).and_then(|vm| rig.sim(0).record("VM", &vm)).context("the VM")?;
    ensure!(record["power_state"] == "Running" && record["current_operations"] == json!({}), "{record}");
    ensure!(sim.by_uuid("VM", &vm).is_none());
    rig.end().await
}

#[tokio::test]
async fn a_pool_that_is_lost_on_the_way_leaves_the_vm_where_it_is() -> Result<()> {
    let mut slow = pool(0);
    slow.delays.operation = Duration::from_secs(3);
    let rig = Rig::builder().pool(slow).pool(pool(1)).start().await?;
    let (admin, eye) = (rig.admin().await?, rig.admin().await?);
    eye.watch().await?;
    let (old, new) = (pool_of(&rig, 0)?, pool_of(&rig, 1)?);
    let (vm, to) = (runs(&eye.view(), &old)?, there(&eye.view(), &new)?);
    let asked = json!({ "vm": vm, "targetHost": to.host, "sr": to.shared });
    let lose = async {
        // The other pool has the VM by now, and tells of its disks; the VM itself is shown once, where it runs.
        let there = rig::until("the VM to arrive", async || rig.sim(1).by_uuid("VM", &vm)).await?;
        let vbds = rig.sim(1).records("VBD");
        let disks = vbds.values().filter(|vbd| vbd["VM"] == *there).filter_map(|vbd| vbd["VDI"].as_str());
        let disks = disks.filter_map(|disk| rig.sim(1).record("VDI", disk)?["uuid"].as_str().map(str::to_owned));
        let disks: Vec<String> = disks.collect();
        ensure!(disks.len() == 2, "{disks:?}");
        let shows = |view: &View| disks.iter().all(|id| view.objects.contains_key(id)).then_some(());
        eye.until("its disks there", shows).await?;
        let shown = eye.view().objects[&vm].clone();
        ensure!(shown["$pool"] == old && shown["power_state"] == "Running", "{shown}");
        rig.sim(1).drop_connections();
        Ok::<_, anyhow::Error>(())
    };
    let (refused, lost) = futures::join!(admin.refused("vm.migrate", asked.clone()), lose);
    lost?;
    let refused = refused?;
    ensure!(refused.data["code"] == "VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED", "{refused}");
    rig::until("nothing to be left there", async || rig.sim(1).by_uuid("VM", &vm).is_none().then_some(())).await?;
    ensure!(told(&eye.view(), &vm).iter().all(|pool| pool.as_deref() == old.as_str()), "it never was elsewhere");
    // Once both pools are there again it goes.
    eye.watch_servers().await?;
    let connected = |view: &View| view.servers.values().all(|server| server["status"] == "connected").then_some(());
    eye.until("both pools", connected).await?;
    ensure!(admin.call("vm.migrate", asked).await? == json!(true));
    eye.until("the VM there", |view| (view.objects.get(&vm)?["$pool"] == new).then_some(())).await?;
    rig.end().await
}
