//! What belongs to an object of any type. Who may not see the object learns nothing of it here either.

use app::{Query, object, task};
use serde_json::json;
use wire::Failure;

use super::collection::{filter_of, listing, records};
use super::{Call, Handler, alarm};

handlers! {
    "object.alarms" => |call| {
        let object = object::get(&call.ctx, call.text("id"), &[call.text("kind")])?;
        alarm::list(&call, Some(&object))
    };
    "object.messages" => |call| {
        let object = object::get(&call.ctx, call.text("id"), &[call.text("kind")])?;
        let messages = wire::collection("messages").ok_or(Failure::NotImplemented)?;
        let query = Query::in_collection(messages, filter_of(&call))?.about(object.uuid().into());
        listing(&call, "messages", query)
    };
    "object.tasks" => |call| {
        let object = object::get(&call.ctx, call.text("id"), &[call.text("kind")])?;
        let tasks = task::list(&call.ctx).into_iter().filter(|task| task.concerns(object.id().as_str()));
        records(&call, "tasks", tasks.map(|task| task.view()))
    };
    "object.vdis" => |call| {
        let disks = object::disks(&call.ctx, call.text("id"), call.text("kind"))?;
        records(&call, "vdis", disks.iter().map(|disk| json!(**disk)))
    };
}
