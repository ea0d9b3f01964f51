//! The stream of events; listening itself is a matter of `rest`.

use super::{Call, Handler, Reply};

handlers! {
    "event.subscribe" => |call| {
        let fields = call.params.get("fields");
        let id = call.events.subscribe(&call.ctx, call.text("id"), call.text("collection"), fields)?;
        Ok(Reply::Value(id))
    };
    "event.unsubscribe" => |call| {
        call.events.unsubscribe(&call.ctx, call.text("id"), call.text("subscription"))?;
        Ok(Reply::Done)
    };
}
