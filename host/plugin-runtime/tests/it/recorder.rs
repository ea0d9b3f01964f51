//! Services for tests: a store in memory, and everything that was audited and logged.
#![allow(dead_code)] // Unit and integration tests use different halves.

use std::collections::BTreeMap;
use std::sync::Mutex;

use futures::FutureExt;
use futures::future::BoxFuture;
use model::{InstanceId, Secret};
use plugin_runtime::{AuditLine, ErrorKind, KvEntry, KvSet, LogLevel, PluginError, Services};

/// A line of the log: level, message, fields.
pub type LogLine = (LogLevel, String, Vec<(String, String)>);

/// Remembers.
#[derive(Default)]
pub struct Recorder {
    pub kv: Mutex<BTreeMap<(String, String), KvEntry>>,
    pub audit: Mutex<Vec<AuditLine>>,
    pub log: Mutex<Vec<LogLine>>,
}

impl Recorder {
    /// Returns "action capability outcome" of each audit line.
    pub fn audited(&self) -> Vec<String> {
        let line = |line: &AuditLine| {
            format!("{} {} {:?}", line.action, line.capability.as_deref().unwrap_or("-"), line.outcome)
        };
        self.audit.lock().unwrap().iter().map(line).collect()
    }
}

impl Services for Recorder {
    fn kv_get<'a>(
        &'a self,
        instance: &'a InstanceId,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<KvEntry>, PluginError>> {
        if key == "never" {
            return std::future::pending().boxed();
        }
        let found = self.kv.lock().unwrap().get(&(instance.to_string(), key.to_owned())).cloned();
        async move { Ok(found) }.boxed()
    }

    fn kv_set<'a>(&'a self, instance: &'a InstanceId, set: KvSet<'a>) -> BoxFuture<'a, Result<u64, PluginError>> {
        let mut kv = self.kv.lock().unwrap();
        let entry =
            kv.entry((instance.to_string(), set.key.to_owned())).or_insert(KvEntry { value: vec![], version: 0 });
        *entry = KvEntry { value: set.value, version: entry.version + 1 };
        let version = entry.version;
        async move { Ok(version) }.boxed()
    }

    fn kv_delete<'a>(
        &'a self,
        instance: &'a InstanceId,
        key: &'a str,
        _: Option<u64>,
    ) -> BoxFuture<'a, Result<bool, PluginError>> {
        let gone = self.kv.lock().unwrap().remove(&(instance.to_string(), key.to_owned())).is_some();
        async move { Ok(gone) }.boxed()
    }

    fn kv_keys<'a>(
        &'a self,
        _: &'a InstanceId,
        _: &'a str,
        _: Option<&'a str>,
        _: u32,
    ) -> BoxFuture<'a, Result<Vec<String>, PluginError>> {
        async { Ok(vec![]) }.boxed()
    }

    fn secret_set<'a>(&'a self, _: &'a InstanceId, _: &'a str, _: Secret) -> BoxFuture<'a, Result<(), PluginError>> {
        async { Err(PluginError::new(ErrorKind::Exhausted, "secret.count", "no room in this test")) }.boxed()
    }

    fn audit(&self, line: AuditLine) {
        self.audit.lock().unwrap().push(line);
    }

    fn log(&self, _: &InstanceId, level: LogLevel, message: &str, fields: &[(String, String)]) {
        self.log.lock().unwrap().push((level, message.to_owned(), fields.to_vec()));
    }
}
