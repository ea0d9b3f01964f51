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
    "vm.pause" => |call| vm::pause(&call.ctx, &call.object("id")?).await.map(done);
    "vm.restart" => |call| vm::restart(&call.ctx, &call.object("id")?, &call.read()?).await.map(done);
    "vm.resume" => |call| vm::resume(&call.ctx, &call.object("id")?).await.map(done);
    "vm.set" => |call| vm::set(&call.ctx, &call.object("id")?, &call.read()?).await.map(done);
    "vm.setAndRestart" => |call| {
        vm::set_and_restart(&call.ctx, &call.object("id")?, &call.read()?, call.flag("force")).await.map(done)
    };
    "vm.start" => |call| {
        vm::start(&call.ctx, &call.object("id")?, call.optional("host"), &call.read()?).await.map(done)
    };
    "vm.stats" => |call| to_text(&stats::vm(&call.ctx, call.text("id"), call.granularity()?).await?);
    "vm.stop" => |call| vm::stop(&call.ctx, &call.object("id")?, &call.read()?).await.map(done);
    "vm.suspend" => |call| vm::suspend(&call.ctx, &call.object("id")?).await.map(done);
    "vm.unpause" => |call| vm::unpause(&call.ctx, &call.object("id")?).await.map(done);
}
