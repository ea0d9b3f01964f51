//! What the entries of an account and its groups add up to.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::ObjectId;

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

/// What an account was granted, object by object; inheritance is not in it.
#[derive(Clone, Debug, Default)]
pub struct Rights {
    granted: HashMap<ObjectId, Levels>,
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
        let mut hasher = DefaultHasher::new();
        granted.iter().collect::<BTreeMap<_, _>>().hash(&mut hasher);
        Self { granted, key: hasher.finish() }
    }

    /// Returns what entries on this very object grant.
    pub fn on(&self, id: &str) -> Levels {
        self.granted.get(id).copied().unwrap_or_default()
    }

    /// Returns the objects with entries, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&ObjectId, Levels)> {
        self.granted.iter().map(|(id, levels)| (id, *levels))
    }

    /// Returns whether nothing is granted at all.
    pub fn is_empty(&self) -> bool {
        self.granted.is_empty()
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
        self.key == other.key && self.granted == other.granted
    }
}

impl Eq for Rights {}
