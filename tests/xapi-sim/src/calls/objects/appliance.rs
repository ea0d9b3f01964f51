//! VM_appliance: VMs that start and stop as one, in their order.

use serde_json::{Value, json};

use super::frame::exclusive;
use crate::{
    calls::vm,
    core::Ctx,
    db::Db,
    failure::{Failure, handle_invalid},
    model::model,
    tasks,
};

/// Something is to be started when one of its VMs is off, to be stopped when one is not.
fn check(db: &Db, appliance: &str, operation: &str) -> Result<(), Failure> {
    if db.get("VM_appliance", appliance).is_none() {
        return Err(handle_invalid("VM_appliance", appliance));
    }
    exclusive(db, "VM_appliance", appliance, |_| false)?;
    let members = db.list("VM_appliance", appliance, "VMs");
    let off = |vm: &String| db.text("VM", vm, "power_state") == "Halted";
    let sensible = if operation == "start" { members.iter().any(off) } else { !members.iter().all(off) };
    if sensible {
        return Ok(());
    }
    Err(Failure { code: "OPERATION_PARTIALLY_FAILED".to_owned(), params: vec![operation.to_owned()] })
}

/// Returns what allowed_operations must list.
pub fn allowed(db: &Db, appliance: &str) -> Vec<&'static str> {
    let all = model().enums["vm_appliance_operation"].iter().map(String::as_str);
    all.filter(|operation| check(db, appliance, operation).is_ok()).collect()
}

/// Answers start and the three ways to stop. An appliance whose VMs are all where they should be has nothing to do.
pub async fn call(ctx: &Ctx, message: &str, args: &[Value]) -> Option<Result<Value, Failure>> {
    if !["start", "clean_shutdown", "hard_shutdown", "shutdown"].contains(&message) {
        return None;
    }
    let appliance = args.first().and_then(Value::as_str).unwrap_or_default();
    Some(run(ctx, appliance, message, args.get(1) == Some(&json!(true))).await)
}

async fn run(ctx: &Ctx, appliance: &str, operation: &str, paused: bool) -> Result<Value, Failure> {
    let mut members = ctx.core.write(|db| {
        if db.get("VM_appliance", appliance).is_none() {
            return Err(handle_invalid("VM_appliance", appliance));
        }
        exclusive(db, "VM_appliance", appliance, |_| false)?;
        db.set_entry("VM_appliance", appliance, "current_operations", &ctx.task, Some(operation));
        super::allowed::refresh(db, "VM_appliance", appliance);
        let members = db.list("VM_appliance", appliance, "VMs").into_iter();
        let concerned = members.filter(|vm| (db.text("VM", vm, "power_state") == "Halted") == (operation == "start"));
        Ok(concerned.map(|vm| (db.int("VM", &vm, "order"), vm)).collect::<Vec<_>>())
    })?;
    members.sort();
    if operation != "start" {
        members.reverse();
    }
    let mut failed = Vec::new();
    for (_, member) in members {
        let Ok(own) = tasks::begin(&ctx.core, &format!("VM.{operation}"), &ctx.session) else {
            failed.push(member);
            continue;
        };
        let done = match operation {
            "start" => vm::start(&own, &member, "start", None, paused).await,
            "shutdown" => match vm::stop(&own, &member, "clean_shutdown").await {
                Err(_) => vm::stop(&own, &member, "hard_shutdown").await,
                done => done,
            },
            _ => vm::stop(&own, &member, operation).await,
        };
        tasks::forget(&own);
        if done.is_err() {
            failed.push(member);
        }
    }
    ctx.core.write(|db| {
        db.set_entry("VM_appliance", appliance, "current_operations", &ctx.task, None);
        super::allowed::refresh(db, "VM_appliance", appliance);
    });
    if failed.is_empty() {
        return Ok(json!(""));
    }
    let params = std::iter::once(operation.to_owned()).chain(failed).collect();
    Err(Failure { code: "OPERATION_PARTIALLY_FAILED".to_owned(), params })
}
