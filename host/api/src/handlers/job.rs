//! Jobs and schedules, to be read.

use app::job;
use serde_json::json;

use super::collection::records;
use super::{Call, Handler, Reply};

handlers! {
    "job.get" => |call| job::get(&call.ctx, call.text("id")).map(Reply::Value);
    "job.getAll" => |call| Ok(Reply::Value(json!(job::get_all(&call.ctx)?)));
    "schedule.get" => |call| job::schedule(&call.ctx, call.text("id")).map(Reply::Value);
    "schedule.getAll" => |call| Ok(Reply::Value(json!(job::schedules(&call.ctx)?)));
    "schedule.list" => |call| {
        let schedules = if call.ctx.caller.is_admin() { job::schedules(&call.ctx)? } else { Vec::new() };
        records(&call, "schedules", schedules)
    };
}
