//! The registry: finds, loads and calls plugins.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use futures::FutureExt;
use futures::future::BoxFuture;
use model::{Clock, InstanceId, Secret};
use parking_lot::{Mutex, RwLock};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::cache::Cache;
use crate::capabilities;
use crate::convert::Scale;
use crate::ctx::{CallInfo, CallParts, Phase, Usage};
use crate::engine::{self, TICK};
use crate::instance::{self, Called, Running, millis};
use crate::load::{self, Loader, Stamp};
use crate::supervisor::{HostCall, Used, Watch};
use crate::{
    Activation, AuditLine, AuditOutcome, CallError, Check, DEFAULT_WALL, Error, FieldError, Health, LoadError,
    LogLevel, Plugin, SIGN_IN_WALL, Services, Spec, Verdict,
};

/// Longest wall clock of a call that anybody may ask for.
const MAX_WALL: Duration = Duration::from_secs(600);

/// Where things are.
pub struct Options {
    /// Folders with plugins, `<instance>.wasm` each; an earlier folder wins.
    pub folders: Vec<PathBuf>,
    /// Folder for compiled code; made private (0700).
    pub cache: PathBuf,
    /// Key that authenticates compiled code; it must not lie beside it.
    pub cache_key: [u8; 32],
    /// Program and arguments that run [`compile_worker`](crate::compile_worker): `[exe, "plugin-compile"]`.
    pub compiler: Vec<OsString>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// A file of a plugin folder and what came of it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The instance: the file's name without `.wasm`.
    pub instance: InstanceId,
    /// The file.
    pub path: PathBuf,
    /// The plugin, or why it cannot run here.
    pub outcome: Result<Arc<Plugin>, LoadError>,
}

/// The plugin runtime. Cheap to clone.
#[derive(Clone)]
pub struct Runtime(Arc<Inner>);

struct Inner {
    folders: Vec<PathBuf>,
    loader: Arc<Loader>,
    services: Arc<dyn Services>,
    clock: Arc<dyn Clock>,
    plugins: RwLock<BTreeMap<InstanceId, Slot>>,
    watches: Mutex<BTreeMap<InstanceId, Arc<Watch>>>,
    /// Held through a scan: one scan at a time, and so one compiler.
    scanning: tokio::sync::Mutex<Refused>,
    /// Calls of all plugins at once; the pool has room for no more.
    calls: Semaphore,
}

struct Slot {
    plugin: Arc<Plugin>,
    path: PathBuf,
    stamp: Stamp,
}

/// Files that could not be loaded, as they were then: they are not compiled again at every scan.
type Refused = BTreeMap<PathBuf, (Stamp, LoadError)>;

/// One call, before it begins.
struct Call<'a> {
    spec: &'a Spec,
    role: &'static str,
    function: &'static str,
    phase: Phase,
    wall: Duration,
    /// A password that was typed, to be kept out of the log.
    typed: Option<&'a Secret>,
}

impl Runtime {
    /// Makes the engine and the folder for compiled code; loads nothing yet.
    pub fn new(options: Options, services: Arc<dyn Services>) -> Result<Self, Error> {
        let Options { folders, cache, cache_key, compiler, clock } = options;
        let (engine, _) = engine::engine(engine::pool())?;
        let linker = capabilities::linker(&engine).map_err(|error| Error::Link { message: format!("{error:#}") })?;
        let cache = Cache::open(&cache, &cache_key, &engine)?;
        Ok(Self(Arc::new(Inner {
            folders,
            loader: Arc::new(Loader { engine, linker, cache, compiler }),
            services,
            clock,
            plugins: RwLock::default(),
            watches: Mutex::default(),
            scanning: tokio::sync::Mutex::default(),
            calls: Semaphore::new(engine::CALLS),
        })))
    }

