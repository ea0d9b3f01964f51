//! What travels: calls in, answers out, in the two dialects.

pub mod json;
pub mod xml;

use std::sync::Arc;

use serde_json::Value;

use crate::{
    failure::Failure,
    model::{Class, Record, Type},
};

/// A call as either dialect delivers it. Dates are strings; an int may be a string (XML-RPC clients send that).
#[derive(Debug)]
pub struct Call {
    pub method: String,
    pub params: Vec<Value>,
}

/// An answer that still knows its types, because the dialects differ in how they show them.
#[derive(Debug)]
pub enum Wire {
    /// Encoded by the declared result type of the message.
    Plain(Value),
    /// A value and its type.
    Typed(Value, Type),
    /// A record of the database, not copied.
    Record(&'static Class, Arc<Record>),
    Text(String),
    /// A number sent with `<i4>`: only `valid_ref_counts` has them.
    I4(usize),
    List(Vec<Wire>),
    Struct(Vec<(String, Wire)>),
}

/// What a call comes to.
pub type Reply = Result<Wire, Failure>;
