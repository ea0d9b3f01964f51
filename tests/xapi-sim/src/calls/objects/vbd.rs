//! VBD: the plug of a disk or a drive in a VM.

use serde_json::{Value, json};

use super::{
    allowed,
    frame::{self, Marks, exclusive},
};
use crate::{
    calls::vm,
    core::Ctx,
    db::Db,
    failure::{Failure, fail, handle_invalid},
    model::{NULL, model},
    tasks::object,
};

/// Highest device number plus one: of a VM, of the control domain.
const DEVICES: [u16; 2] = [255, 256];

/// May this operation run on the device now?
pub fn check(db: &Db, vbd: &str, operation: &str) -> Result<(), Failure> {
    let record = db.get("VBD", vbd).ok_or_else(|| handle_invalid("VBD", vbd))?;
    let is = |operations: &[&str]| operations.contains(&operation);
    let flag = |field: &str| record[field] == true;
    let owner = record["VM"].as_str().unwrap_or_default();
    exclusive(db, "VBD", vbd, |_| false)?;
    // Suspended VMs hold no devices; whether their drives may be changed is open, so they may.
    needs_running(db, owner, is(&["plug", "unplug", "unplug_force", "pause", "unpause"]))?;
    if is(&["insert", "eject"]) {
        return match (record["type"] == "CD", operation, flag("empty")) {
            (false, ..) => Err(fail("VBD_NOT_REMOVABLE_MEDIA", [vbd])),
            (_, "insert", false) => Err(fail("VBD_NOT_EMPTY", [vbd])),
            (_, "eject", true) => Err(fail("VBD_IS_EMPTY", [vbd])),
            _ => Ok(()),
        };
    }
    if is(&["plug", "unplug", "unplug_force"]) {
        needs_drivers(db, owner, "can_use_hotplug_vbd")?;
        attachment(vbd, operation == "plug", flag("currently_attached"))?;
        if operation == "plug" {
            return assert_attachable(db, vbd, operation);
        } else if !flag("unpluggable") {
            return Err(fail("VBD_NOT_UNPLUGGABLE", [vbd]));
        }
    }
    Ok(())
}

/// Devices are plugged while their VM runs.
pub fn needs_running(db: &Db, vm: &str, needed: bool) -> Result<(), Failure> {
    let state = db.text("VM", vm, "power_state");
    if needed && state != "Running" {
        return Err(fail("VM_BAD_POWER_STATE", [vm, "running", &state.to_lowercase()]));
    }
    Ok(())
}

/// An HVM guest must be able to see devices come and go.
pub fn needs_drivers(db: &Db, vm: &str, ability: &str) -> Result<(), Failure> {
    let able = db.text("VM_guest_metrics", db.text("VM", vm, "guest_metrics"), ability) == "yes";
    if vm::is_hvm(db, vm) && !able && !vm::has_drivers(db, vm) {
        return Err(fail("VM_MISSING_PV_DRIVERS", [vm]));
    }
    Ok(())
}

/// Only what is out can be plugged, only what is in can be unplugged.
pub fn attachment(device: &str, plug: bool, attached: bool) -> Result<(), Failure> {
    match (plug, attached) {
        (true, true) => Err(fail("DEVICE_ALREADY_ATTACHED", [device])),
        (false, false) => Err(fail("DEVICE_ALREADY_DETACHED", [device])),
        _ => Ok(()),
    }
}

/// One writer or many readers, unless the disk is sharable; and nothing else at work on the disk.
fn assert_attachable(db: &Db, vbd: &str, operation: &str) -> Result<(), Failure> {
    let disk = db.text("VBD", vbd, "VDI");
    if db.get("VDI", disk).is_none() {
        return Ok(());
    }
    exclusive(db, "VDI", disk, |_| false)?;
    let writes = |v: &str| db.text("VBD", v, "mode") == "RW";
    let conflict =
        |other: &String| other != vbd && db.flag("VBD", other, "currently_attached") && (writes(vbd) || writes(other));
    if !db.flag("VDI", disk, "sharable") && db.list("VDI", disk, "VBDs").iter().any(conflict) {
        return Err(fail("VDI_IN_USE", [disk, operation]));
    }
    Ok(())
}

