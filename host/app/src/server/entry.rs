//! The entry to a pool, for what concerns whole pools.

use model::{ObjectId, Secret};
use store::Table;
use wire::Failure;

use super::{New, Server, add};
use crate::ctx::{App, Ctx};
use crate::error::Result;

/// Returns the entry to a pool.
pub(crate) fn of_pool(app: &App, pool: &ObjectId) -> Result<Server> {
    let id = app.pools.entry(pool).ok_or_else(|| Failure::ServerUnreachable { id: pool.to_string() })?;
    Ok(app.server(&id)?.value)
}

/// Returns the password of an entry.
pub(crate) fn password(app: &App, server: &Server) -> Result<Secret> {
    Ok(app.store.unseal(Table::Servers, server.id.as_str(), "password", &server.password)?)
}

/// Registers another host with the account of an entry, and connects to it in the background. A certificate that was confirmed
/// for the entry is not confirmed for it.
pub(crate) async fn add_like(ctx: &Ctx, entry: &Server, host: String, label: String) -> Result<()> {
    let new = New {
        label,
        host,
        username: entry.username.clone(),
        password: password(&ctx.app, entry)?,
        auto_connect: Some(true),
        allow_unauthorized: entry.allow_unauthorized,
        read_only: entry.read_only,
        http_proxy: ctx.app.proxy(entry)?,
        fingerprint: None,
    };
    add(&Ctx::daemon(&ctx.app), new).await.map(drop)
}
