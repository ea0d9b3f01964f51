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
