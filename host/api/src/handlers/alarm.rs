//! Alarms.

use app::{Query, alarm, object};
use model::Kind;
use wire::Failure;

use super::collection::{filter_of, listing, picked};
use super::{Answer, Call, Handler, Reply};

handlers! {
    "alarm.get" => |call| {
        let snapshot = call.ctx.app.inventory.snapshot();
        let found = object::get(&call.ctx, call.text("id"), &[Kind::Message.as_str()]).ok();
        let found = found.filter(|object| alarm::is_alarm(object));
        let view = found.and_then(|object| alarm::view(&snapshot, &object));
        let view = view.ok_or_else(|| Failure::no_such(call.text("id"), "alarm"))?;
        Ok(Reply::Value(picked(&call, view)))
    };
    "alarm.list" => |call| list(&call, None);
}

/// Lists alarms: all, or those about an object.
pub(super) fn list(call: &Call, about: Option<&model::Object>) -> Answer {
    let mut query = Query::alarms(filter_of(call))?;
    if let Some(object) = about {
        query = query.about(object.uuid().into());
    }
    listing(call, "alarms", query)
}
