//! Housekeeping of the daemon's own records.

use crate::ctx::Ctx;
use crate::error::Result;
use crate::{acl, token};

/// Removes what nobody can use any more: tokens that are over, entries of accounts and groups that are gone.
pub async fn clean(ctx: &Ctx) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    token::clean(ctx).await?;
    acl::clean(ctx).await
}
