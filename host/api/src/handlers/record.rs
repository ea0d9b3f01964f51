//! Accounts, servers and plugins as collections of REST: what the caller may not see is not there.

use app::{plugin, server, user};
use model::UserId;
use serde_json::{Value, json};
use wire::Failure;

use super::collection::records;
use super::{Call, Handler, Reply};

handlers! {
    "plugin.list" => |call| {
        plugin::refresh(&call.ctx).await;
        records(&call, "plugins", plugin::get(&call.ctx)?)
    };
    "plugin.one" => |call| {
        plugin::refresh(&call.ctx).await;
        let found = plugin::get(&call.ctx)?.into_iter().find(|view| view["id"] == call.text("id"));
        Ok(Reply::Value(found.ok_or_else(|| Failure::no_such(call.text("id"), "plugin"))?))
    };
    "server.get" => |call| {
        let view = server::get(&call.ctx, &call.server()).ok();
        Ok(Reply::Value(view.ok_or_else(|| Failure::no_such(call.text("id"), "server"))?))
    };
    "server.list" => |call| {
        let views = if call.ctx.caller.is_admin() { server::get_all(&call.ctx)? } else { Vec::new() };
        records(&call, "servers", views)
    };
    "user.get" => |call| {
        let user = user::get(&call.ctx, &UserId::from(call.text("id")))?;
        Ok(Reply::Value(named(user)))
    };
    "user.list" => |call| {
        let users = if call.ctx.caller.is_admin() {
            user::get_all(&call.ctx)?
        } else {
            let own = call.ctx.caller.principal().map(|principal| user::get(&call.ctx, &principal.id));
            own.transpose()?.into_iter().collect()
        };
        records(&call, "users", users.into_iter().map(named))
    };
}

/// REST calls the login name `name`; the name that JSON-RPC gives it stays beside it.
fn named(mut view: Value) -> Value {
    view["name"] = json!(view["email"]);
    view
}
