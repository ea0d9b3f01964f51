//! What the plugin runtime needs from above, on our store: data of plugins, rotated secrets, audit and log.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt;
use futures::future::BoxFuture;
use inventory::Inventory;
use model::{Clock, InstanceId, Kind, Millis, Secret};
use plugin_runtime::{AuditLine, ErrorKind, KvEntry, KvSet, LogLevel, PluginError, Services};
use serde::{Deserialize, Serialize};
use store::{Expect, Store, Stored, Table};
use tokio::sync::{Mutex, mpsc};

use crate::plugin::Record;

/// Audit lines that may wait for the store: one second of a plugin that is denied 1,000 times a second.
const LINES: usize = 1_024;

/// Quotas of the store of one instance, as the contract states them.
const KEYS: u64 = 10_000;
const BYTES: u64 = 64 << 20;

/// A value of a plugin, as it is stored.
#[derive(Serialize, Deserialize)]
struct Value {
    /// base64
    value: String,
    /// Milliseconds since the Unix epoch; none = stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<Millis>,
}

/// What one instance keeps, in keys and bytes.
#[derive(Clone, Copy, Default)]
struct Usage {
    keys: u64,
    bytes: u64,
}

/// What the runtime tells about a plugin while it runs.
pub(crate) enum Line {
    Audit(AuditLine),
    Log { instance: InstanceId, level: LogLevel, message: String },
}

/// The services of the plugin runtime.
pub(crate) struct PluginServices {
    store: Store,
    inventory: Inventory,
    /// Port that the daemon listens on, once it does.
    own_port: OnceLock<u16>,
    clock: Arc<dyn Clock>,
    lines: mpsc::Sender<Line>,
    lost: AtomicU64,
    /// Held across writes, so that two calls of an instance cannot both take the last room.
    usage: Mutex<HashMap<InstanceId, Usage>>,
}

impl PluginServices {
    pub(crate) fn new(store: Store, inventory: Inventory, clock: Arc<dyn Clock>) -> (Arc<Self>, mpsc::Receiver<Line>) {
        let (lines, receiver) = mpsc::channel(LINES);
        let (usage, own_port, lost) = (Mutex::default(), OnceLock::new(), AtomicU64::new(0));
        (Arc::new(Self { store, inventory, own_port, clock, lines, lost, usage }), receiver)
    }

    /// Says where the daemon listens, so that no plugin reaches it by an ordinary grant.
    pub(crate) fn listens_on(&self, port: u16) {
        let _ = self.own_port.set(port);
    }

    fn tell(&self, line: Line) {
        if self.lines.try_send(line).is_err() {
            let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
            if lost.is_power_of_two() {
                tracing::warn!(lost, "plugins say more than can be written down");
            }
            metrics::counter!("xylem_plugin_lines_lost").increment(1);
        }
    }

    fn live(&self, key: &str) -> Result<Option<Stored<Value>>, PluginError> {
        let stored = self.store.get::<Value>(Table::PluginKv, key).map_err(|error| outage(&error))?;
        let now = self.clock.now();
        Ok(stored.filter(|stored| stored.value.expires.is_none_or(|at| at > now)))
    }

    /// Returns what an instance keeps; counted once, then kept up to date.
    fn count(&self, usage: &mut HashMap<InstanceId, Usage>, instance: &InstanceId) -> Result<Usage, PluginError> {
        if let Some(known) = usage.get(instance) {
            return Ok(*known);
        }
        let (prefix, mut counted, mut after) = (prefix(instance), Usage::default(), None::<String>);
        loop {
            let page = self.store.scan::<Value>(Table::PluginKv, &prefix, after.as_deref(), 1_000);
            let page = page.map_err(|error| outage(&error))?;
            for (_, stored) in &page {
                counted.keys += 1;
                counted.bytes += stored.value.value.len() as u64 * 3 / 4;
            }
            match page.into_iter().next_back() {
                Some((key, _)) => after = Some(key),
                None => break,
            }
        }
        usage.insert(instance.clone(), counted);
        Ok(counted)
    }
}

/// Returns whether an address is one of this machine: a socket can be bound to it.
fn is_local(address: IpAddr) -> bool {
    address.is_loopback() || UdpSocket::bind((address, 0)).is_ok()
}

fn prefix(instance: &InstanceId) -> String {
    format!("{instance}/")
}

fn outage(error: &store::Error) -> PluginError {
    let kind =
        if matches!(error, store::Error::Conflict { .. }) { ErrorKind::Conflict } else { ErrorKind::Unavailable };
    let code = if kind == ErrorKind::Conflict { "kv.version" } else { "kv.unavailable" };
    PluginError::new(kind, code, error.to_string())
}

fn expectation(if_version: Option<u64>, current: Option<u64>) -> Result<Expect, PluginError> {
    match if_version {
        None => Ok(Expect::Any),
        Some(wanted) if wanted == current.unwrap_or(0) => Ok(if wanted == 0 {
            // An expired value may still lie there.
            Expect::Any
        } else {
            Expect::Revision(wanted)
        }),
        Some(_) => Err(PluginError::new(ErrorKind::Conflict, "kv.version", "the key is at another version")),
    }
}

