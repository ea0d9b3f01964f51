//! What is asked about VMs beyond the picture, and done about the chains of their disks.

use std::io::{Cursor, Read};
use std::time::Duration;

use access::Action;
use fatfs::{FileSystem, FsOptions};
use serde_json::Value as Json;
use wire::Failure;
use xapi::Value;

use super::config_drive;
use crate::ctx::Ctx;
use crate::error::Result;
use crate::object::{self, Target, reference};

/// Bytes of the largest disk that is read as the drive of a configuration; those that are made have four MiB.
const LARGEST: usize = 16 << 20;

/// How long the pool may take to hand it out.
const READ: Duration = Duration::from_secs(60);

/// Names of the drives that are made for configurations, ours and older ones.
const DRIVES: [&str; 2] = [config_drive::NAME, "XO CloudConfigDrive.iso"];

/// Has the pool make one image of a disk that stands on another for no reason; its VM stops for a moment.
pub async fn coalesce_leaf(ctx: &Ctx, vm: &Target) -> Result<()> {
    let app = &ctx.app;
    let pool = app.call(vm, "pool.get_all", vec![]).await?;
    let pool = pool.as_array().unwrap_or_default().first().cloned().unwrap_or_default();
    let master = app.call(vm, "pool.get_master", vec![pool]).await?;
    let arguments = Value::record([("vm_uuid", vm.uuid())]);
    let params = vec![master, "coalesce-leaf".into(), "leaf-coalesce".into(), arguments];
    app.run(vm, "host.call_plugin", params).await.map(drop)
}

/// Returns whether a VM is ready to boot securely, in the word of the pool.
pub async fn secure_boot_readiness(ctx: &Ctx, vm: &Target) -> Result<Json> {
    let word = ctx.app.run(vm, "VM.get_secureboot_readiness", vec![reference(vm)]).await?;
    Ok(object::to_json(&word))
}

/// Returns the user data on the drive of a template's configuration.
pub async fn cloud_config(ctx: &Ctx, template: &Target) -> Result<String> {
    let drive = {
        let snapshot = ctx.app.inventory.snapshot();
        let places = template.as_vm().into_iter().flat_map(|vm| vm.vbds.iter());
        let mut disks =
            places.filter_map(|vbd| snapshot.get(snapshot.get(vbd.as_str())?.as_vbd()?.vdi.as_ref()?.as_str()));
        disks.find(|disk| DRIVES.contains(&disk.name_label())).cloned()
    };
    let none = || Failure::no_such(template.id().as_str(), "cloud config drive");
    let drive = drive.ok_or_else(none)?;
    if drive.as_vdi().is_none_or(|vdi| usize::try_from(vdi.size).is_ok_and(|size| size > LARGEST)) {
        return Err(none().into());
    }
    // Who may change the template may read what is on its disks.
    let own = Ctx::daemon(&ctx.app);
    let drive = object::permit(&own, drive.id().as_str(), &[], Action::View)?;
    let path = format!("/export_raw_vdi?vdi={}&format=raw", drive.uuid());
    let image = ctx.app.fetch_from_pool(&drive, &path, READ, LARGEST).await?;
    let wrong = |_| Failure::invalid("the drive of the configuration holds no files that could be read");
    Ok(user_data(image.to_vec()).map_err(wrong)?)
}

/// Reads the file of user data in an image.
fn user_data(image: Vec<u8>) -> std::io::Result<String> {
    let files = FileSystem::new(Cursor::new(image), FsOptions::new())?;
    let mut text = String::new();
    files.root_dir().open_file("user-data")?.read_to_string(&mut text)?;
    Ok(text)
}

/// Returns whether the VMs of a pool could boot securely, in the word of the pool.
pub async fn pool_secure_boot_readiness(ctx: &Ctx, pool: &Target) -> Result<Json> {
    let word = ctx.app.call(pool, "pool.get_guest_secureboot_readiness", vec![reference(pool)]).await?;
    Ok(object::to_json(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_on_a_drive_is_read_from_it() {
        let image = config_drive::image("a-vm", "#cloud-config\nhostname: a\n", None).unwrap();
        assert_eq!(user_data(image).unwrap(), "#cloud-config\nhostname: a\n");
        assert!(user_data(vec![0; 4096]).is_err() && user_data(Vec::new()).is_err());
    }
}
