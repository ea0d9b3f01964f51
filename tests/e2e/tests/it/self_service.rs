//! VMs in resource sets: who may use a set makes VMs with what is in it, as far as there is room, and all that uses room is counted.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use rig::{Auth, Client, Rig};
use serde_json::{Value, json};

use crate::devices::disk_store;

const MIB: u64 = 1 << 20;

fn text(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).with_context(|| format!("{value} is no text"))
}

/// A pool, an administrator, and alice, who may use a set by her group.
struct Scene {
    rig: Rig,
    admin: Client,
    alice: Client,
    user: Value,
    group: Value,
    set: Value,
    template: Value,
    sr: Value,
    network: Value,
}

async fn scene(limits: Value) -> Result<Scene> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let admin = rig.admin().await?;
    admin.watch().await?;
    let view = admin.view();
    let template = view.named("VM-template", "Other install media").context("a template")?["id"].clone();
    let sr = json!(disk_store(&view)?);
    let network = view.of_kind("network").next().context("a network")?["id"].clone();
    let user = admin.call("user.create", json!({ "email": "alice", "password": "alice-1" })).await?;
    let group = admin.call("group.create", json!({ "name": "makers" })).await?;
    admin.call("group.addUser", json!({ "id": group, "userId": user })).await?;
    let set = json!({
        "name": "set", "subjects": [group], "objects": [template, sr, network], "limits": limits, "tags": ["of the set"],
    });
    let set = admin.call("resourceSet.create", set).await?["id"].clone();
    let alice = rig.client().await?;
    alice.sign_in("alice", "alice-1").await?;
    alice.watch().await?;
    Ok(Scene { rig, admin, alice, user, group, set, template, sr, network })
}

impl Scene {
    fn new_vm(&self, name: &str) -> Value {
        json!({
            "name_label": name, "template": self.template, "resourceSet": self.set, "CPUs": 2, "memory": 256 * MIB,
            "VDIs": [{ "SR": self.sr, "size": 10 * MIB, "type": "user" }], "VIFs": [{ "network": self.network }],
        })
    }

    async fn limits(&self) -> Result<Value> {
        Ok(self.admin.call("resourceSet.get", json!({ "id": self.set })).await?["limits"].clone())
    }

    /// Says what is used of the set: VMs, processors, MiB of memory, MiB of disks, disks, snapshots.
    async fn used(&self) -> Result<[u64; 6]> {
        let limits = self.limits().await?;
        let usage = |name: &str| limits[name]["usage"].as_u64().unwrap_or_default();
        let mib = |name: &str| usage(name) / MIB;
        Ok([usage("vms"), usage("cpus"), mib("memory"), mib("disk"), usage("disks"), usage("snapshots")])
    }

    /// What is used is this, and is what is there.
    async fn is_used(&self, when: &str, wanted: [u64; 6]) -> Result<()> {
        let used = self.used().await?;
        ensure!(used == wanted, "{when}: {used:?} and not {wanted:?}");
        self.admin.call("resourceSet.recomputeAllLimits", json!({})).await?;
        let counted = self.used().await?;
        ensure!(used == counted, "{when}: {used:?}, but there is {counted:?}");
        Ok(())
    }
}

/// Returns the ids of what somebody sees, but for tasks of the pool.
async fn seen(client: &Client) -> Result<BTreeSet<String>> {
    let all = client.call("xo.getAllObjects", json!({})).await?;
    let all = all.as_object().context("objects")?;
    Ok(all.iter().filter(|(_, object)| object["type"] != "task").map(|(id, _)| id.clone()).collect())
}

/// Returns an object and what belongs to it as a VM: its disks and cards.
fn whole(admin: &Client, id: &str) -> BTreeSet<String> {
    let view = admin.view();
    let mut ids = BTreeSet::from([id.to_owned()]);
    for device in view.objects.values().filter(|device| device["VM"] == id || device["$VM"] == id) {
        ids.extend([&device["id"], &device["VDI"]].into_iter().filter_map(Value::as_str).map(str::to_owned));
    }
    ids
}