    /// Reads the plugin folders and loads what is new or changed. A plugin whose new file cannot be loaded stays at its old
    /// generation; one whose file is gone is unloaded. Never fails: what is wrong is said file by file.
    pub async fn scan(&self) -> Vec<Found> {
        let mut refused = self.0.scanning.lock().await;
        let mut files: BTreeMap<InstanceId, PathBuf> = BTreeMap::new();
        let mut found = vec![];
        for folder in &self.0.folders {
            let paths = match load::list(folder) {
                Ok(paths) => paths,
                Err(error) => {
                    tracing::warn!(folder = %folder.display(), %error, "a plugin folder cannot be read");
                    continue;
                }
            };
            for path in paths {
                let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
                let instance = InstanceId::from(stem);
                if !is_slug(instance.as_str()) {
                    let message =
                        "the name of a plugin file is small letters, digits and dashes, such as auth-ldap.wasm";
                    let outcome = Err(LoadError::new("file.name", message));
                    found.push(Found { instance, path, outcome });
                } else if let Some(winner) = files.get(&instance) {
                    tracing::warn!(file = %path.display(), winner = %winner.display(), "a plugin file is hidden by another");
                } else {
                    files.insert(instance, path);
                }
            }
        }
        refused.retain(|path, _| files.values().any(|file| file == path));
        self.0.plugins.write().retain(|instance, _| files.contains_key(instance));
        for (instance, path) in files {
            let outcome = self.0.refresh(&instance, &path, &mut refused).await;
            if let Err(error) = &outcome {
                tracing::warn!(plugin = %instance, code = error.code, "a plugin cannot be loaded: {error}");
            }
            found.push(Found { instance, path, outcome });
        }
        let used: Vec<PathBuf> =
            self.0.plugins.read().values().map(|slot| self.0.loader.cache.path(&slot.plugin.digest)).collect();
        self.0.loader.cache.prune(&used, SystemTime::now());
        found
    }

    /// Returns the plugin of an instance, if it is loaded.
    pub fn get(&self, instance: &InstanceId) -> Option<Arc<Plugin>> {
        self.0.plugins.read().get(instance).map(|slot| slot.plugin.clone())
    }

    /// Returns what the plugin finds wrong with a configuration that matches the schema. Pure.
    pub async fn validate(&self, spec: &Spec) -> Result<Vec<FieldError>, CallError> {
        let config = spec.config.to_string();
        let call = self.lifecycle(spec, "validate", Phase::Pure);
        self.call(call, move |mut it: Running| {
            async move {
                let guest = it.plugin.lifecycle.load(&mut it.store, &it.instance)?;
                let fields = guest.call_validate(&mut it.store, &config).await?;
                Ok(Scale::new().fields(fields))
            }
            .boxed()
        })
        .await
    }

    /// Returns a configuration of an older version in the present shape. Pure.
    pub async fn migrate(&self, spec: &Spec, from_version: u32, config: &Value) -> Result<Value, CallError> {
        let config = config.to_string();
        let call = self.lifecycle(spec, "migrate", Phase::Pure);
        self.call(call, move |mut it: Running| {
            async move {
                let guest = it.plugin.lifecycle.load(&mut it.store, &it.instance)?;
                Ok(match guest.call_migrate(&mut it.store, from_version, &config).await? {
                    Ok(config) => Scale::new().json("the migrated configuration", config),
                    Err(error) => Err(Scale::new().error(error).map_or_else(|e| e, CallError::Plugin)),
                })
            }
            .boxed()
        })
        .await
    }

    /// Returns what the configuration turns on.
    pub async fn activate(&self, spec: &Spec) -> Result<Activation, CallError> {
        self.activate_in(spec, Phase::Normal).await
    }

    /// As [`activate`](Self::activate), but pure: the trial before an upgrade.
    pub async fn trial_activate(&self, spec: &Spec) -> Result<Activation, CallError> {
        self.activate_in(spec, Phase::Pure).await
    }

