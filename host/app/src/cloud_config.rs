//! Templates of cloud-init configurations, kept for those who make VMs.

use model::ServerId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Expect, Table};
use wire::Failure;

use crate::ctx::Ctx;
use crate::error::Result;

/// How many are listed; people keep a dozen.
const LISTED: usize = 10_000;

/// A template.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CloudConfig {
    id: String,
    name: String,
    template: String,
    /// "network" for one of the network; none for user data.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
}

/// Keeps a template, of the network or of user data; returns it with its id.
pub async fn create(ctx: &Ctx, name: &str, template: &str, network: bool) -> Result<Value> {
    let _admin = access::admin(&ctx.caller)?;
    let id = ServerId::random().to_string();
    let kind = network.then(|| "network".to_owned());
    let config = CloudConfig { id: id.clone(), name: name.to_owned(), template: template.to_owned(), kind };
    ctx.app.store.put(Table::CloudConfigs, &id, &config, Expect::Absent).await?;
    Ok(json!(config))
}

/// Changes a template.
pub async fn update(ctx: &Ctx, id: &str, name: Option<String>, template: Option<String>) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let stored = ctx.app.store.get::<CloudConfig>(Table::CloudConfigs, id)?;
    let stored = stored.ok_or_else(|| Failure::no_such(id, "cloudConfig"))?;
    let mut config = stored.value;
    config.name = name.unwrap_or(config.name);
    config.template = template.unwrap_or(config.template);
    ctx.app.store.put(Table::CloudConfigs, id, &config, Expect::Revision(stored.revision)).await?;
    Ok(())
}

/// Forgets a template.
pub async fn delete(ctx: &Ctx, id: &str) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let known = ctx.app.store.get::<CloudConfig>(Table::CloudConfigs, id)?;
    known.ok_or_else(|| Failure::no_such(id, "cloudConfig"))?;
    ctx.app.store.delete(Table::CloudConfigs, id, Expect::Any).await?;
    Ok(())
}

/// Lists the templates of the network, or those of user data.
pub fn list(ctx: &Ctx, network: bool) -> Result<Vec<Value>> {
    let _signed_in = access::signed_in(&ctx.caller)?;
    let all = ctx.app.store.scan::<CloudConfig>(Table::CloudConfigs, "", None, LISTED)?;
    let all = all.into_iter().map(|(_, stored)| stored.value);
    Ok(all
        .filter(|config| (config.kind.as_deref() == Some("network")) == network)
        .map(|config| json!(config))
        .collect())
}
