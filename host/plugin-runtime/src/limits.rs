//! The limits of a call, for those who show them; each is enforced where its constant stands.

use serde::Serialize;

use crate::{DEFAULT_WALL, convert, ctx, engine, inspect, instance, supervisor};

/// What a call into a plugin may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Bytes of the component file.
    pub component: u64,
    /// Bytes of linear memory.
    pub memory: u64,
    /// Milliseconds of processor time.
    pub cpu_ms: u64,
    /// Milliseconds of wall clock; a sign-in has less.
    pub wall_ms: u64,
    /// Bytes that come out of a call.
    pub result: u64,
    /// Bytes that host calls may carry.
    pub host_bytes: u64,
    /// Handles at a time.
    pub handles: u64,
    /// Calls at a time; further ones wait.
    pub in_flight: u64,
}

impl Limits {
    /// The limits of every plugin; none can be raised yet.
    pub const DEFAULT: Self = Self {
        component: inspect::MAX_COMPONENT,
        memory: ctx::MEMORY,
        cpu_ms: instance::CPU_TICKS * engine::TICK.as_millis() as u64,
        wall_ms: DEFAULT_WALL.as_millis() as u64,
        result: convert::RESULT as u64,
        host_bytes: ctx::HOST_BYTES as u64,
        handles: ctx::HANDLES as u64,
        in_flight: supervisor::IN_FLIGHT as u64,
    };
}
