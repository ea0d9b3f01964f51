//! Why somebody may do something, or may not: the decision of [`crate::permit`], on the same walk, with all its reasons.

use std::cell::RefCell;

use model::{Caller, Entry, Levels, Offer, Privilege};

use crate::trace::{Found, Relation, Trace};
use crate::{Action, Graph, Need, Refusal, Resource, rule};

/// A step from an object to the one that it inherits rights from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How the two stand to each other.
    pub by: Relation,
    /// Id of the object that was reached.
    pub object: String,
}

/// What decided.
#[derive(Clone, Debug)]
pub enum Reason<'a> {
    /// Administrators may do everything.
    Administrator,
    /// Who has no account may do nothing.
    NoAccount,
    /// No list grants this.
    AdministratorsOnly,
    /// An entry grants it.
    Entry {
        /// The entry.
        entry: Entry<'a>,
        /// From the object in question to that of the entry; empty = it is the same.
        way: Vec<Step>,
    },
    /// A resource set offers it.
    Set {
        /// The set, and the object in it.
        offer: Offer<'a>,
        /// From the object in question to the one in the set; empty = it is the same.
        way: Vec<Step>,
    },
    /// A privilege allows or denies it.
    Privilege {
        /// The privilege. Several roles can have the same one.
        privilege: Privilege,
        /// Whether it can be told that the object is meant; where it cannot, what denies denies.
        is_sure: bool,
    },
    /// There is nothing that allows it.
    Nothing,
}

/// A decision and all its reasons: without them it would be another one.
#[derive(Clone, Debug)]
pub struct Explanation<'a> {
    /// The decision. For [`Refusal::NotVisible`] the reasons say why it is not seen.
    pub decision: Result<(), Refusal>,
    /// What decided, at least one.
    pub reasons: Vec<Reason<'a>>,
}

/// Decides what [`crate::permit`] decides, and says why. `entries` and `offers` are those of the account and its groups, which
/// its rights are the sum of.
pub fn explain<'a, G: Graph>(
    caller: &Caller,
    entries: &[Entry<'a>],
    offers: &[Offer<'a>],
    graph: &G,
    need: Need<'_>,
    target: &impl Resource,
) -> Explanation<'a> {
    let told = Told::default();
    let decision = rule::decide(caller, graph, target, need, &told);
    let is_refused = decision.is_err();
    let level = match decision {
        Err(Refusal::NotVisible) => Levels::VIEW,
        _ if need.action == Action::SignedIn => Levels::VIEW,
        _ => need.action.level().unwrap_or_default(),
    };
    let mut reasons = Vec::new();
    for heard in told.heard.into_inner() {
        match heard {
            Heard::Administrator => reasons.push(Reason::Administrator),
            Heard::NoAccount => reasons.push(Reason::NoAccount),
            Heard::AdministratorsOnly => reasons.push(Reason::AdministratorsOnly),
            // What would have granted it is no reason for a refusal.
            Heard::Entry { object, way } if !is_refused => {
                let is_one = |entry: &&Entry<'a>| entry.object == object && Levels::of_role(entry.action).has(level);
                let found = entries.iter().filter(is_one);
                reasons.extend(found.map(|entry| Reason::Entry { entry: *entry, way: way.clone() }));
            }
            Heard::Offer { object, way } if !is_refused => {
                let found = offers.iter().filter(|offer| offer.object == object);
                reasons.extend(found.map(|offer| Reason::Set { offer: *offer, way: way.clone() }));
            }
            Heard::Privilege { privilege, is_sure } if privilege.allows != is_refused => {
                reasons.push(Reason::Privilege { privilege, is_sure });
            }
            Heard::Entry { .. } | Heard::Offer { .. } | Heard::Privilege { .. } => {}
        }
    }
    if reasons.is_empty() {
        reasons.push(Reason::Nothing);
    }
    Explanation { decision, reasons }
}

/// [`Found`], kept.
enum Heard {
    Administrator,
    NoAccount,
    AdministratorsOnly,
    Entry { object: String, way: Vec<Step> },
    Offer { object: String, way: Vec<Step> },
    Privilege { privilege: Privilege, is_sure: bool },
}

/// Listens to a decision.
#[derive(Default)]
struct Told {
    way: RefCell<Vec<Step>>,
    heard: RefCell<Vec<Heard>>,
}

impl Trace for Told {
    const WANTS_ALL: bool = true;

    fn asks(&self) {
        self.heard.borrow_mut().clear();
    }

    fn tell(&self, found: Found<'_>) {
        let heard = match found {
            Found::Administrator => Heard::Administrator,
            Found::NoAccount => Heard::NoAccount,
            Found::AdministratorsOnly => Heard::AdministratorsOnly,
            Found::Entry(object) => Heard::Entry { object: object.to_owned(), way: self.way.borrow().clone() },
            Found::Offer(object) => Heard::Offer { object: object.to_owned(), way: self.way.borrow().clone() },
            Found::Privilege(privilege, is_sure) => Heard::Privilege { privilege: privilege.clone(), is_sure },
        };
        self.heard.borrow_mut().push(heard);
    }

    fn step(&self, by: Relation, parent: &str, climb: impl FnOnce() -> bool) -> bool {
        let before = self.heard.borrow().len();
        self.way.borrow_mut().push(Step { by, object: parent.to_owned() });
        let found = climb();
        self.way.borrow_mut().pop();
        if !found {
            self.heard.borrow_mut().truncate(before);
        }
        found
    }
}

#[cfg(test)]
mod tests;
