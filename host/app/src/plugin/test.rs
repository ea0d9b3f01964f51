//! The Test button: tries a configuration, also one that is not saved, with grants that hold for this one call.

use model::InstanceId;
use plugin_runtime::{Grant, Texts};
use serde::Serialize;
use serde_json::{Value, json};

use super::{configure, failed, invalid, issues, missing, spec};
use crate::ctx::Ctx;
use crate::error::Result;

/// What came of a test.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tested {
    /// Whether every check passed.
    pub ok: bool,
    /// The checks, in order.
    pub checks: Vec<Checked>,
    /// Rights that the test needs; if there are any, nothing was run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing_grants: Vec<Missing>,
}

/// One step of a test.
#[derive(Debug, Serialize)]
pub struct Checked {
    /// What was checked.
    pub name: String,
    /// Whether it is fine.
    pub ok: bool,
    /// What was found, or what is wrong.
    pub message: String,
    /// The error as the plugin gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
}

/// A right that a test needs.
#[derive(Debug, Serialize)]
pub struct Missing {
    /// As it would be granted.
    pub capability: String,
    /// Why, in the plugin's words.
    pub reason: Texts,
    /// Options that the plugin asks for.
    pub options: Value,
}

/// Runs the test of a plugin.
pub async fn test(
    ctx: &Ctx,
    instance: &InstanceId,
    configuration: Option<&Value>,
    data: Option<&Value>,
    grants: Vec<Grant>,
) -> Result<Tested> {
    let _admin = access::admin(&ctx.caller)?;
    let app = &ctx.app;
    let plugin = app.plugins.plugin(instance)?;
    let (record, _) = app.record(instance)?;
    let empty = json!({});
    let saved = record.configuration.as_ref().map(|saved| &saved.config);
    let configuration = configuration.or(saved).unwrap_or(&empty);
    if let Some(data) = data {
        let wrong = plugin.check_test_input(data);
        if !wrong.is_empty() {
            return Err(invalid("the test data does not match the plugin's schema", issues(&wrong)));
        }
    }
    let clear = configure::check(ctx, instance, &plugin, configuration, &record).await?;
    for grant in &grants {
        super::check_grant(grant)?;
    }
    // Those for this call stand in front: they may carry options that the kept ones lack.
    let mut all = grants.clone();
    all.extend(record.grants.iter().filter(|kept| !grants.iter().any(|g| g.capability == kept.capability)).cloned());
    let missing = missing(&plugin, &clear.config, &all);
    if !missing.is_empty() {
        let missing_grants = missing
            .into_iter()
            .map(|missing| Missing { capability: missing.capability, reason: missing.reason, options: missing.options })
            .collect();
        return Ok(Tested { ok: false, checks: Vec::new(), missing_grants });
    }
    if !grants.is_empty() {
        let names: Vec<_> = grants.iter().map(|grant| grant.capability.as_str()).collect();
        ctx.audit("plugin.testGrant", json!({ "plugin": instance, "grants": names })).await;
        app.plugin_activity(instance, "info", format!("allowed for one test: {}", names.join(", ")));
    }
    let checks = app.plugins.runtime.test(&spec(ctx, instance, &clear, &all), data).await;
    let checks = checks.map_err(|error| {
        app.plugin_activity(instance, "error", format!("the test failed: {error}"));
        failed(&error)
    })?;
    let checks: Vec<Checked> = checks
        .into_iter()
        .map(|check| match check.outcome {
            Ok(message) => Checked { name: check.name, ok: true, message, error: None },
            Err(error) => {
                let message = error.message.clone();
                Checked { name: check.name, ok: false, message, error: Some(json!(error)) }
            }
        })
        .collect();
    Ok(Tested { ok: checks.iter().all(|check| check.ok), checks, missing_grants: Vec::new() })
}
