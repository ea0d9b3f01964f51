//! allowed_operations of every class that has them, written where they differ from what the record says.

use serde_json::{Value, json};

use super::{appliance, host, sr, vbd, vdi_check, vif, virtual_hardware};
use crate::{calls::vm, db::Db, model::model};

/// Writes the allowed_operations of one object anew.
pub fn refresh(db: &mut Db, class: &str, object: &str) {
    let allowed: Vec<&str> = match class {
        "VM" => vm::allowed(db, object),
        "VBD" => vbd::allowed(db, object),
        "VIF" => vif::allowed(db, object),
        "VDI" => vdi_check::allowed(db, object),
        "SR" => sr::allowed(db, object),
        "host" => host::allowed(db, object),
        "VM_appliance" => appliance::allowed(db, object),
        "VTPM" | "VUSB" => virtual_hardware::allowed(db, class, object),
        // The others do not depend on anything here.
        _ => return,
    };
    let allowed = json!(allowed);
    if db.get(class, object).is_some() && *db.field(class, object, "allowed_operations") != allowed {
        db.set(class, object, "allowed_operations", allowed);
    }
}

/// The same for the object and for those whose operations depend on it.
pub fn settle(db: &mut Db, class: &str, object: &str) {
    refresh(db, class, object);
    match class {
        "VM" => {
            for vbd in db.list("VM", object, "VBDs") {
                refresh(db, "VBD", &vbd);
                let disk = db.text("VBD", &vbd, "VDI").to_owned();
                refresh(db, "VDI", &disk);
            }
            for (class, set) in [("VIF", "VIFs"), ("VTPM", "VTPMs"), ("VUSB", "VUSBs")] {
                for device in db.list("VM", object, set) {
                    refresh(db, class, &device);
                }
            }
            let appliance = db.text("VM", object, "appliance").to_owned();
            refresh(db, "VM_appliance", &appliance);
        }
        "VBD" | "VIF" | "VUSB" | "VTPM" | "VGPU" => {
            let vm = db.text(class, object, "VM").to_owned();
            refresh(db, "VM", &vm);
            let disk = db.text(class, object, "VDI").to_owned();
            settle(db, "VDI", &disk);
        }
        "VDI" => {
            for vbd in db.list("VDI", object, "VBDs") {
                refresh(db, "VBD", &vbd);
                let vm = db.text("VBD", &vbd, "VM").to_owned();
                refresh(db, "VM", &vm);
            }
            let sr = db.text("VDI", object, "SR").to_owned();
            refresh(db, "SR", &sr);
        }
        "SR" => {
            for disk in db.list("SR", object, "VDIs") {
                refresh(db, "VDI", &disk);
            }
        }
        _ => {}
    }
}

/// The toolstack restarted: nothing runs any more, whatever the records say.
pub fn forget_operations(db: &mut Db) {
    let classes = model().classes.values().filter(|c| c.name != "task" && c.fields.contains_key("current_operations"));
    for class in classes {
        let busy: Vec<String> = db
            .rows(&class.name)
            .filter(|(_, record)| record["current_operations"].as_object().is_some_and(|o| !o.is_empty()))
            .map(|(reference, _)| reference.to_string())
            .collect();
        for object in busy {
            db.set(&class.name, &object, "current_operations", Value::Object(serde_json::Map::new()));
            settle(db, &class.name, &object);
        }
    }
}
