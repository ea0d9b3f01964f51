//! The configuration, in the shape of the manifest's schema.

use serde::Deserialize;
use xylem_sdk::config::Secret;

/// One directory.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// Where it is.
    pub server: Server,
    /// DN below which people are searched for.
    pub base: String,
    /// The account that searches.
    #[serde(default)]
    pub bind: Bind,
    /// RFC 4515 filter with the hole `{{name}}`.
    #[serde(default = "default_filter")]
    pub filter: String,
    /// What ties an account here to a person there.
    #[serde(default = "default_user_id_attribute")]
    pub user_id_attribute: String,
    /// What else is read about a person.
    #[serde(default)]
    pub attributes: Attributes,
    /// Seconds for each network step.
    #[serde(default = "default_timeout")]
    pub timeout: u64,
}

/// A server.
#[derive(Debug, Clone, Deserialize)]
pub struct Server {
    /// Name or address.
    pub host: String,
    /// TCP port.
    #[serde(default = "default_port")]
    pub port: u16,
    /// How the connection is protected; by the port if it is not said.
    pub tls: Option<Encryption>,
    /// PEM certificates to trust.
    ca: Option<String>,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encryption {
    /// TLS from the first byte.
    Ldaps,
    /// TLS after a request, never without.
    Starttls,
    /// No protection.
    None,
}

/// The service account; both or neither.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Bind {
    /// Its name.
    #[serde(default)]
    pub dn: String,
    /// Its password.
    pub password: Option<Secret>,
}

/// Names of attributes; an empty one is not read.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Attributes {
    /// Login name.
    pub username: String,
    /// Full name.
    pub display_name: String,
    /// Mail address.
    pub email: String,
}

impl Default for Attributes {
    fn default() -> Self {
        Self { username: "uid".to_owned(), display_name: "cn".to_owned(), email: "mail".to_owned() }
    }
}

impl Server {
    /// Returns the protection: what was chosen, else LDAPS on the ports that are known for it, else StartTLS.
    pub fn encryption(&self) -> Encryption {
        self.tls.unwrap_or(match self.port {
            // 3269: the global catalogue of Active Directory.
            636 | 3269 => Encryption::Ldaps,
            _ => Encryption::Starttls,
        })
    }

    /// Returns the certificates to trust, if some were given.
    pub fn ca(&self) -> Option<&str> {
        self.ca.as_deref().filter(|text| !text.trim().is_empty())
    }
}

fn default_filter() -> String {
    "(uid={{name}})".to_owned()
}

fn default_user_id_attribute() -> String {
    "entryUUID".to_owned()
}

fn default_port() -> u16 {
    636
}

fn default_timeout() -> u64 {
    5
}
