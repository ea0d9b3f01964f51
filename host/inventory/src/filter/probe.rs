//! Asks a predicate of anything that can be serialised, while it serialises: no tree of it is built.
//!
//! A compound predicate (`a b`, `|(a b)`, `!a`) serialises the value once for each part that it needs; a property stops at
//! its name, a search at the first hit.

use std::fmt;

use model::Object;
use model::object::Entries;
use serde::ser::{self, Impossible, Serialize, Serializer};

use super::js;
use super::json::Json;
use super::predicate::{Child, Leaf, Predicate, Property};
use super::scalar::{Look, Scalar};

/// The name under which serde_json hands over text that is JSON already.
const RAW: &str = "$serde_json::private::RawValue";

/// Returns whether a value is what the predicate asks for.
pub(super) fn ask<T: Serialize + ?Sized>(predicate: &Predicate, value: &T) -> bool {
    match predicate {
        Predicate::Always => true,
        Predicate::And(children) => children.iter().all(|child| ask(child, value)),
        Predicate::Or(children) => children.iter().any(|child| ask(child, value)),
        Predicate::Not(child) => !ask(child, value),
        Predicate::Property(property) => run(value, Probe::Property(property)),
        Predicate::Leaf(leaf) => run(value, Probe::Leaf(leaf)),
    }
}

/// The same for an object, property by property.
pub(super) fn ask_object(predicate: &Predicate, object: &Object) -> bool {
    match predicate {
        Predicate::Always => true,
        Predicate::And(children) => children.iter().all(|child| ask_object(child, object)),
        Predicate::Or(children) => children.iter().any(|child| ask_object(child, object)),
        Predicate::Not(child) => !ask_object(child, object),
        Predicate::Property(property) => {
            object.shape(&mut Named(property)).err().map_or(property.missing, |Answer(answer)| answer)
        }
        // Compared as a number, an object is none.
        Predicate::Leaf(Leaf::Comparison(..)) => false,
        Predicate::Leaf(leaf) => object.shape(&mut Each(leaf)).is_err(),
    }
}

/// Looks for one property of an object.
struct Named<'a>(&'a Property);

impl Entries for Named<'_> {
    type Error = Answer;

    fn put<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Answer> {
        if *name == *self.0.name { Err(Answer(self.0.of(value))) } else { Ok(()) }
    }
}

/// Looks into all properties of an object.
struct Each<'a>(&'a Leaf);

impl Entries for Each<'_> {
    type Error = Answer;

    fn put<T: Serialize + ?Sized>(&mut self, _name: &'static str, value: &T) -> Result<(), Answer> {
        if run(value, Probe::Leaf(self.0)) { Err(Answer(true)) } else { Ok(()) }
    }
}

impl Property {
    /// Asks the child of the property's value.
    fn of<T: Serialize + ?Sized>(&self, value: &T) -> bool {
        match &self.child {
            Child::Truthy => run(value, Probe::Truthy),
            Child::Predicate(child) => ask(child, value),
        }
    }
}

fn run<T: Serialize + ?Sized>(value: &T, probe: Probe<'_>) -> bool {
    match value.serialize(probe) {
        Ok(answer) | Err(Answer(answer)) => answer,
    }
}

/// The answer, found before the end of the value. What cannot be serialised at all matches nothing.
#[derive(Debug)]
pub(super) struct Answer(bool);

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("answered")
    }
}

impl std::error::Error for Answer {}

impl ser::Error for Answer {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(false)
    }
}

