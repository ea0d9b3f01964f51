//! Disks, networks and what is plugged into VMs: made, changed, taken away, and seen to be so by somebody else.

use anyhow::{Context, Result, ensure};
use rig::{Client, Rig, View};
use serde_json::{Value, json};

fn id_of(value: &Value) -> Result<&str> {
    value.as_str().with_context(|| format!("{value} is no id"))
}

/// Returns the id of an SR that takes disks.
pub(crate) fn disk_store(view: &View) -> Result<String> {
    let store =
        view.of_kind("SR").find(|sr| sr["SR_type"] == "ext" || sr["SR_type"] == "lvm").context("an SR for disks")?;
    Ok(id_of(&store["id"])?.to_owned())
}

async fn property(client: &Client, id: &str, name: &str, wanted: Value) -> Result<()> {
    let what = format!("{name} of {id} to be {wanted}");
    client.until(&what, |view| (view.objects.get(id)?.get(name)? == &wanted).then_some(())).await
}

async fn gone(client: &Client, id: &str) -> Result<()> {
    client.until(&format!("{id} to be gone"), |view| (!view.objects.contains_key(id)).then_some(())).await
}

#[tokio::test]
async fn disks_come_and_go() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let (admin, eye) = (rig.admin().await?, rig.admin().await?);
    eye.watch().await?;
    let view = eye.view();
    let sr = disk_store(&view)?;
    let running = view.of_kind("VM").find(|vm| vm["power_state"] == "Running").context("a running VM")?.clone();
    let vm = id_of(&running["id"])?;

    let made = admin.call("disk.create", json!({ "name": "data", "size": "100 MiB", "sr": sr })).await?;
    let disk = id_of(&made)?;
    // Whoever lists now has it already.
    let listed = admin.call("xo.getAllObjects", json!({ "filter": { "type": "VDI", "id": disk } })).await?;
    ensure!(listed[disk]["size"] == 100 << 20 && listed[disk]["$SR"] == sr, "{listed}");

    ensure!(admin.call("vm.attachDisk", json!({ "vm": vm, "vdi": disk })).await? == json!(true));
    let vbd = eye.until("the disk in the running VM", |view| {
        let vbd = view.of_kind("VBD").find(|vbd| vbd["VDI"] == disk && vbd["VM"] == vm)?;
        (vbd["attached"] == true).then(|| vbd["id"].clone())
    });
    let vbd = vbd.await?;
    let vbd = id_of(&vbd)?;
    let refused = admin.refused("vdi.delete", json!({ "id": disk })).await?;
    ensure!(refused.code == 17 && refused.data["objectId"] == disk, "{refused}");
    ensure!(admin.call("vbd.disconnect", json!({ "id": vbd })).await? == json!(true));
    property(&eye, vbd, "attached", json!(false)).await?;
    ensure!(admin.call("vbd.connect", json!({ "id": vbd })).await? == json!(true));
    property(&eye, vbd, "attached", json!(true)).await?;
    ensure!(admin.call("vbd.delete", json!({ "id": vbd })).await? == json!(true));
    gone(&eye, vbd).await?;

    let smaller = admin.refused("vdi.set", json!({ "id": disk, "size": "1 MiB", "name_label": "small" })).await?;
    ensure!(smaller.code == 10 && smaller.message.contains("only grow"), "{smaller}");
    let changes = json!({ "id": disk, "size": "150 MiB", "name_label": "more", "name_description": "of it" });
    ensure!(admin.call("vdi.set", changes).await? == json!(true));
    property(&eye, disk, "size", json!(150 << 20)).await?;
    property(&eye, disk, "name_label", json!("more")).await?;
    ensure!(admin.call("vdi.delete", json!({ "id": disk })).await? == json!(true));
    gone(&eye, disk).await?;

    // A disk that cannot be plugged in is not left behind.
    rig.sim(0).fail_next("VBD.plug", "VM_MISSING_PV_DRIVERS", &[running["_xapiRef"].as_str().unwrap_or_default()]);
    let failed = admin.refused("disk.create", json!({ "name": "left", "size": 1_048_576, "sr": sr, "vm": vm })).await?;
    ensure!(failed.code == 11 && failed.data["objectId"] == vm, "{failed}");
    ensure!(rig.sim(0).find("VDI", "left").is_none(), "the disk stayed");
    rig.end().await
}

