//! The power verbs and what they do to the VM and everything around it.

use serde_json::{Value, json};

use super::{check::recompute, operate::operate};
use crate::{
    clock,
    core::Ctx,
    db::Db,
    failure::{Failure, fail},
    model::{NULL, model},
    tasks::{ask_to_cancel, object},
};

/// Room a VM takes on a host beside its memory.
const OVERHEAD: i64 = 4 << 20;

/// `VM.start`, `VM.start_on`, `VM.resume`, `VM.resume_on`: from not running to running (or paused).
pub async fn start(ctx: &Ctx, vm: &str, operation: &str, host: Option<&str>, paused: bool) -> Result<(), Failure> {
    let resume = operation.starts_with("resume");
    let place = |db: &mut Db| {
        let host = place(db, vm, host)?;
        db.set("VM", vm, "scheduled_to_be_resident_on", host.clone());
        Ok(host)
    };
    let effect = |db: &mut Db, host: String| {
        if !resume {
            let old = db.text("VM", vm, "guest_metrics").to_owned();
            db.remove("VM_guest_metrics", &old);
            db.set("VM", vm, "guest_metrics", NULL);
        }
        boot(db, vm, &host, if paused { "Paused" } else { "Running" });
        if resume {
            drop_suspended_memory(db, vm);
        }
        alert(db, if resume { "VM_RESUMED" } else { "VM_STARTED" }, vm);
        Ok(())
    };
    let out = operate(ctx, vm, operation, place, effect).await;
    if out.is_err() {
        ctx.core.write(|db| {
            if db.text("VM", vm, "scheduled_to_be_resident_on") != NULL && db.get("VM", vm).is_some() {
                db.set("VM", vm, "scheduled_to_be_resident_on", NULL);
            }
        });
    } else if !resume {
        tools_report_later(ctx, vm);
    }
    out
}

/// `VM.clean_shutdown`, `VM.hard_shutdown`: to Halted.
pub async fn stop(ctx: &Ctx, vm: &str, operation: &str) -> Result<(), Failure> {
    if operation == "hard_shutdown" {
        cancel_others(
            ctx,
            vm,
            &["clean_shutdown", "clean_reboot", "pool_migrate", "call_plugin", "suspend", "hard_reboot"],
        );
    }
    let effect = |db: &mut Db, ()| {
        halt(db, vm, "Halted");
        drop_suspended_memory(db, vm);
        alert(db, "VM_SHUTDOWN", vm);
        Ok(())
    };
    operate(ctx, vm, operation, |_| Ok(()), effect).await
}

/// `VM.shutdown`: clean, and hard when that fails; of a suspended VM only the memory image goes.
pub async fn shutdown(ctx: &Ctx, vm: &str) -> Result<(), Failure> {
    ctx.core.read(|db| super::check::check(db, vm, "shutdown"))?;
    if ctx.core.read(|db| db.text("VM", vm, "power_state") == "Running") {
        match stop(ctx, vm, "clean_shutdown").await {
            Err(failure) if failure.code != "TASK_CANCELLED" => {}
            done => return done,
        }
    }
    stop(ctx, vm, "hard_shutdown").await
}

/// `VM.clean_reboot`, `VM.hard_reboot`: the same VM in a new domain.
pub async fn reboot(ctx: &Ctx, vm: &str, operation: &str) -> Result<(), Failure> {
    if operation == "hard_reboot" {
        cancel_others(ctx, vm, &["clean_shutdown", "clean_reboot", "pool_migrate", "call_plugin", "suspend"]);
    }
    let effect = |db: &mut Db, ()| {
        let host = db.text("VM", vm, "resident_on").to_owned();
        halt(db, vm, "Halted");
        boot(db, vm, &host, "Running");
        alert(db, "VM_REBOOTED", vm);
        Ok(())
    };
    operate(ctx, vm, operation, |_| Ok(()), effect).await
}

