//! The rule itself: how much of something a caller has. Access lists will change this file and no other.

use model::Caller;

use crate::{Action, Refusal, Resource};

/// Returns the strongest action that `caller` has on `target`; `None` when it does not even see it.
///
/// `Permission::Read` and `Permission::Write` grant nothing, as in Xen Orchestra, where methods ask either for an account
/// or for an administrator; such accounts exist only because they were taken over.
pub(crate) fn granted(caller: &Caller, _target: &dyn Resource) -> Option<Action> {
    caller.is_admin().then_some(Action::AdministratorOnly)
}

/// Decides from what is granted and what is asked. Not seen comes before not allowed, so that a refusal never tells that a
/// hidden object exists.
pub(crate) fn decide(granted: Option<Action>, asked: Action) -> Result<(), Refusal> {
    match granted {
        None | Some(Action::SignedIn) => Err(Refusal::NotVisible),
        Some(granted) if granted >= asked => Ok(()),
        Some(_) => Err(Refusal::NotAllowed { action: asked }),
    }
}
