//! A runtime over a folder of its own, with a clock that stands still.

use std::path::PathBuf;
use std::sync::Arc;

use model::{InstanceId, ManualClock};
use plugin_runtime::{Found, Options, Runtime, Spec};
use serde_json::{Value, json};

use crate::guest::Guest;
use crate::recorder::Recorder;

/// A runtime and what it works with.
pub struct Bench {
    pub folder: tempfile::TempDir,
    pub runtime: Runtime,
    pub services: Arc<Recorder>,
    pub clock: Arc<ManualClock>,
}

impl Bench {
    /// Starts a runtime without plugins.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("plugins")).unwrap();
        let (services, clock) = (Arc::new(Recorder::default()), Arc::new(ManualClock::new(1_000_000)));
        let runtime = start(&folder, &services, &clock);
        Self { folder, runtime, services, clock }
    }

    /// Starts a runtime with one plugin, `it`.
    pub async fn with(guest: &Guest) -> Self {
        let bench = Self::new();
        bench.put("it", &guest.build());
        let found = bench.scan().await;
        assert_eq!(found, [("it".to_owned(), String::new())]);
        bench
    }

    /// Starts another runtime over the same folders.
    pub fn restart(&mut self) {
        self.runtime = start(&self.folder, &self.services, &self.clock);
    }

    pub fn path(&self, instance: &str) -> PathBuf {
        self.folder.path().join("plugins").join(format!("{instance}.wasm"))
    }

    pub fn put(&self, instance: &str, bytes: &[u8]) {
        std::fs::write(self.path(instance), bytes).unwrap();
    }

    /// Scans; for each file its instance and the code of its error, "" for none.
    pub async fn scan(&self) -> Vec<(String, String)> {
        let brief = |found: Found| {
            let code = found.outcome.err().map_or(String::new(), |error| error.code);
            (found.instance.to_string(), code)
        };
        self.runtime.scan().await.into_iter().map(brief).collect()
    }

    /// Returns the message of the plugin that could not be loaded.
    pub async fn complaint(&self, instance: &str) -> String {
        let found = self.runtime.scan().await;
        let found = found.into_iter().find(|found| found.instance.as_str() == instance).unwrap();
        found.outcome.unwrap_err().message
    }
}

fn start(folder: &tempfile::TempDir, services: &Arc<Recorder>, clock: &Arc<ManualClock>) -> Runtime {
    let options = Options {
        folders: vec![folder.path().join("plugins")],
        cache: folder.path().join("cache"),
        cache_key: [7; 32],
        compiler: vec![env!("CARGO_BIN_EXE_plugin-compile-worker").into()],
        clock: clock.clone(),
    };
    Runtime::new(options, services.clone()).unwrap()
}

/// Returns a call of the instance `it` with this configuration.
pub fn spec(config: Value) -> Spec {
    Spec::new(InstanceId::from("it"), config)
}

/// Returns a call of the instance `it` with an empty configuration.
pub fn bare() -> Spec {
    spec(json!({}))
}
