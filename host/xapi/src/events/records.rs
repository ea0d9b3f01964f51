//! Calls that bring records by the thousand: read and decoded while they arrive.
//!
//! ```text
//!   socket --pieces, 4--> splitter, decoder (a thread that may block) --batches, 4--> the reader
//! ```
//!
//! Both queues are short, because they only smooth the work out: what is on the way is at most four pieces of some 400 KiB
//! and four batches of 64 records, however large the pool is. A slow reader slows the host down. Small answers, which are
//! nearly all after the first, are decoded on the spot.

use std::time::Instant;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::events::Delta;
use crate::exchange::{LARGE, encode, told};
use crate::json::{self, RawEvent};
use crate::key::{Fields, Names};
use crate::rpc::Dialect;
use crate::split::{Place, Splitter};
use crate::transport::Incoming;
use crate::{Connection, Error, Value, xmlrpc};

/// Pieces of an answer between the socket and the decoder.
const PIECES: usize = 4;
/// Batches of records between the decoder and the reader.
pub(crate) const BATCHES: usize = 4;
/// Records handed over at once, so that nobody is woken for each of them.
const BATCH: usize = 64;
/// Events without a record in one answer. XAPI leaves records out when it has lost them in between, which is rare.
const MAX_BARE: usize = 10_000;

/// Where records go as they come; without it they are collected.
pub(crate) type Sink = mpsc::Sender<Vec<Delta>>;

/// What came beside the records that went to the sink.
pub(crate) struct Answered {
    /// The records, when nobody took them.
    pub deltas: Vec<Delta>,
    /// Objects that were touched, but whose record did not come along.
    pub bare: Vec<(&'static str, Box<str>)>,
    /// The result without its records.
    pub rest: Value,
}

/// A call that brings records.
pub(crate) struct Call<'a> {
    pub method: &'a str,
    /// Without the session.
    pub params: Vec<Value>,
    pub place: Place,
    /// Classes that are wanted, in exact case. For a table, the class of its records.
    pub classes: &'a [&'static str],
    /// Fields of records that are kept.
    pub fields: Fields,
    /// Until the answer begins.
    pub limit: std::time::Duration,
}

impl Connection {
    /// Makes a call with the present session, whatever becomes of it.
    pub(crate) async fn records(&self, call: Call<'_>, sink: Option<&Sink>) -> Result<Answered, Error> {
        let Call { method, mut params, place, classes, fields, limit } = call;
        let (transport, dialect) = (self.transport(), self.dialect());
        let session = self.admit(method)?;
        params.insert(0, session.expose().into());
        let body = encode(dialect, method, &params)?;
        let start = Instant::now();
        let outcome = async {
            let max = self.timeouts().max_load;
            let (path, content_type) = (dialect.path(), dialect.content_type());
            let incoming = transport.begin(path, content_type, method, body, limit, max).await?;
            if incoming.status() != 200 {
                return Err(Error::Status { method: method.to_owned(), status: incoming.status() });
            }
            let reader = Reader::new(dialect, place, classes, fields);
            let (reader, rest) = self.read(method, incoming, reader, sink).await?;
            let answer = dialect.decode(&rest).map_err(|reason| malformed(method, &reason))?;
            let rest = answer.into_result(method, &session)?;
            Ok(Answered { deltas: reader.ready, bare: reader.bare, rest })
        }
        .await;
        told(transport, method, start, outcome.as_ref().err());
        outcome
    }

    /// Reads an answer to its end and returns the envelope.
    async fn read(
        &self,
        method: &str,
        mut incoming: Incoming,
        mut reader: Reader,
        sink: Option<&Sink>,
    ) -> Result<(Reader, Vec<u8>), Error> {
        let stall = self.timeouts().stall;
        let (mut begun, mut size) = (Vec::new(), 0);
        let large = loop {
            match incoming.piece(stall).await? {
                Some(piece) => {
                    size += piece.len();
                    begun.push(piece);
                    if size > LARGE {
                        break true;
                    }
                }
                None => break false,
            }
        };
        if !large {
            let rest = reader.take(begun).and_then(|()| reader.finish());
            let rest = rest.map_err(|reason| malformed(method, &reason))?;
            if let Some(sink) = sink
                && !reader.ready.is_empty()
            {
                // A reader that has gone does not want the rest either.
                let _ = sink.send(std::mem::take(&mut reader.ready)).await;
            }
            return Ok((reader, rest));
        }
        let (pieces, mut arriving) = mpsc::channel::<Bytes>(PIECES);
        let sink = sink.cloned();
        let decoding = tokio::task::spawn_blocking(move || {
            reader.take(begun)?;
            reader.hand_over(sink.as_ref(), BATCH)?;
            while let Some(piece) = arriving.blocking_recv() {
                reader.take([piece])?;
                reader.hand_over(sink.as_ref(), BATCH)?;
            }
            let rest = reader.finish()?;
            reader.hand_over(sink.as_ref(), 1)?;
            Ok((reader, rest))
        });
        // A decoder that has stopped says why at its end.
        while let Some(piece) = incoming.piece(stall).await? {
            if pieces.send(piece).await.is_err() {
                break;
            }
        }
        drop(pieces);
        let outcome = decoding.await.unwrap_or_else(|error| Err(error.to_string()));
        outcome.map_err(|reason| malformed(method, &reason))
    }
}

