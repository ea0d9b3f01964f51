//! VMs that come and go: create, provision, destroy, templates.

use quick_xml::{Reader, events::Event};
use serde_json::{Value, json};

use super::operate::{nothing, operate, settle};
use crate::{
    calls::objects::{allowed, vdi},
    clock,
    core::Ctx,
    db::Db,
    failure::{Failure, fail, handle_invalid},
    model::{NULL, Record, model},
    tasks::object,
};

/// `VM.create(record)`: a Halted VM with metrics of its own.
pub fn create(ctx: &Ctx, record: Value) -> Result<Value, Failure> {
    let Value::Object(mut fields) = record else { return Err(fail("FIELD_TYPE_ERROR", ["args"])) };
    let constructor = model().class("VM").and_then(|c| c.constructor.as_ref());
    if let Some(missing) = constructor.into_iter().flatten().find(|m| !fields.contains_key(*m)) {
        return Err(fail("FIELD_TYPE_ERROR", [missing]));
    }
    Ok(ctx.core.write(|db| {
        if fields.get("power_state").is_none_or(|s| s != "Suspended") {
            fields.insert("power_state".to_owned(), json!("Halted"));
        }
        let metrics = db.insert("VM_metrics", Record::new());
        fields.insert("metrics".to_owned(), json!(metrics));
        fields.insert("domid".to_owned(), json!(-1));
        let pv = fields.get("HVM_boot_policy").is_none_or(|p| p == "");
        if fields.get("domain_type").is_none_or(|t| t == "unspecified") {
            fields.insert("domain_type".to_owned(), json!(if pv { "pv" } else { "hvm" }));
        }
        let mut other = fields.get("other_config").and_then(Value::as_object).cloned().unwrap_or_default();
        if !other.contains_key("mac_seed") {
            other.insert("mac_seed".to_owned(), json!(db.uuid()));
        }
        fields.insert("other_config".to_owned(), Value::Object(other));
        let vm = db.insert("VM", fields);
        allowed::settle(db, "VM", &vm);
        json!(vm)
    }))
}

/// One `<disk>` of a template's `disks` entry.
struct Wanted {
    device: String,
    size: i64,
    /// Uuid, or empty for the pool's default.
    sr: String,
    bootable: bool,
    kind: String,
}

/// Reads `<provision><disk device="0" size="10737418240" sr="" bootable="true" type="system"/></provision>`.
fn wanted(text: &str) -> Vec<Wanted> {
    let mut reader = Reader::from_str(text);
    let mut disks = Vec::new();
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(tag) | Event::Empty(tag) if tag.name().as_ref() == b"disk" => {
                let attribute = |name: &str| {
                    let value = tag.try_get_attribute(name).ok().flatten();
                    value.and_then(|a| String::from_utf8(a.value.to_vec()).ok()).unwrap_or_default()
                };
                disks.push(Wanted {
                    device: attribute("device"),
                    size: attribute("size").parse().unwrap_or_default(),
                    sr: attribute("sr"),
                    bootable: attribute("bootable") == "true",
                    kind: if attribute("type") == "user" { "user" } else { "system" }.to_owned(),
                });
            }
            Event::Eof => break,
            _ => {}
        }
    }
    disks
}

/// `VM.provision`: a template's copy becomes a VM with the disks that the template asks for.
pub async fn provision(ctx: &Ctx, vm: &str) -> Result<(), Failure> {
    let prepare = |db: &mut Db, _: &mut _| {
        let disks = wanted(db.field("VM", vm, "other_config")["disks"].as_str().unwrap_or_default());
        let fallback = db.rows("pool").next().map(|(_, p)| p["default_SR"].as_str().unwrap_or(NULL).to_owned());
        let mut found = Vec::new();
        for disk in disks {
            let named = db.by_uuid("SR", &disk.sr).map(|r| r.to_string());
            let sr = named.or_else(|| fallback.clone()).unwrap_or_default();
            if db.get("SR", &sr).is_none() {
                return Err(fail("DEFAULT_SR_NOT_FOUND", [&sr]));
            }
            vdi::assert_room(db, &sr, disk.size)?;
            found.push((disk, sr));
        }
        Ok(found)
    };
    let effect = |db: &mut Db, disks: Vec<(Wanted, String)>| {
        let name = db.text("VM", vm, "name_label").to_owned();
        for (disk, sr) in disks {
            let fields = json!({
                "name_label": format!("{name} {}", disk.device), "SR": sr, "virtual_size": disk.size, "type": disk.kind,
            });
            let made = vdi::make(db, object(fields));
            let fields = json!({
                "VM": vm, "VDI": made, "userdevice": disk.device, "bootable": disk.bootable, "mode": "RW",
                "type": "Disk", "empty": false, "unpluggable": true, "other_config": {"owner": ""},
            });
            db.insert("VBD", object(fields));
        }
        db.set("VM", vm, "is_a_template", false);
        for key in ["disks", "postinstall"] {
            db.set_entry("VM", vm, "other_config", key, None);
        }
        installed(db, vm);
        Ok(())
    };
    operate(ctx, vm, "provision", prepare, effect).await
}

