//! What a decision finds on its way, for whoever wants to know why it came out so. A decision that nobody has to be told of has
//! `()` for a listener, and stops at the first reason.

use model::Privilege;

use crate::graph::Link;

/// How an object stands to the one that rights are inherited from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// That one is what the property names.
    Link(Link),
    /// A VM that uses it as a disk.
    User,
    /// One of its devices; all of them have to be permitted.
    Device,
}

impl Relation {
    /// Returns its name in the public API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Link(link) => link.as_str(),
            Self::User => "user",
            Self::Device => "device",
        }
    }
}

/// Something that decides, or takes part in it.
#[derive(Clone, Copy, Debug)]
pub enum Found<'a> {
    /// An administrator, or the daemon itself.
    Administrator,
    /// Nobody who has an account.
    NoAccount,
    /// No list grants this.
    AdministratorsOnly,
    /// Entries on this object grant it.
    Entry(&'a str),
    /// Resource sets offer this object.
    Offer(&'a str),
    /// A privilege that is about it; and whether it can be told that the object is meant.
    Privilege(&'a Privilege, bool),
}

/// Whoever listens to a decision.
pub trait Trace {
    /// Whether it wants all reasons, not only the first.
    const WANTS_ALL: bool;

    /// Another question begins: whether it is seen, then whether it is allowed. What was told before is no reason any more.
    fn asks(&self) {}

    /// Something was found.
    fn tell(&self, _found: Found<'_>) {}

    /// `climb` looks at an object that rights are inherited from. What it tells is no reason when it answers no.
    fn step(&self, _by: Relation, _parent: &str, climb: impl FnOnce() -> bool) -> bool {
        climb()
    }
}

impl Trace for () {
    const WANTS_ALL: bool = false;
}

/// "Or" that goes on where all reasons are wanted.
pub(crate) fn either<W: Trace>(_trace: &W, one: bool, other: impl FnOnce() -> bool) -> bool {
    if one && !W::WANTS_ALL {
        return true;
    }
    other() || one
}

/// Returns whether it holds for one of them; asks all where all reasons are wanted.
pub(crate) fn any<W: Trace, T>(_trace: &W, all: impl Iterator<Item = T>, holds: impl Fn(T) -> bool) -> bool {
    let mut found = false;
    for one in all {
        found |= holds(one);
        if found && !W::WANTS_ALL {
            break;
        }
    }
    found
}
