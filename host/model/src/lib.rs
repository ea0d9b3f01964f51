//! The nouns everybody speaks of, in their public shape: ids, callers, objects, changes, clocks. Nothing here does IO.
//!
//! Floor 0: a type that two crates on different floors need lives here, so that no arrow has to point up.

mod caller;
mod change;
mod clock;
mod id;
pub mod object;
mod rights;
mod secret;

pub use caller::{Caller, Permission, Principal};
pub use change::{Changes, Revision};
pub use clock::{Clock, ManualClock, Millis, SystemClock};
pub use id::{GroupId, InstanceId, ObjectId, ServerId, TokenId, UserId};
pub use object::{Kind, Object, Packed, Refs, Text};
pub use rights::{Entry, Levels, Offer, Privilege, Rights, Selector};
pub use secret::Secret;
