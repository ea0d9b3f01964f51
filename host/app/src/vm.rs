//! Verbs on VMs. The new state does not come back from here: it arrives as an event of the pool, like any other change.

use std::sync::Arc;
use std::time::Duration;

use access::{Action, Permit, Refusal, permit};
use model::Object;
use model::object::PowerState;
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;
use wire::Failure;
use xapi::Value;

use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::object;

/// Types that are VMs in the public API.
const VM: &[&str] = &["VM"];
const ANY_VM: &[&str] = &["VM", "VM-snapshot", "VM-template"];

/// Returns the VM as a permit for the action, or why not: what the caller may not see does not exist.
fn find(ctx: &Ctx, id: &str, kinds: &[&str], action: Action) -> Result<Permit<Arc<Object>>> {
    let vm = object::get(ctx, id, kinds)?;
    permit(&ctx.caller, &ctx.app.inventory.snapshot(), action, vm).map_err(|refusal| match refusal {
        Refusal::NotVisible => Failure::no_such(id, kinds[0]).into(),
        Refusal::NotAllowed { action } => {
            Failure::Unauthorized { permission: action.to_string(), object: Some((id.to_owned(), kinds[0].to_owned())) }
                .into()
        }
    })
}

/// Returns an object as the pool names it.
fn reference(object: &Object) -> Value {
    Value::from(&**object.reference())
}

/// How to start a VM.
#[derive(Debug, Default, Deserialize)]
pub struct Start {
    /// Lifts a block that somebody put on starting it.
    #[serde(default)]
    pub force: bool,
    /// Id of the host to start on; none = the pool chooses.
    pub host: Option<String>,
}

/// Starts a VM.
pub async fn start(ctx: &Ctx, id: &str, options: Start) -> Result<()> {
    let vm = find(ctx, id, VM, Action::Operate)?;
    if options.force {
        unblock(ctx, &vm, "start").await?;
    }
    match &options.host {
        None => {
            let params = vec![reference(&vm), false.into(), false.into()];
            ctx.app.run(&vm, "VM.start", params).await?;
        }
        Some(host) => {
            let host = object::get(ctx, host, &["host"])?;
            let params = vec![reference(&vm), reference(&host), false.into(), false.into()];
            ctx.app.run(&vm, "VM.start_on", params).await?;
        }
    }
    Ok(())
}

/// How to shut a VM down.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Stop {
    /// Pulls the plug.
    pub force: bool,
    /// Milliseconds after which a clean shutdown becomes a hard one; 0 = never.
    pub force_shutdown_delay: f64,
    /// Lifts a block that somebody put on it.
    pub bypass_blocked_operation: bool,
}

/// Shuts a VM down.
pub async fn stop(ctx: &Ctx, id: &str, options: Stop) -> Result<()> {
    let vm = find(ctx, id, VM, Action::Operate)?;
    let operation = if options.force { "hard_shutdown" } else { "clean_shutdown" };
    if options.bypass_blocked_operation {
        unblock(ctx, &vm, operation).await?;
    }
    if options.force {
        ctx.app.run(&vm, "VM.hard_shutdown", vec![reference(&vm)]).await?;
        return Ok(());
    }
    // Whoever wants the plug pulled does not want the guest to be asked any more.
    let task = ctx.app.start(&vm, "VM.clean_shutdown", vec![reference(&vm)]).await?.cancel_on_drop();
    let clean = ctx.app.end(&vm, &task);
    let delay = options.force_shutdown_delay;
    let outcome = if delay > 0.0 {
        match tokio::time::timeout(Duration::from_millis(delay as u64), clean).await {
            Ok(outcome) => outcome,
            Err(_) => ctx.app.run(&vm, "VM.hard_shutdown", vec![reference(&vm)]).await,
        }
    } else {
        clean.await
    };
    match outcome {
        Ok(_) => Ok(()),
        Err(Error { failure: Failure::VmMissingPvDrivers { .. } | Failure::VmLacksFeature { .. }, detail }) => {
            let message = "clean shutdown requires PV drivers; use force to pull the plug";
            Err(Error { failure: Failure::invalid(message), detail })
        }
        Err(error) => Err(error),
    }
}

/// How to reboot a VM.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Restart {
    /// Presses the reset button.
    pub force: bool,
    /// Lifts a block that somebody put on it.
    pub bypass_blocked_operation: bool,
}

