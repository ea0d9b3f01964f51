//! Runs plugins: the only crate that knows wasmtime and ldap3.
//!
//! A plugin is a WebAssembly component that speaks the contract in `wit/`. The runtime inspects it without running it,
//! compiles it in a child process, gives it only what was granted, calls it under limits, and watches how it behaves.

mod bindings;
mod cache;
mod call;
mod capabilities;
mod compile;
mod config;
mod convert;
mod ctx;
mod engine;
mod error;
mod grants;
mod inspect;
mod instance;
mod limits;
mod load;
mod log;
mod manifest;
mod matrix;
mod plugin;
mod runtime;
mod scope;
mod services;
mod supervisor;

pub use call::{Activation, Check, DEFAULT_WALL, Group, Identity, SIGN_IN_WALL, Schedule, Spec, Subscription, Verdict};
pub use compile::compile_worker;
pub use error::{CallError, Error, ErrorKind, FieldError, LoadError, PluginError};
pub use grants::{Grant, Mode, canonical_capability};
pub use limits::Limits;
pub use manifest::{Capability, Manifest, Preset, Texts};
pub use plugin::{Plugin, Requested};
pub use runtime::{Found, Options, Runtime};
pub use services::{AuditLine, AuditOutcome, KvEntry, KvSet, LogLevel, Services};
pub use supervisor::{Breaker, Health, HostCall, LastError};

#[cfg(test)]
mod testing;

// Helpers that unit and integration tests share speak of the crate by its name.
#[cfg(test)]
extern crate self as plugin_runtime;

/// What stands for a secret in configurations that leave the API, and keeps the stored value when it comes back: the fixed
/// string of Xen Orchestra's API, so that its clients work unchanged.
pub const SENTINEL: &str = "obfuscated-q3oi6d9X8uenGvdLnHk2";
