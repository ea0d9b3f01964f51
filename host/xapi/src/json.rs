//! JSON-RPC 2.0 bodies, and the 1.0-shaped answers that hosts older than 7.3 give to 2.0 requests.

use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::key::{Key, Names};
use crate::rpc::Answer;
use crate::value::{MAX_DEPTH, Value};

/// Returns the body of a request. XAPI wants an `id` and gives it back; one HTTP exchange carries one call, so it is 0.
pub(crate) fn encode(method: &str, params: &[Value]) -> Result<Vec<u8>, String> {
    #[derive(serde::Serialize)]
    struct Request<'a> {
        jsonrpc: &'static str,
        method: &'a str,
        params: &'a [Value],
        id: u8,
    }
    serde_json::to_vec(&Request { jsonrpc: "2.0", method, params, id: 0 }).map_err(|source| source.to_string())
}

/// Reads the body of an answer.
pub(crate) fn decode(body: &[u8]) -> Result<Answer, String> {
    let mut envelope = parse(body)?;
    if envelope.as_struct().is_none() {
        return Err("the answer is not an object".to_owned());
    }
    match envelope.take("error") {
        // Version 1.0 sends `"error": null` beside a result.
        None | Some(Value::Nil) => {
            envelope.take("result").map(Answer::Success).ok_or_else(|| "neither result nor error".to_owned())
        }
        Some(Value::Array(error)) => Answer::failure(error),
        Some(mut error @ Value::Struct(_)) => {
            let mut parts = vec![error.take("message").ok_or("an error without message")?];
            match error.take("data") {
                Some(Value::Array(params)) => parts.extend(params),
                None | Some(Value::Nil) => {}
                Some(other) => parts.push(other),
            }
            Answer::failure(parts)
        }
        Some(_) => Err("error is neither an array nor an object".to_owned()),
    }
}

/// Reads one JSON document. The numbers OCaml prints bare (`NaN`, `Infinity`) become strings, which `as_f64` reads.
pub(crate) fn parse(body: &[u8]) -> Result<Value, String> {
    twice(body, |body| read(body, Nested { depth: 0 }))
}

/// Reads one event: an object with `class`, `operation`, `ref` and perhaps `snapshot`; the rest is skipped.
pub(crate) fn parse_event(body: &[u8], names: &mut Names) -> Result<RawEvent, String> {
    twice(body, |body| read(body, EventSeed(names)))
}

/// Reads one entry of a struct of records, `"OpaqueRef:...": {...}`.
pub(crate) fn parse_entry(body: &[u8], names: &mut Names) -> Result<(Box<str>, Value), String> {
    let mut keys = serde_json::Deserializer::from_slice(body).into_iter::<Box<str>>();
    let key = match keys.next() {
        Some(key) => key.map_err(|error| format!("malformed JSON: {error}"))?,
        None => return Err("malformed JSON: no name".to_owned()),
    };
    let value = body[keys.byte_offset()..].trim_ascii_start();
    let value = value.strip_prefix(b":").ok_or("malformed JSON: a name without a value")?;
    Ok((key, twice(value, |value| read(value, RecordSeed(names)))?))
}

fn read<'de, S: DeserializeSeed<'de>>(body: &'de [u8], seed: S) -> serde_json::Result<S::Value> {
    // Looked at as a whole, which is faster than text by text.
    let body = std::str::from_utf8(body).map_err(|_| de::Error::custom("not UTF-8"))?;
    let mut reader = serde_json::Deserializer::from_str(body);
    let value = seed.deserialize(&mut reader)?;
    reader.end().map(|()| value)
}

/// Reads a document, and once more with bare numbers quoted if that failed.
fn twice<T>(body: &[u8], mut read: impl FnMut(&[u8]) -> serde_json::Result<T>) -> Result<T, String> {
    let first = match read(body) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    // The rare way: nobody pays for the second look unless the first one failed.
    quote_bare_numbers(body).and_then(|body| read(&body).ok()).ok_or_else(|| format!("malformed JSON: {first}"))
}

/// Returns the document with `NaN` and `Infinity` in quotes, when there are any outside of strings.
fn quote_bare_numbers(body: &[u8]) -> Option<Vec<u8>> {
    const TOKENS: [&[u8]; 5] = [b"NaN", b"-nan", b"nan", b"Infinity", b"-Infinity"];
    let mut out = Vec::with_capacity(body.len() + 64);
    let (mut at, mut in_string, mut found) = (0, false, false);
    while let Some(&byte) = body.get(at) {
        if in_string {
            let step = if byte == b'\\' { 2 } else { 1 };
            in_string = byte != b'"';
            out.extend_from_slice(&body[at..(at + step).min(body.len())]);
            at += step;
            continue;
        }
        if let Some(token) = TOKENS.iter().find(|token| body[at..].starts_with(token)) {
            out.push(b'"');
            out.extend_from_slice(token);
            out.push(b'"');
            at += token.len();
            found = true;
            continue;
        }
        in_string = byte == b'"';
        out.push(byte);
        at += 1;
    }
    found.then_some(out)
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Nested { depth: 0 }.deserialize(deserializer)
    }
}

/// Reads a value and knows how deep it stands.
#[derive(Clone, Copy)]
struct Nested {
    depth: usize,
}

