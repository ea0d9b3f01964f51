//! Patches of hosts, as the hosts themselves tell of them.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};
use wire::Failure;
use xapi::Value;

use crate::act::empty;
use crate::ctx::Ctx;
use crate::error::Result;
use crate::host;
use crate::object::{self, Target, reference};

/// What is told of a patch.
const TOLD: [&str; 6] = ["name", "description", "version", "release", "url", "changelog"];

/// Lists the patches that a host could have and has not, as its package manager knows them: `[{name, description, version,
/// release, size, url, changelog}]`, the size in bytes.
pub async fn missing(ctx: &Ctx, host: &Target) -> Result<Vec<Json>> {
    let mut answer = host::plugin_if_any(ctx, host, "updater.py", "check_update", empty()).await?;
    if answer.is_null() {
        return Err(host::not_xcp_ng(host));
    }
    // Older hosts wrap it.
    if let Some(error) = answer.get("error").and_then(Json::as_str) {
        return Err(Failure::Internal(format!("the package manager of the host answered: {error}")).into());
    }
    if let Some(result) = answer.get_mut("result") {
        answer = result.take();
    }
    let Json::Array(patches) = answer else {
        return Err(Failure::Internal("the package manager of the host answered no list of patches".into()).into());
    };
    let told = |patch: Json| {
        let mut told: Map<String, Json> =
            TOLD.iter().filter_map(|name| Some(((*name).to_owned(), patch.get(*name)?.clone()))).collect();
        let size = patch.get("size").and_then(|size| size.as_u64().or_else(|| size.as_str()?.parse().ok()));
        told.insert("size".to_owned(), json!(size.unwrap_or_default()));
        Json::Object(told)
    };
    Ok(patches.into_iter().map(told).collect())
}

/// Lists what any host of a pool could have and has not, each patch once.
pub async fn missing_in_pool(ctx: &Ctx, pool: &Target) -> Result<Vec<Json>> {
    let hosts: Vec<_> = {
        let snapshot = ctx.app.inventory.snapshot();
        snapshot.in_pool_of_kind(pool.id(), model::Kind::Host).map(|host| host.id().clone()).collect()
    };
    let own = Ctx::daemon(&ctx.app);
    let mut all: Vec<Json> = Vec::new();
    for host in hosts {
        // Who sees the pool sees what its hosts lack.
        let host = object::permit(&own, host.as_str(), &["host"], access::Action::View)?;
        for patch in missing(ctx, &host).await? {
            if !all.contains(&patch) {
                all.push(patch);
            }
        }
    }
    Ok(all)
}

/// Lists the names of patches that one host has and the other has not.
pub async fn difference(ctx: &Ctx, source: &Target, target: &Target) -> Result<Vec<String>> {
    let there = installed(ctx, target).await?;
    let more = installed(ctx, source).await?.into_iter().filter(|patch| !there.contains(patch));
    Ok(more.map(|(name, _)| name).collect())
}

/// Returns what is installed on a host: packages with their versions, or the updates that the pool keeps record of.
async fn installed(ctx: &Ctx, host: &Target) -> Result<BTreeSet<(String, String)>> {
    let answer = host::plugin_if_any(ctx, host, "updater.py", "query_installed", empty()).await?;
    if let Json::Object(packages) = answer {
        let version = |version: Json| version.as_str().map_or_else(|| version.to_string(), str::to_owned);
        return Ok(packages.into_iter().map(|(name, it)| (name, version(it))).collect());
    }
    let updates = ctx.app.call(host, "host.get_updates", vec![reference(host)]).await?;
    let mut installed = BTreeSet::new();
    for update in updates.as_array().unwrap_or_default() {
        let record = ctx.app.call(host, "pool_update.get_record", vec![update.clone()]).await?;
        let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        installed.insert((text("name_label"), text("version")));
    }
    Ok(installed)
}
