//! Copies of VMs: clones, snapshots, templates; and the way back to a snapshot.

use std::sync::Arc;

use access::{Action, Graph, Linked, Verdict};
use inventory::Snapshot as Picture;
use model::{Kind, Object};
use serde::Deserialize;
use serde_json::Value as Json;
use tracing::warn;
use wire::Failure;
use xapi::Value;

use super::set::{hardware, shown};
use crate::acl;
use crate::act::{act, acts};
use crate::ctx::Ctx;
use crate::error::Result;
use crate::ip_pool::{self, Given};
use crate::object::{self, Target, reference};
use crate::resource_set::{self, Amounts, Reservation};

/// Copies a VM within its SRs: its disks as copies, or as differences from those of the original. Returns the new id.
pub async fn clone(ctx: &Ctx, vm: &Target, name: &str, full: bool) -> Result<String> {
    may_store(ctx, vm, "clone")?;
    let app = &ctx.app;
    let room = room_for(ctx, vm, resource_set::amounts_as(app, vm, Kind::Vm)).await?;
    let copy = if full {
        app.make(vm, "VM.copy", vec![reference(vm), name.into(), crate::act::NULL.into()]).await?
    } else {
        app.make(vm, "VM.clone", vec![reference(vm), name.into()]).await?
    };
    strip(ctx, vm, &copy).await?;
    resource_set::commit(room).await;
    let id = app.seen(vm, &copy).await?.id().to_string();
    own(ctx, &id).await?;
    Ok(id)
}

/// Takes from a copy of a VM of a resource set the addresses of pools, which are the original's; a copy that would keep them goes.
async fn strip(ctx: &Ctx, vm: &Target, copy: &str) -> Result<()> {
    let app = &ctx.app;
    let had = Given::of_all(&app.inventory.snapshot(), vm);
    if app.home_of(vm)?.is_none() || ip_pool::amounts(app, &had).is_empty() {
        return Ok(());
    }
    let strip = async {
        let cards = app.call(vm, "VM.get_VIFs", vec![copy.into()]).await?;
        for card in cards.as_array().unwrap_or_default() {
            for method in ["VIF.set_ipv4_allowed", "VIF.set_ipv6_allowed"] {
                app.call(vm, method, vec![card.clone(), Value::Array(Vec::new())]).await?;
            }
        }
        let is_bare = |picture: &Picture| {
            let cards = Given::of_all(picture, picture.by_ref(copy)?);
            (cards.len() == had.len() && cards.iter().all(Given::is_empty)).then_some(())
        };
        app.until(vm, is_bare).await
    };
    let Err(error) = strip.await else { return Ok(()) };
    if let Err(left) = app.erase(vm, copy, true).await {
        warn!(copy, error = %left, "a copy that has the addresses of its original stays");
    }
    Err(error)
}

/// Takes the room that a copy of a VM needs in its resource set: copies belong where the original does.
async fn room_for(ctx: &Ctx, vm: &Target, amounts: Amounts) -> Result<Option<Reservation>> {
    resource_set::change(ctx, vm, &Amounts::default(), &amounts).await
}

/// A copy belongs to who made it, as nothing else may lead to it; administrators need no entry.
async fn own(ctx: &Ctx, id: &str) -> Result<()> {
    if ctx.caller.is_admin() { Ok(()) } else { acl::own(ctx, id).await }
}

/// A copy takes space: by access lists that needs the use of the SR of each disk, or a resource set of the VM that has the SR. A
/// fine right to make copies says it all.
fn may_store(ctx: &Ctx, vm: &Target, privilege: &str) -> Result<()> {
    let snapshot = ctx.app.inventory.snapshot();
    let Some(who) = ctx.caller.principal().filter(|_| !ctx.caller.is_admin()) else { return Ok(()) };
    let verdict = snapshot.object(vm.id().as_str()).map(|vm| vm.verdict(&who.rights, privilege));
    if verdict == Some(Verdict::Allowed) {
        return Ok(());
    }
    let set = ctx.app.home_of(vm)?;
    let is_in_set = |sr: &str| set.as_ref().is_some_and(|set| resource_set::may_use(ctx, set, &[sr]).is_ok());
    let srs = resource_set::disks_of(&snapshot, vm).filter_map(|(_, disk)| disk.as_vdi()?.sr.as_ref());
    for sr in srs.filter(|sr| !is_in_set(sr.as_str())) {
        // The SR may be hidden, so the refusal does not name it.
        let refused = |_| Failure::Unauthorized { permission: Action::Operate.to_string(), object: None };
        let _sr = object::permit(ctx, sr.as_str(), &["SR"], Action::Operate).map_err(refused)?;
    }
    Ok(())
}

