//! The messages of the other classes that do more than their fields say.

mod devices;
mod hosts;
mod messages;
mod storage;

use serde_json::Value;

use crate::{core::Ctx, failure::Failure};

/// Answers what does more than a getter or a setter; `None` for the rest.
pub async fn call(ctx: &Ctx, class: &str, message: &str, args: &[Value]) -> Option<Result<Value, Failure>> {
    match class {
        "VBD" | "VIF" => devices::call(ctx, class, message, args).await,
        "VDI" | "SR" | "PBD" => storage::call(ctx, class, message, args).await,
        "host" | "pool" | "network" => hosts::call(ctx, class, message, args),
        "message" => messages::call(ctx, message, args),
        _ => None,
    }
}
