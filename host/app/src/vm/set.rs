//! Changing a VM.

use model::object::PowerState;
use serde::Deserialize;
use serde_json::Value as Json;
use wire::Failure;
use xapi::Value;

use crate::ctx::Ctx;
use crate::error::Result;
use crate::object::{self, Target, bytes, present, reference};

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

/// The longest notes, in characters, as in Xen Orchestra.
const NOTES: usize = 2_048;

/// Changes a VM. The changes are made one after another; the first that is refused ends it.
pub async fn set(ctx: &Ctx, vm: &Target, changes: &Changes) -> Result<()> {
    let calls = plan(ctx, vm, changes)?;
    for (method, params) in calls {
        let params = std::iter::once(reference(vm)).chain(params).collect();
        ctx.app.call(vm, method, params).await?;
    }
    Ok(())
}

/// Returns the calls that make the changes; everything that can be wrong about the values is found here, before the first.
fn plan(ctx: &Ctx, vm: &Target, changes: &Changes) -> Result<Vec<(&'static str, Vec<Value>)>> {
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

fn plan_memory(vm: &Target, changes: &Changes, calls: &mut Vec<(&'static str, Vec<Value>)>) -> Result<()> {
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
