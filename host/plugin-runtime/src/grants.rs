//! Grants: what an administrator allows one plugin instance.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Whether a grant counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Kept, but not given.
    Off,
    /// Given.
    #[default]
    On,
    /// Given, and every use is listed.
    Count,
}

/// A right of one plugin instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// The right ("ldap:dc1.example.org:636"); `*` stands for one part.
    pub capability: String,
    /// Whether it counts.
    #[serde(default)]
    pub mode: Mode,
    /// `ca` (PEM), `fingerprint` (SHA-256 in hex), `plaintext` (bool), `addresses` (list of "loopback", "link-local", "pool",
    /// "daemon"), `header`; null or {} = none.
    #[serde(default)]
    pub options: Value,
}

impl Grant {
    /// Returns a grant that is on, without options.
    pub fn on(capability: impl Into<String>) -> Self {
        Self { capability: capability.into(), mode: Mode::On, options: Value::Null }
    }
}
