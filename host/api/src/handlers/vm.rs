//! VMs, snapshots, templates, control domains.

use app::{stats, vm};

use super::{Call, Handler, done, list, one, to_text};

handlers! {
    "vm-controller.get" => |call| one(&call, "VM-controller");
    "vm-controller.list" => |call| list(&call, "vm-controllers");
    "vm-snapshot.get" => |call| one(&call, "VM-snapshot");
    "vm-snapshot.list" => |call| list(&call, "vm-snapshots");
    "vm-template.get" => |call| one(&call, "VM-template");
    "vm-template.list" => |call| list(&call, "vm-templates");
    "vm.get" => |call| one(&call, "VM");
    "vm.list" => |call| list(&call, "vms");
    "vm.restart" => |call| {
        let (id, options) = (call.text("id").to_owned(), call.take()?);
        vm::restart(&call.ctx, &id, options).await.map(done)
    };
    "vm.set" => |call| {
        let (id, changes) = (call.text("id").to_owned(), call.take()?);
        vm::set(&call.ctx, &id, changes).await.map(done)
    };
    "vm.start" => |call| {
        let (id, options) = (call.text("id").to_owned(), call.take()?);
        vm::start(&call.ctx, &id, options).await.map(done)
    };
    "vm.stats" => |call| to_text(&stats::vm(&call.ctx, call.text("id"), call.granularity()?).await?);
    "vm.stop" => |call| {
        let (id, options) = (call.text("id").to_owned(), call.take()?);
        vm::stop(&call.ctx, &id, options).await.map(done)
    };
}
