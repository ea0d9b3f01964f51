//! Pools for tests: JSON of the shape `{class: {reference: record}}` into a picture.

use model::{Object, ServerId};
use serde_json::Value as Json;
use xapi::{Delta, Value};

use crate::{Inventory, Loaded, Snapshot, Writer};

/// A small pool of a recent release, with something of everything.
pub(crate) fn modern() -> Json {
    serde_json::from_str(include_str!("modern.json")).expect("the fixture is JSON")
}

/// A state of a real pool, recorded by others; see the note beside the data.
pub(crate) fn recorded(name: &str) -> Json {
    let path = format!("{}/../../tests/xapi-sim/data/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).expect("the dump is JSON")
}

pub(crate) fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => number.as_i64().map_or_else(|| number.as_f64().expect("a number").into(), Value::from),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::Array(items.iter().map(value).collect()),
        Json::Object(members) => Value::record(members.iter().map(|(name, json)| (name.as_str(), value(json)))),
    }
}

fn records(pool: &Json) -> impl Iterator<Item = (&str, &str, &Json)> {
    let classes = pool.as_object().expect("classes");
    classes.iter().flat_map(|(class, records)| {
        let records = records.as_object().expect("records");
        records.iter().map(move |(reference, record)| (class.as_str(), reference.as_str(), record))
    })
}

pub(crate) fn load(writer: &mut Writer, pool: &Json) -> Result<Loaded, crate::Error> {
    writer.begin();
    for (class, reference, record) in records(pool) {
        writer.load(class, reference, &value(record));
    }
    writer.finish()
}

/// Returns a picture with this pool, and its writer.
pub(crate) fn connected(pool: &Json) -> (Inventory, Writer) {
    let inventory = Inventory::new();
    let mut writer = inventory.writer(ServerId::from("server-1"));
    load(&mut writer, pool).expect("loads");
    (inventory, writer)
}

/// Returns a record to change.
pub(crate) fn record<'a>(pool: &'a mut Json, class: &str, name: &str) -> &'a mut Json {
    &mut pool[class][format!("OpaqueRef:{name}")]
}

/// Returns the event that brings a record of the pool.
pub(crate) fn apply(pool: &Json, class: &str, name: &str) -> Delta {
    let reference = format!("OpaqueRef:{name}");
    let record = value(&pool[class][&reference]);
    Delta::Apply { class: class.into(), reference: reference.into(), record }
}

/// Returns the event that takes a record away.
pub(crate) fn delete(class: &str, name: &str) -> Delta {
    Delta::Delete { class: class.into(), reference: format!("OpaqueRef:{name}").into() }
}

/// Returns an object by its reference, as clients see it.
pub(crate) fn public(snapshot: &Snapshot, name: &str) -> Json {
    let object: &Object = snapshot.by_ref(&format!("OpaqueRef:{name}")).unwrap_or_else(|| panic!("no {name}"));
    serde_json::from_str(&object.to_json()).expect("objects are JSON")
}