#[tokio::test]
async fn networks_and_cards_come_and_go() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let (admin, eye) = (rig.admin().await?, rig.admin().await?);
    eye.watch().await?;
    let view = eye.view();
    let pool = view.of_kind("pool").next().context("a pool")?["id"].clone();
    let pif = view.of_kind("PIF").find(|pif| pif["physical"] == true).context("a card")?["id"].clone();
    let running = view.of_kind("VM").find(|vm| vm["power_state"] == "Running").context("a running VM")?["id"].clone();

    let missing = admin.refused("network.create", json!({ "pool": pool, "name": "x", "pif": pif })).await?;
    ensure!(missing.code == 10 && missing.message.contains("vlan"), "{missing}");
    let plain = admin.call("network.create", json!({ "pool": pool, "name": "plain", "description": "d" })).await?;
    let plain = id_of(&plain)?;
    ensure!(rig.sim(0).find("network", "plain").is_some());
    let changes =
        json!({ "id": plain, "automatic": true, "defaultIsLocked": true, "mtu": 9000, "name_label": "named" });
    ensure!(admin.call("network.set", changes).await? == json!(true));
    for (name, wanted) in [
        ("automatic", json!(true)),
        ("defaultIsLocked", json!(true)),
        ("MTU", json!(9000)),
        ("name_label", json!("named")),
    ] {
        property(&eye, plain, name, wanted).await?;
    }
    let vlan = json!({ "pool": pool, "name": "vlan", "pif": pif, "vlan": 42 });
    let tagged = admin.call("network.create", vlan).await?;
    let tagged = id_of(&tagged)?;
    eye.until("the VLAN's card", |view| {
        view.of_kind("PIF").find(|pif| pif["$network"] == tagged && pif["vlan"] == 42).map(drop)
    })
    .await?;
    let again = json!({ "pool": pool, "name": "again", "pif": pif, "vlan": 42 });
    let twice = admin.refused("network.create", again).await?;
    ensure!(twice.code == 16 && rig.sim(0).find("network", "again").is_none(), "{twice}");
    ensure!(admin.call("network.delete", json!({ "id": tagged })).await? == json!(true));
    gone(&eye, tagged).await?;

    let new = json!({ "vm": running, "network": plain, "mac": "02:00:00:00:00:07" });
    let vif = admin.call("vm.createInterface", new).await?;
    let vif = id_of(&vif)?;
    property(&eye, vif, "MAC", json!("02:00:00:00:00:07")).await?;
    property(&eye, vif, "attached", json!(false)).await?;
    ensure!(admin.call("vif.connect", json!({ "id": vif })).await? == json!(true));
    property(&eye, vif, "attached", json!(true)).await?;
    let full = admin.refused("network.delete", json!({ "id": plain })).await?;
    ensure!(full.code == -32000 && full.data["code"] == "NETWORK_CONTAINS_VIF", "{full}");
    let limits =
        json!({ "id": vif, "allowedIpv4Addresses": ["192.0.2.7"], "rateLimit": 1000, "txChecksumming": false });
    ensure!(admin.call("vif.set", limits).await? == vif, "the same card");
    property(&eye, vif, "lockingMode", json!("locked")).await?;
    property(&eye, vif, "rateLimit", json!(1000)).await?;
    property(&eye, vif, "txChecksumming", json!(false)).await?;
    let other = admin.call("vif.set", json!({ "id": vif, "mac": "02:00:00:00:00:08" })).await?;
    let other = id_of(&other)?;
    ensure!(other != vif, "a card with another address is another card");
    gone(&eye, vif).await?;
    property(&eye, other, "attached", json!(true)).await?;
    property(&eye, other, "lockingMode", json!("locked")).await?;
    ensure!(admin.call("vif.disconnect", json!({ "id": other })).await? == json!(true));
    property(&eye, other, "attached", json!(false)).await?;
    ensure!(admin.call("vif.delete", json!({ "id": other })).await? == json!(true));
    gone(&eye, other).await?;
    ensure!(admin.call("network.delete", json!({ "id": plain })).await? == json!(true));
    gone(&eye, plain).await?;
    rig.end().await
}

#[tokio::test]
async fn bonds_are_made_on_every_host() -> Result<()> {
    let rig = Rig::builder().pools(["xs56fp1-pool2-bonds-vlans-tunnels"]).start().await?;
    let (admin, eye) = (rig.admin().await?, rig.admin().await?);
    eye.watch().await?;
    let view = eye.view();
    let pool = view.of_kind("pool").next().context("a pool")?.clone();
    let free = |pif: &&Value| {
        pif["physical"] == true
            && pif["isBondSlave"] == false
            && pif["management"] == false
            && pif["$host"] == pool["master"]
    };
    let cards: Vec<Value> = view.of_kind("PIF").filter(free).take(2).map(|pif| pif["id"].clone()).collect();
    ensure!(cards.len() == 2, "two cards that are free: {cards:?}");
    let before = view.of_kind("bond").count();
    let new = json!({ "pool": pool["id"], "name": "bonded", "pifs": cards, "bondMode": "active-backup" });
    let record = admin.call("network.createBonded", new).await?;
    let id = id_of(&record["uuid"])?;
    ensure!(record["name_label"] == "bonded", "{record}");
    let hosts = view.of_kind("host").count();
    eye.until("a bond on every host", |view| (view.of_kind("bond").count() == before + hosts).then_some(())).await?;
    property(&eye, id, "isBonded", json!(true)).await?;
    ensure!(admin.call("network.delete", json!({ "id": id })).await? == json!(true));
    gone(&eye, id).await?;
    eye.until("the bonds to be gone", |view| (view.of_kind("bond").count() == before).then_some(())).await?;
    rig.end().await
}

