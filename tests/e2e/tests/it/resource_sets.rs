//! Resource sets: made, changed, seen by those who may use them; what is used of them is counted from what is there.

use anyhow::{Context, Result, ensure};
use rig::Rig;
use serde_json::{Value, json};

#[tokio::test]
async fn sets_are_for_those_who_may_use_them() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let admin = rig.admin().await?;
    let id = admin.call("user.create", json!({ "email": "alice", "password": "alice-1" })).await?;
    let group = admin.call("group.create", json!({ "name": "g" })).await?;
    let alice = rig.client().await?;
    alice.sign_in("alice", "alice-1").await?;
    alice.watch().await?;
    let new = json!({
        "name": "set", "objects": ["a", "b"], "limits": { "cpus": { "total": 4, "available": 4 }, "vms": 2 },
        "tags": ["t"], "shareByDefault": true,
    });
    let set = admin.call("resourceSet.create", new).await?;
    let wanted = json!({
        "id": set["id"], "name": "set", "subjects": [], "objects": ["a", "b"], "ipPools": [], "tags": ["t"],
        "limits": { "cpus": { "total": 4, "usage": 0 }, "vms": { "total": 2, "usage": 0 } }, "shareByDefault": true,
    });
    ensure!(set == wanted && set["id"].as_str().is_some_and(|id| id.len() == 11), "{set}");
    let with = |name: &str, value: serde_json::Value| json!({ "id": set["id"], name: value });

    // Who may not use it does not see it; by a group they may.
    ensure!(alice.call("resourceSet.getAll", json!({})).await? == json!([]));
    ensure!(alice.refused("resourceSet.get", json!({ "id": set["id"] })).await?.code == 1);
    admin.call("resourceSet.addSubject", with("subject", group.clone())).await?;
    ensure!(alice.call("resourceSet.getAll", json!({})).await? == json!([]));
    admin.call("group.addUser", json!({ "id": group, "userId": id })).await?;
    ensure!(alice.call("resourceSet.getAll", json!({})).await?[0]["id"] == set["id"]);
    ensure!(alice.call("resourceSet.get", json!({ "id": set["id"] })).await?["name"] == "set");
    ensure!(admin.refused("resourceSet.addSubject", with("subject", json!("nobody"))).await?.code == 1);

    // Changes, one by one and all at once.
    for (method, params) in [
        ("resourceSet.addObject", with("object", json!("c"))),
        ("resourceSet.removeObject", with("object", json!("a"))),
        ("resourceSet.addLimit", json!({ "id": set["id"], "limitId": "memory", "quantity": 1024 })),
        ("resourceSet.removeLimit", json!({ "id": set["id"], "limitId": "vms" })),
    ] {
        ensure!(admin.call(method, params).await? == json!(true), "{method}");
    }
    let wrong = json!({ "id": set["id"], "limitId": "wishes", "quantity": 3 });
    ensure!(admin.refused("resourceSet.addLimit", wrong).await?.code == 10);
    let now = admin.call("resourceSet.get", json!({ "id": set["id"] })).await?;
    ensure!(now["objects"] == json!(["b", "c"]));
    ensure!(
        now["limits"] == json!({ "cpus": { "total": 4, "usage": 0 }, "memory": { "total": 1024, "usage": 0 } }),
        "{now}"
    );
    // Many at once: each counts.
    let added = (0..20).map(|number| admin.call("resourceSet.addObject", with("object", json!(format!("o{number}")))));
    futures::future::try_join_all(added).await?;
    let now = admin.call("resourceSet.get", json!({ "id": set["id"] })).await?;
    ensure!(now["objects"].as_array().is_some_and(|all| all.len() == 22), "{now}");

    // A VM of the set: what it uses is counted; who loses the set loses what they had of the VM by it.
    let sim = rig.sim(0);
    let (reference, vm) = sim.records("VM").into_iter().find(|(_, vm)| vm["name_label"] == "CCNET").context("a VM")?;
    let mut config = vm["other_config"].clone();
    config["xo:resource_set"] = json!(set["id"].to_string());
    sim.set("VM", &reference, "other_config", config)?;
    admin.watch().await?;
    let vm = vm["uuid"].clone();
    let belongs = |all: &rig::View| all.objects.get(vm.as_str()?).filter(|vm| vm["resourceSet"] == set["id"]).cloned();
    let shown = admin.until("the VM to be in the set", belongs).await?;
    admin.call("resourceSet.recomputeAllLimits", json!({})).await?;
    let limits = admin.call("resourceSet.get", json!({ "id": set["id"] })).await?["limits"].clone();
    ensure!(
        limits["vms"]["usage"] == 1 && limits["cpus"] == json!({ "total": 4, "usage": shown["CPUs"]["number"] }),
        "{limits}"
    );
    ensure!(
        limits["memory"]["usage"] == shown["memory"]["dynamic"][1] && limits["disks"]["usage"].as_u64() > Some(0),
        "{limits}"
    );
    admin.call("acl.add", json!({ "subject": group, "object": vm, "action": "admin" })).await?;
    let is_there = |wanted: bool| {
        let vm = vm.as_str().unwrap_or_default().to_owned();
        move |view: &rig::View| (view.objects.contains_key(&vm) == wanted).then_some(())
    };
    alice.until("her VM", is_there(true)).await?;
    admin.call("resourceSet.removeSubject", with("subject", group)).await?;
    alice.until("no VM", is_there(false)).await?;
    ensure!(admin.call("acl.get", json!({})).await? == json!([]));

    // The set goes, the VM stays.
    admin.call("resourceSet.delete", json!({ "id": set["id"] })).await?;
    let without =
        |all: &rig::View| all.objects.get(vm.as_str()?).filter(|vm| vm.get("resourceSet").is_none()).map(drop);
    admin.until("the VM to be in no set", without).await?;
    ensure!(admin.refused("resourceSet.delete", json!({ "id": set["id"] })).await?.code == 1, "twice");
    rig.end().await
}

