//! Takes the records out of an answer while it arrives, so that it never stands in memory as a whole.
//!
//! The answer to `event.from`, or to `get_all_records`, is one long list inside of a small envelope. A splitter knows the
//! way to that list, finds where each element begins and ends, and hands it out as a piece of text; what remains is the
//! envelope with an empty list, which is read like any other answer. So failures and old shapes need nothing special.
//!
//! ```text
//!   {"result":{"events":[ {..}, {..}, {..} ],"token":"7,0"},"id":0}
//!                         ^^^^  ^^^^  ^^^^                             handed out one by one
//!   {"result":{"events":[              ],"token":"7,0"},"id":0}       the rest
//! ```
//!
//! Finding the ends is a scan for quotes and brackets, several times faster than decoding what stands between them.

mod json;
mod xml;

use crate::rpc::Dialect;

/// The largest element. The largest records known have some 20 KiB.
const MAX_ELEMENT: usize = 16 << 20;
/// The largest envelope. It holds a count for each class, or an error.
const MAX_REST: usize = 1 << 20;

/// Where the list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `events` of the result, an array.
    Events,
    /// The result itself, a struct of records by reference.
    Table,
}

/// Splits one answer.
pub(crate) struct Splitter {
    scan: Scan,
    /// The beginning of an element whose end has not arrived.
    begun: Vec<u8>,
}

enum Scan {
    Json(json::Scan),
    Xml(xml::Scan),
}

impl Splitter {
    pub(crate) fn new(dialect: Dialect, place: Place) -> Self {
        let scan = match dialect {
            Dialect::Json => Scan::Json(json::Scan::new(place)),
            Dialect::Xml => Scan::Xml(xml::Scan::new(place)),
        };
        Self { scan, begun: Vec::new() }
    }

    /// Takes the next piece of the answer and hands out each element that is complete now.
    pub(crate) fn feed<E>(&mut self, piece: &[u8], each: &mut E) -> Result<(), String>
    where
        E: FnMut(&[u8]) -> Result<(), String>,
    {
        if self.begun.is_empty() {
            let done = self.scan.run(piece, each)?;
            self.begun.extend_from_slice(&piece[done..]);
        } else {
            self.begun.extend_from_slice(piece);
            let done = self.scan.run(&self.begun, each)?;
            self.begun.drain(..done);
        }
        if self.begun.len() > MAX_ELEMENT {
            return Err(format!("a record of more than {MAX_ELEMENT} bytes"));
        }
        Ok(())
    }

    /// Returns the envelope. What is incomplete there shows when it is read.
    pub(crate) fn finish(self) -> Vec<u8> {
        let mut rest = match self.scan {
            Scan::Json(scan) => scan.rest,
            Scan::Xml(scan) => scan.rest,
        };
        rest.extend_from_slice(&self.begun);
        rest
    }
}

impl Scan {
    fn run<E>(&mut self, bytes: &[u8], each: &mut E) -> Result<usize, String>
    where
        E: FnMut(&[u8]) -> Result<(), String>,
    {
        match self {
            Self::Json(scan) => scan.run(bytes, each),
            Self::Xml(scan) => scan.run(bytes, each),
        }
    }
}

