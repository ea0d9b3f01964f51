//! The daemon about itself.

use serde_json::json;
use wire::{Failure, OPERATIONS};

use super::{Call, Handler, Reply, done};

handlers! {
    "rest.ping" => |call| {
        Ok(Reply::Value(json!({ "result": "pong", "timestamp": call.ctx.app.clock.now() })))
    };
    "system.getMethodsInfo" => |_call| {
        let methods = OPERATIONS.iter().filter(|operation| operation.rpc);
        Ok(Reply::Value(methods.map(|operation| (operation.name.to_owned(), wire::method_info(operation))).collect()))
    };
    "system.getServerTimezone" => |_call| Ok(Reply::Value(json!(app::time_zone())));
    "system.getServerVersion" => |call| Ok(Reply::Value(json!(call.ctx.app.settings.version)));
    "system.getVersion" => |_call| Ok(Reply::Value(json!("0.1")));
    "system.listMethods" => |_call| {
        let methods = OPERATIONS.iter().filter(|operation| operation.rpc);
        Ok(Reply::Value(methods.map(|operation| operation.name).collect()))
    };
    "system.methodSignature" => |call| {
        let found = wire::find(call.text("method")).filter(|operation| operation.rpc);
        let operation = found.ok_or_else(|| Failure::no_such(call.text("method"), "method"))?;
        let mut info = wire::method_info(operation);
        info["name"] = json!(operation.name);
        Ok(Reply::Value(json!([info])))
    };
    "xo.clean" => |call| app::house::clean(&call.ctx).await.map(done);
}
