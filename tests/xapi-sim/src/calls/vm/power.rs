//! The power verbs and what they do to the VM and everything around it.

use serde_json::json;

use super::{
    check,
    domain::{boot, halt},
    operate::{nothing, operate},
    place::place,
    tools,
};
use crate::{
    calls::objects::{frame::Marks, host, messages::alert, vdi},
    core::Ctx,
    db::Db,
    failure::{Failure, fail},
    model::NULL,
    tasks::{ask_to_cancel, object},
};

/// `VM.start`, `VM.start_on`, `VM.resume`, `VM.resume_on`: from not running to running (or paused).
pub async fn start(ctx: &Ctx, vm: &str, operation: &str, asked: Option<&str>, paused: bool) -> Result<(), Failure> {
    let resume = operation.starts_with("resume");
    let on_host = if resume { "vm_resume" } else { "vm_start" };
    let prepare = |db: &mut Db, marks: &mut Marks| {
        let host = place(db, vm, asked, on_host)?;
        marks.add("host", &host, on_host);
        db.set("VM", vm, "scheduled_to_be_resident_on", host.clone());
        Ok(host)
    };
    let effect = |db: &mut Db, host: String| {
        if !resume {
            tools::forget_report(ctx, db, vm);
        }
        boot(db, vm, &host, if paused { "Paused" } else { "Running" }, !resume);
        if resume {
            drop_suspended_memory(db, vm);
        }
        alert(db, if resume { "VM_RESUMED" } else { "VM_STARTED" }, vm);
        Ok(())
    };
    let out = operate(ctx, vm, operation, prepare, effect).await;
    if out.is_err() {
        ctx.core.write(|db| unschedule(db, vm));
    } else if !resume {
        tools::report_later(ctx, vm);
    }
    out
}

/// No host is going to have the VM any more.
pub fn unschedule(db: &mut Db, vm: &str) {
    if db.get("VM", vm).is_some() && db.text("VM", vm, "scheduled_to_be_resident_on") != NULL {
        db.set("VM", vm, "scheduled_to_be_resident_on", NULL);
    }
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
        shut_down(db, vm);
        Ok(())
    };
    operate(ctx, vm, operation, nothing, effect).await
}

/// The effects of any shutdown.
pub fn shut_down(db: &mut Db, vm: &str) {
    halt(db, vm, "Halted");
    drop_suspended_memory(db, vm);
    alert(db, "VM_SHUTDOWN", vm);
}

/// `VM.shutdown`: clean, and hard when that fails; of a suspended VM only the memory image goes.
pub async fn shutdown(ctx: &Ctx, vm: &str) -> Result<(), Failure> {
    ctx.core.read(|db| check::check(db, vm, "shutdown"))?;
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
        boot(db, vm, &host, "Running", true);
        alert(db, "VM_REBOOTED", vm);
        Ok(())
    };
    operate(ctx, vm, operation, nothing, effect).await
}

/// `VM.suspend`: the memory goes to a disk.
pub async fn suspend(ctx: &Ctx, vm: &str) -> Result<(), Failure> {
    let prepare = |db: &mut Db, _: &mut Marks| suspend_sr(db, vm);
    let effect = |db: &mut Db, sr: String| {
        put_to_disk(db, vm, &sr);
        alert(db, "VM_SUSPENDED", vm);
        Ok(())
    };
    operate(ctx, vm, "suspend", prepare, effect).await
}

/// The memory to a disk of the SR, the domain away.
pub fn put_to_disk(db: &mut Db, vm: &str, sr: &str) {
    let size = db.int("VM", vm, "memory_static_max");
    let disk = json!({
        "name_label": "Suspend image", "name_description": "Suspend image", "SR": sr, "virtual_size": size,
        "physical_utilisation": size, "type": "suspend", "managed": true, "location": db.uuid(),
    });
    let disk = db.insert("VDI", object(disk));
    vdi::account(db, sr, size, size);
    halt(db, vm, "Suspended");
    db.set("VM", vm, "suspend_VDI", disk);
}

/// `VM.pause`, `VM.unpause`: the VM stays where it is.
pub async fn pause(ctx: &Ctx, vm: &str, operation: &str) -> Result<(), Failure> {
    let state = if operation == "pause" { "Paused" } else { "Running" };
    let effect = |db: &mut Db, ()| {
        db.set("VM", vm, "power_state", state);
        Ok(())
    };
    operate(ctx, vm, operation, nothing, effect).await
}

/// `VM.power_state_reset`: what the records say of a domain that is not there any more is corrected.
pub async fn reset(ctx: &Ctx, vm: &str) -> Result<(), Failure> {
    let prepare = |db: &mut Db, _: &mut Marks| {
        let host = db.text("VM", vm, "resident_on");
        // The master looks for the domain itself; of other hosts it knows whether they live.
        match host::is_live(db, host) {
            true if db.master() == host => {
                let domid = db.int("VM", vm, "domid").to_string();
                Err(fail("DOMAIN_EXISTS", [vm, &domid]))
            }
            true => Err(fail("HOST_IS_LIVE", [host])),
            false => Ok(()),
        }
    };
    let effect = |db: &mut Db, ()| {
        halt(db, vm, "Halted");
        drop_suspended_memory(db, vm);
        Ok(())
    };
    operate(ctx, vm, "power_state_reset", prepare, effect).await
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

/// The disk with the memory of a suspended VM goes.
pub fn drop_suspended_memory(db: &mut Db, vm: &str) {
    let disk = db.text("VM", vm, "suspend_VDI").to_owned();
    if disk != NULL {
        vdi::erase(db, &disk);
        db.set("VM", vm, "suspend_VDI", NULL);
    }
}

/// Where the memory would go: the VM's own choice, the pool's, the host's.
pub fn suspend_sr(db: &Db, vm: &str) -> Result<String, Failure> {
    let host = db.text("VM", vm, "resident_on");
    let choices = [
        db.text("VM", vm, "suspend_SR"),
        db.text("pool", db.pool(), "suspend_image_SR"),
        db.text("host", host, "suspend_image_sr"),
    ];
    let found = choices.into_iter().find(|sr| db.get("SR", sr).is_some());
    found.map(str::to_owned).ok_or_else(|| fail("VM_NO_SUSPEND_SR", [vm]))
}
