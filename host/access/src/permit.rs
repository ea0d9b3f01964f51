//! Permits: the answer "yes" as a value. Whoever holds one has asked; forgetting to ask does not compile.

use std::ops::Deref;
use std::sync::Arc;

use model::{Caller, Principal, UserId};

use crate::{Action, Graph, Need, Resource, rule};

/// Proof that a caller may do [`Permit::action`] to the target. There is no other way to get one than to ask this crate:
///
/// ```compile_fail
/// let forged = access::Permit { target: model::ServerId::from("s"), action: access::Action::Administrate };
/// ```
///
/// It does not outlive the call it was asked for: rights change, so never keep one.
#[derive(Clone, Debug)]
#[must_use = "a permit that nobody takes means that a check guards nothing"]
pub struct Permit<T> {
    target: T,
    action: Action,
}

impl<T> Permit<T> {
    /// Returns what was permitted; a verb that needs more than it was handed can say so.
    pub fn action(&self) -> Action {
        self.action
    }

    /// Gives up the proof and returns the target.
    pub fn into_target(self) -> T {
        self.target
    }
}

impl<T> Deref for Permit<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.target
    }
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The caller does not see it: answer "no such object", exactly as for an id that nobody has.
    #[error("no such object")]
    NotVisible,
    /// The caller sees it, or there is nothing to hide, but it may not do this.
    #[error("not allowed: needs {action}")]
    NotAllowed {
        /// What was asked for.
        action: Action,
    },
}

/// The target of a permit for what only administrators do and no object is named: `server.add`, `plugin.get`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admin(());

/// The target of a permit for what every account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedIn(());

/// The target of a permit for what someone does to its own account: read it, change its password, make a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnAccount(Arc<Principal>);

impl OwnAccount {
    /// Returns whose account it is.
    pub fn principal(&self) -> &Arc<Principal> {
        &self.0
    }

    /// Returns the id of the account.
    pub fn id(&self) -> &UserId {
        &self.0.id
    }
}

/// Permits what is needed on `target`, or says why not. What the target belongs to is looked up in `graph`.
pub fn permit<'a, T: Resource, G: Graph>(
    caller: &Caller,
    graph: &G,
    need: impl Into<Need<'a>>,
    target: T,
) -> Result<Permit<T>, Refusal> {
    let need = need.into();
    rule::decide(caller, graph, &target, need, &())?;
    Ok(Permit { target, action: need.action })
}

/// Permits what only administrators (and the daemon itself) do.
pub fn admin(caller: &Caller) -> Result<Permit<Admin>, Refusal> {
    let action = Action::AdministratorOnly;
    if caller.is_admin() { Ok(Permit { target: Admin(()), action }) } else { Err(Refusal::NotAllowed { action }) }
}

/// Permits what needs an account and no more. Local administrators and the daemon pass; a plugin under its own authority does not.
pub fn signed_in(caller: &Caller) -> Result<Permit<SignedIn>, Refusal> {
    let action = Action::SignedIn;
    match caller {
        Caller::User(_) | Caller::Local(_) | Caller::Daemon => Ok(Permit { target: SignedIn(()), action }),
        Caller::Anonymous | Caller::Plugin(_) => Err(Refusal::NotAllowed { action }),
    }
}

/// Permits what a caller does to its own account; only a caller that has one gets it.
pub fn own_account(caller: &Caller) -> Result<Permit<OwnAccount>, Refusal> {
    let action = Action::SignedIn;
    match caller.principal() {
        Some(principal) => Ok(Permit { target: OwnAccount(Arc::clone(principal)), action }),
        None => Err(Refusal::NotAllowed { action }),
    }
}

/// Permits what an account may do to itself and an administrator to any account. Another's account is not visible.
pub fn own_or_admin(caller: &Caller, account: UserId) -> Result<Permit<UserId>, Refusal> {
    let own = caller.principal().is_some_and(|principal| principal.id == account);
    if own || caller.is_admin() {
        Ok(Permit { target: account, action: Action::Administrate })
    } else {
        Err(Refusal::NotVisible)
    }
}
