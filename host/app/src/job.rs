//! Jobs and their schedules. Nothing makes any yet, so there are none; backups bring them.

use serde_json::Value;
use wire::Failure;

use crate::ctx::Ctx;
use crate::error::Result;

/// Lists the jobs.
pub fn get_all(ctx: &Ctx) -> Result<Vec<Value>> {
    let _admin = access::admin(&ctx.caller)?;
    Ok(Vec::new())
}

/// Returns a job.
pub fn get(ctx: &Ctx, id: &str) -> Result<Value> {
    find(get_all(ctx)?, id, "job")
}

/// Lists the schedules.
pub fn schedules(ctx: &Ctx) -> Result<Vec<Value>> {
    let _admin = access::admin(&ctx.caller)?;
    Ok(Vec::new())
}

/// Returns a schedule.
pub fn schedule(ctx: &Ctx, id: &str) -> Result<Value> {
    find(schedules(ctx)?, id, "schedule")
}

fn find(all: Vec<Value>, id: &str, kind: &str) -> Result<Value> {
    let found = all.into_iter().find(|record| record["id"] == id);
    Ok(found.ok_or_else(|| Failure::no_such(id, kind))?)
}