fn installed(db: &mut Db, vm: &str) {
    let metrics = db.text("VM", vm, "metrics").to_owned();
    db.set("VM_metrics", &metrics, "install_time", clock::now());
}

/// `VM.set_is_a_template`: into a template is an operation of its own; out of one only counts as the install.
pub async fn set_is_a_template(ctx: &Ctx, vm: &str, template: bool) -> Result<(), Failure> {
    if !template {
        return ctx.core.write(|db| {
            if !db.set("VM", vm, "is_a_template", false) {
                return Err(handle_invalid("VM", vm));
            }
            installed(db, vm);
            allowed::settle(db, "VM", vm);
            Ok(())
        });
    }
    let effect = |db: &mut Db| {
        if !matches!(db.text("VM", vm, "ha_restart_priority"), "" | "best-effort") {
            return Err(fail("VM_IS_PROTECTED", [vm]));
        }
        for vusb in db.list("VM", vm, "VUSBs") {
            db.remove("VUSB", &vusb);
        }
        let fields = [("ha_always_run", json!(false)), ("groups", json!([])), ("is_a_template", json!(true))];
        db.update("VM", vm, fields);
        Ok(())
    };
    settle(ctx, vm, "make_into_template", effect).await
}

/// `VM.destroy`: the disks stay, everything else of the VM goes; its snapshots point at nothing from now on.
pub async fn destroy(ctx: &Ctx, vm: &str) -> Result<(), Failure> {
    let prepare = |db: &mut Db, _: &mut _| {
        if db.field("VM", vm, "other_config")["default_template"] == "true" {
            // Raised without the parameter that the interface declares.
            return Err(Failure { code: "VM_CANNOT_DELETE_DEFAULT_TEMPLATE".to_owned(), params: Vec::new() });
        }
        Ok(())
    };
    let effect = |db: &mut Db, ()| {
        remove(db, vm);
        Ok(())
    };
    operate(ctx, vm, "destroy", prepare, effect).await
}

/// Removes the VM with all that is its own.
pub fn remove(db: &mut Db, vm: &str) {
    let parent = db.text("VM", vm, "parent").to_owned();
    for child in db.list("VM", vm, "children") {
        db.set("VM", &child, "parent", parent.clone());
    }
    let disks: Vec<String> = db.list("VM", vm, "VBDs").iter().map(|v| db.text("VBD", v, "VDI").to_owned()).collect();
    for (class, set) in [
        ("VBD", "VBDs"),
        ("VIF", "VIFs"),
        ("VGPU", "VGPUs"),
        ("VTPM", "VTPMs"),
        ("VUSB", "VUSBs"),
        ("console", "consoles"),
    ] {
        for device in db.list("VM", vm, set) {
            db.remove(class, &device);
        }
    }
    for (class, field) in [("VM_metrics", "metrics"), ("VM_guest_metrics", "guest_metrics")] {
        let record = db.text("VM", vm, field).to_owned();
        db.remove(class, &record);
    }
    let appliance = db.text("VM", vm, "appliance").to_owned();
    db.remove("VM", vm);
    for disk in disks {
        allowed::refresh(db, "VDI", &disk);
    }
    allowed::refresh(db, "VM_appliance", &appliance);
}

/// Nothing to do but to be checked: messages whose work stays inside the guest or the host.
pub async fn touch(ctx: &Ctx, vm: &str, operation: &str) -> Result<(), Failure> {
    operate(ctx, vm, operation, nothing, |_, ()| Ok(())).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disks_of_a_template_are_read() {
        let text = r#"<provision><disk device="0" size="8589934592" sr="" bootable="true" type="system"/>
            <disk device="1" size="1024" sr="u" bootable="false" type="user" /></provision>"#;
        let disks = wanted(text);
        let seen: Vec<_> = disks.iter().map(|d| (&*d.device, d.size, &*d.sr, d.bootable, &*d.kind)).collect();
        assert_eq!(seen, [("0", 8_589_934_592, "", true, "system"), ("1", 1024, "u", false, "user")]);
        assert!(wanted("").is_empty() && wanted("<provision><disk").is_empty());
    }
}
