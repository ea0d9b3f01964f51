//! Disks and their places in VMs.

use app::disk;
use serde_json::Value;

use super::{Call, Handler, done, id, list, one};

handlers! {
    "disk.create" => |call| {
        disk::create(&call.ctx, &call.object("sr")?, call.optional("vm"), &call.read()?).await.map(id)
    };
    "vbd.connect" => |call| disk::connect(&call.ctx, &call.object("id")?).await.map(done);
    "vbd.delete" => |call| disk::detach(&call.ctx, &call.object("id")?).await.map(done);
    "vbd.disconnect" => |call| disk::disconnect(&call.ctx, &call.object("id")?).await.map(done);
    "vbd.set" => |call| {
        disk::set_position(&call.ctx, &call.object("id")?, call.params.get("position")).await.map(done)
    };
    "vbd.setBootable" => |call| {
        disk::set_bootable(&call.ctx, &call.object("vbd")?, call.flag("bootable")).await.map(done)
    };
    "vdi.delete" => |call| disk::delete_image(&call.ctx, &call.object("id")?).await.map(done);
    "vdi.migrate" => |call| {
        let set = call.params.get("resourceSet").and_then(Value::as_str);
        disk::migrate(&call.ctx, &call.object("id")?, &call.object("sr_id")?, set).await.map(id)
    };
    "vdi.set" => |call| disk::set_image(&call.ctx, &call.object("id")?, &call.read()?).await.map(done);
    "vbd.get" => |call| one(&call, "VBD");
    "vbd.list" => |call| list(&call, "vbds");
    "vdi-snapshot.get" => |call| one(&call, "VDI-snapshot");
    "vdi-snapshot.list" => |call| list(&call, "vdi-snapshots");
    "vdi.get" => |call| one(&call, "VDI");
    "vdi.list" => |call| list(&call, "vdis");
}
