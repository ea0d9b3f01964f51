//! Ordered indexes of objects, as persistent maps: a copy shares all nodes, and a change copies only the way to it.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::ops::Bound;
use std::sync::Arc;

use equivalent::{Comparable, Equivalent};
use model::{Kind, Object, ObjectId};

/// A text of an object that leads to it.
pub(crate) trait Key: Clone {
    fn of(object: &Object) -> &str;
}

/// The public id.
#[derive(Clone)]
pub(crate) struct Id;

/// The reference of XAPI.
#[derive(Clone)]
pub(crate) struct Reference;

impl Key for Id {
    fn of(object: &Object) -> &str {
        object.id().as_str()
    }
}

impl Key for Reference {
    fn of(object: &Object) -> &str {
        object.reference()
    }
}

/// Objects by a text of theirs. The key is the object itself, so that no place is taken for a second pointer.
#[derive(Clone)]
pub(crate) struct Keyed<K: Key>(imbl::HashMap<Item<K>, ()>);

#[derive(Clone)]
struct Item<K: Key>(Arc<Object>, PhantomData<K>);

impl<K: Key> Borrow<str> for Item<K> {
    fn borrow(&self) -> &str {
        K::of(&self.0)
    }
}

impl<K: Key> Hash for Item<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        K::of(&self.0).hash(state);
    }
}

impl<K: Key> PartialEq for Item<K> {
    fn eq(&self, other: &Self) -> bool {
        K::of(&self.0) == K::of(&other.0)
    }
}

impl<K: Key> Eq for Item<K> {}

impl<K: Key> Default for Keyed<K> {
    fn default() -> Self {
        Self(imbl::HashMap::new())
    }
}

impl<K: Key> Keyed<K> {
    /// Puts an object in, in place of another one with the same key.
    pub(crate) fn insert(&mut self, object: Arc<Object>) {
        // The map takes the new key for an equal one.
        self.0.insert(Item(object, PhantomData), ());
    }

    pub(crate) fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Arc<Object>> {
        self.0.get_key_value(key).map(|(item, ())| &item.0)
    }
}

/// Objects by kind, then by id.
#[derive(Clone, Default)]
pub(crate) struct Ranked(imbl::OrdMap<Rank, Arc<Object>>);

/// The place of an object. Kind and first letters stand in one number, so that comparing seldom has to look at the text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    number: u64,
    id: ObjectId,
}

/// A place between objects: in front of a kind, or right behind an id.
struct Edge<'a> {
    number: u64,
    behind: Option<&'a str>,
}

impl Equivalent<Rank> for Edge<'_> {
    fn equivalent(&self, rank: &Rank) -> bool {
        self.compare(rank) == Ordering::Equal
    }
}

impl Comparable<Rank> for Edge<'_> {
    fn compare(&self, rank: &Rank) -> Ordering {
        self.number.cmp(&rank.number).then_with(|| match self.behind {
            None => Ordering::Less,
            Some(id) => id.cmp(rank.id.as_str()),
        })
    }
}

/// Returns kind and first seven bytes of the id as a number that sorts as they do.
fn number(kind: usize, id: &str) -> u64 {
    let mut bytes = [0; 8];
    let length = id.len().min(7);
    bytes[1..=length].copy_from_slice(&id.as_bytes()[..length]);
    bytes[0] = u8::try_from(kind).unwrap_or(u8::MAX);
    u64::from_be_bytes(bytes)
}

impl Rank {
    fn of(object: &Object) -> Self {
        Self { number: number(object.kind().index(), object.id().as_str()), id: object.id().clone() }
    }
}

impl Ranked {
    /// Puts an object in its place, where another state of it may stand.
    pub(crate) fn insert(&mut self, object: Arc<Object>) {
        self.0.insert(Rank::of(&object), object);
    }

    /// Takes an object out.
    pub(crate) fn remove(&mut self, object: &Object) {
        self.0.remove(&Rank::of(object));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns all objects, kind by kind.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Object>> + use<'_> {
        self.0.values()
    }

    /// Returns the objects of a kind, those behind an id if one is given.
    pub(crate) fn of_kind(&self, kind: Kind, after: Option<&str>) -> impl Iterator<Item = &Arc<Object>> + use<'_> {
        let start = match after {
            Some(id) => Bound::Excluded(Edge { number: number(kind.index(), id), behind: Some(id) }),
            None => Bound::Included(Edge { number: number(kind.index(), ""), behind: None }),
        };
        let end = Bound::Excluded(Edge { number: number(kind.index() + 1, ""), behind: None });
        self.0.range::<_, Edge<'_>>((start, end)).map(|(_, object)| object)
    }
}

/// Objects by something they belong to, group by group in the order of their ids.
#[derive(Clone, Default)]
pub(crate) struct Groups(imbl::OrdMap<ObjectId, Ranked>);

impl Groups {
    pub(crate) fn insert(&mut self, group: &ObjectId, object: Arc<Object>) {
        match self.0.get_mut(group) {
            Some(members) => members.insert(object),
            None => {
                let mut members = Ranked::default();
                members.insert(object);
                self.0.insert(group.clone(), members);
            }
        }
    }

    pub(crate) fn remove(&mut self, group: &ObjectId, object: &Object) {
        let Some(members) = self.0.get_mut(group) else { return };
        members.remove(object);
        if members.is_empty() {
            self.0.remove(group);
        }
    }

    pub(crate) fn get(&self, group: &str) -> Option<&Ranked> {
        self.0.get(group)
    }

    /// Returns all groups.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Ranked> + use<'_> {
        self.0.values()
    }

    /// Returns the groups behind this one.
    pub(crate) fn behind(&self, group: &ObjectId) -> impl Iterator<Item = &Ranked> + use<'_> {
        self.0.range::<_, ObjectId>((Bound::Excluded(group.clone()), Bound::Unbounded)).map(|(_, members)| members)
    }
}
