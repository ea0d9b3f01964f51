//! Access lists: what somebody was granted, and what follows from it, is what they see: by every way, and from moment to
//! moment on a socket that stays.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use rig::{Auth, Client, Rig};
use serde_json::{Value, json};
use xapi_sim::{Fleet, Sim};

use crate::watch::window;

type Objects = BTreeMap<String, Value>;

/// The table of who inherits from what, once more and on the public shape.
fn sees(objects: &Objects, granted: &BTreeSet<String>, id: &str) -> bool {
    let Some(object) = objects.get(id) else { return false };
    let own = || granted.contains(id);
    let by = |name: &str| object[name].as_str().is_some_and(|parent| parent != id && sees(objects, granted, parent));
    match object["type"].as_str().unwrap_or_default() {
        "host" | "network" | "VM-template" => own() || by("$pool"),
        "SR" | "VM" => own() || by("$container"),
        "VM-snapshot" => own() || by("$snapshot_of"),
        "VM-controller" => by("$container"),
        "VDI" => {
            let vbds = object["$VBDs"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let vms = vbds.filter_map(|vbd| objects.get(vbd)?["VM"].as_str());
            by("$SR") || vms.into_iter().any(|vm| sees(objects, granted, vm))
        }
        "VDI-snapshot" => by("$snapshot_of"),
        "VBD" => by("VDI"),
        "VIF" => by("$network") || by("$VM"),
        "PIF" | "PCI" | "task" => by("$host"),
        "PBD" => by("host") || by("SR"),
        "message" => by("$object"),
        _ => own(),
    }
}

/// REST collections and the type of their objects.
const COLLECTIONS: &[(&str, &str)] = &[
    ("hosts", "host"),
    ("messages", "message"),
    ("networks", "network"),
    ("pools", "pool"),
    ("srs", "SR"),
    ("vbds", "VBD"),
    ("vdis", "VDI"),
    ("vifs", "VIF"),
    ("vm-snapshots", "VM-snapshot"),
    ("vms", "VM"),
];

const WATCHED: [&str; 6] = ["VM", "VM-snapshot", "VDI", "VBD", "host", "message"];

/// Somebody who looks: a socket that follows everything, a live list on it, and REST.
struct Eye {
    id: String,
    client: Client,
    token: String,
    answer: Value,
}

impl Eye {
    async fn open(rig: &Rig, admin: &Client, name: &str) -> Result<Self> {
        let id = admin.call("user.create", json!({ "email": name, "password": "pass-word" })).await?;
        let client = rig.client().await?;
        client.sign_in(name, "pass-word").await?;
        client.watch().await?;
        let token = client.call("token.create", json!({})).await?;
        let asked = json!({
            "watch": "all", "type": WATCHED, "fields": ["name_label", "$container.name_label"],
            "window": { "start": 0, "count": 500 },
        });
        let answer = client.call("inventory.watch", asked).await?;
        let text = |value: &Value| value.as_str().map(str::to_owned).context("a text");
        Ok(Self { id: text(&id)?, token: text(&token)?, client, answer })
    }

    async fn grant(&self, admin: &Client, object: &str, action: &str) -> Result<()> {
        let entry = json!({ "subject": self.id, "object": object, "action": action });
        ensure!(admin.call("acl.add", entry).await? == json!(true));
        Ok(())
    }

    async fn take_back(&self, admin: &Client, object: &str, action: &str) -> Result<()> {
        let entry = json!({ "subject": self.id, "object": object, "action": action });
        ensure!(admin.call("acl.remove", entry).await? == json!(true));
        Ok(())
    }

    /// Waits until everything agrees with what was granted; returns how much is seen.
    async fn agrees(&self, rig: &Rig, admin: &Client, what: &str, granted: &[&str]) -> Result<usize> {
        let granted: BTreeSet<String> = granted.iter().map(|id| (*id).to_owned()).collect();
        let mut last = None;
        let found = rig::until(what, async || match self.look(rig, admin, &granted).await {
            Ok(found) => Some(found),
            Err(error) => {
                last = Some(error);
                None
            }
        });
        let found = found.await;
        found.map_err(|error| last.map_or(error, |last| last.context(what.to_owned())))
    }

    async fn look(&self, rig: &Rig, admin: &Client, granted: &BTreeSet<String>) -> Result<usize> {
        let all: Objects = serde_json::from_value(admin.call("xo.getAllObjects", json!({})).await?)?;
        let wanted = all.iter().filter(|(id, _)| sees(&all, granted, id));
        let wanted: Objects = wanted.map(|(id, object)| (id.clone(), object.clone())).collect();
        differ("feed", &wanted, &self.client.view().objects)?;
        let listed = self.client.call("xo.getAllObjects", json!({})).await?;
        differ("listing", &wanted, &serde_json::from_value(listed)?)?;
        let of_kind = |kind: &str| -> BTreeSet<&str> {
            wanted.iter().filter(|(_, object)| object["type"] == kind).map(|(id, _)| id.as_str()).collect()
        };

        let rest = rig.rest(Auth::Cookie("token", self.token.clone()));
        for (collection, kind) in COLLECTIONS {
            for time in 0..3 {
                let found = rest.get(&format!("/{collection}?fields=id")).await?.json();
                let found = found.as_array().context("a list")?.iter().filter_map(|object| object["id"].as_str());
                let found: BTreeSet<_> = found.collect();
                ensure!(found == of_kind(kind), "REST {collection}, time {time}: {found:?}, not {:?}", of_kind(kind));
            }
            for id in all.iter().filter(|(_, object)| object["type"] == *kind).map(|(id, _)| id).take(8) {
                let status = rest.get(&format!("/{collection}/{id}")).await?.status;
                ensure!(status == if wanted.contains_key(id) { 200 } else { 404 }, "{collection} {id}: {status}");
            }
        }

        let counts = self.client.call("inventory.counts", json!({ "by": ["type"] })).await?;
        let counts = counts.as_array().context("a list")?.iter();
        let counts: BTreeMap<_, _> = counts.map(|line| (line["type"].to_string(), line["count"].clone())).collect();
        let mut each = BTreeMap::<String, u64>::new();
        wanted.values().for_each(|object| *each.entry(object["type"].to_string()).or_default() += 1);
        let each: BTreeMap<_, _> = each.into_iter().map(|(kind, count)| (kind, json!(count))).collect();
        ensure!(counts == each, "counts {counts:?} instead of {each:?}");

        let list: BTreeSet<&str> = WATCHED.iter().flat_map(|kind| of_kind(kind)).collect();
        let row = |id: &str| {
            let object = &wanted[id];
            let mut row = json!({ "id": id, "type": object["type"] });
            let container = object["$container"].as_str().and_then(|id| wanted.get(id));
            for (name, value) in [
                ("name_label", Some(&object["name_label"])),
                ("$container.name_label", container.map(|host| &host["name_label"])),
            ] {
                if let Some(value) = value.filter(|value| !value.is_null()) {
                    row[name] = value.clone();
                }
            }
            row
        };
        let rows: Objects = list.iter().take(500).map(|id| ((*id).to_owned(), row(id))).collect();
        let shown = window(&self.answer, &self.client.view());
        ensure!(shown["total"] == list.len(), "the live list has {} of {}", shown["total"], list.len());
        differ("live list", &rows, &serde_json::from_value(shown["rows"].clone())?)?;
        Ok(wanted.len())
    }
}

/// Says what is different.
fn differ(what: &str, wanted: &Objects, found: &Objects) -> Result<()> {
    let kind = |objects: &Objects, id: &String| format!("{} {id}", objects[id]["type"]);
    let more: Vec<_> = found.keys().filter(|id| !wanted.contains_key(*id)).map(|id| kind(found, id)).collect();
    let less: Vec<_> = wanted.keys().filter(|id| !found.contains_key(*id)).map(|id| kind(wanted, id)).collect();
    ensure!(more.is_empty() && less.is_empty(), "{what}: too much: {more:?}, missing: {less:?}");
    let other = wanted.iter().find(|(id, object)| found[*id] != **object);
    ensure!(other.is_none(), "{what}: {other:?} is not as told: {:?}", other.map(|(id, _)| &found[id]));
    Ok(())
}

/// Waits until the daemon knows of a change in the pool.
async fn known(admin: &Client, what: &str, fact: impl Fn(&Value) -> bool) -> Result<()> {
    rig::until(what, async || {
        let all = admin.call("xo.getAllObjects", json!({})).await.ok()?;
        fact(&all).then_some(())
    })
    .await
}

/// Returns the reference and the id of a VM on a host, or of one that does not run.
fn vms_on(sim: &Sim, host: &str) -> Vec<(String, String)> {
    let real =
        |vm: &Value| ["is_a_template", "is_a_snapshot", "is_control_domain"].iter().all(|name| vm[*name] == false);
    let on = sim.records("VM").into_iter().filter(|(_, vm)| real(vm) && vm["resident_on"] == host);
    on.map(|(reference, vm)| (reference, vm["uuid"].as_str().unwrap_or_default().to_owned())).collect()
}

#[tokio::test]
async fn what_somebody_sees_follows_from_what_they_were_granted() -> Result<()> {
    let fleet = Fleet { vms: 24, snapshots: 6, templates: 2, messages: 10, ..Fleet::small() };
    let rig = Rig::builder().pool(fleet.options(0)).start().await?;
    let (sim, admin) = (rig.sim(0), rig.admin().await?);
    let all = admin.call("xo.getAllObjects", json!({})).await?.as_object().context("a map")?.len();
    let hosts: Vec<(String, String)> = sim
        .records("host")
        .into_iter()
        .map(|(reference, host)| (reference, host["uuid"].as_str().unwrap_or_default().to_owned()))
        .collect();
    // The master is the one that can be reached.
    let pools = sim.records("pool");
    let master = &pools.values().next().context("a pool")?["master"];
    let here = hosts.iter().find(|host| *master == json!(host.0)).context("the master")?;
    let there = hosts.iter().find(|host| *master != json!(host.0)).context("another host")?;
    let (eye, other) = (Eye::open(&rig, &admin, "eye").await?, Eye::open(&rig, &admin, "other").await?);

    // Nothing was granted: nothing is there.
    ensure!(eye.agrees(&rig, &admin, "nothing granted", &[]).await? == 0);
    // On the living socket: a VM with a snapshot comes, with all that is its.
    let with_snapshot = |vm: &&(String, String)| {
        sim.record("VM", &vm.0)
            .is_some_and(|vm| vm["snapshots"].as_array().is_some_and(|snapshots| !snapshots.is_empty()))
    };
    let local = vms_on(sim, &here.0);
    let vm = local.iter().find(with_snapshot).context("a VM with a snapshot")?;
    eye.grant(&admin, &vm.1, "viewer").await?;
    let of_vm = eye.agrees(&rig, &admin, "a VM", &[&vm.1]).await?;
    ensure!(of_vm >= 6, "a VM has disks, interfaces, snapshots: {of_vm}");
    ensure!(other.agrees(&rig, &admin, "another's VM", &[]).await? == 0);
    // The same again changes nothing. Who is granted the same sees the same.
    eye.grant(&admin, &vm.1, "viewer").await?;
    other.grant(&admin, &vm.1, "viewer").await?;
    ensure!(other.agrees(&rig, &admin, "the same VM", &[&vm.1]).await? == of_vm);
    // A host, with everything on it; the VM goes away for the other one.
    eye.grant(&admin, &there.1, "operator").await?;
    other.take_back(&admin, &vm.1, "viewer").await?;
    let granted = [vm.1.as_str(), there.1.as_str()];
    let with_host = eye.agrees(&rig, &admin, "a host", &granted).await?;
    ensure!(with_host > of_vm);
    ensure!(other.agrees(&rig, &admin, "taken back", &[]).await? == 0);

    // VMs come to the host and leave it; what is theirs comes and goes with them, though nothing changed in it.
    let foreign = local.iter().find(|known| known.1 != vm.1).context("another VM")?;
    sim.set("VM", &foreign.0, "resident_on", json!(there.0))?;
    known(&admin, "it came", |all| all[&foreign.1]["$container"] == there.1).await?;
    let more = eye.agrees(&rig, &admin, "a VM came", &granted).await?;
    ensure!(more > with_host, "{more} after {with_host}");
    let own = vms_on(sim, &there.0).into_iter().find(|known| known.1 != foreign.1).context("a VM of that host")?;
    sim.set("VM", &own.0, "resident_on", json!(here.0))?;
    known(&admin, "it left", |all| all[&own.1]["$container"] == here.1).await?;
    ensure!(eye.agrees(&rig, &admin, "a VM left", &granted).await? < more);
    sim.set("VM", &foreign.0, "resident_on", json!(here.0))?;
    known(&admin, "it went", |all| all[&foreign.1]["$container"] == here.1).await?;
    eye.agrees(&rig, &admin, "it went back", &granted).await?;
    // A disk of somebody else's VM is plugged into a VM that is seen, and taken out again.
    let disk = sim.records("VBD").into_values().find(|vbd| vbd["VM"] == json!(foreign.0) && vbd["type"] == "Disk");
    let disk = disk.context("a disk")?["VDI"].clone();
    let before = eye.agrees(&rig, &admin, "before the disk", &granted).await?;
    let uses = |all: &Value| {
        let uses = all.as_object().into_iter().flatten().filter(|(_, vbd)| vbd["type"] == "VBD" && vbd["VM"] == vm.1);
        uses.count()
    };
    let few = uses(&admin.call("xo.getAllObjects", json!({})).await?);
    let vbd = sim.insert("VBD", json!({ "VM": vm.0, "VDI": disk, "userdevice": "9", "type": "Disk", "mode": "RW" }))?;
    known(&admin, "plugged", |all| uses(all) == few + 1).await?;
    let shared = eye.agrees(&rig, &admin, "a shared disk", &granted).await?;
    ensure!(shared >= before + 3, "the disk, and both uses of it: {before} {shared}");
    ensure!(sim.remove("VBD", &vbd));
    known(&admin, "unplugged", |all| uses(all) == few).await?;
    ensure!(eye.agrees(&rig, &admin, "no shared disk", &granted).await? == before);
    // Plain changes arrive, a snapshot goes.
    sim.set("VM", &vm.0, "name_label", json!("renamed"))?;
    sim.set("VM", &foreign.0, "name_label", json!("renamed, too"))?;
    let snapshot = sim.record("VM", &vm.0).context("the VM")?["snapshots"][0].clone();
    let snapshot = snapshot.as_str().context("a snapshot")?;
    let id = sim.record("VM", snapshot).context("its record")?["uuid"].as_str().context("its id")?.to_owned();
    ensure!(sim.remove("VM", snapshot));
    known(&admin, "the snapshot is gone", |all| all.get(&id).is_none()).await?;
    ensure!(eye.agrees(&rig, &admin, "renamed", &granted).await? < before);

    // Levels: seen, used, changed; and what is not seen is not there.
    let mine = vms_on(sim, &there.0).into_iter().next().context("a VM of the host")?;
    for (method, id, code) in [
        ("vm.start", &vm.1, 2),
        ("vm.set", &vm.1, 2),
        ("vm.stats", &vm.1, 0),
        ("vm.start", &foreign.1, 1),
        ("vm.set", &foreign.1, 1),
        ("vm.stats", &foreign.1, 1),
        ("vm.set", &mine.1, 2),
        ("vm.stop", &mine.1, 0),
    ] {
        let params = if method == "vm.stop" { json!({ "id": id, "force": true }) } else { json!({ "id": id }) };
        let found = eye.client.attempt(method, params).await?.map_or_else(|error| error.code, |_| 0);
        ensure!(found == code, "{method} {id}: {found} instead of {code}");
    }
    known(&admin, "it stopped", |all| all[&mine.1]["power_state"] == "Halted").await?;
    eye.agrees(&rig, &admin, "its VM belongs to the pool now", &granted).await?;
    eye.grant(&admin, &mine.1, "admin").await?;
    let granted = [vm.1.as_str(), there.1.as_str(), mine.1.as_str()];
    eye.agrees(&rig, &admin, "administrator of a VM", &granted).await?;
    eye.client.call("vm.set", json!({ "id": mine.1, "name_label": "by its administrator" })).await?;
    known(&admin, "changed", |all| all[&mine.1]["name_label"] == "by its administrator").await?;
    let seen = eye.agrees(&rig, &admin, "changed by its administrator", &granted).await?;
    ensure!(seen < all, "{seen} of {all}");

    // What was granted is told as it was granted.
    let told = eye.client.call("acl.getCurrentPermissions", json!({})).await?;
    let (view, operate) = (json!({ "view": 1 }), json!({ "view": 1, "operate": 1 }));
    let all_levels = json!({ "view": 1, "operate": 1, "administrate": 1 });
    let wanted: BTreeMap<&str, Value> = granted.into_iter().zip([view, operate, all_levels]).collect();
    ensure!(told == json!(wanted), "{told}");
    let entries = admin.call("acl.get", json!({})).await?;
    let entries = entries.as_array().context("a list")?;
    ensure!(entries.len() == 3 && entries.iter().all(|entry| entry["subject"] == eye.id && entry["id"].is_string()));
    ensure!(eye.client.call("role.getAll", json!({})).await?[1]["permissions"] == json!(["view", "operate"]));
    for (entry, code) in [
        (json!({ "subject": "nobody", "object": vm.1, "action": "viewer" }), 1),
        (json!({ "subject": eye.id, "object": vm.1, "action": "owner" }), 10),
        (json!({ "subject": eye.id, "object": "a/b", "action": "viewer" }), 10),
    ] {
        ensure!(admin.refused("acl.add", entry.clone()).await?.code == code, "{entry}");
    }

    // A daemon that starts again knows it all; the sockets are new.
    ensure!(eye.client.is_closed().is_none());
    let id = eye.id.clone();
    drop((eye, other, admin));
    let mut rig = rig;
    rig.restart().await?;
    let admin = rig.admin().await?;
    let client = rig.client().await?;
    client.sign_in("eye", "pass-word").await?;
    client.watch().await?;
    client.until("the same as before", |view| (view.objects.len() == seen).then_some(())).await?;
    // An administrator needs no entries, and sees everything from the moment on that they are one.
    admin.call("user.set", json!({ "id": id, "permission": "admin" })).await?;
    let everything = admin.call("xo.getAllObjects", json!({})).await?;
    client.until("everything", |view| (json!(view.objects) == everything).then_some(())).await?;
    admin.call("user.set", json!({ "id": id, "permission": "none" })).await?;
    client.until("what was granted", |view| (view.objects.len() == seen).then_some(())).await?;
    admin.call("user.delete", json!({ "id": id })).await?;
    ensure!(admin.call("acl.get", json!({})).await? == json!([]), "entries go with the account");
    client.closed().await?;
    rig.end().await
}
