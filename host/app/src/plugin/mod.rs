//! Plugins as the administrator knows them: installed, configured, granted, tested, enabled - and what became of them.
//!
//! ```text
//!   installed ── configure ──> configured ── grant ──> ready ── load ──> enabled ── unload ──> ready
//!                                                                          │ traps, timeouts
//!                                                                          └──> degraded, backing off (breaker), enabled again
//! ```
//! The runtime knows files, calls and limits; what is kept (configuration, grants, autoload) and decided is here.

mod configure;
mod grant;
mod life;
mod test;
mod view;

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use inventory::Inventory;
use model::{Clock, InstanceId, Millis, Secret};
use parking_lot::{Mutex, RwLock};
use plugin_runtime::{CallError, Found, Grant, LoadError, Mode, Options, Plugin, Requested, Runtime, Spec, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Sealed, Store, Table};
use tokio::sync::mpsc;
use wire::{Failure, Issue};

pub use configure::{configure, purge_configuration};
pub use grant::{grant, revoke};
pub use life::{disable_autoload, enable_autoload, load, refresh, start, unload};
pub use test::{Tested, test};
pub use view::get;

use crate::ctx::{App, Ctx, Notice};
use crate::error::{Error, Result};
use crate::services::{Line, PluginServices};

/// Lines of what happened to a plugin that its page shows.
const ACTIVITY: usize = 100;

/// How many of them the plugin may have written itself: a flood of its lines must not push out what it was denied.
const LOGGED: usize = 50;

/// What is kept about an instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Whether it is loaded at start.
    #[serde(default)]
    pub autoload: bool,
    /// The configuration that was saved last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Saved>,
    /// The one before, which runs on while the last one waits for a grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Saved>,
    /// What the administrator granted.
    #[serde(default)]
    pub grants: Vec<Grant>,
}

/// A configuration at rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// With `{"$secret": path}` in place of each secret.
    pub config: Value,
    /// The secrets, sealed, by path.
    pub secrets: BTreeMap<String, Sealed>,
}

/// A configuration in use.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Clear {
    config: Arc<Value>,
    secrets: Arc<BTreeMap<String, Secret>>,
}

/// Something that happened to a plugin.
#[derive(Clone, Debug, Serialize)]
pub struct Activity {
    /// When, in milliseconds since the Unix epoch.
    pub time: Millis,
    /// "info", "denied", "error".
    pub kind: &'static str,
    /// What, for people.
    pub text: String,
}

#[derive(Default)]
struct Entry {
    outcome: Option<std::result::Result<Arc<Plugin>, LoadError>>,
    /// The configuration that it runs with; none = it is not enabled.
    running: Option<Clear>,
    activity: VecDeque<Activity>,
    /// What the last try to enable it said.
    refusal: Option<Activity>,
}

impl Entry {
    fn note(&mut self, activity: Activity) {
        self.activity.push_back(activity);
        let logged: Vec<_> =
            self.activity.iter().enumerate().filter(|(_, line)| line.kind == "log").map(|(index, _)| index).collect();
        if logged.len() > LOGGED {
            self.activity.remove(logged[0]);
        } else if self.activity.len() > ACTIVITY {
            self.activity.pop_front();
        }
    }
}

/// The installed plugins.
pub struct Plugins {
    pub(crate) runtime: Runtime,
    services: Arc<PluginServices>,
    folders: Vec<PathBuf>,
    entries: RwLock<BTreeMap<InstanceId, Entry>>,
    /// What the folders held when they were last scanned.
    seen: Mutex<Look>,
    lines: Mutex<Option<mpsc::Receiver<Line>>>,
}

/// Path, size and time of change of each plugin file.
type Look = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

impl Plugins {
    /// Makes the runtime; [`start`] finds and enables plugins.
    pub fn new(
        options: Options,
        store: &Store,
        inventory: &Inventory,
        clock: Arc<dyn Clock>,
    ) -> std::result::Result<Self, plugin_runtime::Error> {
        let (services, lines) = PluginServices::new(store.clone(), inventory.clone(), clock);
        let folders = options.folders.clone();
        let runtime = Runtime::new(options, services.clone())?;
        let lines = Mutex::new(Some(lines));
        Ok(Self { runtime, services, folders, entries: RwLock::default(), seen: Mutex::default(), lines })
    }

