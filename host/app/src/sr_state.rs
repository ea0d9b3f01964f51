//! What state SRs are in: how long the chains of their images are, and maintenance.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use access::Action;
use inventory::Snapshot;
use model::object::PowerState;
use model::{Kind, Object, ObjectId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::warn;
use wire::Failure;

use crate::ctx::Ctx;
use crate::error::Result;
use crate::object::{self, Target, reference};
use crate::sr;

/// Lengths of chains by the UUID of an image.
type Lengths = BTreeMap<String, u64>;

/// Where an SR keeps what its maintenance has stopped.
const STATE: &str = "xo:maintenanceState";

fn images<'a>(snapshot: &'a Snapshot, sr: &Object) -> impl Iterator<Item = &'a Object> {
    let all: Vec<_> = sr.as_sr().into_iter().flat_map(|sr| sr.vdis.iter()).cloned().collect();
    all.into_iter().filter_map(|id| snapshot.get(id.as_str()).map(|image| &**image))
}

/// Walks the images below one of them, nearest first.
fn below<'a>(by_uuid: &HashMap<&'a str, &'a Object>, image: &'a Object) -> Vec<&'a Object> {
    let mut chain = Vec::new();
    let mut next = Some(image);
    while let Some(parent) = next.and_then(|image| by_uuid.get(image.as_vdi()?.parent.as_deref()?).copied()) {
        // A chain that bites its own tail must not hold us.
        if chain.len() >= by_uuid.len() {
            break;
        }
        chain.push(parent);
        next = Some(parent);
    }
    chain
}

/// Counts for each disk and snapshot of an SR the images below it that `counts` takes.
fn lengths(snapshot: &Snapshot, sr: &Object, counts: impl Fn(usize) -> bool) -> Lengths {
    let by_uuid: HashMap<&str, &Object> = images(snapshot, sr).map(|image| (image.uuid(), image)).collect();
    let mut children: HashMap<&str, usize> = HashMap::new();
    for parent in by_uuid.values().filter_map(|image| image.as_vdi()?.parent.as_deref()) {
        *children.entry(parent).or_default() += 1;
    }
    let disks = by_uuid.values().filter(|image| image.kind() != Kind::VdiUnmanaged);
    let length = |image: &Object| {
        let below = below(&by_uuid, image);
        below.iter().filter(|image| counts(children.get(image.uuid()).copied().unwrap_or_default())).count() as u64
    };
    disks.map(|image| (image.uuid().to_owned(), length(image))).collect()
}

/// Returns how many images each disk of an SR stands on.
pub fn chains(ctx: &Ctx, sr: &Target) -> Lengths {
    lengths(&ctx.app.inventory.snapshot(), sr, |_| true)
}

/// Returns for each SR its disks that stand on images which nothing else stands on, and on how many: the SR should have made
/// one of them.
pub fn unhealthy_chains(ctx: &Ctx) -> Result<BTreeMap<String, Lengths>> {
    let _admin = access::admin(&ctx.caller)?;
    let snapshot = ctx.app.inventory.snapshot();
    let mut all = BTreeMap::new();
    for sr in snapshot.of_kind(Kind::Sr) {
        let mut lengths = lengths(&snapshot, sr, |children| children == 1);
        lengths.retain(|_, length| *length > 0);
        if !lengths.is_empty() {
            all.insert(sr.uuid().to_owned(), lengths);
        }
    }
    Ok(all)
}

/// What maintenance has stopped.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Stopped {
    /// UUIDs of VMs that were shut down.
    shutdown_vms: Vec<String>,
    /// UUIDs of connections that were unplugged.
    unplugged_pbds: Vec<String>,
}

/// Returns the VMs that run with a disk of an SR.
fn users(snapshot: &Snapshot, sr: &Object) -> BTreeSet<ObjectId> {
    let places = images(snapshot, sr).filter_map(Object::as_vdi).flat_map(|vdi| vdi.vbds.iter());
    let places = places.filter_map(|vbd| snapshot.get(vbd.as_str())?.as_vbd()).filter(|vbd| vbd.attached);
    let vms = places.filter_map(|vbd| snapshot.get(vbd.vm.as_ref()?.as_str()));
    let runs = |vm: &&std::sync::Arc<Object>| {
        let runs = |vm: &model::object::Vm| matches!(vm.power_state, PowerState::Running | PowerState::Paused);
        vm.kind() == Kind::Vm && vm.as_vm().is_some_and(runs)
    };
    vms.filter(runs).map(|vm| vm.id().clone()).collect()
}