/// A new template is there for the whole pool, so it takes the right to the pool.
fn needs_pool(ctx: &Ctx, vm: &Target) -> Result<()> {
    let refused = |_| {
        let object = Some((vm.pool().to_string(), "pool".to_owned()));
        Failure::Unauthorized { permission: Action::Administrate.to_string(), object }
    };
    let _pool = object::permit(ctx, vm.pool().as_str(), &["pool"], Action::Administrate).map_err(refused)?;
    Ok(())
}

/// Copies a VM onto an SR of its pool and returns the new id.
pub async fn copy(ctx: &Ctx, vm: &Target, sr: &Target, name: Option<&str>) -> Result<String> {
    if vm.pool() != sr.pool() {
        // Between pools the disks go through us; that is not served yet.
        return Err(Failure::NotImplemented.into());
    }
    let app = &ctx.app;
    let amounts = resource_set::amounts_as(app, vm, Kind::Vm);
    let room = match resource_set::reserve_for(ctx, vm, &[sr.id().as_str()], amounts).await? {
        None => {
            object::needs(sr, Action::Operate)?;
            None
        }
        room => room,
    };
    let name = name.unwrap_or(vm.name_label());
    let copy = app.make(vm, "VM.copy", vec![reference(vm), name.into(), reference(sr)]).await?;
    strip(ctx, vm, &copy).await?;
    let Some(room) = room else { return Ok(app.seen(vm, &copy).await?.id().to_string()) };
    // Its disks may be larger on that SR.
    let count = resource_set::disks_of(&app.inventory.snapshot(), vm).count();
    let whole = |snapshot: &Picture| {
        let copy = snapshot.by_ref(&copy)?;
        (resource_set::disks_of(snapshot, copy).count() >= count).then(|| copy.clone())
    };
    let shown = app.until(vm, whole).await;
    let copy = resource_set::settle([room], shown, |copy| resource_set::amounts_of(app, copy)).await?;
    own(ctx, copy.id().as_str()).await?;
    Ok(copy.id().to_string())
}

/// How to take a snapshot.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Snapshot {
    name: Option<String>,
    description: Option<String>,
    save_memory: bool,
}

/// Takes a snapshot and returns its id. Disks with `[NOSNAP]` in their name are left out; with memory, all are in.
pub async fn snapshot(ctx: &Ctx, vm: &Target, options: &Snapshot) -> Result<String> {
    may_store(ctx, vm, "snapshot")?;
    let app = &ctx.app;
    let default = || format!("{}_{}", vm.name_label(), crate::act::date(app.clock.now()));
    let name: Value = options.name.clone().unwrap_or_else(default).into();
    let mut amounts = resource_set::amounts_as(app, vm, Kind::VmSnapshot);
    let mut without: Vec<Value> = Vec::new();
    if !options.save_memory {
        let snapshot = app.inventory.snapshot();
        let mut left_out = Amounts::default();
        for (_, disk) in resource_set::disks_of(&snapshot, vm) {
            if disk.name_label().contains("[NOSNAP]") {
                without.push(reference(disk));
                left_out.add_disk(disk.as_vdi().and_then(|vdi| vdi.size.try_into().ok()).unwrap_or_default());
            }
        }
        amounts = amounts.beyond(&left_out);
    }
    let room = room_for(ctx, vm, amounts).await?;
    let taken = if options.save_memory {
        app.make(vm, "VM.checkpoint", vec![reference(vm), name]).await?
    } else {
        // Older pools know no third parameter.
        let mut params = vec![reference(vm), name];
        if !without.is_empty() {
            params.push(Value::Array(without));
        }
        app.make(vm, "VM.snapshot", params).await?
    };
    resource_set::commit(room).await;
    if let Some(text) = &options.description {
        app.call(vm, "VM.set_name_description", vec![(&*taken).into(), text.as_str().into()]).await?;
    }
    Ok(app.seen(vm, &taken).await?.id().to_string())
}

