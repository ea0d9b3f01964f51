//! Enabling and disabling: a plugin runs only with a valid configuration and with every grant that it needs.

use std::sync::Arc;

use model::{Caller, InstanceId};
use plugin_runtime::{AuditOutcome, Grant};
use serde_json::json;
use tracing::{info, warn};
use wire::{Failure, Issue};

use super::{Activity, Clear, Record, Saved, configure, failed, invalid, missing, spec};
use crate::ctx::{App, Ctx, Notice};
use crate::error::{Error, Result};
use crate::services::Line;

/// Finds the installed plugins and, unless in safe mode, enables those that are to be loaded at start. One that fails stops
/// nobody else.
pub async fn start(ctx: &Ctx, safe_mode: bool) {
    let app = &ctx.app;
    spawn_listener(app);
    let instances = scan(app).await;
    if instances.is_empty() {
        info!(folders = ?app.plugins.folders, "no plugins are installed");
    }
    for instance in instances {
        let autoload = app.record(&instance).map(|(record, _)| record.autoload);
        if matches!(autoload, Ok(true))
            && !safe_mode
            && let Err(error) = load(ctx, &instance).await
        {
            warn!(plugin = %instance, %error, "plugin is not enabled");
        }
        app.notify(Notice::Plugin(instance));
    }
}

/// Looks again for plugins if a file of the folders has come, gone or changed; so a copied file shows up without a restart.
pub async fn refresh(ctx: &Ctx) {
    let app = &ctx.app;
    if *app.plugins.seen.lock() != app.plugins.look() {
        for instance in scan(app).await {
            app.notify(Notice::Plugin(instance));
        }
    }
}

async fn scan(app: &App) -> Vec<InstanceId> {
    // Before the scan: a file that changes meanwhile is seen the next time.
    *app.plugins.seen.lock() = app.plugins.look();
    let found = app.plugins.runtime.scan().await;
    for found in &found {
        if let Err(error) = &found.outcome {
            warn!(plugin = %found.instance, code = error.code, %error, "plugin cannot be loaded");
        }
    }
    let instances = found.iter().map(|found| found.instance.clone()).collect();
    app.plugins.found(found);
    instances
}

/// Writes down what the runtime tells about plugins.
fn spawn_listener(app: &Arc<App>) {
    let Some(mut lines) = app.plugins.lines.lock().take() else { return };
    let (app, mut stop) = (app.clone(), app.workers.stop_signal());
    app.clone().workers.spawn("plugin-lines", async move {
        loop {
            let line = tokio::select! {
                line = lines.recv() => line,
                () = stop.wait() => None,
            };
            match line {
                Some(Line::Audit(line)) => {
                    let (kind, outcome) = match &line.outcome {
                        AuditOutcome::Done => ("info", "done".to_owned()),
                        AuditOutcome::Denied(code) => ("denied", format!("denied ({code})")),
                        AuditOutcome::Failed(code) => ("error", format!("failed ({code})")),
                    };
                    let capability = line.capability.as_deref().unwrap_or_default();
                    let data = json!({
                        "call": line.call, "action": line.action, "capability": capability, "outcome": line.outcome,
                        "detail": line.detail, "user": line.principal.as_ref().map(|principal| &principal.id),
                    });
                    if kind != "info" {
                        let detail = if line.detail.is_empty() { capability } else { &line.detail };
                        app.plugin_activity(&line.instance, kind, format!("{}: {outcome}: {detail}", line.action));
                    }
                    app.audit_as(&Caller::Plugin(line.instance.clone()), "plugin", data).await;
                }
                Some(Line::Log { instance, level, message }) => {
                    let text: String = message.chars().take(500).collect();
                    let level = json!(level);
                    app.plugin_activity(&instance, "log", format!("{}: {text}", level.as_str().unwrap_or("log")));
                }
                None => break,
            }
        }
    });
}

/// Enables a plugin.
pub async fn load(ctx: &Ctx, instance: &InstanceId) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let app = &ctx.app;
    app.plugins.known(instance)?;
    if app.plugins.running(instance).is_some() {
        return Err(Failure::invalid("plugin already loaded").into());
    }
    let outcome = try_load(ctx, instance).await;
    if let Err(error) = &outcome {
        let text = match &error.failure {
            Failure::InvalidParameters { message, issues } if !issues.is_empty() => {
                let all: Vec<_> = issues.iter().map(|issue| issue.message.as_str()).collect();
                format!("{message}: {}", all.join("; "))
            }
            other => other.to_string(),
        };
        let activity = Activity { time: app.clock.now(), kind: "error", text: format!("not enabled: {text}") };
        if let Some(entry) = app.plugins.entries.write().get_mut(instance) {
            entry.refusal = Some(activity.clone());
        }
        app.plugins.note(instance, activity);
        app.notify(Notice::Plugin(instance.clone()));
    }
    outcome
}

