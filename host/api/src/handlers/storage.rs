//! Storage repositories, their drivers and connections.

use app::stats;

use super::{Call, Handler, list, one, to_text};

handlers! {
    "pbd.get" => |call| one(&call, "PBD");
    "pbd.list" => |call| list(&call, "pbds");
    "sm.get" => |call| one(&call, "SM");
    "sm.list" => |call| list(&call, "sms");
    "sr.get" => |call| one(&call, "SR");
    "sr.list" => |call| list(&call, "srs");
    "sr.stats" => |call| to_text(&stats::sr(&call.ctx, call.text("id"), call.granularity()?).await?);
}