fn wrong_state(sr: &Target, is_on: bool) -> Failure {
    Failure::IncorrectState {
        actual: is_on.to_string(),
        expected: (!is_on).to_string(),
        object: sr.id().to_string(),
        property: "inMaintenanceMode".to_owned(),
    }
}

/// Takes an SR out of service: shuts these VMs down, which must be all that use it, and disconnects every host. What was stopped
/// stands in the SR, so that it can begin again.
pub async fn enable_maintenance(ctx: &Ctx, sr: &Target, vms: &[String]) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let app = &ctx.app;
    if sr.as_sr().is_some_and(|sr| sr.in_maintenance_mode) {
        return Err(wrong_state(sr, true).into());
    }
    let (using, connected) = {
        let snapshot = app.inventory.snapshot();
        let pbds = sr.as_sr().into_iter().flat_map(|sr| sr.pbds.iter());
        let pbds = pbds.filter_map(|id| snapshot.get(id.as_str()));
        let connected = pbds.filter(|pbd| pbd.as_pbd().is_some_and(|pbd| pbd.attached));
        (users(&snapshot, sr), connected.map(|pbd| pbd.uuid().to_owned()).collect::<Vec<_>>())
    };
    let left: Vec<&str> = using.iter().map(ObjectId::as_str).filter(|id| !vms.iter().any(|vm| vm == id)).collect();
    if !left.is_empty() {
        let message =
            format!("name all VMs that run with disks of the SR in vmsToShutdown; missing: {}", left.join(", "));
        return Err(Failure::invalid(message).into());
    }
    let mut stopped = Stopped { shutdown_vms: Vec::new(), unplugged_pbds: connected };
    let mut targets = Vec::new();
    for id in &using {
        let vm = object::permit(ctx, id.as_str(), &["VM"], Action::Operate)?;
        stopped.shutdown_vms.push(vm.uuid().to_owned());
        targets.push(vm);
    }
    let mut halted: Vec<&Target> = Vec::new();
    let work = async {
        for vm in &targets {
            app.run(vm, "VM.clean_shutdown", vec![reference(vm)]).await?;
            halted.push(vm);
        }
        sr::connect_all(ctx, sr, false).await?;
        let state = json!(stopped).to_string();
        app.call(sr, "SR.add_to_other_config", vec![reference(sr), STATE.into(), state.into()]).await.map(drop)
    };
    let done: Result<()> = work.await;
    if done.is_err() {
        // It goes on as it was.
        if let Err(error) = sr::connect_all(ctx, sr, true).await {
            warn!(sr = %sr.id(), %error, "an SR that did not get into maintenance is not connected again");
        }
        for vm in halted {
            start(ctx, vm).await;
        }
    }
    done
}

/// Takes an SR back into service: connects the hosts and starts the VMs that maintenance has stopped.
pub async fn disable_maintenance(ctx: &Ctx, sr: &Target) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let app = &ctx.app;
    let state = sr.as_sr().and_then(|sr| sr.other_config.get(STATE));
    let Some(state) = state else { return Err(wrong_state(sr, false).into()) };
    // What another program has written there may be of another shape: then all hosts are connected, and no VM is started.
    let stopped: Option<Stopped> = serde_json::from_str(&state).ok();
    let pbds: Vec<_> = {
        let snapshot = app.inventory.snapshot();
        let pbds = sr.as_sr().into_iter().flat_map(|sr| sr.pbds.iter());
        pbds.filter_map(|id| snapshot.get(id.as_str()).cloned()).collect()
    };
    for pbd in pbds.iter().filter(|pbd| pbd.as_pbd().is_some_and(|pbd| !pbd.attached)) {
        if stopped.as_ref().is_none_or(|stopped| stopped.unplugged_pbds.iter().any(|uuid| uuid == pbd.uuid())) {
            app.run(sr, "PBD.plug", vec![reference(pbd)]).await?;
        }
    }
    for uuid in stopped.into_iter().flat_map(|stopped| stopped.shutdown_vms) {
        // One that was deleted or moved meanwhile is not missed.
        if let Ok(vm) = object::permit(ctx, &uuid, &["VM"], Action::Operate) {
            start(ctx, &vm).await;
        }
    }
    app.call(sr, "SR.remove_from_other_config", vec![reference(sr), STATE.into()]).await.map(drop)
}

/// Starts a VM; one that does not start is for the log, the others go on.
async fn start(ctx: &Ctx, vm: &Target) {
    let params = vec![reference(vm), false.into(), false.into()];
    if let Err(error) = ctx.app.run(vm, "VM.start", params).await {
        warn!(vm = %vm.id(), %error, "a VM that maintenance of an SR has stopped was not started again");
    }
}
