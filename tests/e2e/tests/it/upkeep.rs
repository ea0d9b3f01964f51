//! The upkeep of hosts, pools and SRs: what hosts tell of themselves, maintenance, members that leave.

use anyhow::{Context, Result, ensure};
use rig::{Rig, View};
use serde_json::{Value, json};

use crate::devices::disk_store;

fn first(view: &View, kind: &str) -> Result<String> {
    let id = view.of_kind(kind).next().and_then(|object| object["id"].as_str());
    id.map(str::to_owned).with_context(|| format!("no {kind}"))
}

#[tokio::test]
async fn what_hosts_and_pools_tell() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let (admin, rest) = (rig.admin().await?, rig.admin_rest()?);
    admin.watch().await?;
    let view = admin.view();
    let (host, pool) = (first(&view, "host")?, first(&view, "pool")?);
    let vm = view.named("VM", "CCNET").context("a running VM")?["id"].clone();

    let bios = admin.call("host.getBiosInfo", json!({ "id": host })).await?;
    let known = rig.sim(0).by_uuid("host", &host).and_then(|host| rig.sim(0).record("host", &host));
    let version = known.context("the host")?["bios_strings"].get("bios-version").cloned();
    ensure!(bios.get("currentBiosVersion") == version.as_ref(), "{bios} {version:?}");
    ensure!(admin.call("host.isPubKeyTooShort", json!({ "id": host })).await? == json!(true));

    let missing = admin.call("pool.listMissingPatches", json!({ "host": host })).await?;
    ensure!(missing[0]["name"] == "xapi-core" && missing[0]["size"] == 5_678_901, "{missing}");
    ensure!(missing[0].get("license").is_none() && missing[0]["changelog"]["author"] == "packager", "{missing}");
    for path in [format!("/hosts/{host}/missing_patches"), format!("/pools/{pool}/missing_patches")] {
        ensure!(rest.get(&path).await?.json() == missing, "{path}");
    }
    let none = admin.call("pool.getPatchesDifference", json!({ "source": host, "target": host })).await?;
    ensure!(none == json!([]), "{none}");

    let ready = admin.call("pool.getGuestSecureBootReadiness", json!({ "id": pool })).await?;
    ensure!(ready == "not_ready", "{ready}");
    let ready = admin.call("vm.getSecurebootReadiness", json!({ "id": vm, "forceRefresh": true })).await?;
    ensure!(ready == "not_supported", "{ready}");
    ensure!(admin.call("vm.coalesceLeaf", json!({ "id": vm })).await? == json!(true));

    // There are no jobs, so there are no schedules either.
    for method in ["job", "schedule"] {
        ensure!(admin.call(&format!("{method}.getAll"), json!({})).await? == json!([]));
        ensure!(admin.refused(&format!("{method}.get"), json!({ "id": "nothing" })).await?.code == 1);
    }
    ensure!(rest.get("/schedules").await?.json() == json!([]));
    rig.end().await
}

#[tokio::test]
async fn an_sr_is_taken_out_of_service_and_back() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let admin = rig.admin().await?;
    admin.watch().await?;
    let view = admin.view();
    let sr = disk_store(&view)?;
    let sees = |view: &View, vm: &Value| {
        let places = vm["$VBDs"].as_array().into_iter().flatten().filter_map(|id| view.objects.get(id.as_str()?));
        let mut disks =
            places.filter(|vbd| vbd["attached"] == true).filter_map(|vbd| view.objects.get(vbd["VDI"].as_str()?));
        disks.any(|disk| disk["$SR"] == sr.as_str())
    };
    let users: Vec<String> = {
        let all = view.of_kind("VM").filter(|vm| vm["power_state"] == "Running" && sees(&view, vm));
        all.filter_map(|vm| vm["id"].as_str().map(str::to_owned)).collect()
    };
    ensure!(!users.is_empty());
    let chains = admin.call("sr.getVdiChainsInfo", json!({ "id": sr })).await?;
    let disks = view.of_kind("VDI").filter(|disk| disk["$SR"] == sr.as_str()).count();
    ensure!(disks > 0 && chains.as_object().is_some_and(|chains| chains.len() >= disks), "{chains}");
    ensure!(admin.call("sr.getAllUnhealthyVdiChainsLength", json!({})).await?.is_object());

    // All that use it have to be named.
    let refused = admin.refused("sr.enableMaintenanceMode", json!({ "id": sr })).await?;
    ensure!(refused.code == 10 && refused.message.contains(&users[0]), "{refused}");
    let maintenance = json!({ "id": sr, "vmsToShutdown": users });
    // What fails half-way leaves all as it was.
    rig.sim(0).fail_next("PBD.unplug", "SR_BACKEND_FAILURE", &["on purpose"]);
    let failed = admin.refused("sr.enableMaintenanceMode", maintenance.clone()).await?;
    ensure!(failed.data["code"] == "SR_BACKEND_FAILURE", "{failed}");
    let run = |view: &View, state: &str| users.iter().all(|id| view.objects[id]["power_state"] == state);
    admin.until("the VMs to run again", |view| run(view, "Running").then_some(())).await?;

    ensure!(admin.call("sr.enableMaintenanceMode", maintenance.clone()).await? == json!(true));
    let connected = |view: &View| {
        let pbds = view.objects[&sr]["$PBDs"].as_array().cloned().unwrap_or_default();
        pbds.iter().any(|id| view.objects[id.as_str().unwrap_or_default()]["attached"] == true)
    };
    let out = |view: &View| view.objects[&sr]["inMaintenanceMode"] == true && !connected(view) && run(view, "Halted");
    admin.until("the SR to be out of service", |view| out(view).then_some(())).await?;
    ensure!(admin.refused("sr.enableMaintenanceMode", maintenance).await?.code == 25);
    ensure!(admin.call("sr.disableMaintenanceMode", json!({ "id": sr })).await? == json!(true));
    let back = |view: &View| view.objects[&sr]["inMaintenanceMode"] == false && connected(view) && run(view, "Running");
    admin.until("the SR to be back", |view| back(view).then_some(())).await?;
    ensure!(admin.refused("sr.disableMaintenanceMode", json!({ "id": sr })).await?.code == 25);
    rig.end().await
}

