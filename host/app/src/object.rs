//! Reading the picture: what a caller may see of it, and nothing else.

use std::sync::Arc;

use model::{Kind, Object};
use wire::Failure;

use crate::ctx::Ctx;
use crate::error::Result;
use crate::query::Query;

/// Returns every object that the caller may see and the query matches, at most `limit` of them, in a stable order.
///
/// # Errors
/// A regular expression of the query took too long.
pub fn get_all(ctx: &Ctx, query: &Query, limit: Option<usize>) -> Result<Vec<Arc<Object>>> {
    let snapshot = ctx.app.inventory.snapshot();
    let class = access::visibility(&ctx.caller);
    // The type is indexed, and is what nearly every client asks for.
    let kinds = Kind::ALL.iter().filter(|kind| query.may_match(**kind));
    let objects = kinds.flat_map(|kind| snapshot.of_kind(*kind));
    let matches = |object: &&Arc<Object>| class.sees(&***object) && query.matches(object);
    let found = objects.filter(matches).take(limit.unwrap_or(usize::MAX)).cloned().collect();
    query.check()?;
    Ok(found)
}

/// Returns one object, by id or by the pool's own reference, if it is of one of these types (any, if none is named) and
/// the caller may see it.
pub fn get(ctx: &Ctx, id: &str, kinds: &[&str]) -> Result<Arc<Object>> {
    let snapshot = ctx.app.inventory.snapshot();
    let found = snapshot.get(id).or_else(|| snapshot.by_ref(id));
    let wanted = |object: &&Arc<Object>| kinds.is_empty() || kinds.contains(&object.kind().as_str());
    let class = access::visibility(&ctx.caller);
    let found = found.filter(wanted).filter(|object| class.sees(&***object)).cloned();
    let kind = if kinds.len() == 1 { kinds[0] } else { "object" };
    Ok(found.ok_or_else(|| Failure::no_such(id, kind))?)
}
