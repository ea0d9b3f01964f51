//! VMs from their making to their end by REST alone, as Go programs do it.

use anyhow::{Context, Result, ensure};
use rig::{Rest, Rig};
use serde_json::{Value, json};

use crate::devices::disk_store;

/// Waits for an action that makes something; returns the address of it.
async fn make(rest: &Rest, path: &str, collection: &str, body: Value) -> Result<String> {
    let made = rest.post(&format!("{path}?sync=true"), &body).await?;
    let id = made.json()["id"].as_str().map(str::to_owned).with_context(|| format!("{path}: {}", made.text))?;
    let address = format!("/{collection}/{id}");
    let location = format!("/rest/v0{address}");
    ensure!(made.status == 201 && made.header("location") == Some(&location), "{path}: {} {}", made.status, made.text);
    Ok(address)
}

async fn delete(rest: &Rest, path: &str) -> Result<u16> {
    Ok(rest.send("DELETE", &format!("/rest/v0{path}"), &[], b"").await?.status)
}

#[tokio::test]
async fn a_vm_is_made_copied_kept_and_deleted() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let (admin, rest) = (rig.admin().await?, rig.admin_rest()?);
    admin.watch().await?;
    let view = admin.view();
    let pool = view.of_kind("pool").next().context("a pool")?["id"].as_str().context("an id")?.to_owned();
    let template = view.named("VM-template", "Other install media").context("a template")?["id"].clone();
    let sr = disk_store(&view)?;
    let network = view.of_kind("network").next().context("a network")?["id"].clone();
    let create = format!("/pools/{pool}/actions/create_vm");
    let new = json!({
        "name_label": "made", "name_description": "by a test", "template": template, "cpus": 2, "boot": true,
        "vdis": [{ "name_label": "root", "size": 20_971_520, "sr": sr }],
        "vifs": [{ "network": network, "mac": "02:00:00:00:00:12" }],
    });
    let vm = make(&rest, &create, "vms", new.clone()).await?;
    let shown = rest.get(&vm).await?.json();
    ensure!(shown["name_label"] == "made" && shown["CPUs"]["number"] == 2, "{shown}");
    ensure!(shown["name_description"] == "by a test" && shown["VIFs"].as_array().map(Vec::len) == Some(1), "{shown}");
    let disks = rest.get(&format!("{vm}/vdis?fields=name_label,size")).await?.json();
    ensure!(disks[0]["name_label"] == "root" && disks[0]["size"] == 20_971_520, "{disks}");
    let running = async |path: &str, wanted: &'static str| {
        let id = path.rsplit('/').next().unwrap_or_default().to_owned();
        let what = format!("{path} to be {wanted}");
        admin.until(&what, |view| (view.objects.get(&id)?["power_state"] == wanted).then_some(())).await
    };
    running(&vm, "Running").await?;

    // A template of nowhere, a disk that is none, and what nobody has heard of are refused.
    let mut wrong = new.clone();
    wrong["template"] = json!("nothing");
    ensure!(rest.post(&create, &wrong).await?.status == 404);
    let mut wrong = new.clone();
    wrong["vdis"] = json!([{ "name_label": "root", "unheardOf": 1 }]);
    ensure!(rest.post(&create, &wrong).await?.status == 422);
    let mut wrong = new;
    wrong["unheardOf"] = json!(1);
    ensure!(rest.post(&create, &wrong).await?.status == 422);

    // A snapshot, and back to it; another one is taken on the way. Those of others are not its own.
    let snapshot =
        make(&rest, &format!("{vm}/actions/snapshot"), "vm-snapshots", json!({ "name_label": "kept" })).await?;
    ensure!(rest.get(&snapshot).await?.json()["name_label"] == "kept");
    let copy = make(&rest, &format!("{vm}/actions/clone"), "vms", json!({ "name_label": "copy" })).await;
    let copy = match copy {
        Ok(copy) => copy,
        // A running VM cannot be cloned.
        Err(_) => {
            let stop = rest.post(&format!("{vm}/actions/hard_shutdown?sync=true"), &json!({})).await?;
            ensure!(stop.status == 204, "{}", stop.text);
            running(&vm, "Halted").await?;
            make(&rest, &format!("{vm}/actions/clone"), "vms", json!({ "name_label": "copy" })).await?
        }
    };
    ensure!(rest.get(&copy).await?.json()["name_label"] == "copy");
    let back = json!({ "snapshotId": snapshot.rsplit('/').next(), "snapshotBefore": true });
    let foreign = rest.post(&format!("{copy}/actions/revert_snapshot?sync=true"), &back).await?;
    ensure!(foreign.status == 404, "{} {}", foreign.status, foreign.text);
    let before = rest.get("/vm-snapshots").await?.json().as_array().map_or(0, Vec::len);
    let reverted = rest.post(&format!("{vm}/actions/revert_snapshot?sync=true"), &back).await?;
    ensure!(reverted.status == 204, "{} {}", reverted.status, reverted.text);
    ensure!(rest.get("/vm-snapshots").await?.json().as_array().map_or(0, Vec::len) == before + 1);

    // Each is deleted under its own address and no other.
    let id = snapshot.rsplit('/').next().unwrap_or_default();
    ensure!(delete(&rest, &format!("/vms/{id}")).await? == 404, "a snapshot is no VM");
    for path in [&snapshot, &copy, &vm] {
        ensure!(delete(&rest, path).await? == 204, "{path}");
        let id = path.rsplit('/').next().unwrap_or_default();
        admin.until("it to be gone", |view| (!view.objects.contains_key(id)).then_some(())).await?;
        ensure!(rest.get(path).await?.status == 404, "{path}");
    }
    rig.end().await
}