    /// Says where the daemon listens, so that no plugin reaches it by an ordinary grant.
    pub fn listens_on(&self, port: u16) {
        self.services.listens_on(port);
    }

    fn look(&self) -> Look {
        let files = self.folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
        let plugins = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "wasm"));
        plugins
            .filter_map(|file| {
                let meta = std::fs::metadata(file.path()).ok()?;
                Some((file.path(), (meta.len(), meta.modified().ok())))
            })
            .collect()
    }

    /// Returns the enabled plugins that check passwords, with the label of their sign-in form, in the order in which they
    /// are asked.
    pub fn password_providers(&self) -> Vec<(InstanceId, String)> {
        let entries = self.entries.read();
        let enabled = entries.iter().filter(|(_, entry)| entry.running.is_some());
        enabled
            .filter_map(|(instance, entry)| {
                let plugin = entry.outcome.as_ref()?.as_ref().ok()?;
                let checks = plugin.roles.iter().any(|role| role == "password-provider");
                checks.then(|| (instance.clone(), plugin.manifest.name.get("en").to_owned()))
            })
            .collect()
    }

    fn known(&self, instance: &InstanceId) -> Result<()> {
        if self.entries.read().contains_key(instance) {
            return Ok(());
        }
        Err(Failure::no_such(instance.as_str(), "plugin").into())
    }

    /// Returns the plugin of an instance, or why there is none.
    fn plugin(&self, instance: &InstanceId) -> Result<Arc<Plugin>> {
        let entries = self.entries.read();
        let entry = entries.get(instance).ok_or_else(|| Failure::no_such(instance.as_str(), "plugin"))?;
        match &entry.outcome {
            Some(Ok(plugin)) => Ok(plugin.clone()),
            Some(Err(error)) => Err(Failure::invalid(format!("plugin cannot be loaded: {error}")).into()),
            None => Err(Failure::invalid("plugin is loading").into()),
        }
    }

    fn running(&self, instance: &InstanceId) -> Option<Clear> {
        self.entries.read().get(instance)?.running.clone()
    }

    fn set_running(&self, instance: &InstanceId, running: Option<Clear>) {
        if let Some(entry) = self.entries.write().get_mut(instance) {
            entry.running = running;
            entry.refusal = None;
        }
    }

    fn note(&self, instance: &InstanceId, activity: Activity) {
        if let Some(entry) = self.entries.write().get_mut(instance) {
            entry.note(activity);
        }
    }

    fn found(&self, found: Vec<Found>) {
        let mut entries = self.entries.write();
        entries.retain(|instance, _| found.iter().any(|found| found.instance == *instance));
        for Found { instance, outcome, .. } in found {
            let entry = entries.entry(instance).or_default();
            if outcome.is_err() {
                entry.running = None;
            }
            entry.outcome = Some(outcome);
        }
    }
}

impl App {
    fn record(&self, instance: &InstanceId) -> Result<(Record, store::Expect)> {
        let stored = self.store.get::<Record>(Table::Plugins, instance.as_str())?;
        Ok(match stored {
            Some(stored) => (stored.value, store::Expect::Revision(stored.revision)),
            None => (Record::default(), store::Expect::Absent),
        })
    }

    async fn save_record(&self, instance: &InstanceId, record: &Record, expect: store::Expect) -> Result<()> {
        match self.store.put(Table::Plugins, instance.as_str(), record, expect).await {
            Err(store::Error::Conflict { .. }) => {
                Err(Failure::Busy("somebody else changed this plugin at the same moment; look and try again".into())
                    .into())
            }
            other => Ok(other.map(|_| ())?),
        }
    }

    fn clear(&self, instance: &InstanceId, saved: &Saved) -> Result<Clear> {
        let mut secrets = BTreeMap::new();
        for (path, sealed) in &saved.secrets {
            secrets.insert(path.clone(), self.store.unseal(Table::Plugins, instance.as_str(), path, sealed)?);
        }
        Ok(Clear { config: Arc::new(saved.config.clone()), secrets: Arc::new(secrets) })
    }

