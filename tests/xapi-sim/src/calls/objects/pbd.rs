//! PBD: the plug of an SR in a host.

use serde_json::{Value, json};

use super::{
    allowed,
    frame::{self, Marks},
    host,
};
use crate::{
    core::Ctx,
    db::Db,
    failure::{Failure, fail, handle_invalid},
    tasks::object,
};

/// Answers the messages with effects.
pub async fn call(ctx: &Ctx, message: &str, args: &[Value]) -> Option<Result<Value, Failure>> {
    let pbd = args.first().and_then(Value::as_str).unwrap_or_default();
    Some(match message {
        "create" => create(ctx, args.first().cloned().unwrap_or_default()),
        "plug" | "unplug" => plug(ctx, pbd, message == "plug").await,
        "destroy" => ctx.core.write(|db| destroy(db, pbd)),
        _ => return None,
    })
}

fn create(ctx: &Ctx, value: Value) -> Result<Value, Failure> {
    let Value::Object(mut fields) = value else { return Err(fail("FIELD_TYPE_ERROR", ["args"])) };
    if let Some(missing) = ["host", "SR", "device_config"].into_iter().find(|m| !fields.contains_key(*m)) {
        return Err(fail("FIELD_TYPE_ERROR", [missing]));
    }
    fields.insert("currently_attached".to_owned(), json!(false));
    let text = |field: &str| fields[field].as_str().unwrap_or_default().to_owned();
    let (host, sr) = (text("host"), text("SR"));
    ctx.core.write(|db| {
        for (class, object) in [("host", &host), ("SR", &sr)] {
            if db.get(class, object).is_none() {
                return Err(handle_invalid(class, object));
            }
        }
        if let Some(pbd) = db.list("SR", &sr, "PBDs").into_iter().find(|pbd| db.text("PBD", pbd, "host") == host) {
            return Err(fail("PBD_EXISTS", [&sr, &host, &pbd]));
        }
        let pbd = db.insert("PBD", object(Value::Object(fields)));
        allowed::settle(db, "SR", &sr);
        Ok(json!(pbd))
    })
}

/// Plugged already, or not plugged: nothing to do. Disks that VMs on the host use keep it in.
async fn plug(ctx: &Ctx, pbd: &str, on: bool) -> Result<Value, Failure> {
    let ready = |db: &mut Db, marks: &mut Marks| {
        if db.get("PBD", pbd).is_none() {
            return Err(handle_invalid("PBD", pbd));
        }
        let (host, sr) = (db.text("PBD", pbd, "host").to_owned(), db.text("PBD", pbd, "SR").to_owned());
        if !host::is_live(db, &host) {
            return Err(fail("HOST_OFFLINE", [&host]));
        }
        if !on && let Some(disk) = db.list("SR", &sr, "VDIs").into_iter().find(|disk| in_use(db, disk, &host)) {
            return Err(fail("VDI_IN_USE", [&disk, "detach"]));
        }
        if db.get("SR", &sr).is_some() {
            marks.add("SR", &sr, if on { "plug" } else { "unplug" });
        }
        Ok(())
    };
    let effect = |db: &mut Db, ()| {
        if db.flag("PBD", pbd, "currently_attached") != on {
            db.set("PBD", pbd, "currently_attached", on);
        }
        Ok(json!(""))
    };
    frame::operate(ctx, ctx.core.options.delays.operation, ready, effect).await
}

fn in_use(db: &Db, disk: &str, host: &str) -> bool {
    db.list("VDI", disk, "VBDs").iter().any(|vbd| {
        db.flag("VBD", vbd, "currently_attached") && db.text("VM", db.text("VBD", vbd, "VM"), "resident_on") == host
    })
}

fn destroy(db: &mut Db, pbd: &str) -> Result<Value, Failure> {
    if db.get("PBD", pbd).is_none() {
        return Err(handle_invalid("PBD", pbd));
    } else if db.flag("PBD", pbd, "currently_attached") {
        return Err(fail("OPERATION_NOT_ALLOWED", ["the PBD is attached"]));
    }
    let sr = db.text("PBD", pbd, "SR").to_owned();
    db.remove("PBD", pbd);
    allowed::settle(db, "SR", &sr);
    Ok(json!(""))
}
