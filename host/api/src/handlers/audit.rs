//! The audit log.

use app::audit;
use serde_json::{Value, json};
use wire::Failure;

use super::{Call, Handler, Reply};

handlers! {
    "audit.checkIntegrity" => |call| {
        let text = |name: &str| call.params.get(name).and_then(Value::as_str);
        Ok(Reply::Value(json!(audit::check_integrity(&call.ctx, text("newest"), text("oldest")).await?)))
    };
    "audit.exportRecords" => |call| Ok(Reply::Value(export(&call)));
    "audit.generateFingerprint" => |call| Ok(Reply::Value(json!(audit::fingerprint(&call.ctx).await?)));
    "audit.getRecords" => |call| {
        if call.flag("ndjson") {
            return Ok(Reply::Value(export(&call)));
        }
        let limit = match call.params.get("maxRecords") {
            Some(limit) => Some(limit.as_u64().ok_or_else(|| Failure::invalid("maxRecords must not be negative"))?),
            None => None,
        };
        let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let id = call.params.get("id").and_then(Value::as_str);
        Ok(Reply::Value(json!(audit::records(&call.ctx, id, limit).await?)))
    };
}

/// Returns the address of all records; who reads it has to be an administrator then, too.
fn export(call: &Call) -> Value {
    json!({ "$getFrom": call.tickets.issue_audit(&call.ctx, call.session.clone()) })
}
