//! What of a call goes into the log: no secrets, and no more than fits.

use serde_json::{Map, Value};

/// Longest text in a record, in characters, and largest record, in bytes. Parameters may have megabytes: the store would
/// fill, or refuse the record, and then nobody would know who did it.
const MAX_TEXT: usize = 1_000;
const MAX_DATA: usize = 64 << 10;

/// Returns data that fits into a record: long texts are cut, and where that is not enough, what was called is what stays.
pub(crate) fn bounded(mut data: Value) -> Value {
    cut(&mut data);
    let size = data.to_string().len();
    if size <= MAX_DATA {
        return data;
    }
    let mut left = Map::from_iter([("omitted".to_owned(), Value::from(size))]);
    for name in ["method", "error", "duration"] {
        left.extend(data.get_mut(name).map(|value| (name.to_owned(), value.take())));
    }
    Value::Object(left)
}

fn cut(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some((end, _)) = text.char_indices().nth(MAX_TEXT) {
                text.truncate(end);
                text.push('…');
            }
        }
        Value::Array(values) => values.iter_mut().for_each(cut),
        Value::Object(members) => members.values_mut().for_each(cut),
        _ => {}
    }
}

/// Returns parameters as they may be written down: without what names itself a secret.
pub fn mask_params(params: &Map<String, Value>) -> Value {
    mask(&Value::Object(params.clone()))
}

fn mask(value: &Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, value)| {
                    // A plugin's schema decides what is secret in its configuration and test data, so all of it stays out.
                    let masked = if matches!(name.as_str(), "configuration" | "data")
                        || names_secret(name) && value.is_string()
                    {
                        Value::String("* obfuscated *".to_owned())
                    } else {
                        mask(value)
                    };
                    (name.clone(), masked)
                })
                .collect(),
        ),
        Value::Array(values) => Value::Array(values.iter().map(mask).collect()),
        other => other.clone(),
    }
}

fn names_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    ["password", "secret", "token", "passphrase", "encryptionkey", "otp", "httpproxy"]
        .iter()
        .any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_is_bounded_and_still_says_what_was_called() {
        let long = bounded(json!({ "method": "vm.set", "params": { "id": "ä".repeat(5_000_000) } }));
        assert_eq!(long["method"], "vm.set");
        assert_eq!(long["params"]["id"].as_str().unwrap().chars().count(), MAX_TEXT + 1);
        let many = bounded(json!({ "method": "user.set", "params": vec![1; 1_000_000], "error": { "code": 2 } }));
        assert_eq!(many, json!({ "method": "user.set", "error": { "code": 2 }, "omitted": 2_000_051 }));
        let small = json!({ "method": "a", "params": [1, 2] });
        assert_eq!(bounded(small.clone()), small);
    }

    #[test]
    fn masks_secrets_at_any_depth() {
        let masked = mask(&json!({
            "user": "a", "Password": "b", "list": [{ "clientSecret": "c" }], "token": "d", "httpProxy": "http://me:e@p",
        }));
        let text = masked.to_string();
        assert!(!text.contains("\"b\"") && !text.contains("\"c\"") && !text.contains("\"d\""), "{text}");
        assert!(text.contains("\"a\"") && !text.contains("me:e@p"), "{text}");
    }
}
