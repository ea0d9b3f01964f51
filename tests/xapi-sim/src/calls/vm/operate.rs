//! The frame of `objects::frame` around an operation of a VM.

use super::check::check;
use crate::{
    calls::objects::frame::{self, Marks},
    core::Ctx,
    db::Db,
    failure::Failure,
};

/// Runs an operation. `prepare` may still refuse after the checks (no host, no memory) and announce on other objects;
/// `effect` happens after the work.
pub async fn operate<P, T>(
    ctx: &Ctx,
    vm: &str,
    operation: &str,
    mut prepare: impl FnMut(&mut Db, &mut Marks) -> Result<P, Failure>,
    effect: impl FnOnce(&mut Db, P) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let ready = |db: &mut Db, marks: &mut Marks| {
        check(db, vm, operation)?;
        marks.add("VM", vm, operation);
        prepare(db, marks)
    };
    frame::operate(ctx, ctx.core.options.delays.operation, ready, effect).await
}

/// Runs an operation that takes no time: a setter with rules.
pub async fn settle<T>(
    ctx: &Ctx,
    vm: &str,
    operation: &str,
    effect: impl FnOnce(&mut Db) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let ready = |db: &mut Db, marks: &mut Marks| {
        check(db, vm, operation)?;
        marks.add("VM", vm, operation);
        Ok(())
    };
    frame::operate(ctx, std::time::Duration::ZERO, ready, |db, ()| effect(db)).await
}

/// Nothing to prepare.
pub fn nothing(_: &mut Db, _: &mut Marks) -> Result<(), Failure> {
    Ok(())
}
