//! The rule itself: what a caller may do to something.

use model::{Caller, Rights};

use crate::trace::{Found, Trace, either};
use crate::{Action, Graph, Linked, Need, Refusal, Resource, Verdict, acl};

/// Decides. Not seen comes before not allowed, so that a refusal never tells that a hidden object exists.
///
/// `Permission::Read` and `Permission::Write` grant nothing, as in Xen Orchestra, where methods ask either for an account
/// or for an administrator; such accounts exist only because they were taken over.
pub(crate) fn decide<T: Resource, G: Graph>(
    caller: &Caller,
    graph: &G,
    target: &T,
    need: Need<'_>,
    trace: &impl Trace,
) -> Result<(), Refusal> {
    if caller.is_admin() {
        trace.tell(Found::Administrator);
        return Ok(());
    }
    let Some(principal) = caller.principal() else {
        trace.tell(Found::NoAccount);
        return Err(Refusal::NotVisible);
    };
    if !has(&principal.rights, graph, target, Action::View.into(), trace) {
        return Err(Refusal::NotVisible);
    }
    // Who sees it has signed in.
    if need.action == Action::SignedIn || has(&principal.rights, graph, target, need, trace) {
        return Ok(());
    }
    Err(Refusal::NotAllowed { action: need.action })
}

/// Returns whether access lists grant this very action: the level by an entry, or the privilege by a role; and no privilege
/// denies it. No level implies a weaker one there: an old list may grant "operate" alone, which is of no use, because what
/// cannot be seen cannot be used. What only administrators do no privilege grants.
pub(crate) fn has<T: Resource, G: Graph>(
    rights: &Rights,
    graph: &G,
    target: &T,
    need: Need<'_>,
    trace: &impl Trace,
) -> bool {
    trace.asks();
    if !target.is_object() || need.action == Action::AdministratorOnly {
        trace.tell(Found::AdministratorsOnly);
        return false;
    }
    let object = graph.object(target.id());
    let listed = || acl::traced(rights, graph, target.id(), need.action, trace);
    match object.map_or(Verdict::Silent, |object| object.judge(rights, need.privilege, trace)) {
        Verdict::Allowed => either(trace, true, listed),
        Verdict::Denied => false,
        Verdict::Silent => listed(),
    }
}
