//! Saving and forgetting a configuration: schema first, then the plugin's own opinion, then the store, then the running plugin.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{InstanceId, Secret};
use plugin_runtime::Plugin;
use serde_json::Value;

use super::{Clear, Record, failed, invalid, issues, life, missing, spec};
use crate::ctx::{App, Ctx, Notice};
use crate::error::Result;

/// Saves a configuration. Secrets that arrive as the sentinel keep their stored value.
///
/// An enabled plugin runs with it at once; if it needs a right that is not granted yet, the configuration before runs on.
pub async fn configure(ctx: &Ctx, instance: &InstanceId, configuration: &Value) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let app = &ctx.app;
    let plugin = app.plugins.plugin(instance)?;
    let (mut record, expect) = app.record(instance)?;
    let clear = check(ctx, instance, &plugin, configuration, &record).await?;
    let saved = app.seal_config(instance, &clear)?;
    record.previous = record.configuration.replace(saved);
    app.save_record(instance, &record, expect).await?;
    app.plugin_activity(instance, "info", "configuration saved");
    if app.plugins.running(instance).is_some() {
        if missing(&plugin, &clear.config, &record.grants).is_empty() {
            life::activate(ctx, instance, &clear, &record.grants).await?;
        } else {
            let text = "the new configuration waits for a grant; the one before runs on";
            app.plugin_activity(instance, "info", text);
        }
    }
    Ok(())
}

/// Returns a configuration, as it came from the API, ready for use; or everything that is wrong with it.
pub(super) async fn check(
    ctx: &Ctx,
    instance: &InstanceId,
    plugin: &Plugin,
    configuration: &Value,
    record: &Record,
) -> Result<Clear> {
    let app = &ctx.app;
    let stored = stored_secrets(app, instance, record)?;
    let (config, secrets) = plugin.split(&plugin.with_defaults(configuration), &stored);
    let wrong = plugin.check_schema(&config);
    if !wrong.is_empty() {
        return Err(invalid("the configuration does not match the plugin's schema", issues(&wrong)));
    }
    let clear = Clear { config: Arc::new(config), secrets: Arc::new(secrets) };
    let opinion = app.plugins.runtime.validate(&spec(ctx, instance, &clear, &record.grants)).await;
    match opinion {
        Ok(wrong) if wrong.is_empty() => Ok(clear),
        Ok(wrong) => Err(invalid("the plugin refuses the configuration", issues(&wrong))),
        Err(error) => {
            app.plugin_activity(instance, "error", format!("checking the configuration failed: {error}"));
            Err(failed(&error))
        }
    }
}

fn stored_secrets(app: &App, instance: &InstanceId, record: &Record) -> Result<BTreeMap<String, Secret>> {
    match &record.configuration {
        Some(saved) => Ok((*app.clear(instance, saved)?.secrets).clone()),
        None => Ok(BTreeMap::new()),
    }
}

/// Disables a plugin and forgets its configuration. Its grants go with it: they were given for that configuration.
pub async fn purge_configuration(ctx: &Ctx, instance: &InstanceId) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let app = &ctx.app;
    app.plugins.known(instance)?;
    let (record, expect) = app.record(instance)?;
    let emptied = Record { autoload: record.autoload, ..Record::default() };
    app.save_record(instance, &emptied, expect).await?;
    app.plugins.set_running(instance, None);
    app.plugins.runtime.reset(instance);
    app.plugin_activity(instance, "info", "configuration and grants purged");
    app.notify(Notice::Plugin(instance.clone()));
    Ok(())
}
