//! Moving VMs: within a pool by memory alone, with their disks, and to another pool.

use std::collections::BTreeMap;

use access::Action;
use model::{Kind, ObjectId};
use serde::Deserialize;
use wire::Failure;
use xapi::Value;

use crate::act::empty;
use crate::ctx::Ctx;
use crate::error::Result;
use crate::object::{self, Target, reference};

/// How to move a VM.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Migrate {
    force: bool,
    map_vdis_srs: BTreeMap<String, String>,
    map_vifs_networks: BTreeMap<String, String>,
    bypass_assert: bool,
}

/// Moves a VM to a host.
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
    if stays && sr.is_none() && network.is_none() && options.map_vdis_srs.is_empty() {
        let mut how = vec![("live", "true")];
        if options.force {
            how.push(("force", "true"));
        }
        let params = vec![reference(vm), reference(host), Value::record(how)];
        return app.run(vm, "VM.pool_migrate", params).await.map(drop);
    }
    let disks = disks(ctx, vm, host, sr, options, stays)?;
    let networks = networks(ctx, vm, host, options, stays)?;
    let way = network.cloned().map_or_else(|| management(ctx, host), Ok)?;
    let ticket = app.run(host, "host.migrate_receive", vec![reference(host), reference(&way), empty()]).await?;
    let how = if options.force { Value::record([("force", "true")]) } else { empty() };
    let params = vec![reference(vm), ticket, true.into(), disks, networks, how];
    if !options.bypass_assert {
        app.run(vm, "VM.assert_can_migrate", params.clone()).await?;
    }
    app.run(vm, "VM.migrate_send", params).await.map(drop)
}

/// Says where each disk of a VM and of its snapshots goes.
fn disks(ctx: &Ctx, vm: &Target, host: &Target, sr: Option<&Target>, options: &Migrate, stays: bool) -> Result<Value> {
    let snapshot = ctx.app.inventory.snapshot();
    let Some(current) = vm.as_vm() else { return Ok(empty()) };
    let snapshots = current.snapshots.iter().filter_map(|id| snapshot.get(id.as_str())?.as_vm());
    let places = std::iter::once(current).chain(snapshots).flat_map(|vm| vm.vbds.iter());
    let places = places.filter_map(|vbd| snapshot.get(vbd.as_str())?.as_vbd()).filter(|vbd| !vbd.is_cd_drive);
    let mut map = Vec::new();
    for disk in places.filter_map(|vbd| snapshot.get(vbd.vdi.as_ref()?.as_str())) {
        let own = disk.as_vdi();
        // A snapshot of a disk goes where the disk goes.
        let of = own.and_then(|vdi| vdi.snapshot.as_ref()?.of.as_ref()).map(ObjectId::as_str);
        let wanted = [Some(disk.id().as_str()), of].into_iter().flatten().find_map(|id| options.map_vdis_srs.get(id));
        let target = match (wanted, sr) {
            (Some(wanted), _) => object::permit(ctx, wanted, &["SR"], Action::Administrate)?,
            (None, Some(sr)) => sr.clone(),
            (None, None) if stays => {
                let Some(stays) = own.and_then(|vdi| vdi.sr.as_ref()) else { continue };
                object::permit(ctx, stays.as_str(), &["SR"], Action::View)?
            }
            (None, None) => {
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

/// Says which network each card of a VM goes to.
fn networks(ctx: &Ctx, vm: &Target, host: &Target, options: &Migrate, stays: bool) -> Result<Value> {
    let snapshot = ctx.app.inventory.snapshot();
    let mut map = Vec::new();
    for vif in vm.as_vm().into_iter().flat_map(|vm| vm.vifs.iter()).filter_map(|id| snapshot.get(id.as_str())) {
        let target = match options.map_vifs_networks.get(vif.id().as_str()) {
            Some(wanted) => object::permit(ctx, wanted, &["network"], Action::Administrate)?,
            None if stays => continue,
            None => management(ctx, host)?,
        };
        crate::act::same_pool(host, &target)?;
        map.push((vif.reference().as_str(), reference(&target)));
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
