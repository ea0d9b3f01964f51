//! Opens LDAP connections that nobody granted. Each must be refused as a value, before any packet is sent. The user name
//! says which: `asked` what the manifest asks for (refused until it is granted), `other-port` and `other-host` what differs
//! from that in one part, `internet` an address that nothing names, any other name all of the last three.
//!
//! A refusal comes back as the error itself. A connection that opens comes back as a person with the subject `escaped`.

use hostile::xylem_sdk::ldap::Connection;
use hostile::xylem_sdk::types::{Endpoint, Tls};
use hostile::{Check, Error, Identity, PasswordProvider, Plugin, Value, Verdict, check};
use serde::Deserialize;

hostile::hostile!(
    "ungranted-ldap",
    "Connects to servers that nobody allowed.",
    r#"{"type": "object", "properties": {
        "host": {"type": "string", "title": "Host to ask for", "default": "127.0.0.1"},
        "port": {"type": "integer", "title": "Port to ask for", "minimum": 1, "maximum": 65535, "default": 9}}}"#,
    r#"[{"name": "ldap", "scope": "ldap:{config.host}:{config.port}", "optional": true,
         "reason": {"en": "To look harmless."}}]"#
);

/// What is asked for; the doors that are tried lie beside it.
#[derive(Deserialize)]
#[serde(default)]
pub struct Settings {
    host: String,
    port: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self { host: "127.0.0.1".to_owned(), port: 9 }
    }
}

const NOT_GRANTED: [&str; 3] = ["other-port", "other-host", "internet"];

impl Settings {
    /// Tries one door.
    fn open(&self, door: &str) -> Result<(), Error> {
        let (host, port) = match door {
            "other-port" => (self.host.as_str(), self.port ^ 1),
            "other-host" if self.host == "localhost" => ("127.0.0.1", self.port),
            "other-host" => ("localhost", self.port),
            "internet" => ("192.0.2.1", 389),
            _ => (self.host.as_str(), self.port),
        };
        let (host, options) = (host.to_owned(), "{}".to_owned());
        Connection::open(&Endpoint { host, port, tls: Tls::None, ca_pem: None, timeout: 1_000, options }).map(drop)
    }
}

impl Plugin for Hostile {
    type Config = Settings;

    fn test(config: &Settings, _: Option<Value>) -> Result<Vec<Check>, Error> {
        let opened = |door| config.open(door).map(|()| "escaped".to_owned());
        Ok(["asked"].into_iter().chain(NOT_GRANTED).map(|door| check(door, opened(door))).collect())
    }
}

impl PasswordProvider for Hostile {
    fn authenticate(config: &Settings, username: &str, _: &str) -> Result<Verdict, Error> {
        let doors =
            if username == "asked" || NOT_GRANTED.contains(&username) { vec![username] } else { NOT_GRANTED.into() };
        let mut refusal = None;
        for door in doors {
            match config.open(door) {
                Ok(()) => return Ok(Verdict::Accepted(Identity::new("escaped", username))),
                Err(error) => refusal = Some(error),
            }
        }
        refusal.map_or(Ok(Verdict::Unknown), Err)
    }
}