/// Returns the VM of a snapshot, if the caller may change it; seeing the snapshot is not enough.
fn origin(ctx: &Ctx, snapshot: &Target) -> Result<Target> {
    let of = snapshot.as_vm().and_then(|vm| vm.rare().snapshot.as_ref()?.of.clone());
    let of = of.ok_or_else(|| Failure::invalid("the VM of this snapshot does not exist any more"))?;
    object::permit_to(ctx, of.as_str(), &["VM"], Action::Operate, "revert-snapshot")
}

/// Brings a VM back to a snapshot.
pub async fn revert(ctx: &Ctx, snapshot: &Target) -> Result<()> {
    let (vm, app) = (origin(ctx, snapshot)?, &ctx.app);
    let cards = |picture: &Picture, vm: &Object| {
        let mut cards = Given::of_all(picture, vm);
        cards.sort();
        cards
    };
    let picture = app.inventory.snapshot();
    let (had, given) = (cards(&picture, &vm), cards(&picture, snapshot));
    let _held = ip_pool::hold(ctx, app.home_of(&vm)?.as_ref(), &had, &given)?;
    let after = resource_set::amounts_as(app, snapshot, Kind::Vm).and(&ip_pool::amounts(app, &given));
    let room = resource_set::change(ctx, &vm, &resource_set::amounts_of(app, &vm), &after).await?;
    act(ctx, snapshot, "VM.revert").await?;
    if let Some(room) = room {
        room.commit().await;
        shown(ctx, &vm, &hardware(snapshot, &[])).await;
    }
    if had != given {
        let has = |picture: &Picture| (cards(picture, picture.by_ref(vm.reference())?) == given).then_some(());
        app.until(&vm, has).await?;
    }
    Ok(())
}

/// Brings a VM back to one of its snapshots; takes another one before if asked to, which is a right of its own.
pub async fn revert_to(ctx: &Ctx, vm: &Target, to: &Target, keeps_present: bool) -> Result<()> {
    let of = to.as_vm().and_then(|vm| vm.rare().snapshot.as_ref()?.of.clone());
    if of.as_ref() != Some(vm.id()) {
        return Err(Failure::no_such(to.id().as_str(), "VM-snapshot").into());
    }
    if keeps_present {
        let vm = object::permit_to(ctx, vm.id().as_str(), &["VM"], Action::Operate, "snapshot")?;
        snapshot(ctx, &vm, &Snapshot::default()).await?;
    }
    revert(ctx, to).await
}

/// Makes a template of a VM or of a snapshot.
pub async fn convert(ctx: &Ctx, vm: &Target) -> Result<()> {
    needs_pool(ctx, vm)?;
    // Templates belong to no resource set.
    resource_set::transfer(ctx, vm, None).await?;
    crate::disk::eject_cd(ctx, vm).await?;
    ctx.app.call(vm, "VM.set_is_a_template", vec![reference(vm), true.into()]).await.map(drop)
}

/// Makes a template that is a copy of a snapshot.
pub async fn copy_to_template(ctx: &Ctx, snapshot: &Target) -> Result<()> {
    needs_pool(ctx, snapshot)?;
    let app = &ctx.app;
    let copy = app.make(snapshot, "VM.clone", vec![reference(snapshot), snapshot.name_label().into()]).await?;
    app.call(snapshot, "VM.set_is_a_template", vec![(&*copy).into(), true.into()]).await?;
    let copy = app.seen(snapshot, &copy).await?;
    resource_set::enter(app, snapshot, &copy, None).await
}