/// Returns what allowed_operations must list.
pub fn allowed(db: &Db, vbd: &str) -> Vec<&'static str> {
    let all = model().enums["vbd_operations"].iter().map(String::as_str);
    all.filter(|operation| check(db, vbd, operation).is_ok()).collect()
}

/// Answers the messages with effects.
pub async fn call(ctx: &Ctx, message: &str, args: &[Value]) -> Option<Result<Value, Failure>> {
    let text = |i: usize| args.get(i).and_then(Value::as_str).unwrap_or_default();
    let vbd = text(0);
    let done = match message {
        "create" => return Some(ctx.core.write(|db| create(db, args.first().cloned().unwrap_or_default()))),
        "plug" => {
            let effect = |db: &mut Db| {
                // Whatever the guest, what comes while it runs comes through its drivers.
                let device = vm::device_name(db, vbd, false, 0);
                db.update("VBD", vbd, [("currently_attached", json!(true)), ("device", json!(device))]);
            };
            operate(ctx, vbd, "plug", effect).await
        }
        "unplug" | "unplug_force" | "unplug_force_no_safety_check" => {
            let operation = if message == "unplug" { "unplug" } else { "unplug_force" };
            operate(ctx, vbd, operation, |db| {
                db.set("VBD", vbd, "currently_attached", false);
            })
            .await
        }
        "insert" => insert(ctx, vbd, text(1)).await,
        "eject" => {
            let fields = [("VDI", json!(NULL)), ("empty", json!(true))];
            let effect = |db: &mut Db| {
                let disk = db.text("VBD", vbd, "VDI").to_owned();
                db.update("VBD", vbd, fields);
                allowed::settle(db, "VDI", &disk);
            };
            operate(ctx, vbd, "eject", effect).await
        }
        "pause" | "unpause" => {
            let done = operate(ctx, vbd, message, |_| ()).await;
            // The token of a pause is the driver's own; unpause takes any.
            return Some(done.map(|()| json!("")));
        }
        "assert_attachable" => ctx.core.read(|db| assert_attachable(db, vbd, "attach")),
        "destroy" => ctx.core.write(|db| destroy(db, "VBD", vbd)),
        _ => return None,
    };
    Some(done.map(|()| json!("")))
}

async fn operate(ctx: &Ctx, vbd: &str, operation: &str, effect: impl FnOnce(&mut Db)) -> Result<(), Failure> {
    let ready = |db: &mut Db, marks: &mut Marks| {
        check(db, vbd, operation)?;
        marks.add("VBD", vbd, operation);
        Ok(())
    };
    let effect = |db: &mut Db, ()| {
        effect(db);
        Ok(())
    };
    frame::operate(ctx, ctx.core.options.delays.operation, ready, effect).await
}

async fn insert(ctx: &Ctx, vbd: &str, disk: &str) -> Result<(), Failure> {
    let ready = |db: &mut Db, marks: &mut Marks| {
        check(db, vbd, "insert")?;
        assert_medium(db, disk)?;
        marks.add("VBD", vbd, "insert");
        Ok(())
    };
    let effect = |db: &mut Db, ()| {
        db.update("VBD", vbd, [("VDI", json!(disk)), ("empty", json!(false))]);
        Ok(())
    };
    frame::operate(ctx, ctx.core.options.delays.operation, ready, effect).await
}

/// What goes into a drive comes from an ISO store or is a drive of the host.
fn assert_medium(db: &Db, disk: &str) -> Result<(), Failure> {
    let sr = db.text("VDI", disk, "SR");
    if db.get("VDI", disk).is_none() {
        Err(handle_invalid("VDI", disk))
    } else if db.text("SR", sr, "content_type") != "iso" && !["iso", "udev"].contains(&db.text("SR", sr, "type")) {
        Err(fail("VDI_IS_NOT_ISO", [disk, db.text("SR", sr, "type")]))
    } else {
        Ok(())
    }
}

