//! Making a VM from a template.
//!
//! ```text
//!   check all that is asked -> room in the resource set, if it is to belong to one
//!     -> clone -> provision -> (in the picture) -> settings -> disks -> cards -> drive -> (in the picture) -> entries
//!          +---- what fails from here on takes the VM, its disks and the room back
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use access::Action;
use model::{Kind, Object};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tracing::{info, warn};
use wire::Failure;
use xapi::Value;

mod plan;

use self::plan::Plan;
use super::config_drive;
use super::set::{self, Changes, put_creation};
use crate::acl::{self, Acl};
use crate::act::{NULL, date, empty, is_something};
use crate::ctx::Ctx;
use crate::disk::{self, Place};
use crate::error::{Error, Result};
use crate::ip_pool;
use crate::network::NewCard;
use crate::object::{self, Target, present, reference};
use crate::resource_set::{self, ResourceSet};

/// How long a new VM may take until its guest answers, before the drive of its configuration is taken for read.
const BOOTED: Duration = Duration::from_secs(600);

/// How long cloud-init may read after its guest has answered.
const READ: Duration = Duration::from_secs(300);

/// A new VM. What can also be changed later is in [`Changes`], from the same parameters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct New {
    #[serde(rename = "name_label")]
    name_label: String,
    #[serde(default)]
    acls: Vec<Grant>,
    #[serde(default)]
    boot_after_create: bool,
    cloud_config: Option<String>,
    network_config: Option<String>,
    #[serde(default)]
    core_os: bool,
    clone: Option<bool>,
    #[serde(default)]
    create_vtpm: bool,
    #[serde(default)]
    copy_host_bios_strings: bool,
    #[serde(default)]
    destroy_cloud_config_vdi_after_boot: bool,
    installation: Option<Installation>,
    resource_set: Option<String>,
    share: Option<bool>,
    #[serde(rename = "VIFs", default)]
    cards: Option<Vec<Card>>,
    #[serde(rename = "VDIs", default)]
    disks: Option<Vec<Disk>>,
    #[serde(default)]
    existing_disks: Option<BTreeMap<String, Disk>>,
    #[serde(default, deserialize_with = "present")]
    affinity_host: Option<Option<String>>,
}

#[derive(Clone, Debug, Deserialize)]
struct Grant {
    subject: String,
    action: String,
}

#[derive(Debug, Deserialize)]
struct Installation {
    method: String,
    #[serde(default)]
    repository: String,
}

#[derive(Debug, Deserialize)]
struct Card {
    network: String,
    #[serde(flatten)]
    card: NewCard,
}

/// A disk to make, or what to make of one that the template brings.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Disk {
    size: Option<Json>,
    #[serde(rename = "SR")]
    sr: Option<String>,
    #[serde(rename = "$SR")]
    other_sr: Option<String>,
    name_label: Option<String>,
    name_description: Option<String>,
    userdevice: Option<String>,
    destroy: bool,
}

