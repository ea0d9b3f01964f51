//! Between the contract's error and ours.

use crate::bindings::xylem::plugin::{auth_types, notify_types, types};
use crate::ctx::{Ctx, Fault};
use crate::{ErrorKind, FieldError, PluginError};

impl types::Host for Ctx {
    fn convert_error(&mut self, fault: Fault) -> wasmtime::Result<types::Error> {
        match fault {
            Fault::Error(error) => Ok(error.into()),
            Fault::Trap(trap) => Err(trap),
        }
    }
}

impl auth_types::Host for Ctx {}
impl notify_types::Host for Ctx {}

/// Pairs of the same words on both sides.
macro_rules! kinds {
    ($($name:ident)*) => {
        impl From<ErrorKind> for types::ErrorKind {
            fn from(kind: ErrorKind) -> Self {
                match kind { $( ErrorKind::$name => Self::$name, )* }
            }
        }

        impl From<types::ErrorKind> for ErrorKind {
            fn from(kind: types::ErrorKind) -> Self {
                match kind { $( types::ErrorKind::$name => Self::$name, )* }
            }
        }
    };
}
kinds!(Denied Invalid NotFound Conflict Exhausted Timeout Cancelled Unavailable Upstream Unsupported Internal);

impl From<PluginError> for types::Error {
    fn from(error: PluginError) -> Self {
        let PluginError { kind, code, message, params, fields, retry_after } = error;
        let fields =
            fields.into_iter().map(|FieldError { path, code, message }| types::FieldError { path, code, message });
        Self { kind: kind.into(), code, message, params, fields: fields.collect(), retry_after }
    }
}

impl From<types::Error> for PluginError {
    fn from(error: types::Error) -> Self {
        let types::Error { kind, code, message, params, fields, retry_after } = error;
        Self {
            kind: kind.into(),
            code,
            message,
            params,
            fields: fields.into_iter().map(Into::into).collect(),
            retry_after,
        }
    }
}

impl From<types::FieldError> for FieldError {
    fn from(error: types::FieldError) -> Self {
        let types::FieldError { path, code, message } = error;
        Self { path, code, message }
    }
}
