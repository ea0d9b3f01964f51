//! Resource sets.

use app::resource_set::{self, ResourceSet};
use serde_json::{Value, json};
use wire::Failure;

use super::{Call, Handler, Reply, done};

handlers! {
    "resourceSet.addLimit" => |call| {
        let total = call.params.get("quantity").and_then(Value::as_u64);
        let total = total.ok_or_else(|| Failure::invalid("quantity must not be negative"))?;
        resource_set::add_limit(&call.ctx, call.text("id"), call.text("limitId"), total).await.map(done)
    };
    "resourceSet.addObject" => |call| {
        resource_set::add_object(&call.ctx, call.text("id"), call.text("object")).await.map(done)
    };
    "resourceSet.addSubject" => |call| {
        resource_set::add_subject(&call.ctx, call.text("id"), call.text("subject")).await.map(done)
    };
    "resourceSet.create" => |call| {
        let new = call.take()?;
        resource_set::create(&call.ctx, new).await.map(view)
    };
    "resourceSet.delete" => |call| resource_set::delete(&call.ctx, call.text("id")).await.map(done);
    "resourceSet.get" => |call| resource_set::get(&call.ctx, call.text("id")).map(view);
    "resourceSet.getAll" => |call| resource_set::get_all(&call.ctx).map(|sets| Reply::Value(json!(sets)));
    "resourceSet.recomputeAllLimits" => |call| resource_set::recompute_all(&call.ctx).await.map(done);
    "resourceSet.removeLimit" => |call| {
        resource_set::remove_limit(&call.ctx, call.text("id"), call.text("limitId")).await.map(done)
    };
    "resourceSet.removeObject" => |call| {
        resource_set::remove_object(&call.ctx, call.text("id"), call.text("object")).await.map(done)
    };
    "resourceSet.removeSubject" => |call| {
        resource_set::remove_subject(&call.ctx, call.text("id"), call.text("subject")).await.map(done)
    };
    "resourceSet.set" => |call| {
        let id = call.text("id").to_owned();
        let changes = call.take()?;
        resource_set::set(&call.ctx, &id, changes).await.map(done)
    };
}

fn view(set: ResourceSet) -> Reply {
    Reply::Value(json!(set))
}