/// Makes a VM and returns its id; when it answers, the VM is in the picture. It takes the right to the pool, or a resource set.
pub async fn create(
    ctx: &Ctx,
    template: &Target,
    hardware: &Hardware<'_>,
    new: &New,
    changes: &Changes,
) -> Result<String> {
    let app = &ctx.app;
    let set = match new.resource_set.as_deref().filter(|set| !set.is_empty()) {
        Some(set) => Some(resource_set::get(ctx, set)?),
        None => {
            needs_pool(ctx, template)?;
            None
        }
    };
    if let Some(host) = new.affinity_host.as_ref().and_then(Option::as_deref).filter(|host| !host.is_empty()) {
        let _host = object::permit_to(ctx, host, &["host"], Action::View, "allow-vm")?;
    }
    if !new.acls.is_empty() {
        let _admin = access::admin(&ctx.caller)?;
    }
    let plan = plan::plan(ctx, template, hardware, new, set)?;
    let calls = set::plan(ctx, template, changes)?;
    // Held until the picture shows who has them.
    let _held = ip_pool::hold(ctx, plan.set.as_ref(), &[], &plan.given)?;
    let room = match &plan.set {
        Some(set) => {
            let amounts = plan.amounts(app, template, &calls);
            Some(resource_set::reserve(ctx, &set.id, &plan.used(template), amounts).await?)
        }
        None => None,
    };
    let name = Value::from(&*new.name_label);
    let vm = if new.clone.unwrap_or(true) {
        app.make(template, "VM.clone", vec![reference(template), name]).await?
    } else {
        app.make(template, "VM.copy", vec![reference(template), name, NULL.into()]).await?
    };
    let made = async {
        let made = furnish(ctx, template, &vm, &plan, new, changes).await?;
        for Grant { subject, action } in new.acls.iter().cloned() {
            acl::add(ctx, Acl { subject, object: made.0.clone(), action }).await?;
        }
        if let Some(set) = &plan.set {
            hand_over(ctx, set, new, &made.0).await?;
        }
        Ok(made)
    };
    let (id, drive) = match made.await {
        Ok(made) => made,
        Err(error) => {
            if let Err(left) = app.erase(template, &vm, true).await {
                warn!(vm, error = %left, "a VM that could not be finished stays");
            }
            return Err(error);
        }
    };
    if let Some(room) = room {
        match app.inventory.snapshot().get(&id) {
            Some(vm) => room.commit_as(&resource_set::amounts_of(app, vm)).await,
            None => room.commit().await,
        }
    }
    if new.boot_after_create {
        // What was made may be started by who made it.
        let ctx = Ctx::daemon(app);
        let vm = object::permit(&ctx, &id, &["VM"], Action::Operate)?;
        let drive = drive.filter(|_| new.destroy_cloud_config_vdi_after_boot);
        app.workers.spawn(format!("first start of {id}"), async move {
            if let Err(error) = first_start(&ctx, &vm, drive).await {
                warn!(vm = %vm.id(), %error, "a new VM was made, but its first start went wrong");
            }
        });
    }
    Ok(id)
}

/// A VM without a resource set takes space from the whole pool.
fn needs_pool(ctx: &Ctx, template: &Target) -> Result<()> {
    let refused = |_| {
        let object = Some((template.pool().to_string(), "pool".to_owned()));
        Error::from(Failure::Unauthorized { permission: Action::Administrate.to_string(), object })
    };
    let pool = template.pool().as_str();
    let _pool = object::permit_to(ctx, pool, &["pool"], Action::Administrate, "create:vm").map_err(refused)?;
    Ok(())
}

/// Gives a VM of a resource set to who made it, or to all who may use the set.
async fn hand_over(ctx: &Ctx, set: &ResourceSet, new: &New, vm: &str) -> Result<()> {
    if new.share.unwrap_or(set.share_by_default) {
        return resource_set::share(&ctx.app, &set.id, vm).await;
    }
    acl::own(ctx, vm).await
}

/// Graphics that a new VM gets.
#[derive(Default)]
pub struct Hardware<'a> {
    /// Group of cards and the way to cut them.
    pub graphics: Option<(&'a Target, &'a Target)>,
}

type Drive = (Box<str>, Box<str>);

