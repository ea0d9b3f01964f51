//! The one binary: `xylem serve` runs the daemon; the other commands are its client and the author's tools.

mod recover;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand, ValueEnum};
use daemon::{Config, Daemon, LogFormat, Overrides};
use tokio::signal::unix::{SignalKind, signal};

/// The C library's allocator keeps what a load leaves behind, in an arena for each thread: 77 MiB instead of 58 for 2,000
/// VMs. How this one is set up stands in `.cargo/config.toml`: it takes that when it is built.
#[global_allocator]
static GLOBAL: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A control plane for fleets of Xen pools.
#[derive(Parser)]
#[command(name = "xylem", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the daemon.
    Serve(Serve),
    /// Makes an administrator when none can sign in any more.
    Recover(recover::Recover),
    /// Compiles a plugin from standard input to standard output; the daemon calls this.
    #[command(hide = true)]
    PluginCompile,
}

#[derive(Args)]
struct Serve {
    /// Configuration file (TOML).
    #[arg(long, env = "XYLEM_CONFIG")]
    config: Option<PathBuf>,
    /// Address and port to listen on.
    #[arg(long, env = "XYLEM_LISTEN")]
    listen: Option<SocketAddr>,
    /// Folder of everything that survives a restart.
    #[arg(long, env = "XYLEM_STATE")]
    state: Option<PathBuf>,
    /// Folder with plugins; may be given several times.
    #[arg(long, env = "XYLEM_PLUGINS", value_delimiter = ':')]
    plugins: Vec<PathBuf>,
    /// Starts with every plugin disabled.
    #[arg(long, env = "XYLEM_SAFE_MODE")]
    safe_mode: bool,
    /// File with the password of the first administrator, used when there is no account yet.
    #[arg(long, env = "XYLEM_ADMIN_PASSWORD_FILE")]
    admin_password_file: Option<PathBuf>,
    /// error, warn, info, debug, trace, or directives such as info,xapi=debug.
    #[arg(long, env = "XYLEM_LOG_LEVEL")]
    log_level: Option<String>,
    /// How log lines look.
    #[arg(long, env = "XYLEM_LOG_FORMAT", value_enum)]
    log_format: Option<Format>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        // Before any thread or library of the daemon starts: this process is limited and short-lived.
        Command::PluginCompile => return daemon::compile_worker(),
        Command::Serve(serve) => run(serve),
        Command::Recover(recover) => recover::run(recover),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xylem: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(serve: Serve) -> Result<()> {
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