impl Services for PluginServices {
    fn kv_get<'a>(
        &'a self,
        instance: &'a InstanceId,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<KvEntry>, PluginError>> {
        async move {
            let Some(stored) = self.live(&format!("{}{key}", prefix(instance)))? else { return Ok(None) };
            let value = STANDARD.decode(&stored.value.value);
            let value =
                value.map_err(|_| PluginError::new(ErrorKind::Internal, "kv.damaged", "the value is damaged"))?;
            Ok(Some(KvEntry { value, version: stored.revision }))
        }
        .boxed()
    }

    fn kv_set<'a>(&'a self, instance: &'a InstanceId, set: KvSet<'a>) -> BoxFuture<'a, Result<u64, PluginError>> {
        async move {
            let mut usage = self.usage.lock().await;
            let mut counted = self.count(&mut usage, instance)?;
            let key = format!("{}{}", prefix(instance), set.key);
            let lying = self.store.get::<Value>(Table::PluginKv, &key).map_err(|error| outage(&error))?;
            let current = self.live(&key)?.map(|stored| stored.revision);
            let expect = expectation(set.if_version, current)?;
            counted.bytes += set.value.len() as u64;
            match &lying {
                Some(old) => counted.bytes = counted.bytes.saturating_sub(old.value.value.len() as u64 * 3 / 4),
                None => counted.keys += 1,
            }
            if counted.keys > KEYS || counted.bytes > BYTES {
                let message = format!("a plugin may keep {KEYS} keys and {} MiB", BYTES >> 20);
                return Err(PluginError::new(ErrorKind::Exhausted, "kv.quota", message));
            }
            let expires = set.ttl.map(|ttl| self.clock.now().saturating_add(ttl));
            let value = Value { value: STANDARD.encode(&set.value), expires };
            let put = self.store.put(Table::PluginKv, &key, &value, expect).await;
            let revision = put.map_err(|error| outage(&error))?;
            usage.insert(instance.clone(), counted);
            Ok(revision)
        }
        .boxed()
    }

    fn kv_delete<'a>(
        &'a self,
        instance: &'a InstanceId,
        key: &'a str,
        if_version: Option<u64>,
    ) -> BoxFuture<'a, Result<bool, PluginError>> {
        async move {
            let mut usage = self.usage.lock().await;
            let key = format!("{}{key}", prefix(instance));
            let current = self.live(&key)?.map(|stored| stored.revision);
            let expect = expectation(if_version, current)?;
            let deleted = self.store.delete(Table::PluginKv, &key, expect).await;
            let deleted = deleted.map_err(|error| outage(&error))?;
            // Counted anew at the next write.
            usage.remove(instance);
            Ok(deleted && current.is_some())
        }
        .boxed()
    }

    fn kv_keys<'a>(
        &'a self,
        instance: &'a InstanceId,
        prefix_wanted: &'a str,
        after: Option<&'a str>,
        max: u32,
    ) -> BoxFuture<'a, Result<Vec<String>, PluginError>> {
        async move {
            let base = prefix(instance);
            let wanted = format!("{base}{prefix_wanted}");
            let after = after.map(|after| format!("{base}{after}"));
            let max = usize::try_from(max).unwrap_or(usize::MAX).min(1_000);
            let page = self.store.scan::<Value>(Table::PluginKv, &wanted, after.as_deref(), max);
            let (page, now) = (page.map_err(|error| outage(&error))?, self.clock.now());
            let live = page.into_iter().filter(|(_, stored)| stored.value.expires.is_none_or(|at| at > now));
            Ok(live.map(|(key, _)| key[base.len()..].to_owned()).collect())
        }
        .boxed()
    }

    fn secret_set<'a>(
        &'a self,
        instance: &'a InstanceId,
        name: &'a str,
        value: Secret,
    ) -> BoxFuture<'a, Result<(), PluginError>> {
        async move {
            let internal = |error: store::Error| outage(&error);
            let key = instance.as_str();
            let stored = self.store.get::<Record>(Table::Plugins, key).map_err(internal)?;
            let mut stored = stored.ok_or_else(|| {
                PluginError::new(ErrorKind::NotFound, "secret.unconfigured", "the plugin has no configuration")
            })?;
            let sealed = self.store.seal(Table::Plugins, key, name, &value).map_err(internal)?;
            let Some(saved) = &mut stored.value.configuration else {
                return Err(PluginError::new(ErrorKind::NotFound, "secret.unconfigured", "there is no configuration"));
            };
            if saved.secrets.len() >= 100 && !saved.secrets.contains_key(name) {
                return Err(PluginError::new(ErrorKind::Exhausted, "secret.quota", "a plugin may keep 100 secrets"));
            }
            saved.secrets.insert(name.to_owned(), sealed);
            let put = self.store.put(Table::Plugins, key, &stored.value, Expect::Revision(stored.revision)).await;
            put.map(|_| ()).map_err(internal)
        }
        .boxed()
    }

    fn audit(&self, line: AuditLine) {
        self.tell(Line::Audit(line));
    }

    fn log(&self, instance: &InstanceId, level: LogLevel, message: &str, fields: &[(String, String)]) {
        use std::fmt::Write;
        let mut message = message.to_owned();
        for (name, value) in fields {
            let _ = write!(message, " {name}={value}");
        }
        match level {
            LogLevel::Error => tracing::error!(target: "plugin", plugin = %instance, "{message}"),
            LogLevel::Warn => tracing::warn!(target: "plugin", plugin = %instance, "{message}"),
            LogLevel::Info => tracing::info!(target: "plugin", plugin = %instance, "{message}"),
            LogLevel::Debug | LogLevel::Trace => tracing::debug!(target: "plugin", plugin = %instance, "{message}"),
        }
        if level >= LogLevel::Warn {
            self.tell(Line::Log { instance: instance.clone(), level, message });
        }
    }

    fn address_class(&self, address: SocketAddr) -> Option<&'static str> {
        if self.own_port.get() == Some(&address.port()) && is_local(address.ip()) {
            return Some("daemon");
        }
        let snapshot = self.inventory.snapshot();
        let mut hosts = snapshot.of_kind(Kind::Host).filter_map(|object| object.as_host());
        hosts.any(|host| host.address.parse() == Ok(address.ip())).then_some("pool")
    }
}
