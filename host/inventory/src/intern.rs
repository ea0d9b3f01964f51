//! Shares equal texts, maps and ids of one server, because most values of a pool are repetitions.

use std::collections::HashSet;
use std::sync::Arc;

use model::{ObjectId, Packed, Text};

/// Below this many values a sweep is not worth its time.
const SWEEP_FLOOR: usize = 4096;

/// The shared values. What nobody else holds any more is swept when the set has doubled, so it cannot grow for ever.
#[derive(Default)]
pub(crate) struct Interner {
    texts: HashSet<Text>,
    maps: HashSet<Packed>,
    ids: HashSet<ObjectId>,
    sweep_texts_at: usize,
    sweep_maps_at: usize,
}

impl Interner {
    pub(crate) fn text(&mut self, value: &str) -> Text {
        if let Some(text) = self.texts.get(value) {
            return text.clone();
        }
        if self.texts.len() >= self.sweep_texts_at.max(SWEEP_FLOOR) {
            self.texts.retain(|text| Arc::strong_count(text) > 1);
            self.sweep_texts_at = self.texts.len() * 2;
        }
        let text = Text::from(value);
        self.texts.insert(text.clone());
        text
    }

    pub(crate) fn packed(&mut self, value: Packed) -> Packed {
        if let Some(packed) = self.maps.get(&value) {
            return packed.clone();
        }
        if self.maps.len() >= self.sweep_maps_at.max(SWEEP_FLOOR) {
            self.maps.retain(|packed| packed.holders() > 1);
            self.sweep_maps_at = self.maps.len() * 2;
        }
        self.maps.insert(value.clone());
        value
    }

    pub(crate) fn id(&mut self, value: &str) -> ObjectId {
        if let Some(id) = self.ids.get(value) {
            return id.clone();
        }
        let id = ObjectId::from(value);
        self.ids.insert(id.clone());
        id
    }

    /// Lets go of all ids but these; called after a load, when the ones in use are known.
    pub(crate) fn keep_ids(&mut self, used: impl Iterator<Item = ObjectId>) {
        self.ids = used.collect();
    }

    /// Lets go of an id whose record is gone.
    pub(crate) fn forget(&mut self, id: &str) {
        self.ids.remove(id);
    }
}
