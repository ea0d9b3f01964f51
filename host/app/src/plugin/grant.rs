//! Giving a plugin a power that it asks for, and taking it back. Takes effect with the next call.

use model::InstanceId;
use plugin_runtime::Grant;
use serde_json::json;
use wire::Failure;

use super::{is_granted, life, missing};
use crate::ctx::Ctx;
use crate::error::Result;

/// Gives a grant, or changes its mode or options.
pub async fn grant(ctx: &Ctx, instance: &InstanceId, grant: Grant) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let app = &ctx.app;
    let plugin = app.plugins.plugin(instance)?;
    super::check_grant(&grant)?;
    let word = grant.capability.split(':').next().unwrap_or_default();
    if !plugin.manifest.capabilities.iter().any(|asked| asked.name == word) {
        let message = format!("{instance} does not ask for \"{word}\"; a grant beyond the manifest has no use");
        return Err(Failure::invalid(message).into());
    }
    let (mut record, expect) = app.record(instance)?;
    record.grants.retain(|known| known.capability != grant.capability);
    let text = format!("granted {} ({})", grant.capability, json!(grant.mode).as_str().unwrap_or("on"));
    record.grants.push(grant);
    app.save_record(instance, &record, expect).await?;
    app.plugin_activity(instance, "info", text);
    // A configuration that waited for this grant runs from now on.
    if let (Some(running), Some(saved)) = (app.plugins.running(instance), &record.configuration) {
        let waiting = app.clear(instance, saved)?;
        if waiting != running && missing(&plugin, &waiting.config, &record.grants).is_empty() {
            life::activate(ctx, instance, &waiting, &record.grants).await?;
        }
    }
    Ok(())
}

/// Takes a grant back. An enabled plugin stays enabled: what it tries without the grant is denied and listed.
pub async fn revoke(ctx: &Ctx, instance: &InstanceId, capability: &str) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let app = &ctx.app;
    app.plugins.known(instance)?;
    let (mut record, expect) = app.record(instance)?;
    let before = record.grants.len();
    record.grants.retain(|grant| grant.capability != capability);
    if record.grants.len() == before {
        return Err(Failure::no_such(capability, "grant").into());
    }
    app.save_record(instance, &record, expect).await?;
    // Calls hold the grants of their start: what runs now is stopped.
    app.plugins.runtime.cancel(instance);
    let still = if is_granted(capability, &record.grants) { ", another grant still covers it" } else { "" };
    app.plugin_activity(instance, "info", format!("revoked {capability}{still}"));
    Ok(())
}