/// Reboots a VM.
pub async fn restart(ctx: &Ctx, id: &str, options: Restart) -> Result<()> {
    let vm = find(ctx, id, VM, Action::Operate)?;
    let operation = if options.force { "hard_reboot" } else { "clean_reboot" };
    if options.bypass_blocked_operation {
        unblock(ctx, &vm, operation).await?;
    }
    ctx.app.run(&vm, &format!("VM.{operation}"), vec![reference(&vm)]).await?;
    Ok(())
}

async fn unblock(ctx: &Ctx, vm: &Permit<Arc<Object>>, operation: &str) -> Result<()> {
    let params = vec![reference(vm), operation.into()];
    ctx.app.call(vm, "VM.remove_from_blocked_operations", params).await?;
    Ok(())
}

/// Changes to a VM; what is none stays.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Changes {
    name_label: Option<String>,
    name_description: Option<String>,
    #[serde(deserialize_with = "present")]
    notes: Option<Option<String>>,
    auto_poweron: Option<bool>,
    high_availability: Option<String>,
    #[serde(rename = "CPUs")]
    cpus: Option<i64>,
    #[serde(rename = "cpusMax")]
    cpus_max: Option<Json>,
    memory: Option<Json>,
    #[serde(rename = "memoryMin")]
    memory_min: Option<Json>,
    #[serde(rename = "memoryMax")]
    memory_max: Option<Json>,
    #[serde(rename = "memoryStaticMax")]
    memory_static_max: Option<Json>,
    #[serde(rename = "PV_args")]
    pv_args: Option<String>,
    #[serde(rename = "affinityHost", deserialize_with = "present")]
    affinity_host: Option<Option<String>>,
    #[serde(rename = "cpuWeight", deserialize_with = "present")]
    cpu_weight: Option<Option<i64>>,
    #[serde(rename = "cpuCap", deserialize_with = "present")]
    cpu_cap: Option<Option<i64>>,
    #[serde(rename = "startDelay")]
    start_delay: Option<i64>,
    tags: Option<Vec<String>>,
}

/// Tells null (clear it) from absent (leave it).
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> std::result::Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// The longest notes, in characters, as in Xen Orchestra.
const NOTES: usize = 2_048;

/// Changes a VM. The changes are made one after another; the first that is refused ends it.
pub async fn set(ctx: &Ctx, id: &str, changes: Changes) -> Result<()> {
    let vm = find(ctx, id, ANY_VM, Action::Administrate)?;
    let calls = plan(ctx, &vm, &changes)?;
    for (method, params) in calls {
        let params = std::iter::once(reference(&vm)).chain(params).collect();
        ctx.app.call(&vm, method, params).await?;
    }
    Ok(())
}

/// Returns the calls that make the changes; everything that can be wrong about the values is found here, before the first.
fn plan(ctx: &Ctx, vm: &Permit<Arc<Object>>, changes: &Changes) -> Result<Vec<(&'static str, Vec<Value>)>> {
    let mut calls = Vec::new();
    let halted = vm.as_vm().is_some_and(|vm| vm.power_state == PowerState::Halted);
    if let Some(text) = &changes.name_label {
        calls.push(("VM.set_name_label", vec![text.as_str().into()]));
    }
    if let Some(text) = &changes.name_description {
        calls.push(("VM.set_name_description", vec![text.as_str().into()]));
    }
    if let Some(notes) = &changes.notes {
        calls.push(("VM.remove_from_other_config", vec!["xo:notes".into()]));
        if let Some(notes) = notes.as_deref().filter(|notes| !notes.is_empty()) {
            if notes.chars().count() > NOTES {
                return Err(Failure::invalid(format!("the notes have more than {NOTES} characters")).into());
            }
            calls.push(("VM.add_to_other_config", vec!["xo:notes".into(), notes.into()]));
        }
    }
    if let Some(on) = changes.auto_poweron {
        calls.push(("VM.remove_from_other_config", vec!["auto_poweron".into()]));
        if on {
            calls.push(("VM.add_to_other_config", vec!["auto_poweron".into(), "true".into()]));
        }
    }
    if let Some(priority) = &changes.high_availability {
        calls.push(("VM.set_ha_restart_priority", vec![priority.as_str().into()]));
    }
    if let Some(max) = &changes.cpus_max {
        calls.push(("VM.set_VCPUs_max", vec![Value::Int(whole(max, "cpusMax")?)]));
    }
    if let Some(count) = changes.cpus {
        if halted {
            calls.push(("VM.set_VCPUs_at_startup", vec![Value::Int(count)]));
        } else {
            calls.push(("VM.set_VCPUs_number_live", vec![Value::Int(count)]));
        }
    }
    plan_memory(vm, changes, &mut calls)?;
    if let Some(args) = &changes.pv_args {
        calls.push(("VM.set_PV_args", vec![args.as_str().into()]));
    }
    if let Some(host) = &changes.affinity_host {
        let host = match host.as_deref().filter(|host| !host.is_empty()) {
            Some(host) => reference(&*object::get(ctx, host, &["host"])?),
            None => "OpaqueRef:NULL".into(),
        };
        calls.push(("VM.set_affinity", vec![host]));
    }
    for (key, value) in [("weight", changes.cpu_weight), ("cap", changes.cpu_cap)] {
        if let Some(value) = value {
            calls.push(("VM.remove_from_VCPUs_params", vec![key.into()]));
            if let Some(value) = value {
                calls.push(("VM.add_to_VCPUs_params", vec![key.into(), value.to_string().as_str().into()]));
            }
        }
    }
    if let Some(delay) = changes.start_delay {
        calls.push(("VM.set_start_delay", vec![Value::Int(delay)]));
    }
    if let Some(tags) = &changes.tags {
        let tags = tags.iter().map(|tag| tag.as_str().into()).collect();
        calls.push(("VM.set_tags", vec![Value::Array(tags)]));
    }
    Ok(calls)
}