async fn furnish(
    ctx: &Ctx,
    template: &Target,
    vm: &str,
    plan: &Plan<'_>,
    new: &New,
    changes: &Changes,
) -> Result<(String, Option<Drive>)> {
    let app = &ctx.app;
    // All that was asked for was permitted by now; the new VM is nobody's yet.
    let maker = &Ctx::daemon(app);
    // We make the disks ourselves, where they are wanted.
    app.call(template, "VM.remove_from_other_config", vec![vm.into(), "disks".into()]).await?;
    app.run(template, "VM.provision", vec![vm.into()]).await?;
    let is_vm = |object: &Arc<Object>| object.kind() == Kind::Vm;
    let known = app.until(template, |snapshot| snapshot.by_ref(vm).filter(|vm| is_vm(vm)).cloned()).await?;
    let target = object::permit(maker, known.id().as_str(), &["VM"], Action::Administrate)?;
    let set = plan.set.as_ref().map(|set| set.id.as_str());
    if set.is_some() || resource_set::set_of(&target).is_some() {
        // A copy says what its template says.
        resource_set::enter(app, &target, &target, set).await?;
    }
    let mut calls = set::plan(maker, &target, changes)?;
    let tags = plan.set.iter().flat_map(|set| &set.tags);
    calls.extend(tags.map(|tag| ("VM.add_tags", vec![tag.as_str().into()])));
    let creation = json!({
        "date": date(app.clock.now()),
        "template": template.uuid(),
        "user": ctx.caller.principal().map(|principal| principal.id.to_string()),
    });
    put_creation(&target, creation, &mut calls);
    app.each(&target, calls).await?;
    boot_from(ctx, &target, new).await?;
    if new.copy_host_bios_strings {
        let host = match new.affinity_host.as_ref().and_then(Option::as_deref).filter(|host| !host.is_empty()) {
            Some(host) => reference(&*object::get(ctx, host, &["host"])?),
            None => {
                let pool = object::get(maker, template.pool().as_str(), &["pool"])?;
                app.call(template, "pool.get_master", vec![reference(&pool)]).await?
            }
        };
        app.run(&target, "VM.copy_bios_strings", vec![vm.into(), host]).await?;
    }
    if let Some((group, kind)) = plan.graphics {
        app.run(&target, "VGPU.create", vec![vm.into(), reference(group), "0".into(), empty(), reference(kind)])
            .await?;
    }
    if new.create_vtpm {
        app.run(&target, "VTPM.create", vec![vm.into(), false.into()]).await?;
    }
    let mut made = disks(maker, &target, plan).await?;
    if let Some(disc) = &plan.disc {
        disk::insert_cd(ctx, &target, disc, true, true).await?;
    }
    let inherited = app.call(&target, "VM.get_VIFs", vec![vm.into()]).await?;
    for card in inherited.as_array().unwrap_or_default() {
        app.run(&target, "VIF.destroy", vec![card.clone()]).await?;
    }
    for (network, card) in &plan.cards {
        made.push(app.make_card(&target, vm, network, card).await?);
    }
    let cards = plan.cards.len();
    let complete = |vm: &Arc<Object>| {
        vm.as_vm().is_some_and(|vm| vm.vifs.len() == cards) && resource_set::set_of(vm).as_deref() == set
    };
    let shown = |made: &[Box<str>]| {
        let made = made.to_vec();
        app.until(&target, move |snapshot| {
            let all = made.iter().all(|reference| snapshot.by_ref(reference).is_some());
            snapshot.by_ref(vm).filter(|vm| all && complete(vm)).cloned()
        })
    };
    let whole = shown(&made).await?;
    let mut drive = None;
    if let Some(config) = plan.config {
        let whole = object::permit(maker, whole.id().as_str(), &["VM"], Action::Administrate)?;
        let sr = match plan.disks.first() {
            Some((sr, ..)) => sr.clone(),
            None => config_drive::home(ctx, &whole, plan.set.as_ref())?,
        };
        let (place, image) = config_drive::make(maker, &whole, &sr, config, new.network_config.as_deref()).await?;
        made.extend([place.clone(), image.clone()]);
        drive = Some((place, image));
        shown(&made).await?;
    }
    Ok((whole.id().to_string(), drive))
}

/// Says from where the VM boots first.
async fn boot_from(ctx: &Ctx, vm: &Target, new: &New) -> Result<()> {
    let Some(installation) = &new.installation else { return Ok(()) };
    let Some(current) = vm.as_vm() else { return Ok(()) };
    let app = &ctx.app;
    if &*current.virtualization_mode == "pv" {
        let repository = if installation.method == "cdrom" { "cdrom" } else { installation.repository.as_str() };
        let key = Value::from("install-repository");
        app.call(vm, "VM.remove_from_other_config", vec![reference(vm), key.clone()]).await?;
        app.call(vm, "VM.add_to_other_config", vec![reference(vm), key, repository.into()]).await?;
    } else if installation.method == "network" {
        let order = current.boot.get("order").unwrap_or_else(|| "cd".to_owned());
        let order = format!("n{}", order.replace('n', ""));
        app.call(vm, "VM.remove_from_HVM_boot_params", vec![reference(vm), "order".into()]).await?;
        app.call(vm, "VM.add_to_HVM_boot_params", vec![reference(vm), "order".into(), order.into()]).await?;
    }
    Ok(())
}

