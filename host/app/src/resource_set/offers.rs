//! What the sets offer to whom, compiled once for all until a set offers something else or to somebody else. (What is used of a
//! set changes all the time, so the version of the table would not do.)

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use model::Offer;
use store::Table;

use super::{LISTED, ResourceSet};
use crate::ctx::App;
use crate::error::Result;

/// What a set offers.
#[derive(Debug)]
pub(crate) struct Offered {
    pub(crate) set: String,
    pub(crate) name: String,
    objects: BTreeSet<String>,
}

impl Offered {
    /// Returns it object by object.
    pub(crate) fn offers(&self) -> impl Iterator<Item = Offer<'_>> {
        self.objects.iter().map(|object| Offer { set: &self.set, object })
    }
}

/// What is offered, by account or group.
pub(crate) type Offers = HashMap<String, Vec<Arc<Offered>>>;

impl App {
    /// Returns what sets offer to these accounts and groups, each set once.
    pub(crate) fn offered_to(&self, subjects: &[&str]) -> Result<Vec<Arc<Offered>>> {
        let version = self.known.offers_version.load(Ordering::Acquire);
        // There is one value, which has no name.
        let all = self.known.offers.get(version, "", || self.compile_offers().map(Some))?.unwrap_or_default();
        let mut offered: Vec<Arc<Offered>> =
            subjects.iter().filter_map(|subject| all.get(*subject)).flatten().cloned().collect();
        offered.sort_unstable_by(|one, other| one.set.cmp(&other.set));
        offered.dedup_by(|one, other| one.set == other.set);
        Ok(offered)
    }

    fn compile_offers(&self) -> Result<Arc<Offers>> {
        let mut all = Offers::new();
        for (_, stored) in self.store.scan::<ResourceSet>(Table::ResourceSets, "", None, LISTED)? {
            let ResourceSet { id, name, subjects, objects, .. } = stored.value;
            let offered = Arc::new(Offered { set: id, name, objects });
            for subject in subjects {
                all.entry(subject).or_default().push(offered.clone());
            }
        }
        Ok(Arc::new(all))
    }

    /// Tells that a set was this and is that: what it offers is read anew, and those whom it concerns see more or less from
    /// now on.
    pub(super) fn offers_changed(&self, before: &ResourceSet, after: &ResourceSet) -> Result<()> {
        let is_same = before.subjects == after.subjects && before.objects == after.objects;
        if is_same && before.name == after.name {
            return Ok(());
        }
        self.known.offers_version.fetch_add(1, Ordering::AcqRel);
        let mut users = Vec::new();
        for subject in before.subjects.union(&after.subjects).filter(|_| !is_same) {
            users.extend(self.accounts_of(subject)?.unwrap_or_default());
        }
        self.rights_changed(users);
        Ok(())
    }
}
