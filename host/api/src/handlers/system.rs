//! The daemon about itself.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use wire::{Failure, OPERATIONS};

use super::{Call, Handler, Reply, done};
use crate::session::Session;

handlers! {
    "api.closeAllConnections" => |call| {
        let _admin = access::admin(&call.ctx.caller)?;
        let own = Arc::as_ptr(&call.session);
        call.sockets.sessions().iter().filter(|session| Arc::as_ptr(session) != own).for_each(|session| session.dismiss());
        Ok(Reply::Done)
    };
    "api.getConnections" => |call| {
        let _admin = access::admin(&call.ctx.caller)?;
        let told = |session: &Arc<Session>| {
            let mut told = Map::new();
            // Who is at the local socket has no address.
            let address = session.address.map_or_else(|| "local".to_owned(), |address| address.to_canonical().to_string());
            told.insert("user_ip".to_owned(), address.into());
            told.extend(session.user_id().map(|id| ("user_id".to_owned(), id.to_string().into())));
            told.extend(session.expiration().map(|at| ("expiration".to_owned(), at.into())));
            Value::Object(told)
        };
        Ok(Reply::Value(call.sockets.sessions().iter().map(told).collect()))
    };
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
