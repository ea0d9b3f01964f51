//! Disks: images, and their places in VMs.

use std::sync::Arc;

use access::Action;
use inventory::Snapshot;
use model::Object;
use model::object::PowerState;
use serde::Deserialize;
use serde_json::Value as Json;
use wire::Failure;
use xapi::Value;

use crate::act::{act, acts, empty, is_something, same_pool};
use crate::ctx::{App, Ctx};
use crate::error::{Error, Result};
use crate::object::{self, Target, bytes, reference};
use crate::resource_set::{self, Amounts, Reservation};

acts! {
    /// Plugs a disk into its running VM.
    connect => "VBD.plug";
    /// Unplugs a disk from its running VM.
    disconnect => "VBD.unplug";
}

/// A new image.
#[derive(Debug, Deserialize)]
pub struct New {
    name: String,
    size: Json,
    #[serde(default)]
    bootable: bool,
    mode: Option<String>,
    position: Option<String>,
}

/// A place of a disk in a VM.
pub(crate) struct Place<'a> {
    /// Reference of the VM.
    pub vm: &'a str,
    /// Reference of the image; none = an empty CD drive.
    pub image: Option<&'a str>,
    /// Number of the device; none = the first that is free.
    pub position: Option<&'a str>,
    pub bootable: bool,
    pub read_only: bool,
    pub is_cd: bool,
}

impl App {
    /// Makes an image and returns its reference.
    pub(crate) async fn make_image(
        &self,
        on: &Target,
        sr: &str,
        name: &str,
        note: &str,
        size: i64,
    ) -> Result<Box<str>> {
        let record = Value::record([
            ("name_label", name.into()),
            ("name_description", note.into()),
            ("SR", sr.into()),
            ("virtual_size", Value::Int(size)),
            ("type", "user".into()),
            ("sharable", false.into()),
            ("read_only", false.into()),
            ("other_config", empty()),
        ]);
        self.make(on, "VDI.create", vec![record]).await
    }

    /// Makes a place for a disk and returns its reference.
    pub(crate) async fn make_place(&self, on: &Target, place: Place<'_>) -> Result<Box<str>> {
        let record = Value::record([
            ("VM", place.vm.into()),
            ("VDI", place.image.unwrap_or(crate::act::NULL).into()),
            ("userdevice", place.position.unwrap_or("autodetect").into()),
            ("bootable", place.bootable.into()),
            ("mode", if place.read_only { "RO" } else { "RW" }.into()),
            ("type", if place.is_cd { "CD" } else { "Disk" }.into()),
            ("empty", place.image.is_none().into()),
            ("other_config", empty()),
            ("qos_algorithm_type", "".into()),
            ("qos_algorithm_params", empty()),
        ]);
        self.make(on, "VBD.create", vec![record]).await
    }

    /// Makes a place for an image in a VM and plugs it in if the VM runs; what cannot be plugged in gets no place.
    async fn place(&self, vm: &Target, image: &str, how: &How<'_>) -> Result<Box<str>> {
        let place = Place {
            vm: vm.reference(),
            image: Some(image),
            position: how.position,
            bootable: how.bootable,
            read_only: how.read_only,
            is_cd: false,
        };
        let vbd = self.make_place(vm, place).await?;
        if vm.as_vm().is_some_and(|vm| vm.power_state == PowerState::Running)
            && let Err(error) = self.run(vm, "VBD.plug", vec![(&*vbd).into()]).await
        {
            self.undo(vm, "VBD.destroy", &vbd).await;
            return Err(error);
        }
        Ok(vbd)
    }
}

struct How<'a> {
    position: Option<&'a str>,
    bootable: bool,
    read_only: bool,
}

fn is_read_only(mode: Option<&str>) -> Result<bool> {
    match mode {
        None | Some("RW") => Ok(false),
        Some("RO") => Ok(true),
        Some(other) => Err(Failure::invalid(format!("the mode {other} is neither RO nor RW")).into()),
    }
}

