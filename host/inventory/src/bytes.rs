//! Keeps the JSON of the objects that filters find, so that such a listing copies instead of writing everything out anew.
//! Whole listings take it from [`crate::Pages`].
//!
//! The texts stand in the objects themselves ([`model::object::Written`]): this is the policy. What is kept stays below a
//! cap. When there is no room, one kept text is looked at: if somebody used it since the last look it stays and the new
//! one is not kept, else it goes. So a listing of more than fits keeps the part that fits, instead of replacing all of it
//! each time, and what nobody asks for any more makes room soon. [`JsonCache::sweep`] lets go of it even without need.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use model::Object;
use model::object::Written;
use parking_lot::Mutex;

/// Bytes kept at most: 4,000 VMs.
const CAP: usize = 8 << 20;

/// Below this many entries the ring is not searched for dead ones.
const COMPACT_FLOOR: usize = 4096;

/// The kept texts of all objects. Cloning shares it.
#[derive(Clone)]
pub struct JsonCache(Arc<Shared>);

struct Shared {
    cap: usize,
    total: Arc<AtomicUsize>,
    ring: Mutex<Ring>,
}

/// Objects that have a text, in the order in which they are looked at. Some are gone or have lost it since.
struct Ring {
    objects: VecDeque<Weak<Object>>,
    compact_at: usize,
}

impl Default for JsonCache {
    fn default() -> Self {
        Self::with_cap(CAP)
    }
}

impl JsonCache {
    /// Returns an empty cache that keeps at most `cap` bytes.
    pub fn with_cap(cap: usize) -> Self {
        let ring = Mutex::new(Ring { objects: VecDeque::new(), compact_at: COMPACT_FLOOR });
        Self(Arc::new(Shared { cap, total: Arc::default(), ring }))
    }

    /// Appends `"<id>":{...}`.
    pub fn append_entry(&self, object: &Arc<Object>, out: &mut Vec<u8>) {
        if !append_kept(object, out, Written::entry) {
            let begin = out.len();
            let value_at = object.write_entry(out);
            self.offer(object, &out[begin..], value_at);
        }
    }

    /// Appends `{...}`.
    pub fn append_value(&self, object: &Arc<Object>, out: &mut Vec<u8>) {
        if !append_kept(object, out, Written::value) {
            let begin = out.len();
            let value_at = object.write_entry(out);
            self.offer(object, &out[begin..], value_at);
            out.drain(begin..begin + value_at);
        }
    }

    /// Appends `"<id>":{...}` of an object that has just taken the place of `before`. The text is kept if that one's was:
    /// what somebody lists stays at hand, and a storm of changes alone keeps nothing.
    pub fn append_changed(&self, before: Option<&Object>, object: &Arc<Object>, out: &mut Vec<u8>) {
        if !append_kept(object, out, Written::entry) {
            let begin = out.len();
            let value_at = object.write_entry(out);
            if before.is_some_and(|before| !before.written().is_empty()) {
                self.offer(object, &out[begin..], value_at);
            }
        }
    }

    /// Lets go of what nobody used since the last sweep.
    pub fn sweep(&self) {
        self.0.ring.lock().retain(|object| {
            let is_used = object.written().load().as_ref().is_some_and(|written| written.take_used());
            if !is_used {
                object.written().clear();
            }
            is_used
        });
    }

    /// Returns how many bytes are kept.
    pub fn size(&self) -> usize {
        self.0.total.load(Ordering::Relaxed)
    }

    /// Keeps a text, if there is room or can be made.
    fn offer(&self, object: &Arc<Object>, json: &[u8], value_at: usize) {
        let needed = Written::cost(json.len());
        let mut ring = self.0.ring.lock();
        while self.size() + needed > self.0.cap {
            if !ring.evict_one() {
                return;
            }
        }
        object.written().set(Written::new(json, value_at, &self.0.total));
        ring.objects.push_back(Arc::downgrade(object));
        if ring.objects.len() >= ring.compact_at {
            ring.retain(|object| !object.written().is_empty());
        }
    }
}

impl Ring {
    /// Looks at the next text and lets it go unless it was used; returns whether one went.
    fn evict_one(&mut self) -> bool {
        while let Some(next) = self.objects.pop_front() {
            let Some(object) = next.upgrade() else { continue };
            let Some(written) = &*object.written().load() else { continue };
            if written.take_used() {
                self.objects.push_back(next);
                return false;
            }
            object.written().clear();
            return true;
        }
        false
    }

