//! Disks: images, and their places in VMs.

use model::object::PowerState;
use serde::Deserialize;
use serde_json::Value as Json;
use wire::Failure;
use xapi::Value;

use crate::act::{act, acts, empty, is_something, same_pool};
use crate::ctx::{App, Ctx};
use crate::error::{Error, Result};
use crate::object::{Target, bytes, reference};

acts! {
    /// Plugs a disk into its running VM.
    connect => "VBD.plug";
    /// Unplugs a disk from its running VM.
    disconnect => "VBD.unplug";
    /// Deletes an image.
    delete_image => "VDI.destroy";
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
    if let Some(vbd) = &last {
        app.seen(sr, vbd).await?;
    }
    Ok(app.seen(sr, &image).await?.id().to_string())
}

/// How to put an image into a VM.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Attach {
    bootable: bool,
    mode: Option<String>,
    position: Option<String>,
}

/// Puts an image into a VM.
pub async fn attach(ctx: &Ctx, vm: &Target, image: &Target, options: &Attach) -> Result<()> {
    same_pool(vm, image)?;
    let read_only = is_read_only(options.mode.as_deref())?;
    let how = How { position: options.position.as_deref(), bootable: options.bootable, read_only };
    let vbd = ctx.app.place(vm, image.reference(), &how).await?;
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

/// Changes an image. It can only grow.
pub async fn set_image(ctx: &Ctx, image: &Target, changes: &Changes) -> Result<()> {
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

/// Moves an image to another SR and returns the id of what it is there.
pub async fn migrate(ctx: &Ctx, image: &Target, sr: &Target) -> Result<String> {
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

/// Takes a disk out of its VM; the image stays.
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
