//! VTPM, VUSB, VGPU: hardware that a VM has beside disks and networks.

use serde_json::{Value, json};

use super::{
    allowed,
    frame::{self, Marks, exclusive},
    vbd::destroy,
};
use crate::{
    calls::vm,
    core::Ctx,
    db::Db,
    failure::{Failure, fail, handle_invalid},
    model::NULL,
    tasks::object,
};

/// May this operation run on the device now?
fn check(db: &Db, class: &str, device: &str, operation: &str) -> Result<(), Failure> {
    let record = db.get(class, device).ok_or_else(|| handle_invalid(class, device))?;
    let owner = record["VM"].as_str().unwrap_or_default();
    exclusive(db, class, device, |_| false)?;
    let state = db.text("VM", owner, "power_state");
    match operation {
        "destroy" if state != "Halted" => Err(fail("VM_BAD_POWER_STATE", [owner, "halted", &state.to_lowercase()])),
        "unplug" if state != "Running" => Err(fail("VM_BAD_POWER_STATE", [owner, "running", &state.to_lowercase()])),
        "unplug" if record["currently_attached"] != true => Err(fail("DEVICE_ALREADY_DETACHED", [device])),
        _ => Ok(()),
    }
}

/// Returns what allowed_operations must list.
pub fn allowed(db: &Db, class: &str, device: &str) -> Vec<&'static str> {
    // VUSBs are plugged by the start of their VM: there is no message for it.
    let all: &[&str] = if class == "VTPM" { &["destroy"] } else { &["attach", "unplug"] };
    all.iter().copied().filter(|operation| check(db, class, device, operation).is_ok()).collect()
}

/// Answers the messages of the three classes that do more than their fields say.
pub async fn call(ctx: &Ctx, class: &str, message: &str, args: &[Value]) -> Option<Result<Value, Failure>> {
    let text = |i: usize| args.get(i).and_then(Value::as_str).unwrap_or_default();
    Some(match (class, message) {
        ("VTPM", "create") => create_vtpm(ctx, text(0), args[1] == true).await,
        ("VTPM", "destroy") => ctx.core.write(|db| {
            check(db, "VTPM", text(0), "destroy")?;
            let secret = db.text("VTPM", text(0), "contents").to_owned();
            destroy(db, "VTPM", text(0))?;
            db.remove("secret", &secret);
            Ok(json!(""))
        }),
        ("VTPM", "get_contents") => ctx.core.read(|db| match db.get("VTPM", text(0)) {
            Some(_) => Ok(json!(db.text("secret", db.text("VTPM", text(0), "contents"), "value"))),
            None => Err(handle_invalid("VTPM", text(0))),
        }),
        ("VTPM", "set_contents") => ctx.core.write(|db| set_contents(db, text(0), text(1))),
        ("VUSB", "create") => ctx.core.write(|db| create_vusb(db, text(0), text(1), &args[2])),
        ("VUSB", "unplug") => {
            let ready = |db: &mut Db, marks: &mut Marks| {
                check(db, "VUSB", text(0), "unplug")?;
                marks.add("VUSB", text(0), "unplug");
                Ok(())
            };
            let effect = |db: &mut Db, ()| {
                db.set("VUSB", text(0), "currently_attached", false);
                Ok(json!(""))
            };
            frame::operate(ctx, ctx.core.options.delays.operation, ready, effect).await
        }
        ("VUSB", "destroy") => ctx.core.write(|db| destroy(db, "VUSB", text(0)).map(|()| json!(""))),
        ("VGPU", "create") => ctx.core.write(|db| create_vgpu(db, args)),
        ("VGPU", "destroy") => ctx.core.write(|db| {
            if db.get("VGPU", text(0)).is_none() {
                return Err(handle_invalid("VGPU", text(0)));
            }
            halted(db, db.text("VGPU", text(0), "VM"))?;
            destroy(db, "VGPU", text(0)).map(|()| json!(""))
        }),
        _ => return None,
    })
}

/// Hardware is built in while the VM is off.
fn halted(db: &Db, vm: &str) -> Result<(), Failure> {
    if db.get("VM", vm).is_none() {
        return Err(handle_invalid("VM", vm));
    }
    match db.text("VM", vm, "power_state") {
        "Halted" => Ok(()),
        state => Err(fail("VM_BAD_POWER_STATE", [vm, "halted", &state.to_lowercase()])),
    }
}

async fn create_vtpm(ctx: &Ctx, owner: &str, unique: bool) -> Result<Value, Failure> {
    let ready = |db: &mut Db, marks: &mut Marks| {
        vm::check(db, owner, "create_vtpm")?;
        marks.add("VM", owner, "create_vtpm");
        Ok(())
    };
    let effect = |db: &mut Db, ()| {
        let secret = db.insert("secret", object(json!({"value": ""})));
        let fields = json!({"VM": owner, "is_unique": unique, "contents": secret});
        Ok(json!(db.insert("VTPM", object(fields))))
    };
    frame::operate(ctx, std::time::Duration::ZERO, ready, effect).await
}

fn set_contents(db: &mut Db, vtpm: &str, contents: &str) -> Result<Value, Failure> {
    if db.get("VTPM", vtpm).is_none() {
        return Err(handle_invalid("VTPM", vtpm));
    }
    let secret = db.insert("secret", object(json!({"value": contents})));
    let old = db.text("VTPM", vtpm, "contents").to_owned();
    db.set("VTPM", vtpm, "contents", secret);
    db.remove("secret", &old);
    Ok(json!(""))
}

/// A group is one physical device: one VM has it.
fn create_vusb(db: &mut Db, owner: &str, group: &str, other: &Value) -> Result<Value, Failure> {
    halted(db, owner)?;
    if db.get("USB_group", group).is_none() {
        return Err(handle_invalid("USB_group", group));
    } else if db.list("USB_group", group, "PUSBs").is_empty() {
        return Err(fail("USB_GROUP_CONTAINS_NO_PUSBS", [group]));
    } else if !db.list("USB_group", group, "VUSBs").is_empty() {
        return Err(fail("USB_GROUP_CONFLICT", [group]));
    }
    let vusb = db.insert("VUSB", object(json!({"VM": owner, "USB_group": group, "other_config": other})));
    allowed::refresh(db, "VUSB", &vusb);
    allowed::refresh(db, "VM", owner);
    Ok(json!(vusb))
}

/// `VGPU.create(VM, GPU_group, device, other_config, type)`; without a type the whole card is passed through.
fn create_vgpu(db: &mut Db, args: &[Value]) -> Result<Value, Failure> {
    let text = |i: usize| args.get(i).and_then(Value::as_str).unwrap_or_default();
    halted(db, text(0))?;
    if db.get("GPU_group", text(1)).is_none() {
        return Err(handle_invalid("GPU_group", text(1)));
    } else if text(4) != NULL && db.get("VGPU_type", text(4)).is_none() {
        return Err(handle_invalid("VGPU_type", text(4)));
    } else if db.list("VM", text(0), "VGPUs").iter().any(|v| db.text("VGPU", v, "device") == text(2)) {
        return Err(fail("DEVICE_ALREADY_EXISTS", [text(2)]));
    }
    let fields = json!({
        "VM": text(0), "GPU_group": text(1), "device": text(2), "other_config": args[3], "type": text(4),
    });
    let vgpu = db.insert("VGPU", object(fields));
    allowed::refresh(db, "VM", text(0));
    Ok(json!(vgpu))
}
