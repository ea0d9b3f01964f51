//! Memory, CPUs and the other settings of a VM that have rules of their own.

use serde_json::{Value, json};

use super::{
    operate::settle,
    place::{memory, take_memory},
};
use crate::{
    calls::objects::allowed,
    core::Ctx,
    db::Db,
    failure::{Failure, fail, handle_invalid},
};

const MIB: i64 = 1 << 20;

/// Answers the setters with rules; `None` for the plain ones.
pub async fn call(ctx: &Ctx, message: &str, args: &[Value]) -> Option<Result<Value, Failure>> {
    let vm = args.first().and_then(Value::as_str).unwrap_or_default();
    let int = |i: usize| args.get(i).and_then(Value::as_i64).unwrap_or_default();
    let text = |i: usize| args.get(i).and_then(Value::as_str).unwrap_or_default();
    let value = || args.get(1).cloned().unwrap_or_default();
    if let Some((operation, new)) = memory_message(message, &int) {
        return Some(settle(ctx, vm, operation, |db| set_memory(db, vm, &new)).await);
    }
    let plain = |field: &'static str, value: Value| move |db: &mut Db| set(db, vm, field, value);
    Some(match message {
        "set_VCPUs_max" | "set_VCPUs_at_startup" => {
            let field = message.trim_start_matches("set_");
            settle(ctx, vm, "changing_VCPUs", |db| set_cpus(db, vm, field, int(1))).await
        }
        "set_VCPUs_number_live" => settle(ctx, vm, "changing_VCPUs_live", |db| set_cpus_live(db, vm, int(1))).await,
        "set_HVM_shadow_multiplier" => {
            settle(ctx, vm, "changing_shadow_memory", plain("HVM_shadow_multiplier", value())).await
        }
        "set_NVRAM" => settle(ctx, vm, "changing_NVRAM", plain("NVRAM", value())).await,
        "add_to_NVRAM" | "remove_from_NVRAM" => {
            let entry = (message == "add_to_NVRAM").then(|| text(2));
            let effect = |db: &mut Db| {
                db.set_entry("VM", vm, "NVRAM", text(1), entry);
                Ok(nothing())
            };
            settle(ctx, vm, "changing_NVRAM", effect).await
        }
        "set_ha_restart_priority" => match text(1) {
            value @ ("" | "restart" | "best-effort") => {
                ctx.core.write(|db| set(db, vm, "ha_restart_priority", json!(value)))
            }
            other => Err(fail("INVALID_VALUE", ["ha_restart_priority", other])),
        },
        "set_HVM_boot_policy" => {
            let policy = value();
            let kind = if policy == "" { "pv" } else { "hvm" };
            ctx.core.write(|db| {
                let fields = [("HVM_boot_policy", policy), ("domain_type", json!(kind))];
                if db.update("VM", vm, fields) { Ok(nothing()) } else { Err(handle_invalid("VM", vm)) }
            })
        }
        // Plain setters, but the VM's operations depend on them.
        "set_blocked_operations" => ctx.core.write(|db| and_settle(db, vm, plain("blocked_operations", value()))),
        "set_appliance" => ctx.core.write(|db| and_settle(db, vm, plain("appliance", value()))),
        "add_to_blocked_operations" | "remove_from_blocked_operations" => {
            let entry = message.starts_with("add").then(|| text(2));
            ctx.core.write(|db| and_settle(db, vm, |db| block(db, vm, text(1), entry)))
        }
        "set_suspend_VDI" => ctx.core.write(|db| set_suspend_disk(db, vm, text(1))),
        "set_bios_strings" => ctx.core.write(|db| match db.field("VM", vm, "bios_strings").as_object() {
            Some(strings) if !strings.is_empty() => Err(fail("VM_BIOS_STRINGS_ALREADY_SET", [])),
            _ => set(db, vm, "bios_strings", value()),
        }),
        _ => return None,
    })
}

/// Which operation a memory setter is, and what it sets.
fn memory_message(message: &str, int: &impl Fn(usize) -> i64) -> Option<(&'static str, Vec<(&'static str, i64)>)> {
    Some(match message {
        "set_memory_dynamic_max" => ("changing_dynamic_range", vec![("memory_dynamic_max", int(1))]),
        "set_memory_dynamic_min" => ("changing_dynamic_range", vec![("memory_dynamic_min", int(1))]),
        "set_memory_static_max" => ("changing_static_range", vec![("memory_static_max", int(1))]),
        "set_memory_static_min" => ("changing_static_range", vec![("memory_static_min", int(1))]),
        "set_memory_dynamic_range" => {
            ("changing_dynamic_range", vec![("memory_dynamic_min", int(1)), ("memory_dynamic_max", int(2))])
        }
        "set_memory_static_range" => {
            ("changing_static_range", vec![("memory_static_min", int(1)), ("memory_static_max", int(2))])
        }
        "set_memory_limits" => (
            "changing_memory_limits",
            vec![
                ("memory_static_min", int(1)),
                ("memory_static_max", int(2)),
                ("memory_dynamic_min", int(3)),
                ("memory_dynamic_max", int(4)),
            ],
        ),
        "set_memory" => (
            "changing_memory_limits",
            vec![("memory_static_max", int(1)), ("memory_dynamic_min", int(1)), ("memory_dynamic_max", int(1))],
        ),
        _ => return None,
    })
}

