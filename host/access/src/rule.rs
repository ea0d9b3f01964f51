//! The rule itself: what a caller may do to something.

use model::{Caller, Rights};

use crate::{Action, Graph, Refusal, Resource, allows};

/// Decides. Not seen comes before not allowed, so that a refusal never tells that a hidden object exists.
///
/// `Permission::Read` and `Permission::Write` grant nothing, as in Xen Orchestra, where methods ask either for an account
/// or for an administrator; such accounts exist only because they were taken over.
pub(crate) fn decide<T: Resource, G: Graph>(
    caller: &Caller,
    graph: &G,
    target: &T,
    action: Action,
) -> Result<(), Refusal> {
    if caller.is_admin() {
        return Ok(());
    }
    let Some(principal) = caller.principal() else { return Err(Refusal::NotVisible) };
    if !has(&principal.rights, graph, target, Action::View) {
        return Err(Refusal::NotVisible);
    }
    // Who sees it has signed in.
    if action == Action::SignedIn || has(&principal.rights, graph, target, action) {
        return Ok(());
    }
    Err(Refusal::NotAllowed { action })
}

/// Returns whether access lists grant this very action. No level implies a weaker one there: an old list may grant
/// "operate" alone, which is of no use, because what cannot be seen cannot be used.
pub(crate) fn has<T: Resource, G: Graph>(rights: &Rights, graph: &G, target: &T, action: Action) -> bool {
    target.is_object() && allows(rights, graph, target.id(), action)
}
