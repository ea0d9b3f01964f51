//! The disk that tells cloud-init what to make of a new VM: a small FAT image with the files of its NoCloud source.

use std::io::{Cursor, Write};
use std::time::Duration;

use access::Action;
use fatfs::{FileSystem, FormatVolumeOptions, FsOptions};
use model::ObjectId;
use serde_json::json;
use wire::Failure;

use crate::ctx::{App, Ctx};
use crate::disk::{Place, amounts, one_disk};
use crate::error::{Error, Result};
use crate::fine;
use crate::object::{self, Target};
use crate::resource_set::{self, ResourceSet};

/// Large enough for any configuration that a person writes, small enough to be sent in an instant.
pub(super) const SIZE: usize = 4 << 20;

/// The label by which cloud-init finds it.
const LABEL: [u8; 11] = *b"cidata     ";

/// As Xen Orchestra names it; its users look for the name.
pub(super) const NAME: &str = "XO CloudConfigDrive";

/// How long the pool may take to swallow it.
const SENT: Duration = Duration::from_secs(120);

/// Returns the image.
pub(super) fn image(instance: &str, user: &str, network: Option<&str>) -> Result<Vec<u8>> {
    let files = [
        ("meta-data", Some(format!("instance-id: {instance}\n"))),
        ("user-data", Some(user.to_owned())),
        ("network-config", network.map(str::to_owned)),
    ];
    let mut image = Cursor::new(vec![0; SIZE]);
    let write = |image: &mut Cursor<Vec<u8>>| -> std::io::Result<()> {
        fatfs::format_volume(&mut *image, FormatVolumeOptions::new().volume_label(LABEL))?;
        let files_system = FileSystem::new(image, FsOptions::new())?;
        for (name, text) in files.iter().filter_map(|(name, text)| Some((name, text.as_ref()?))) {
            files_system.root_dir().create_file(name)?.write_all(text.as_bytes())?;
        }
        files_system.unmount()
    };
    write(&mut image).map_err(|_| {
        let message = format!("the configuration is too large: all of it has to fit into {} MiB", SIZE >> 20);
        Error::from(Failure::invalid(message))
    })?;
    Ok(image.into_inner())
}

/// Makes a drive on an SR and gives it to a VM; returns the references of its place and of its image.
pub(super) async fn make(
    ctx: &Ctx,
    vm: &Target,
    sr: &Target,
    user: &str,
    network: Option<&str>,
) -> Result<(Box<str>, Box<str>)> {
    let app = &ctx.app;
    let image = image(vm.uuid(), user, network)?;
    let disk = app.make_image(vm, sr.reference(), NAME, "", SIZE as i64).await?;
    let fill = async {
        let path = format!("/import_raw_vdi?format=raw&vdi={}", &*disk);
        app.upload(vm, sr, &path, image.into(), SENT).await?;
        let place = Place {
            vm: vm.reference(),
            image: Some(&disk),
            position: None,
            bootable: false,
            read_only: true,
            is_cd: false,
        };
        app.make_place(vm, place).await
    };
    match fill.await {
        Ok(place) => Ok((place, disk)),
        Err(error) => {
            app.undo(vm, "VDI.destroy", &disk).await;
            Err(error)
        }
    }
}

/// Gives a VM a configuration drive.
pub async fn create_config_drive(ctx: &Ctx, vm: &Target, sr: &Target, user: &str, network: Option<&str>) -> Result<()> {
    crate::act::same_pool(vm, sr)?;
    let room = resource_set::reserve_for(ctx, vm, &[sr.id().as_str()], one_disk(SIZE as i64)).await?;
    if room.is_none() {
        object::needs(sr, Action::Administrate)?;
    }
    let (place, disk) = make(ctx, vm, sr, user, network).await?;
    resource_set::settle(room, ctx.app.seen(vm, &disk).await, |disk| amounts(disk)).await?;
    ctx.app.seen(vm, &place).await.map(drop)
}

impl App {
    /// Sends bytes to the host that has an SR, or to the master if all have it.
    async fn upload(&self, on: &Target, sr: &Target, path: &str, body: bytes::Bytes, limit: Duration) -> Result<()> {
        let host = {
            let snapshot = self.inventory.snapshot();
            let container = sr.as_sr().and_then(|sr| snapshot.get(sr.container.as_ref()?.as_str()));
            let master = snapshot.get(on.pool().as_str()).and_then(|pool| pool.as_pool()?.master.clone());
            // The way to the master is known; its own address may not be reachable from here.
            container
                .filter(|host| Some(host.id()) != master.as_ref())
                .and_then(|host| Some(host.as_host()?.address.clone()))
        };
        self.send(on, host.as_deref(), path, body, limit).await
    }
}

/// Returns the SR where a VM's configuration drive goes: that of its first disk, else the pool's default. In a resource set the
/// first disk may lie anywhere, because the set has the template that brought it.
pub(super) fn home(ctx: &Ctx, vm: &Target, set: Option<&ResourceSet>) -> Result<Target> {
    let snapshot = ctx.app.inventory.snapshot();
    let places = vm.as_vm().into_iter().flat_map(|vm| vm.vbds.iter());
    let places = places.filter_map(|vbd| snapshot.get(vbd.as_str())?.as_vbd()).filter(|vbd| !vbd.is_cd_drive);
    let disks = places.filter_map(|vbd| Some((vbd.position.parse::<u32>().ok()?, vbd.vdi.clone()?)));
    let first = disks.min().and_then(|(_, disk)| snapshot.get(disk.as_str())?.as_vdi()?.sr.clone());
    let default = || snapshot.get(vm.pool().as_str())?.as_pool()?.default_sr.clone();
    // One that may not be used is none, and is not named.
    let sr = match set {
        None => first.or_else(default).and_then(|sr| {
            let new = json!({ "type": "VDI", "$SR": sr, "name_label": NAME, "size": SIZE });
            object::permit(ctx, sr.as_str(), &["SR"], fine::may_make(ctx, false, "vdi", &new).ok()?).ok()
        }),
        Some(set) => {
            let may_use = |sr: &ObjectId| resource_set::may_use(ctx, set, &[sr.as_str()]).is_ok();
            let sr = first.or_else(|| default().filter(may_use));
            sr.and_then(|sr| object::permit(&Ctx::daemon(&ctx.app), sr.as_str(), &["SR"], Action::Administrate).ok())
        }
    };
    let message = "no SR for the drive of the configuration: give the VM a disk on one that you may use";
    Ok(sr.ok_or_else(|| Failure::invalid(message))?)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn cloud_init_finds_its_files() {
        let image = image("some-id", "#cloud-config\n", Some("version: 2\n")).expect("an image");
        assert_eq!(image.len(), SIZE);
        let files = FileSystem::new(Cursor::new(image), FsOptions::new()).expect("a FAT");
        assert_eq!(files.volume_label(), "cidata");
        for (name, wanted) in [
            ("meta-data", "instance-id: some-id\n"),
            ("user-data", "#cloud-config\n"),
            ("network-config", "version: 2\n"),
        ] {
            let mut text = String::new();
            files.root_dir().open_file(name).expect(name).read_to_string(&mut text).expect("text");
            assert_eq!(text, wanted, "{name}");
        }
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let error = image("id", &"x".repeat(SIZE), None).expect_err("it does not fit");
        assert!(error.to_string().contains("too large"), "{error}");
    }
}