/// Makes an image, and a place for it in a VM if one is named; returns the id of the image.
pub async fn create(ctx: &Ctx, sr: &Target, vm: Option<&Target>, new: &New) -> Result<String> {
    let app = &ctx.app;
    let size = bytes(&new.size, "size")?;
    let read_only = is_read_only(new.mode.as_deref())?;
    if let Some(vm) = vm {
        same_pool(vm, sr)?;
    }
    let room = match vm {
        Some(vm) => resource_set::reserve_for(ctx, vm, &[sr.id().as_str()], one_disk(size)).await?,
        None => None,
    };
    if room.is_none() {
        object::needs(sr, Action::Administrate)?;
    }
    let image = app.make_image(sr, sr.reference(), &new.name, "", size).await?;
    let mut last = None;
    if let Some(vm) = vm {
        let how = How { position: new.position.as_deref(), bootable: new.bootable, read_only };
        match app.place(vm, &image, &how).await {
            Ok(vbd) => last = Some(vbd),
            Err(error) => {
                app.undo(sr, "VDI.destroy", &image).await;
                return Err(error);
            }
        }
    }
    let image = resource_set::settle(room, app.seen(sr, &image).await, |image| amounts(image)).await?;
    if let Some(vbd) = &last {
        app.seen(sr, vbd).await?;
    }
    Ok(image.id().to_string())
}

/// Returns what an image uses of a resource set for each VM that has it.
pub(crate) fn amounts(image: &Object) -> Amounts {
    one_disk(image.as_vdi().map_or(0, |vdi| vdi.size))
}

/// Returns what a disk of so many bytes uses of a resource set.
pub(crate) fn one_disk(size: i64) -> Amounts {
    let mut amounts = Amounts::default();
    amounts.add_disk(u64::try_from(size).unwrap_or_default());
    amounts
}

/// How to put an image into a VM.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Attach {
    bootable: bool,
    mode: Option<String>,
    position: Option<String>,
}

/// Takes the room that an image needs as a disk in the resource set of a VM, if it is in one: the set must have the image or its
/// SR. What counts in a set does not come into a VM that is in none.
pub(crate) async fn room_in(ctx: &Ctx, vm: &Target, image: &Target) -> Result<Option<Reservation>> {
    let Some(set) = ctx.app.home_of(vm)? else { return resource_set::may_leave(ctx, image).map(|()| None) };
    let sr = image.as_vdi().and_then(|vdi| vdi.sr.as_ref());
    let from = if set.objects.contains(image.id().as_str()) { image.id() } else { sr.unwrap_or(image.id()) };
    resource_set::reserve_for(ctx, vm, &[from.as_str()], amounts(image)).await
}

/// Puts an image into a VM; see [`room_in`].
pub async fn attach(ctx: &Ctx, vm: &Target, image: &Target, options: &Attach) -> Result<()> {
    same_pool(vm, image)?;
    let read_only = is_read_only(options.mode.as_deref())?;
    let how = How { position: options.position.as_deref(), bootable: options.bootable, read_only };
    let room = room_in(ctx, vm, image).await?;
    let vbd = ctx.app.place(vm, image.reference(), &how).await?;
    resource_set::commit(room).await;
    ctx.app.seen(vm, &vbd).await.map(drop)
}

/// Changes to an image.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Changes {
    name_label: Option<String>,
    name_description: Option<String>,
    size: Option<Json>,
    cbt: Option<bool>,
}

impl Changes {
    /// Returns these changes.
    pub(crate) fn of(name_label: Option<String>, name_description: Option<String>, size: Option<i64>) -> Self {
        Self { name_label, name_description, size: size.map(Json::from), cbt: None }
    }
}

/// Deletes an image.
pub async fn delete_image(ctx: &Ctx, image: &Target) -> Result<()> {
    let app = &ctx.app;
    let vms = resource_set::vms_with(app, image);
    act(ctx, image, "VDI.destroy").await?;
    let amounts = amounts(image);
    for vm in vms.iter().filter(|vm| resource_set::counts(&ctx.app, vm)) {
        if let Some(set) = app.home_of(vm)? {
            resource_set::give_back(app, &set.id, &amounts).await;
        }
    }
    Ok(())
}

/// Changes an image that may belong to VMs of resource sets. It can only grow.
pub async fn set_image(ctx: &Ctx, image: &Target, changes: &Changes) -> Result<()> {
    let size = changes.size.as_ref().map(|size| bytes(size, "size")).transpose()?;
    let current = image.as_vdi().map_or(0, |vdi| vdi.size);
    let mut rooms = Vec::new();
    if let Some(size) = size.filter(|size| *size > current) {
        for vm in resource_set::vms_with(&ctx.app, image).iter().filter(|vm| resource_set::counts(&ctx.app, vm)) {
            rooms.extend(resource_set::change(ctx, vm, &one_disk(current), &one_disk(size)).await?);
        }
    }
    change_image(ctx, image, changes).await?;
    if !rooms.is_empty() {
        let grown = |image: &&Arc<Object>| image.as_vdi().is_some_and(|vdi| Some(vdi.size) >= size);
        let there = |snapshot: &Snapshot| snapshot.by_ref(image.reference()).filter(grown).map(|image| amounts(image));
        let shown = ctx.app.until(image, there).await;
        resource_set::settle(rooms, shown, |there| there.beyond(&amounts(image))).await?;
    }
    Ok(())
}

