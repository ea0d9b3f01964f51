//! What the runtime needs from above: storage, audit and log. The application implements it, so that no arrow points up.

use std::net::SocketAddr;
use std::sync::Arc;

use futures::future::BoxFuture;
use model::{InstanceId, Millis, Principal, Secret};
use serde::Serialize;

use crate::PluginError;

/// A value of the store of a plugin instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvEntry {
    /// The bytes last set.
    pub value: Vec<u8>,
    /// Grows with each change of the key; never 0.
    pub version: u64,
}

/// A change of one key of the store of a plugin instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvSet<'a> {
    /// The key; at most 1 KiB, checked before.
    pub key: &'a str,
    /// The value; at most 1 MiB, checked before.
    pub value: Vec<u8>,
    /// Some(0) = only if absent, Some(n) = only if still at n, else `Conflict`; None = always.
    pub if_version: Option<u64>,
    /// Milliseconds until the key goes away; None = never.
    pub ttl: Option<Millis>,
}

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Every step.
    Trace,
    /// For the author.
    Debug,
    /// What an administrator may want to know.
    Info,
    /// Works, but not as it should.
    Warn,
    /// Something failed.
    Error,
}

/// What came of an audited act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditOutcome {
    /// It was allowed and done.
    Done,
    /// It was refused; the code says why ("grant.missing").
    Denied(String),
    /// It was allowed and failed; the code says how.
    Failed(String),
}

/// A denial, a revealed secret, a connection, a change, or a call that the engine had to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLine {
    /// When.
    pub at: Millis,
    /// Which plugin instance.
    pub instance: InstanceId,
    /// Id of the call, as the plugin sees it in `context`.
    pub call: String,
    /// The user behind the call, if there is one.
    pub principal: Option<Arc<Principal>>,
    /// Interface and function ("ldap.connection.open"), or the role that was called ("password-provider.authenticate").
    pub action: String,
    /// The right that was needed, as it would be granted ("ldap:dc1:636").
    pub capability: Option<String>,
    /// What came of it.
    pub outcome: AuditOutcome,
    /// For people; never holds a secret.
    pub detail: String,
}

/// What the runtime asks of the application. Every method is for one instance and must not mix their data.
pub trait Services: Send + Sync + 'static {
    /// Returns the entry of a key of this instance.
    fn kv_get<'a>(
        &'a self,
        instance: &'a InstanceId,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<KvEntry>, PluginError>>;

    /// Sets a key and returns its new version. Errors: `Conflict`; `Exhausted` over 10,000 keys or 64 MiB.
    fn kv_set<'a>(&'a self, instance: &'a InstanceId, set: KvSet<'a>) -> BoxFuture<'a, Result<u64, PluginError>>;

    /// Removes a key; false if there was none. Errors: `Conflict`.
    fn kv_delete<'a>(
        &'a self,
        instance: &'a InstanceId,
        key: &'a str,
        if_version: Option<u64>,
    ) -> BoxFuture<'a, Result<bool, PluginError>>;

    /// Returns at most `max` keys with this prefix in byte order, behind `after`.
    fn kv_keys<'a>(
        &'a self,
        instance: &'a InstanceId,
        prefix: &'a str,
        after: Option<&'a str>,
        max: u32,
    ) -> BoxFuture<'a, Result<Vec<String>, PluginError>>;

    /// Stores a new value of a secret; the value before is kept for rolling back. Errors: `Exhausted` over 100 names.
    fn secret_set<'a>(
        &'a self,
        instance: &'a InstanceId,
        name: &'a str,
        value: Secret,
    ) -> BoxFuture<'a, Result<(), PluginError>>;

    /// Takes a line of the audit. Must not block.
    fn audit(&self, line: AuditLine);

    /// Takes a line of the log of an instance: already cut to 8 KiB, rate-limited, and without secrets. Must not block.
    fn log(&self, instance: &InstanceId, level: LogLevel, message: &str, fields: &[(String, String)]);

    /// Returns the lowest level that an administrator wants from this instance.
    fn log_level(&self, _instance: &InstanceId) -> LogLevel {
        LogLevel::Info
    }

    /// Returns "pool" or "daemon" for addresses of pools and of our own listeners, which a grant must name in its option
    /// `addresses`; None for all others. Loopback and link-local are the runtime's own business.
    fn address_class(&self, _address: SocketAddr) -> Option<&'static str> {
        None
    }
}
