//! Hosts that join pools and leave them.

use model::ObjectId;
use tracing::warn;
use wire::Failure;

use crate::ctx::Ctx;
use crate::error::Result;
use crate::object::{Target, reference};
use crate::server;

/// Takes a host out of its pool and registers it as a server of its own, with the account of the pool. Everything on its own
/// disks is gone.
pub async fn detach(ctx: &Ctx, host: &Target) -> Result<()> {
    let Some(current) = host.as_host() else { return Err(Failure::no_such(host.id().as_str(), "host").into()) };
    let (address, name) = (current.address.to_string(), host.name_label().to_owned());
    let entry = server::of_pool(&ctx.app, host.pool())?;
    ctx.app.run(host, "pool.eject", vec![reference(host)]).await?;
    // It starts anew with a certificate of its own, so it is no longer the one that was trusted before.
    server::add_like(ctx, &entry, address, name).await
}

/// Has hosts that are pools of their own join a pool. The daemon hands the account of that pool to them, so this is for
/// administrators.
pub async fn merge(ctx: &Ctx, sources: &[&Target], target: &Target, force: bool) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    if sources.is_empty() {
        return Err(Failure::invalid("name the pools that join, as source or sources").into());
    }
    if let Some(same) = sources.iter().find(|source| source.pool() == target.pool()) {
        return Err(Failure::invalid(format!("{} is the pool that the others join", same.pool())).into());
    }
    let entry = server::of_pool(&ctx.app, target.pool())?;
    let address = master_address(ctx, target.pool())?;
    let password = server::password(&ctx.app, &entry)?;
    let method = if force { "pool.join_force" } else { "pool.join" };
    for source in sources {
        let params = vec![address.as_str().into(), entry.username.as_str().into(), password.expose().into()];
        ctx.app.run(source, method, params).await?;
        // From here on it is a member, and reached as one.
        let left = server::of_pool(&ctx.app, source.pool())?;
        if let Err(error) = server::remove(&Ctx::daemon(&ctx.app), &left.id).await {
            warn!(server = %left.id, %error, "the entry of a pool that joined another one stays");
        }
    }
    Ok(())
}

/// Returns where a pool's master is, as the pool says itself.
fn master_address(ctx: &Ctx, pool: &ObjectId) -> Result<String> {
    let snapshot = ctx.app.inventory.snapshot();
    let master = snapshot.get(pool.as_str()).and_then(|pool| snapshot.get(pool.as_pool()?.master.as_ref()?.as_str()));
    let address = master.and_then(|master| Some(master.as_host()?.address.to_string()));
    Ok(address.ok_or_else(|| Failure::ServerUnreachable { id: pool.to_string() })?)
}
