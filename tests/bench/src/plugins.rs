//! What a call into a plugin costs: a real component, compiled by the real child process, through the real runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use futures::FutureExt;
use futures::future::BoxFuture;
use metrics_exporter_prometheus::PrometheusBuilder;
use model::{InstanceId, Secret, SystemClock};
use plugin_runtime::{AuditLine, ErrorKind, KvEntry, KvSet, LogLevel, Options, PluginError, Runtime, Services, Spec};
use serde_json::json;
use store::{Expect, MasterKey, Store, Table};
use tokio::sync::mpsc;

use crate::measure::micros;
use crate::places::{PLUGIN, Places};

/// Calls before the first that counts: code and pool of instances get warm.
const WARM_UP: usize = 200;

/// Audit lines that may wait for the store, as in the daemon.
const LINES: usize = 1_024;

/// How often the recorder of the metrics puts away what came in.
const UPKEEP: Duration = Duration::from_secs(5);

/// What calls cost, in microseconds.
pub struct Calls {
    /// Making an instance, with its limits set.
    pub instantiate: Vec<f64>,
    /// A whole call of `validate`: breaker, queue, instance, parameters, the plugin, its answer, ledger, metrics.
    pub call: Vec<f64>,
}

/// Measures calls, one after the other.
///
/// # Errors
/// When the plugin cannot be loaded or does not answer.
pub async fn calls(places: &Places, rounds: usize) -> Result<Calls> {
    let folder = tempfile::tempdir().context("make a folder for the plugin")?;
    rig::install(&places.plugin, folder.path())?;
    let metrics = PrometheusBuilder::new().install_recorder().context("install the metrics recorder")?;
    let upkeep = tokio::spawn({
        let metrics = metrics.clone();
        async move {
            loop {
                tokio::time::sleep(UPKEEP).await;
                metrics.run_upkeep();
            }
        }
    });
    let audit = Audit::start(Store::open(&folder.path().join("bench.redb"), MasterKey::from_bytes([1; 32]))?);
    let options = Options {
        folders: vec![folder.path().to_owned()],
        cache: folder.path().join("cache"),
        cache_key: [2; 32],
        compiler: vec![places.xylem.clone().into(), "plugin-compile".into()],
        clock: Arc::new(SystemClock),
    };
    let runtime = Runtime::new(options, audit.clone()).context("start the plugin runtime")?;
    let instance = InstanceId::from(PLUGIN);
    let found = runtime.scan().await.into_iter().find(|found| found.instance == instance);
    let plugin = found.context("the plugin was not found")?.outcome;
    let plugin = plugin.with_context(|| format!("load {}", places.plugin.display()))?;
    let config = json!({ "server": { "host": "ldap.example.org" }, "base": "dc=example,dc=org" });
    let spec = Spec::new(instance, plugin.with_defaults(&config));

    // On a worker of the runtime, where the daemon's calls run.
    let measured = tokio::spawn(async move {
        for _ in 0..WARM_UP {
            let problems = runtime.validate(&spec).await.context("call the plugin")?;
            ensure!(problems.is_empty(), "the plugin refuses the configuration of the bench: {problems:?}");
        }
        let mut calls = Calls { instantiate: Vec::with_capacity(rounds), call: Vec::with_capacity(rounds) };
        for _ in 0..rounds {
            let begin = Instant::now();
            runtime.validate(&spec).await.context("call the plugin")?;
            calls.call.push(micros(begin.elapsed()));
        }
        for _ in 0..rounds {
            let took = runtime.instantiate_only(&spec).await.context("make an instance of the plugin")?;
            calls.instantiate.push(micros(took));
        }
        Ok(calls)
    });
    let calls = measured.await.context("measure the plugin")?;
    upkeep.abort();
    ensure!(metrics.render().contains("xylem_plugin_calls_total"), "the calls were not counted: metrics are off");
    if let 1.. = audit.lost.load(Ordering::Relaxed) {
        bail!("the audit could not follow");
    }
    calls
}

/// The application's part, as far as calls without powers need it: an audit that ends in a store.
struct Audit {
    lines: mpsc::Sender<AuditLine>,
    lost: AtomicU64,
}

impl Audit {
    fn start(store: Store) -> Arc<Self> {
        let (lines, mut queue) = mpsc::channel::<AuditLine>(LINES);
        tokio::spawn(async move {
            while let Some(line) = queue.recv().await {
                let record =
                    json!({ "time": line.at, "call": line.call, "action": line.action, "detail": line.detail });
                let key = uuid::Uuid::now_v7().to_string();
                if let Err(error) = store.put(Table::Audit, &key, &record, Expect::Absent).await {
                    eprintln!("bench: the audit cannot be written: {error}");
                }
            }
        });
        Arc::new(Self { lines, lost: AtomicU64::new(0) })
    }
}

fn nothing_here<'a, T: Send + 'a>() -> BoxFuture<'a, Result<T, PluginError>> {
    let error = PluginError::new(ErrorKind::Unsupported, "bench", "the bench has no store for plugins");
    futures::future::ready(Err(error)).boxed()
}

impl Services for Audit {
    fn kv_get<'a>(
        &'a self,
        _instance: &'a InstanceId,
        _key: &'a str,
    ) -> BoxFuture<'a, Result<Option<KvEntry>, PluginError>> {
        nothing_here()
    }

    fn kv_set<'a>(&'a self, _instance: &'a InstanceId, _set: KvSet<'a>) -> BoxFuture<'a, Result<u64, PluginError>> {
        nothing_here()
    }

    fn kv_delete<'a>(
        &'a self,
        _instance: &'a InstanceId,
        _key: &'a str,
        _if_version: Option<u64>,
    ) -> BoxFuture<'a, Result<bool, PluginError>> {
        nothing_here()
    }

    fn kv_keys<'a>(
        &'a self,
        _instance: &'a InstanceId,
        _prefix: &'a str,
        _after: Option<&'a str>,
        _max: u32,
    ) -> BoxFuture<'a, Result<Vec<String>, PluginError>> {
        nothing_here()
    }

    fn secret_set<'a>(
        &'a self,
        _instance: &'a InstanceId,
        _name: &'a str,
        _value: Secret,
    ) -> BoxFuture<'a, Result<(), PluginError>> {
        nothing_here()
    }

    fn audit(&self, line: AuditLine) {
        if self.lines.try_send(line).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn log(&self, _instance: &InstanceId, _level: LogLevel, _message: &str, _fields: &[(String, String)]) {}
}