/// What a setter answers.
fn nothing() -> Value {
    json!("")
}

fn and_settle(db: &mut Db, vm: &str, change: impl FnOnce(&mut Db) -> Result<Value, Failure>) -> Result<Value, Failure> {
    let done = change(db)?;
    allowed::settle(db, "VM", vm);
    Ok(done)
}

fn block(db: &mut Db, vm: &str, operation: &str, reason: Option<&str>) -> Result<Value, Failure> {
    if db.get("VM", vm).is_none() {
        return Err(handle_invalid("VM", vm));
    }
    if reason.is_some() && !db.field("VM", vm, "blocked_operations")[operation].is_null() {
        return Err(fail("MAP_DUPLICATE_KEY", ["VM", "blocked_operations", vm, operation]));
    }
    db.set_entry("VM", vm, "blocked_operations", operation, reason);
    Ok(nothing())
}

/// Only a suspended VM has memory on a disk.
fn set_suspend_disk(db: &mut Db, vm: &str, disk: &str) -> Result<Value, Failure> {
    let state = db.text("VM", vm, "power_state").to_lowercase();
    if db.get("VM", vm).is_none() {
        return Err(handle_invalid("VM", vm));
    } else if state != "suspended" {
        return Err(fail("VM_BAD_POWER_STATE", [vm, "suspended", &state]));
    } else if db.get("VDI", disk).is_none() {
        return Err(handle_invalid("VDI", disk));
    }
    set(db, vm, "suspend_VDI", json!(disk))
}

fn set(db: &mut Db, vm: &str, field: &str, value: Value) -> Result<Value, Failure> {
    if db.set("VM", vm, field, value) { Ok(nothing()) } else { Err(handle_invalid("VM", vm)) }
}

/// Invariant of every VM: 0 <= static_min <= dynamic_min <= dynamic_max <= static_max.
fn set_memory(db: &mut Db, vm: &str, new: &[(&str, i64)]) -> Result<Value, Failure> {
    let value = |name: &str| new.iter().find(|(n, _)| *n == name).map_or_else(|| db.int("VM", vm, name), |(_, v)| *v);
    let order = [
        0,
        value("memory_static_min"),
        value("memory_dynamic_min"),
        value("memory_dynamic_max"),
        value("memory_static_max"),
    ];
    if !order.is_sorted() {
        let text = "Memory limits must satisfy: static_min <= dynamic_min <= dynamic_max <= static_max";
        return Err(fail("MEMORY_CONSTRAINT_VIOLATION", [text]));
    }
    let target = value("memory_dynamic_max");
    let before = memory(db, vm);
    let mut fields: Vec<(&str, Value)> = new.iter().map(|(name, value)| (*name, json!(value))).collect();
    fields.push(("memory_target", json!(target)));
    db.update("VM", vm, fields);
    let host = db.text("VM", vm, "resident_on").to_owned();
    if db.get("host", &host).is_some() {
        let more = memory(db, vm) - before;
        take_memory(db, &host, more);
    }
    if db.text("VM", vm, "power_state") == "Running" {
        // The balloon follows at once, in whole MiB.
        let metrics = db.text("VM", vm, "metrics").to_owned();
        db.set("VM_metrics", &metrics, "memory_actual", target / MIB * MIB);
    }
    Ok(nothing())
}

/// Invariant: max >= at_startup >= 1.
fn set_cpus(db: &mut Db, vm: &str, field: &str, value: i64) -> Result<Value, Failure> {
    let fits = match field {
        "VCPUs_max" => value >= db.int("VM", vm, "VCPUs_at_startup"),
        _ => value <= db.int("VM", vm, "VCPUs_max"),
    };
    if value < 1 || !fits {
        return Err(fail("INVALID_VALUE", [field, &value.to_string()]));
    }
    set(db, vm, field, json!(value))
}

fn set_cpus_live(db: &mut Db, vm: &str, value: i64) -> Result<Value, Failure> {
    if value < 1 || value > db.int("VM", vm, "VCPUs_max") {
        return Err(fail("INVALID_VALUE", ["VCPUs_number_live", &value.to_string()]));
    }
    let metrics = db.text("VM", vm, "metrics").to_owned();
    db.set("VM_metrics", &metrics, "VCPUs_number", value);
    set(db, vm, "VCPUs_at_startup", json!(value))
}
