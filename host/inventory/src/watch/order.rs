//! All objects of a list, in order.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use model::{Object, ObjectId};

use super::key::Key;
use super::sorted::Sorted;
use super::spread::spread;
use super::{Scope, Sees, Sort, Spec};
use crate::Snapshot;

/// An object in its place.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) object: Arc<Object>,
    keys: Box<[Key]>,
    /// Objects that the keys come from.
    joins: Box<[ObjectId]>,
}

/// The objects that match, in order, as of one snapshot; [`Order::advance`] goes on to the next. No snapshot is kept: while
/// somebody holds one, the writers cannot change the picture in place.
pub struct Order {
    spec: Spec,
    sees: Sees,
    members: HashMap<ObjectId, Arc<Entry>>,
    sorted: Sorted<Arc<Entry>>,
    /// By object: the members whose keys come from it.
    dependents: HashMap<ObjectId, HashSet<ObjectId>>,
    /// Grows when an object comes, goes or moves.
    version: u64,
}

impl Order {
    /// Sorts what matches and may be seen.
    pub fn new(snapshot: &Snapshot, spec: Spec, sees: Sees) -> Self {
        let mut order = Self {
            spec,
            sees,
            members: HashMap::new(),
            sorted: Sorted::new(Vec::new()),
            dependents: HashMap::new(),
            version: 0,
        };
        order.resync(snapshot);
        order
    }

    /// Starts over from a snapshot, after changes were missed.
    pub fn resync(&mut self, snapshot: &Snapshot) {
        let kinds = self.spec.kinds.iter().filter(|kind| self.may_match(**kind));
        let objects: Vec<_> = kinds.flat_map(|kind| snapshot.of_kind(*kind)).collect();
        let mut entries = spread(&objects, |objects| self.entries(snapshot, objects));
        // Each part is sorted, which this finds out.
        entries.sort_by(|left, right| compare(&self.spec.sort, left, right));
        self.members = entries.iter().map(|entry| (entry.object.id().clone(), entry.clone())).collect();
        self.dependents.clear();
        for entry in &entries {
            depend(&mut self.dependents, entry);
        }
        self.sorted = Sorted::new(entries);
        self.version += 1;
    }

    /// Goes on to a snapshot in which at most these objects are different: changed, new or gone.
    pub fn advance(&mut self, snapshot: &Snapshot, ids: &HashSet<ObjectId>) {
        let dependents = ids.iter().filter_map(|id| self.dependents.get(id)).flatten();
        let others: Vec<ObjectId> = dependents.filter(|id| !ids.contains(*id)).cloned().collect();
        for id in ids.iter().chain(&others) {
            self.look_at(snapshot, id);
        }
    }

    /// Returns how many objects match.
    pub fn total(&self) -> usize {
        self.sorted.len()
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn range(&self, start: usize, count: usize) -> impl Iterator<Item = &Arc<Entry>> {
        self.sorted.range(start, count)
    }

    pub(super) fn member(&self, id: &ObjectId) -> Option<&Arc<Entry>> {
        self.members.get(id)
    }

    pub(super) fn scope<'a>(&'a self, snapshot: &'a Snapshot) -> Scope<'a> {
        Scope { snapshot, sees: &*self.sees }
    }

    fn may_match(&self, kind: model::Kind) -> bool {
        self.spec.filter.as_ref().is_none_or(|filter| filter.may_match(kind))
    }

    /// Returns those of some objects that match, sorted.
    fn entries(&self, snapshot: &Snapshot, objects: &[&Arc<Object>]) -> Vec<Arc<Entry>> {
        let matching = objects.iter().filter(|object| self.takes(snapshot, object));
        let mut entries: Vec<_> = matching.map(|object| Arc::new(self.entry(snapshot, object))).collect();
        entries.sort_unstable_by(|left, right| compare(&self.spec.sort, left, right));
        entries
    }

    fn takes(&self, snapshot: &Snapshot, object: &Object) -> bool {
        self.spec.kinds.contains(&object.kind())
            && (self.sees)(snapshot, object)
            && self.spec.filter.as_ref().is_none_or(|filter| filter.matches(object))
    }

    fn entry(&self, snapshot: &Snapshot, object: &Arc<Object>) -> Entry {
        let mut joins = Vec::new();
        let scope = self.scope(snapshot);
        let keys = self.spec.sort.iter().map(|sort| Key::of(sort.by.value(object, &scope, &mut joins))).collect();
        Entry { object: object.clone(), keys, joins: joins.into() }
    }

    /// Puts an object where it belongs now.
    fn look_at(&mut self, snapshot: &Snapshot, id: &ObjectId) {
        let after = snapshot.get(id.as_str()).filter(|object| self.takes(snapshot, object));
        let after = after.map(|object| Arc::new(self.entry(snapshot, object)));
        let before = match &after {
            Some(after) => self.members.insert(id.clone(), after.clone()),
            None => self.members.remove(id),
        };
        if let Some(before) = &before {
            let stays = after.as_ref().is_some_and(|after| compare(&self.spec.sort, before, after).is_eq());
            if !stays {
                self.version += 1;
                self.sorted.remove(|other| compare(&self.spec.sort, other, before));
            }
            let same_joins = after.as_ref().is_some_and(|after| after.joins == before.joins);
            if !same_joins {
                for join in &before.joins {
                    if let Some(members) = self.dependents.get_mut(join) {
                        members.remove(id);
                        if members.is_empty() {
                            self.dependents.remove(join);
                        }
                    }
                }
            }
        }
        if let Some(after) = after {
            depend(&mut self.dependents, &after);
            self.version += u64::from(before.is_none());
            self.sorted.insert(after.clone(), |other| compare(&self.spec.sort, other, &after));
        }
    }
}

fn compare(sort: &[Sort], left: &Entry, right: &Entry) -> Ordering {
    let keys = left.keys.iter().zip(&right.keys).zip(sort);
    keys.map(|((left, right), sort)| left.compare(right, sort.descending))
        .find(|order| order.is_ne())
        .unwrap_or_else(|| left.object.id().cmp(right.object.id()))
}

fn depend(dependents: &mut HashMap<ObjectId, HashSet<ObjectId>>, entry: &Entry) {
    for join in &entry.joins {
        dependents.entry(join.clone()).or_default().insert(entry.object.id().clone());
    }
}
