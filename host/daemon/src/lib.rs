//! Puts the floors together: [`Daemon::start`] turns a [`Config`] into something [`Running`], in one straight line.

mod backup;
mod config;
mod credentials;
mod lifecycle;
mod logging;
mod notify;

pub use backup::{backup, restore};
pub use config::{Config, Http, Log, LogFormat, Overrides, Plugins, Seconds, ServerSeed, State, Xapi};
pub use lifecycle::{Daemon, Running};
pub use logging::init as init_logging;
pub use notify::{notify_ready, notify_stopping};

/// The version that the API and the store tell.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Main of the child process that compiles plugins; see `plugin_runtime`.
pub use plugin_runtime::compile_worker;
