//! The frame around every VM operation: check, announce, work, effect, take the announcement back.

use tokio::time::Instant;

use super::check::{check, recompute};
use crate::{core::Ctx, db::Db, failure::Failure};

/// Runs an operation. `prepare` may still refuse once the operation is announced (no host, no memory); `effect` happens after the work.
pub async fn operate<P, T>(
    ctx: &Ctx,
    vm: &str,
    operation: &str,
    prepare: impl FnOnce(&mut Db) -> Result<P, Failure>,
    effect: impl FnOnce(&mut Db, P) -> Result<T, Failure>,
) -> Result<T, Failure> {
    announce(ctx, vm, operation).await?;
    let out = match ctx.core.write(prepare) {
        Ok(prepared) => match ctx.work(ctx.core.options.delays.operation).await {
            Ok(()) => ctx.core.write(|db| effect(db, prepared)),
            Err(failure) => Err(failure),
        },
        Err(failure) => Err(failure),
    };
    ctx.core.write(|db| {
        // The VM may be gone: that was the operation.
        if db.get("VM", vm).is_some() {
            db.set_entry("VM", vm, "current_operations", &ctx.task, None);
            recompute(db, vm);
        }
    });
    out
}

/// Enters the operation in current_operations. While another one is in the way the call waits: XAPI does the same inside.
async fn announce(ctx: &Ctx, vm: &str, operation: &str) -> Result<(), Failure> {
    let delays = &ctx.core.options.delays;
    let give_up = Instant::now() + delays.busy_limit;
    loop {
        let entered = ctx.core.write(|db| {
            check(db, vm, operation)?;
            db.set_entry("VM", vm, "current_operations", &ctx.task, Some(operation));
            recompute(db, vm);
            Ok(())
        });
        match entered {
            Err(Failure { ref code, .. }) if code == "OTHER_OPERATION_IN_PROGRESS" && Instant::now() < give_up => {
                ctx.work(delays.busy_step).await?;
            }
            entered => return entered,
        }
    }
}
