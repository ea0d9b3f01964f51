//! Changing a VM.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use access::Action;
use model::object::PowerState;
use model::{Kind, Object};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use wire::Failure;
use xapi::Value;

use crate::act::{NULL, same_pool};
use crate::ctx::Ctx;
use crate::error::Result;
use crate::object::{self, Target, bytes, present, reference};
use crate::resource_set::{self, Amounts, Reservation};

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
    #[serde(rename = "PV_args", alias = "pv_args")]
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
    #[serde(rename = "cpuMask")]
    cpu_mask: Option<Vec<i64>>,
    vga: Option<String>,
    videoram: Option<i64>,
    #[serde(rename = "coresPerSocket", deserialize_with = "present")]
    cores_per_socket: Option<Option<Json>>,
    #[serde(rename = "hasVendorDevice")]
    has_vendor_device: Option<bool>,
    #[serde(rename = "expNestedHvm")]
    exp_nested_hvm: Option<bool>,
    #[serde(rename = "nestedVirt")]
    nested_virt: Option<bool>,
    #[serde(rename = "resourceSet", deserialize_with = "present")]
    resource_set: Option<Option<String>>,
    share: Option<bool>,
    #[serde(rename = "secureBoot")]
    secure_boot: Option<bool>,
    #[serde(rename = "nicType", deserialize_with = "present")]
    nic_type: Option<Option<String>>,
    #[serde(rename = "hvmBootFirmware", deserialize_with = "present")]
    hvm_boot_firmware: Option<Option<String>>,
    #[serde(rename = "virtualizationMode")]
    virtualization_mode: Option<String>,
    viridian: Option<bool>,
    #[serde(rename = "blockedOperations")]
    blocked_operations: Option<BTreeMap<String, Json>>,
    creation: Option<Creation>,
    #[serde(rename = "suspendSr", deserialize_with = "present")]
    suspend_sr: Option<Option<String>>,
    #[serde(rename = "uefiMode")]
    uefi_mode: Option<String>,
    #[serde(rename = "xenStoreData")]
    xenstore_data: Option<BTreeMap<String, Option<String>>>,
}

/// Who made a VM.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Creation {
    user: Option<String>,
}

/// The longest notes, in characters, as in Xen Orchestra.
const NOTES: usize = 2_048;

/// How long a pool may take to tell of new hardware; it is nothing that anybody has to wait for longer.
const SHOWN: Duration = Duration::from_secs(5);

/// Changes a VM. The changes are made one after another; the first that is refused ends it.
pub async fn set(ctx: &Ctx, vm: &Target, changes: &Changes) -> Result<()> {
    let room = prepare(ctx, vm, changes).await?;
    make(ctx, vm, changes, room).await
}

/// Finds what can be wrong, brings the VM into the resource set where it is to be, and takes the room there that it will need.
async fn prepare(ctx: &Ctx, vm: &Target, changes: &Changes) -> Result<Option<Reservation>> {
    let calls = plan(ctx, vm, changes)?;
    let current = resource_set::set_of(vm);
    let wanted = changes.resource_set.as_ref().map(|set| set.as_deref().filter(|set| !set.is_empty()));
    let moves = wanted.filter(|wanted| *wanted != current.as_deref());
    if let Some(to) = moves {
        // A set that the caller may not use does not exist.
        if let Some(to) = to {
            resource_set::get(ctx, to)?;
        }
        let _admin = access::admin(&ctx.caller)?;
        if vm.kind() != Kind::Vm {
            return Err(Failure::invalid("only a VM belongs to a resource set; its snapshots go with it").into());
        }
    }
    let home = moves.unwrap_or(current.as_deref());
    if changes.share == Some(true) && home.is_none() {
        let message = format!("{} belongs to no resource set whose members could share it", vm.id());
        return Err(Failure::invalid(message).into());
    }
    if let Some(to) = moves {
        resource_set::transfer(ctx, vm, to).await?;
    }
    if let Some(home) = home.filter(|_| changes.share == Some(true)) {
        resource_set::share(&ctx.app, home, vm.id().as_str()).await?;
    }
    let (before, after) = (hardware(vm, &[]), hardware(vm, &calls));
    match moves {
        Some(Some(to)) => resource_set::change_in(ctx, to, &before, &after).await.map(Some),
        None if before != after && resource_set::counts(&ctx.app, vm) => {
            resource_set::change(ctx, vm, &before, &after).await
        }
        _ => Ok(None),
    }
}