    async fn activate_in(&self, spec: &Spec, phase: Phase) -> Result<Activation, CallError> {
        let config = spec.config.to_string();
        let call = self.lifecycle(spec, "activate", phase);
        self.call(call, move |mut it: Running| {
            async move {
                let guest = it.plugin.lifecycle.load(&mut it.store, &it.instance)?;
                Ok(match guest.call_activate(&mut it.store, &config).await? {
                    Ok(activation) => Scale::new().activation(activation),
                    Err(error) => Err(Scale::new().error(error).map_or_else(|e| e, CallError::Plugin)),
                })
            }
            .boxed()
        })
        .await
    }

    /// Tests a configuration, step by step. With input: the Test button; without: the health check.
    pub async fn test(&self, spec: &Spec, input: Option<&Value>) -> Result<Vec<Check>, CallError> {
        let (config, input) = (spec.config.to_string(), input.map(Value::to_string));
        let call = self.lifecycle(spec, "test", Phase::Normal);
        self.call(call, move |mut it: Running| {
            async move {
                let guest = it.plugin.lifecycle.load(&mut it.store, &it.instance)?;
                Ok(match guest.call_test(&mut it.store, &config, input.as_ref()).await? {
                    Ok(checks) => Scale::new().checks(checks),
                    Err(error) => Err(Scale::new().error(error).map_or_else(|e| e, CallError::Plugin)),
                })
            }
            .boxed()
        })
        .await
    }

    /// Asks who someone is. Empty names and passwords are `Unknown` without asking.
    pub async fn authenticate(&self, spec: &Spec, name: &str, password: &Secret) -> Result<Verdict, CallError> {
        if name.is_empty() || password.is_empty() {
            return Ok(Verdict::Unknown);
        }
        let (user, word) = (name.to_owned(), password.clone());
        let call = Call {
            spec,
            role: "password-provider",
            function: "authenticate",
            phase: Phase::Normal,
            wall: spec.wall.unwrap_or(SIGN_IN_WALL).min(MAX_WALL),
            typed: Some(password),
        };
        self.call(call, move |mut it: Running| {
            async move {
                let Some(role) = &it.plugin.password_provider else { return Ok(Err(CallError::NotLoaded)) };
                let guest = role.load(&mut it.store, &it.instance)?;
                Ok(match guest.call_authenticate(&mut it.store, &user, word.expose()).await? {
                    Ok(verdict) => Scale::new().verdict(verdict),
                    Err(error) => Err(Scale::new().error(error).map_or_else(|e| e, CallError::Plugin)),
                })
            }
            .boxed()
        })
        .await
    }

    /// Makes an instance as a call would, with its limits set, drops it unused, and returns how long making it took.
    /// For the bench: it asks neither breaker nor queue and leaves nothing in the ledger.
    pub async fn instantiate_only(&self, spec: &Spec) -> Result<Duration, CallError> {
        let plugin = self.get(&spec.instance).ok_or(CallError::NotLoaded)?;
        let info = Arc::new(CallInfo::new(CallParts {
            spec: spec.clone(),
            phase: Phase::Pure,
            wall: DEFAULT_WALL,
            deadline: Instant::now() + DEFAULT_WALL,
            services: self.0.services.clone(),
            clock: self.0.clock.clone(),
            watch: Arc::default(),
            typed: None,
        }));
        let start = Instant::now();
        let done = move |_| futures::future::ready(Ok(Ok(start.elapsed()))).boxed();
        instance::run(plugin, info, Arc::default(), DEFAULT_WALL, done).await
    }

    /// Returns how an instance is doing.
    pub fn health(&self, instance: &InstanceId) -> Health {
        let watch = self.0.watches.lock().get(instance).cloned();
        let mut health = watch.map_or_else(Health::default, |watch| watch.health(self.0.clock.now()));
        health.compile_ms = self.get(instance).and_then(|plugin| plugin.compile_ms);
        health
    }

    /// Returns the last 1,000 host calls of an instance, oldest first.
    pub fn host_calls(&self, instance: &InstanceId) -> Vec<HostCall> {
        let watch = self.0.watches.lock().get(instance).cloned();
        watch.map_or_else(Vec::new, |watch| watch.recent())
    }

