//! Who sees the same things: the feed and the cached answers are made once for each class.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use model::{Caller, Rights};

use crate::{Action, Graph, Resource, rule};

/// A set of callers that see exactly the same objects. Two callers of equal class may be sent the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VisibilityClass {
    /// Sees everything.
    Administrator,
    /// Sees what access lists grant.
    Listed(Arc<Rights>),
    /// Sees nothing.
    Nothing,
}

impl VisibilityClass {
    /// Returns whether members of the class see `target`, in the picture `graph`.
    pub fn sees<T: Resource, G: Graph>(&self, graph: &G, target: &T) -> bool {
        match self {
            Self::Administrator => true,
            Self::Listed(rights) => rule::has(rights, graph, target, Action::View.into(), &()),
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

    /// Returns whether an object can come into sight or go out of it by what it is itself, not only by what it belongs to.
    pub fn looks_at_values(&self) -> bool {
        let Self::Listed(rights) = self else { return false };
        rights.privileges().iter().any(|privilege| privilege.selector.is_some())
    }

    /// Returns whether the objects have to be looked at one by one.
    pub fn sees_some(&self) -> bool {
        !self.sees_all() && !self.sees_nothing()
    }
}

impl Hash for VisibilityClass {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        if let Self::Listed(rights) = self {
            rights.key().hash(state);
        }
    }
}

/// Returns the class of a caller; valid until its rights change.
pub fn visibility(caller: &Caller) -> VisibilityClass {
    match caller.principal() {
        _ if caller.is_admin() => VisibilityClass::Administrator,
        Some(principal) if !principal.rights.is_empty() => VisibilityClass::Listed(principal.rights.clone()),
        _ => VisibilityClass::Nothing,
    }
}

/// Returns whether `caller` sees `target`.
pub fn visible<T: Resource, G: Graph>(caller: &Caller, graph: &G, target: &T) -> bool {
    visibility(caller).sees(graph, target)
}
