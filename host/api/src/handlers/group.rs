//! Groups of accounts.

use std::collections::BTreeSet;

use app::group;
use model::UserId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Call, Handler, Reply, done};

handlers! {
    "group.addUser" => |call| {
        let user = UserId::from(call.text("userId"));
        group::add_user(&call.ctx, call.text("id"), &user).await.map(done)
    };
    "group.create" => |call| Ok(Reply::Value(json!(group::create(&call.ctx, call.text("name")).await?)));
    "group.delete" => |call| group::delete(&call.ctx, call.text("id")).await.map(done);
    "group.getAll" => |call| group::get_all(&call.ctx).map(|views| Reply::Value(Value::Array(views)));
    "group.removeUser" => |call| {
        let user = UserId::from(call.text("userId"));
        group::remove_user(&call.ctx, call.text("id"), &user).await.map(done)
    };
    "group.set" => |call| {
        let name = call.params.get("name").and_then(Value::as_str);
        group::set(&call.ctx, call.text("id"), name).await.map(done)
    };
    "group.setUsers" => |call| {
        let SetUsers { id, user_ids } = call.take()?;
        group::set_users(&call.ctx, &id, &user_ids).await.map(done)
    };
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SetUsers {
    id: String,
    user_ids: BTreeSet<UserId>,
}
