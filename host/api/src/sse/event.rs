//! What is told of a change to those who subscribed to a collection.

use app::alarm;
use bytes::Bytes;
use inventory::Snapshot;
use model::{Kind, Object};
use serde_json::{Value, json};

use super::client::Fields;
use crate::listing::append_json;

/// What happened, as a client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kinds {
    Add,
    Update,
    Remove,
}

impl Kinds {
    fn word(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Update => "update",
            Self::Remove => "remove",
        }
    }
}

/// Returns whether an object is in a collection: one of a type, but for messages, some of which are alarms.
pub(super) fn is_in(collection: &str, object: &Object) -> bool {
    match object.kind() {
        Kind::Message => collection == if alarm::is_alarm(object) { "alarm" } else { "message" },
        // `task` is our own.
        Kind::Task => false,
        kind => collection == kind.as_str(),
    }
}

/// Returns the event of an object that a client saw in one state and sees in another; none where nothing is to be told.
pub(super) fn of_object(
    at: &Snapshot,
    collection: &str,
    fields: &Fields,
    before: Option<&Object>,
    after: Option<&Object>,
) -> Option<Bytes> {
    let data = |object: &Object| {
        let mut out = Vec::new();
        if collection == "alarm" {
            append_json(&picked(alarm::view(at, object).unwrap_or_default(), collection, fields), &mut out);
        } else {
            append_json(&object.view(fields.as_deref(), &[("$subscription", collection)]), &mut out);
        }
        out
    };
    let before = before.filter(|object| is_in(collection, object));
    let after = after.filter(|object| is_in(collection, object));
    match (before, after) {
        (None, None) => None,
        (None, Some(after)) => Some(text(Kinds::Add, &data(after))),
        (Some(before), None) => Some(text(Kinds::Remove, &data(before))),
        (Some(before), Some(after)) => {
            let now = data(after);
            // Nothing that was asked for has changed.
            (fields.is_none() || data(before) != now).then(|| text(Kinds::Update, &now))
        }
    }
}

/// Returns the event of a record: a task of ours.
pub(super) fn of_record(kind: Kinds, collection: &str, fields: &Fields, record: Value) -> Bytes {
    let mut data = Vec::new();
    append_json(&picked(record, collection, fields), &mut data);
    text(kind, &data)
}

fn picked(mut record: Value, collection: &str, fields: &Fields) -> Value {
    if let Value::Object(members) = &mut record {
        if let Some(fields) = fields {
            members.retain(|name, _| fields.contains(name));
        }
        members.insert("$subscription".to_owned(), json!(collection));
    }
    record
}

/// Returns an event without its id.
pub(super) fn text(kind: Kinds, data: &[u8]) -> Bytes {
    [b"event: ", kind.word().as_bytes(), b"\ndata: ", data, b"\n\n"].concat().into()
}

#[cfg(test)]
mod tests {
    use model::object::{Head, Message};

    use super::*;

    fn message(name: &str, body: &str) -> Object {
        Object::from(Message {
            head: Head::new("m".into(), Kind::Message, "p".into(), "r".into()),
            name: name.into(),
            body: body.into(),
            time: Some(1),
            object: "o".into(),
        })
    }

    fn told(collection: &str, fields: &[&str], before: Option<&Object>, after: Option<&Object>) -> String {
        let fields = (!fields.is_empty()).then(|| fields.iter().map(|name| (*name).to_owned()).collect());
        let event = of_object(&Snapshot::default(), collection, &fields, before, after);
        event.map_or_else(|| "-".to_owned(), |bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn changes_are_told_to_who_asked_for_them() {
        let (one, two, alarm) = (message("A", "1"), message("A", "2"), message("ALARM", "1"));
        let event = |kind: &str, data: &str| format!("event: {kind}\ndata: {data}\n\n");
        let data = r#"{"body":"1","$subscription":"message"}"#;
        assert_eq!(told("message", &["body"], None, Some(&one)), event("add", data));
        assert_eq!(told("message", &["body"], Some(&one), None), event("remove", data));
        assert_eq!(told("message", &["name"], Some(&one), Some(&two)), "-");
        let data = r#"{"name":"A","body":"2","$subscription":"message"}"#;
        assert_eq!(told("message", &["name", "body"], Some(&one), Some(&two)), event("update", data));
        // A message that becomes an alarm goes from one collection to the other.
        assert!(told("message", &[], Some(&one), Some(&alarm)).starts_with("event: remove\n"));
        assert!(told("alarm", &[], Some(&one), Some(&alarm)).starts_with("event: add\n"));
        assert_eq!(told("VM", &[], Some(&one), Some(&two)), "-");
    }
}
