//! Alerts: message objects are no database rows in XAPI, so their few calls are written by hand there and here.

use serde_json::{Value, json};

use crate::{
    clock,
    core::Ctx,
    failure::{Failure, handle_invalid},
    model::Record,
    tasks::object,
};

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
        "get" => pick(&|m| m["cls"] == text(0) && m["obj_uuid"] == text(1) && m["timestamp"].as_str() > Some(text(2))),
        "get_since" => pick(&|m| m["timestamp"].as_str() > Some(text(0))),
        _ => return None,
    })
}