#[tokio::test]
async fn pools_of_addresses_show_who_has_which() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let admin = rig.admin().await?;
    admin.watch().await?;
    let view = admin.view();
    let vm = view.named("VM", "CCNET").context("a VM")?["id"].clone();
    let network = view.of_kind("network").next().context("a network")?["id"].clone();
    let new = json!({ "name": "office", "addresses": { "192.0.2.1": {}, "192.0.2.2": {} }, "networks": [network] });
    let pool = admin.call("ipPool.create", new).await?;
    let addresses = async || -> Result<Value> {
        let all = admin.call("ipPool.getAll", json!({})).await?;
        ensure!(all[0]["id"] == pool && all[0]["networks"] == json!([network]), "{all}");
        Ok(all[0]["addresses"].clone())
    };
    ensure!(addresses().await? == json!({ "192.0.2.1": {}, "192.0.2.2": {} }));

    // A card has one of them, for as long as it is allowed it.
    let card = json!({ "vm": vm, "network": network, "allowedIpv4Addresses": ["192.0.2.1"] });
    let card = admin.call("vm.createInterface", card).await?;
    ensure!(addresses().await? == json!({ "192.0.2.1": { "vifs": [card] }, "192.0.2.2": {} }));
    admin.call("vif.set", json!({ "id": card, "allowedIpv4Addresses": ["192.0.2.2", "192.0.2.9"] })).await?;
    let moved = json!({ "192.0.2.1": {}, "192.0.2.2": { "vifs": [card] } });
    rig::until("the other address", async || (addresses().await.ok()? == moved).then_some(())).await?;
    // Members of a set that has the pool see it and what is taken of it, but no cards that are not theirs.
    let alice = admin.call("user.create", json!({ "email": "alice", "password": "alice-1" })).await?;
    let hers = rig.client().await?;
    hers.sign_in("alice", "alice-1").await?;
    ensure!(hers.call("ipPool.getAll", json!({})).await? == json!([]));
    let set = json!({ "name": "set", "subjects": [alice] });
    let set = admin.call("resourceSet.create", set).await?["id"].clone();
    admin.call("resourceSet.set", json!({ "id": set, "ipPools": [pool] })).await?;
    let seen = hers.call("ipPool.getAll", json!({})).await?;
    ensure!(seen[0]["addresses"] == json!({ "192.0.2.1": {}, "192.0.2.2": { "vifs": [] } }), "{seen}");
    ensure!(seen[0]["resourceSets"] == json!([set]), "{seen}");

    admin.call("ipPool.set", json!({ "id": pool, "addresses": { "192.0.2.1": null } })).await?;
    admin.call("vif.delete", json!({ "id": card })).await?;
    let left = json!({ "192.0.2.2": {} });
    rig::until("the card to be gone", async || (addresses().await.ok()? == left).then_some(())).await?;
    ensure!(admin.call("ipPool.delete", json!({ "id": pool })).await? == json!(true));
    ensure!(admin.call("ipPool.getAll", json!({})).await? == json!([]));
    rig.end().await
}
