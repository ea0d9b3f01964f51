//! Alerts: message objects are no database rows in XAPI, so their few calls are written by hand there and here.

use serde_json::{Value, json};

use crate::{
    clock,
    core::Ctx,
    db::Db,
    failure::{Failure, fail, handle_invalid},
    model::{Record, model},
    tasks::object,
};

/// Leaves a message about a VM.
pub fn alert(db: &mut Db, name: &str, vm: &str) {
    let text = db.text("VM", vm, "name_label").to_owned();
    let fields = json!({
        "name": name, "priority": model().alerts.get(name).copied().unwrap_or(5), "cls": "VM", "obj_uuid": db.text("VM", vm, "uuid"),
        "timestamp": clock::now(), "body": format!("{name}: VM '{text}'"),
    });
    db.insert("message", object(fields));
}

/// Answers create, destroy and the time-based getters.
pub fn call(ctx: &Ctx, message: &str, args: &[Value]) -> Option<Result<Value, Failure>> {
    let text = |i: usize| args.get(i).and_then(Value::as_str).unwrap_or_default();
    let list = || args.first().and_then(Value::as_array).cloned().unwrap_or_default();
    let pick = |keep: &dyn Fn(&Record) -> bool| {
        let found = ctx.core.read(|db| {
            db.rows("message")
                .filter(|(_, m)| keep(m))
                .map(|(r, m)| (r.to_string(), Value::Object(m.to_map())))
                .collect()
        });
        Ok(Value::Object(found))
    };
    Some(match message {
        "create" => {
            let fields = json!({
                "name": text(0), "priority": args[1], "cls": text(2), "obj_uuid": text(3), "body": text(4), "timestamp": clock::now(),
            });
            Ok(json!(ctx.core.write(|db| db.insert("message", object(fields)))))
        }
        "destroy" => match ctx.core.write(|db| db.remove("message", text(0))) {
            true => Ok(json!("")),
            false => Err(handle_invalid("message", text(0))),
        },
        "destroy_many" => {
            ctx.core.write(|db| {
                list().iter().filter_map(Value::as_str).for_each(|m| {
                    db.remove("message", m);
                })
            });
            Ok(json!(""))
        }
        "destroy_all" => ctx.core.write(|db| destroy_all(db, &args[0])),
        "get" => pick(&|m| m["cls"] == text(0) && m["obj_uuid"] == text(1) && m["timestamp"].as_str() > Some(text(2))),
        "get_since" => pick(&|m| m["timestamp"].as_str() > Some(text(0))),
        _ => return None,
    })
}

/// Destroys what all filters fit: `class`, `priority`, `before` (a date); other filters are refused.
fn destroy_all(db: &mut Db, filters: &Value) -> Result<Value, Failure> {
    let filters: Vec<(&str, &str)> =
        filters.as_object().into_iter().flatten().filter_map(|(k, v)| Some((k.as_str(), v.as_str()?))).collect();
    if let Some((key, value)) = filters.iter().find(|(key, _)| !["class", "priority", "before"].contains(key)) {
        return Err(fail("INVALID_VALUE", [key, value]));
    }
    let fits = |record: &Record| {
        filters.iter().all(|(key, value)| match *key {
            "class" => record["cls"] == *value,
            "priority" => record["priority"].as_i64().is_some_and(|p| p.to_string() == *value),
            _ => record["timestamp"].as_str().is_some_and(|t| t < *value),
        })
    };
    let doomed: Vec<String> = db.rows("message").filter(|(_, m)| fits(m)).map(|(r, _)| r.to_string()).collect();
    for message in doomed {
        db.remove("message", &message);
    }
    Ok(json!(""))
}