/// Adds to the envelope.
fn keep(rest: &mut Vec<u8>, bytes: &[u8]) -> Result<(), String> {
    if rest.len() + bytes.len() > MAX_REST {
        return Err("too much that is no record".to_owned());
    }
    rest.extend_from_slice(bytes);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rpc::Answer;
    use crate::value::Value;
    use crate::xmlrpc;

    /// Splits an answer that comes in pieces of this size.
    fn split(dialect: Dialect, place: Place, answer: &str, size: usize) -> Result<(Vec<String>, String), String> {
        let mut splitter = Splitter::new(dialect, place);
        let mut elements = Vec::new();
        for piece in answer.as_bytes().chunks(size) {
            splitter.feed(piece, &mut |element| {
                elements.push(String::from_utf8_lossy(element).into_owned());
                Ok(())
            })?;
        }
        Ok((elements, String::from_utf8_lossy(&splitter.finish()).into_owned()))
    }

    #[test]
    fn lists_are_found_and_taken_apart() {
        use Dialect::{Json, Xml};
        use Place::{Events, Table};
        let wrap = |value: &str| format!("<methodResponse><params><param>{value}</param></params></methodResponse>");
        let member = |name: &str, value: &str| format!("<member><name>{name}</name>{value}</member>");
        let record = |members: &[String]| format!("<value><struct>{}</struct></value>", members.concat());
        let array = |items: &str| format!("<value><array><data>{items}</data></array></value>");
        let success =
            |value: &str| wrap(&record(&[member("Status", "<value>Success</value>"), member("Value", value)]));
        let token = member("token", "<value>7</value>");
        let one = "<value><struct><member><name>events</name><value><array><data><value>x</value></data></array></value></member></struct></value>";
        let entry = member("OpaqueRef:1", one);
        let cases: Vec<(Dialect, Place, String, Vec<&str>, String)> = vec![
            (
                Json,
                Events,
                r#"{"jsonrpc":"2.0","result":{"events":[ {"a":"]}\""} , {"b":[1,{}]}],"n":{"events":[1,2]},"token":"7"},"id":0}"#.to_owned(),
                vec![r#" {"a":"]}\""} "#, r#" {"b":[1,{}]}"#],
                r#"{"jsonrpc":"2.0","result":{"events":[],"n":{"events":[1,2]},"token":"7"},"id":0}"#.to_owned(),
            ),
            (
                Json,
                Events,
                r#"{"id":0,"events":[9],"result":{"token":"events","x":["events"],"events":[]}}"#.to_owned(),
                vec![],
                r#"{"id":0,"events":[9],"result":{"token":"events","x":["events"],"events":[]}}"#.to_owned(),
            ),
            (
                Json,
                Table,
                r#"{"result":{"OpaqueRef:1":{"a":1},"OpaqueRef:2":{}},"error":null,"id":0}"#.to_owned(),
                vec![r#""OpaqueRef:1":{"a":1}"#, r#""OpaqueRef:2":{}"#],
                r#"{"result":{},"error":null,"id":0}"#.to_owned(),
            ),
            (
                Json,
                Events,
                r#"{"result":null,"error":["SESSION_INVALID","x"],"id":0}"#.to_owned(),
                vec![],
                r#"{"result":null,"error":["SESSION_INVALID","x"],"id":0}"#.to_owned(),
            ),
            (
                Xml,
                Events,
                success(&record(&[member("events", &array(&format!("{one}<value/> <value>a<!-- </value> --></value>"))), token.clone()])),
                vec![one, "<value/>", "<value>a<!-- </value> --></value>"],
                success(&record(&[member("events", &array(" ")), token.clone()])),
            ),
            (
                Xml,
                Events,
                success(&record(&[token.clone(), member("events", &array(""))])),
                vec![],
                success(&record(&[token, member("events", &array(""))])),
            ),
            (
                Xml,
                Table,
                success(&record(&[entry.clone(), entry.clone()])),
                vec![&entry, &entry],
                success(&record(&[])),
            ),
        ];
        for (dialect, place, answer, elements, rest) in &cases {
            for size in [1, 2, 3, 7, 64, usize::MAX] {
                let got = split(*dialect, *place, answer, size);
                let want = elements.iter().map(|element| (*element).to_owned()).collect();
                assert_eq!(got, Ok((want, rest.clone())), "{answer} by {size}");
            }
        }
    }

    #[test]
    fn what_is_too_large_is_refused() {
        for dialect in [Dialect::Json, Dialect::Xml] {
            let mut splitter = Splitter::new(dialect, Place::Events);
            let noise = vec![b'x'; 64 << 10];
            let outcome = (0..MAX_REST / noise.len() + 1).try_for_each(|_| splitter.feed(&noise, &mut |_| Ok(())));
            assert!(outcome.is_err());
        }
        let mut splitter = Splitter::new(Dialect::Json, Place::Events);
        splitter.feed(b"{\"result\":{\"events\":[\"", &mut |_| Ok(())).expect("fine so far");
        let noise = vec![b'x'; 1 << 20];
        let outcome = (0..17).try_for_each(|_| splitter.feed(&noise, &mut |_| Ok(())));
        assert!(outcome.is_err());
    }

    fn events() -> impl Strategy<Value = Vec<Value>> {
        let text = "[ -~\t\n\ré€]{0,12}";
        let leaf = prop_oneof![any::<bool>().prop_map(Value::from), text.prop_map(Value::from)];
        let value = leaf.prop_recursive(4, 32, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                prop::collection::vec((text, inner), 0..6).prop_map(Value::record),
            ]
        });
        prop::collection::vec(value, 0..6)
    }

    proptest! {
        #[test]
        fn splitting_and_reading_is_reading(events in events(), size in 1usize..200) {
            let result = Value::record([("events", Value::Array(events.clone())), ("token", "7".into())]);
            let empty = Value::record([("events", Value::Array(vec![])), ("token", "7".into())]);
            let json = format!("{{\"result\":{}}}", serde_json::to_string(&result).expect("JSON"));
            let mut xml = "<methodResponse><params><param>".to_owned();
            let wrapped = Value::record([("Status", "Success".into()), ("Value", result)]);
            xmlrpc::encode_value(&mut xml, &wrapped).expect("only characters XML has");
            xml.push_str("</param></params></methodResponse>");
            for (dialect, answer) in [(Dialect::Json, json), (Dialect::Xml, xml)] {
                let (elements, rest) = split(dialect, Place::Events, &answer, size).expect("an answer");
                let read: Vec<Value> = elements.iter().map(|element| match dialect {
                    Dialect::Json => crate::json::parse(element.as_bytes()).expect("JSON"),
                    Dialect::Xml => xmlrpc::decode_value(element).expect("XML"),
                }).collect();
                prop_assert_eq!(&read, &events);
                prop_assert_eq!(dialect.decode(rest.as_bytes()), Ok(Answer::Success(empty.clone())));
            }
        }

        #[test]
        fn damage_never_panics(noise in prop::collection::vec(any::<u8>(), 0..200), at in 0usize..60, cut in any::<bool>()) {
            let mut json = br#"{"result":{"events":[{"a":["x"]},{"b":"y"}],"token":"7"},"id":0}"#.to_vec();
            let mut xml = b"<methodResponse><params><param><value><struct><member><name>Value</name><value><struct>".to_vec();
            for (dialect, answer) in [(Dialect::Json, &mut json), (Dialect::Xml, &mut xml)] {
                answer.splice(at..if cut { answer.len() } else { at }, noise.iter().copied());
                let mut splitter = Splitter::new(dialect, Place::Events);
                let outcome = answer.chunks(7).try_for_each(|piece| splitter.feed(piece, &mut |_| Ok(())));
                if outcome.is_ok() {
                    let _ = dialect.decode(&splitter.finish());
                }
            }
        }
    }
}
