//! The audit log: an append-only record of who did what. Each record names the one before it, by the hash of all that it says,
//! so what is changed or taken out of the middle later shows.
//!
//! Records are put one behind the other by whoever finds nobody else doing it, all that wait with one write; see [`App::append`].

mod chain;
mod hash;
mod keep;
mod mask;
mod read;

use model::{Caller, Millis};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tracing::error;

pub use self::keep::Keep;
pub use self::mask::mask_params;
pub use self::read::{Fingerprint, Page, check_integrity, fingerprint, page, records};
use crate::ctx::{App, Ctx};

pub(crate) use self::chain::Chain;
pub(crate) use self::keep::watch;
pub(crate) use self::mask::bounded;

/// What stands in the place of an id where there is no record.
pub const NO_RECORD: &str = "nullId";

/// One record of the log, as it is stored and shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Hash of all the rest.
    pub id: String,
    /// Id of the record before it.
    pub previous_id: String,
    /// When, in milliseconds since the Unix epoch.
    pub time: Millis,
    /// What, such as "apiCall", "signInFailed", "plugin.denied".
    pub event: String,
    /// Who: `userName`, and for accounts `userId`, for clients `userIp`.
    pub subject: Map<String, Value>,
    /// Details; secrets are masked before they get here.
    pub data: Value,
}

impl Ctx {
    /// Appends a line about this call. A log that cannot be written is told to the operator; the call goes on.
    pub async fn audit(&self, event: &str, data: Value) {
        let mut subject = subject(&self.caller);
        if let Some(address) = self.address {
            subject.insert("userIp".to_owned(), json!(address));
        }
        self.app.append(event, subject, data).await;
    }
}

impl App {
    /// Appends a line that no call stands behind.
    pub(crate) async fn audit_as(&self, caller: &Caller, event: &str, data: Value) {
        self.append(event, subject(caller), data).await;
    }

    async fn append(&self, event: &str, subject: Map<String, Value>, data: Value) {
        let record = Record {
            id: String::new(),
            previous_id: String::new(),
            time: self.clock.now(),
            event: event.to_owned(),
            subject,
            data: bounded(data),
        };
        if let Err(cause) = chain::append(&self.store, &self.audit, record).await {
            error!(event, %cause, "audit record could not be written");
        }
    }
}

fn subject(caller: &Caller) -> Map<String, Value> {
    match caller {
        Caller::User(principal) => {
            Map::from_iter([("userId".to_owned(), json!(principal.id)), ("userName".to_owned(), json!(principal.name))])
        }
        other => Map::from_iter([("userName".to_owned(), json!(other.to_string()))]),
    }
}
