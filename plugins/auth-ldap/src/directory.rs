//! What the logic needs of a directory. The daemon's `ldap` capability in the component, a fake in the tests.

use xylem_sdk::Error;
use xylem_sdk::config::Secret;
use xylem_sdk::ldap::{Entry, Query};

use crate::settings::Settings;

/// What to bind with.
#[derive(Debug, Clone, Copy)]
pub enum Credential<'a> {
    /// Nothing.
    Anonymous,
    /// The password of the service account, which only the daemon knows.
    Stored(&'a Secret),
    /// What a person typed.
    Typed(&'a str),
}

/// A directory server.
pub trait Directory {
    /// A connection to it; closed when dropped.
    type Connection: Connection;

    /// Connects, without a bind.
    ///
    /// # Errors
    /// `denied`, `unavailable` or `timeout`; the code says more.
    fn open(&self, settings: &Settings) -> Result<Self::Connection, Error>;
}

/// A connection. To be bound once: one connection, one identity.
pub trait Connection {
    /// Binds; returning at all means that the server accepted.
    ///
    /// # Errors
    /// `upstream` with the server's result ("ldap.invalid-credentials").
    fn bind(&self, dn: &str, credential: Credential<'_>) -> Result<(), Error>;

    /// Returns the entries found, at most `query.limit`.
    ///
    /// # Errors
    /// `upstream` with the server's result ("ldap.no-such-object"); `exhausted` if there are more than the limit.
    fn search(&self, query: &Query) -> Result<Vec<Entry>, Error>;
}
