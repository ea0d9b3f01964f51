//! VDI, SR and PBD: the part of their behaviour that clients lean on.

use serde_json::{Value, json};

use crate::{
    clock,
    core::Ctx,
    db::Db,
    failure::{Failure, fail, handle_invalid},
    model::{NULL, model},
};

/// Disks grow in steps of 2 MiB.
const STEP: i64 = 2 << 20;

/// Answers the messages with effects.
pub async fn call(ctx: &Ctx, class: &str, message: &str, args: &[Value]) -> Option<Result<Value, Failure>> {
    let text = |i: usize| args.get(i).and_then(Value::as_str).unwrap_or_default();
    let int = |i: usize| args.get(i).and_then(Value::as_i64).unwrap_or_default();
    let known = match class {
        "VDI" => ["create", "destroy", "forget", "snapshot", "clone", "copy", "resize"].contains(&message),
        "SR" => ["scan", "forget", "destroy"].contains(&message),
        _ => ["plug", "unplug", "destroy"].contains(&message),
    };
    if !known {
        return None;
    }
    if message != "create" && ctx.core.read(|db| db.get(class, text(0)).is_none()) {
        return Some(Err(handle_invalid(class, text(0))));
    }
    if let Err(failure) = ctx.work(ctx.core.options.delays.operation).await {
        return Some(Err(failure));
    }
    Some(ctx.core.write(|db| match (class, message) {
        ("VDI", "create") => create(db, args.first().cloned().unwrap_or_default()),
        ("VDI", "destroy" | "forget") => destroy(db, text(0)),
        ("VDI", "snapshot") => Ok(duplicate(db, text(0), None, true)),
        ("VDI", "clone") => Ok(duplicate(db, text(0), None, false)),
        ("VDI", "copy") => Ok(duplicate(db, text(0), Some(text(1)), false)),
        ("VDI", _) => resize(db, text(0), int(1)),
        ("SR", "scan") => {
            db.touch("SR", text(0));
            Ok(json!(""))
        }
        ("SR", _) => forget_sr(db, text(0), message == "destroy"),
        (_, message) => pbd(db, text(0), message),
    }))
}

fn in_use(db: &Db, disk: &str) -> bool {
    db.list("VDI", disk, "VBDs").iter().any(|vbd| db.flag("VBD", vbd, "currently_attached"))
}

fn create(db: &mut Db, value: Value) -> Result<Value, Failure> {
    let Value::Object(mut fields) = value else { return Err(fail("FIELD_TYPE_ERROR", ["args"])) };
    let constructor = model().class("VDI").and_then(|c| c.constructor.as_ref());
    if let Some(missing) = constructor.into_iter().flatten().find(|m| !fields.contains_key(*m)) {
        return Err(fail("FIELD_TYPE_ERROR", [missing]));
    }
    let sr = fields["SR"].as_str().unwrap_or_default().to_owned();
    if db.get("SR", &sr).is_none() {
        return Err(handle_invalid("SR", &sr));
    }
    let size = fields["virtual_size"].as_i64().unwrap_or_default();
    let size = (size + STEP - 1) / STEP * STEP;
    let free = db.int("SR", &sr, "physical_size") - db.int("SR", &sr, "physical_utilisation");
    if size > free {
        return Err(fail("SR_FULL", [&size.to_string(), &free.to_string()]));
    }
    fields.insert("virtual_size".to_owned(), json!(size));
    fields.insert("managed".to_owned(), json!(true));
    fields.insert("location".to_owned(), json!(db.uuid()));
    fields.insert("allowed_operations".to_owned(), json!(["clone", "copy", "resize", "snapshot", "destroy", "forget"]));
    Ok(json!(db.insert("VDI", fields)))
}

fn destroy(db: &mut Db, disk: &str) -> Result<Value, Failure> {
    if in_use(db, disk) {
        return Err(fail("VDI_IN_USE", [disk, "destroy"]));
    }
    for vbd in db.list("VDI", disk, "VBDs") {
        db.remove("VBD", &vbd);
    }
    db.remove("VDI", disk);
    Ok(json!(""))
}

fn duplicate(db: &mut Db, disk: &str, sr: Option<&str>, snapshot: bool) -> Value {
    let mut record = db.get("VDI", disk).map(|r| (**r).clone()).unwrap_or_default();
    for (field, value) in [
        ("uuid", json!("")),
        ("location", json!(db.uuid())),
        ("VBDs", json!([])),
        ("snapshots", json!([])),
        ("crash_dumps", json!([])),
        ("current_operations", json!({})),
        ("is_a_snapshot", json!(snapshot)),
        ("snapshot_of", json!(if snapshot { disk } else { NULL })),
    ] {
        record.insert(field.to_owned(), value);
    }
    if snapshot {
        record.insert("snapshot_time".to_owned(), json!(clock::now()));
    }
    if let Some(sr) = sr {
        record.insert("SR".to_owned(), json!(sr));
    }
    json!(db.insert("VDI", record))
}

fn resize(db: &mut Db, disk: &str, size: i64) -> Result<Value, Failure> {
    if in_use(db, disk) {
        return Err(fail("VDI_IN_USE", [disk, "resize"]));
    }
    if size < db.int("VDI", disk, "virtual_size") {
        return Err(fail("SR_BACKEND_FAILURE_79", ["", "VDI Invalid size [opterr=shrinking not allowed]", ""]));
    }
    db.set("VDI", disk, "virtual_size", (size + STEP - 1) / STEP * STEP);
    Ok(json!(""))
}

fn forget_sr(db: &mut Db, sr: &str, destroy: bool) -> Result<Value, Failure> {
    let pbds = db.list("SR", sr, "PBDs");
    if pbds.iter().any(|pbd| db.flag("PBD", pbd, "currently_attached")) {
        return Err(fail("SR_HAS_PBD", [sr]));
    }
    let disks = db.list("SR", sr, "VDIs");
    if destroy && pbds.is_empty() {
        return Err(fail("SR_HAS_NO_PBDS", [sr]));
    }
    if destroy && disks.iter().any(|vdi| db.flag("VDI", vdi, "managed")) {
        return Err(fail("SR_NOT_EMPTY", []));
    }
    for vdi in disks {
        db.remove("VDI", &vdi);
    }
    for pbd in pbds {
        db.remove("PBD", &pbd);
    }
    db.remove("SR", sr);
    Ok(json!(""))
}

fn pbd(db: &mut Db, pbd: &str, message: &str) -> Result<Value, Failure> {
    let sr = db.text("PBD", pbd, "SR").to_owned();
    match message {
        "plug" => db.set("PBD", pbd, "currently_attached", true),
        "unplug" => {
            if let Some(disk) = db.list("SR", &sr, "VDIs").into_iter().find(|vdi| in_use(db, vdi)) {
                return Err(fail("VDI_IN_USE", [&disk, "detach"]));
            }
            db.set("PBD", pbd, "currently_attached", false)
        }
        _ if db.flag("PBD", pbd, "currently_attached") => {
            return Err(fail("OPERATION_NOT_ALLOWED", ["the PBD is attached"]));
        }
        _ => db.remove("PBD", pbd),
    };
    Ok(json!(""))
}
