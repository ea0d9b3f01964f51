//! Structured logs on standard error.

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Starts logging, once for the process.
///
/// # Errors
/// When the level cannot be understood, or logging has been started before.
pub fn init(config: &Log) -> Result<()> {
    let filter =
        EnvFilter::try_new(&config.level).with_context(|| format!("understand the log level {:?}", config.level))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let outcome = match config.format {
        LogFormat::Text => builder.with_ansi(ansi).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    outcome.map_err(|error| anyhow::anyhow!("start logging: {error}"))
}
