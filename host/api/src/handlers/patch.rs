//! Patches of hosts, and whether guests can boot securely.

use app::{patch, vm};
use serde_json::json;

use super::{Call, Handler, Reply};

handlers! {
    "host.missingPatches" => |call| Ok(Reply::Value(json!(patch::missing(&call.ctx, &call.object("id")?).await?)));
    "pool.getGuestSecureBootReadiness" => |call| {
        vm::pool_secure_boot_readiness(&call.ctx, &call.object("id")?).await.map(Reply::Value)
    };
    "pool.getPatchesDifference" => |call| {
        let (source, target) = (call.object("source")?, call.object("target")?);
        Ok(Reply::Value(json!(patch::difference(&call.ctx, &source, &target).await?)))
    };
    "pool.listMissingPatches" => |call| {
        Ok(Reply::Value(json!(patch::missing(&call.ctx, &call.object("host")?).await?)))
    };
    "pool.missingPatches" => |call| {
        Ok(Reply::Value(json!(patch::missing_in_pool(&call.ctx, &call.object("id")?).await?)))
    };
}
