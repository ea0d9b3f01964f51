//! The VMs of a set: which they are, what they use, who shares them.
//!
//! What stays on the storage - the disk that is taken out of its VM, or that a VM leaves behind - stays counted: otherwise a set
//! would have no end. An administrator counts anew.

use std::sync::Arc;

use access::Action;
use inventory::Snapshot;
use model::{Kind, Object};
use serde_json::Value;
use wire::Failure;

use super::reserve::{self, give_back};
use super::{Amounts, ResourceSet};
use crate::acl::{self, Acl};
use crate::ctx::{App, Ctx};
use crate::error::Result;
use crate::ip_pool;
use crate::object::{self, Target, reference};

/// Where a VM says which set it belongs to.
const OF_VM: &str = "xo:resource_set";

/// Returns the VMs and snapshots of a set.
pub(super) fn vms_of(app: &App, id: &str) -> Vec<Arc<Object>> {
    let snapshot = app.inventory.snapshot();
    let kinds = [Kind::Vm, Kind::VmSnapshot];
    let all = kinds.iter().flat_map(|kind| snapshot.of_kind(*kind));
    all.filter(|vm| set_of(vm).as_deref() == Some(id)).cloned().collect()
}

/// Returns the set that a VM says it belongs to.
pub fn set_of(vm: &Object) -> Option<String> {
    Some(vm.as_vm()?.rare().resource_set.as_ref()?.to_string())
}

impl App {
    /// Returns the set that a VM or snapshot belongs to, if there is such a set.
    pub(crate) fn home_of(&self, vm: &Object) -> Result<Option<ResourceSet>> {
        let Some(id) = set_of(vm).filter(|_| vm.kind() != Kind::VmTemplate) else { return Ok(None) };
        match self.resource_set(&id) {
            Err(crate::Error { failure: Failure::NoSuchObject { .. }, .. }) => Ok(None),
            other => other.map(|stored| Some(stored.value)),
        }
    }
}

/// Returns the disks of a VM with their positions, whoever may see them.
pub(crate) fn disks_of<'a>(
    snapshot: &'a Snapshot,
    vm: &'a Object,
) -> impl Iterator<Item = (&'a str, &'a Arc<Object>)> + 'a {
    let places = vm.as_vm().into_iter().flat_map(|vm| vm.vbds.iter());
    let places = places.filter_map(|vbd| snapshot.get(vbd.as_str())?.as_vbd()).filter(|vbd| !vbd.is_cd_drive);
    places.filter_map(|vbd| Some((&*vbd.position, snapshot.get(vbd.vdi.as_ref()?.as_str())?)))
}

/// Returns the VMs and snapshots that have a disk, those that have it in a CD drive left out: there it counts for nothing.
pub(crate) fn vms_with(app: &App, disk: &Object) -> Vec<Arc<Object>> {
    let snapshot = app.inventory.snapshot();
    let places = disk.as_vdi().into_iter().flat_map(|vdi| vdi.vbds.iter());
    let places = places.filter_map(|vbd| snapshot.get(vbd.as_str())?.as_vbd()).filter(|vbd| !vbd.is_cd_drive);
    places.filter_map(|vbd| snapshot.get(vbd.vm.as_ref()?.as_str())).cloned().collect()
}

/// Refuses to put a disk where it does not count if it counts in a set: it would go on to be there when the VM of the set, and
/// what it is counted for, are gone. Administrators may.
pub(crate) fn may_leave(ctx: &Ctx, disk: &Object) -> Result<()> {
    if ctx.caller.is_admin() {
        return Ok(());
    }
    for vm in vms_with(&ctx.app, disk) {
        if ctx.app.home_of(&vm)?.is_some() {
            let object = Some((disk.id().to_string(), disk.kind().as_str().to_owned()));
            return Err(Failure::Unauthorized { permission: "resourceSet".to_owned(), object }.into());
        }
    }
    Ok(())
}

/// Returns whether a VM or snapshot counts for more than its number.
pub(crate) fn counts(app: &App, vm: &Object) -> bool {
    vm.kind() != Kind::VmSnapshot || !app.settings.ignore_snapshots
}

/// Returns what a VM uses: its processors, its memory, its disks, its addresses. A snapshot uses as much as its VM, as a
/// snapshot, but for the addresses.
pub fn amounts_of(app: &App, vm: &Object) -> Amounts {
    let amounts = amounts_as(app, vm, vm.kind());
    if vm.kind() != Kind::Vm {
        return amounts;
    }
    let given = ip_pool::Given::of_all(&app.inventory.snapshot(), vm);
    amounts.and(&ip_pool::amounts(app, &given))
}