/// `VM.suspend`: the memory goes to a disk.
pub async fn suspend(ctx: &Ctx, vm: &str) -> Result<(), Failure> {
    let prepare = |db: &mut Db| suspend_sr(db, vm).ok_or_else(|| fail("VM_NO_SUSPEND_SR", [vm]));
    let effect = |db: &mut Db, sr: String| {
        let size = db.int("VM", vm, "memory_static_max");
        let disk = json!({
            "name_label": "Suspend image", "name_description": "Suspend image", "SR": sr, "virtual_size": size,
            "physical_utilisation": size, "type": "suspend", "managed": true,
        });
        let disk = db.insert("VDI", object(disk));
        halt(db, vm, "Suspended");
        db.set("VM", vm, "suspend_VDI", disk);
        alert(db, "VM_SUSPENDED", vm);
        Ok(())
    };
    operate(ctx, vm, "suspend", prepare, effect).await
}

/// `VM.pause`, `VM.unpause`: the VM stays where it is.
pub async fn pause(ctx: &Ctx, vm: &str, operation: &str) -> Result<(), Failure> {
    let state = if operation == "pause" { "Paused" } else { "Running" };
    operate(
        ctx,
        vm,
        operation,
        |_| Ok(()),
        |db, ()| {
            db.set("VM", vm, "power_state", state);
            Ok(())
        },
    )
    .await
}

/// `VM.pool_migrate`: to another host of the pool, in a new domain there.
pub async fn migrate(ctx: &Ctx, vm: &str, host: &str) -> Result<(), Failure> {
    let place = |db: &mut Db| place(db, vm, Some(host));
    let effect = |db: &mut Db, host: String| {
        let memory = memory(db, vm);
        let from = db.text("VM", vm, "resident_on").to_owned();
        take_memory(db, &from, -memory);
        take_memory(db, &host, memory);
        let domid = db.domid();
        db.update("VM", vm, [("resident_on", json!(host)), ("domid", json!(domid))]);
        new_consoles(db, vm);
        alert(db, "VM_MIGRATED", vm);
        Ok(())
    };
    operate(ctx, vm, "pool_migrate", place, effect).await
}

/// A stronger verb ends the weaker ones that run.
fn cancel_others(ctx: &Ctx, vm: &str, operations: &[&str]) {
    let running = ctx.core.read(|db| db.field("VM", vm, "current_operations").as_object().cloned().unwrap_or_default());
    for (task, operation) in &running {
        if operation.as_str().is_some_and(|o| operations.contains(&o)) {
            ask_to_cancel(&ctx.core, task);
        }
    }
}

fn memory(db: &Db, vm: &str) -> i64 {
    db.int("VM", vm, "memory_dynamic_max") + OVERHEAD
}

/// Can the host take VMs at all?
fn usable(db: &Db, host: &str) -> bool {
    db.flag("host", host, "enabled") && db.flag("host_metrics", db.text("host", host, "metrics"), "live")
}

/// Chooses the host: the one asked for, else the VM's affinity, else the one with most room.
fn place(db: &Db, vm: &str, asked: Option<&str>) -> Result<String, Failure> {
    let need = memory(db, vm);
    let free = |host: &str| db.int("host_metrics", db.text("host", host, "metrics"), "memory_free");
    if let Some(host) = asked {
        let metrics = db.text("host", host, "metrics");
        if db.get("host", host).is_none() {
            return Err(crate::failure::handle_invalid("host", host));
        } else if !db.flag("host", host, "enabled") {
            return Err(fail("HOST_DISABLED", [host]));
        } else if !db.flag("host_metrics", metrics, "live") {
            return Err(fail("HOST_OFFLINE", [host]));
        } else if free(host) < need {
            return Err(fail("HOST_NOT_ENOUGH_FREE_MEMORY", [&need.to_string(), &free(host).to_string()]));
        }
        return Ok(host.to_owned());
    }
    let mut hosts: Vec<&str> = db.rows("host").map(|(r, _)| &**r).filter(|h| usable(db, h)).collect();
    let affinity = db.text("VM", vm, "affinity");
    hosts.sort_by_key(|h| (*h != affinity, -free(h)));
    match hosts.iter().find(|h| free(h) >= need) {
        Some(host) => Ok((*host).to_owned()),
        None if db.count("host") == 1 && !hosts.is_empty() => {
            Err(fail("HOST_NOT_ENOUGH_FREE_MEMORY", [&need.to_string(), &free(hosts[0]).to_string()]))
        }
        None => Err(fail("NO_HOSTS_AVAILABLE", [])),
    }
}

