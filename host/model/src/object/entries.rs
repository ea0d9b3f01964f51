//! The one way properties leave an object: whole, a selection, or a single one.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Object;

/// Takes the public properties of an object one by one, as typed values: what looks at a property builds no JSON for it.
/// An error ends the walk.
pub trait Entries {
    /// Why the taker stopped.
    type Error;

    /// Takes one property.
    fn put<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Self::Error>;

    /// Takes a property that is absent when there is no value.
    fn opt<T: Serialize>(&mut self, name: &'static str, value: &Option<T>) -> Result<(), Self::Error> {
        match value {
            Some(value) => self.put(name, value),
            None => Ok(()),
        }
    }
}

/// Writes everything.
pub(super) struct Whole<'a, M>(pub(super) &'a mut M);

impl<M: SerializeMap> Entries for Whole<'_, M> {
    type Error = M::Error;

    fn put<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), M::Error> {
        self.0.serialize_entry(name, value)
    }
}

/// Writes the named properties.
struct Selected<'a, M> {
    map: &'a mut M,
    fields: &'a [String],
}

impl<M: SerializeMap> Entries for Selected<'_, M> {
    type Error = M::Error;

    fn put<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), M::Error> {
        if self.fields.iter().any(|field| field == name) {
            self.map.serialize_entry(name, value)?;
        }
        Ok(())
    }
}

/// Keeps one property as a value.
pub(super) struct One<'a> {
    pub(super) name: &'a str,
    pub(super) value: Option<serde_json::Value>,
}

impl Entries for One<'_> {
    type Error = serde_json::Error;

    fn put<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), serde_json::Error> {
        if name == self.name {
            self.value = Some(serde_json::to_value(value)?);
        }
        Ok(())
    }
}

/// An object as a list shows it; made by [`Object::view`].
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub(super) object: &'a Object,
    pub(super) fields: Option<&'a [String]>,
    pub(super) extra: &'a [(&'a str, &'a str)],
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self.fields {
            Some(fields) => self.object.shape(&mut Selected { map: &mut map, fields })?,
            None => self.object.shape(&mut Whole(&mut map))?,
        }
        for (name, value) in self.extra {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