#[tokio::test]
async fn disks_cards_and_srs_are_made_with_all_their_properties() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let (admin, rest) = (rig.admin().await?, rig.admin_rest()?);
    admin.watch().await?;
    let view = admin.view();
    let one = |kind: &str| view.of_kind(kind).next().map(|object| object["id"].clone()).context("an object");
    let vm = view.named("VM", "CCNET").context("a running VM")?["id"].clone();
    let made = async |collection: &str, body: Value| {
        let made = rest.post(collection, &body).await?;
        ensure!(made.status == 201, "{collection}: {} {}", made.status, made.text);
        let id = made.json()["id"].as_str().context("an id")?.to_owned();
        let address = format!("{collection}/{id}");
        let location = format!("/rest/v0{address}");
        ensure!(made.header("location") == Some(&location), "{collection}: {:?}", made.header("location"));
        anyhow::Ok((address, id))
    };

    let new = json!({
        "srId": disk_store(&view)?, "virtual_size": 10_485_760, "name_label": "data", "name_description": "of a test",
        "tags": ["kept"], "type": "user", "other_config": { "a": "b" },
    });
    let (disk, id) = made("/vdis", new).await?;
    let shown = rest.get(&disk).await?.json();
    ensure!(shown["name_description"] == "of a test" && shown["tags"] == json!(["kept"]), "{shown}");
    let new = json!({ "VM": vm, "VDI": id, "mode": "RO", "bootable": false, "type": "Disk", "userdevice": "7" });
    let (place, _) = made("/vbds", new.clone()).await?;
    let shown = rest.get(&place).await?.json();
    ensure!(
        shown["VM"] == vm && shown["VDI"] == id && shown["position"] == "7" && shown["read_only"] == true,
        "{shown}"
    );
    // It was plugged in: the VM runs. The same place is taken now.
    let attached = async || (rest.get(&place).await.ok()?.json()["attached"] == true).then_some(());
    rig::until("the disk to be plugged in", attached).await?;
    ensure!(rest.post("/vbds", &new).await?.status == 500);
    ensure!(rest.post("/vbds", &json!({ "VM": vm, "VDI": id, "mode": "W" })).await?.status == 422);
    ensure!(delete(&rest, &place).await? == 204 && delete(&rest, &disk).await? == 204);

    let new = json!({
        "vmId": vm, "networkId": one("network")?, "MAC": "02:00:00:00:00:34", "MTU": 1400, "currently_attached": true,
        "ipv4_allowed": ["192.0.2.7"], "other_config": { "a": "b" },
    });
    let (card, _) = made("/vifs", new).await?;
    let shown = rest.get(&card).await?.json();
    ensure!(shown["MTU"] == 1400 && shown["lockingMode"] == "locked", "{shown}");
    ensure!(shown["allowedIpv4Addresses"] == json!(["192.0.2.7"]), "{shown}");
    let attached = async || (rest.get(&card).await.ok()?.json()["attached"] == true).then_some(());
    rig::until("the card to be plugged in", attached).await?;
    ensure!(delete(&rest, &card).await? == 204);

    let new = json!({
        "hostId": one("host")?, "name_label": "share", "SR_type": "nfs", "name_description": "of a test",
        "device_config": { "server": "192.0.2.1", "serverpath": "/srv" },
    });
    let (sr, _) = made("/srs", new.clone()).await?;
    let shown = rest.get(&sr).await?.json();
    ensure!(shown["shared"] == true && shown["SR_type"] == "nfs" && shown["content_type"] == "user", "{shown}");
    ensure!(delete(&rest, &sr).await? == 204);
    for (kind, status) in [("linstor", 501), ("unheard-of", 500)] {
        let mut new = new.clone();
        new["SR_type"] = json!(kind);
        let refused = rest.post("/srs", &new).await?;
        ensure!(refused.status == status, "{kind}: {} {}", refused.status, refused.text);
    }
    rig.end().await
}

