//! A VM leaves for another pool: it is packed, carried over to the other simulator, and gone from here only when it runs there.
//!
//! ```text
//!   prepare ----> alive, alive, ... ----> finish ----> gone from here
//!      |                |                    |
//!      +----------------+--- any failure ----+--> the connection ends, and the target drops what it has
//! ```
//! All steps go over one connection: when it ends before `finish` was answered, the target has nothing (`arrive`), and here
//! nothing has changed.

use serde_json::{Value, json};

use super::{arrive::Delivery, domain, life, migrate::Send, parcel::Parcel};
use crate::{
    calls::objects::{frame, frame::Marks, vdi},
    core::Ctx,
    db::Db,
    failure::{Failure, fail},
    peer::Peer,
};

/// How often the progress is told, and the target asked whether it is still there.
const STEPS: u32 = 10;

/// Would it go?
pub async fn check(ctx: &Ctx, vm: &str, request: &Send) -> Result<(), Failure> {
    let parcel = ctx.core.read(|db| Parcel::pack(db, vm, request))?;
    let mut peer = unless_cancelled(ctx, Peer::connect(&request.url, &request.session)).await?;
    unless_cancelled(ctx, peer.ask("check", json!(parcel))).await.map(drop)
}

/// Moves the VM and answers its reference there.
pub async fn send(ctx: &Ctx, vm: &str, request: &Send) -> Result<Value, Failure> {
    let ready = |db: &mut Db, marks: &mut Marks| {
        let parcel = Parcel::pack(db, vm, request)?;
        marks.add("VM", vm, "migrate_send");
        Ok(parcel)
    };
    let (parcel, marks) = frame::announce(ctx, ready).await?;
    let out = carry(ctx, request, &parcel).await;
    ctx.core.write(|db| {
        if out.is_ok() && !request.copy {
            depart(db, &parcel);
        }
        marks.retire(db, &ctx.task);
    });
    out
}

async fn carry(ctx: &Ctx, request: &Send, parcel: &Parcel) -> Result<Value, Failure> {
    let mut peer = unless_cancelled(ctx, Peer::connect(&request.url, &request.session)).await?;
    let carried = async {
        let made = unless_cancelled(ctx, peer.ask("prepare", json!(parcel))).await?;
        for step in 1..=STEPS {
            ctx.work(ctx.core.options.delays.operation / STEPS).await?;
            unless_cancelled(ctx, peer.ask("alive", json!({}))).await?;
            let progress = f64::from(step) / f64::from(STEPS + 1);
            ctx.core.write(|db| db.set("task", &ctx.task, "progress", json!(progress)));
        }
        // From here on there is no way back: nobody may cancel what may have happened already.
        ctx.core.write(|db| db.set("task", &ctx.task, "allowed_operations", json!([])));
        let delivery = ctx.core.read(|db| Delivery::of(db, parcel));
        peer.ask("finish", json!(delivery)).await?;
        Ok(made)
    }
    .await;
    if carried.is_err() {
        peer.end().await;
    }
    carried
}

async fn unless_cancelled<T>(ctx: &Ctx, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let mut cancelled = ctx.cancelled.clone();
    tokio::select! {
        done = work => done,
        Ok(_) = cancelled.wait_for(|asked| *asked) => Err(fail("TASK_CANCELLED", [&ctx.task])),
    }
}

/// The VM goes from here, with its snapshots, all their disks and the messages about it.
fn depart(db: &mut Db, parcel: &Parcel) {
    if matches!(db.text("VM", &parcel.vm, "power_state"), "Running" | "Paused") {
        domain::halt(db, &parcel.vm, "Halted");
    }
    for message in messages(db, parcel) {
        db.remove("message", &message);
    }
    for vm in parcel.of("VM") {
        life::remove(db, &vm.reference);
    }
    for disk in parcel.disks.keys() {
        vdi::erase(db, disk);
    }
}

/// The messages about the VM.
pub fn messages(db: &Db, parcel: &Parcel) -> Vec<String> {
    let uuid = db.text("VM", &parcel.vm, "uuid");
    let about = db.rows("message").filter(|(_, m)| m["cls"] == "VM" && m["obj_uuid"] == uuid);
    about.map(|(reference, _)| reference.to_string()).collect()
}
