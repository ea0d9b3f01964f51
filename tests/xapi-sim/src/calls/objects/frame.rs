//! The frame around every operation: check, announce in current_operations, work, effect, take the announcement back.
//!
//! Announcing and taking back are changes of the records like any other: clients see both as `mod` events.

use std::time::Duration;

use tokio::time::Instant;

use super::allowed;
use crate::{
    core::Ctx,
    db::Db,
    failure::{Failure, fail},
};

/// What an operation announces: on which objects, under which names.
#[derive(Default)]
pub struct Marks(Vec<Mark>);

struct Mark {
    class: &'static str,
    object: String,
    operation: String,
}

impl Marks {
    /// Announces on one more object.
    pub fn add(&mut self, class: &'static str, object: &str, operation: &str) {
        self.0.push(Mark { class, object: object.to_owned(), operation: operation.to_owned() });
    }

    fn enter(&self, db: &mut Db, task: &str) {
        for mark in &self.0 {
            db.set_entry(mark.class, &mark.object, "current_operations", task, Some(&mark.operation));
            allowed::refresh(db, mark.class, &mark.object);
        }
    }

    /// Takes the announcements back. An object may be gone: that was the operation.
    pub fn retire(&self, db: &mut Db, task: &str) {
        for mark in self.0.iter().filter(|m| db.get(m.class, &m.object).is_some()).collect::<Vec<_>>() {
            if !db.field(mark.class, &mark.object, "current_operations")[task].is_null() {
                db.set_entry(mark.class, &mark.object, "current_operations", task, None);
            }
            // What happens to one disk is nothing to the other disks of its SR.
            match mark.class == "SR" && mark.operation.starts_with("vdi_") {
                true => allowed::refresh(db, mark.class, &mark.object),
                false => allowed::settle(db, mark.class, &mark.object),
            }
        }
    }
}

/// Runs an operation. `ready` checks, reserves and says what is announced; it is tried again while another operation is in
/// the way (XAPI does the same inside). `effect` happens after `time`, or never when the task is cancelled before.
pub async fn operate<P, T>(
    ctx: &Ctx,
    time: Duration,
    ready: impl FnMut(&mut Db, &mut Marks) -> Result<P, Failure>,
    effect: impl FnOnce(&mut Db, P) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let (prepared, marks) = announce(ctx, ready).await?;
    let out = match ctx.work(time).await {
        Ok(()) => ctx.core.write(|db| effect(db, prepared)),
        Err(failure) => Err(failure),
    };
    ctx.core.write(|db| marks.retire(db, &ctx.task));
    out
}

/// The first half of `operate`, for operations of several steps: the caller takes the marks back.
pub async fn announce<P>(
    ctx: &Ctx,
    mut ready: impl FnMut(&mut Db, &mut Marks) -> Result<P, Failure>,
) -> Result<(P, Marks), Failure> {
    let delays = &ctx.core.options.delays;
    let give_up = Instant::now() + delays.busy_limit;
    loop {
        let entered = ctx.core.write(|db| {
            let mut marks = Marks::default();
            let prepared = ready(db, &mut marks)?;
            marks.enter(db, &ctx.task);
            Ok((prepared, marks))
        });
        match entered {
            Err(Failure { ref code, .. }) if code == "OTHER_OPERATION_IN_PROGRESS" && Instant::now() < give_up => {
                ctx.work(delays.busy_step).await?;
            }
            entered => return entered,
        }
    }
}

/// Another operation runs on the object, unless `combine` says that the two go together.
/// Several at once are named together: `{clone,copy}`.
pub fn exclusive(db: &Db, class: &str, object: &str, combine: impl Fn(&str) -> bool) -> Result<(), Failure> {
    let running: Vec<(&str, &str)> = db
        .field(class, object, "current_operations")
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(task, operation)| Some((task.as_str(), operation.as_str()?)))
        .collect();
    if running.iter().all(|(_, operation)| combine(operation)) {
        return Ok(());
    }
    let (tasks, operations): (Vec<&str>, Vec<&str>) = running.into_iter().unzip();
    let together = |all: &[&str]| if let [one] = all { (*one).to_owned() } else { format!("{{{}}}", all.join(",")) };
    Err(fail("OTHER_OPERATION_IN_PROGRESS", [class, object, &together(&operations), &together(&tasks)]))
}