#[tokio::test]
async fn hosts_and_pools_are_taken_out_of_service() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let (admin, rest) = (rig.admin().await?, rig.admin_rest()?);
    admin.watch().await?;
    let view = admin.view();
    let id = |kind: &str| view.of_kind(kind).next().and_then(|object| object["id"].as_str()).context("an id");
    let (host, pool) = (format!("/hosts/{}", id("host")?), format!("/pools/{}", id("pool")?));
    ensure!(rest.get(&format!("{host}/smt")).await?.json() == json!({ "enabled": true }));
    let enabled = async |wanted: bool| {
        let fact = async || (rest.get(&host).await.ok()?.json()["enabled"] == wanted).then_some(());
        rig::until("the host to be in or out of service", fact).await
    };
    let disable = format!("{host}/actions/disable?sync=true");
    ensure!(rest.post(&disable, &json!({ "evacuate": false })).await?.status == 204);
    enabled(false).await?;
    ensure!(rest.post(&format!("{host}/actions/enable?sync=true"), &json!({})).await?.status == 204);
    enabled(true).await?;
    // There is no other host for its VMs, so it stays in service.
    let refused = rest.post(&disable, &json!({ "evacuate": true })).await?;
    ensure!(refused.status >= 400, "{} {}", refused.status, refused.text);
    enabled(true).await?;
    let useless = rest.post(&disable, &json!({ "vmIdsToForceMigrate": ["nothing"] })).await?;
    ensure!(useless.status == 422, "{} {}", useless.status, useless.text);

    let down = rest.post(&format!("{pool}/actions/emergency_shutdown?sync=true"), &json!({})).await?;
    ensure!(down.status == 204, "{} {}", down.status, down.text);
    let vm = view.named("VM", "CCNET").and_then(|vm| vm["id"].as_str()).context("a VM that ran")?.to_owned();
    admin
        .until("its VMs to be suspended", |view| (view.objects.get(&vm)?["power_state"] == "Suspended").then_some(()))
        .await?;
    rig.end().await
}
