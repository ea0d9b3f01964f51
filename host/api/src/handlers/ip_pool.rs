//! Pools of IP addresses.

use app::ip_pool;
use model::UserId;
use serde_json::{Value, json};

use super::{Call, Handler, Reply, done, id};

handlers! {
    "ipPool.create" => |call| ip_pool::create(&call.ctx, &call.read()?).await.map(id);
    "ipPool.delete" => |call| ip_pool::delete(&call.ctx, call.text("id")).await.map(done);
    "ipPool.getAll" => |call| {
        let user = call.params.get("userId").and_then(Value::as_str).map(UserId::from);
        Ok(Reply::Value(json!(ip_pool::get_all(&call.ctx, user.as_ref())?)))
    };
    "ipPool.set" => |call| ip_pool::set(&call.ctx, call.text("id"), &call.read()?).await.map(done);
}