/// Returns what a copy of a VM uses that is of a kind; a copy has no addresses.
pub(crate) fn amounts_as(app: &App, vm: &Object, kind: Kind) -> Amounts {
    let snapshot = app.inventory.snapshot();
    let is_snapshot = kind == Kind::VmSnapshot;
    let mut amounts = Amounts::from([(if is_snapshot { "snapshots" } else { "vms" }, 1)]);
    let Some(current) = vm.as_vm().filter(|_| !is_snapshot || !app.settings.ignore_snapshots) else { return amounts };
    let number = |number: i64| u64::try_from(number).unwrap_or_default();
    amounts.add("cpus", number(current.cpus.number));
    amounts.add("memory", number(current.memory.dynamic[1]));
    for (_, disk) in disks_of(&snapshot, vm) {
        amounts.add_disk(disk.as_vdi().map_or(0, |vdi| number(vdi.size)));
    }
    amounts
}

/// Returns the calls by which a VM says which set it belongs to; none = to none.
fn calls(vm: &Object, set: Option<&str>) -> Vec<(&'static str, Vec<xapi::Value>)> {
    let mut calls = vec![("VM.remove_from_other_config", vec![reference(vm), OF_VM.into()])];
    if let Some(set) = set {
        let text = Value::from(set).to_string();
        calls.push(("VM.add_to_other_config", vec![reference(vm), OF_VM.into(), text.into()]));
    }
    calls
}

/// Has a VM say that it belongs to a set, or to none.
pub(crate) async fn enter(app: &App, on: &Target, vm: &Object, set: Option<&str>) -> Result<()> {
    for (method, params) in calls(vm, set) {
        app.call(on, method, params).await?;
    }
    Ok(())
}

/// Moves a VM and its snapshots, or a snapshot, to another set or to none, with what they use. Entries on it end, and the
/// subjects of the new set get theirs. Who asks must be allowed to do so.
pub(crate) async fn transfer(ctx: &Ctx, vm: &Target, to: Option<&str>) -> Result<()> {
    let (app, from) = (&ctx.app, set_of(vm));
    if from.as_deref() == to {
        return Ok(());
    }
    let snapshot = app.inventory.snapshot();
    let snapshots = vm.as_vm().into_iter().flat_map(|vm| vm.snapshots.iter());
    let snapshots = snapshots.filter_map(|id| snapshot.get(id.as_str())).filter(|one| set_of(one) == from);
    let all: Vec<&Object> = std::iter::once(&***vm).chain(snapshots.map(|one| &**one)).collect();
    let used = all.iter().fold(Amounts::default(), |sum, one| sum.and(&amounts_of(app, one)));
    let room = match to {
        Some(to) => Some(reserve::change_in(ctx, to, &Amounts::default(), &used).await?),
        None => None,
    };
    for one in &all {
        enter(app, vm, one, to).await?;
    }
    reserve::commit(room).await;
    if let Some(from) = from {
        give_back(app, &from, &used).await;
    }
    app.forget_object(vm.id().as_str()).await?;
    if let Some(to) = to {
        share(app, to, vm.id().as_str()).await?;
    }
    let is_there = |vm: &&Arc<Object>| set_of(vm).as_deref() == to;
    let is_whole =
        |snapshot: &Snapshot| all.iter().all(|one| snapshot.by_ref(one.reference()).filter(is_there).is_some());
    app.until(vm, |snapshot| is_whole(snapshot).then_some(())).await
}

/// Gives every subject of a set the role "admin" on a VM.
pub(crate) async fn share(app: &Arc<App>, set: &str, vm: &str) -> Result<()> {
    for subject in app.resource_set(set)?.value.subjects {
        match acl::add(&Ctx::daemon(app), Acl { subject, object: vm.to_owned(), action: "admin".into() }).await {
            // An account that is gone.
            Err(crate::Error { failure: Failure::NoSuchObject { .. }, .. }) => {}
            other => other?,
        }
    }
    Ok(())
}

/// Takes what somebody was granted on the VMs of a set.
pub(super) async fn end_sharing(ctx: &Ctx, id: &str, subject: &str) -> Result<()> {
    let vms = vms_of(&ctx.app, id);
    ctx.app.forget_entries(subject, |object| vms.iter().any(|vm| vm.id().as_str() == object)).await
}

/// Takes all VMs and snapshots out of a set.
pub(super) async fn detach_all(ctx: &Ctx, id: &str) -> Result<()> {
    for vm in vms_of(&ctx.app, id) {
        // A snapshot has gone with its VM.
        if ctx.app.inventory.snapshot().get(vm.id().as_str()).and_then(|vm| set_of(vm)).as_deref() == Some(id) {
            let vm = object::permit(ctx, vm.id().as_str(), &[], Action::Administrate)?;
            transfer(ctx, &vm, None).await?;
        }
    }
    Ok(())
}
