//! Fine rights: roles with privileges, for accounts and groups, beside access lists; what is allowed, what is denied, and what
//! is seen, from moment to moment.

use anyhow::{Context, Result, ensure};
use rig::{Auth, Client, Rig};
use serde_json::{Value, json};

struct Story {
    rig: Rig,
    admin: Client,
    alice: Client,
}

impl Story {
    async fn privilege(&self, role: &Value, effect: &str, what: &str, selector: Option<&str>) -> Result<Value> {
        let (resource, action) = what.split_once(' ').context("resource and action")?;
        let mut params = json!({ "roleId": role, "resource": resource, "action": action, "effect": effect });
        if let Some(selector) = selector {
            params["selector"] = json!(selector);
        }
        self.admin.call("aclPrivilege.create", params).await
    }

    /// Waits until alice's feed agrees with her listing, and that has exactly the objects that are meant.
    async fn sees(&self, what: &str, meant: impl Fn(&Value) -> bool) -> Result<usize> {
        let mut last = String::new();
        let found = rig::until(what, async || {
            let all = self.admin.call("xo.getAllObjects", json!({})).await.ok()?;
            let wanted: Value = all
                .as_object()?
                .iter()
                .filter(|(_, object)| meant(object))
                .map(|(id, o)| (id.clone(), o.clone()))
                .collect();
            let listed = self.alice.call("xo.getAllObjects", json!({})).await.ok()?;
            let told = json!(self.alice.view().objects);
            let count = wanted.as_object()?.len();
            last = format!(
                "{count} wanted, {:?} listed, told the same: {}",
                listed.as_object().map(|o| o.len()),
                told == listed
            );
            (listed == wanted && told == wanted).then_some(count)
        });
        found.await.with_context(|| last.clone())
    }

    /// Waits until the daemon knows a VM of this name.
    async fn known(&self, name: &str) -> Result<()> {
        let filter = json!({ "filter": { "type": "VM", "name_label": name } });
        let found = async || {
            let found = self.admin.call("xo.getAllObjects", filter.clone()).await.ok()?;
            (!found.as_object()?.is_empty()).then_some(())
        };
        rig::until(&format!("a VM that is called {name}"), found).await
    }

    async fn code(&self, method: &str, params: Value) -> Result<i64> {
        Ok(self.alice.attempt(method, params).await?.map_or_else(|error| error.code, |_| 0))
    }
}