/// Makes records of the pieces of one answer.
struct Reader {
    dialect: Dialect,
    place: Place,
    classes: Vec<&'static str>,
    splitter: Option<Splitter>,
    names: Names,
    ready: Vec<Delta>,
    bare: Vec<(&'static str, Box<str>)>,
}

impl Reader {
    fn new(dialect: Dialect, place: Place, classes: &[&'static str], fields: Fields) -> Self {
        Self {
            dialect,
            place,
            classes: classes.to_vec(),
            splitter: Some(Splitter::new(dialect, place)),
            names: Names::new(fields),
            ready: Vec::new(),
            bare: Vec::new(),
        }
    }

    fn take(&mut self, pieces: impl IntoIterator<Item = Bytes>) -> Result<(), String> {
        let Some(mut splitter) = self.splitter.take() else { return Ok(()) };
        for piece in pieces {
            splitter.feed(&piece, &mut |element| self.element(element))?;
        }
        self.splitter = Some(splitter);
        Ok(())
    }

    fn finish(&mut self) -> Result<Vec<u8>, String> {
        Ok(self.splitter.take().map(Splitter::finish).unwrap_or_default())
    }

    /// Gives what is ready to the sink, when it is at least this much.
    fn hand_over(&mut self, sink: Option<&Sink>, least: usize) -> Result<(), String> {
        let Some(sink) = sink else { return Ok(()) };
        if self.ready.len() < least {
            return Ok(());
        }
        let mut ready = std::mem::take(&mut self.ready).into_iter();
        while ready.len() > 0 {
            let batch: Vec<Delta> = ready.by_ref().take(BATCH).collect();
            sink.blocking_send(batch).map_err(|_| "nobody reads any more".to_owned())?;
        }
        Ok(())
    }

    fn element(&mut self, element: &[u8]) -> Result<(), String> {
        let names = &mut self.names;
        let change = match (self.place, self.dialect) {
            (Place::Events, Dialect::Json) => change(json::parse_event(element, names)?, &self.classes)?,
            (Place::Events, Dialect::Xml) => change(xmlrpc::parse_event(element, names)?, &self.classes)?,
            (Place::Table, dialect) => {
                let (reference, record) = match dialect {
                    Dialect::Json => json::parse_entry(element, names),
                    Dialect::Xml => xmlrpc::parse_entry(element, names),
                }?;
                let class = self.classes.first().copied().unwrap_or_default();
                Change::Whole(Delta::Apply { class: class.into(), reference, record })
            }
        };
        match change {
            Change::Whole(delta) => self.ready.push(delta),
            Change::Bare { class, reference } if self.bare.len() < MAX_BARE => self.bare.push((class, reference)),
            Change::Bare { .. } => return Err(format!("more than {MAX_BARE} events without a record")),
            Change::Foreign => {}
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq)]
enum Change {
    Whole(Delta),
    /// The object was touched, but its record did not come along.
    Bare {
        class: &'static str,
        reference: Box<str>,
    },
    /// Of a class nobody asked for.
    Foreign,
}

/// Finds out what an event means. XAPI sends class names in lower case.
fn change(event: RawEvent, classes: &[&'static str]) -> Result<Change, String> {
    let RawEvent { class: Some(class), operation: Some(operation), reference: Some(reference), snapshot } = event
    else {
        return Err("an event without class, operation or ref".to_owned());
    };
    let Some(class) = classes.iter().find(|known| known.eq_ignore_ascii_case(&class)) else {
        return Ok(Change::Foreign);
    };
    if &*operation == "del" {
        return Ok(Change::Whole(Delta::Delete { class: (*class).into(), reference }));
    }
    Ok(match snapshot {
        Some(record @ Value::Struct(_)) => Change::Whole(Delta::Apply { class: (*class).into(), reference, record }),
        _ => Change::Bare { class, reference },
    })
}

pub(crate) fn malformed(method: &str, reason: &str) -> Error {
    Error::Protocol { method: method.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: &[&str] = &["VM_guest_metrics", "VM"];

    /// Reads one event in both dialects.
    fn read(event: &Value) -> [Result<Change, String>; 2] {
        read_fields(event, None)
    }

    fn read_fields(event: &Value, fields: Fields) -> [Result<Change, String>; 2] {
        let json = serde_json::to_vec(event).expect("JSON");
        let mut xml = String::new();
        xmlrpc::encode_value(&mut xml, event).expect("only characters XML has");
        let mut names = Names::new(fields);
        [json::parse_event(&json, &mut names), xmlrpc::parse_event(xml.as_bytes(), &mut names)]
            .map(|event| change(event?, CLASSES))
    }

    #[test]
    fn changes() {
        let event = |class: &str, operation: &str, snapshot: Option<Value>| {
            let mut members: Vec<(&str, Value)> = vec![
                ("id", "1".into()),
                ("class", class.into()),
                ("operation", operation.into()),
                ("timestamp", "0.0".into()),
                ("ref", "r".into()),
            ];
            members.extend(snapshot.map(|snapshot| ("snapshot", snapshot)));
            read(&Value::record(members)).map(Result::ok)
        };
        let record = Value::record([("uuid", Value::from("u")), ("other_config", Value::record([("uuid", "x")]))]);
        let whole = || {
            Change::Whole(Delta::Apply {
                class: "VM_guest_metrics".into(),
                reference: "r".into(),
                record: record.clone(),
            })
        };
        assert_eq!(event("vm_guest_metrics", "mod", Some(record.clone())), [Some(whole()), Some(whole())]);
        let gone = || Some(Change::Whole(Delta::Delete { class: "VM".into(), reference: "r".into() }));
        assert_eq!(event("vm", "del", None), [gone(), gone()]);
        let bare = || Some(Change::Bare { class: "VM", reference: "r".into() });
        assert_eq!(event("vm", "add", None), [bare(), bare()]);
        assert_eq!(event("session", "add", None), [Some(Change::Foreign), Some(Change::Foreign)]);
        assert!(read(&Value::record([("class", "vm")])).iter().all(Result::is_err));
        assert!(read(&Value::Nil).iter().all(Result::is_err));
    }

    #[test]
    fn fields_that_nobody_reads() {
        let other = Value::record([("recommendations", "x")]);
        let long = "a name that is longer than those which are shared".repeat(2);
        let record =
            Value::record([("uuid", Value::from("u")), ("recommendations", "<x/>".into()), (&*long, 1.into())]);
        let snapshot = |mut record: Value, other: &Value| {
            let Value::Struct(members) = &mut record else { unreachable!("made above") };
            members.push(("other_config".into(), other.clone()));
            members.push(("address".into(), "read by us".into()));
            record
        };
        let event = Value::record([
            ("class", Value::from("vm")),
            ("operation", "add".into()),
            ("ref", "r".into()),
            ("snapshot", snapshot(record, &other)),
        ]);
        // What stands in a field that is read stays as it is, whatever its names.
        let kept = snapshot(Value::record([("uuid", "u")]), &other);
        for change in read_fields(&event, Some(&["other_config", "uuid"])) {
            let Ok(Change::Whole(Delta::Apply { record, .. })) = change else { panic!("{change:?}") };
            assert_eq!(record, kept);
        }
    }

    #[test]
    fn bare_numbers_in_a_record() {
        let event = br#"{"class":"vm","operation":"mod","ref":"r","snapshot":{"a":NaN,"b":[-Infinity]}}"#;
        let event = json::parse_event(event, &mut Names::new(None)).expect("an event");
        assert_eq!(event.snapshot, Some(Value::record([("a", Value::from("NaN")), ("b", vec!["-Infinity"].into())])));
        let entry = json::parse_entry(br#" "Opaque\u0052ef:1" : {"a":1} "#, &mut Names::new(None));
        assert_eq!(entry, Ok(("OpaqueRef:1".into(), Value::record([("a", 1)]))));
    }
}
