//! `xylem serve`: the daemon in this process, until a signal ends it.

use std::ffi::OsString;

use anyhow::{Context, Result};
use daemon::{Config, Daemon, LogFormat, Overrides};
use tokio::signal::unix::{SignalKind, signal};

use crate::args::{Format, Serve};

/// Runs until SIGTERM or SIGINT.
pub(crate) fn run(serve: Serve) -> Result<()> {
    let log_format = serve.log_format.map(|format| match format {
        Format::Text => LogFormat::Text,
        Format::Json => LogFormat::Json,
    });
    let overrides = Overrides {
        listen: serve.listen,
        state: serve.state,
        admin_password_file: serve.admin_password_file,
        plugins: serve.plugins,
        safe_mode: serve.safe_mode,
        log_level: serve.log_level,
        log_format,
    };
    let config = Config::read(serve.config.as_deref())?.with(overrides);
    daemon::init_logging(&config.log)?;
    let compiler: Vec<OsString> =
        vec![std::env::current_exe().context("find our own program")?.into(), "plugin-compile".into()];
    // Two plugins that loop keep two workers busy with turns of ten milliseconds. With the default of 61 turns between two
    // looks at the network, everybody's answers would take half a second per round trip.
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.enable_all().event_interval(3).build().context("start the runtime")?;
    let outcome = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
        let running = tokio::select! {
            running = Daemon::start(config, compiler) => running?,
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
        };
        daemon::notify_ready();
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        daemon::notify_stopping();
        // A second signal means: now.
        tokio::select! {
            () = running.stop() => {}
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    });
    // The hard stop: whatever still runs is dropped.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    outcome
}