/// Makes the disks, changes or removes those that the template brought; returns what was made.
async fn disks(ctx: &Ctx, vm: &Target, plan: &Plan<'_>) -> Result<Vec<Box<str>>> {
    let app = &ctx.app;
    let mut brought = BTreeMap::new();
    let mut bootable = false;
    let places = app.call(vm, "VM.get_VBDs", vec![reference(vm)]).await?;
    for place in places.as_array().unwrap_or_default() {
        let record = app.call(vm, "VBD.get_record", vec![place.clone()]).await?;
        let text = |field: &str| record.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        bootable |= record.get("bootable").and_then(Value::as_bool).unwrap_or_default();
        if text("type") == "Disk" && is_something(&text("VDI")) {
            brought.insert(text("userdevice"), (place.clone(), text("VDI")));
        }
    }
    for position in &plan.unwanted {
        if let Some((place, image)) = brought.remove(*position) {
            app.run(vm, "VBD.destroy", vec![place]).await?;
            app.run(vm, "VDI.destroy", vec![image.into()]).await?;
        }
    }
    let mut made = Vec::new();
    for (position, sr, size, wanted) in &plan.existing {
        let Some((_, image)) = brought.get(*position) else {
            return Err(Failure::invalid(format!("the template has no disk at position {position}")).into());
        };
        let known = app.seen(vm, image).await?;
        let mut image = object::permit(ctx, known.id().as_str(), &["VDI"], Action::Administrate)?;
        let current = image.as_vdi().map_or(0, |vdi| vdi.size);
        let changes = disk::Changes::of(
            wanted.name_label.clone(),
            wanted.name_description.clone(),
            size.filter(|size| *size > current),
        );
        disk::change_image(ctx, &image, &changes).await?;
        let grown = |disk: &Arc<Object>| disk.as_vdi().is_some_and(|vdi| size.is_none_or(|size| vdi.size >= size));
        app.until(vm, |snapshot| snapshot.by_ref(image.reference()).filter(|disk| grown(disk)).map(drop)).await?;
        if let Some(sr) = sr {
            let moved = disk::relocate(ctx, &image, sr).await?;
            image = object::permit(ctx, &moved, &["VDI"], Action::Administrate)?;
        }
        made.push(image.reference().as_str().into());
    }
    for (sr, size, wanted) in &plan.disks {
        let fallback = || format!("{}_disk", vm.name_label());
        let name = wanted.name_label.clone().unwrap_or_else(fallback);
        let note = wanted.name_description.as_deref().unwrap_or("Created by XO");
        let image = app.make_image(vm, sr.reference(), &name, note, *size).await?;
        let place = Place {
            vm: vm.reference(),
            image: Some(&image),
            position: wanted.userdevice.as_deref(),
            // A paravirtualised VM boots from the CD, or from its first disk.
            bootable: !bootable && plan.disc.is_none(),
            read_only: false,
            is_cd: false,
        };
        bootable = true;
        match app.make_place(vm, place).await {
            Ok(place) => made.extend([place, image]),
            Err(error) => {
                app.undo(vm, "VDI.destroy", &image).await;
                return Err(error);
            }
        }
    }
    Ok(made)
}

/// Starts a new VM. The drive of its configuration is taken away when it was read.
async fn first_start(ctx: &Ctx, vm: &Target, drive: Option<Drive>) -> Result<()> {
    let app = &ctx.app;
    app.run(vm, "VM.start", vec![reference(vm), false.into(), false.into()]).await?;
    let Some((place, image)) = drive else { return Ok(()) };
    let answers =
        |vm: &Arc<Object>| vm.as_vm().and_then(|vm| vm.guest_agent.as_ref()).is_some_and(|agent| agent.agent_detected);
    let booted = async {
        while app
            .until(vm, |snapshot| snapshot.by_ref(vm.reference()).filter(|vm| answers(vm)).map(drop))
            .await
            .is_err()
        {}
    };
    let mut stop = app.workers.stop_signal();
    tokio::select! {
        _ = tokio::time::timeout(BOOTED, booted) => {}
        () = stop.wait() => return Ok(()),
    }
    tokio::select! {
        () = tokio::time::sleep(READ) => {}
        () = stop.wait() => return Ok(()),
    }
    if let Err(error) = app.run(vm, "VBD.unplug", vec![(&*place).into()]).await {
        info!(vm = %vm.id(), %error, "the drive of the configuration is not plugged in");
    }
    app.run(vm, "VBD.destroy", vec![(&*place).into()]).await?;
    let drive = app.inventory.snapshot().by_ref(&image).map(|drive| disk::amounts(drive));
    app.run(vm, "VDI.destroy", vec![(&*image).into()]).await?;
    if let Some((set, drive)) = resource_set::set_of(vm).zip(drive) {
        resource_set::give_back(app, &set, &drive).await;
    }
    Ok(())
}