/// What is asked of the value that serialises.
#[derive(Clone, Copy)]
pub(super) enum Probe<'a> {
    Property(&'a Property),
    Truthy,
    Leaf(&'a Leaf),
}

impl<'a> Probe<'a> {
    fn bool(self, value: bool) -> bool {
        match self {
            Self::Property(property) => property.missing,
            Self::Truthy => value,
            Self::Leaf(leaf) => leaf.of_bool(Some(value)),
        }
    }

    fn number(self, value: f64) -> bool {
        match self {
            Self::Property(property) => property.missing,
            Self::Truthy => value != 0.0 && !value.is_nan(),
            Self::Leaf(leaf) => leaf.of_number(value),
        }
    }

    fn text(self, value: &str) -> bool {
        match self {
            // A text has a length and characters.
            Self::Property(property) if &*property.name == "length" => property.of(&value.encode_utf16().count()),
            Self::Property(property) => match index(&property.name).and_then(|index| value.chars().nth(index)) {
                Some(char) => property.of(&char),
                None => property.missing,
            },
            Self::Truthy => !value.is_empty(),
            Self::Leaf(leaf) => leaf.of_text(value),
        }
    }

    fn null(self) -> bool {
        match self {
            // Null has no properties: not even a negation is true of them.
            Self::Property(_) | Self::Truthy => false,
            Self::Leaf(leaf) => leaf.of_bool(None),
        }
    }

    fn of_json(self, json: &str) -> bool {
        match self {
            Self::Leaf(Leaf::Text(needle)) if !needle.may_be_in(json) => false,
            _ => run(&Json(json), self),
        }
    }

    fn list(self) -> List<'a> {
        List { probe: self, count: 0, only: f64::NAN }
    }

    fn map(self) -> Map<'a> {
        Map { probe: self, wanted: false }
    }
}

/// Returns a property name as the index of an element: digits without a zero in front.
fn index(name: &str) -> Option<usize> {
    let is_index = name == "0" || !name.starts_with(['0', '+']);
    if is_index { name.parse().ok() } else { None }
}

macro_rules! numbers {
    ($($method:ident: $type:ty,)*) => {$(
        fn $method(self, value: $type) -> Result<bool, Answer> {
            // JavaScript has no other numbers than these.
            #[allow(clippy::cast_precision_loss, clippy::cast_lossless, trivial_numeric_casts)]
            Ok(self.number(value as f64))
        }
    )*};
}

impl<'a> Serializer for Probe<'a> {
    type Ok = bool;
    type Error = Answer;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = List<'a>;
    type SerializeTupleVariant = Impossible<bool, Answer>;
    type SerializeMap = Map<'a>;
    type SerializeStruct = Struct<'a>;
    type SerializeStructVariant = Impossible<bool, Answer>;

    numbers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_f32: f32,
    }

    fn serialize_f64(self, value: f64) -> Result<bool, Answer> {
        // JSON has no others: they are written as null.
        Ok(if value.is_finite() { self.number(value) } else { self.null() })
    }

    fn serialize_bool(self, value: bool) -> Result<bool, Answer> {
        Ok(self.bool(value))
    }

    fn serialize_char(self, value: char) -> Result<bool, Answer> {
        Ok(self.text(value.encode_utf8(&mut [0; 4])))
    }

    fn serialize_str(self, value: &str) -> Result<bool, Answer> {
        Ok(self.text(value))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<bool, Answer> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<bool, Answer> {
        Ok(self.null())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<bool, Answer> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<bool, Answer> {
        Ok(self.null())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<bool, Answer> {
        Ok(self.null())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<bool, Answer> {
        Ok(self.text(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<bool, Answer> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<bool, Answer> {
        self.collect_map([(variant, value)])
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<List<'a>, Answer> {
        Ok(self.list())
    }

    fn serialize_tuple(self, _len: usize) -> Result<List<'a>, Answer> {
        Ok(self.list())
    }

    fn serialize_tuple_struct(self, _: &'static str, _len: usize) -> Result<List<'a>, Answer> {
        Ok(self.list())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Answer> {
        Err(Answer(false))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Map<'a>, Answer> {
        Ok(self.map())
    }

    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<Struct<'a>, Answer> {
        Ok(if name == RAW { Struct::Raw(self, false) } else { Struct::Map(self.map()) })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Answer> {
        Err(Answer(false))
    }
}

/// A list that is looked at.
pub(super) struct List<'a> {
    probe: Probe<'a>,
    count: usize,
    /// What the first element is as a number, for comparisons: JavaScript takes a list of one for its element.
    only: f64,
}

impl List<'_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Answer> {
        match self.probe {
            Probe::Truthy => return Err(Answer(true)),
            Probe::Leaf(Leaf::Comparison(..)) => {
                if self.count == 0 {
                    self.only = value.serialize(Look(number)).unwrap_or(f64::NAN);
                }
            }
            Probe::Leaf(_) => {
                if run(value, self.probe) {
                    return Err(Answer(true));
                }
            }
            Probe::Property(property) => {
                if index(&property.name) == Some(self.count) {
                    return Err(Answer(property.of(value)));
                }
            }
        }
        self.count += 1;
        Ok(())
    }

    fn finish(self) -> bool {
        match self.probe {
            Probe::Truthy => true,
            Probe::Leaf(Leaf::Comparison(operator, right)) => {
                let left = match self.count {
                    0 => 0.0,
                    1 => self.only,
                    _ => f64::NAN,
                };
                operator.holds(left, *right)
            }
            Probe::Leaf(_) => false,
            Probe::Property(property) if &*property.name == "length" => property.of(&self.count),
            Probe::Property(property) => property.missing,
        }
    }
}

impl ser::SerializeSeq for List<'_> {
    type Ok = bool;
    type Error = Answer;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Answer> {
        self.element(value)
    }

    fn end(self) -> Result<bool, Answer> {
        Ok(self.finish())
    }
}

impl ser::SerializeTuple for List<'_> {
    type Ok = bool;
    type Error = Answer;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Answer> {
        self.element(value)
    }

    fn end(self) -> Result<bool, Answer> {
        Ok(self.finish())
    }
}

impl ser::SerializeTupleStruct for List<'_> {
    type Ok = bool;
    type Error = Answer;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Answer> {
        self.element(value)
    }

    fn end(self) -> Result<bool, Answer> {
        Ok(self.finish())
    }
}

/// A map that is looked at.
pub(super) struct Map<'a> {
    probe: Probe<'a>,
    /// Whether the key before was the property that is asked for.
    wanted: bool,
}

