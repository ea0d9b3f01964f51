//! Fine rights to what is no object of a pool: a record, or a thing that is yet to be made.

use std::sync::Arc;

use access::{Action, Verdict};
use inventory::Filter;
use model::Selector;
use serde_json::Value;
use wire::Failure;

use crate::ctx::Ctx;
use crate::error::Result;

/// Says what the privileges of a caller say of an action on something that is no object of a pool, or not yet. Administrators
/// are allowed all.
fn verdict(ctx: &Ctx, resource: &str, action: &str, record: &Value) -> Verdict {
    if ctx.caller.is_admin() {
        return Verdict::Allowed;
    }
    let Some(who) = ctx.caller.principal() else { return Verdict::Denied };
    let mut verdict = Verdict::Silent;
    let is_about = |known: &&model::Privilege| known.resource == resource && ["*", action].contains(&&*known.action);
    for privilege in who.rights.privileges().iter().filter(is_about) {
        let selects = |(text, _): &(String, Arc<dyn Selector>)| {
            let filter = Filter::parse(text).ok()?;
            let matches = filter.matches_value(record);
            filter.check().is_ok().then_some(matches)
        };
        // Where it cannot be told, nothing is allowed and all is denied.
        match (privilege.allows, privilege.selector.as_ref().map_or(Some(true), selects)) {
            (true, None) | (_, Some(false)) => {}
            (true, Some(true)) => verdict = Verdict::Allowed,
            (false, _) => return Verdict::Denied,
        }
    }
    verdict
}

/// Returns whether privileges allow an action on a record.
pub(crate) fn allows(ctx: &Ctx, resource: &str, action: &str, record: &Value) -> bool {
    verdict(ctx, resource, action, record) == Verdict::Allowed
}

/// Returns the level that it takes on what a part of a new VM comes to: in a resource set, and by a privilege to make such parts,
/// it is enough to see it.
pub(crate) fn may_make(ctx: &Ctx, in_set: bool, resource: &str, new: &Value) -> Result<Action> {
    match verdict(ctx, resource, "create", new) {
        Verdict::Denied => Err(Failure::Unauthorized { permission: format!("{resource}:create"), object: None }.into()),
        Verdict::Silent if !in_set => Ok(Action::Administrate),
        _ => Ok(Action::View),
    }
}