#[tokio::test]
async fn of_a_crowd_as_many_get_in_as_there_is_room_for() -> Result<()> {
    let limits = json!({ "vms": 10, "cpus": 1000 });
    let scene = scene(limits).await?;
    let Scene { admin, alice, .. } = &scene;

    // She sees what the set offers, with what a template brings, and nothing else.
    let mut offered = whole(admin, &text(&scene.template)?);
    offered.extend([text(&scene.sr)?, text(&scene.network)?]);
    ensure!(seen(alice).await? == offered, "{:?} and not {offered:?}", seen(alice).await?);
    let asked = json!({ "user": scene.user, "object": scene.sr });
    let explained = admin.call("acl.explain", asked).await?;
    let see = &explained["operations"][0];
    let reason = &see["reasons"][0];
    ensure!(see["allowed"] == true && reason["kind"] == "resourceSet", "{see}");
    ensure!(reason["set"] == scene.set && reason["name"] == "set" && reason["object"] == scene.sr, "{see}");
    let scan = explained["operations"].as_array().context("lines")?.iter().find(|line| line["operation"] == "sr.scan");
    ensure!(scan.is_some_and(|line| line["allowed"] == false && line["visible"] == true), "{scan:?}");
    ensure!(alice.refused("sr.scan", json!({ "id": scene.sr })).await?.code == 2);

    let tries = (0..100).map(|number| alice.attempt("vm.create", scene.new_vm(&format!("vm {number}"))));
    let outcomes = futures::future::try_join_all(tries).await?;
    let (made, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    ensure!(made.len() == 10, "{} were made", made.len());
    for refusal in refused.into_iter().filter_map(Result::err) {
        ensure!(refusal.code == 24 && refusal.data[0]["resourceType"] == "vms", "{refusal}");
        ensure!(refusal.data[0]["resourceSet"] == scene.set, "{refusal}");
    }
    scene.is_used("ten", [10, 20, 2560, 100, 10, 0]).await?;
    let made = made.into_iter().filter_map(Result::ok).map(|id| text(&id)).collect::<Result<Vec<_>>>()?;
    let mut mine = offered.clone();
    let eye = scene.rig.admin().await?;
    eye.watch().await?;
    made.iter().for_each(|vm| mine.extend(whole(&eye, vm)));
    ensure!(seen(alice).await? == mine, "she sees her VMs and what they have");
    for vm in &made {
        let vm = &eye.view().objects[vm];
        ensure!(vm["resourceSet"] == scene.set && vm["tags"] == json!(["of the set"]), "{vm}");
    }

    // They go: there is room at once. What fails half-way gives back what it took.
    for vm in &made[..3] {
        alice.call("vm.delete", json!({ "id": vm })).await?;
    }
    scene.is_used("seven", [7, 14, 1792, 70, 7, 0]).await?;
    let entries = admin.call("acl.get", json!({})).await?;
    ensure!(entries.as_array().is_some_and(|entries| entries.len() == 7), "{entries}");
    scene.rig.sim(0).fail_next("VIF.create", "INTERNAL_ERROR", &["on purpose"]);
    ensure!(alice.attempt("vm.create", scene.new_vm("broken")).await?.is_err());
    rig::until("the room to be given back", async || {
        (scene.used().await.ok()? == [7, 14, 1792, 70, 7, 0]).then_some(())
    })
    .await?;
    // Administrators go over the limits.
    for number in 0..4 {
        admin.call("vm.create", scene.new_vm(&format!("admin {number}"))).await?;
    }
    scene.is_used("eleven", [11, 22, 2816, 110, 11, 0]).await?;
    ensure!(alice.refused("vm.create", scene.new_vm("one more")).await?.code == 24);

    // Another member sees none of them until they are shared; who leaves the group sees nothing.
    let bob = admin.call("user.create", json!({ "email": "bob", "password": "bob-1" })).await?;
    admin.call("group.addUser", json!({ "id": scene.group, "userId": bob })).await?;
    let bobs = scene.rig.client().await?;
    bobs.sign_in("bob", "bob-1").await?;
    bobs.watch().await?;
    ensure!(seen(&bobs).await? == offered);
    ensure!(alice.call("vm.set", json!({ "id": made[5], "share": true })).await? == json!(true));
    bobs.until("the shared VM", |view| view.objects.contains_key(&made[5]).then_some(())).await?;
    let other = admin.call("vm.create", scene.new_vm("own")).await?;
    ensure!(bobs.refused("vm.start", json!({ "id": other })).await?.code == 1);
    admin.call("group.removeUser", json!({ "id": scene.group, "userId": bob })).await?;
    bobs.until("nothing", |view| view.objects.values().all(|object| object["type"] == "task").then_some(())).await?;
    scene.rig.end().await
}

#[tokio::test]
async fn all_that_uses_room_is_counted() -> Result<()> {
    let limits = json!({ "vms": 5, "cpus": 14, "memory": 4096 * MIB, "disk": 200 * MIB, "disks": 20, "snapshots": 5 });
    let scene = scene(limits).await?;
    let Scene { admin, alice, .. } = &scene;
    let view = admin.view();
    let network = view.of_kind("network").map(|network| &network["id"]).find(|id| **id != scene.network);
    let network = network.context("another network")?.clone();
    let store = view.of_kind("SR").map(|sr| &sr["id"]).find(|id| **id != scene.sr).context("another SR")?.clone();
    for object in [&network, &store] {
        admin.call("acl.add", json!({ "subject": scene.user, "object": object, "action": "viewer" })).await?;
    }

    // What is not in the set may not be used with it, seen or not; others' sets do not exist.
    for (field, place, wanted) in [
        ("VIFs", json!([{ "network": network }]), 2),
        ("VDIs", json!([{ "SR": store, "size": MIB, "type": "user" }]), 2),
        ("VIFs", json!([{ "network": "nothing" }]), 1),
        ("resourceSet", json!("nothing"), 1),
        ("resourceSet", Value::Null, 2),
        ("CPUs", json!(15), 24),
    ] {
        let mut new = scene.new_vm("wrong");
        new[field] = place;
        let refused = alice.refused("vm.create", new).await?;
        ensure!(refused.code == wanted, "{field}: {refused}");
    }
    scene.is_used("nothing yet", [0; 6]).await?;
    let vm = alice.call("vm.create", scene.new_vm("one")).await?;
    scene.is_used("one", [1, 2, 256, 10, 1, 0]).await?;

    // Hardware.
    let settled = async |what: &str, cpus: u64| {
        admin.until(what, |view| (view.objects.get(vm.as_str()?)?["CPUs"]["number"] == cpus).then_some(())).await
    };
    alice.call("vm.set", json!({ "id": vm, "CPUs": 4, "memory": 512 * MIB })).await?;
    settled("four processors", 4).await?;
    scene.is_used("more hardware", [1, 4, 512, 10, 1, 0]).await?;
    ensure!(alice.refused("vm.set", json!({ "id": vm, "CPUs": 15 })).await?.code == 24);
    alice.call("vm.set", json!({ "id": vm, "CPUs": 3, "memory": 256 * MIB })).await?;
    settled("three processors", 3).await?;
    scene.is_used("less hardware", [1, 3, 256, 10, 1, 0]).await?;

    // Disks.
    let disk = json!({ "name": "data", "size": 20 * MIB, "sr": scene.sr, "vm": vm });
    let disk = alice.call("disk.create", disk).await?;
    scene.is_used("a second disk", [1, 3, 256, 30, 2, 0]).await?;
    for (sr, vm, size, wanted) in
        [(&scene.sr, &vm, 300 * MIB, 24), (&store, &vm, MIB, 2), (&scene.sr, &Value::Null, MIB, 2)]
    {
        let mut new = json!({ "name": "data", "size": size, "sr": sr });
        if vm.is_string() {
            new["vm"] = vm.clone();
        }
        let refused = alice.refused("disk.create", new).await?;
        ensure!(refused.code == wanted, "{sr} {size}: {refused}");
    }
    alice.call("vdi.set", json!({ "id": disk, "size": 40 * MIB })).await?;
    admin
        .until("the larger disk", |view| (view.objects.get(disk.as_str()?)?["size"] == 40 * MIB).then_some(()))
        .await?;
    scene.is_used("a larger disk", [1, 3, 256, 50, 2, 0]).await?;
    ensure!(alice.refused("vdi.set", json!({ "id": disk, "size": 400 * MIB })).await?.code == 24);
    ensure!(alice.refused("vdi.migrate", json!({ "id": disk, "sr_id": store })).await?.code == 2);
    let stays = json!({ "id": disk, "sr_id": scene.sr, "resourceSet": scene.set });
    ensure!(alice.call("vdi.migrate", stays).await? == disk);
    alice.call("vdi.delete", json!({ "id": disk })).await?;
    admin.until("no second disk", |view| (!view.objects.contains_key(disk.as_str()?)).then_some(())).await?;
    scene.is_used("one disk", [1, 3, 256, 10, 1, 0]).await?;

    // Cards.
    let card = |network: &Value| json!({ "vm": vm, "network": network });
    ensure!(alice.refused("vm.createInterface", card(&network)).await?.code == 2);
    let card = alice.call("vm.createInterface", card(&scene.network)).await?;
    ensure!(alice.refused("vif.set", json!({ "id": card, "network": network })).await?.code == 2);

    // Snapshots and copies count as much as the VM, and it back again.
    let snapshot = alice.call("vm.snapshot", json!({ "id": vm, "name": "kept" })).await?;
    scene.is_used("a snapshot", [1, 6, 512, 20, 2, 1]).await?;
    alice.call("vm.set", json!({ "id": vm, "CPUs": 1 })).await?;
    settled("one processor", 1).await?;
    scene.is_used("before it is as it was", [1, 4, 512, 20, 2, 1]).await?;
    alice.call("vm.revert", json!({ "snapshot": snapshot })).await?;
    settled("three processors again", 3).await?;
    scene.is_used("as it was", [1, 6, 512, 20, 2, 1]).await?;
    let clone = alice.call("vm.clone", json!({ "id": vm, "name": "clone", "full_copy": false })).await?;
    scene.is_used("a clone", [2, 9, 768, 30, 3, 1]).await?;
    ensure!(alice.refused("vm.copy", json!({ "vm": vm, "sr": store })).await?.code == 2);
    let copy = alice.call("vm.copy", json!({ "vm": vm, "sr": scene.sr, "name": "copy" })).await?;
    scene.is_used("a copy", [3, 12, 1024, 40, 4, 1]).await?;
    ensure!(alice.refused("vm.clone", json!({ "id": vm, "name": "much", "full_copy": false })).await?.code == 24);
    alice.call("vm.delete", json!({ "id": copy })).await?;
    alice.call("vm.delete", json!({ "id": clone })).await?;
    alice.call("vm.delete", json!({ "id": snapshot })).await?;
    scene.is_used("one again", [1, 3, 256, 10, 1, 0]).await?;

    // Out of the set and into it, by administrators: with all that it uses, and for all who may use the set.
    let into = |set: Value| json!({ "id": vm, "resourceSet": set });
    ensure!(alice.refused("vm.set", into(Value::Null)).await?.code == 2);
    alice.call("vm.snapshot", json!({ "id": vm, "name": "goes along" })).await?;
    admin.call("vm.set", into(Value::Null)).await?;
    scene.is_used("nothing", [0; 6]).await?;
    let mine = |wanted: bool| {
        let vm = vm.as_str().unwrap_or_default().to_owned();
        move |view: &rig::View| (view.objects.contains_key(&vm) == wanted).then_some(())
    };
    alice.until("no VM", mine(false)).await?;
    ensure!(admin.refused("vm.set", into(json!("nothing"))).await?.code == 1);
    ensure!(admin.refused("vm.set", json!({ "id": vm, "share": true })).await?.code == 10);
    admin.call("vm.set", into(scene.set.clone())).await?;
    scene.is_used("with its snapshot", [1, 6, 512, 20, 2, 1]).await?;
    alice.until("the VM", mine(true)).await?;
    let entries = admin.call("acl.get", json!({})).await?;
    let of_vm = entries.as_array().context("entries")?.iter().filter(|entry| entry["object"] == vm);
    ensure!(of_vm.map(|entry| &entry["subject"]).collect::<Vec<_>>() == [&scene.group], "{entries}");

    // The set goes; the VM stays.
    admin.call("resourceSet.delete", json!({ "id": scene.set })).await?;
    alice.until("no VM of the set", mine(false)).await?;
    alice.until("nothing of the set", |view| (!view.objects.contains_key(scene.sr.as_str()?)).then_some(())).await?;
    let alone = admin.view();
    ensure!(alone.objects.contains_key(&text(&vm)?) && alone.objects[&text(&vm)?].get("resourceSet").is_none());
    scene.rig.end().await
}

#[tokio::test]
async fn what_counts_in_a_set_does_not_leave_it() -> Result<()> {
    let scene = scene(json!({ "vms": 5, "disks": 3 })).await?;
    let Scene { rig, admin, alice, .. } = &scene;
    let view = admin.view();
    let own = view.of_kind("VM").next().context("a VM")?["id"].clone();
    let network = view.of_kind("network").map(|it| it["id"].clone()).find(|it| *it != scene.network);
    let network = network.context("another network")?;
    let store = view.of_kind("SR").find(|sr| sr["SR_type"] == "lvmoiscsi").context("another SR")?["id"].clone();
    for object in [&own, &network] {
        admin.call("acl.add", json!({ "subject": scene.user, "object": object, "action": "admin" })).await?;
    }
    let vm = alice.call("vm.create", scene.new_vm("of the set")).await?;
    let disk_of = async |vm: &Value| {
        let disk = |view: &rig::View| view.of_kind("VBD").find(|vbd| vbd["VM"] == *vm).map(|vbd| vbd["VDI"].clone());
        admin.until("the disk of the VM", disk).await
    };
    let disk = disk_of(&vm).await?;
    scene.is_used("one", [1, 2, 256, 10, 1, 0]).await?;

    // A disk that counts does not come to where it would not: as a disk, as a CD, by either API.
    let rest = rig.rest(Auth::Basic("alice".to_owned(), "alice-1".to_owned()));
    let status = async |path: &str, body: Value| anyhow::Ok(rest.post(path, &body).await?.status);
    for (method, params) in [
        ("vm.attachDisk", json!({ "vm": own, "vdi": disk })),
        ("vm.insertCd", json!({ "id": own, "cd_id": disk })),
        ("vm.insertCd", json!({ "id": vm, "cd_id": disk })),
    ] {
        let refused = alice.refused(method, params).await?;
        ensure!(refused.code == 2 && refused.data["permission"] == "resourceSet", "{method}: {refused}");
    }
    for kind in ["Disk", "CD", "Floppy"] {
        ensure!(status("/vbds", json!({ "VM": own, "VDI": disk, "type": kind })).await? == 403, "{kind}");
    }
    ensure!(status("/vbds", json!({ "VM": vm, "VDI": disk, "type": "CD" })).await? == 403);
    let mut booted = scene.new_vm("booted");
    booted["installation"] = json!({ "method": "cdrom", "repository": disk });
    ensure!(alice.refused("vm.create", booted).await?.code == 2);
    scene.is_used("still one", [1, 2, 256, 10, 1, 0]).await?;

    // A disk from elsewhere counts when it comes into a VM of the set, and comes only from an SR of the set.
    let foreign = async |name: &str, sr: &Value| {
        let disk = admin.call("disk.create", json!({ "name": name, "size": 20 * MIB, "sr": sr })).await?;
        admin.call("acl.add", json!({ "subject": scene.user, "object": sr, "action": "admin" })).await?;
        anyhow::Ok(disk)
    };
    let here = foreign("here", &scene.sr).await?;
    ensure!(status("/vbds", json!({ "VM": vm, "VDI": here })).await? == 201);
    scene.is_used("a disk from elsewhere", [1, 2, 256, 30, 2, 0]).await?;
    ensure!(alice.refused("vm.attachDisk", json!({ "vm": own, "vdi": here })).await?.code == 2, "it counts now");
    let there = foreign("there", &store).await?;
    ensure!(status("/vbds", json!({ "VM": vm, "VDI": there })).await? == 403);
    ensure!(alice.refused("vm.attachDisk", json!({ "vm": vm, "vdi": there })).await?.code == 2);
    // Out of the set it may go where she likes.
    let elsewhere = alice.attempt("vm.attachDisk", json!({ "vm": own, "vdi": there })).await?;
    ensure!(elsewhere.as_ref().is_ok_and(|done| *done == true), "{elsewhere:?}");

    // What lies in a drive counts for nothing, and belongs to nobody for it.
    let discs = view.of_kind("SR").find(|sr| sr["content_type"] == "iso" && sr["VDIs"] != json!([]));
    let discs = discs.context("an SR of discs")?;
    let disc = discs["VDIs"][0].clone();
    admin.call("resourceSet.addObject", json!({ "id": scene.set, "object": discs["id"] })).await?;
    let is_seen = |view: &rig::View| view.objects.contains_key(disc.as_str()?).then_some(());
    alice.until("the disc", is_seen).await?;
    ensure!(alice.call("vm.insertCd", json!({ "id": vm, "cd_id": disc })).await? == json!(true));
    scene.is_used("a disc", [1, 2, 256, 30, 2, 0]).await?;
    for method in ["vdi.delete", "vdi.set"] {
        ensure!(alice.refused(method, json!({ "id": disc })).await?.code == 2, "{method}");
    }
    ensure!(alice.call("vm.ejectCd", json!({ "id": vm })).await? == json!(true));
    scene.is_used("no disc", [1, 2, 256, 30, 2, 0]).await?;

    // There is room for one more.
    let more = foreign("more", &scene.sr).await?;
    ensure!(alice.call("vm.attachDisk", json!({ "vm": vm, "vdi": more })).await? == json!(true));
    let much = foreign("much", &scene.sr).await?;
    ensure!(alice.refused("vm.attachDisk", json!({ "vm": vm, "vdi": much })).await?.code == 24);
    let refused = rest.post("/vbds", &json!({ "VM": vm, "VDI": much })).await?;
    ensure!(refused.status >= 400, "{}", refused.status);
    scene.is_used("full", [1, 2, 256, 50, 3, 0]).await?;

    // Nor does a VM of the set get a card in a network that the set does not have.
    ensure!(status("/vifs", json!({ "vmId": vm, "networkId": network })).await? == 403);
    ensure!(status("/vifs", json!({ "vmId": vm, "networkId": scene.network })).await? == 201);
    ensure!(status("/vifs", json!({ "vmId": own, "networkId": network })).await? == 201);

    // Administrators do as they like.
    ensure!(admin.call("vm.attachDisk", json!({ "vm": own, "vdi": disk })).await? == json!(true));
    scene.rig.end().await
}
