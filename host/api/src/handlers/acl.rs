//! Access lists.

use app::{acl, explain};
use model::UserId;
use serde_json::Value;

use super::{Call, Handler, Reply, done};

handlers! {
    "acl.add" => |call| {
        let acl = call.take()?;
        acl::add(&call.ctx, acl).await.map(done)
    };
    "acl.explain" => |call| {
        let operation = call.params.get("operation").and_then(Value::as_str);
        let user = UserId::from(call.text("user"));
        explain::explain(&call.ctx, &user, call.text("object"), operation).map(Reply::Value)
    };
    "acl.get" => |call| acl::get(&call.ctx).map(|entries| Reply::Value(Value::Array(entries)));
    "acl.getCurrentPermissions" => |call| acl::current_permissions(&call.ctx).map(Reply::Value);
    "acl.remove" => |call| {
        let acl = call.take()?;
        acl::remove(&call.ctx, acl).await.map(done)
    };
    "role.getAll" => |_call| Ok(Reply::Value(acl::roles()));
}
