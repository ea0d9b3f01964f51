//! Jobs and schedules, to be read.

use app::job;
use serde_json::json;

use super::collection::records;
use super::{Call, Handler, Reply};

handlers! {
    "job.get" => |call| job::get(&call.ctx, call.text("id")).map(|job| Reply::Value(json!(job)));
    "job.getAll" => |call| Ok(Reply::Value(json!(job::get_all(&call.ctx)?)));
    "schedule.get" => |call| {
        job::schedule(&call.ctx, call.text("id")).map(|schedule| Reply::Value(json!(schedule)))
    };
    "schedule.getAll" => |call| Ok(Reply::Value(json!(job::schedules(&call.ctx)?)));
    "schedule.list" => |call| {
        let schedules = job::schedules(&call.ctx)?;
        records(&call, "schedules", schedules.iter().map(|schedule| json!(schedule)))
    };
}
