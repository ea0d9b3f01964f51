//! The audit log.

use std::sync::Arc;

use app::{RecordFilter, audit, log};
use serde_json::{Value, json};
use wire::Failure;

use super::collection::{filter_of, records};
use super::{Call, Handler, Reply};

handlers! {
    "audit.checkIntegrity" => |call| {
        let text = |name: &str| call.params.get(name).and_then(Value::as_str);
        Ok(Reply::Value(json!(audit::check_integrity(&call.ctx, text("newest"), text("oldest")).await?)))
    };
    "audit.clean" => |_call| {
        let reason = "records go by their age and the size of the log, and the log says so; nothing else is taken out";
        Err(log::kept("audit.clean", reason).into())
    };
    "audit.deleteRange" => |_call| {
        let reason = "each record names the one before it, so that it shows when one is taken out";
        Err(log::kept("audit.deleteRange", reason).into())
    };
    "audit.importRecords" => |_call| {
        let reason = "a log is what this daemon has seen; keep the exported file of another one beside it";
        Err(log::kept("audit.importRecords", reason).into())
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
        Ok(Reply::Value(json!(audit::records(&call.ctx, id, limit, |_| true).await?)))
    };
    "audit.record" => |call| {
        let id = call.text("id");
        let found = audit::records(&call.ctx, Some(id), Some(1), |_| true).await?.pop();
        Ok(Reply::Value(json!(found.ok_or_else(|| Failure::no_such(id, "audit record"))?)))
    };
    "audit.records" => |call| {
        let filter = Arc::new(RecordFilter::parse(filter_of(&call))?);
        let limit = super::limit_of(&call.params)?;
        let from = call.params.get("from").and_then(Value::as_str);
        let meant = filter.clone();
        let found = audit::records(&call.ctx, from, limit, move |record| meant.matches(&json!(record))).await?;
        filter.check()?;
        records(&call, "plugins/audit/records", found.iter().map(|record| json!(record)))
    };
}

/// Returns the address of all records; who reads it has to be an administrator then, too.
fn export(call: &Call) -> Value {
    json!({ "$getFrom": call.tickets.issue_audit(&call.ctx, call.session.clone()) })
}