async fn make(ctx: &Ctx, vm: &Target, changes: &Changes, room: Option<Reservation>) -> Result<()> {
    let calls = plan(ctx, vm, changes)?;
    let wanted = hardware(vm, &calls);
    ctx.app.each(vm, calls).await?;
    if let Some(room) = room {
        room.commit().await;
        shown(ctx, vm, &wanted).await;
    }
    Ok(())
}

/// Waits a moment until the picture shows that a VM has this hardware: the next change is counted from there.
pub(super) async fn shown(ctx: &Ctx, vm: &Target, wanted: &Amounts) {
    let is_there = |vm: &&Arc<Object>| hardware(vm, &[]) == *wanted;
    let shown = ctx.app.until(vm, |snapshot| snapshot.by_ref(vm.reference()).filter(is_there).map(drop));
    // A guest that runs may have its own idea of its processors.
    let _late = tokio::time::timeout(SHOWN, shown).await;
}

/// Returns the processors and the memory that a VM has after these calls.
pub(super) fn hardware(vm: &Object, calls: &[Call]) -> Amounts {
    let (mut cpus, mut memory) = vm.as_vm().map_or((0, 0), |vm| (vm.cpus.number, vm.memory.dynamic[1]));
    for (method, params) in calls {
        let last = params.last().and_then(Value::as_i64);
        match *method {
            "VM.set_VCPUs_at_startup" | "VM.set_VCPUs_number_live" => cpus = last.unwrap_or(cpus),
            "VM.set_memory_dynamic_range" => memory = last.unwrap_or(memory),
            _ => {}
        }
    }
    let number = |number: i64| u64::try_from(number).unwrap_or_default();
    Amounts::from([("cpus", number(cpus)), ("memory", number(memory))])
}

/// Stops a VM, changes it, and starts it again.
pub async fn set_and_restart(ctx: &Ctx, vm: &Target, changes: &Changes, force: bool) -> Result<()> {
    // What can be wrong is said while it still runs.
    let room = prepare(ctx, vm, changes).await?;
    super::stop(ctx, vm, &super::Stop { force, ..super::Stop::default() }).await?;
    let reference = vm.reference().clone();
    let halted = |vm: &model::Object| vm.as_vm().is_some_and(|vm| vm.power_state == PowerState::Halted);
    ctx.app.until(vm, |snapshot| snapshot.by_ref(&reference).filter(|vm| halted(vm)).map(drop)).await?;
    let vm = object::permit(ctx, vm.id().as_str(), &[], Action::Administrate)?;
    make(ctx, &vm, changes, room).await?;
    super::start(ctx, &vm, None, &super::Start::default()).await
}

