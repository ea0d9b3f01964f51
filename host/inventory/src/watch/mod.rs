//! Live lists: the objects that match a filter, in order, of which somebody looks at a window.
//!
//! ```text
//!   Changes --> Order (who matches, sorted) --> Window (ids and rows that were shown) --> Change (what is different now)
//! ```
//! An [`Order`] is kept up to date: a change costs the search for its place, not a new sorting, whatever the number of
//! objects. A [`Window`] remembers what it showed, so it can tell what is different, and nothing when nothing is. Many
//! windows can look at one order.
//!
//! Values of other objects ([`Path`]) count too: who sorts VMs by the name of their host sees them move when the host
//! is renamed.

mod count;
mod key;
mod order;
mod path;
mod sorted;
mod spread;
mod window;

use std::sync::Arc;

use model::{Kind, Object};

use crate::{Filter, Snapshot};

pub use count::{Group, count};
pub use order::Order;
pub use path::Path;
pub use window::{Change, Window, WindowSpec};

/// Tells whether the one who looks may see an object of a snapshot.
pub type Sees = Arc<dyn Fn(&Snapshot, &Object) -> bool + Send + Sync>;

/// What is in a list, and in which order.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Types.
    pub kinds: Vec<Kind>,
    /// What the objects match.
    pub filter: Option<Filter>,
    /// What they are sorted by: the first counts most. What is equal in all of them is sorted by id.
    pub sort: Vec<Sort>,
}

/// One thing to sort by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sort {
    /// Where the value is.
    pub by: Path,
    /// Whether great values come first; what has no value comes last all the same.
    pub descending: bool,
}

/// What paths lead through.
struct Scope<'a> {
    snapshot: &'a Snapshot,
    sees: &'a (dyn Fn(&Snapshot, &Object) -> bool + Send + Sync),
}