async fn try_load(ctx: &Ctx, instance: &InstanceId) -> Result<()> {
    let app = &ctx.app;
    let plugin = app.plugins.plugin(instance)?;
    let (record, _) = app.record(instance)?;
    let clear = match ready(ctx, instance, &record, record.configuration.as_ref()).await {
        // While the newest configuration waits for a grant, the one before runs.
        Err(Error { failure: Failure::InvalidParameters { .. }, .. })
            if record
                .previous
                .as_ref()
                .is_some_and(|previous| missing(&plugin, &previous.config, &record.grants).is_empty())
                && record
                    .configuration
                    .as_ref()
                    .is_some_and(|saved| !missing(&plugin, &saved.config, &record.grants).is_empty()) =>
        {
            ready(ctx, instance, &record, record.previous.as_ref()).await?
        }
        other => other?,
    };
    app.plugins.runtime.reset(instance);
    activate(ctx, instance, &clear, &record.grants).await
}

/// Returns a saved configuration if it can run: valid in the eyes of the schema and of the plugin, and granted.
async fn ready(ctx: &Ctx, instance: &InstanceId, record: &Record, saved: Option<&Saved>) -> Result<Clear> {
    let plugin = ctx.app.plugins.plugin(instance)?;
    let empty = serde_json::Value::Object(serde_json::Map::new());
    let stored = saved.map_or(&empty, |saved| &saved.config);
    let mut of_this = record.clone();
    of_this.configuration = saved.cloned();
    let clear = match configure::check(ctx, instance, &plugin, stored, &of_this).await {
        Err(Error { failure: Failure::InvalidParameters { issues, .. }, .. }) if saved.is_none() => {
            return Err(invalid("plugin not configured", issues));
        }
        other => other?,
    };
    let missing = missing(&plugin, &clear.config, &record.grants);
    if missing.is_empty() {
        return Ok(clear);
    }
    let issue = |capability: &str| {
        Issue::at("", "grant", format!("the grant {capability} is missing; give it on the plugin's page"))
    };
    let issues = missing.iter().map(|requested| issue(&requested.capability)).collect();
    Err(invalid("the plugin needs grants that it does not have", issues))
}

/// Lets a plugin run with a configuration from the next call on.
pub(super) async fn activate(ctx: &Ctx, instance: &InstanceId, clear: &Clear, grants: &[Grant]) -> Result<()> {
    let app = &ctx.app;
    match app.plugins.runtime.activate(&spec(ctx, instance, clear, grants)).await {
        Ok(_) => {
            app.plugins.set_running(instance, Some(clear.clone()));
            app.plugin_activity(instance, "info", "enabled");
            Ok(())
        }
        Err(error) => Err(failed(&error)),
    }
}

/// Disables a plugin; calls in progress are stopped.
pub async fn unload(ctx: &Ctx, instance: &InstanceId) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let app = &ctx.app;
    app.plugins.known(instance)?;
    if app.plugins.running(instance).is_none() {
        return Err(Failure::invalid("plugin already unloaded").into());
    }
    app.plugins.set_running(instance, None);
    app.plugins.runtime.cancel(instance);
    app.plugin_activity(instance, "info", "disabled");
    Ok(())
}

/// Loads the plugin at each start from now on.
pub async fn enable_autoload(ctx: &Ctx, instance: &InstanceId) -> Result<()> {
    set_autoload(ctx, instance, true).await
}

/// Does not load the plugin at the next start.
pub async fn disable_autoload(ctx: &Ctx, instance: &InstanceId) -> Result<()> {
    set_autoload(ctx, instance, false).await
}

async fn set_autoload(ctx: &Ctx, instance: &InstanceId, autoload: bool) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    ctx.app.plugins.known(instance)?;
    let (mut record, expect) = ctx.app.record(instance)?;
    record.autoload = autoload;
    ctx.app.save_record(instance, &record, expect).await?;
    ctx.app.notify(Notice::Plugin(instance.clone()));
    Ok(())
}
