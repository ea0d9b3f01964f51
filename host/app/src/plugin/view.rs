//! What the settings page and `plugin.get` show of each plugin.

use model::InstanceId;
use plugin_runtime::{Breaker, Health, Limits, Plugin};
use serde_json::{Map, Value, json};

use super::{Activity, Entry, Record, is_granted, missing};
use crate::ctx::{App, Ctx};
use crate::error::Result;

/// Lists the installed plugins.
pub fn get(ctx: &Ctx) -> Result<Vec<Value>> {
    let _admin = access::admin(&ctx.caller)?;
    let app = &ctx.app;
    let entries = app.plugins.entries.read();
    let mut views = Vec::with_capacity(entries.len());
    for (instance, entry) in &*entries {
        views.push(view(app, instance, entry)?);
    }
    Ok(views)
}

fn view(app: &App, instance: &InstanceId, entry: &Entry) -> Result<Value> {
    let (record, _) = app.record(instance)?;
    let health = app.plugins.runtime.health(instance);
    let mut view = Map::new();
    let mut set = |name: &str, value: Value| {
        view.insert(name.to_owned(), value);
    };
    set("id", json!(instance));
    set("name", json!(instance));
    set("autoload", json!(record.autoload));
    set("loaded", json!(entry.running.is_some()));
    set("unloadable", json!(true));
    set("grants", json!(record.grants));
    set("stats", stats(&health));
    set("activity", json!(entry.activity.iter().rev().collect::<Vec<_>>()));
    let (state, text) = match &entry.outcome {
        None => ("installed", "being compiled".to_owned()),
        Some(Err(error)) => {
            set("version", json!("unknown"));
            set("testable", json!(false));
            set("keywords", json!([]));
            set("lastError", json!({ "kind": "load", "code": error.code, "message": error.message }));
            let state = if error.code.starts_with("contract.") { "incompatible" } else { "load-error" };
            (state, error.message.clone())
        }
        Some(Ok(plugin)) => {
            describe(plugin, &record, &mut set);
            if let Some(error) = last_error(entry.refusal.as_ref(), &health) {
                set("lastError", error);
            }
            state(plugin, entry, &record, &health)
        }
    };
    set("state", json!(state));
    set("stateText", json!(text));
    Ok(Value::Object(view))
}

fn describe(plugin: &Plugin, record: &Record, set: &mut impl FnMut(&str, Value)) {
    let manifest = &plugin.manifest;
    set("pluginId", json!(manifest.id));
    set("version", json!(manifest.version));
    set("names", json!(manifest.name));
    set("descriptions", json!(manifest.description));
    set("description", json!(manifest.description.get("en")));
    set("texts", json!(manifest.texts));
    set("keywords", json!(plugin.roles));
    set("roles", json!(plugin.roles));
    set("powers", json!(plugin.powers));
    set("digest", json!(plugin.digest));
    set("size", json!(plugin.size));
    set("configurationSchema", manifest.config_schema.clone());
    // Xen Orchestra names a preset's configuration `configuration`; its names are plain texts.
    let presets = manifest
        .presets
        .iter()
        .map(|preset| json!({ "name": preset.name.get("en"), "names": preset.name, "configuration": preset.config }));
    set("configurationPresets", presets.collect());
    set("testable", json!(true));
    if let Some(schema) = &manifest.test_schema {
        set("testSchema", schema.clone());
    }
    let config = record.configuration.as_ref().map(|saved| &saved.config);
    if let Some(config) = config {
        set("configuration", plugin.mask(config));
    }
    let empty = json!({});
    let requested = plugin.requested(&plugin.with_defaults(config.unwrap_or(&empty)));
    let capabilities = manifest.capabilities.iter().map(|asked| {
        let resolved: Vec<_> = requested
            .iter()
            .filter(|requested| requested.template == asked.scope)
            .map(|requested| requested.capability.as_str())
            .collect();
        let granted = !resolved.is_empty() && resolved.iter().all(|capability| is_granted(capability, &record.grants));
        json!({
            "name": asked.name, "template": asked.scope, "resolved": resolved, "reason": asked.reason,
            "optional": asked.optional, "granted": granted, "options": asked.options,
        })
    });
    set("capabilities", capabilities.collect());
    set("limits", json!(Limits::DEFAULT));
}

fn stats(health: &Health) -> Value {
    let mut stats = json!(health);
    if let Value::Object(members) = &mut stats {
        members.remove("last_error");
        members.remove("lastError");
    }
    stats
}

fn last_error(refusal: Option<&Activity>, health: &Health) -> Option<Value> {
    let of_call = health.last_error.as_ref().map(|error| {
        let view = json!({ "kind": error.kind, "code": error.code, "message": error.message, "time": error.at });
        (error.at, view)
    });
    let of_load = refusal.map(|refusal| {
        let view = json!({ "kind": "enable", "code": "enable", "message": refusal.text, "time": refusal.time });
        (refusal.time, view)
    });
    of_call.into_iter().chain(of_load).max_by_key(|(time, _)| *time).map(|(_, view)| view)
}

fn state(plugin: &Plugin, entry: &Entry, record: &Record, health: &Health) -> (&'static str, String) {
    if entry.running.is_some() {
        for (role, breaker) in &health.breakers {
            match breaker {
                Breaker::Open { retry_at } => {
                    return ("backing-off", format!("{role} failed too often; next try at {retry_at}"));
                }
                Breaker::HalfOpen => return ("degraded", format!("{role} is being tried again")),
                Breaker::Closed => {}
            }
        }
        let waiting = record.configuration.as_ref().map(|saved| missing(plugin, &saved.config, &record.grants));
        return match waiting {
            Some(missing) if !missing.is_empty() => {
                ("degraded", format!("the saved configuration waits for {}", names(&missing)))
            }
            _ => ("enabled", "running".to_owned()),
        };
    }
    let empty = json!({});
    let config = plugin.with_defaults(record.configuration.as_ref().map_or(&empty, |saved| &saved.config));
    if !plugin.check_schema(&config).is_empty() {
        return ("installed", "needs a configuration".to_owned());
    }
    let missing = missing(plugin, &config, &record.grants);
    if missing.is_empty() {
        ("disabled", "ready to be enabled".to_owned())
    } else {
        ("configured", format!("needs the grant {}", names(&missing)))
    }
}

fn names(missing: &[plugin_runtime::Requested]) -> String {
    missing.iter().map(|requested| requested.capability.as_str()).collect::<Vec<_>>().join(", ")
}