/// Changes an image.
pub(crate) async fn change_image(ctx: &Ctx, image: &Target, changes: &Changes) -> Result<()> {
    let app = &ctx.app;
    let size = changes.size.as_ref().map(|size| bytes(size, "size")).transpose()?;
    let current = image.as_vdi().map_or(0, |vdi| vdi.size);
    if let Some(size) = size.filter(|size| *size < current) {
        let message = format!("{size} is less than the size of the disk, {current}; a disk can only grow");
        return Err(Failure::invalid(message).into());
    }
    for (method, text) in
        [("VDI.set_name_label", &changes.name_label), ("VDI.set_name_description", &changes.name_description)]
    {
        if let Some(text) = text {
            app.call(image, method, vec![reference(image), text.as_str().into()]).await?;
        }
    }
    if let Some(on) = changes.cbt {
        act(ctx, image, if on { "VDI.enable_cbt" } else { "VDI.disable_cbt" }).await?;
    }
    if let Some(size) = size.filter(|size| *size > current) {
        let snapshot = app.inventory.snapshot();
        let places = image.as_vdi().into_iter().flat_map(|vdi| vdi.vbds.iter());
        let mut places = places.filter_map(|vbd| snapshot.get(vbd.as_str())?.as_vbd());
        let method = if places.any(|vbd| vbd.attached) { "VDI.resize_online" } else { "VDI.resize" };
        app.run(image, method, vec![reference(image), Value::Int(size)]).await?;
    }
    Ok(())
}

/// Codes by which a pool says that it moves no disk that is not in use.
const NOT_LIVE: [&str; 3] = ["VDI_NEEDS_VM_FOR_MIGRATE", "LICENCE_RESTRICTION", "SR_DOES_NOT_SUPPORT_MIGRATION"];

/// Moves an image to another SR and returns the id of what it is there. An SR that the caller may not change will do when it is
/// in the resource sets of the VMs that have the image; with `set` that is looked at in any case.
pub async fn migrate(ctx: &Ctx, image: &Target, sr: &Target, set: Option<&str>) -> Result<String> {
    let mut sets = Vec::new();
    for vm in resource_set::vms_with(&ctx.app, image).iter().filter(|vm| resource_set::counts(&ctx.app, vm)) {
        sets.extend(ctx.app.home_of(vm)?);
    }
    if let Some(set) = set {
        resource_set::get(ctx, set)?;
        if !sets.iter().any(|known| known.id == set) {
            return Err(Failure::invalid(format!("{} is no disk of a VM of the set {set}", image.id())).into());
        }
    }
    if set.is_some() || sr.action() < Action::Administrate && !sets.is_empty() {
        sets.iter().try_for_each(|set| resource_set::may_use(ctx, set, &[sr.id().as_str()]))?;
    } else {
        object::needs(sr, Action::Administrate)?;
    }
    let moved = relocate(ctx, image, sr).await?;
    let there = ctx.app.inventory.snapshot().get(&moved).map_or_else(|| amounts(image), |moved| amounts(moved));
    for set in &sets {
        resource_set::recount(&ctx.app, &set.id, &amounts(image), &there).await;
    }
    Ok(moved)
}

/// Moves an image to another SR.
pub(crate) async fn relocate(ctx: &Ctx, image: &Target, sr: &Target) -> Result<String> {
    let app = &ctx.app;
    same_pool(image, sr)?;
    if image.as_vdi().and_then(|vdi| vdi.sr.as_ref()) == Some(sr.id()) {
        return Ok(image.id().to_string());
    }
    let moved = app.make(image, "VDI.pool_migrate", vec![reference(image), reference(sr), empty()]).await;
    let moved = match moved {
        Err(Error { failure: Failure::Xapi { code, .. }, .. }) if NOT_LIVE.contains(&&*code) => {
            copy(ctx, image, sr).await?
        }
        other => other?,
    };
    Ok(app.seen(image, &moved).await?.id().to_string())
}

