//! What REST makes with every property that the pool knows, and where it says more than JSON-RPC does.

use app::{host, pool, raw};
use serde_json::json;

use super::{Call, Handler, Reply, done, id};

handlers! {
    "host.smt" => |call| {
        let enabled = host::is_hyper_threading(&call.ctx, &call.object("id")?).await?;
        Ok(Reply::Value(json!({ "enabled": enabled })))
    };
    "host.takeOut" => |call| host::take_out(&call.ctx, &call.object("id")?, &call.read()?).await.map(done);
    "pool.emergencyShutdown" => |call| pool::emergency_shutdown(&call.ctx, &call.object("id")?).await.map(done);
    "sr.create" => |call| raw::create_sr(&call.ctx, &call.object("hostId")?, &call.read()?).await.map(id);
    "vbd.create" => |call| {
        raw::create_place(&call.ctx, &call.object("VM")?, &call.object("VDI")?, &call.read()?).await.map(id)
    };
    "vdi.create" => |call| raw::create_image(&call.ctx, &call.object("srId")?, &call.read()?).await.map(id);
    "vif.create" => |call| {
        raw::create_card(&call.ctx, &call.object("vmId")?, &call.object("networkId")?, &call.read()?).await.map(id)
    };
}
