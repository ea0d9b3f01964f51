//! Groups: made, filled, renamed, deleted; what one was granted acts on its members at once, and ends with it.

use anyhow::{Context, Result, ensure};
use rig::{Client, Rig};
use serde_json::{Value, json};

async fn account(rig: &Rig, admin: &Client, name: &str) -> Result<(String, Client)> {
    let id = admin.call("user.create", json!({ "email": name, "password": "pass-word" })).await?;
    let client = rig.client().await?;
    client.sign_in(name, "pass-word").await?;
    client.watch().await?;
    Ok((id.as_str().context("an id")?.to_owned(), client))
}

/// Waits until a socket sees exactly what a socket that lists now would, and the VM or not.
async fn sees(client: &Client, vm: &str, wanted: bool) -> Result<()> {
    // What belongs to the VM may come a moment after it.
    let agreed = async || {
        let listed = client.call("xo.getAllObjects", json!({})).await.ok()?;
        (json!(client.view().objects) == listed && listed.get(vm).is_some() == wanted).then_some(())
    };
    rig::until("the rights to be followed, and feed and listing to agree", agreed).await?;
    Ok(())
}

#[tokio::test]
async fn what_a_group_was_granted_acts_on_its_members() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let admin = rig.admin().await?;
    let (alice_id, alice) = account(&rig, &admin, "alice").await?;
    let (bob_id, bob) = account(&rig, &admin, "bob").await?;
    admin.watch().await?;
    let vm = admin.view().named("VM", "CCNET").context("a VM")?["id"].as_str().context("an id")?.to_owned();

    let group = admin.call("group.create", json!({ "name": "ops" })).await?;
    ensure!(admin.refused("group.create", json!({ "name": "OPS" })).await?.code == 16, "twice");
    let entry = json!({ "subject": group, "object": vm, "action": "operator" });
    admin.call("acl.add", entry.clone()).await?;
    sees(&alice, &vm, false).await?;
    admin.call("group.addUser", json!({ "id": group, "userId": alice_id })).await?;
    admin.call("group.addUser", json!({ "id": group, "userId": alice_id })).await?;
    sees(&alice, &vm, true).await?;
    sees(&bob, &vm, false).await?;
    ensure!(alice.refused("vm.set", json!({ "id": vm, "name_label": "mine" })).await?.code == 2, "only an operator");
    ensure!(bob.refused("vm.set", json!({ "id": vm, "name_label": "mine" })).await?.code == 1, "not there for bob");
    let me = alice.call("session.getUser", json!({})).await?;
    ensure!(me["groups"] == json!([group]), "{me}");
    let granted = alice.call("acl.getCurrentPermissions", json!({})).await?;
    ensure!(granted == json!({ vm.clone(): { "view": 1, "operate": 1 } }), "{granted}");

    // Her own entry and that of the group add up.
    let own = json!({ "subject": alice_id, "object": vm, "action": "admin" });
    admin.call("acl.add", own.clone()).await?;
    alice.call("vm.set", json!({ "id": vm, "name_description": "hers" })).await?;
    admin.call("acl.remove", own).await?;
    ensure!(alice.refused("vm.set", json!({ "id": vm, "name_label": "mine" })).await?.code == 2);

    // The members are others now.
    admin.call("group.setUsers", json!({ "id": group, "userIds": [bob_id] })).await?;
    sees(&alice, &vm, false).await?;
    sees(&bob, &vm, true).await?;
    admin.call("group.setUsers", json!({ "id": group, "userIds": [bob_id, alice_id] })).await?;
    sees(&alice, &vm, true).await?;
    admin.call("group.removeUser", json!({ "id": group, "userId": alice_id })).await?;
    admin.call("group.removeUser", json!({ "id": group, "userId": alice_id })).await?;
    sees(&alice, &vm, false).await?;
    // What it was granted is taken back, and given again.
    admin.call("acl.remove", entry.clone()).await?;
    sees(&bob, &vm, false).await?;
    admin.call("acl.add", entry.clone()).await?;
    sees(&bob, &vm, true).await?;

    admin.call("group.set", json!({ "id": group, "name": "Operators" })).await?;
    let second = admin.call("group.create", json!({ "name": "ops" })).await?;
    ensure!(admin.refused("group.set", json!({ "id": second, "name": "operators" })).await?.code == 16, "taken");
    let groups = admin.call("group.getAll", json!({})).await?;
    let find = |id: &Value| groups.as_array()?.iter().find(|group| group["id"] == *id).cloned();
    let wanted = json!({ "id": group, "name": "Operators", "users": [bob_id], "aclRoleIds": [] });
    ensure!(find(&group) == Some(wanted) && find(&second).is_some(), "{groups}");
    for (method, params) in [
        ("group.addUser", json!({ "id": group, "userId": "nobody" })),
        ("group.setUsers", json!({ "id": group, "userIds": ["nobody"] })),
        ("acl.add", json!({ "subject": "nothing", "object": vm, "action": "viewer" })),
    ] {
        ensure!(admin.refused(method, params).await?.code == 1, "{method} with nobody");
    }

    // Many at the same moment: each counts.
    let names: Vec<String> = (0..8).map(|number| format!("user-{number}")).collect();
    let made = names.iter().map(|name| admin.call("user.create", json!({ "email": name, "password": "p" })));
    let ids = futures::future::try_join_all(made).await?;
    let added = ids.iter().map(|id| admin.call("group.addUser", json!({ "id": second, "userId": id })));
    futures::future::try_join_all(added).await?;
    let members = async || -> Result<usize> {
        let groups = admin.call("group.getAll", json!({})).await?;
        let found = groups.as_array().context("a list")?.iter().find(|group| group["id"] == second);
        Ok(found.context("the group")?["users"].as_array().context("members")?.len())
    };
    ensure!(members().await? == ids.len(), "{} members", members().await?);

    // An account goes: so does its membership. A group goes: so does what it was granted.
    admin.call("user.delete", json!({ "id": ids[0] })).await?;
    ensure!(members().await? == ids.len() - 1);
    admin.call("group.delete", json!({ "id": group })).await?;
    sees(&bob, &vm, false).await?;
    ensure!(admin.call("acl.get", json!({})).await? == json!([]), "its entries are still there");
    ensure!(bob.call("session.getUser", json!({})).await?["groups"] == json!([]));
    ensure!(admin.refused("group.delete", json!({ "id": group })).await?.code == 1, "twice");
    rig.end().await
}
