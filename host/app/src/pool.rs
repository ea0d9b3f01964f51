//! Pools and the network cards of their hosts.

use access::Action;
use model::Kind;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tracing::warn;
use wire::Failure;
use xapi::Value;

use crate::act::{NULL, acts, same_pool};
use crate::ctx::Ctx;
use crate::error::Result;
use crate::object::{self, Target, present, reference};
use crate::query::Query;

/// Changes to a pool.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Changes {
    auto_poweron: Option<bool>,
    name_label: Option<String>,
    name_description: Option<String>,
    #[serde(rename = "backupNetwork", deserialize_with = "present")]
    backup_network: Option<Option<String>>,
    #[serde(rename = "migrationCompression")]
    migration_compression: Option<bool>,
    #[serde(rename = "migrationNetwork", deserialize_with = "present")]
    migration_network: Option<Option<String>>,
    #[serde(rename = "suspendSr", deserialize_with = "present")]
    suspend_sr: Option<Option<String>>,
    #[serde(rename = "crashDumpSr", deserialize_with = "present")]
    crash_dump_sr: Option<Option<String>>,
}

/// Changes a pool.
pub async fn set(ctx: &Ctx, pool: &Target, changes: &Changes) -> Result<()> {
    let mut calls: Vec<(&str, Vec<Value>)> = Vec::new();
    for (method, text) in
        [("pool.set_name_label", &changes.name_label), ("pool.set_name_description", &changes.name_description)]
    {
        if let Some(text) = text {
            calls.push((method, vec![text.as_str().into()]));
        }
    }
    if let Some(on) = changes.migration_compression {
        calls.push(("pool.set_migration_compression", vec![on.into()]));
    }
    let mut keep = |key: &str, value: Option<String>| {
        calls.push(("pool.remove_from_other_config", vec![key.into()]));
        if let Some(value) = value {
            calls.push(("pool.add_to_other_config", vec![key.into(), value.into()]));
        }
    };
    if let Some(on) = changes.auto_poweron {
        keep("auto_poweron", on.then(|| "true".to_owned()));
    }
    for (key, network) in
        [("xo:backupNetwork", &changes.backup_network), ("xo:migrationNetwork", &changes.migration_network)]
    {
        if let Some(network) = network {
            if let Some(network) = network {
                same_pool(pool, &object::permit(ctx, network, &["network"], Action::View)?)?;
            }
            keep(key, network.clone());
        }
    }
    for (method, sr) in
        [("pool.set_suspend_image_SR", &changes.suspend_sr), ("pool.set_crash_dump_SR", &changes.crash_dump_sr)]
    {
        match sr {
            None => {}
            Some(None) => calls.push((method, vec![NULL.into()])),
            Some(Some(sr)) => {
                let sr = object::permit(ctx, sr, &["SR"], Action::Administrate)?;
                same_pool(pool, &sr)?;
                calls.push((method, vec![reference(&sr)]));
            }
        }
    }
    ctx.app.each(pool, calls).await
}

/// Returns the pool of an object, if the caller may change it.
fn pool_of(ctx: &Ctx, object: &Target) -> Result<Target> {
    object::permit(ctx, object.pool().as_str(), &["pool"], Action::Administrate)
}

/// Makes an SR the one where disks go when nobody says.
pub async fn set_default_sr(ctx: &Ctx, sr: &Target) -> Result<()> {
    let pool = pool_of(ctx, sr)?;
    ctx.app.call(&pool, "pool.set_default_SR", vec![reference(&pool), reference(sr)]).await.map(drop)
}

/// Makes a host the master of its pool.
pub async fn set_master(ctx: &Ctx, host: &Target) -> Result<()> {
    let pool = pool_of(ctx, host)?;
    ctx.app.run(&pool, "pool.designate_new_master", vec![reference(host)]).await.map(drop)
}