/// Copies an image, puts the copy where the image was, and deletes the image.
async fn copy(ctx: &Ctx, image: &Target, sr: &Target) -> Result<Box<str>> {
    let app = &ctx.app;
    let copied = app.make(image, "VDI.copy", vec![reference(image), reference(sr)]).await?;
    let snapshot = app.inventory.snapshot();
    let places: Vec<_> = image.as_vdi().into_iter().flat_map(|vdi| vdi.vbds.iter()).cloned().collect();
    for place in places {
        let Some(object) = snapshot.get(place.as_str()) else { continue };
        let Some((vbd, vm)) = object.as_vbd().and_then(|vbd| Some((vbd, snapshot.get(vbd.vm.as_ref()?.as_str())?)))
        else {
            continue;
        };
        app.run(image, "VBD.destroy", vec![reference(object)]).await?;
        let place = Place {
            vm: vm.reference(),
            image: Some(&copied),
            position: Some(&vbd.position),
            bootable: vbd.bootable,
            read_only: vbd.read_only,
            is_cd: false,
        };
        app.make_place(image, place).await?;
    }
    app.run(image, "VDI.destroy", vec![reference(image)]).await?;
    Ok(copied)
}

/// Takes a disk out of its VM; the image stays, and stays counted in a resource set.
pub async fn detach(ctx: &Ctx, place: &Target) -> Result<()> {
    if place.as_vbd().is_some_and(|vbd| vbd.attached) {
        act(ctx, place, "VBD.unplug").await?;
    }
    act(ctx, place, "VBD.destroy").await
}

/// Moves a disk to another position in its VM.
pub async fn set_position(ctx: &Ctx, place: &Target, position: Option<&Json>) -> Result<()> {
    let Some(position) = position else { return Ok(()) };
    let position = position.as_str().map_or_else(|| position.to_string(), str::to_owned);
    ctx.app.call(place, "VBD.set_userdevice", vec![reference(place), position.into()]).await.map(drop)
}

/// Says whether a paravirtualised VM boots from a disk.
pub async fn set_bootable(ctx: &Ctx, place: &Target, bootable: bool) -> Result<()> {
    ctx.app.call(place, "VBD.set_bootable", vec![reference(place), bootable.into()]).await.map(drop)
}

/// Returns the CD drive of a VM as the pool has it: its reference, and whether it is empty.
async fn drive(ctx: &Ctx, vm: &Target) -> Result<Option<(String, bool)>> {
    let vbds = ctx.app.call(vm, "VM.get_VBDs", vec![reference(vm)]).await?;
    for vbd in vbds.as_array().unwrap_or_default() {
        let record = ctx.app.call(vm, "VBD.get_record", vec![vbd.clone()]).await?;
        if record.get("type").and_then(Value::as_str) == Some("CD") {
            let empty = record.get("empty").and_then(Value::as_bool).unwrap_or(true);
            return Ok(vbd.as_str().filter(|vbd| is_something(vbd)).map(|vbd| (vbd.to_owned(), empty)));
        }
    }
    Ok(None)
}

/// Puts a CD into the drive of a VM, which gets one if it has none. With `force` another CD is taken out first.
pub async fn insert_cd(ctx: &Ctx, vm: &Target, cd: &Target, force: bool, bootable: bool) -> Result<()> {
    let app = &ctx.app;
    same_pool(vm, cd)?;
    resource_set::may_leave(ctx, cd)?;
    let vbd = match drive(ctx, vm).await? {
        Some((vbd, empty)) => {
            if !empty && force {
                app.run(vm, "VBD.eject", vec![(&*vbd).into()]).await?;
            }
            vbd
        }
        None => {
            let place =
                Place { vm: vm.reference(), image: None, position: None, bootable, read_only: true, is_cd: true };
            app.make_place(vm, place).await?.into()
        }
    };
    app.run(vm, "VBD.insert", vec![(&*vbd).into(), reference(cd)]).await?;
    if bootable {
        app.call(vm, "VBD.set_bootable", vec![(&*vbd).into(), true.into()]).await?;
    }
    Ok(())
}

/// Takes the CD out of the drive of a VM, if there is one.
pub async fn eject_cd(ctx: &Ctx, vm: &Target) -> Result<()> {
    if let Some((vbd, false)) = drive(ctx, vm).await? {
        ctx.app.run(vm, "VBD.eject", vec![vbd.into()]).await?;
    }
    Ok(())
}
