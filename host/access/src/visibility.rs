//! Who sees the same things: the feed and the cached answers are made once for each class.

use model::Caller;

use crate::{Action, Graph, Resource, rule};

/// A set of callers that see exactly the same objects. Two callers of equal class may be sent the same bytes.
///
/// Access lists will add a class that carries a hash of the effective rights; match with a wildcard that shows nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum VisibilityClass {
    /// Sees everything.
    Administrator,
    /// Sees nothing.
    Nothing,
}

impl VisibilityClass {
    /// Returns whether members of the class see `target`, in the picture `graph`.
    pub fn sees<T: Resource, G: Graph>(&self, _graph: &G, _target: &T) -> bool {
        match self {
            Self::Administrator => true,
            Self::Nothing => false,
        }
    }

    /// Returns whether there is no need to look at the objects one by one: everything is visible.
    pub fn sees_all(&self) -> bool {
        matches!(self, Self::Administrator)
    }

    /// Returns whether there is no need to look at the objects one by one: nothing is visible.
    pub fn sees_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

/// Returns the class of a caller; valid until its rights change.
pub fn visibility(caller: &Caller) -> VisibilityClass {
    if caller.is_admin() { VisibilityClass::Administrator } else { VisibilityClass::Nothing }
}

/// Returns whether `caller` sees `target`.
pub fn visible<T: Resource>(caller: &Caller, target: &T) -> bool {
    rule::granted(caller, target).is_some_and(|granted| granted >= Action::View)
}
