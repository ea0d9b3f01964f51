//! Who is asking: every verb and every decision gets one of these first.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{InstanceId, Rights, UserId};

/// The global permission of an account, weakest first; names as in Xen Orchestra's user records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Permission {
    /// Signed in, sees nothing by itself.
    #[default]
    None,
    /// Kept for accounts taken over from Xen Orchestra.
    Read,
    /// Kept for accounts taken over from Xen Orchestra.
    Write,
    /// Sees and does everything.
    Admin,
}

/// A signed-in account, as it was when the call began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Its id.
    pub id: UserId,
    /// Its login name.
    pub name: String,
    /// Its global permission.
    pub permission: Permission,
    /// What access lists grant to it; an administrator needs none.
    pub rights: Arc<Rights>,
}

/// Someone who calls us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Nobody has signed in yet.
    Anonymous,
    /// A person or a program with an account.
    User(Arc<Principal>),
    /// This machine's root or the daemon's own user (by its number) on the Unix socket, without an account.
    Local(u32),
    /// A plugin under its own authority: schedules, events, sign-in.
    Plugin(InstanceId),
    /// The daemon itself: start-up, seeding, housekeeping.
    Daemon,
}

impl Caller {
    /// Returns the account behind the call, if there is one.
    pub fn principal(&self) -> Option<&Arc<Principal>> {
        match self {
            Self::User(principal) => Some(principal),
            Self::Anonymous | Self::Local(_) | Self::Plugin(_) | Self::Daemon => None,
        }
    }

    /// Returns whether everything is open to this caller.
    pub fn is_admin(&self) -> bool {
        match self {
            Self::User(principal) => principal.permission == Permission::Admin,
            Self::Local(_) | Self::Daemon => true,
            Self::Anonymous | Self::Plugin(_) => false,
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::User(principal) => write!(f, "user {}", principal.name),
            Self::Local(user) => write!(f, "local administrator (uid {user})"),
            Self::Plugin(instance) => write!(f, "plugin {instance}"),
            Self::Daemon => f.write_str("daemon"),
        }
    }
}
