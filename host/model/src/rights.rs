//! What the entries of an account and its groups, its roles and its resource sets add up to.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::{Object, ObjectId};

/// A line of the access list, borrowed from wherever it is kept.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The account or group.
    pub subject: &'a str,
    /// The object.
    pub object: &'a str,
    /// A role (`viewer`, `operator`, `admin`) or, in old lists, one level by its name.
    pub action: &'a str,
}

/// An object that a resource set offers to those who may use the set.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// The set.
    pub set: &'a str,
    /// The object.
    pub object: &'a str,
}

/// A set of levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Levels(u8);

impl Levels {
    /// To see it.
    pub const VIEW: Self = Self(1);
    /// To use it.
    pub const OPERATE: Self = Self(2);
    /// To change it.
    pub const ADMINISTRATE: Self = Self(4);

    /// Returns what a role grants; nothing for a word that means nothing.
    pub fn of_role(word: &str) -> Self {
        match word {
            "viewer" | "view" => Self::VIEW,
            "operator" => Self(Self::VIEW.0 | Self::OPERATE.0),
            "admin" => Self(Self::VIEW.0 | Self::OPERATE.0 | Self::ADMINISTRATE.0),
            "operate" => Self::OPERATE,
            "administrate" => Self::ADMINISTRATE,
            _ => Self::default(),
        }
    }

    /// Returns the names of the levels in it, as in the public API.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let all = [(Self::VIEW, "view"), (Self::OPERATE, "operate"), (Self::ADMINISTRATE, "administrate")];
        all.into_iter().filter(move |(level, _)| self.has(*level)).map(|(_, name)| name)
    }

    /// Returns whether all of `other` is in it.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Picks the objects that a privilege is about.
pub trait Selector: fmt::Debug + Send + Sync {
    /// Returns whether the object is one of them; none when that cannot be told.
    fn selects(&self, object: &Object) -> Option<bool>;
}

/// A fine right: to do one thing to all objects of a type, or to those that a selector picks; or the word that nobody may.
#[derive(Clone, Debug)]
pub struct Privilege {
    /// Type of the objects, in the words of fine rights: `vm`, `vdi-snapshot`.
    pub resource: String,
    /// What may be done: `start`, `update`, `update:name`, or `*`.
    pub action: String,
    /// Whether it is allowed; otherwise it is denied, whatever else allows it.
    pub allows: bool,
    /// Which objects, as text and as what decides; none = all.
    pub selector: Option<(String, Arc<dyn Selector>)>,
}

impl Privilege {
    /// Returns all that tells it from others.
    fn key(&self) -> (&str, &str, bool, Option<&str>) {
        let selector = self.selector.as_ref().map(|(text, _)| text.as_str());
        (&self.resource, &self.action, self.allows, selector)
    }
}

/// What an account was granted: levels, object by object, privileges, and what resource sets offer; inheritance is not in it.
#[derive(Clone, Debug, Default)]
pub struct Rights {
    granted: HashMap<ObjectId, Levels>,
    /// Sorted, each once.
    privileges: Vec<Privilege>,
    offered: BTreeSet<ObjectId>,
    key: u64,
}

impl Rights {
    /// Adds the entries up whose subject is the account or one of its groups.
    pub fn of<'a>(subjects: &[&str], entries: impl IntoIterator<Item = Entry<'a>>) -> Self {
        let mut granted = HashMap::<ObjectId, Levels>::new();
        for entry in entries.into_iter().filter(|entry| subjects.contains(&entry.subject)) {
            let levels = Levels::of_role(entry.action);
            if levels != Levels::default() {
                granted.entry(entry.object.into()).or_default().0 |= levels.0;
            }
        }
        Self { granted, ..Self::default() }.hashed()
    }

    /// Adds privileges.
    #[must_use]
    pub fn with(mut self, mut privileges: Vec<Privilege>) -> Self {
        privileges.sort_unstable_by(|one, other| one.key().cmp(&other.key()));
        privileges.dedup_by(|one, other| one.key() == other.key());
        self.privileges = privileges;
        self.hashed()
    }

    /// Adds what resource sets offer.
    #[must_use]
    pub fn offering<'a>(mut self, objects: impl IntoIterator<Item = &'a str>) -> Self {
        self.offered.extend(objects.into_iter().map(ObjectId::from));
        self.hashed()
    }

    fn hashed(mut self) -> Self {
        let mut hasher = DefaultHasher::new();
        self.granted.iter().collect::<BTreeMap<_, _>>().hash(&mut hasher);
        self.privileges.iter().for_each(|privilege| privilege.key().hash(&mut hasher));
        self.offered.hash(&mut hasher);
        self.key = hasher.finish();
        self
    }

    /// Returns the privileges.
    pub fn privileges(&self) -> &[Privilege] {
        &self.privileges
    }

    /// Returns what entries on this very object grant.
    pub fn on(&self, id: &str) -> Levels {
        self.granted.get(id).copied().unwrap_or_default()
    }

    /// Returns whether a resource set offers this very object.
    pub fn offers(&self, id: &str) -> bool {
        self.offered.contains(id)
    }

    /// Returns whether resource sets offer anything.
    pub fn offers_some(&self) -> bool {
        !self.offered.is_empty()
    }

    /// Returns the objects with entries, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&ObjectId, Levels)> {
        self.granted.iter().map(|(id, levels)| (id, *levels))
    }

    /// Returns whether nothing is granted at all.
    pub fn is_empty(&self) -> bool {
        self.granted.is_empty() && self.privileges.is_empty() && self.offered.is_empty()
    }

    /// Returns a hash of all of it.
    pub fn key(&self) -> u64 {
        self.key
    }
}

/// Accounts with equal rights see the same.
impl PartialEq for Rights {
    fn eq(&self, other: &Self) -> bool {
        // A hash is no proof: what one account sees must never reach another.
        self.key == other.key
            && self.granted == other.granted
            && self.offered == other.offered
            && self.privileges.iter().map(Privilege::key).eq(other.privileges.iter().map(Privilege::key))
    }
}

impl Eq for Rights {}
