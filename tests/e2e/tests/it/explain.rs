//! Who may do what, and why: what is explained is what happens, and each way to a right is told.

use anyhow::{Context, Result, ensure};
use rig::{Client, Rig};
use serde_json::{Value, json};

/// Returns the line of an operation that means this.
fn line<'a>(explained: &'a Value, operation: &str, privilege: &str) -> Result<&'a Value> {
    let lines = explained["operations"].as_array().context("operations")?;
    let is_it = |line: &&Value| {
        let means = |all: &Vec<Value>| all.iter().any(|known| known == privilege);
        line["operation"] == operation && line["privileges"].as_array().is_some_and(means)
    };
    lines.iter().find(is_it).with_context(|| format!("{operation} {privilege} in {explained}"))
}

async fn code(client: &Client, method: &str, params: Value) -> Result<i64> {
    Ok(client.attempt(method, params).await?.map_or_else(|error| error.code, |_| 0))
}

#[tokio::test]
async fn explained_is_what_happens() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let admin = rig.admin().await?;
    let id = admin.call("user.create", json!({ "email": "alice", "password": "alice-1" })).await?;
    let alice = rig.client().await?;
    alice.sign_in("alice", "alice-1").await?;
    admin.watch().await?;
    let vm = admin.view().named("VM", "CCNET").context("a VM")?.clone();
    let (pool, vm) = (vm["$pool"].clone(), vm["id"].clone());
    let explain = async |object: &Value| admin.call("acl.explain", json!({ "user": id, "object": object })).await;
    let start = json!({ "id": vm });

    let nothing = explain(&vm).await?;
    let answer = line(&nothing, "vm.start", "start")?;
    ensure!(answer["allowed"] == false && answer["visible"] == false, "{answer}");
    ensure!(answer["reasons"] == json!([{ "kind": "nothing" }]), "{answer}");
    ensure!(code(&alice, "vm.start", start.clone()).await? == 1);

    // By her group, on the pool: the way from the VM leads there.
    let group = admin.call("group.create", json!({ "name": "operators of all" })).await?;
    admin.call("group.addUser", json!({ "id": group, "userId": id })).await?;
    admin.call("acl.add", json!({ "subject": group, "object": pool, "action": "operator" })).await?;
    let by_pool = explain(&vm).await?;
    let answer = line(&by_pool, "vm.start", "start")?;
    let [reason] = answer["reasons"].as_array().context("reasons")?.as_slice() else {
        anyhow::bail!("one reason: {answer}")
    };
    ensure!(answer["allowed"] == true, "{answer}");
    ensure!(reason["kind"] == "entry" && reason["subject"] == group && reason["action"] == "operator", "{reason}");
    ensure!(reason["object"] == pool, "{reason}");
    let last = reason["way"].as_array().and_then(|way| way.last()).context("a way")?;
    ensure!(last["object"] == pool, "{reason}");
    ensure!(by_pool["objects"][pool.as_str().context("id")?]["type"] == "pool", "{}", by_pool["objects"]);
    let rename = line(&by_pool, "vm.set", "update:name_label")?;
    ensure!(rename["allowed"] == false && rename["visible"] == true, "{rename}");
    let see = by_pool["operations"].as_array().and_then(|all| all.first()).context("to see it")?;
    ensure!(see["allowed"] == true && see["level"] == "view" && see.get("operation").is_none(), "{see}");

    // A second way beside it, and a word that is stronger than both.
    admin.call("acl.add", json!({ "subject": id, "object": vm, "action": "admin" })).await?;
    let both = explain(&vm).await?;
    ensure!(line(&both, "vm.start", "start")?["reasons"].as_array().is_some_and(|all| all.len() == 2), "{both}");
    let role = admin.call("aclRole.create", json!({ "name": "never starts" })).await?;
    let deny = json!({ "roleId": role, "resource": "vm", "action": "start", "effect": "deny" });
    let privilege = admin.call("aclPrivilege.create", deny).await?;
    admin.call("aclRole.addGroup", json!({ "id": role, "groupId": group })).await?;
    let denied = explain(&vm).await?;
    let answer = line(&denied, "vm.start", "start")?;
    let reason = &answer["reasons"][0];
    ensure!(answer["allowed"] == false && answer["visible"] == true && reason["effect"] == "deny", "{answer}");
    let roles = json!([{ "privilege": privilege, "id": role, "name": "never starts", "holders": [group] }]);
    ensure!(reason["roles"] == roles, "{reason}");
    ensure!(code(&alice, "vm.start", start).await? == 2, "it is as explained");
    ensure!(line(&denied, "vm.set", "update:name_label")?["allowed"] == true);
    ensure!(code(&alice, "vm.set", json!({ "id": vm, "name_label": "by alice" })).await? == 0);

    // A resource set that offers it is told.
    let set = json!({ "name": "for alice", "subjects": [id], "objects": [vm] });
    let set = admin.call("resourceSet.create", set).await?;
    let sets = json!([{ "id": set["id"], "name": "for alice", "offers": true }]);
    ensure!(explain(&vm).await?["resourceSets"] == sets);

    // One operation alone; what cannot be asked.
    let one = json!({ "user": id, "object": vm, "operation": "vm.start" });
    let one = admin.call("acl.explain", one).await?;
    ensure!(one["operations"].as_array().is_some_and(|all| all.len() == 1), "{one}");
    for (params, code) in [
        (json!({ "user": id, "object": vm, "operation": "host.stats" }), 10),
        (json!({ "user": id, "object": "nothing" }), 1),
        (json!({ "user": "nobody", "object": vm }), 1),
    ] {
        ensure!(admin.refused("acl.explain", params.clone()).await?.code == code, "{params}");
    }
    let root = admin.call("session.getUser", json!({})).await?["id"].clone();
    let all = admin.call("acl.explain", json!({ "user": root, "object": vm })).await?;
    ensure!(line(&all, "vm.start", "start")?["reasons"] == json!([{ "kind": "administrator" }]), "{all}");
    Ok(())
}
