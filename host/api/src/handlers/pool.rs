//! Pools.

use app::stats;

use super::{Call, Handler, list, one, to_text};

handlers! {
    "pool.get" => |call| one(&call, "pool");
    "pool.list" => |call| list(&call, "pools");
    "pool.stats" => |call| to_text(&stats::pool(&call.ctx, call.text("id"), call.granularity()?).await?);
}
