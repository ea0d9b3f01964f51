//! Accounts, servers and plugins as collections of REST: what the caller may not see is not there.

use std::sync::Arc;

use app::{Error, RecordFilter, group, plugin, server, task, token, user};
use model::UserId;
use serde_json::{Value, json};
use wire::Failure;

use super::collection::{filter_of, records};
use super::{Call, Handler, Reply};

handlers! {
    "group.get" => |call| {
        let group = group::get(&call.ctx, call.text("id")).ok();
        Ok(Reply::Value(group.ok_or_else(|| Failure::no_such(call.text("id"), "group"))?))
    };
    "group.list" => |call| {
        let groups = if call.ctx.caller.is_admin() { group::get_all(&call.ctx)? } else { Vec::new() };
        records(&call, "groups", groups)
    };
    "group.tasks" => |call| {
        let id = call.text("id");
        group::get(&call.ctx, id).map_err(|_| Failure::no_such(id, "group"))?;
        let tasks = task::list(&call.ctx).into_iter().filter(|task| task.concerns(id));
        records(&call, "tasks", tasks.map(|task| task.view()))
    };
    "group.users" => |call| {
        let group = group::get(&call.ctx, call.text("id")).ok();
        let group = group.ok_or_else(|| Failure::no_such(call.text("id"), "group"))?;
        let ids = group["users"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let users = ids.filter_map(|id| user::get(&call.ctx, &UserId::from(id)).ok());
        records(&call, "users", users.map(named))
    };
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
    "server.tasks" => |call| {
        let server = server::get(&call.ctx, &call.server()).ok();
        let server = server.ok_or_else(|| Failure::no_such(call.text("id"), "server"))?;
        let id = server["id"].as_str().unwrap_or_default();
        let tasks = task::list(&call.ctx).into_iter().filter(|task| task.concerns(id));
        records(&call, "tasks", tasks.map(|task| task.view()))
    };
    "user.get" => |call| {
        let user = user::get(&call.ctx, &UserId::from(call.text("id")))?;
        Ok(Reply::Value(named(user)))
    };
    "user.groups" => |call| {
        let user = user::get(&call.ctx, &UserId::from(call.text("id")))?;
        let ids = user["groups"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let groups = ids.filter_map(|id| group::get(&call.ctx, id).ok());
        records(&call, "groups", groups)
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
    "user.tasks" => |call| {
        let id = UserId::from(call.text("id"));
        user::get(&call.ctx, &id)?;
        let own = |task: &Arc<task::Task>| task.properties.user_id.as_deref() == Some(id.as_str());
        let tasks = task::list(&call.ctx).into_iter().filter(own);
        records(&call, "tasks", tasks.map(|task| task.view()))
    };
    "user.makeToken" => |call| {
        let request = call.take()?;
        Ok(Reply::Value(json!({ "token": token::create_shown(&call.ctx, request).await? })))
    };
    "user.token" => |call| {
        own(&call)?;
        call.params.remove("id");
        let request = call.take()?;
        Ok(Reply::Value(json!({ "token": token::create_shown(&call.ctx, request).await? })))
    };
    "user.tokens" => |call| {
        own(&call)?;
        // Tokens have no addresses of their own.
        let filter = RecordFilter::parse(filter_of(&call))?;
        let limit = super::limit_of(&call.params)?.unwrap_or(usize::MAX);
        let tokens = token::get_own(&call.ctx)?.into_iter().filter(|token| filter.matches(token)).take(limit);
        Ok(Reply::Value(tokens.collect()))
    };
}

/// Refuses others than the account itself: nobody makes or sees tokens for somebody else.
fn own(call: &Call) -> Result<(), Error> {
    let id = call.text("id");
    user::get(&call.ctx, &UserId::from(id))?;
    let is_own = call.ctx.caller.principal().is_some_and(|principal| principal.id.as_str() == id);
    let refused =
        || Failure::Unauthorized { permission: "own account".into(), object: Some((id.into(), "user".into())) };
    if is_own { Ok(()) } else { Err(refused().into()) }
}

/// REST calls the login name `name`; the name that JSON-RPC gives it stays beside it.
pub(super) fn named(mut view: Value) -> Value {
    view["name"] = json!(view["email"]);
    view
}
