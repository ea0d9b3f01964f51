//! JSON text that serialises as what it says, as often as it is asked, without a tree in between.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::value::RawValue;

/// JSON text.
pub(super) struct Json<'a>(pub(super) &'a str);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut outcome = None;
        let mut text = serde_json::Deserializer::from_str(self.0);
        let read = text.deserialize_any(Into { serializer, outcome: &mut outcome });
        match (outcome, read) {
            // Stopping in the middle of the text is an error for its reader, but none of ours.
            (Some(outcome), _) => outcome,
            (None, Err(error)) => Err(S::Error::custom(error)),
            (None, Ok(())) => Err(S::Error::custom("no JSON")),
        }
    }
}

/// Passes a value on to a serializer, and keeps what that says.
struct Into<'o, S: Serializer> {
    serializer: S,
    outcome: &'o mut Option<Result<S::Ok, S::Error>>,
}

impl<S: Serializer> Into<'_, S> {
    fn stop<E: serde::de::Error>(outcome: &mut Option<Result<S::Ok, S::Error>>, error: S::Error) -> Result<(), E> {
        *outcome = Some(Err(error));
        Err(E::custom("stopped"))
    }
}

macro_rules! pass {
    ($($visit:ident($type:ty) => $serialize:ident;)*) => {$(
        fn $visit<E>(self, value: $type) -> Result<(), E> {
            *self.outcome = Some(self.serializer.$serialize(value));
            Ok(())
        }
    )*};
}

impl<'de, S: Serializer> Visitor<'de> for Into<'_, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    pass! {
        visit_bool(bool) => serialize_bool;
        visit_i64(i64) => serialize_i64;
        visit_u64(u64) => serialize_u64;
        visit_f64(f64) => serialize_f64;
        visit_str(&str) => serialize_str;
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        *self.outcome = Some(self.serializer.serialize_unit());
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut list = match self.serializer.serialize_seq(None) {
            Ok(list) => list,
            Err(error) => return Self::stop(self.outcome, error),
        };
        while let Some(item) = items.next_element::<&RawValue>()? {
            if let Err(error) = list.serialize_element(&Json(item.get())) {
                return Self::stop(self.outcome, error);
            }
        }
        *self.outcome = Some(list.end());
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut map = match self.serializer.serialize_map(None) {
            Ok(map) => map,
            Err(error) => return Self::stop(self.outcome, error),
        };
        while let Some(key) = members.next_key_seed(Key(&mut map))? {
            let value = members.next_value::<&RawValue>()?;
            if let Err(error) = key.and_then(|()| map.serialize_value(&Json(value.get()))) {
                return Self::stop(self.outcome, error);
            }
        }
        *self.outcome = Some(map.end());
        Ok(())
    }
}

struct Key<'m, M>(&'m mut M);

impl<'de, M: SerializeMap> DeserializeSeed<'de> for Key<'_, M> {
    type Value = Result<(), M::Error>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<M: SerializeMap> Visitor<'_> for Key<'_, M> {
    type Value = Result<(), M::Error>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.serialize_key(key))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use crate::filter::js::Needle;
    use crate::filter::predicate::{Leaf, Predicate};
    use crate::filter::probe;

    fn json() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof!["[a-cA-C \"\\\\/\u{e9}\u{212a}]{0,6}".prop_map(Value::from), any::<i8>().prop_map(Value::from)];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("[a-c]{0,3}", inner, 0..4).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        /// What is found in the tree is found in the text, which is not always read.
        #[test]
        fn a_search_in_json_text_is_one_in_what_it_says(value in json(), needle in "[a-cA-Ck1 \"\\\\/\u{e9}\u{e9}]{0,3}") {
            let predicate = Predicate::Leaf(Leaf::Text(Needle::new(&needle)));
            let text = serde_json::value::to_raw_value(&value).unwrap();
            prop_assert_eq!(probe::ask(&predicate, &text), probe::ask(&predicate, &value));
        }
    }
}