fn create(db: &mut Db, value: Value) -> Result<Value, Failure> {
    let mut fields = members(value, "VBD")?;
    let owner = owner(db, &fields)?;
    number(db, &mut fields, &owner, "VBD", "VBDs", "userdevice")?;
    let drive = fields["type"] == "CD";
    let empty = fields["empty"] == true;
    if drive && fields["mode"] != "RO" {
        return Err(fail("VBD_CDS_MUST_BE_READONLY", []));
    } else if empty && fields["type"] == "Disk" {
        return Err(fail("VBD_NOT_REMOVABLE_MEDIA", ["in constructor"]));
    }
    let disk = fields["VDI"].as_str().unwrap_or_default().to_owned();
    if !empty {
        if db.get("VDI", &disk).is_none() {
            return Err(handle_invalid("VDI", &disk));
        } else if drive {
            assert_medium(db, &disk)?;
        } else if fields["mode"] == "RW" && db.flag("VDI", &disk, "read_only") {
            return Err(fail("VDI_READONLY", [&disk]));
        }
    }
    fields.insert("currently_attached".to_owned(), json!(false));
    if db.text("VM", &owner, "power_state") != "Suspended" {
        fields.insert("device".to_owned(), json!(""));
    }
    let vbd = db.insert("VBD", object(Value::Object(fields)));
    allowed::refresh(db, "VBD", &vbd);
    allowed::settle(db, "VBD", &vbd);
    Ok(json!(vbd))
}

/// The members of a constructor's struct, all there that must be.
pub fn members(value: Value, class: &str) -> Result<serde_json::Map<String, Value>, Failure> {
    let Value::Object(fields) = value else { return Err(fail("FIELD_TYPE_ERROR", ["args"])) };
    let constructor = model().class(class).and_then(|c| c.constructor.as_ref());
    match constructor.into_iter().flatten().find(|m| !fields.contains_key(*m)) {
        Some(missing) => Err(fail("FIELD_TYPE_ERROR", [missing])),
        None => Ok(fields),
    }
}

/// The VM that a new device is for.
pub fn owner(db: &Db, fields: &serde_json::Map<String, Value>) -> Result<String, Failure> {
    let vm = fields["VM"].as_str().unwrap_or_default().to_owned();
    if db.get("VM", &vm).is_some() { Ok(vm) } else { Err(handle_invalid("VM", &vm)) }
}

/// Gives the device the number it asks for, or the first that is free.
pub fn number(
    db: &Db,
    fields: &mut serde_json::Map<String, Value>,
    vm: &str,
    class: &str,
    set: &str,
    field: &str,
) -> Result<(), Failure> {
    let devices = db.list("VM", vm, set);
    let used = |number: &str| devices.iter().any(|d| db.text(class, d, field) == number);
    let wanted = fields[field].as_str().unwrap_or_default().to_owned();
    if wanted == "autodetect" {
        let free = (0..DEVICES[0]).map(|n| n.to_string()).find(|n| !used(n)).unwrap_or_default();
        fields.insert(field.to_owned(), json!(free));
    } else if used(&wanted) {
        return Err(fail("DEVICE_ALREADY_EXISTS", [&wanted]));
    } else if wanted.parse::<u16>().is_ok_and(|n| n >= DEVICES[usize::from(db.flag("VM", vm, "is_control_domain"))]) {
        return Err(fail("INVALID_DEVICE", [&wanted]));
    }
    Ok(())
}

/// A device that is not plugged goes.
pub fn destroy(db: &mut Db, class: &str, device: &str) -> Result<(), Failure> {
    if db.get(class, device).is_none() {
        return Err(handle_invalid(class, device));
    }
    exclusive(db, class, device, |_| false)?;
    if db.flag(class, device, "currently_attached") {
        return Err(fail("OPERATION_NOT_ALLOWED", ["the device is attached"]));
    }
    let (vm, disk) = (db.text(class, device, "VM").to_owned(), db.text(class, device, "VDI").to_owned());
    db.remove(class, device);
    allowed::refresh(db, "VM", &vm);
    allowed::settle(db, "VDI", &disk);
    Ok(())
}
