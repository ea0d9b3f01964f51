//! Dashboards.

use app::{Error, dashboard};
use serde_json::{Map, Value, json};

use super::{Answer, Call, Handler, Reply};
use crate::listing::{Form, append_json};

handlers! {
    "dashboard.get" => |call| parts(&call, dashboard::all(&call.ctx));
    "pool.dashboard" => |call| parts(&call, dashboard::pool(&call.ctx, call.text("id")));
    "rest.routes" => |_call| Ok(Reply::Value(json!({ "xo6": "/" })));
    "vm.dashboard" => |call| parts(&call, dashboard::vm(&call.ctx, call.text("id")));
}

/// Returns the parts as one object, or each on a line of its own.
fn parts(call: &Call, parts: Result<Map<String, Value>, Error>) -> Answer {
    let parts = parts?;
    if !call.flag("ndjson") {
        return Ok(Reply::Value(Value::Object(parts)));
    }
    let mut out = Vec::new();
    for (name, part) in parts {
        append_json(&json!({ name: part }), &mut out);
        out.push(b'\n');
    }
    Ok(Reply::Kept(out.into(), Form::Lines.content_type()))
}