/// Starts a VM once from its CD: the way into a guest that does not boot.
pub async fn recovery_start(ctx: &Ctx, vm: &Target) -> Result<()> {
    let app = &ctx.app;
    let Some(current) = vm.as_vm() else { return Err(Failure::no_such(vm.id().as_str(), "VM").into()) };
    if &*current.virtualization_mode == "pv" {
        return Err(Failure::invalid("a paravirtualised VM does not boot from a CD").into());
    }
    let before = current.boot.get("order");
    set_order(ctx, vm, Some("d")).await?;
    let started = app.run(vm, "VM.start", vec![reference(vm), false.into(), false.into()]).await;
    let restored = set_order(ctx, vm, before.as_deref()).await;
    started?;
    restored
}

async fn set_order(ctx: &Ctx, vm: &Target, order: Option<&str>) -> Result<()> {
    ctx.app.call(vm, "VM.remove_from_HVM_boot_params", vec![reference(vm), "order".into()]).await?;
    if let Some(order) = order {
        ctx.app.call(vm, "VM.add_to_HVM_boot_params", vec![reference(vm), "order".into(), order.into()]).await?;
    }
    Ok(())
}

/// Says in which order a VM tries its devices.
pub async fn set_boot_order(ctx: &Ctx, vm: &Target, order: &str) -> Result<()> {
    if vm.as_vm().is_some_and(|vm| &*vm.virtualization_mode != "hvm") {
        return Err(Failure::invalid("only an hvm VM has a boot order").into());
    }
    if !order.chars().all(|letter| "cdn".contains(letter)) {
        return Err(Failure::invalid("the order is made of c (disk), d (CD) and n (network)").into());
    }
    set_order(ctx, vm, Some(order)).await
}

/// Gives a VM PCI devices of its host, or takes them away.
pub async fn set_pcis(ctx: &Ctx, vm: &Target, pcis: &[&Arc<Object>], remove: &[String]) -> Result<()> {
    let current = vm.as_vm().and_then(|vm| vm.other.get("pci")).unwrap_or_default();
    let mut all: Vec<String> = current.split(',').filter(|pci| !pci.is_empty()).map(str::to_owned).collect();
    for pci in pcis {
        let id = pci.field("pci_id");
        let id = id.as_ref().and_then(Json::as_str).unwrap_or_default();
        let entry = format!("0/{id}");
        if !all.contains(&entry) {
            all.push(entry);
        }
    }
    all.retain(|entry| !remove.iter().any(|id| entry.ends_with(&format!("/{id}"))));
    ctx.app.call(vm, "VM.remove_from_other_config", vec![reference(vm), "pci".into()]).await?;
    if !all.is_empty() {
        let params = vec![reference(vm), "pci".into(), all.join(",").into()];
        ctx.app.call(vm, "VM.add_to_other_config", params).await?;
    }
    Ok(())
}

/// Has a host record a source of data of a VM, or forget it.
pub async fn set_data_source(ctx: &Ctx, vm: &Target, source: &str, record: bool) -> Result<()> {
    let method = if record { "VM.record_data_source" } else { "VM.forget_data_source_archives" };
    ctx.app.call(vm, method, vec![reference(vm), source.into()]).await.map(drop)
}

/// Gives a VM graphics.
pub async fn create_graphics(ctx: &Ctx, vm: &Target, group: &Target, kind: &Target) -> Result<()> {
    crate::act::same_pool(vm, group)?;
    let params = vec![reference(vm), reference(group), "0".into(), crate::act::empty(), reference(kind)];
    let made = ctx.app.make(vm, "VGPU.create", params).await?;
    ctx.app.seen(vm, &made).await.map(drop)
}

/// Gives a VM a trusted platform module and returns its id.
pub async fn create_tpm(ctx: &Ctx, vm: &Target) -> Result<String> {
    let made = ctx.app.make(vm, "VTPM.create", vec![reference(vm), false.into()]).await?;
    Ok(ctx.app.seen(vm, &made).await?.id().to_string())
}

acts! {
    /// Takes graphics away from a VM.
    delete_graphics => "VGPU.destroy";
    /// Takes the trusted platform module away from a VM.
    delete_tpm => "VTPM.destroy";
}
