//! What sticks on any object: tags, custom fields, messages; and the tasks of pools.

use app::tag;
use serde_json::Value;

use super::{Call, Handler, Reply, done};

handlers! {
    "customField.add" => |call| {
        let (name, value) = (call.text("name"), call.text("value"));
        tag::set_field(&call.ctx, &call.object("id")?, name, value, false).await.map(done)
    };
    "customField.remove" => |call| {
        tag::remove_field(&call.ctx, &call.object("id")?, call.text("name")).await.map(done)
    };
    "customField.set" => |call| {
        let (name, value) = (call.text("name"), call.text("value"));
        tag::set_field(&call.ctx, &call.object("id")?, name, value, true).await.map(done)
    };
    "message.delete" => |call| tag::delete_message(&call.ctx, &call.object("id")?).await.map(done);
    "tag.add" => |call| tag::add(&call.ctx, &call.object("id")?, call.text("tag")).await.map(done);
    "tag.getAllConfigured" => |call| tag::configured(&call.ctx).map(|tags| Reply::Value(Value::Array(tags)));
    "tag.remove" => |call| tag::remove(&call.ctx, &call.object("id")?, call.text("tag")).await.map(done);
    "tag.set" => |call| {
        let colour = call.params.get("color").and_then(Value::as_str);
        tag::set(&call.ctx, call.text("id"), colour).await.map(done)
    };
    "task.cancel" => |call| tag::cancel_task(&call.ctx, &call.object("id")?).await.map(done);
    "task.destroy" => |call| tag::destroy_task(&call.ctx, &call.object("id")?).await.map(done);
}