pub(super) type Call = (&'static str, Vec<Value>);
type Calls = Vec<Call>;

/// Puts a value under a key of a map of the VM; none removes it.
fn put(calls: &mut Calls, map: (&'static str, &'static str), key: &str, value: Option<&str>) {
    calls.push((map.0, vec![key.into()]));
    if let Some(value) = value {
        calls.push((map.1, vec![key.into(), value.into()]));
    }
}

const OTHER: (&str, &str) = ("VM.remove_from_other_config", "VM.add_to_other_config");
const PLATFORM: (&str, &str) = ("VM.remove_from_platform", "VM.add_to_platform");
const VCPUS: (&str, &str) = ("VM.remove_from_VCPUs_params", "VM.add_to_VCPUs_params");
const BLOCKED: (&str, &str) = ("VM.remove_from_blocked_operations", "VM.add_to_blocked_operations");
const XENSTORE: (&str, &str) = ("VM.remove_from_xenstore_data", "VM.add_to_xenstore_data");
const BOOT: (&str, &str) = ("VM.remove_from_HVM_boot_params", "VM.add_to_HVM_boot_params");

/// Returns the calls that make the changes; everything that can be wrong about the values is found here, before the first.
pub(super) fn plan(ctx: &Ctx, vm: &Target, changes: &Changes) -> Result<Calls> {
    let mut calls = Calls::new();
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
    plan_cpus(ctx, vm, changes, &mut calls)?;
    plan_memory(vm, changes, &mut calls)?;
    if let Some(args) = &changes.pv_args {
        calls.push(("VM.set_PV_args", vec![args.as_str().into()]));
    }
    if let Some(host) = &changes.affinity_host {
        let host = match host.as_deref().filter(|host| !host.is_empty()) {
            Some(host) => reference(&*object::get(ctx, host, &["host"])?),
            None => NULL.into(),
        };
        calls.push(("VM.set_affinity", vec![host]));
    }
    if let Some(delay) = changes.start_delay {
        calls.push(("VM.set_start_delay", vec![Value::Int(delay)]));
    }
    if let Some(tags) = &changes.tags {
        let tags = tags.iter().map(|tag| tag.as_str().into()).collect();
        calls.push(("VM.set_tags", vec![Value::Array(tags)]));
    }
    plan_platform(ctx, vm, changes, &mut calls)?;
    plan_maps(ctx, vm, changes, &mut calls)?;
    Ok(calls)
}

fn plan_cpus(ctx: &Ctx, vm: &Target, changes: &Changes, calls: &mut Calls) -> Result<()> {
    let Some(current) = vm.as_vm() else { return Ok(()) };
    let halted = current.power_state == PowerState::Halted;
    let set_count = |calls: &mut Calls, count| {
        calls.push((
            if halted { "VM.set_VCPUs_at_startup" } else { "VM.set_VCPUs_number_live" },
            vec![Value::Int(count)],
        ));
    };
    let max = changes.cpus_max.as_ref().map(|max| whole(max, "cpusMax")).transpose()?;
    // More at the start than at most is refused: who asks for more raises both.
    let max = max.or(changes.cpus.filter(|count| halted && *count > current.cpus.max));
    let mut count = changes.cpus;
    if let Some(max) = max {
        if halted && max < current.cpus.number {
            set_count(calls, count.take().unwrap_or(max).min(max));
        }
        calls.push(("VM.set_VCPUs_max", vec![Value::Int(max)]));
    }
    if let Some(count) = count {
        set_count(calls, count);
    }
    if let Some(mask) = &changes.cpu_mask {
        let mask: Vec<String> = mask.iter().map(i64::to_string).collect();
        put(calls, VCPUS, "mask", Some(mask.join(",")).as_deref().filter(|mask| !mask.is_empty()));
    }
    if changes.cpu_weight.flatten().is_some() || changes.cpu_weight == Some(None) && current.rare().cpu_weight.is_some()
    {
        // It takes time away from other people's VMs.
        let _admin = access::admin(&ctx.caller)?;
    }
    for (key, value) in [("weight", changes.cpu_weight), ("cap", changes.cpu_cap)] {
        if let Some(value) = value {
            put(calls, VCPUS, key, value.map(|value| value.to_string()).as_deref());
        }
    }
    if let Some(cores) = &changes.cores_per_socket {
        let cores = cores.as_ref().map(|cores| whole(cores, "coresPerSocket")).transpose()?;
        put(calls, PLATFORM, "cores-per-socket", cores.map(|cores| cores.to_string()).as_deref());
    }
    Ok(())
}

/// Changes to what the VM looks like to its guest.
fn plan_platform(ctx: &Ctx, vm: &Target, changes: &Changes, calls: &mut Calls) -> Result<()> {
    let snapshot = ctx.app.inventory.snapshot();
    let pool = snapshot.get(vm.pool().as_str()).and_then(|pool| pool.as_pool()?.platform_version.clone());
    // From 3.4 on it is a key of its own; XAPI compares the parts as numbers.
    let parts = |version: &str| version.split('.').map(|part| part.parse().unwrap_or(0)).collect::<Vec<u32>>();
    let modern = pool.is_some_and(|version| parts(&version) >= vec![3, 4]);
    let flags = [
        ("exp-nested-hvm", changes.exp_nested_hvm),
        (if modern { "nested-virt" } else { "exp-nested-hvm" }, changes.nested_virt),
        ("secureboot", changes.secure_boot),
        ("viridian", changes.viridian),
    ];
    for (key, flag) in flags {
        if let Some(flag) = flag {
            put(calls, PLATFORM, key, Some(&flag.to_string()));
        }
    }
    if let Some(vga) = &changes.vga {
        put(calls, PLATFORM, "vga", Some(vga));
    }
    if let Some(videoram) = changes.videoram {
        put(calls, PLATFORM, "videoram", Some(&videoram.to_string()));
    }
    if let Some(nic) = &changes.nic_type {
        put(calls, PLATFORM, "nic_type", nic.as_deref());
    }
    if let Some(firmware) = &changes.hvm_boot_firmware {
        put(calls, BOOT, "firmware", firmware.as_deref());
    }
    if let Some(on) = changes.has_vendor_device {
        calls.push(("VM.set_has_vendor_device", vec![on.into()]));
    }
    if let Some(mode) = &changes.virtualization_mode {
        let policy = match mode.as_str() {
            "hvm" => "BIOS order",
            "pv" => "",
            other => return Err(Failure::invalid(format!("the mode {other} is neither hvm nor pv")).into()),
        };
        calls.push(("VM.set_HVM_boot_policy", vec![policy.into()]));
    }
    if let Some(mode) = &changes.uefi_mode {
        calls.push(("VM.set_uefi_mode", vec![mode.as_str().into()]));
    }
    Ok(())
}

/// Changes to the maps and links of a VM.
fn plan_maps(ctx: &Ctx, vm: &Target, changes: &Changes, calls: &mut Calls) -> Result<()> {
    for (operation, reason) in changes.blocked_operations.iter().flatten() {
        let reason = match reason {
            Json::Null | Json::Bool(false) => None,
            Json::Bool(true) => Some("true"),
            Json::String(reason) => Some(reason.as_str()),
            _ => return Err(Failure::invalid(format!("why {operation} is blocked is no text")).into()),
        };
        put(calls, BLOCKED, operation, reason);
    }
    for (key, value) in changes.xenstore_data.iter().flatten() {
        let key = if key.starts_with("vm-data/") { key.clone() } else { format!("vm-data/{key}") };
        put(calls, XENSTORE, &key, value.as_deref());
    }
    if let Some(sr) = &changes.suspend_sr {
        let sr = match sr.as_deref().filter(|sr| !sr.is_empty()) {
            Some(sr) => {
                let sr = object::permit(ctx, sr, &["SR"], Action::Administrate)?;
                same_pool(vm, &sr)?;
                reference(&sr)
            }
            None => NULL.into(),
        };
        calls.push(("VM.set_suspend_SR", vec![sr]));
    }
    if let Some(user) = changes.creation.as_ref().and_then(|creation| creation.user.as_ref()) {
        let current = vm.as_vm().and_then(|vm| vm.creation.as_ref()).map(model::object::Packed::to_value);
        let mut creation = current.unwrap_or_else(|| json!({}));
        creation["user"] = json!(user);
        put_creation(vm, creation, calls);
    }
    Ok(())
}

/// Notes how a VM came to be, where copies of it do not take it along.
pub(super) fn put_creation(vm: &Target, creation: Json, calls: &mut Calls) {
    let key = format!("xo:{}", vm.uuid().get(..8).unwrap_or_default());
    put(calls, OTHER, &key, Some(&json!({ "creation": creation }).to_string()));
}

fn plan_memory(vm: &Target, changes: &Changes, calls: &mut Calls) -> Result<()> {
    let size = |value: &Option<Json>, name| value.as_ref().map(|value| bytes(value, name)).transpose();
    let both = size(&changes.memory, "memory")?;
    let minimum = size(&changes.memory_min, "memoryMin")?.or(both);
    let maximum = size(&changes.memory_max, "memoryMax")?.or(both);
    let static_maximum = size(&changes.memory_static_max, "memoryStaticMax")?;
    let Some(current) = vm.as_vm().map(|vm| vm.memory) else { return Ok(()) };
    if let Some(limit) = static_maximum.or(maximum.filter(|wanted| *wanted > current.fixed[1])) {
        calls.push(("VM.set_memory_static_max", vec![Value::Int(limit)]));
    }
    if let Some(limit) = minimum.or(maximum).filter(|wanted| *wanted < current.fixed[0]) {
        calls.push(("VM.set_memory_static_min", vec![Value::Int(limit)]));
    }
    if minimum.is_some() || maximum.is_some() {
        let minimum = minimum.unwrap_or_else(|| maximum.map_or(current.dynamic[0], |max| max.min(current.dynamic[0])));
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
