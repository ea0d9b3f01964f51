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

    async fn append_audit(&self, record: Record) {
        // Version 7 ids sort by time: the key order is the order of the log.
        let key = uuid::Uuid::now_v7().to_string();
        if let Err(cause) = self.store.put(Table::Audit, &key, &record, Expect::Absent).await {
            error!(event = record.event, %cause, "audit record could not be written");
        }
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
    ["password", "secret", "token", "passphrase", "encryptionkey", "otp"].iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn masks_secrets_at_any_depth() {
        let masked = mask(&json!({ "user": "a", "Password": "b", "list": [{ "clientSecret": "c" }], "token": "d" }));
        let text = masked.to_string();
        assert!(!text.contains("\"b\"") && !text.contains("\"c\"") && !text.contains("\"d\""), "{text}");
        assert!(text.contains("\"a\""));
    }
}
