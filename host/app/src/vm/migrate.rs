//! Moving VMs: within a pool by memory alone, with their disks, and to another pool.

use std::collections::{BTreeMap, HashSet};

use access::Action;
use model::{Kind, ObjectId};
use serde::Deserialize;
use wire::Failure;
use xapi::Value;

use crate::act::empty;
use crate::ctx::Ctx;
use crate::error::Result;
use crate::object::{self, Target, reference};
use crate::resource_set;

/// How to move a VM.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Migrate {
    force: bool,
    map_vdis_srs: BTreeMap<String, String>,
    map_vifs_networks: BTreeMap<String, String>,
    bypass_assert: bool,
}

/// Moves a VM to a host. To another pool it goes with its disks and snapshots, and keeps its id: when this ends well, the
/// picture shows it there.
pub async fn migrate(
    ctx: &Ctx,
    vm: &Target,
    host: &Target,
    sr: Option<&Target>,
    network: Option<&Target>,
    options: &Migrate,
) -> Result<()> {
    let app = &ctx.app;
    let stays = vm.pool() == host.pool();
    if let Some(network) = network {
        crate::act::same_pool(host, network)?;
    }
    if stays && sr.is_none() && network.is_none() && options.map_vdis_srs.is_empty() {
        let mut how = vec![("live", "true")];
        if options.force {
            how.push(("force", "true"));
        }
        let params = vec![reference(vm), reference(host), Value::record(how)];
        match app.run(vm, "VM.pool_migrate", params).await {
            // The host does not see the disks as they are: they have to come along.
            Err(error) if error.is_xapi("VM_REQUIRES_SR") => {}
            done => return done.map(drop),
        }
    }
    are_devices(ctx, options)?;
    let disks = disks(ctx, vm, host, sr, options)?;
    // Within a pool cards keep their networks.
    let networks = if stays { empty() } else { networks(ctx, vm, host, options)? };
    let way = network.cloned().map_or_else(|| management(ctx, host), Ok)?;
    let ticket = app.run(host, "host.migrate_receive", vec![reference(host), reference(&way), empty()]).await?;
    let how = if options.force { Value::record([("force", "true")]) } else { empty() };
    let params = vec![reference(vm), ticket, true.into(), disks, networks, how];
    if !options.bypass_assert {
        match app.run(vm, "VM.assert_can_migrate", params.clone()).await {
            // That is mended below.
            Err(error) if error.is_xapi("VDI_CBT_ENABLED") => {}
            checked => drop(checked?),
        }
    }
    match app.run(vm, "VM.migrate_send", params.clone()).await {
        Err(error) if error.is_xapi("VDI_CBT_ENABLED") => {
            stop_tracking(ctx, vm).await?;
            app.run(vm, "VM.migrate_send", params).await?;
        }
        sent => drop(sent?),
    }
    if stays {
        return Ok(());
    }
    app.until(host, |snapshot| snapshot.get(vm.id().as_str()).filter(|moved| moved.pool() == host.pool()).map(drop))
        .await
}

/// Refuses maps that speak of what the caller does not see.
fn are_devices(ctx: &Ctx, options: &Migrate) -> Result<()> {
    for (map, kinds) in [(&options.map_vdis_srs, &["VDI", "VDI-snapshot"][..]), (&options.map_vifs_networks, &["VIF"])]
    {
        for id in map.keys() {
            let _seen = object::permit(ctx, id, kinds, Action::View)?;
        }
    }
    Ok(())
}

/// Has the pool track the changes of a VM's disks no more: they cannot move while it does. The next backup is a full one.
async fn stop_tracking(ctx: &Ctx, vm: &Target) -> Result<()> {
    let snapshot = ctx.app.inventory.snapshot();
    for (_, disk) in resource_set::disks_of(&snapshot, vm) {
        if disk.as_vdi().is_some_and(|vdi| vdi.cbt_enabled == Some(true)) {
            ctx.app.run(vm, "VDI.disable_cbt", vec![reference(disk)]).await?;
        }
    }
    Ok(())
}

