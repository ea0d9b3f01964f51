//! A host is emptied: every VM on it moves to another one, while it runs.

use futures::future::join_all;
use serde_json::json;

use super::{
    frame::{self, Marks},
    host::{check, guests},
};
use crate::{
    calls::vm,
    core::Ctx,
    db::Db,
    failure::{Failure, fail, handle_invalid},
    tasks,
};

/// VMs that move at the same time when nobody said.
const BATCH: usize = 10;

/// The VMs that could not move, each with its reason.
pub fn obstacles(db: &Db, host: &str) -> Vec<(String, Failure)> {
    let stuck = |vm: String| vm::evacuation(db, &vm).err().map(|failure| (vm, failure));
    guests(db, host).into_iter().filter_map(stuck).collect()
}

/// `host.assert_can_evacuate`: all reasons in one text.
pub fn assert(db: &Db, host: &str) -> Result<(), Failure> {
    let obstacles = obstacles(db, host);
    if obstacles.is_empty() {
        return Ok(());
    }
    let reasons: Vec<String> = obstacles.iter().map(|(_, failure)| failure.description().join(",")).collect();
    Err(fail("CANNOT_EVACUATE_HOST", [&reasons.join("|")]))
}

/// `host.evacuate`: the first VM that cannot move ends it before it begins; one that fails on its way does not hold up the
/// others, but the call says so in the end.
pub async fn evacuate(ctx: &Ctx, host: &str, batch: usize) -> Result<(), Failure> {
    let ready = |db: &mut Db, marks: &mut Marks| {
        if db.get("host", host).is_none() {
            return Err(handle_invalid("host", host));
        }
        check(db, host, "evacuate")?;
        if let Some((_, failure)) = obstacles(db, host).into_iter().next() {
            return Err(failure);
        }
        marks.add("host", host, "evacuate");
        Ok(guests(db, host))
    };
    let (guests_before, marks) = frame::announce(ctx, ready).await?;
    let mut out = Ok(());
    let mut moved = 0;
    for some in guests_before.chunks(if batch == 0 { BATCH } else { batch }) {
        if *ctx.cancelled.borrow() {
            out = Err(fail("TASK_CANCELLED", [&ctx.task]));
            break;
        }
        join_all(some.iter().map(|guest| leave(ctx, guest))).await;
        moved += some.len();
        let progress = f64::from(u32::try_from(moved).unwrap_or(u32::MAX))
            / f64::from(u32::try_from(guests_before.len()).unwrap_or(u32::MAX));
        ctx.core.write(|db| db.set("task", &ctx.task, "progress", json!(progress)));
    }
    ctx.core.write(|db| {
        if out.is_ok() && !guests(db, host).is_empty() {
            out = Err(fail("INTERNAL_ERROR", ["some VMs are still on the host"]));
        }
        marks.retire(db, &ctx.task);
    });
    out
}

/// One VM leaves under a task of its own. The place is chosen when its turn comes: the others took room meanwhile.
async fn leave(ctx: &Ctx, guest: &str) {
    let Ok(to) = ctx.core.read(|db| vm::evacuation(db, guest)) else { return };
    let Ok(own) = tasks::begin(&ctx.core, "VM.pool_migrate", &ctx.session) else { return };
    ctx.core.write(|db| db.set("task", &own.task, "subtask_of", ctx.task.clone()));
    // Whoever stays shows in the end.
    let _ = vm::within_pool(&own, guest, &to, &json!({"live": "true"})).await;
    tasks::forget(&own);
}
