//! Failed calls, as clients of Xen Orchestra read them. They stand in the audit log, from which nothing is taken out.

use serde_json::{Map, Value, json};
use wire::Failure;

use crate::audit;
use crate::ctx::Ctx;
use crate::error::Result;

/// The only namespace: calls of the API.
const CALLS: &str = "api";

/// Lists the failed calls that would have changed something, by the id of their record.
pub async fn get(ctx: &Ctx, namespace: &str) -> Result<Map<String, Value>> {
    let _admin = access::admin(&ctx.caller)?;
    if namespace != CALLS {
        return Ok(Map::new());
    }
    let is_failure = |record: &audit::Record| record.event == "apiCall" && record.data.get("error").is_some();
    let records = audit::records(ctx, None, None, is_failure).await?;
    let shown = records.into_iter().map(|record| {
        let mut data = record.data;
        let message = data["error"]["message"].clone();
        for (name, value) in record.subject {
            data[name.as_str()] = value;
        }
        let entry = json!({
            "level": "error",
            "namespace": CALLS,
            "message": message,
            "time": record.time,
            "data": data,
        });
        (record.id, entry)
    });
    Ok(shown.collect())
}

/// Says that entries cannot be deleted.
pub fn delete(ctx: &Ctx) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    Err(kept("log.delete", "failed calls stand in the audit log, which keeps every record until its time is over")
        .into())
}

/// Says that something cannot be done to the audit log.
pub fn kept(operation: &str, reason: &str) -> Failure {
    Failure::Forbidden { operation: operation.to_owned(), reason: reason.to_owned() }
}
