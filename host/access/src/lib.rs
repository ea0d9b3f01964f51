//! Who may do what: pure decisions, no IO. A verb that changes something takes a [`Permit`], and only this crate makes one.
//!
//! What a caller may not see does not exist for it: [`Refusal::NotVisible`] is answered exactly as an unknown id is.
//! The same [`VisibilityClass`] stands before lists, single reads and the event feed; callers of one class get the same
//! bytes, so the feed is serialised once for each class and not once for each client.
//!
//! The rule: administrators and the daemon itself see and do everything; any other account has what the access lists grant,
//! by entries on an object and on what it belongs to ([`acl`]) or by privileges of its roles ([`privileges`]), and sees what
//! resource sets offer ([`offer`]), unless a privilege denies it, whatever its `permission` says; whoever has not signed in, and plugins under their own authority, see
//! nothing.

mod acl;
mod action;
mod explain;
mod graph;
mod offer;
mod permit;
mod privileges;
mod resource;
mod rule;
mod trace;
mod visibility;

pub use acl::allows;
pub use action::{Action, Need};
pub use explain::{Explanation, Reason, Step, explain};
pub use graph::{Graph, Link, Linked, Links};
pub use permit::{Admin, OwnAccount, Permit, Refusal, SignedIn, admin, own_account, own_or_admin, permit, signed_in};
pub use privileges::{RESOURCES, Verdict, is_action, resource_of};
pub use resource::{ObjectRef, Resource};
pub use trace::Relation;
pub use visibility::{VisibilityClass, visibility, visible};

#[cfg(test)]
mod tests;