impl Map<'_> {
    fn value<T: Serialize + ?Sized>(&mut self, wanted: bool, value: &T) -> Result<(), Answer> {
        match self.probe {
            Probe::Truthy => Err(Answer(true)),
            // An object is no number.
            Probe::Leaf(Leaf::Comparison(..)) => Err(Answer(false)),
            Probe::Leaf(_) if run(value, self.probe) => Err(Answer(true)),
            Probe::Property(property) if wanted => Err(Answer(property.of(value))),
            Probe::Leaf(_) | Probe::Property(_) => Ok(()),
        }
    }

    fn wants<T: Serialize + ?Sized>(&self, key: &T) -> bool {
        match self.probe {
            Probe::Property(property) => {
                let is_name = |key: Scalar<'_>| matches!(key, Scalar::Text(key) if *key == *property.name);
                key.serialize(Look(is_name)).unwrap_or(false)
            }
            _ => false,
        }
    }

    fn finish(self) -> bool {
        match self.probe {
            Probe::Truthy => true,
            Probe::Leaf(_) => false,
            Probe::Property(property) => property.missing,
        }
    }
}

impl ser::SerializeMap for Map<'_> {
    type Ok = bool;
    type Error = Answer;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Answer> {
        self.wanted = self.wants(key);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Answer> {
        self.value(self.wanted, value)
    }

    fn end(self) -> Result<bool, Answer> {
        Ok(self.finish())
    }
}

/// A struct that is looked at: a map, or JSON text in disguise.
pub(super) enum Struct<'a> {
    Map(Map<'a>),
    Raw(Probe<'a>, bool),
}

impl ser::SerializeStruct for Struct<'_> {
    type Ok = bool;
    type Error = Answer;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Answer> {
        match self {
            Self::Map(map) => {
                let wanted = matches!(map.probe, Probe::Property(property) if *property.name == *key);
                map.value(wanted, value)
            }
            Self::Raw(probe, answer) => {
                let ask = |json: Scalar<'_>| matches!(json, Scalar::Text(json) if probe.of_json(json));
                *answer = value.serialize(Look(ask)).unwrap_or(false);
                Ok(())
            }
        }
    }

    fn end(self) -> Result<bool, Answer> {
        match self {
            Self::Map(map) => Ok(map.finish()),
            Self::Raw(_, answer) => Ok(answer),
        }
    }
}

/// Returns the only element of a list as a number: the list is its text first, null an empty one.
fn number(value: Scalar<'_>) -> f64 {
    match value {
        Scalar::Text(text) => js::number(text),
        Scalar::Number(number) => number,
        Scalar::Bool => f64::NAN,
        Scalar::Null => 0.0,
    }
}