    fn retain(&mut self, keep: impl Fn(&Object) -> bool) {
        self.objects.retain(|object| object.upgrade().is_some_and(|object| keep(&object)));
        self.compact_at = (self.objects.len() * 2).max(COMPACT_FLOOR);
        self.objects.shrink_to(self.compact_at);
    }
}

fn append_kept(object: &Object, out: &mut Vec<u8>, part: fn(&Written) -> &[u8]) -> bool {
    let kept = object.written().load();
    let Some(written) = &*kept else { return false };
    written.touch();
    out.extend_from_slice(part(written));
    true
}

#[cfg(test)]
mod tests {
    use model::Kind;
    use model::object::{Head, Vbd};

    use super::*;

    fn objects(count: usize) -> Vec<Arc<Object>> {
        let object = |number: usize| {
            let head = Head::new(format!("{number:04}").into(), Kind::Vbd, "p".into(), "r".into());
            Arc::new(Object::from(Vbd {
                head,
                attached: true,
                bootable: false,
                device: None,
                is_cd_drive: false,
                position: "0".into(),
                read_only: false,
                vdi: None,
                vm: None,
            }))
        };
        (0..count).map(object).collect()
    }

    /// Lists everything and returns how many objects had their text at hand.
    fn list(cache: &JsonCache, objects: &[Arc<Object>]) -> usize {
        let hits = objects.iter().filter(|object| !object.written().is_empty()).count();
        for object in objects {
            let mut out = b"x".to_vec();
            cache.append_entry(object, &mut out);
            assert_eq!(out, format!("x\"{}\":{}", object.id(), object.to_json()).as_bytes());
        }
        hits
    }

    fn room_for(count: usize) -> JsonCache {
        let object = &objects(1)[0];
        let mut json = Vec::new();
        object.write_entry(&mut json);
        JsonCache::with_cap(Written::cost(json.len()) * count)
    }

    #[test]
    fn what_fits_is_kept_and_never_more() {
        let (cache, objects) = (room_for(10), objects(10));
        assert_eq!((list(&cache, &objects), list(&cache, &objects)), (0, 10));
        assert_eq!(cache.size(), cache.0.cap);
        let mut out = Vec::new();
        cache.append_value(&objects[3], &mut out);
        assert_eq!(out, objects[3].to_json().as_bytes());
    }

    #[test]
    fn a_listing_of_more_than_fits_keeps_a_part() {
        let (cache, objects) = (room_for(10), objects(18));
        list(&cache, &objects);
        for _ in 0..5 {
            assert_eq!(list(&cache, &objects), 10);
            assert!(cache.size() <= cache.0.cap);
        }
    }

    #[test]
    fn what_is_no_longer_used_makes_room() {
        let (cache, objects) = (room_for(10), objects(20));
        list(&cache, &objects[..10]);
        // Each miss looks at one; after ten of them all have lost their second chance.
        let hits: Vec<_> = (0..4).map(|_| list(&cache, &objects[10..])).collect();
        assert_eq!(hits, [0, 0, 10, 10]);
    }

    #[test]
    fn the_dead_take_no_room_and_do_not_pile_up() {
        let cache = room_for(10);
        for _ in 0..2_000 {
            list(&cache, &objects(10));
            assert_eq!(cache.size(), 0);
        }
        assert!(cache.0.ring.lock().objects.len() <= COMPACT_FLOOR);
    }

    #[test]
    fn sweeping_lets_cold_texts_go() {
        let (cache, objects) = (room_for(10), objects(10));
        list(&cache, &objects);
        cache.sweep();
        assert_eq!(list(&cache, &objects[..4]), 4);
        cache.sweep();
        assert_eq!((list(&cache, &objects[4..]), list(&cache, &objects[..4])), (0, 4));
    }

    #[test]
    fn a_storm_of_changes_keeps_only_what_was_listed() {
        let (cache, before, after) = (room_for(30), objects(10), objects(10));
        list(&cache, &before[..3]);
        let mut out = Vec::new();
        for (before, after) in before.iter().zip(&after) {
            cache.append_changed(Some(before), after, &mut out);
        }
        cache.append_changed(None, &objects(1)[0], &mut out);
        assert_eq!(after.iter().filter(|object| !object.written().is_empty()).count(), 3);
    }
}
