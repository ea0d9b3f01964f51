//! Start-up as one straight line, and two ways to stop: softly, then hard.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use api::{Api, Bound, Listen, LocalSocket};
use app::{App, Ctx, Settings};
use inventory::Inventory;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use model::{Clock, SystemClock};
use plugin_runtime::Options;
use store::{KeyState, Store};
use tracing::{info, warn};

use crate::config::{Config, Http};
use crate::credentials;

/// How long a soft stop may take: sessions on pools are closed, requests in progress end.
const SOFT_STOP: Duration = Duration::from_secs(3);

/// Seconds between two times that what was measured is put into its buckets: without it, samples would pile up until
/// somebody reads `/metrics`.
const UPKEEP: Duration = Duration::from_secs(5);

/// Bounds of the histograms, in seconds: from an answer out of memory to a VM that takes its time to stop.
const BUCKETS: [f64; 10] = [0.001, 0.005, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0];

/// Bounds for what follows a change in a pool: what is promised (5 and 20 ms at the 99th percentile) stands among them.
const FEED_BUCKETS: [f64; 14] =
    [0.0005, 0.001, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.25, 1.0];

/// The daemon before it runs.
pub struct Daemon;

/// The daemon while it runs.
pub struct Running {
    app: Arc<App>,
    bound: Bound,
    /// Lies on the disk for as long as the daemon runs.
    _socket: LocalSocket,
}

impl Daemon {
    /// Starts everything. When it returns, the store and the listener are up; pools and plugins come in the background.
    ///
    /// `compiler` is the command that runs [`crate::compile_worker`].
    ///
    /// # Errors
    /// When the configuration makes no sense, the store cannot be opened, or the address is taken.
    pub async fn start(config: Config, compiler: Vec<OsString>) -> Result<Running> {
        // More than one TLS library could be built in; the first thing is to say which one counts. A second daemon in
        // the same process (tests) finds it said already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        more_files();
        let folder = &config.state.folder;
        credentials::state_folder(folder)?;
        let store = open_store(&config)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let options = Options {
            folders: config.plugins.folders.clone(),
            cache: folder.join("plugin-cache"),
            cache_key: store.derive_key("compiled plugins"),
            compiler,
            clock: clock.clone(),
        };
        let inventory = Inventory::new();
        let plugins = app::plugin::Plugins::new(options, &store, &inventory, clock.clone())
            .context("start the plugin runtime")?;
        let settings = Settings {
            state: folder.clone(),
            version: crate::VERSION,
            timeouts: config.timeouts(),
            ignore_snapshots: config.self_service.ignore_snapshots,
        };
        let app = App::new(store, inventory, clock, settings, plugins);
        app.ensure_first_admin(config.state.admin_password_file.as_deref())
            .await
            .context("create the first administrator")?;
        app.keep_audit(config.audit.keep());
        app.load_tasks().await.context("read the tasks")?;
        app.keep_tasks(config.tasks.keep());
        let tls = credentials::certificate(&config.http, folder)?;
        let metrics = recorder()?;
        spawn_upkeep(&app, metrics.clone());
        let api = Api::new(app.clone(), metrics, tls.is_some());
        let local = credentials::local(&config)?;
        let socket = api::serve_local(&api, &local)?;
        info!(socket = %local.path.display(), "takes JSON-RPC without HTTP");
        if let Some(address) = config.rpc.tcp {
            let http = Http { listen: address, ..config.http.clone() };
            let address = api::serve_lines(&api, address, credentials::certificate(&http, folder)?).await?;
            info!(tcp = %address, "takes JSON-RPC without HTTP");
        }
        let bound = api::serve(api.router(), Listen { address: config.http.listen, tls }).await?;
        info!(address = %bound.address, "listening");
        app.plugins.listens_on(bound.address.port());
        let ctx = Ctx::daemon(&app);
        app::server::connect_all(&ctx).map_err(|error| anyhow::anyhow!("read the servers: {error}"))?;
        let seeds = config.servers.into_iter().map(crate::ServerSeed::into_new).collect::<Result<Vec<_>>>()?;
        app::server::seed(&ctx, seeds).await.map_err(|error| anyhow::anyhow!("register the servers: {error}"))?;
        let safe_mode = config.plugins.safe_mode;
        app.workers.spawn("plugins", async move { app::plugin::start(&ctx, safe_mode).await });
        Ok(Running { app, bound, _socket: socket })
    }
}

impl Running {
    /// Returns the address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.bound.address
    }

    /// Stops: no new connections, workers are asked to end, then everything is ended. Takes a few seconds at most.
    pub async fn stop(self) {
        let Self { app, bound, .. } = self;
        // Sockets end with the workers' signal, so both run at once.
        tokio::join!(app.workers.stop(SOFT_STOP), bound.stop(SOFT_STOP));
        info!("stopped");
    }
}

/// Takes as many open files as the system grants: each client and each pool is one, and 1,024 is the usual soft limit.
fn more_files() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => info!(limit, "open files at most"),
        Err(error) => warn!(%error, "the limit of open files stays as it is"),
    }
}

fn open_store(config: &Config) -> Result<Store> {
    let folder = &config.state.folder;
    let key = credentials::master_key(folder)?;
    let path = folder.join("xylem.redb");
    let store = Store::open(&path, key).with_context(|| format!("open the store {}", path.display()))?;
    match store.key_state() {
        KeyState::Ok => {}
        state => {
            warn!(?state, "the master key does not fit the store: stored passwords cannot be used until it is put back")
        }
    }
    Ok(store)
}

fn spawn_upkeep(app: &Arc<App>, metrics: PrometheusHandle) {
    let mut stop = app.workers.stop_signal();
    app.workers.spawn("metrics", async move {
        loop {
            tokio::select! {
                () = tokio::time::sleep(UPKEEP) => metrics.run_upkeep(),
                () = stop.wait() => break,
            }
        }
    });
}

/// Returns the recorder of the process; tests start several daemons in one.
fn recorder() -> Result<PrometheusHandle> {
    use std::sync::Mutex;
    static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
    let mut installed = INSTALLED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(handle) = &*installed {
        return Ok(handle.clone());
    }
    let mut builder = PrometheusBuilder::new().set_buckets(&BUCKETS).context("set the buckets of histograms")?;
    for name in ["xylem_feed_seconds", "xylem_picture_seconds"] {
        let matcher = Matcher::Full(name.to_owned());
        builder = builder.set_buckets_for_metric(matcher, &FEED_BUCKETS).context("set the buckets of the feed")?;
    }
    let handle = builder.install_recorder().context("install the metrics recorder")?;
    *installed = Some(handle.clone());
    Ok(handle)
}
