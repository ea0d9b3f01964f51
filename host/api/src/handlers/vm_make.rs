//! VMs come, are copied, move and go.

use app::vm::{self, Hardware};
use serde_json::Value;

use super::{Call, Handler, done, id, texts};

handlers! {
    "vm.clone" => |call| {
        vm::clone(&call.ctx, &call.object("id")?, call.text("name"), call.flag("full_copy")).await.map(id)
    };
    "vm.convert" => |call| vm::convert(&call.ctx, &call.object("id")?).await.map(done);
    "vm.convertToTemplate" => |call| vm::convert(&call.ctx, &call.object("id")?).await.map(done);
    "vm.copy" => |call| {
        let name = call.params.get("name").and_then(Value::as_str);
        vm::copy(&call.ctx, &call.object("vm")?, &call.object("sr")?, name).await.map(id)
    };
    "vm.copyToTemplate" => |call| vm::copy_to_template(&call.ctx, &call.object("id")?).await.map(done);
    "vm.create" => |call| {
        let graphics = call.optional("gpuGroup").zip(call.optional("vgpuType"));
        let (template, new, changes) = (call.object("template")?, call.read()?, call.read()?);
        vm::create(&call.ctx, &template, &Hardware { graphics }, &new, &changes).await.map(id)
    };
    "vm.delete" => |call| vm::delete(&call.ctx, &call.object("id")?, &call.read()?).await.map(done);
    "vm.getHaValues" => |_call| Ok(texts(&["best-effort", "restart", ""]));
    "vm.migrate" => |call| {
        let (vm, host) = (call.object("vm")?, call.object("targetHost")?);
        let (sr, network) = (call.optional("sr"), call.optional("migrationNetwork"));
        vm::migrate(&call.ctx, &vm, &host, sr, network, &call.read()?).await.map(done)
    };
    "vm.recoveryStart" => |call| vm::recovery_start(&call.ctx, &call.object("id")?).await.map(done);
    "vm.revert" => |call| vm::revert(&call.ctx, &call.object("snapshot")?).await.map(done);
    "vm.setBootOrder" => |call| {
        vm::set_boot_order(&call.ctx, &call.object("vm")?, call.text("order")).await.map(done)
    };
    "vm.snapshot" => |call| vm::snapshot(&call.ctx, &call.object("id")?, &call.read()?).await.map(id);
}
