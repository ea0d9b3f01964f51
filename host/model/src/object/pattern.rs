//! Partial deep matching with lodash's rules, for `xo.getAllObjects {filter: {...}}`.

use serde_json::{Map, Value};

use super::Object;

/// Returns whether the object has everything the pattern asks for.
pub(super) fn object_matches(object: &Object, pattern: &Value) -> bool {
    let Value::Object(pattern) = pattern else {
        // lodash compares the keys of the source: null, numbers and booleans have none; neither has an empty list or text.
        return match pattern {
            Value::Array(items) => items.is_empty(),
            Value::String(text) => text.is_empty(),
            _ => true,
        };
    };
    // The common properties are compared in place; a mismatch there spares the walk through all the others.
    pattern.iter().all(|(name, wanted)| match name.as_str() {
        "id" => wanted.as_str() == Some(object.id().as_str()),
        "uuid" => wanted.as_str() == Some(object.uuid()),
        "type" => wanted.as_str() == Some(object.kind().as_str()),
        "$pool" | "$poolId" => wanted.as_str() == Some(object.pool().as_str()),
        _ => object.field(name).is_some_and(|value| contains(&value, wanted)),
    })
}

fn contains(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Object(value), Value::Object(wanted)) => map_contains(value, wanted),
        (Value::Array(value), Value::Array(wanted)) => list_contains(value, wanted),
        (Value::Number(value), Value::Number(wanted)) => value == wanted || value.as_f64() == wanted.as_f64(),
        (value, wanted) => value == wanted,
    }
}

fn map_contains(value: &Map<String, Value>, wanted: &Map<String, Value>) -> bool {
    wanted.iter().all(|(name, wanted)| value.get(name).is_some_and(|value| contains(value, wanted)))
}

/// Each wanted element needs an element of its own: `["a", "a"]` is not in `["a"]`.
fn list_contains(value: &[Value], wanted: &[Value]) -> bool {
    if wanted.len() > value.len() {
        return false;
    }
    let mut taken = vec![false; value.len()];
    wanted.iter().all(|wanted| {
        let found = (0..value.len()).find(|&index| !taken[index] && contains(&value[index], wanted));
        if let Some(index) = found {
            taken[index] = true;
        }
        found.is_some()
    })
}