#[tokio::test]
async fn a_configuration_is_read_from_the_drive_of_a_template() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let admin = rig.admin().await?;
    admin.watch().await?;
    let view = admin.view();
    let template = view.named("VM-template", "Other install media").context("a template")?["id"].clone();
    let config = "#cloud-config\nhostname: kept\n";
    let new = json!({
        "template": template, "name_label": "kept", "cloudConfig": config,
        "VDIs": [{ "size": "20 MiB", "SR": disk_store(&view)?, "type": "system" }],
    });
    let vm = admin.call("vm.create", new).await?;
    ensure!(admin.call("vm.convertToTemplate", json!({ "id": vm })).await? == json!(true));
    admin.until("the template", |view| view.named("VM-template", "kept").map(drop)).await?;
    let kept = admin.call("vm.getCloudInitConfig", json!({ "template": vm })).await?;
    ensure!(kept == config, "{kept}");
    ensure!(admin.refused("vm.getCloudInitConfig", json!({ "template": template })).await?.code == 1);
    rig.end().await
}

#[tokio::test]
async fn memory_of_a_control_domain_changes_out_of_service() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let admin = rig.admin().await?;
    admin.watch().await?;
    let view = admin.view();
    let (host, domain) = (first(&view, "host")?, first(&view, "VM-controller")?);
    let now = view.objects[&domain]["memory"]["static"][1].as_u64().context("memory")?;
    for memory in [now + (64 << 20), now - (64 << 20)] {
        let wanted = json!({ "id": host, "memory": memory });
        ensure!(admin.refused("host.setControlDomainMemory", wanted.clone()).await?.code == 25);
        admin.call("host.disable", json!({ "id": host })).await?;
        admin.until("the host to be out", |view| (view.objects[&host]["enabled"] == false).then_some(())).await?;
        ensure!(admin.call("host.setControlDomainMemory", wanted).await? == json!(true));
        admin
            .until("the memory", |view| (view.objects[&domain]["memory"]["static"][1] == memory).then_some(()))
            .await?;
        // It restarts, and is in service again.
        admin.until("the host to be back", |view| (view.objects.get(&host)?["enabled"] == true).then_some(())).await?;
    }
    rig.end().await
}

#[tokio::test]
async fn hosts_leave_pools_and_join_them() -> Result<()> {
    let rig = Rig::builder().pools(["pool2", "single-host"]).start().await?;
    let (admin, rest) = (rig.admin().await?, rig.admin_rest()?);
    admin.watch().await?;
    let view = admin.view();
    let pools: Vec<_> = view.of_kind("pool").cloned().collect();
    let hosts =
        |pool: &Value| view.of_kind("host").filter(|host| host["$pool"] == pool["id"]).cloned().collect::<Vec<_>>();
    let large = pools.iter().find(|pool| hosts(pool).len() > 1).context("a pool of two")?;
    let small = pools.iter().find(|pool| hosts(pool).len() == 1).context("a pool of one")?;

    // What the pool says of it reaches the caller: this one has VMs that run.
    let join = json!({ "source": small["id"], "target": large["id"] });
    let refused = admin.refused("pool.mergeInto", join.clone()).await?;
    ensure!(refused.data["code"].as_str().is_some_and(|code| code.starts_with("JOINING_HOST_")), "{refused}");
    let path = format!("/pools/{}/actions/add_host?sync=true", large["id"].as_str().unwrap_or_default());
    let refused = rest.post(&path, &json!({ "host": hosts(small)[0]["id"] })).await?;
    ensure!(refused.status == 500 && refused.text.contains("JOINING_HOST_"), "{} {}", refused.status, refused.text);
    for wrong in [json!({ "target": large["id"] }), json!({ "sources": [large["id"]], "target": large["id"] })] {
        ensure!(admin.refused("pool.mergeInto", wrong).await?.code == 10);
    }
    // The master stays; another host leaves, and is a server from now on.
    let master = json!({ "id": large["master"] });
    ensure!(admin.refused("host.detach", master).await?.data["code"] == "OPERATION_NOT_ALLOWED");
    let member = hosts(large).into_iter().find(|host| host["id"] != large["master"]).context("a member")?;
    let id = member["id"].as_str().context("an id")?.to_owned();
    for vm in view.of_kind("VM").filter(|vm| vm["$container"] == member["id"] && vm["power_state"] != "Halted") {
        admin.call("vm.stop", json!({ "id": vm["id"], "force": true })).await?;
    }
    let left = format!("/hosts/{id}/actions/detach?sync=true");
    let left = rest.post(&left, &json!({})).await?;
    ensure!(left.status == 204, "{} {}", left.status, left.text);
    admin.until("the host to be gone", |view| (!view.objects.contains_key(&id)).then_some(())).await?;
    let servers = admin.call("server.getAll", json!({})).await?;
    let new = servers.as_array().into_iter().flatten().find(|server| server["host"] == member["address"]);
    let new = new.with_context(|| format!("{servers}"))?;
    ensure!(new["enabled"] == true && new["label"] == member["name_label"], "{new}");
    ensure!(new.get("fingerprint").is_none(), "nobody has looked at its certificate yet: {new}");
    rig.end().await
}
