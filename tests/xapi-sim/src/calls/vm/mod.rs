//! The messages of the VM class.

mod check;
mod copy;
mod limits;
mod operate;
mod power;

use serde_json::{Value, json};

use crate::{
    core::Ctx,
    failure::{Failure, fail, handle_invalid},
};

pub use check::recompute;
pub use copy::random_mac;
pub use power::device_operations;

/// Answers what does more than a getter or a setter; `None` for the rest.
pub async fn call(ctx: &Ctx, message: &str, args: &[Value]) -> Option<Result<Value, Failure>> {
    let text = |i: usize| args.get(i).and_then(Value::as_str).unwrap_or_default();
    let flag = |i: usize| args.get(i).and_then(Value::as_bool).unwrap_or_default();
    let vm = text(0);
    let done = match message {
        "start" | "resume" => power::start(ctx, vm, message, None, flag(1)).await,
        "start_on" | "resume_on" => power::start(ctx, vm, message, Some(text(1)), flag(2)).await,
        "clean_shutdown" | "hard_shutdown" => power::stop(ctx, vm, message).await,
        "shutdown" => power::shutdown(ctx, vm).await,
        "clean_reboot" | "hard_reboot" => power::reboot(ctx, vm, message).await,
        "suspend" => power::suspend(ctx, vm).await,
        "pause" | "unpause" => power::pause(ctx, vm, message).await,
        "pool_migrate" => power::migrate(ctx, vm, text(1)).await,
        "destroy" => copy::destroy(ctx, vm).await,
        "provision" => copy::provision(ctx, vm).await,
        "update_allowed_operations" => exists(ctx, vm).map(|()| ctx.core.write(|db| recompute(db, vm))),
        "assert_operation_valid" => ctx.core.read(|db| check::check(db, vm, text(1))),
        "assert_can_boot_here" | "assert_agile" => exists(ctx, vm),
        "clone" => return Some(copy::clone(ctx, vm, text(1)).await),
        "copy" => return Some(copy::copy(ctx, vm, text(1), text(2)).await),
        "snapshot" => return Some(copy::snapshot(ctx, vm, text(1)).await),
        "create" => return Some(copy::create(ctx, args.first().cloned().unwrap_or_default())),
        "get_possible_hosts" => {
            let hosts = || ctx.core.read(|db| db.rows("host").map(|(r, _)| json!(**r)).collect::<Vec<_>>());
            return Some(exists(ctx, vm).map(|()| json!(hosts())));
        }
        "get_allowed_VBD_devices" => return Some(free_devices(ctx, vm, "VBD", "userdevice", 255)),
        "get_allowed_VIF_devices" => return Some(free_devices(ctx, vm, "VIF", "device", 16)),
        "compute_memory_overhead" => {
            return Some(exists(ctx, vm).map(|()| ctx.core.read(|db| db.field("VM", vm, "memory_overhead").clone())));
        }
        _ => return limits::call(ctx, message, args),
    };
    Some(done.map(|()| json!("")))
}

fn exists(ctx: &Ctx, vm: &str) -> Result<(), Failure> {
    if ctx.core.read(|db| db.get("VM", vm).is_some()) { Ok(()) } else { Err(handle_invalid("VM", vm)) }
}

/// Device numbers that are still free, as strings.
fn free_devices(ctx: &Ctx, vm: &str, class: &str, field: &str, end: u32) -> Result<Value, Failure> {
    exists(ctx, vm)?;
    ctx.core.read(|db| {
        let used: Vec<&str> =
            db.rows(class).filter(|(_, d)| d["VM"] == *vm).filter_map(|(_, d)| d[field].as_str()).collect();
        let free: Vec<String> = (0..end).map(|n| n.to_string()).filter(|n| !used.contains(&n.as_str())).collect();
        if free.is_empty() { Err(fail("INVALID_DEVICE", ["none left"])) } else { Ok(json!(free)) }
    })
}