fn plan_memory(vm: &Permit<Arc<Object>>, changes: &Changes, calls: &mut Vec<(&'static str, Vec<Value>)>) -> Result<()> {
    let size = |value: &Option<Json>, name| value.as_ref().map(|value| bytes(value, name)).transpose();
    let both = size(&changes.memory, "memory")?;
    let minimum = size(&changes.memory_min, "memoryMin")?.or(both);
    let maximum = size(&changes.memory_max, "memoryMax")?.or(both);
    let static_maximum = size(&changes.memory_static_max, "memoryStaticMax")?;
    let Some(current) = vm.as_vm().map(|vm| vm.memory) else { return Ok(()) };
    if let Some(limit) = static_maximum.or(maximum.filter(|wanted| *wanted > current.fixed[1])) {
        calls.push(("VM.set_memory_static_max", vec![Value::Int(limit)]));
    }
    if minimum.is_some() || maximum.is_some() {
        let minimum = minimum.unwrap_or(current.dynamic[0]);
        let maximum = maximum.unwrap_or(current.dynamic[1].max(minimum));
        calls.push(("VM.set_memory_dynamic_range", vec![Value::Int(minimum.min(maximum)), Value::Int(maximum)]));
    }
    Ok(())
}

fn whole(value: &Json, name: &str) -> Result<i64> {
    let number = value.as_i64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
    Ok(number.ok_or_else(|| Failure::invalid(format!("{name} is not a whole number")))?)
}

/// Reads a size: bytes as a number, or a text such as "2 GiB".
fn bytes(value: &Json, name: &str) -> Result<i64> {
    let wrong = || Error::from(Failure::invalid(format!("{name} is not a size, such as 2147483648 or \"2 GiB\"")));
    if let Some(number) = value.as_i64() {
        return if number >= 0 { Ok(number) } else { Err(wrong()) };
    }
    let text = value.as_str().ok_or_else(wrong)?.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor: f64 = match unit.trim().to_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kib" => 1024.0,
        "kb" => 1e3,
        "m" | "mib" => 1024f64.powi(2),
        "mb" => 1e6,
        "g" | "gib" => 1024f64.powi(3),
        "gb" => 1e9,
        "t" | "tib" => 1024f64.powi(4),
        "tb" => 1e12,
        _ => return Err(wrong()),
    };
    let size = number.parse::<f64>().map_err(|_| wrong())? * factor;
    if size.is_finite() && size < 9e18 { Ok(size as i64) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sizes() {
        for (value, expected) in [
            (json!(1024), Some(1024)),
            (json!("2 GiB"), Some(2 << 30)),
            (json!("512M"), Some(512 << 20)),
            (json!("1.5 kb"), Some(1500)),
            (json!("much"), None),
            (json!(-1), None),
            (json!(null), None),
        ] {
            assert_eq!(bytes(&value, "memory").ok(), expected, "{value}");
        }
    }

    #[test]
    fn null_clears_and_absence_leaves() {
        let changes: Changes = serde_json::from_value(json!({ "notes": null })).unwrap();
        assert_eq!(changes.notes, Some(None));
        assert_eq!(changes.cpu_cap, None);
    }
}