#[tokio::test]
async fn roles_allow_and_deny() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let admin = rig.admin().await?;
    let id = admin.call("user.create", json!({ "email": "alice", "password": "alice-1" })).await?;
    let alice = rig.client().await?;
    alice.sign_in("alice", "alice-1").await?;
    alice.watch().await?;
    admin.watch().await?;
    let vm = admin.view().named("VM", "CCNET").context("a VM")?["id"].clone();
    let story = Story { rig, admin, alice };
    let Story { rig, admin, alice } = &story;
    let is_vm = |object: &Value| object["type"] == "VM";

    // A role without privileges is nothing; with one, it is that for all of the type, and nothing else.
    let role = admin.call("aclRole.create", json!({ "name": "starters", "description": "may start" })).await?;
    admin.call("aclRole.addUser", json!({ "id": role, "userId": id })).await?;
    ensure!(admin.refused("aclRole.addUser", json!({ "id": role, "userId": id })).await?.code == 16, "twice");
    story.sees("nothing yet", |_| false).await?;
    let read = story.privilege(&role, "allow", "vm read", None).await?;
    ensure!(story.sees("all VMs", is_vm).await? > 1);
    ensure!(story.code("vm.stop", json!({ "id": vm, "force": true })).await? == 2, "to stop was not allowed");
    story.privilege(&role, "allow", "vm shutdown:hard", None).await?;
    ensure!(story.code("vm.stop", json!({ "id": vm })).await? == 2, "only hard");
    ensure!(story.code("vm.stop", json!({ "id": vm, "force": true })).await? == 0);
    story.privilege(&role, "allow", "vm update:name_label", None).await?;
    ensure!(story.code("vm.set", json!({ "id": vm, "name_label": "renamed" })).await? == 0);
    ensure!(story.code("vm.set", json!({ "id": vm, "name_label": "x", "name_description": "x" })).await? == 2, "both");
    story.known("renamed").await?;
    story.sees("renamed", is_vm).await?;

    // A selector looks at what the object is now: what changes comes into sight and goes out of it.
    let only = json!({ "id": read, "selector": "name_label:renamed" });
    admin.call("aclPrivilege.set", only).await?;
    let renamed = |object: &Value| is_vm(object) && object["name_label"] == "renamed";
    ensure!(story.sees("the renamed one", renamed).await? == 1);
    ensure!(story.code("vm.set", json!({ "id": vm, "name_label": "another" })).await? == 0);
    ensure!(story.sees("out of sight", |_| false).await? == 0);
    ensure!(story.code("vm.set", json!({ "id": vm, "name_label": "renamed" })).await? == 1, "it is not there");
    let reference = rig.sim(0).records("VM").into_iter().find(|(_, record)| record["uuid"] == vm).context("it")?.0;
    rig.sim(0).set("VM", &reference, "name_label", json!("renamed again"))?;
    story.known("renamed again").await?;
    ensure!(
        story.sees("in sight again", |object| is_vm(object) && object["name_label"] == "renamed again").await? == 1
    );
    for (params, code) in [
        (json!({ "id": read, "selector": "name:(" }), 10),
        (json!({ "id": read, "action": "fly" }), 10),
        (json!({ "id": read, "resource": "house" }), 10),
    ] {
        ensure!(admin.refused("aclPrivilege.set", params.clone()).await?.code == code, "{params}");
    }
    admin.call("aclPrivilege.set", json!({ "id": read, "selector": null })).await?;
    story.sees("all again", is_vm).await?;

    // An entry of an access list adds to it; a "no" takes from both.
    admin.call("acl.add", json!({ "subject": id, "object": vm, "action": "admin" })).await?;
    ensure!(story.code("vm.set", json!({ "id": vm, "name_description": "by the list" })).await? == 0);
    let no = admin.call("aclRole.create", json!({ "name": "not" })).await?;
    story.privilege(&no, "deny", "vm update:name_description", None).await?;
    let group = admin.call("group.create", json!({ "name": "g" })).await?;
    admin.call("group.addUser", json!({ "id": group, "userId": id })).await?;
    admin.call("aclRole.addGroup", json!({ "id": no, "groupId": group })).await?;
    ensure!(
        story.code("vm.set", json!({ "id": vm, "name_description": "again" })).await? == 2,
        "denied by a group's role"
    );
    ensure!(story.code("vm.set", json!({ "id": vm, "name_label": "fine" })).await? == 0);
    let hide = story.privilege(&no, "deny", "vm read", Some("name_label:fine")).await?;
    // What belongs to it stays: privileges are about the object itself, and the list still grants the rest.
    let vm_id = vm.as_str().context("an id")?;
    alice.until("hidden", |view| (!view.objects.contains_key(vm_id)).then_some(())).await?;
    let listed = alice.call("xo.getAllObjects", json!({})).await?;
    ensure!(listed == json!(alice.view().objects) && listed.get(vm_id).is_none(), "told and listed differ");
    ensure!(story.code("vm.set", json!({ "id": vm, "name_label": "x" })).await? == 1, "hidden is not there");
    ensure!(
        alice.call("user.getAclPrivileges", json!({ "id": id })).await?.as_array().is_some_and(|all| all.len() == 5)
    );
    let roles = admin.call("group.getAclRoles", json!({ "id": group })).await?;
    ensure!(roles.as_array().is_some_and(|all| all.len() == 1 && all[0]["id"] == no), "{roles}");
    ensure!(admin.call("group.getAll", json!({})).await?[0]["aclRoleIds"] == json!([no]));
    admin.call("aclPrivilege.delete", json!({ "id": hide })).await?;
    // The list grants what belongs to the VM, too; privileges do not.
    let by_list = story.alice.call("xo.getAllObjects", json!({})).await?.as_object().context("a map")?.len();
    ensure!(by_list > admin.view().of_kind("VM").count(), "{by_list}");
    admin.call("acl.remove", json!({ "subject": id, "object": vm, "action": "admin" })).await?;
    story.sees("the VMs of the role", is_vm).await?;

    // A copy has the privileges and nobody; who is left without roles sees nothing.
    let copy = admin.call("aclRole.copy", json!({ "id": role })).await?;
    let of = async |role: &Value| admin.call("aclPrivilege.getAll", json!({ "roleId": role })).await;
    ensure!(of(&copy).await?.as_array().map(Vec::len) == of(&role).await?.as_array().map(Vec::len));
    let holders = |users: Value| json!({ "users": users, "groups": [] });
    ensure!(admin.call("aclRole.getHolders", json!({ "id": copy })).await? == holders(json!([])));
    ensure!(admin.call("aclRole.getHolders", json!({ "id": role })).await? == holders(json!([id])));
    admin.call("aclRole.addUser", json!({ "id": copy, "userId": id })).await?;
    admin.call("aclRole.delete", json!({ "id": role })).await?;
    story.sees("by the copy", is_vm).await?;
    admin.call("aclRole.removeUser", json!({ "id": copy, "userId": id })).await?;
    story.sees("no role", |_| false).await?;
    admin.call("aclRole.addGroup", json!({ "id": copy, "groupId": group })).await?;
    story.sees("by the group", is_vm).await?;
    admin.call("group.delete", json!({ "id": group })).await?;
    story.sees("the group is gone", |_| false).await?;
    ensure!(admin.call("aclRole.getHolders", json!({ "id": copy })).await? == holders(json!([])));
    // Nobody but an administrator changes any of it.
    ensure!(story.code("aclRole.addUser", json!({ "id": copy, "userId": id })).await? == 2);
    story.rig.end().await
}