/// Says where each disk of a VM and of its snapshots goes: as asked, else to `sr`, else nowhere if the host sees it where it is,
/// else to the default SR of the host's pool.
fn disks(ctx: &Ctx, vm: &Target, host: &Target, sr: Option<&Target>, options: &Migrate) -> Result<Value> {
    let snapshot = ctx.app.inventory.snapshot();
    let Some(current) = vm.as_vm() else { return Ok(empty()) };
    let snapshots = current.snapshots.iter().filter_map(|id| snapshot.get(id.as_str())?.as_vm());
    let places = std::iter::once(current).chain(snapshots).flat_map(|vm| vm.vbds.iter());
    let places = places.filter_map(|vbd| snapshot.get(vbd.as_str())?.as_vbd()).filter(|vbd| !vbd.is_cd_drive);
    let connections = snapshot.in_pool_of_kind(host.pool(), Kind::Pbd).filter_map(|object| object.as_pbd());
    let seen: Vec<&ObjectId> = connections
        .filter(|pbd| pbd.attached && pbd.host.as_ref() == Some(host.id()))
        .filter_map(|pbd| pbd.sr.as_ref())
        .collect();
    let mut map = Vec::new();
    for disk in places.filter_map(|vbd| snapshot.get(vbd.vdi.as_ref()?.as_str())) {
        let own = disk.as_vdi();
        // A snapshot of a disk goes where the disk goes.
        let of = own.and_then(|vdi| vdi.snapshot.as_ref()?.of.as_ref()).map(ObjectId::as_str);
        let wanted = [Some(disk.id().as_str()), of].into_iter().flatten().find_map(|id| options.map_vdis_srs.get(id));
        let present = own.and_then(|vdi| vdi.sr.as_ref()).filter(|sr| seen.contains(sr));
        let target = match (wanted, sr, present) {
            (Some(wanted), ..) => object::permit(ctx, wanted, &["SR"], Action::Administrate)?,
            (None, Some(sr), _) => sr.clone(),
            (None, None, Some(present)) => object::permit(ctx, present.as_str(), &["SR"], Action::View)?,
            (None, None, None) => {
                let default = snapshot.get(host.pool().as_str()).and_then(|pool| pool.as_pool()?.default_sr.clone());
                // One that may not be used is none, and is not named.
                let default =
                    default.and_then(|sr| object::permit(ctx, sr.as_str(), &["SR"], Action::Administrate).ok());
                let message = "name the sr: the pool of the host has no default SR that you may use";
                default.ok_or_else(|| Failure::invalid(message))?
            }
        };
        crate::act::same_pool(host, &target)?;
        map.push((disk.reference().as_str(), reference(&target)));
    }
    Ok(Value::record(map))
}

/// Says which network of the other pool each card of a VM goes to, and those cards of its snapshots that it has no more: the
/// others follow the card that they are of.
fn networks(ctx: &Ctx, vm: &Target, host: &Target, options: &Migrate) -> Result<Value> {
    let snapshot = ctx.app.inventory.snapshot();
    let Some(current) = vm.as_vm() else { return Ok(empty()) };
    let snapshots = current.snapshots.iter().filter_map(|id| snapshot.get(id.as_str())?.as_vm());
    let cards = std::iter::once(current).chain(snapshots).flat_map(|vm| vm.vifs.iter());
    let (mut map, mut addresses) = (Vec::new(), HashSet::new());
    for card in cards.filter_map(|id| snapshot.get(id.as_str())) {
        if card.as_vif().is_some_and(|vif| !addresses.insert(vif.mac.clone())) {
            continue;
        }
        let target = match options.map_vifs_networks.get(card.id().as_str()) {
            Some(wanted) => object::permit(ctx, wanted, &["network"], Action::Administrate)?,
            None => management(ctx, host)?,
        };
        crate::act::same_pool(host, &target)?;
        map.push((card.reference().as_str(), reference(&target)));
    }
    Ok(Value::record(map))
}

/// Returns the network by which a host is managed.
fn management(ctx: &Ctx, host: &Target) -> Result<Target> {
    let snapshot = ctx.app.inventory.snapshot();
    let mut cards = snapshot.in_pool_of_kind(host.pool(), Kind::Pif).filter_map(|object| object.as_pif());
    let card = cards.find(|pif| pif.management && pif.host.as_ref() == Some(host.id()));
    let network = card.and_then(|pif| pif.network.as_ref());
    let network = network.and_then(|network| object::permit(ctx, network.as_str(), &["network"], Action::View).ok());
    let message = "the host has no management network that you may use; name migrationNetwork and mapVifsNetworks";
    Ok(network.ok_or_else(|| Failure::invalid(message))?)
}