    /// Closes the circuit breakers of an instance and forgets its last error.
    pub fn reset(&self, instance: &InstanceId) {
        if let Some(watch) = self.0.watches.lock().get(instance) {
            watch.reset();
        }
    }

    /// Asks the calls of an instance to stop, and ends those that still run 2 s later.
    pub fn cancel(&self, instance: &InstanceId) {
        if let Some(watch) = self.0.watches.lock().get(instance) {
            watch.cancel();
        }
    }

    /// Returns, once, whether the plugin asked for `activate` to be called again.
    pub fn take_reactivation(&self, instance: &InstanceId) -> bool {
        self.0.watches.lock().get(instance).is_some_and(|watch| watch.reactivate.swap(false, Ordering::Relaxed))
    }

    fn lifecycle<'a>(&self, spec: &'a Spec, function: &'static str, phase: Phase) -> Call<'a> {
        let wall = spec.wall.unwrap_or(DEFAULT_WALL).min(MAX_WALL);
        Call { spec, role: "lifecycle", function, phase, wall, typed: None }
    }

    /// Every call goes this way: loaded? -> breaker -> queue -> fresh instance under limits -> ledger, audit, metrics.
    async fn call<T>(
        &self,
        call: Call<'_>,
        work: impl FnOnce(Running) -> BoxFuture<'static, Called<T>>,
    ) -> Result<T, CallError> {
        let inner = &*self.0;
        let plugin = self.get(&call.spec.instance).ok_or(CallError::NotLoaded)?;
        if call.role == "password-provider" && plugin.password_provider.is_none() {
            return Err(CallError::NotLoaded);
        }
        let watch = inner.watches.lock().entry(call.spec.instance.clone()).or_default().clone();
        let probe = watch.admit(call.role, inner.clock.now())?;
        let admission = Admission { watch: &watch, role: call.role, probe, over: false };
        let start = Instant::now();
        let deadline = start + call.wall;
        let _turns = inner.turns(&watch, deadline).await?;
        let begin = Instant::now();

        let usage = Arc::new(Usage::default());
        let info = Arc::new(CallInfo::new(CallParts {
            spec: call.spec.clone(),
            phase: call.phase,
            wall: call.wall,
            deadline,
            services: inner.services.clone(),
            clock: inner.clock.clone(),
            watch: watch.clone(),
            typed: call.typed.cloned(),
        }));
        let outcome = match instance::run(plugin, info.clone(), usage.clone(), call.wall, work).await {
            // Most of its time went by in the queue: that the rest was too short is not the plugin's fault.
            Err(CallError::Timeout { .. }) if begin.elapsed() < call.wall / 2 => Err(CallError::Busy),
            outcome => outcome,
        };
        let used = Used {
            memory: usage.memory.load(Ordering::Relaxed),
            cpu_ms: usage.ticks.load(Ordering::Relaxed) * millis(TICK),
            wall: start.elapsed(),
        };
        inner.record(&call, &info, admission, used, outcome.as_ref().err());
        outcome
    }
}

impl Inner {
    async fn refresh(
        &self,
        instance: &InstanceId,
        path: &Path,
        refused: &mut Refused,
    ) -> Result<Arc<Plugin>, LoadError> {
        let stamp = Stamp::of(path).ok();
        let current = {
            let plugins = self.plugins.read();
            plugins.get(instance).map(|slot| (slot.plugin.clone(), slot.path == path && Some(slot.stamp) == stamp))
        };
        if let Some((plugin, true)) = &current {
            return Ok(plugin.clone());
        }
        if let Some((_, error)) = refused.get(path).filter(|(then, _)| Some(*then) == stamp) {
            return Err(error.clone());
        }
        match self.loader.load(path, current.as_ref().map(|(plugin, _)| plugin)).await {
            Ok((plugin, stamp)) => {
                refused.remove(path);
                let slot = Slot { plugin: plugin.clone(), path: path.to_owned(), stamp };
                self.plugins.write().insert(instance.clone(), slot);
                tracing::info!(plugin = %instance, digest = &plugin.digest[..12], "plugin loaded");
                Ok(plugin)
            }
            Err(error) => {
                // What may pass is tried again at the next scan.
                let may_pass =
                    ["file.read", "compile.timeout", "compile.unavailable", "internal"].contains(&error.code.as_str());
                match stamp.filter(|_| !may_pass) {
                    Some(stamp) => drop(refused.insert(path.to_owned(), (stamp, error.clone()))),
                    None => drop(refused.remove(path)),
                }
                Err(error)
            }
        }
    }

