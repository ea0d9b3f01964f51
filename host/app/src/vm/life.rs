//! Power: starting, stopping and everything between.

use std::collections::HashSet;
use std::time::Duration;

use model::Kind;
use serde::Deserialize;
use wire::Failure;

use crate::act::acts;
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::object::{Target, reference};

acts! {
    /// Stops a running VM in memory.
    pause => "VM.pause";
    /// Lets a paused VM go on.
    unpause => "VM.unpause";
    /// Saves a running VM to disk.
    suspend => "VM.suspend";
}

/// Brings a suspended VM back.
pub async fn resume(ctx: &Ctx, vm: &Target) -> Result<()> {
    ctx.app.run(vm, "VM.resume", vec![reference(vm), false.into(), false.into()]).await.map(drop)
}

/// How to start a VM.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Start {
    /// Lifts a block that somebody put on starting it.
    pub force: bool,
    /// Does not look whether another running VM has the same MAC address.
    pub bypass_mac_addresses_check: bool,
}

/// Starts a VM, on this host or where the pool puts it.
pub async fn start(ctx: &Ctx, vm: &Target, host: Option<&Target>, options: &Start) -> Result<()> {
    if options.force {
        unblock(ctx, vm, "start").await?;
    }
    if !options.bypass_mac_addresses_check {
        check_addresses(ctx, vm)?;
    }
    match host {
        None => {
            let params = vec![reference(vm), false.into(), false.into()];
            ctx.app.run(vm, "VM.start", params).await?;
        }
        Some(host) => {
            let params = vec![reference(vm), reference(host), false.into(), false.into()];
            ctx.app.run(vm, "VM.start_on", params).await?;
        }
    }
    Ok(())
}

/// How to shut a VM down.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Stop {
    /// Pulls the plug.
    pub force: bool,
    /// Milliseconds after which a clean shutdown becomes a hard one; 0 = never.
    pub force_shutdown_delay: f64,
    /// Lifts a block that somebody put on it.
    pub bypass_blocked_operation: bool,
}

/// Shuts a VM down.
pub async fn stop(ctx: &Ctx, vm: &Target, options: &Stop) -> Result<()> {
    let operation = if options.force { "hard_shutdown" } else { "clean_shutdown" };
    if options.bypass_blocked_operation {
        unblock(ctx, vm, operation).await?;
    }
    if options.force {
        ctx.app.run(vm, "VM.hard_shutdown", vec![reference(vm)]).await?;
        return Ok(());
    }
    // Whoever wants the plug pulled does not want the guest to be asked any more.
    let task = ctx.app.start(vm, "VM.clean_shutdown", vec![reference(vm)]).await?.cancel_on_drop();
    let clean = ctx.app.end(vm, &task);
    let delay = options.force_shutdown_delay;
    let outcome = if delay > 0.0 {
        match tokio::time::timeout(Duration::from_millis(delay as u64), clean).await {
            Ok(outcome) => outcome,
            Err(_) => ctx.app.run(vm, "VM.hard_shutdown", vec![reference(vm)]).await,
        }
    } else {
        clean.await
    };
    match outcome {
        Ok(_) => Ok(()),
        Err(Error { failure: Failure::VmMissingPvDrivers { .. } | Failure::VmLacksFeature { .. }, detail }) => {
            let message = "clean shutdown requires PV drivers; use force to pull the plug";
            Err(Error { failure: Failure::invalid(message), detail })
        }
        Err(error) => Err(error),
    }
}

/// How to reboot a VM.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Restart {
    /// Presses the reset button.
    pub force: bool,
    /// Lifts a block that somebody put on it.
    pub bypass_blocked_operation: bool,
}

/// Reboots a VM.
pub async fn restart(ctx: &Ctx, vm: &Target, options: &Restart) -> Result<()> {
    let operation = if options.force { "hard_reboot" } else { "clean_reboot" };
    if options.bypass_blocked_operation {
        unblock(ctx, vm, operation).await?;
    }
    ctx.app.run(vm, &format!("VM.{operation}"), vec![reference(vm)]).await?;
    Ok(())
}

async fn unblock(ctx: &Ctx, vm: &Target, operation: &str) -> Result<()> {
    let params = vec![reference(vm), operation.into()];
    ctx.app.call(vm, "VM.remove_from_blocked_operations", params).await?;
    Ok(())
}

/// Two running machines with one address disturb each other in ways that are hard to find.
fn check_addresses(ctx: &Ctx, vm: &Target) -> Result<()> {
    let snapshot = ctx.app.inventory.snapshot();
    let own = vm.as_vm().into_iter().flat_map(|vm| vm.vifs.iter());
    let own: HashSet<String> =
        own.filter_map(|vif| Some(snapshot.get(vif.as_str())?.as_vif()?.mac.to_lowercase())).collect();
    if own.is_empty() {
        return Ok(());
    }
    for vif in snapshot.in_pool_of_kind(vm.pool(), Kind::Vif).filter_map(|object| object.as_vif()) {
        let other = vif.vm.as_ref().filter(|other| *other != vm.id());
        let other = other.and_then(|other| snapshot.get(other.as_str())?.as_vm());
        if other.is_some_and(|other| other.power_state.is_running()) && own.contains(&vif.mac.to_lowercase()) {
            let message =
                format!("a running VM has the MAC address {} too; bypassMacAddressesCheck starts it anyway", vif.mac);
            return Err(Failure::invalid(message).into());
        }
    }
    Ok(())
}