#[tokio::test]
async fn discs_tags_fields_and_templates() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let (admin, eye) = (rig.admin().await?, rig.admin().await?);
    eye.watch().await?;
    let view = eye.view();
    let vm = view.of_kind("VM").find(|vm| vm["power_state"] == "Running").context("a VM")?["id"].clone();
    let vm = id_of(&vm)?;
    admin.call("vm.stop", json!({ "id": vm, "force": true })).await?;
    property(&eye, vm, "power_state", json!("Halted")).await?;
    let stores: Vec<&Value> = view.of_kind("SR").filter(|sr| sr["content_type"] == "iso").map(|sr| &sr["id"]).collect();
    let disc = view.of_kind("VDI").find(|vdi| stores.contains(&&vdi["$SR"])).context("a disc")?["id"].clone();
    let in_drive = |view: &View, wanted: bool| {
        let mut drives = view.of_kind("VBD").filter(|vbd| vbd["VM"] == vm && vbd["is_cd_drive"] == true);
        (drives.any(|vbd| vbd["VDI"] == disc) == wanted).then_some(())
    };
    for _ in 0..2 {
        // The second time it replaces itself.
        ensure!(admin.call("vm.insertCd", json!({ "id": vm, "cd_id": disc })).await? == json!(true));
        eye.until("the disc in the drive", |view| in_drive(view, true)).await?;
    }
    let taken = admin.refused("vm.insertCd", json!({ "id": vm, "cd_id": disc, "force": false })).await?;
    ensure!(taken.data["code"] == "VBD_NOT_EMPTY", "{taken}");
    for _ in 0..2 {
        ensure!(admin.call("vm.ejectCd", json!({ "id": vm })).await? == json!(true));
        eye.until("the drive to be empty", |view| in_drive(view, false)).await?;
    }

    ensure!(admin.call("tag.add", json!({ "id": vm, "tag": "red" })).await? == json!(true));
    property(&eye, vm, "tags", json!(["red"])).await?;
    ensure!(admin.call("tag.remove", json!({ "id": vm, "tag": "red" })).await? == json!(true));
    property(&eye, vm, "tags", json!([])).await?;
    let vif = view.of_kind("VIF").next().context("a card")?["id"].clone();
    let none = admin.refused("tag.add", json!({ "id": vif, "tag": "red" })).await?;
    ensure!(none.code == 10 && none.message.contains("no tags"), "{none}");
    admin.call("tag.set", json!({ "id": "red", "color": "#f00" })).await?;
    let colours = admin.call("tag.getAllConfigured", json!({})).await?;
    ensure!(colours == json!([{ "id": "red", "color": "#f00" }]), "{colours}");
    admin.call("tag.set", json!({ "id": "red", "color": null })).await?;
    ensure!(admin.call("tag.getAllConfigured", json!({})).await? == json!([]));

    let field = |value: &str| json!({ "id": vm, "name": "owner", "value": value });
    admin.call("customField.add", field("a")).await?;
    let twice = admin.refused("customField.add", field("b")).await?;
    ensure!(twice.data["code"] == "MAP_DUPLICATE_KEY", "{twice}");
    admin.call("customField.set", field("b")).await?;
    let owner =
        |view: &View| view.objects.get(vm)?["other"]["XenCenter.CustomFields.owner"].as_str().map(str::to_owned);
    eye.until("the field", |view| (owner(view)? == "b").then_some(())).await?;
    admin.call("customField.remove", json!({ "id": vm, "name": "owner" })).await?;
    eye.until("no field", |view| owner(view).is_none().then_some(())).await?;

    let user = admin.call("cloudConfig.create", json!({ "name": "u", "template": "#cloud-config" })).await?;
    let net = admin.call("cloudConfig.createNetworkConfig", json!({ "name": "n", "template": "version: 2" })).await?;
    ensure!(user["name"] == "u" && user["type"].is_null() && net["type"] == "network", "{user} {net}");
    ensure!(admin.call("cloudConfig.getAll", json!({})).await? == json!([user]));
    ensure!(admin.call("cloudConfig.getAllNetworkConfigs", json!({})).await? == json!([net]));
    ensure!(admin.call("cloudConfig.update", json!({ "id": user["id"], "name": "v" })).await? == json!(true));
    let known = admin.call("cloudConfig.getAll", json!({})).await?;
    ensure!(known[0]["name"] == "v" && known[0]["template"] == "#cloud-config", "{known}");
    ensure!(admin.call("cloudConfig.delete", json!({ "id": user["id"] })).await? == json!(true));
    ensure!(admin.refused("cloudConfig.delete", json!({ "id": user["id"] })).await?.code == 1);
    rig.end().await
}
