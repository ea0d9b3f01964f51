//! The audit log: an append-only record of who did what. (The hash chain over it comes with the issue about rights.)

use model::{Caller, Millis};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::{Expect, Table};
use tracing::error;

use crate::ctx::{App, Ctx};

/// One line of the audit log.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// When, in milliseconds since the Unix epoch.
    pub time: Millis,
    /// What, such as "apiCall", "signInFailed", "plugin.denied".
    pub event: String,
    /// Who, in words: "user admin", "plugin auth-ldap".
    pub subject: String,
    /// Id of the account, if one was behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Address of the client, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_ip: Option<String>,
    /// Details; secrets are masked before they get here.
    pub data: Value,
}

/// Longest text in a record, in characters, and largest record, in bytes. Parameters may have megabytes: the store would
/// fill, or refuse the record, and then nobody would know who did it.
const MAX_TEXT: usize = 1_000;
const MAX_DATA: usize = 64 << 10;

impl Ctx {
    /// Appends a line about this call. A log that cannot be written is told to the operator; the call goes on.
    pub async fn audit(&self, event: &str, data: Value) {
        let record = Record {
            time: self.app.clock.now(),
            event: event.to_owned(),
            subject: self.caller.to_string(),
            user_id: self.caller.principal().map(|principal| principal.id.to_string()),
            user_ip: self.address.map(|address| address.to_string()),
            data,
        };
        self.app.append_audit(record).await;
    }
}

impl App {
    /// Appends a line that no call stands behind.
    pub(crate) async fn audit_as(&self, caller: &Caller, event: &str, data: Value) {
        let record = Record {
            time: self.clock.now(),
            event: event.to_owned(),
            subject: caller.to_string(),
            user_id: None,
            user_ip: None,
            data,
        };
        self.append_audit(record).await;
    }

    async fn append_audit(&self, mut record: Record) {
        record.data = bounded(record.data);
        // Version 7 ids sort by time: the key order is the order of the log.
        let key = uuid::Uuid::now_v7().to_string();
        if let Err(cause) = self.store.put(Table::Audit, &key, &record, Expect::Absent).await {
            error!(event = record.event, %cause, "audit record could not be written");
        }
    }
}

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
