//! Reading the picture: what a caller may see of it, and nothing else.

use std::sync::Arc;

use model::{Kind, Object};
use serde_json::Value;
use wire::Failure;

use crate::ctx::Ctx;
use crate::error::Result;

/// Returns every object that the caller may see and the pattern matches, at most `limit` of them, in a stable order.
pub fn get_all(ctx: &Ctx, pattern: Option<&Value>, limit: Option<usize>) -> Vec<Arc<Object>> {
    let snapshot = ctx.app.inventory.snapshot();
    let class = access::visibility(&ctx.caller);
    let kind = pattern.and_then(|pattern| pattern.get("type")).and_then(Value::as_str);
    let limit = limit.unwrap_or(usize::MAX);
    let matches = |object: &&Arc<Object>| class.sees(&***object) && pattern.is_none_or(|p| object.matches(p));
    match kind.map(str::parse::<Kind>) {
        // The type is indexed, and is what nearly every client asks for.
        Some(Ok(kind)) => snapshot.of_kind(kind).filter(matches).take(limit).cloned().collect(),
        Some(Err(_)) => Vec::new(),
        None => snapshot.iter().filter(matches).take(limit).cloned().collect(),
    }
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
