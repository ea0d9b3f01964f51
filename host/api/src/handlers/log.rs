//! Failed calls.

use app::log;
use serde_json::Value;

use super::{Call, Handler, Reply, done};

handlers! {
    "log.delete" => |call| log::delete(&call.ctx).map(done);
    "log.get" => |call| Ok(Reply::Value(Value::Object(log::get(&call.ctx, call.text("namespace")).await?)));
}
