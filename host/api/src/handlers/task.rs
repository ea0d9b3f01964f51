//! Tasks of our own.

use app::task;
use serde_json::{Value, json};

use super::collection::records;
use super::{Call, Handler, Reply, done};

handlers! {
    "task.abort" => |call| task::abort(&call.ctx, call.text("id")).map(done);
    "task.clear" => |call| task::clear(&call.ctx).await.map(done);
    "task.delete" => |call| task::delete(&call.ctx, call.text("id")).await.map(done);
    "task.get" => |call| {
        // `wait` alone, `wait=true` and `wait=result` all mean the end.
        let waits = call.params.get("wait").is_some_and(|wait| *wait != Value::Bool(false));
        let id = call.text("id");
        let task = if waits { task::wait(&call.ctx, id).await? } else { task::get(&call.ctx, id)? };
        Ok(Reply::Value(json!(*task)))
    };
    "task.list" => |call| {
        records(&call, "tasks", task::list(&call.ctx).iter().map(|task| task.view()))
    };
}