    /// Waits for a turn, for this instance and among all; Busy if there is no place in the queue or the time runs out in it.
    async fn turns<'a>(
        &'a self,
        watch: &Watch,
        deadline: Instant,
    ) -> Result<(tokio::sync::OwnedSemaphorePermit, tokio::sync::SemaphorePermit<'a>), CallError> {
        let _place = watch.queue().ok_or(CallError::Busy)?;
        let wait = async {
            let own = watch.slots.clone().acquire_owned().await.ok()?;
            Some((own, self.calls.acquire().await.ok()?))
        };
        tokio::time::timeout_at(deadline, wait).await.ok().flatten().ok_or(CallError::Busy)
    }

    fn record(
        &self,
        call: &Call<'_>,
        info: &CallInfo,
        mut admission: Admission<'_>,
        used: Used,
        error: Option<&CallError>,
    ) {
        admission.over = true;
        let now = self.clock.now();
        let instance = &call.spec.instance;
        let opened = admission.watch.ended(call.role, admission.probe, now, used, error);
        let outcome = error.map_or("ok", CallError::kind);
        let labels =
            [("instance", instance.to_string()), ("role", call.role.to_owned()), ("outcome", outcome.to_owned())];
        metrics::counter!("xylem_plugin_calls_total", &labels).increment(1);
        metrics::histogram!("xylem_plugin_call_seconds", &labels[..2]).record(used.wall.as_secs_f64());
        let action = format!("{}.{}", call.role, call.function);
        let Some(error) = error.filter(|error| error.is_misbehaviour()) else { return };
        tracing::warn!(plugin = %instance, call = info.id, action, kind = error.kind(), "a plugin call was ended: {error}");
        let mut fields = vec![("call".to_owned(), info.id.clone()), ("function".to_owned(), action.clone())];
        if let CallError::Trap { backtrace, .. } = error {
            fields.push(("backtrace".to_owned(), backtrace.clone()));
        }
        info.log.write(LogLevel::Error, &error.to_string(), &fields);
        info.audit(action.clone(), None, AuditOutcome::Failed(error.code()), error.to_string());
        if opened {
            let detail = format!("{} failed too often and rests", call.role);
            tracing::warn!(plugin = %instance, role = call.role, "a plugin failed too often and rests");
            metrics::counter!("xylem_plugin_breaker_opened_total", &labels[..2]).increment(1);
            self.services.audit(AuditLine {
                at: now,
                instance: instance.clone(),
                call: info.id.clone(),
                principal: call.spec.principal.clone(),
                action: format!("{}.breaker", call.role),
                capability: None,
                outcome: AuditOutcome::Failed("breaker.opened".to_owned()),
                detail,
            });
        }
    }
}

/// A call that the breaker let through. Dropped before its end (the caller went away, the queue was full), it says nothing.
struct Admission<'a> {
    watch: &'a Watch,
    role: &'static str,
    probe: bool,
    over: bool,
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.watch.abandoned(self.role, self.probe);
        }
    }
}

/// Returns whether a name can be the id of an instance: it becomes part of URLs, method names and keys.
fn is_slug(name: &str) -> bool {
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    plain && !name.is_empty() && name.len() <= 64 && !name.starts_with('-') && !name.ends_with('-')
}
