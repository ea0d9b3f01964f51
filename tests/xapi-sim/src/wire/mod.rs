//! What travels: calls in, answers out, in the two dialects.

pub mod json;
pub mod xml;

use std::sync::Arc;

use bytes::Bytes;
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
    /// The result of a task without tags around it: only one handler makes it.
    Bare(String),
    /// A number sent with `<i4>`: only `valid_ref_counts` has them.
    I4(usize),
    Event(Event),
    List(Vec<Wire>),
    Struct(Vec<(String, Wire)>),
    /// Records by reference: the answer of get_all_records, and of event.from the bulk.
    Records(&'static Class, Vec<(Arc<str>, Arc<Record>)>),
}

/// One change, as event.from and event.next tell it.
#[derive(Debug)]
pub struct Event {
    /// Generation of the change; 0 for messages.
    pub id: u64,
    /// `0.0` from event.from, a UNIX time from event.next.
    pub timestamp: String,
    pub class: &'static Class,
    /// `add`, `mod` or `del`.
    pub operation: &'static str,
    pub reference: Arc<str>,
    /// What the object is like now; none when it is gone.
    pub snapshot: Option<Arc<Record>>,
    /// Old hosts name the object by its uuid too.
    pub obj_uuid: bool,
}

impl Event {
    /// The members before the snapshot, in the order of the wire.
    fn texts(&self) -> [(&'static str, String); 5] {
        [
            ("id", self.id.to_string()),
            ("timestamp", self.timestamp.clone()),
            ("class", self.class.lower.clone()),
            ("operation", self.operation.to_owned()),
            ("ref", self.reference.to_string()),
        ]
    }

    /// The uuid to send, if this host sends it.
    fn uuid(&self) -> Option<&str> {
        self.snapshot.as_ref().filter(|_| self.obj_uuid)?.get("uuid")?.as_str()
    }
}

/// An answer grows in pieces: a whole pool may be 100 MB, and one text of that size would be copied again each time it grows.
const PIECE: usize = 256 * 1024;

/// An answer while it is written.
#[derive(Debug, Default)]
pub struct Out {
    pub text: String,
    done: Vec<Bytes>,
}

impl Out {
    /// Starts a new piece when this one is large.
    fn spill(&mut self) {
        if self.text.len() >= PIECE {
            let next = String::with_capacity(PIECE + PIECE / 8);
            self.done.push(std::mem::replace(&mut self.text, next).into());
        }
    }

    /// Returns the answer.
    pub fn finish(mut self) -> Vec<Bytes> {
        self.done.push(self.text.into());
        self.done
    }
}

/// Puts the pieces together.
pub fn whole(pieces: &[Bytes]) -> String {
    pieces.iter().map(|p| String::from_utf8_lossy(p)).collect()
}

/// What a call comes to.
pub type Reply = Result<Wire, Failure>;
