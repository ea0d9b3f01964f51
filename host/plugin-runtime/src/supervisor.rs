//! Watches how plugins behave: circuit breakers and health.

use std::collections::BTreeMap;

use model::Millis;
use serde::Serialize;

/// State of a circuit breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Breaker {
    /// Calls go through.
    #[default]
    Closed,
    /// Calls are refused.
    Open {
        /// When one call will be let through.
        retry_at: Millis,
    },
    /// One call is let through, to see.
    HalfOpen,
}

/// The last failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastError {
    /// "trap", "cpu", "memory", "timeout", "result-too-large", "plugin"...
    pub kind: String,
    /// The plugin's code, else "plugin.<kind>".
    pub code: String,
    /// For people.
    pub message: String,
    /// When.
    pub at: Millis,
}

/// How a plugin instance is doing since it was loaded or reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// Circuit breaker of each role that was called.
    pub breakers: BTreeMap<String, Breaker>,
    /// The last failure.
    pub last_error: Option<LastError>,
    /// Calls so far.
    pub calls: u64,
    /// Calls that gave no answer; a plugin's own errors are answers.
    pub failures: u64,
    /// Calls running now.
    pub in_flight: u64,
    /// Calls that wait now.
    pub waiting: u64,
    /// Most bytes of linear memory that a call used.
    pub memory_high_water: u64,
    /// Most milliseconds of processor time that a call used, in steps of 10.
    pub cpu_high_water_ms: u64,
    /// Longest call, milliseconds of wall clock.
    pub wall_high_water_ms: u64,
    /// Calls of host functions so far.
    pub host_calls: u64,
    /// Host calls that were denied.
    pub denied: u64,
    /// Uses of grants in mode `count`, by capability.
    pub counted: BTreeMap<String, u64>,
    /// Log lines dropped because there were too many.
    pub log_dropped: u64,
    /// Milliseconds that compiling took; None = the compiled code came from the cache.
    pub compile_ms: Option<u64>,
}
