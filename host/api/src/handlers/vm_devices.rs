//! What is plugged into VMs.

use app::{disk, network};
use serde_json::Value;

use super::{Call, Handler, done, id};

handlers! {
    "vm.attachDisk" => |call| {
        disk::attach(&call.ctx, &call.object("vm")?, &call.object("vdi")?, &call.read()?).await.map(done)
    };
    "vm.createInterface" => |call| {
        network::create_card(&call.ctx, &call.object("vm")?, &call.object("network")?, &call.read()?).await.map(id)
    };
    "vm.ejectCd" => |call| disk::eject_cd(&call.ctx, &call.object("id")?).await.map(done);
    "vm.insertCd" => |call| {
        let force = call.params.get("force").and_then(Value::as_bool).unwrap_or(true);
        disk::insert_cd(&call.ctx, &call.object("id")?, &call.object("cd_id")?, force, false).await.map(done)
    };
}
