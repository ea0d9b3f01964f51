//! What a caller wants to do, in the coarse levels of Xen Orchestra's first access lists.

use std::fmt;

use model::Levels;

/// What a verb asks for, weakest first. The middle three are the levels that an access list can grant on an object.
///
/// The line of an operation in the table of `wire` names one of these; the finer pair (resource, action) of the second
/// access lists comes beside it, not instead of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Anything that needs an account and no more.
    SignedIn,
    /// See that it exists, and read it.
    View,
    /// Use it: start, stop, open its console.
    Operate,
    /// Change what it is: its settings, its disks, its removal.
    Administrate,
    /// What no access list grants: servers, accounts, plugins, and everything about the daemon itself.
    AdministratorOnly,
}

impl Action {
    /// Every action, weakest first.
    pub const ALL: [Self; 5] = [Self::SignedIn, Self::View, Self::Operate, Self::Administrate, Self::AdministratorOnly];

    /// Returns the name that the public API uses for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignedIn => "signed-in",
            Self::View => "view",
            Self::Operate => "operate",
            Self::Administrate => "administrate",
            Self::AdministratorOnly => "admin",
        }
    }

    /// Returns the level that an entry has to grant; none when no entry grants it.
    pub fn level(self) -> Option<Levels> {
        match self {
            Self::View => Some(Levels::VIEW),
            Self::Operate => Some(Levels::OPERATE),
            Self::Administrate => Some(Levels::ADMINISTRATE),
            Self::SignedIn | Self::AdministratorOnly => None,
        }
    }
}

/// What a verb asks for, in the words of both kinds of access lists: one of the two has to grant it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need<'a> {
    /// The level that an entry has to grant.
    pub action: Action,
    /// The action that a privilege has to allow; empty = there is none but `*`.
    pub privilege: &'a str,
}

impl From<Action> for Need<'_> {
    fn from(action: Action) -> Self {
        Self { action, privilege: if action == Action::View { "read" } else { "" } }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