/// Has the pool restart VMs of hosts that fail, with its state on these SRs.
pub async fn enable_ha(ctx: &Ctx, pool: &Target, srs: &[&Target], configuration: &Json) -> Result<()> {
    let mut references = Vec::new();
    for sr in srs {
        same_pool(pool, sr)?;
        references.push(reference(sr));
    }
    let mut settings = Vec::new();
    for (key, value) in configuration.as_object().into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        settings.push((key.as_str(), value));
    }
    ctx.app.run(pool, "pool.enable_ha", vec![Value::Array(references), Value::record(settings)]).await.map(drop)
}

/// Ends high availability.
pub async fn disable_ha(ctx: &Ctx, pool: &Target) -> Result<()> {
    ctx.app.run(pool, "pool.disable_ha", vec![]).await.map(drop)
}

/// Suspends the VMs of all hosts of a pool and shuts the hosts down, the master last.
pub async fn emergency_shutdown(ctx: &Ctx, pool: &Target) -> Result<()> {
    let Some(current) = pool.as_pool() else { return Err(Failure::no_such(pool.id().as_str(), "pool").into()) };
    if current.ha_enabled {
        // Hosts that fail are what it waits for.
        disable_ha(ctx, pool).await?;
    }
    let mut hosts: Vec<_> = {
        let snapshot = ctx.app.inventory.snapshot();
        snapshot.in_pool_of_kind(pool.id(), Kind::Host).map(|host| host.id().clone()).collect()
    };
    hosts.sort_by_key(|host| Some(host) == current.master.as_ref());
    // The right to the pool is the right to switch it off.
    let own = Ctx::daemon(&ctx.app);
    let mut failed = None;
    for host in hosts {
        let host = object::permit(&own, host.as_str(), &["host"], Action::Administrate)?;
        if let Err(error) = crate::host::emergency_shutdown(&own, &host).await {
            warn!(host = %host.id(), %error, "a host did not shut down with its pool");
            failed = Some(error);
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Moves the management of every host of a pool to a network.
pub async fn set_management(ctx: &Ctx, pool: &Target, network: &Target) -> Result<()> {
    same_pool(pool, network)?;
    ctx.app.run(pool, "pool.management_reconfigure", vec![reference(network)]).await.map(drop)
}

/// Returns what a pool says of its licence.
pub async fn licence(ctx: &Ctx, pool: &Target) -> Result<Json> {
    let state = ctx.app.run(pool, "pool.get_license_state", vec![reference(pool)]).await?;
    Ok(object::to_json(&state))
}

/// What a pool has to offer.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Criteria {
    min_available_host_memory: Option<f64>,
    min_available_sr_size: Option<f64>,
    min_host_cpus: Option<f64>,
    min_host_version: Option<String>,
    pool_name_reg_exp: Option<String>,
    sr_name_reg_exp: Option<String>,
}

fn named(pattern: Option<&String>) -> Result<Query> {
    // Filters have a budget for their expressions, and so has this.
    let filter = pattern.map(|pattern| Json::from(format!("name_label:/{}/", pattern.replace('/', "\\/"))));
    Ok(Query::of(filter.as_ref())?)
}

fn at_least(version: Option<&str>, wanted: &str) -> bool {
    let parts = |version: &str| version.split('.').map(|part| part.parse().unwrap_or(0)).collect::<Vec<u64>>();
    version.is_some_and(|version| parts(version) >= parts(wanted))
}

/// Lists the pools that have a host and an SR that fit.
#[allow(clippy::cast_precision_loss)]
pub fn matching(ctx: &Ctx, wanted: &Criteria) -> Result<Vec<Json>> {
    let snapshot = ctx.app.inventory.snapshot();
    let class = access::visibility(&ctx.caller);
    let (pools, srs) = (named(wanted.pool_name_reg_exp.as_ref())?, named(wanted.sr_name_reg_exp.as_ref())?);
    let mut fitting = Vec::new();
    for pool in snapshot.of_kind(Kind::Pool) {
        let seen = |object: &&std::sync::Arc<model::Object>| class.sees(&snapshot, &***object);
        if !seen(&pool) || !pools.matches(pool) {
            continue;
        }
        let mut hosts = snapshot.in_pool_of_kind(pool.id(), Kind::Host).filter(seen).filter_map(|host| host.as_host());
        let host = hosts.any(|host| {
            let free = (host.memory.size - host.memory.usage) as f64;
            wanted.min_available_host_memory.is_none_or(|wanted| free >= wanted)
                && wanted.min_host_cpus.is_none_or(|wanted| host.cpus.cores.unwrap_or(0) as f64 >= wanted)
                && wanted.min_host_version.as_ref().is_none_or(|wanted| at_least(host.version.as_deref(), wanted))
        });
        let mut stores = snapshot.in_pool_of_kind(pool.id(), Kind::Sr).filter(seen).filter(|sr| srs.matches(sr));
        let store = stores.any(|sr| {
            let free = sr.as_sr().map_or(0, |sr| sr.size - sr.physical_usage) as f64;
            wanted.min_available_sr_size.is_none_or(|wanted| free >= wanted)
        });
        if host && store {
            fitting.push(json!(**pool));
        }
    }
    Ok(fitting)
}

acts! {
    /// Brings a network card of a host up.
    connect_card => "PIF.plug";
    /// Takes a network card of a host down.
    disconnect_card => "PIF.unplug";
    /// Removes a VLAN or a card that is not there any more.
    delete_card => "PIF.destroy";
}

/// Gives a VLAN another tag: it is made anew.
pub async fn retag_card(ctx: &Ctx, card: &Target, tag: &Json) -> Result<()> {
    let app = &ctx.app;
    let tag = tag.as_i64().or_else(|| tag.as_str()?.trim().parse().ok());
    let tag = tag.filter(|tag| (0..=4094).contains(tag));
    let tag = tag.ok_or_else(|| Failure::invalid("vlan is no number from 0 to 4094"))?;
    let record = app.call(card, "PIF.get_record", vec![reference(card)]).await?;
    let field = |name: &str| record.get(name).cloned().unwrap_or_default();
    let before = field("VLAN").as_i64().unwrap_or(-1);
    if before < 0 {
        return Err(Failure::invalid("the pif is no VLAN").into());
    }
    let vlan = field("VLAN_master_of");
    let tagged = app.call(card, "VLAN.get_tagged_PIF", vec![vlan.clone()]).await?;
    app.run(card, "VLAN.destroy", vec![vlan]).await?;
    let make = |tag| app.run(card, "VLAN.create", vec![tagged.clone(), Value::Int(tag), field("network")]);
    let made = make(tag).await;
    if made.is_err()
        && let Err(error) = make(before).await
    {
        warn!(card = %card.id(), %error, "a VLAN that got no new tag did not get its old one back");
    }
    made.map(drop)
}

/// How a card of a host gets its addresses.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Addresses {
    mode: Option<String>,
    ip: String,
    netmask: String,
    gateway: String,
    dns: String,
    ipv6: String,
    ipv6_mode: Option<String>,
}

/// Says how a card of a host gets its addresses.
pub async fn set_addresses(ctx: &Ctx, card: &Target, addresses: &Addresses) -> Result<()> {
    let text = |text: &String| Value::from(text.as_str());
    if let Some(mode) = &addresses.ipv6_mode {
        let params =
            vec![reference(card), text(mode), text(&addresses.ipv6), text(&addresses.gateway), text(&addresses.dns)];
        ctx.app.run(card, "PIF.reconfigure_ipv6", params).await?;
    }
    if let Some(mode) = &addresses.mode {
        let params = vec![
            reference(card),
            text(mode),
            text(&addresses.ip),
            text(&addresses.netmask),
            text(&addresses.gateway),
            text(&addresses.dns),
        ];
        ctx.app.run(card, "PIF.reconfigure_ip", params).await?;
    }
    Ok(())
}
