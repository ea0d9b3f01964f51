//! Patterns of values, as clients of Xen Orchestra write them (value-matcher): `{"client": {"id": "a"}}`.

use serde::Deserialize;
use serde_json::Value;

/// A pattern. How deep it is nested is bounded where JSON is read.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Pattern(Value);

impl From<Value> for Pattern {
    fn from(pattern: Value) -> Self {
        Self(pattern)
    }
}

impl Pattern {
    /// Returns whether a value looks like it.
    pub fn matches(&self, value: &Value) -> bool {
        matches(&self.0, Some(value))
    }
}

fn matches(pattern: &Value, value: Option<&Value>) -> bool {
    let Some(value) = value else { return false };
    match pattern {
        Value::Array(wanted) => {
            let Value::Array(values) = value else { return false };
            wanted.iter().all(|wanted| values.iter().any(|value| matches(wanted, Some(value))))
        }
        Value::Object(members) => {
            let only = if members.len() == 1 { members.iter().next() } else { None };
            match only.map(|(name, pattern)| (name.as_str(), pattern)) {
                Some(("__and", Value::Array(all))) => all.iter().all(|pattern| matches(pattern, Some(value))),
                Some(("__or", Value::Array(some))) => some.iter().any(|pattern| matches(pattern, Some(value))),
                Some(("__not", pattern)) => !matches(pattern, Some(value)),
                _ => {
                    let Value::Object(values) = value else { return false };
                    members.iter().all(|(name, pattern)| matches(pattern, values.get(name)))
                }
            }
        }
        plain => plain == value || plain.as_f64().is_some_and(|number| value.as_f64() == Some(number)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn looks_alike() {
        let token =
            json!({ "id": "a", "user_id": "u", "client": { "id": "c" }, "expiration": 5.0, "tags": ["x", "y"] });
        for (pattern, expected) in [
            (json!({ "id": "a" }), true),
            (json!({ "id": "A" }), false),
            (json!({}), true),
            (json!({ "nothing": { "__not": "x" } }), false),
            (json!({ "client": { "id": "c" }, "user_id": "u" }), true),
            (json!({ "client": { "id": "d" }, "user_id": "u" }), false),
            (json!({ "id": { "__or": ["b", "a"] } }), true),
            (json!({ "id": { "__not": "a" } }), false),
            (json!({ "__and": [{ "id": "a" }, { "expiration": 5 }] }), true),
            (json!({ "tags": ["y"] }), true),
            (json!({ "tags": ["y", "z"] }), false),
            (json!({ "tags": { "__not": { "__or": [["z"], ["x"]] } } }), false),
            (json!({ "expiration": "5" }), false),
            (json!({ "__or": "id" }), false),
            (json!(null), false),
        ] {
            assert_eq!(Pattern::from(pattern.clone()).matches(&token), expected, "{pattern}");
        }
    }
}
