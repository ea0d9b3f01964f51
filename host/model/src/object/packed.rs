//! Compact forms of what repeats: shared texts, string maps kept as JSON text, lists of ids.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::ObjectId;

/// A shared text, as small as a pointer. Values that repeat (types, versions, references) share one allocation, and the empty
/// text has none.
pub type Text = arcstr::ArcStr;

/// A map of strings, or any rarely read value, kept as compact JSON text: one allocation, copied straight into answers.
///
/// Keys are sorted, so that two readings of the same map are equal whatever order they came in.
#[derive(Clone)]
pub struct Packed(Arc<RawValue>);

impl Packed {
    /// Returns the empty map; all empty maps are one.
    pub fn empty() -> Self {
        static EMPTY: OnceLock<Packed> = OnceLock::new();
        EMPTY.get_or_init(|| Self::raw("{}".to_owned())).clone()
    }

    /// Packs a map of strings; the last of equal keys wins.
    pub fn map<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut json = String::new();
        write_map(pairs, &mut json);
        if json == "{}" { Self::empty() } else { Self::raw(json) }
    }

    /// Packs JSON that [`write_map`] has written.
    ///
    /// # Panics
    /// When it is no JSON.
    pub fn written(json: &str) -> Self {
        Self::raw(json.to_owned())
    }

    /// Packs any JSON value.
    pub fn value(value: &serde_json::Value) -> Self {
        Self::raw(value.to_string())
    }

    fn raw(json: String) -> Self {
        Self(RawValue::from_string(json).expect("we have just written this JSON").into())
    }

    /// Returns the JSON text.
    pub fn as_json(&self) -> &str {
        self.0.get()
    }

    /// Returns how many hold this very allocation; whoever shares equal values asks to know when to let go.
    pub fn holders(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    /// Returns whether this is the empty map.
    pub fn is_empty(&self) -> bool {
        self.as_json() == "{}"
    }

    /// Returns a value of a map of strings.
    pub fn get(&self, key: &str) -> Option<String> {
        // Most look-ups find nothing; a text search is far cheaper than taking the map apart.
        if !self.as_json().contains(key) {
            return None;
        }
        self.pairs().remove(key)
    }

    /// Returns a map of strings taken apart; empty when it is something else.
    pub fn pairs(&self) -> BTreeMap<String, String> {
        serde_json::from_str(self.as_json()).unwrap_or_default()
    }

    /// Returns the value as a tree.
    pub fn to_value(&self) -> serde_json::Value {
        serde_json::from_str(self.as_json()).expect("packed values are JSON")
    }
}

/// Appends a map of strings as the JSON that [`Packed::map`] keeps. Who has many of them, mostly known ones, can so look for
/// an equal one before a new one is made.
pub fn write_map<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>, out: &mut String) {
    let mut pairs: Vec<(&str, &str)> = pairs.into_iter().collect();
    pairs.sort_by_key(|(name, _)| *name);
    let mut before = '{';
    for (at, (name, value)) in pairs.iter().enumerate() {
        if pairs.get(at + 1).is_some_and(|(next, _)| next == name) {
            continue;
        }
        out.push(before);
        write_text(name, out);
        out.push(':');
        write_text(value, out);
        before = ',';
    }
    out.push_str(if before == '{' { "{}" } else { "}" });
}

fn write_text(text: &str, out: &mut String) {
    // Few texts need escapes.
    if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::to_string(text).expect("texts are JSON"));
    }
}

impl PartialEq for Packed {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.as_json() == other.as_json()
    }
}

impl Eq for Packed {}

impl Hash for Packed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_json().hash(state);
    }
}

impl Default for Packed {
    fn default() -> Self {
        Self::empty()
    }
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_json())
    }
}

impl Serialize for Packed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// A list of references to other objects. An element whose object is not known is null in JSON, as upstream has it.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Refs(Box<[Option<ObjectId>]>);

impl Refs {
    /// Returns the ids of the objects that are known.
    pub fn iter(&self) -> impl Iterator<Item = &ObjectId> {
        self.0.iter().flatten()
    }

    /// Returns whether the list has no elements at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the number of elements, known or not.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether the object is in the list.
    pub fn contains(&self, id: &str) -> bool {
        self.iter().any(|known| known.as_str() == id)
    }
}

impl FromIterator<Option<ObjectId>> for Refs {
    fn from_iter<I: IntoIterator<Item = Option<ObjectId>>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}

impl fmt::Debug for Refs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter()).finish()
    }
}

/// A number that may have a fraction. A whole one is written without it, as JavaScript does and Go's decoder wants.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Decimal(pub f64);

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// Up to here doubles know every whole number.
        const LIMIT: f64 = 9_007_199_254_740_992.0;
        if self.0.fract() == 0.0 && self.0.abs() < LIMIT {
            // The range was checked, so nothing is cut off.
            #[allow(clippy::cast_possible_truncation)]
            return serializer.serialize_i64(self.0 as i64);
        }
        serializer.serialize_f64(self.0)
    }
}
