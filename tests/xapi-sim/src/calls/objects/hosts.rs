//! Hosts, the pool and networks: the few messages that clients call as a matter of course.

use serde_json::{Value, json};

use crate::{
    clock,
    core::Ctx,
    failure::{Failure, handle_invalid},
};

/// Answers the messages with effects or computed results.
pub fn call(ctx: &Ctx, class: &str, message: &str, args: &[Value]) -> Option<Result<Value, Failure>> {
    let text = |i: usize| args.get(i).and_then(Value::as_str).unwrap_or_default();
    let object = text(0);
    let exists = || {
        if ctx.core.read(|db| db.get(class, object).is_some()) { Ok(()) } else { Err(handle_invalid(class, object)) }
    };
    let enable = |on: bool| {
        exists()?;
        ctx.core.write(|db| {
            if db.flag("host", object, "enabled") != on {
                db.set("host", object, "enabled", on);
            }
        });
        Ok(json!(""))
    };
    Some(match (class, message) {
        ("host", "disable") => enable(false),
        ("host", "enable") => enable(true),
        ("host", "get_servertime" | "get_server_localtime") => exists().map(|()| json!(clock::now())),
        ("host", "compute_free_memory") => exists().map(|()| {
            ctx.core.read(|db| db.field("host_metrics", db.text("host", object, "metrics"), "memory_free").clone())
        }),
        ("host", "compute_memory_overhead") => {
            exists().map(|()| ctx.core.read(|db| db.field("host", object, "memory_overhead").clone()))
        }
        ("host", "is_in_emergency_mode") => Ok(json!(false)),
        ("pool", "sync_database") => Ok(json!("")),
        ("network", "destroy") => exists().and_then(|()| destroy_network(ctx, object)),
        _ => return None,
    })
}

fn destroy_network(ctx: &Ctx, network: &str) -> Result<Value, Failure> {
    ctx.core.write(|db| {
        for (set, code) in [("VIFs", "NETWORK_CONTAINS_VIF"), ("PIFs", "NETWORK_CONTAINS_PIF")] {
            let members = db.list("network", network, set);
            if !members.is_empty() {
                return Err(Failure { code: code.to_owned(), params: members });
            }
        }
        db.remove("network", network);
        Ok(json!(""))
    })
}