fn take_memory(db: &mut Db, host: &str, bytes: i64) {
    let metrics = db.text("host", host, "metrics").to_owned();
    let left = db.int("host_metrics", &metrics, "memory_free") - bytes;
    db.set("host_metrics", &metrics, "memory_free", left);
}

/// Makes the domain: devices attached, consoles there, clocks set.
fn boot(db: &mut Db, vm: &str, host: &str, state: &str) {
    let hvm = db.text("VM", vm, "domain_type") == "hvm";
    for (i, vbd) in db.list("VM", vm, "VBDs").into_iter().enumerate() {
        let number = db.text("VBD", &vbd, "userdevice").parse::<u8>().unwrap_or(u8::try_from(i).unwrap_or(0));
        let letter = char::from(b'a' + number % 26);
        let device = match db.text("VBD", &vbd, "device") {
            "" if hvm && number < 4 => format!("hd{letter}"),
            "" => format!("xvd{letter}"),
            kept => kept.to_owned(),
        };
        db.update("VBD", &vbd, [("currently_attached", json!(true)), ("device", json!(device))]);
        device_operations(db, "VBD", &vbd, true);
    }
    for vif in db.list("VM", vm, "VIFs") {
        db.set("VIF", &vif, "currently_attached", true);
        device_operations(db, "VIF", &vif, true);
    }
    let domid = db.domid();
    let metrics = db.text("VM", vm, "metrics").to_owned();
    let boot = [
        ("start_time", json!(clock::now())),
        ("memory_actual", json!(db.int("VM", vm, "memory_dynamic_max"))),
        ("VCPUs_number", json!(db.int("VM", vm, "VCPUs_at_startup"))),
        ("current_domain_type", json!(db.text("VM", vm, "domain_type"))),
    ];
    db.update("VM_metrics", &metrics, boot);
    let bytes = memory(db, vm);
    take_memory(db, host, bytes);
    let fields = [
        ("power_state", json!(state)),
        ("resident_on", json!(host)),
        ("scheduled_to_be_resident_on", json!(NULL)),
        ("domid", json!(domid)),
    ];
    db.update("VM", vm, fields);
    new_consoles(db, vm);
}

/// Takes the domain away.
fn halt(db: &mut Db, vm: &str, state: &str) {
    let host = db.text("VM", vm, "resident_on").to_owned();
    if db.get("host", &host).is_some() {
        let bytes = memory(db, vm);
        take_memory(db, &host, -bytes);
    }
    for (class, set) in [("VBD", "VBDs"), ("VIF", "VIFs"), ("VGPU", "VGPUs"), ("VUSB", "VUSBs")] {
        for device in db.list("VM", vm, set) {
            if db.flag(class, &device, "currently_attached") {
                db.set(class, &device, "currently_attached", false);
            }
            device_operations(db, class, &device, false);
        }
    }
    for console in db.list("VM", vm, "consoles") {
        db.remove("console", &console);
    }
    let mut guidances = db.list("VM", vm, "pending_guidances");
    guidances.retain(|g| g != "restart_vm" && g != "restart_device_model");
    let fields = [
        ("power_state", json!(state)),
        ("resident_on", json!(NULL)),
        ("scheduled_to_be_resident_on", json!(NULL)),
        ("domid", json!(-1)),
        ("requires_reboot", json!(false)),
        ("pending_guidances", json!(guidances)),
    ];
    db.update("VM", vm, fields);
}

