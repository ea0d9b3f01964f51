//! One value as XAPI sends and takes it, whichever dialect carried it.

use std::cell::Cell;
use std::fmt;

use crate::Key;

/// How deep values may nest. XAPI's deepest records have six levels; a hostile answer must not overflow our stack.
pub(crate) const MAX_DEPTH: usize = 100;

/// Members below which a struct is just searched.
const SMALL: usize = 8;

/// Names whose last places are known. XAPI's largest record has a hundred members.
const HINTED: usize = 256;

thread_local! {
    /// Where a member stood last time, by the address of the name that is asked for: names are constants of the program, and
    /// all records of a class have their members in the same order.
    static HINTS: [Cell<u16>; HINTED] = const { [const { Cell::new(0) }; HINTED] };
}

/// A XAPI value. Dates stay strings (`20260822T10:00:00Z`).
///
/// XML-RPC sends integers without a type, so they arrive as strings there and as numbers in JSON-RPC. Read with
/// [`Value::as_i64`] and the difference disappears.
#[derive(Clone, Default, PartialEq)]
pub enum Value {
    /// Nothing; XAPI itself never sends it.
    #[default]
    Nil,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Double(f64),
    /// A text: also references, enums, dates, and in XML-RPC integers.
    String(Box<str>),
    /// A set or list.
    Array(Vec<Value>),
    /// A record or map, in the order it was sent.
    Struct(Vec<(Key, Value)>),
}

impl Value {
    /// Returns a struct made of these members.
    pub fn record<K: Into<Key>, V: Into<Value>>(members: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Struct(members.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// Returns the text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// Returns a whole number, also one that came as a string or as a double without a fraction.
    pub fn as_i64(&self) -> Option<i64> {
        /// 2^63, the first double that is too large.
        const LIMIT: f64 = 9_223_372_036_854_775_808.0;
        match self {
            Self::Int(number) => Some(*number),
            Self::String(text) => text.trim().parse().ok(),
            // The range was checked, so nothing is cut off.
            #[allow(clippy::cast_possible_truncation)]
            Self::Double(number) if number.fract() == 0.0 && (-LIMIT..LIMIT).contains(number) => Some(*number as i64),
            _ => None,
        }
    }

    /// Returns a number, also one that came as a string (`nan` and `inf` included).
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Double(number) => Some(*number),
            #[allow(clippy::cast_precision_loss)]
            Self::Int(number) => Some(*number as f64),
            Self::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// Returns the elements of an array.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the members of a struct.
    pub fn as_struct(&self) -> Option<&[(Key, Value)]> {
        match self {
            Self::Struct(members) => Some(members),
            _ => None,
        }
    }

    /// Returns the member of a struct with this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let members = self.as_struct()?;
        if members.len() < SMALL {
            return members.iter().find(|(key, _)| **key == *name).map(|(_, value)| value);
        }
        HINTS.with(|hints| {
            let address = name.as_ptr().addr();
            let hint = &hints[(address ^ (address >> 8)) % HINTED];
            let expected = members.get(usize::from(hint.get())).filter(|(key, _)| **key == *name);
            if let Some((_, value)) = expected {
                return Some(value);
            }
            let place = members.iter().position(|(key, _)| **key == *name)?;
            hint.set(u16::try_from(place).unwrap_or_default());
            Some(&members[place].1)
        })
    }

    /// Removes and returns the member of a struct with this name.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        match self {
            Self::Struct(members) => {
                let at = members.iter().position(|(key, _)| **key == *name)?;
                Some(members.swap_remove(at).1)
            }
            _ => None,
        }
    }

    /// Returns the value as a parameter of an error: strings as they are, the rest in words a person can read.
    pub(crate) fn into_text(self) -> Box<str> {
        match self {
            Self::String(text) => text,
            other => format!("{other:?}").into(),
        }
    }
}

impl fmt::Debug for Value {
    /// Prints like JSON, which is how people read XAPI values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("null"),
            Self::Bool(flag) => flag.fmt(f),
            Self::Int(number) => number.fmt(f),
            Self::Double(number) => number.fmt(f),
            Self::String(text) => write!(f, "{text:?}"),
            Self::Array(items) => f.debug_list().entries(items).finish(),
            Self::Struct(members) => f.debug_map().entries(members.iter().map(|(name, value)| (name, value))).finish(),
        }
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Int(number.into())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Double(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<Box<str>> for Value {
    fn from(text: Box<str>) -> Self {
        Self::String(text)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_wherever_they_stand() {
        let names: Vec<String> = (0..300).map(|number| format!("member {number}")).collect();
        let forth = Value::record(names.iter().zip(0..).map(|(name, number)| (&**name, number)));
        let back = Value::record(names.iter().zip(0..300).rev().map(|(name, number)| (&**name, number)));
        let short = Value::record([("member 1", 1)]);
        for _ in 0..2 {
            for (name, number) in names.iter().zip(0_i64..) {
                for record in [&forth, &back] {
                    assert_eq!(record.get(name), Some(&Value::Int(number)));
                }
                assert_eq!(short.get(name).is_some(), number == 1);
            }
        }
        assert_eq!((forth.get("none"), Value::Nil.get("none")), (None, None));
    }

    #[test]
    fn numbers_read_alike_from_both_dialects() {
        for value in [Value::Int(42), Value::from("42"), Value::Double(42.0)] {
            assert_eq!(value.as_i64(), Some(42), "{value:?}");
            assert_eq!(value.as_f64(), Some(42.0), "{value:?}");
        }
        for value in [Value::from("4x"), Value::Double(0.5), Value::Double(f64::NAN), Value::Double(1e300), Value::Nil]
        {
            assert_eq!(value.as_i64(), None, "{value:?}");
        }
        assert!(Value::from("nan").as_f64().is_some_and(f64::is_nan));
        assert_eq!(Value::from("Infinity").as_f64(), Some(f64::INFINITY));
    }
}