impl Nested {
    fn inner<E: de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {MAX_DEPTH}")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Nested {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a XAPI value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nil)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    #[allow(clippy::cast_precision_loss)]
    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::Double(number as f64), Value::Int))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Double(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.into()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut members = Vec::new();
        while let Some(name) = access.next_key_seed(Name(None))? {
            members.push((name, access.next_value_seed(inner)?));
        }
        Ok(Value::Struct(members))
    }
}

/// Reads the name of a member, shared if there is somebody who knows the shared ones.
struct Name<'n>(Option<&'n mut Names>);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Key, E> {
        Ok(self.0.map_or_else(|| name.into(), |names| names.key(name)))
    }
}

/// Reads a record: an object whose names are shared, without the fields that nobody reads.
struct RecordSeed<'n>(&'n mut Names);

impl<'de> DeserializeSeed<'de> for RecordSeed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RecordSeed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nil)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let names = self.0;
        let mut members = Vec::with_capacity(names.width);
        while let Some(name) = access.next_key_seed(Name(Some(names)))? {
            if !names.reads(&name) {
                access.next_value::<de::IgnoredAny>()?;
                continue;
            }
            members.push((name, access.next_value_seed(Nested { depth: 1 })?));
        }
        names.width = members.len();
        Ok(Value::Struct(members))
    }
}

/// An event before anybody looked at what it means.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct RawEvent {
    pub class: Option<Box<str>>,
    pub operation: Option<Box<str>>,
    pub reference: Option<Box<str>>,
    pub snapshot: Option<Value>,
}

struct EventSeed<'n>(&'n mut Names);

impl<'de> DeserializeSeed<'de> for EventSeed<'_> {
    type Value = RawEvent;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawEvent, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EventSeed<'_> {
    type Value = RawEvent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<RawEvent, A::Error> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Field {
            Class,
            Operation,
            Ref,
            Snapshot,
            #[serde(other)]
            Other,
        }
        let mut event = RawEvent::default();
        while let Some(field) = access.next_key()? {
            match field {
                Field::Class => event.class = access.next_value()?,
                Field::Operation => event.operation = access.next_value()?,
                Field::Ref => event.reference = access.next_value()?,
                Field::Snapshot => event.snapshot = Some(access.next_value_seed(RecordSeed(self.0))?),
                Field::Other => drop(access.next_value::<de::IgnoredAny>()?),
            }
        }
        Ok(event)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nil => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Double(number) => serializer.serialize_f64(*number),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    seq.serialize_element(item)?;
                }
                seq.end()
            }
            Self::Struct(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(&**name, value)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let failure = |parts: &[&str]| Ok(Answer::Failure(parts.iter().map(|&part| part.into()).collect()));
        let cases: Vec<(&str, Result<Answer, ()>)> = vec![
            (
                r#"{"jsonrpc":"2.0","result":["a",1],"id":0}"#,
                Ok(Answer::Success(Value::Array(vec!["a".into(), 1.into()]))),
            ),
            (r#"{"result":"","error":null,"id":7}"#, Ok(Answer::Success("".into()))),
            (r#"{"result":null,"error":["HANDLE_INVALID","VM","r"],"id":7}"#, failure(&["HANDLE_INVALID", "VM", "r"])),
            (r#"{"jsonrpc":"2.0","error":{"code":1,"message":"E","data":["p",2]},"id":0}"#, failure(&["E", "p", "2"])),
            (r#"{"jsonrpc":"2.0","error":{"code":1,"message":"E"},"id":0}"#, failure(&["E"])),
            (r#"{"result":NaN,"id":0}"#, Ok(Answer::Success("NaN".into()))),
            (
                r#"{"result":["NaN \" Infinity",-Infinity],"id":0}"#,
                Ok(Answer::Success(vec!["NaN \" Infinity", "-Infinity"].into())),
            ),
            (r#"{"result":18446744073709551615}"#, Ok(Answer::Success(Value::Double(18_446_744_073_709_551_615.0)))),
            (r#"{"id":0}"#, Err(())),
            (r#"{"error":[]}"#, Err(())),
            (r#"{"error":{"code":1}}"#, Err(())),
            (r#"{"error":7}"#, Err(())),
            (r#"[1]"#, Err(())),
            (r#""#, Err(())),
            (r#"{"result":"#, Err(())),
            (r#"{"result":1} x"#, Err(())),
            (r#"{"result":"\ud800"}"#, Err(())),
        ];
        for (body, expected) in cases {
            assert_eq!(decode(body.as_bytes()).map_err(drop), expected, "{body}");
        }
        assert!(decode(b"{\"result\":\"\xff\"}").is_err());
    }

    #[test]
    fn depth_is_limited() {
        for (depth, good) in [(MAX_DEPTH, true), (MAX_DEPTH + 1, false), (100_000, false)] {
            let text = "[".repeat(depth) + &"]".repeat(depth);
            assert_eq!(parse(text.as_bytes()).is_ok(), good, "{depth}");
        }
    }

    #[test]
    fn requests() {
        let body =
            encode("event.from", &["s".into(), vec!["VM"].into(), "".into(), 60.0.into()]).expect("plain values");
        let text = String::from_utf8(body).expect("UTF-8");
        assert_eq!(text, r#"{"jsonrpc":"2.0","method":"event.from","params":["s",["VM"],"",60.0],"id":0}"#);
    }
}