/// The operations a device offers, written where they differ.
pub fn device_operations(db: &mut Db, class: &str, device: &str, running: bool) {
    let attached = db.flag(class, device, "currently_attached");
    let mut allowed = vec!["attach"];
    match (running, attached) {
        (true, true) => allowed.extend(["unplug", "unplug_force"]),
        (true, false) => allowed.push("plug"),
        _ => {}
    }
    if class == "VBD" && db.text(class, device, "type") == "CD" {
        allowed.push(if db.flag(class, device, "empty") { "insert" } else { "eject" });
    }
    if class == "VBD" || class == "VIF" {
        let allowed = json!(allowed);
        if *db.field(class, device, "allowed_operations") != allowed {
            db.set(class, device, "allowed_operations", allowed);
        }
    }
}

fn new_consoles(db: &mut Db, vm: &str) {
    for console in db.list("VM", vm, "consoles") {
        db.remove("console", &console);
    }
    let address = db.text("host", db.text("VM", vm, "resident_on"), "address").to_owned();
    let protocols: &[&str] = if db.text("VM", vm, "domain_type") == "hvm" { &["rfb"] } else { &["rfb", "vt100"] };
    for protocol in protocols {
        let uuid = db.uuid();
        let location = format!("https://{address}/console?uuid={uuid}");
        db.insert("console", object(json!({"uuid": uuid, "VM": vm, "protocol": protocol, "location": location})));
    }
}

fn drop_suspended_memory(db: &mut Db, vm: &str) {
    let disk = db.text("VM", vm, "suspend_VDI").to_owned();
    if disk != NULL {
        db.remove("VDI", &disk);
        db.set("VM", vm, "suspend_VDI", NULL);
    }
}

fn suspend_sr(db: &Db, vm: &str) -> Option<String> {
    let pool = db.rows("pool").next().map(|(r, _)| r.to_string()).unwrap_or_default();
    let host = db.text("VM", vm, "resident_on");
    let choices = [
        db.text("VM", vm, "suspend_SR"),
        db.text("pool", &pool, "suspend_image_SR"),
        db.text("host", host, "suspend_image_sr"),
    ];
    choices.into_iter().find(|sr| db.get("SR", sr).is_some()).map(str::to_owned)
}

/// After a start the guest tools, if the VM has any, report again.
fn tools_report_later(ctx: &Ctx, vm: &str) {
    let (uuid, domid) = ctx.core.read(|db| (db.text("VM", vm, "uuid").to_owned(), db.int("VM", vm, "domid")));
    let Some(mut report) = ctx.core.tools.lock().get(&uuid).cloned() else { return };
    report.remove("uuid");
    let (core, vm) = (ctx.core.clone(), vm.to_owned());
    ctx.core.spawn(async move {
        tokio::time::sleep(core.options.delays.guest_tools).await;
        core.write(|db| {
            let same = db.int("VM", &vm, "domid") == domid && db.text("VM", &vm, "guest_metrics") == NULL;
            if same && db.get("VM", &vm).is_some() {
                report.insert("last_updated".to_owned(), json!(clock::now()));
                let metrics = db.insert("VM_guest_metrics", report);
                db.set("VM", &vm, "guest_metrics", metrics);
                recompute(db, &vm);
            }
        });
    });
}

/// Leaves a message object about the VM.
pub fn alert(db: &mut Db, name: &str, vm: &str) {
    let text = db.text("VM", vm, "name_label").to_owned();
    let fields = json!({
        "name": name, "priority": model().alerts.get(name).copied().unwrap_or(5), "cls": "VM", "obj_uuid": db.text("VM", vm, "uuid"),
        "timestamp": clock::now(), "body": format!("{name}: VM '{text}'"),
    });
    db.insert("message", object(fields));
}

/// A value nobody reads.
pub fn nothing() -> Value {
    json!("")
}
