//! The two dialects behind one face: a method and values go in, an answer comes out.

use crate::value::Value;
use crate::{json, xmlrpc};

/// How a host wants to be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// JSON-RPC 2.0 at `/jsonrpc`; hosts of 7.0 and later.
    Json,
    /// XML-RPC at `/`; every host.
    Xml,
}

/// The largest body XAPI takes, in bytes (its own limit; a larger one is answered with status 500).
pub(crate) const MAX_REQUEST: usize = 300 << 10;

/// What XAPI said.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    Success(Value),
    /// The error code and its parameters; never empty.
    Failure(Vec<Box<str>>),
}

impl Answer {
    /// Returns a failure made of an error array, code first.
    pub(crate) fn failure(parts: Vec<Value>) -> Result<Self, String> {
        if parts.first().and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err("an error without a code".to_owned());
        }
        Ok(Self::Failure(parts.into_iter().map(Value::into_text).collect()))
    }
}

impl Dialect {
    /// Returns the path that understands this dialect.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Json => "/jsonrpc",
            Self::Xml => "/",
        }
    }

    /// Returns the content type of requests and answers.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Xml => "text/xml",
        }
    }

    /// Returns the body of a request, or why there can be none.
    pub(crate) fn encode(self, method: &str, params: &[Value]) -> Result<Vec<u8>, String> {
        let body = match self {
            Self::Json => json::encode(method, params),
            Self::Xml => xmlrpc::encode(method, params),
        }?;
        if body.len() > MAX_REQUEST {
            return Err(format!("{} bytes are more than XAPI takes ({MAX_REQUEST})", body.len()));
        }
        Ok(body)
    }

    /// Reads the body of an answer; the error says what is wrong and where, without a piece of the body.
    pub(crate) fn decode(self, body: &[u8]) -> Result<Answer, String> {
        match self {
            Self::Json => json::decode(body),
            Self::Xml => xmlrpc::decode(body),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        let text = "[ -~\t\n\ré€😀]{0,12}";
        let leaf = prop_oneof![
            Just(Value::Nil),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            // Few digits: serde_json without float_roundtrip may miss the last bit of long ones, which nobody minds.
            any::<i16>().prop_map(|number| Value::Double(f64::from(number) / 16.0)),
            text.prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 64, 8, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
                prop::collection::vec((text, inner), 0..8).prop_map(Value::record),
            ]
        })
    }

    /// Returns the value as XML-RPC delivers it: integers are strings there.
    fn untyped(value: Value) -> Value {
        match value {
            Value::Int(number) => number.to_string().into(),
            Value::Array(items) => Value::Array(items.into_iter().map(untyped).collect()),
            Value::Struct(members) => {
                Value::Struct(members.into_iter().map(|(name, value)| (name, untyped(value))).collect())
            }
            other => other,
        }
    }

    fn answer(dialect: Dialect, value: &Value) -> Vec<u8> {
        match dialect {
            Dialect::Json => format!("{{\"result\":{}}}", serde_json::to_string(value).expect("JSON")).into_bytes(),
            Dialect::Xml => {
                let mut body = "<methodResponse><params><param>".to_owned();
                let wrapped = Value::record([("Status", "Success".into()), ("Value", value.clone())]);
                xmlrpc::encode_value(&mut body, &wrapped).expect("only characters XML has");
                body.push_str("</param></params></methodResponse>");
                body.into_bytes()
            }
        }
    }

    proptest! {
        #[test]
        fn values_survive_both_dialects(value in values()) {
            prop_assert_eq!(Dialect::Json.decode(&answer(Dialect::Json, &value)), Ok(Answer::Success(value.clone())));
            prop_assert_eq!(Dialect::Xml.decode(&answer(Dialect::Xml, &value)), Ok(Answer::Success(untyped(value))));
        }

        #[test]
        fn noise_is_an_error_and_never_a_panic(noise in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Dialect::Json.decode(&noise).is_err());
            prop_assert!(Dialect::Xml.decode(&noise).is_err());
        }

        #[test]
        fn damaged_answers_never_panic(value in values(), at in any::<prop::sample::Index>(), with in any::<u8>(), cut in any::<bool>()) {
            for dialect in [Dialect::Json, Dialect::Xml] {
                let mut body = answer(dialect, &value);
                let at = at.index(body.len());
                if cut { body.truncate(at) } else { body[at] = with }
                let outcome = dialect.decode(&body);
                prop_assert!(!cut || outcome.is_err());
            }
        }
    }

    #[test]
    fn requests_have_a_limit() {
        let large = Value::from("x".repeat(MAX_REQUEST));
        for dialect in [Dialect::Json, Dialect::Xml] {
            assert!(dialect.encode("VM.set_name_label", std::slice::from_ref(&large)).is_err());
            assert!(dialect.encode("VM.set_name_label", &["x".into()]).is_ok());
        }
    }
}
