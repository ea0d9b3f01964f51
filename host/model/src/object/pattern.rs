//! Two ways to compare with an example: partial deep matching with lodash's rules, for `xo.getAllObjects {filter: {...}}`, and
//! the patterns of `value-matcher`, for the choice of objects in jobs.

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

/// Returns whether a value matches an example by lodash's rules; see [`Object::matches`].
pub fn contains(value: &Value, wanted: &Value) -> bool {
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

/// Returns whether the object matches a pattern of `value-matcher`; see [`pattern_matches`].
pub(super) fn object_pattern_matches(object: &Object, pattern: &Value) -> bool {
    let Value::Object(members) = pattern else { return false };
    match operator(members) {
        Some(Operator::And(parts)) => parts.iter().all(|part| object_pattern_matches(object, part)),
        Some(Operator::Or(parts)) => parts.iter().any(|part| object_pattern_matches(object, part)),
        Some(Operator::Not(part)) => !object_pattern_matches(object, part),
        None => members
            .iter()
            .all(|(name, pattern)| object.field(name).is_some_and(|value| pattern_matches(&value, pattern))),
    }
}

/// Returns whether a value matches a pattern by the rules of Xen Orchestra's `value-matcher`: a list wants an element for each
/// of its own (the same may serve twice), a map wants its members, `__and`, `__or` and `__not` alone in a map combine,
/// anything else wants its equal.
pub fn pattern_matches(value: &Value, pattern: &Value) -> bool {
    match pattern {
        Value::Array(patterns) => value.as_array().is_some_and(|items| {
            patterns.iter().all(|pattern| items.iter().any(|item| pattern_matches(item, pattern)))
        }),
        Value::Object(members) => match operator(members) {
            Some(Operator::And(parts)) => parts.iter().all(|part| pattern_matches(value, part)),
            Some(Operator::Or(parts)) => parts.iter().any(|part| pattern_matches(value, part)),
            Some(Operator::Not(part)) => !pattern_matches(value, part),
            // A list is an object too: `{"0": "a"}`, `{"length": 2}`.
            None => {
                members.iter().all(|(name, pattern)| match value {
                    Value::Object(value) => value.get(name).is_some_and(|value| pattern_matches(value, pattern)),
                    Value::Array(items) if name == "length" => pattern_matches(&items.len().into(), pattern),
                    Value::Array(items) => {
                        let item = name.parse().ok().and_then(|index: usize| items.get(index));
                        item.is_some_and(|item| pattern_matches(item, pattern))
                    }
                    _ => false,
                }) && (value.is_object() || value.is_array())
            }
        },
        Value::Number(wanted) => value.as_f64().is_some() && value.as_f64() == wanted.as_f64(),
        wanted => value == wanted,
    }
}

enum Operator<'a> {
    And(&'a [Value]),
    Or(&'a [Value]),
    Not(&'a Value),
}

fn operator(members: &Map<String, Value>) -> Option<Operator<'_>> {
    let (name, value) = members.iter().next().filter(|_| members.len() == 1)?;
    match name.as_str() {
        "__and" => value.as_array().map(|parts| Operator::And(parts)),
        "__or" => value.as_array().map(|parts| Operator::Or(parts)),
        "__not" => Some(Operator::Not(value)),
        _ => None,
    }
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