    fn seal_config(&self, instance: &InstanceId, clear: &Clear) -> Result<Saved> {
        let mut secrets = BTreeMap::new();
        for (path, secret) in &*clear.secrets {
            secrets.insert(path.clone(), self.store.seal(Table::Plugins, instance.as_str(), path, secret)?);
        }
        Ok(Saved { config: (*clear.config).clone(), secrets })
    }

    /// Writes down that something happened to a plugin, and tells the pages that show it.
    pub(crate) fn plugin_activity(&self, instance: &InstanceId, kind: &'static str, text: impl Into<String>) {
        let activity = Activity { time: self.clock.now(), kind, text: text.into() };
        self.plugins.note(instance, activity);
        self.notify(Notice::Plugin(instance.clone()));
    }
}

fn spec(ctx: &Ctx, instance: &InstanceId, clear: &Clear, grants: &[Grant]) -> Spec {
    Spec {
        instance: instance.clone(),
        config: clear.config.clone(),
        secrets: clear.secrets.clone(),
        grants: Arc::new(grants.to_vec()),
        principal: ctx.caller.principal().cloned(),
        client_address: ctx.address.map(|address| address.to_string()),
        locale: "en".to_owned(),
        wall: None,
    }
}

/// Returns the rights that a configuration needs and that no grant covers.
fn missing(plugin: &Plugin, config: &Value, grants: &[Grant]) -> Vec<Requested> {
    let requested = plugin.requested(config).into_iter().filter(|requested| !requested.optional);
    requested.filter(|requested| !is_granted(&requested.capability, grants)).collect()
}

/// Returns whether a grant that counts covers a right.
fn is_granted(capability: &str, grants: &[Grant]) -> bool {
    grants.iter().any(|grant| grant.mode != Mode::Off && grant.covers(capability))
}

fn check_grant(grant: &Grant) -> Result<()> {
    match grant.problem() {
        None => Ok(()),
        Some(problem) => Err(Failure::invalid(problem).into()),
    }
}

fn invalid(message: impl Into<String>, issues: Vec<Issue>) -> Error {
    Failure::InvalidParameters { message: message.into(), issues }.into()
}

/// Returns the failure of the API for a call into a plugin that gave no answer.
fn failed(error: &CallError) -> Error {
    match error {
        CallError::Plugin(error) if !error.fields.is_empty() => invalid(&error.message, issues(&error.fields)),
        CallError::Busy => Failure::Busy("too many calls wait for the plugin; try again in a moment".into()).into(),
        other => Failure::Internal(other.to_string()).into(),
    }
}

fn issues(fields: &[plugin_runtime::FieldError]) -> Vec<Issue> {
    fields.iter().map(|field| Issue::at(&field.path, &field.code, &field.message)).collect()
}

/// Asks an enabled plugin who somebody is.
pub(crate) async fn authenticate(
    ctx: &Ctx,
    instance: &InstanceId,
    name: &str,
    password: &Secret,
) -> std::result::Result<Verdict, CallError> {
    let app = &ctx.app;
    let running = app.plugins.running(instance).ok_or(CallError::NotLoaded)?;
    let grants = app.record(instance).map(|(record, _)| record.grants).unwrap_or_default();
    let spec = spec(ctx, instance, &running, &grants);
    let verdict = app.plugins.runtime.authenticate(&spec, name, password).await;
    if let Err(error) = &verdict {
        app.plugin_activity(instance, "error", format!("a sign-in failed: {error}"));
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_its_own_lines_hides_nothing() {
        let mut entry = Entry::default();
        let mut note = |kind, text: &str| entry.note(Activity { time: 0, kind, text: text.to_owned() });
        note("denied", "the one that counts");
        (0..1_000).for_each(|_| note("log", "noise"));
        (0..49).for_each(|_| note("error", "later"));
        assert_eq!((entry.activity.len(), entry.activity[0].kind), (100, "denied"));
        entry.note(Activity { time: 0, kind: "info", text: String::new() });
        assert_eq!((entry.activity.len(), entry.activity[0].kind), (100, "log"));
    }
}
