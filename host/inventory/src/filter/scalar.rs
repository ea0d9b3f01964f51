//! Looks at one value that is no list and no map: a key, a number, JSON text.

use serde::ser::{Error as _, Impossible, Serialize, Serializer};

use super::probe::Answer;

/// A value without parts.
pub(super) enum Scalar<'v> {
    Text(&'v str),
    Number(f64),
    Bool,
    Null,
}

/// Hands the value to a function; a list or a map is an error.
pub(super) struct Look<F>(pub(super) F);

macro_rules! numbers {
    ($($method:ident: $type:ty,)*) => {$(
        fn $method(self, value: $type) -> Result<R, Answer> {
            #[allow(clippy::cast_precision_loss, clippy::cast_lossless, trivial_numeric_casts)]
            Ok((self.0)(Scalar::Number(value as f64)))
        }
    )*};
}

macro_rules! refused {
    ($($method:ident($($arg:ty),*) -> $result:ty;)*) => {$(
        fn $method(self, $(_: $arg),*) -> Result<$result, Answer> {
            Err(Answer::custom("a list or a map"))
        }
    )*};
}

impl<R, F: FnOnce(Scalar<'_>) -> R> Serializer for Look<F> {
    type Ok = R;
    type Error = Answer;
    type SerializeSeq = Impossible<R, Answer>;
    type SerializeTuple = Impossible<R, Answer>;
    type SerializeTupleStruct = Impossible<R, Answer>;
    type SerializeTupleVariant = Impossible<R, Answer>;
    type SerializeMap = Impossible<R, Answer>;
    type SerializeStruct = Impossible<R, Answer>;
    type SerializeStructVariant = Impossible<R, Answer>;

    numbers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_f32: f32, serialize_f64: f64,
    }

    refused! {
        serialize_bytes(&[u8]) -> R;
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }

    fn serialize_bool(self, _: bool) -> Result<R, Answer> {
        Ok((self.0)(Scalar::Bool))
    }

    fn serialize_char(self, value: char) -> Result<R, Answer> {
        Ok((self.0)(Scalar::Text(value.encode_utf8(&mut [0; 4]))))
    }

    fn serialize_str(self, value: &str) -> Result<R, Answer> {
        Ok((self.0)(Scalar::Text(value)))
    }

    fn serialize_none(self) -> Result<R, Answer> {
        Ok((self.0)(Scalar::Null))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<R, Answer> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<R, Answer> {
        Ok((self.0)(Scalar::Null))
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<R, Answer> {
        Ok((self.0)(Scalar::Null))
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<R, Answer> {
        Ok((self.0)(Scalar::Text(variant)))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<R, Answer> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<R, Answer> {
        Err(Answer::custom("a map"))
    }
}
