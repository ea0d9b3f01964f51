//! Shares equal texts and maps of one server, because most values of a pool are repetitions.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};
use model::object::write_map;
use model::{Packed, Text};

/// Below this many values a sweep is not worth its time.
const SWEEP_FLOOR: usize = 4096;

/// The shared values.
#[derive(Default)]
pub(crate) struct Interner {
    hasher: DefaultHashBuilder,
    texts: Shared<Text>,
    maps: Shared<Packed>,
    /// Where a map is written to look for an equal one.
    scratch: String,
}

/// What nobody else holds any more is swept when the set has doubled, so it cannot grow for ever.
struct Shared<T> {
    values: HashTable<T>,
    sweep_at: usize,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { values: HashTable::new(), sweep_at: SWEEP_FLOOR }
    }
}

impl<T: Clone + Hash> Shared<T> {
    fn insert(&mut self, hasher: &DefaultHashBuilder, hash: u64, value: T, is_held: impl Fn(&T) -> bool) -> T {
        if self.values.len() >= self.sweep_at {
            self.values.retain(|value| is_held(value));
            self.sweep_at = (self.values.len() * 2).max(SWEEP_FLOOR);
        }
        self.values.insert_unique(hash, value.clone(), |value| hasher.hash_one(value));
        value
    }

    fn fit(&mut self, hasher: &DefaultHashBuilder) {
        self.values.shrink_to_fit(|value| hasher.hash_one(value));
    }
}

impl Interner {
    pub(crate) fn text(&mut self, value: &str) -> Text {
        if value.is_empty() {
            return Text::new();
        }
        let hash = self.hasher.hash_one(value);
        if let Some(text) = self.texts.values.find(hash, |text| *text == value) {
            return text.clone();
        }
        self.texts.insert(&self.hasher, hash, Text::from(value), |text| Text::strong_count(text) != Some(1))
    }

    pub(crate) fn packed(&mut self, value: Packed) -> Packed {
        if value.is_empty() {
            return Packed::empty();
        }
        let hash = self.hasher.hash_one(&value);
        if let Some(packed) = self.maps.values.find(hash, |packed| *packed == value) {
            return packed.clone();
        }
        self.maps.insert(&self.hasher, hash, value, |packed| packed.holders() > 1)
    }

    /// Packs a map of strings, or returns `last` if that is the same.
    pub(crate) fn map<'r>(&mut self, pairs: impl Iterator<Item = (&'r str, &'r str)>, last: Option<&Packed>) -> Packed {
        let mut json = std::mem::take(&mut self.scratch);
        json.clear();
        write_map(pairs, &mut json);
        let map = match last {
            _ if json == "{}" => Packed::empty(),
            Some(last) if last.as_json() == json => last.clone(),
            Some(_) => Packed::written(&json),
            None => {
                let hash = self.hasher.hash_one(json.as_str());
                match self.maps.values.find(hash, |packed| packed.as_json() == json) {
                    Some(packed) => packed.clone(),
                    None => self.maps.insert(&self.hasher, hash, Packed::written(&json), |packed| packed.holders() > 1),
                }
            }
        };
        self.scratch = json;
        map
    }

    /// Gives spare room back, when a load is complete.
    pub(crate) fn fit(&mut self) {
        self.texts.fit(&self.hasher);
        self.maps.fit(&self.hasher);
    }
}
