//! Networks: made, attached, taken away.

use serde_json::{Value, json};

use super::vbd::members;
use crate::{
    calls::vm,
    core::Ctx,
    db::Db,
    failure::{Failure, fail, handle_invalid},
    tasks::object,
};

/// Answers the messages with effects.
pub fn call(ctx: &Ctx, message: &str, args: &[Value]) -> Option<Result<Value, Failure>> {
    let text = |i: usize| args.get(i).and_then(Value::as_str).unwrap_or_default();
    Some(match message {
        "create" => ctx.core.write(|db| create(db, args.first().cloned().unwrap_or_default())),
        "destroy" => ctx.core.write(|db| destroy(db, text(0))),
        "attach" => ctx.core.write(|db| attach(db, text(0), text(1))),
        _ => return None,
    })
}

fn create(db: &mut Db, value: Value) -> Result<Value, Failure> {
    let mut fields = members(value, "network")?;
    let used = |db: &Db, bridge: &str| db.rows("network").any(|(_, network)| network["bridge"] == bridge);
    let wanted = fields.get("bridge").and_then(Value::as_str).unwrap_or_default().to_owned();
    if !wanted.is_empty() {
        if used(db, &wanted) {
            return Err(fail("BRIDGE_NAME_EXISTS", [&wanted]));
        }
    } else {
        let free = (0..).map(|n| format!("xapi{n}")).find(|bridge| !used(db, bridge)).unwrap_or_default();
        fields.insert("bridge".to_owned(), json!(free));
    }
    Ok(json!(db.insert("network", object(Value::Object(fields)))))
}

fn destroy(db: &mut Db, network: &str) -> Result<Value, Failure> {
    let Some(record) = db.get("network", network) else { return Err(handle_invalid("network", network)) };
    if record["other_config"]["is_host_internal_management_network"] == "true" {
        return Err(fail("CANNOT_DESTROY_SYSTEM_NETWORK", [network]));
    }
    for (set, code) in [("VIFs", "NETWORK_CONTAINS_VIF"), ("PIFs", "NETWORK_CONTAINS_PIF")] {
        let members = db.list("network", network, set);
        if !members.is_empty() {
            return Err(Failure { code: code.to_owned(), params: members });
        }
    }
    db.remove("network", network);
    Ok(json!(""))
}

/// Brings the network up on a host: its interface there is plugged.
fn attach(db: &mut Db, network: &str, host: &str) -> Result<Value, Failure> {
    for (class, object) in [("network", network), ("host", host)] {
        if db.get(class, object).is_none() {
            return Err(handle_invalid(class, object));
        }
    }
    if !vm::sees_network(db, host, network) {
        return Err(fail("PIF_NOT_PRESENT", [host, network]));
    }
    for pif in db.list("network", network, "PIFs") {
        if db.text("PIF", &pif, "host") == host && !db.flag("PIF", &pif, "currently_attached") {
            db.set("PIF", &pif, "currently_attached", true);
        }
    }
    Ok(json!(""))
}
