//! What can go wrong: with the runtime, with a file, with a call, and in the words of a plugin.

use std::path::PathBuf;

use model::Millis;
use serde::{Deserialize, Serialize};

/// Why the runtime itself cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither the pooling nor the on-demand engine can be made.
    #[error("create the WebAssembly engine: {message}")]
    Engine {
        /// What wasmtime said.
        message: String,
    },
    /// The host functions cannot be linked: a defect of this build.
    #[error("link the host functions: {message}")]
    Link {
        /// What wasmtime said.
        message: String,
    },
    /// The folder for compiled code cannot be made private.
    #[error("prepare the folder for compiled plugins {path}")]
    CacheFolder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// Why a file is not a plugin that can run here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct LoadError {
    /// Stable word, such as "component.core-module", "manifest.missing", "contract.newer".
    pub code: String,
    /// For the administrator: what is wrong and what would help.
    pub message: String,
}

impl LoadError {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        // Names and texts of the file itself stand in these messages.
        Self { code: code.to_owned(), message: crate::log::cut(&message.into(), 2_048).to_owned() }
    }
}

/// What the caller should do about an error; the closed set of the contract (`types.error-kind`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// Not granted to the plugin or not allowed to the user.
    Denied,
    /// The request is wrong and will stay wrong.
    Invalid,
    /// The named thing does not exist, or may not be seen.
    NotFound,
    /// The thing is in another state or at another version than the request needs.
    Conflict,
    /// A quota or a rate is used up.
    Exhausted,
    /// The time allowed is over.
    Timeout,
    /// A user, an administrator or a shutdown stopped it.
    Cancelled,
    /// The far side cannot be reached or is failing; may pass.
    Unavailable,
    /// The far side answered and said no.
    Upstream,
    /// This daemon does not do that.
    Unsupported,
    /// A defect on the side that answers.
    Internal,
}

impl ErrorKind {
    /// Returns the word of the contract, such as "not-found".
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Invalid => "invalid",
            Self::NotFound => "not-found",
            Self::Conflict => "conflict",
            Self::Exhausted => "exhausted",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Unavailable => "unavailable",
            Self::Upstream => "upstream",
            Self::Unsupported => "unsupported",
            Self::Internal => "internal",
        }
    }
}

/// One value that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) into the value, such as "/server/port".
    pub path: String,
    /// Stable word, such as "required", "range", "format".
    pub code: String,
    /// For people.
    pub message: String,
}

/// An error as plugins see and give it (`types.error` of the contract).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
#[serde(rename_all = "camelCase")]
pub struct PluginError {
    /// What to do about it.
    pub kind: ErrorKind,
    /// Open set with stable spelling: "grant.missing", "ldap.invalid-credentials".
    pub code: String,
    /// For people; never holds a secret.
    pub message: String,
    /// Positional details.
    #[serde(default)]
    pub params: Vec<String>,
    /// The wrong values, when `kind` is `Invalid`.
    #[serde(default)]
    pub fields: Vec<FieldError>,
    /// Milliseconds to wait before another try.
    #[serde(default)]
    pub retry_after: Option<u64>,
}

impl PluginError {
    /// Returns an error without params and fields.
    pub fn new(kind: ErrorKind, code: impl Into<String>, message: impl Into<String>) -> Self {
        let (code, message) = (code.into(), message.into());
        Self { kind, code, message, params: vec![], fields: vec![], retry_after: None }
    }

    /// Adds a positional detail.
    #[must_use]
    pub fn param(mut self, param: impl Into<String>) -> Self {
        self.params.push(param.into());
        self
    }
}

/// Why a call into a plugin gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The plugin crashed.
    #[error("the plugin crashed: {message}")]
    Trap {
        /// What happened, with the plugin's last words on stderr.
        message: String,
        /// Frames, innermost first; empty if there are none.
        backtrace: String,
    },
    /// The processor time of the call is used up.
    #[error("the plugin used more than {limit_ms} ms of processor time")]
    Cpu {
        /// The limit.
        limit_ms: u64,
    },
    /// The plugin wanted more memory than it may have.
    #[error("the plugin wanted more than {limit} bytes of memory")]
    Memory {
        /// The limit.
        limit: u64,
    },
    /// The wall clock of the call ran out.
    #[error("the plugin did not answer within {limit_ms} ms")]
    Timeout {
        /// The limit.
        limit_ms: u64,
    },
    /// More came out of the plugin at once than may.
    #[error("the plugin handed over more than {limit} bytes at once")]
    ResultTooLarge {
        /// The limit.
        limit: u64,
    },
    /// Too many calls wait for this plugin already.
    #[error("too many calls wait for the plugin")]
    Busy,
    /// It failed too often; calls are refused for a while.
    #[error("the plugin failed too often and is given a rest")]
    BreakerOpen {
        /// When one call will be let through again.
        retry_at: Millis,
    },
    /// There is no such plugin, or it lacks the role.
    #[error("the plugin is not loaded")]
    NotLoaded,
    /// The call was stopped by [`Runtime::cancel`](crate::Runtime::cancel).
    #[error("the call was cancelled")]
    Cancelled,
    /// The plugin answered with an error.
    #[error(transparent)]
    Plugin(#[from] PluginError),
}

impl CallError {
    /// Returns a stable word: "trap", "cpu", "memory", "timeout", "result-too-large", "busy", "breaker-open", "not-loaded",
    /// "cancelled", "plugin".
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Trap { .. } => "trap",
            Self::Cpu { .. } => "cpu",
            Self::Memory { .. } => "memory",
            Self::Timeout { .. } => "timeout",
            Self::ResultTooLarge { .. } => "result-too-large",
            Self::Busy => "busy",
            Self::BreakerOpen { .. } => "breaker-open",
            Self::NotLoaded => "not-loaded",
            Self::Cancelled => "cancelled",
            Self::Plugin(_) => "plugin",
        }
    }

    /// Returns the code for logs and the settings page: the plugin's own, else "plugin.<kind>".
    pub fn code(&self) -> String {
        match self {
            Self::Plugin(error) => error.code.clone(),
            other => format!("plugin.{}", other.kind()),
        }
    }

    /// Returns whether the plugin misbehaved: what the circuit breaker counts.
    pub fn is_misbehaviour(&self) -> bool {
        matches!(
            self,
            Self::Trap { .. }
                | Self::Cpu { .. }
                | Self::Memory { .. }
                | Self::Timeout { .. }
                | Self::ResultTooLarge { .. }
        )
    }
}
