//! The messages of the VM class.

pub mod arrive;
mod check;
mod copy;
mod domain;
mod leave;
mod life;
mod limits;
mod migrate;
mod operate;
mod parcel;
mod place;
mod power;
mod snapshot;
mod tools;

use serde_json::{Value, json};

use crate::{
    core::Ctx,
    failure::{Failure, fail, handle_invalid},
};

pub use check::{allowed, check, has_drivers, is_hvm, upgrading};
pub use copy::random_mac;
pub use domain::{device_name, halt};
pub use life::remove;
pub use migrate::{evacuation, within_pool};
pub use place::sees_network;
pub use power::{shut_down, start, stop};

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
        "power_state_reset" => power::reset(ctx, vm).await,
        "pool_migrate" => migrate::within_pool(ctx, vm, text(1), args.get(2).unwrap_or(&Value::Null)).await,
        "assert_can_migrate" => migrate::would_go(ctx, vm, &migrate::Send::read(args)).await,
        "revert" => snapshot::revert(ctx, vm).await,
        "destroy" => life::destroy(ctx, vm).await,
        "provision" => life::provision(ctx, vm).await,
        "set_is_a_template" => life::set_is_a_template(ctx, vm, flag(1)).await,
        "sysprep" => life::touch(ctx, vm, message).await,
        "update_allowed_operations" => exists(ctx, vm).map(|()| ctx.core.write(|db| recompute(db, vm))),
        "assert_operation_valid" => ctx.core.read(|db| check::check(db, vm, text(1))),
        "assert_can_boot_here" => {
            exists(ctx, vm).and_then(|()| ctx.core.read(|db| place::boots_here(db, vm, text(1), true)))
        }
        "assert_agile" => exists(ctx, vm).and_then(|()| ctx.core.read(|db| place::assert_agile(db, vm))),
        "send_sysrq" | "send_trigger" => ctx
            .core
            .read(|db| check::check(db, vm, message))
            .and_then(|()| Err(fail("NOT_IMPLEMENTED", [&format!("VM.{message}")]))),
        // There are no plugins in our guests. XAPI also limits the calls to one per VM and 10 s.
        "call_plugin" => ctx
            .core
            .read(|db| check::check(db, vm, message))
            .and_then(|()| Err(fail("XENAPI_MISSING_PLUGIN", [text(1)]))),
        "clone" => return Some(copy::clone(ctx, vm, text(1), message).await),
        "csvm" => {
            let name = ctx.core.read(|db| db.text("VM", vm, "name_label").to_owned());
            return Some(copy::clone(ctx, vm, &name, message).await);
        }
        "copy" => return Some(copy::copy(ctx, vm, text(1), text(2)).await),
        "snapshot" => {
            let without = args.get(2).and_then(Value::as_array).into_iter().flatten();
            let without: Vec<String> = without.filter_map(|v| v.as_str().map(str::to_owned)).collect();
            return Some(snapshot::snapshot(ctx, vm, text(1), &without).await);
        }
        "checkpoint" => return Some(snapshot::checkpoint(ctx, vm, text(1)).await),
        "migrate_send" => return Some(migrate::send(ctx, vm, migrate::Send::read(args)).await),
        "create" => return Some(life::create(ctx, args.first().cloned().unwrap_or_default())),
        "get_possible_hosts" => {
            return Some(exists(ctx, vm).map(|()| ctx.core.read(|db| json!(place::possible_hosts(db, vm)))));
        }
        "get_allowed_VBD_devices" => {
            let own = ctx.core.read(|db| db.flag("VM", vm, "is_control_domain"));
            return Some(free_devices(ctx, vm, "VBD", "userdevice", if own { 256 } else { 255 }));
        }
        "get_allowed_VIF_devices" => return Some(free_devices(ctx, vm, "VIF", "device", 16)),
        "compute_memory_overhead" => {
            return Some(exists(ctx, vm).map(|()| ctx.core.read(|db| db.field("VM", vm, "memory_overhead").clone())));
        }
        _ => return limits::call(ctx, message, args).await,
    };
    Some(done.map(|()| json!("")))
}

/// Writes a VM's allowed_operations and those of its devices anew where they differ.
pub fn recompute(db: &mut crate::db::Db, vm: &str) {
    super::objects::allowed::settle(db, "VM", vm);
}

fn exists(ctx: &Ctx, vm: &str) -> Result<(), Failure> {
    if ctx.core.read(|db| db.get("VM", vm).is_some()) { Ok(()) } else { Err(handle_invalid("VM", vm)) }
}

/// Device numbers that are still free, as strings.
fn free_devices(ctx: &Ctx, vm: &str, class: &str, field: &str, end: u32) -> Result<Value, Failure> {
    exists(ctx, vm)?;
    ctx.core.read(|db| {
        let set = if class == "VBD" { "VBDs" } else { "VIFs" };
        let devices = db.list("VM", vm, set);
        let used: Vec<&str> = devices.iter().map(|d| db.text(class, d, field)).collect();
        let free: Vec<String> = (0..end).map(|n| n.to_string()).filter(|n| !used.contains(&n.as_str())).collect();
        if free.is_empty() { Err(fail("INVALID_DEVICE", ["none left"])) } else { Ok(json!(free)) }
    })
}
