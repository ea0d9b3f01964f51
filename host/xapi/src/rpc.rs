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
