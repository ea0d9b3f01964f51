//! The messages of the other classes that do more than their fields say.

pub mod allowed;
mod appliance;
mod evacuate;
pub mod frame;
pub mod host;
mod links;
pub mod machine;
pub mod messages;
mod network;
mod pbd;
mod pif;
mod pool;
pub mod sm;
mod sr;
mod vbd;
pub mod vdi;
mod vdi_check;
mod vif;
mod virtual_hardware;

use serde_json::Value;

use crate::{core::Ctx, failure::Failure};

/// Answers what does more than a getter or a setter; `None` for the rest.
pub async fn call(ctx: &Ctx, class: &str, message: &str, args: &[Value]) -> Option<Result<Value, Failure>> {
    match class {
        "VBD" => vbd::call(ctx, message, args).await,
        "VIF" => vif::call(ctx, message, args).await,
        "VDI" => vdi::call(ctx, message, args).await,
        "SR" => sr::call(ctx, message, args).await,
        "PBD" => pbd::call(ctx, message, args).await,
        "VM_appliance" => appliance::call(ctx, message, args).await,
        "VTPM" | "VUSB" | "VGPU" => virtual_hardware::call(ctx, class, message, args).await,
        "network" => network::call(ctx, message, args),
        "PIF" => pif::call(ctx, message, args).await,
        "VLAN" | "Bond" | "tunnel" => links::call(ctx, class, message, args).await,
        "host" => host::call(ctx, message, args).await,
        "pool" => pool::call(ctx, message, args).await,
        "message" => messages::call(ctx, message, args),
        _ => None,
    }
}
