//! Memory, CPUs and the other settings of a VM that have rules of their own.

use serde_json::{Value, json};

use super::{check::check, power::nothing};
use crate::{
    core::Ctx,
    db::Db,
    failure::{Failure, fail, handle_invalid},
};

const MIB: i64 = 1 << 20;

/// Answers the setters with rules; `None` for the plain ones.
pub fn call(ctx: &Ctx, message: &str, args: &[Value]) -> Option<Result<Value, Failure>> {
    let vm = args.first().and_then(Value::as_str).unwrap_or_default();
    let int = |i: usize| args.get(i).and_then(Value::as_i64).unwrap_or_default();
    let limits = |operation: &str, new: &[(&str, i64)]| ctx.core.write(|db| set_memory(db, vm, operation, new));
    Some(match message {
        "set_memory_dynamic_max" => limits("changing_dynamic_range", &[("memory_dynamic_max", int(1))]),
        "set_memory_dynamic_min" => limits("changing_dynamic_range", &[("memory_dynamic_min", int(1))]),
        "set_memory_static_max" => limits("changing_static_range", &[("memory_static_max", int(1))]),
        "set_memory_static_min" => limits("changing_static_range", &[("memory_static_min", int(1))]),
        "set_memory_dynamic_range" => {
            limits("changing_dynamic_range", &[("memory_dynamic_min", int(1)), ("memory_dynamic_max", int(2))])
        }
        "set_memory_static_range" => {
            limits("changing_static_range", &[("memory_static_min", int(1)), ("memory_static_max", int(2))])
        }
        "set_memory_limits" => limits(
            "changing_memory_limits",
            &[
                ("memory_static_min", int(1)),
                ("memory_static_max", int(2)),
                ("memory_dynamic_min", int(3)),
                ("memory_dynamic_max", int(4)),
            ],
        ),
        "set_memory" => limits(
            "changing_memory_limits",
            &[("memory_static_max", int(1)), ("memory_dynamic_min", int(1)), ("memory_dynamic_max", int(1))],
        ),
        "set_VCPUs_max" | "set_VCPUs_at_startup" => {
            ctx.core.write(|db| set_cpus(db, vm, message.trim_start_matches("set_"), int(1)))
        }
        "set_VCPUs_number_live" => ctx.core.write(|db| set_cpus_live(db, vm, int(1))),
        "set_ha_restart_priority" => {
            let value = args.get(1).and_then(Value::as_str).unwrap_or_default();
            match value {
                "" | "restart" | "best-effort" => ctx.core.write(|db| set(db, vm, "ha_restart_priority", json!(value))),
                other => Err(fail("INVALID_VALUE", ["ha_restart_priority", other])),
            }
        }
        "set_is_a_template" => ctx.core.write(|db| set_is_a_template(db, vm, args.get(1) == Some(&json!(true)))),
        "set_HVM_boot_policy" => {
            let policy = args.get(1).cloned().unwrap_or_default();
            let kind = if policy == "" { "pv" } else { "hvm" };
            ctx.core.write(|db| {
                let fields = [("HVM_boot_policy", policy), ("domain_type", json!(kind))];
                if db.update("VM", vm, fields) { Ok(nothing()) } else { Err(handle_invalid("VM", vm)) }
            })
        }
        _ => return None,
    })
}

fn set(db: &mut Db, vm: &str, field: &str, value: Value) -> Result<Value, Failure> {
    if db.set("VM", vm, field, value) { Ok(nothing()) } else { Err(handle_invalid("VM", vm)) }
}

/// Invariant of every VM: 0 <= static_min <= dynamic_min <= dynamic_max <= static_max.
fn set_memory(db: &mut Db, vm: &str, operation: &str, new: &[(&str, i64)]) -> Result<Value, Failure> {
    check(db, vm, operation)?;
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
    let mut fields: Vec<(&str, Value)> = new.iter().map(|(name, value)| (*name, json!(value))).collect();
    fields.push(("memory_target", json!(target)));
    db.update("VM", vm, fields);
    if db.text("VM", vm, "power_state") == "Running" {
        // The balloon follows at once, in whole MiB.
        let metrics = db.text("VM", vm, "metrics").to_owned();
        db.set("VM_metrics", &metrics, "memory_actual", target / MIB * MIB);
    }
    Ok(nothing())
}

/// Invariant: max >= at_startup >= 1.
fn set_cpus(db: &mut Db, vm: &str, field: &str, value: i64) -> Result<Value, Failure> {
    check(db, vm, "changing_VCPUs")?;
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
    check(db, vm, "changing_VCPUs_live")?;
    if value < 1 || value > db.int("VM", vm, "VCPUs_max") {
        return Err(fail("INVALID_VALUE", ["VCPUs_number_live", &value.to_string()]));
    }
    let metrics = db.text("VM", vm, "metrics").to_owned();
    db.set("VM_metrics", &metrics, "VCPUs_number", value);
    set(db, vm, "VCPUs_at_startup", json!(value))
}

/// Into a template is an operation of its own; out of one only counts as the install.
fn set_is_a_template(db: &mut Db, vm: &str, template: bool) -> Result<Value, Failure> {
    if template {
        check(db, vm, "make_into_template")?;
        if !matches!(db.text("VM", vm, "ha_restart_priority"), "" | "best-effort") {
            return Err(fail("VM_IS_PROTECTED", [vm]));
        }
        db.set("VM", vm, "ha_always_run", false);
    } else {
        let metrics = db.text("VM", vm, "metrics").to_owned();
        db.set("VM_metrics", &metrics, "install_time", crate::clock::now());
    }
    let done = set(db, vm, "is_a_template", json!(template));
    super::recompute(db, vm);
    done
}
