//! Deleting a VM with all that is its own.

use std::collections::BTreeSet;

use model::{Kind, Object};
use serde::Deserialize;
use tracing::warn;
use wire::Failure;
use xapi::Value;

use crate::act::is_something;
use crate::ctx::{App, Ctx};
use crate::error::Result;
use crate::ip_pool::Given;
use crate::object::Target;
use crate::resource_set::{self, Amounts};

/// How to delete a VM.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Delete {
    /// Its disks, too; none = yes.
    pub delete_disks: Option<bool>,
    /// Deletes a template that came with the product.
    pub force_delete_default_template: bool,
    /// Deletes it though somebody blocked that.
    pub force_blocked_operation: bool,
}

/// Deletes a VM with its snapshots, and its disks unless they are to stay; what runs is switched off.
pub async fn delete(ctx: &Ctx, vm: &Target, options: &Delete) -> Result<()> {
    let app = &ctx.app;
    let forbidden = |reason: String| Failure::Forbidden { operation: "destroy".into(), reason };
    let Some(current) = vm.as_vm() else { return Err(Failure::no_such(vm.id().as_str(), "VM").into()) };
    if let Some(reason) = current.blocked_operations.get("destroy") {
        if !options.force_blocked_operation {
            let text = format!("destroy is blocked ({reason}); forceBlockedOperation deletes it anyway");
            return Err(forbidden(text).into());
        }
        app.call(vm, "VM.remove_from_blocked_operations", vec![reference(vm), "destroy".into()]).await?;
    }
    if current.rare().template.as_ref().is_some_and(|template| template.is_default) {
        if !options.force_delete_default_template {
            let text = "it is a default template; forceDeleteDefaultTemplate deletes it anyway";
            return Err(forbidden(text.into()).into());
        }
        app.call(vm, "VM.remove_from_other_config", vec![reference(vm), "default_template".into()]).await?;
        app.call(vm, "VM.set_is_default_template", vec![reference(vm), false.into()]).await?;
    }
    let disks = options.delete_disks.unwrap_or(true);
    let used = used(app, vm, disks);
    let had = Given::of_all(&app.inventory.snapshot(), vm);
    app.erase(vm, vm.reference(), disks).await?;
    for (set, amounts) in used {
        resource_set::give_back(app, &set, &amounts).await;
    }
    if !had.iter().all(Given::is_empty) {
        // From now on others can have its addresses.
        app.until(vm, |snapshot| snapshot.by_ref(vm.reference()).is_none().then_some(())).await?;
    }
    app.forget_object(vm.id().as_str()).await
}

/// Returns what a VM and its snapshots use of resource sets; disks that stay go on to be used.
fn used(app: &App, vm: &Target, disks: bool) -> Vec<(String, Amounts)> {
    let snapshot = app.inventory.snapshot();
    let snapshots = vm.as_vm().into_iter().flat_map(|vm| vm.snapshots.iter());
    let snapshots = snapshots.filter_map(|id| snapshot.get(id.as_str())).map(|one| &**one);
    let all = std::iter::once(&***vm).filter(|vm| vm.kind() != Kind::VmTemplate).chain(snapshots);
    let of_one = |vm: &Object| {
        let amounts = resource_set::amounts_of(app, vm);
        Some((resource_set::set_of(vm)?, if disks { amounts } else { amounts.without_disks() }))
    };
    all.filter_map(of_one).collect()
}

fn reference(vm: &Target) -> Value {
    crate::object::reference(vm)
}

impl App {
    /// Deletes a VM and its snapshots as the pool has them at this moment. A disk that another VM has, too, stays; one that
    /// cannot be deleted is left for people to look at.
    pub(super) async fn erase(&self, on: &Target, vm: &str, disks: bool) -> Result<()> {
        let record = self.call(on, "VM.get_record", vec![vm.into()]).await?;
        let snapshots = list(&record, "snapshots");
        if record.get("power_state").and_then(Value::as_str) != Some("Halted") {
            self.run(on, "VM.hard_shutdown", vec![vm.into()]).await?;
        }
        let own = list(&record, "VBDs");
        let mut images = BTreeSet::new();
        if disks {
            for place in &own {
                let place = self.call(on, "VBD.get_record", vec![(&**place).into()]).await?;
                let image = place.get("VDI").and_then(Value::as_str).filter(|image| is_something(image));
                if let Some(image) = image.filter(|_| place.get("type").and_then(Value::as_str) == Some("Disk")) {
                    let places = self.call(on, "VDI.get_VBDs", vec![image.into()]).await?;
                    let places = places.as_array().unwrap_or_default();
                    if places.iter().all(|place| place.as_str().is_some_and(|place| own.contains(place))) {
                        images.insert(image.to_owned());
                    }
                }
            }
            let saved = record.get("suspend_VDI").and_then(Value::as_str).filter(|image| is_something(image));
            images.extend(saved.map(str::to_owned));
        }
        self.run(on, "VM.destroy", vec![vm.into()]).await?;
        for snapshot in snapshots {
            // Each is deleted whatever happens to the others.
            if let Err(error) = Box::pin(self.erase(on, &snapshot, disks)).await {
                warn!(%snapshot, %error, "a snapshot of a deleted VM stays");
            }
        }
        for image in images {
            match self.run(on, "VDI.destroy", vec![(&*image).into()]).await {
                // Saved memory goes with the VM.
                Err(error) if matches!(error.failure, Failure::NoSuchObject { .. }) => {}
                Err(error) => warn!(%image, %error, "a disk of a deleted VM stays"),
                Ok(_) => {}
            }
        }
        Ok(())
    }
}

fn list(record: &Value, field: &str) -> BTreeSet<String> {
    let items = record.get(field).and_then(Value::as_array).unwrap_or_default();
    items.iter().filter_map(Value::as_str).filter(|item| is_something(item)).map(str::to_owned).collect()
}