#[tokio::test]
async fn a_role_makes_vms() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let admin = rig.admin().await?;
    let id = admin.call("user.create", json!({ "email": "alice", "password": "alice-1" })).await?;
    let alice = rig.client().await?;
    alice.sign_in("alice", "alice-1").await?;
    admin.watch().await?;
    let view = admin.view();
    let first = |kind: &str| view.of_kind(kind).next().map(|it| it["id"].clone()).context("one of a kind");
    let (pool, host, network, disc) = (first("pool")?, first("host")?, first("network")?, first("VDI")?);
    let template = view.named("VM-template", "Other install media").context("a template")?["id"].clone();
    let sr = crate::devices::disk_store(&view)?;
    let rest = rig.rest(Auth::Basic("alice".to_owned(), "alice-1".to_owned()));
    let story = Story { rig, admin, alice };
    let role = story.admin.call("aclRole.create", json!({ "name": "makers" })).await?;
    story.admin.call("aclRole.addUser", json!({ "id": role, "userId": id })).await?;
    let new = |name: &str| {
        json!({
            "name_label": name, "template": template, "CPUs": 1, "VIFs": [{ "network": network }],
            "VDIs": [{ "SR": sr, "size": 1 << 20, "type": "user", "name_label": name }],
        })
    };
    let path = format!("/pools/{}/actions/create_vm?sync=true", pool.as_str().context("an id")?);
    let by_rest = async |name: &str| {
        let new = json!({
            "name_label": name, "template": template, "vifs": [{ "network": network }],
            "vdis": [{ "sr": sr, "size": 1 << 20, "name_label": name }],
        });
        anyhow::Ok(rest.post(&path, &new).await?.status)
    };

    // To see all of it is not enough; each part of what is made takes its own right.
    ensure!(story.code("vm.create", new("hidden")).await? == 1);
    for kind in ["pool", "vm-template", "sr", "network", "vdi", "host"] {
        story.privilege(&role, "allow", &format!("{kind} read"), None).await?;
    }
    for part in ["vm-template instantiate", "pool create:vm", "vdi create", "vif create"] {
        ensure!(story.code("vm.create", new("early")).await? == 2, "before {part}");
        ensure!(by_rest("early").await? == 403, "before {part}, by REST");
        story.privilege(&role, "allow", part, None).await?;
    }
    ensure!(story.code("vm.create", new("made")).await? == 0);
    ensure!(by_rest("made by REST").await? == 201);
    for name in ["made", "made by REST"] {
        story.known(name).await?;
    }
    ensure!(story.admin.view().named("VM", "early").is_none());
    // Nothing else comes with it.
    ensure!(story.code("disk.create", json!({ "name": "a", "size": 1 << 20, "sr": sr })).await? == 2);

    // Where it starts, and from what.
    for (field, value, part) in [
        ("affinityHost", host, "host allow-vm"),
        ("installation", json!({ "method": "cdrom", "repository": disc }), "vdi boot"),
    ] {
        let mut with = new("with more");
        with[field] = value;
        ensure!(story.code("vm.create", with.clone()).await? == 2, "before {part}");
        story.privilege(&role, "allow", part, None).await?;
        ensure!(story.code("vm.create", with).await? == 0, "with {part}");
    }

    // Of what is to be made a selector picks, too.
    story.privilege(&role, "deny", "vdi create", Some("name_label:secret")).await?;
    ensure!(story.code("vm.create", new("a secret")).await? == 2);
    ensure!(story.code("vm.create", new("no such word")).await? == 0);
    story.rig.end().await
}
