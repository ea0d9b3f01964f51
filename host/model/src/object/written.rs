//! The JSON of an object, kept beside it while somebody asks for it again and again.
//!
//! An object never changes once it is in the picture, so its text stays true for as long as the object lives, and goes with
//! it. Who keeps how much is decided above, in `inventory`; here is only the place.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use arc_swap::{ArcSwapOption, Guard};

use super::Object;

/// What a kept text costs beside its bytes: two allocations with their counts, and a place in a list of all of them.
const OVERHEAD: usize = 96;

/// An object as a member of a JSON map, `"<id>":{...}`, which serves both as that and, without the key, as the object.
#[derive(Debug)]
pub struct Written {
    json: Box<[u8]>,
    /// Where the object begins.
    value_at: usize,
    used: AtomicBool,
    /// Bytes of all that is kept together with this; goes down when this goes.
    total: Arc<AtomicUsize>,
}

impl Written {
    /// Takes what [`Object::write_entry`] wrote, and adds what that costs to `total` for as long as it lives.
    pub fn new(json: &[u8], value_at: usize, total: &Arc<AtomicUsize>) -> Arc<Self> {
        total.fetch_add(Self::cost(json.len()), Ordering::Relaxed);
        Arc::new(Self { json: json.into(), value_at, used: AtomicBool::new(true), total: total.clone() })
    }

    /// Returns the bytes of memory that keeping a text of this length costs.
    pub fn cost(length: usize) -> usize {
        length + OVERHEAD
    }

    /// Returns `"<id>":{...}`.
    pub fn entry(&self) -> &[u8] {
        &self.json
    }

    /// Returns `{...}`.
    pub fn value(&self) -> &[u8] {
        &self.json[self.value_at..]
    }

    /// Notes that somebody used it.
    pub fn touch(&self) {
        // Mostly it is noted already, and then no other core has to hear of it.
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }

    /// Returns whether anybody used it since this was last asked.
    pub fn take_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        self.total.fetch_sub(Self::cost(self.json.len()), Ordering::Relaxed);
    }
}

/// The place for an object's JSON. It is no part of the object: equal whatever is in it, and empty in a clone, which is
/// made to be changed.
#[derive(Default)]
pub struct Cell(ArcSwapOption<Written>);

impl Cell {
    /// Returns the text, if there is one.
    pub fn load(&self) -> Guard<Option<Arc<Written>>> {
        self.0.load()
    }

    /// Returns whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.load().is_none()
    }

    /// Puts a text in.
    pub fn set(&self, written: Arc<Written>) {
        self.0.store(Some(written));
    }

    /// Lets the text go; who reads it now still has it.
    pub fn clear(&self) {
        self.0.store(None);
    }
}

impl Clone for Cell {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Cell {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Cell {}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "empty" } else { "kept" })
    }
}

impl Object {
    /// Appends `"<id>":{...}` and returns where, counted from the first byte appended, the object begins.
    pub fn write_entry(&self, out: &mut Vec<u8>) -> usize {
        let begin = out.len();
        to_json(self.id().as_str(), out);
        out.push(b':');
        let value_at = out.len() - begin;
        to_json(self, out);
        value_at
    }
}

/// Appends a value as JSON.
pub(super) fn to_json<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("public shapes have string keys, and memory takes all");
}
