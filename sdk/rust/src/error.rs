//! Builders for the one error type of the contract: `error::invalid("the date lies in the past")`.

use std::fmt::Display;

pub use crate::types::{Error, ErrorKind, FieldError};

/// Returns an error of any kind. `code` is a stable word with a dot ("ldap.ambiguous"), `message` is for people.
pub fn new(kind: ErrorKind, code: &str, message: impl Display) -> Error {
    let message = message.to_string();
    Error { kind, code: code.to_owned(), message, params: vec![], fields: vec![], retry_after: None }
}

/// The request is wrong and will stay wrong.
pub fn invalid(message: impl Display) -> Error {
    new(ErrorKind::Invalid, "invalid", message)
}

/// The request is wrong in these places.
pub fn invalid_fields(message: impl Display, fields: Vec<FieldError>) -> Error {
    Error { fields, ..invalid(message) }
}

/// The named thing does not exist.
pub fn not_found(message: impl Display) -> Error {
    new(ErrorKind::NotFound, "not-found", message)
}

/// The thing is in another state than the request needs.
pub fn conflict(message: impl Display) -> Error {
    new(ErrorKind::Conflict, "conflict", message)
}

/// The far side cannot be reached or is failing; another try may help.
pub fn unavailable(message: impl Display) -> Error {
    new(ErrorKind::Unavailable, "unavailable", message)
}

/// The far side answered and said no; `code` is its own word.
pub fn upstream(code: &str, message: impl Display) -> Error {
    new(ErrorKind::Upstream, code, message)
}

/// This plugin does not do that.
pub fn unsupported(message: impl Display) -> Error {
    new(ErrorKind::Unsupported, "unsupported", message)
}

/// A defect of the plugin.
pub fn internal(message: impl Display) -> Error {
    new(ErrorKind::Internal, "internal", message)
}

/// One value that is wrong: `path` is a JSON Pointer ("/server/port"), `code` a stable word ("required", "range", "format").
pub fn field(path: &str, code: &str, message: impl Display) -> FieldError {
    FieldError { path: path.to_owned(), code: code.to_owned(), message: message.to_string() }
}
