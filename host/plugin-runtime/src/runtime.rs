//! The registry: finds, loads and calls plugins.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use model::{Clock, InstanceId, Secret};
use serde_json::Value;

use crate::{Activation, CallError, Check, Error, FieldError, Health, LoadError, Plugin, Services, Spec, Verdict};

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
    _options: Options,
    _services: Arc<dyn Services>,
}

impl Runtime {
    /// Makes the engine and the folder for compiled code; loads nothing yet.
    pub fn new(options: Options, services: Arc<dyn Services>) -> Result<Self, Error> {
        Ok(Self(Arc::new(Inner { _options: options, _services: services })))
    }

    /// Reads the plugin folders and loads what is new or changed. A plugin whose new file cannot be loaded stays at its old
    /// generation; one whose file is gone is unloaded.
    pub async fn scan(&self) -> Vec<Found> {
        vec![]
    }

    /// Returns the plugin of an instance, if it is loaded.
    pub fn get(&self, _instance: &InstanceId) -> Option<Arc<Plugin>> {
        None
    }

    /// Returns what the plugin finds wrong with a configuration that matches the schema. Pure.
    pub async fn validate(&self, _spec: &Spec) -> Result<Vec<FieldError>, CallError> {
        Err(CallError::NotLoaded)
    }

    /// Returns a configuration of an older version in the present shape. Pure.
    pub async fn migrate(&self, _spec: &Spec, _from_version: u32, _config: &Value) -> Result<Value, CallError> {
        Err(CallError::NotLoaded)
    }

    /// Returns what the configuration turns on.
    pub async fn activate(&self, _spec: &Spec) -> Result<Activation, CallError> {
        Err(CallError::NotLoaded)
    }

    /// As [`activate`](Self::activate), but pure: the trial before an upgrade.
    pub async fn trial_activate(&self, _spec: &Spec) -> Result<Activation, CallError> {
        Err(CallError::NotLoaded)
    }

    /// Tests a configuration, step by step. With input: the Test button; without: the health check.
    pub async fn test(&self, _spec: &Spec, _input: Option<&Value>) -> Result<Vec<Check>, CallError> {
        Err(CallError::NotLoaded)
    }

    /// Asks who someone is. Empty names and passwords are `Unknown` without asking.
    pub async fn authenticate(&self, _spec: &Spec, _name: &str, _password: &Secret) -> Result<Verdict, CallError> {
        Err(CallError::NotLoaded)
    }

    /// Returns how an instance is doing.
    pub fn health(&self, _instance: &InstanceId) -> Health {
        Health::default()
    }

    /// Closes the circuit breakers of an instance and forgets its last error.
    pub fn reset(&self, _instance: &InstanceId) {}

    /// Asks the calls of an instance to stop, and ends those that still run 2 s later.
    pub fn cancel(&self, _instance: &InstanceId) {}

    /// Returns, once, whether the plugin asked for `activate` to be called again.
    pub fn take_reactivation(&self, _instance: &InstanceId) -> bool {
        false
    }
}
