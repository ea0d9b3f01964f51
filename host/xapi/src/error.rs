//! What can go wrong between us and a pool, said so that a person can act on it.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

/// A failure of a call, a login or a connection. Cheap to clone; never holds a password or a session reference.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The settings of the target make no sense (host, fingerprint, proxy).
    #[error("connect to {host}: {reason}")]
    Target {
        /// The host as it was given.
        host: String,
        /// What is wrong with the settings.
        reason: String,
    },
    /// Nobody answered, or the line was cut.
    #[error("reach {host}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// What the network said.
        #[source]
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// There is no trustworthy TLS connection.
    #[error("establish TLS with {host}: {failure}")]
    Tls {
        /// Host and port.
        host: String,
        /// Why not, with the fingerprints.
        failure: TlsFailure,
    },
    /// No (complete) answer in time.
    #[error("no answer to {doing} within {after:?}")]
    Timeout {
        /// The method, or `connect`.
        doing: String,
        /// How long we waited.
        after: Duration,
    },
    /// An HTTP status other than 200: the toolstack restarts, or this is not a pool.
    #[error("{method} was answered with HTTP status {status}")]
    Status {
        /// The method that was called.
        method: String,
        /// The HTTP status.
        status: u16,
    },
    /// An answer we cannot understand.
    #[error("understand the answer to {method}: {reason}")]
    Protocol {
        /// The method that was called.
        method: String,
        /// What is wrong, with the position; never a piece of the answer, which may hold secrets.
        reason: String,
    },
    /// A request that cannot be sent: too large, or a character XML has no word for.
    #[error("send {method}: {reason}")]
    Unsendable {
        /// The method that was called.
        method: String,
        /// What is wrong with the request.
        reason: String,
    },
    /// XAPI refused: wrong name or password, or an account without rights on this pool.
    #[error("the pool refused the login of {username}")]
    AuthenticationFailed {
        /// Who tried.
        username: String,
        /// `SESSION_AUTHENTICATION_FAILED` or `SESSION_AUTHORIZATION_FAILED`.
        code: Box<str>,
    },
    /// The host is a member of a pool; only the master answers.
    #[error("the host is not the master of its pool, which is {master}{}", because(stranger))]
    HostIsSlave {
        /// The master's address as the member knows it: a name or an address, without scheme or brackets.
        master: String,
        /// Why we do not go there, when waiting will not help.
        stranger: Option<&'static str>,
    },
    /// We were sent to a host that may not be trusted as a member of the pool. Nothing was sent there.
    #[error("{host} is not trusted as a member of the pool: {reason}")]
    Stranger {
        /// The host we were sent to.
        host: String,
        /// Why it is not trusted.
        reason: &'static str,
    },
    /// Any other failure that XAPI reports.
    #[error("{method}: {code}{}", list(params))]
    Api {
        /// The method that was called.
        method: String,
        /// XAPI's error code, such as `HANDLE_INVALID`.
        code: Box<str>,
        /// The parameters that belong to the code.
        params: Vec<Box<str>>,
    },
    /// The target is read-only and the method is not a getter. Nothing was sent.
    #[error("{method} would change a pool that is connected read-only")]
    ReadOnly {
        /// The method that was called.
        method: String,
    },
    /// The pool forgot a task before it was finished: it restarted, or somebody destroyed the record.
    #[error("the pool lost track of {method}: whether it was done is not known")]
    TaskLost {
        /// The method that was started.
        method: String,
    },
    /// The connection was logged out on our side.
    #[error("the connection is closed")]
    Closed,
}

/// Why a TLS connection was refused. Fingerprints are SHA-256 of the host's certificate, as `ab:cd:...`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsFailure {
    /// The system does not vouch for the certificate (self-signed, expired, another name ...).
    #[error("unknown certificate {fingerprint} ({reason})")]
    UnknownCertificate {
        /// The fingerprint we saw.
        fingerprint: String,
        /// What the verifier said.
        reason: String,
    },
    /// The certificate is not the pinned one: it was renewed, or somebody is in between.
    #[error("certificate {fingerprint} instead of {expected}")]
    ChangedCertificate {
        /// The pinned fingerprint.
        expected: String,
        /// The fingerprint we saw.
        fingerprint: String,
    },
    /// Both sides found no common ground, or the other side does not speak TLS.
    #[error("{reason}")]
    Handshake {
        /// What the TLS library said.
        reason: String,
    },
}

impl Error {
    /// Returns XAPI's error code, when the failure is XAPI's.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Api { code, .. } | Self::AuthenticationFailed { code, .. } => Some(code),
            Self::HostIsSlave { .. } => Some("HOST_IS_SLAVE"),
            _ => None,
        }
    }

    /// Returns whether waiting will not help: somebody has to change the settings of this server.
    pub fn needs_administrator(&self) -> bool {
        match self {
            Self::Target { .. } | Self::AuthenticationFailed { .. } => true,
            // A pool elects a master in seconds; one that we may not follow does not become ours by waiting.
            Self::HostIsSlave { stranger, .. } => stranger.is_some(),
            // A handshake can fail because the host is just starting; a certificate does not change by itself.
            Self::Tls { failure, .. } => !matches!(failure, TlsFailure::Handshake { .. }),
            _ => false,
        }
    }

    /// Returns whether the pool asks us to come back later; nothing was done.
    pub fn is_busy(&self) -> bool {
        matches!(self.code(), Some("TOO_MANY_PENDING_TASKS" | "TOO_BUSY" | "HOST_STILL_BOOTING"))
    }

    /// Returns the fingerprint that a certificate should have had.
    pub fn expected_fingerprint(&self) -> Option<&str> {
        match self {
            Self::Tls { failure: TlsFailure::ChangedCertificate { expected, .. }, .. } => Some(expected),
            _ => None,
        }
    }

    /// Returns the fingerprint of the certificate that was refused.
    pub fn fingerprint(&self) -> Option<&str> {
        match self {
            Self::Tls {
                failure:
                    TlsFailure::UnknownCertificate { fingerprint, .. } | TlsFailure::ChangedCertificate { fingerprint, .. },
                ..
            } => Some(fingerprint),
            _ => None,
        }
    }

    /// Returns the whole story in one line: this error and its causes.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = StdError::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }

    /// Returns whether XAPI answered with this code.
    pub(crate) fn is(&self, code: &str) -> bool {
        self.code() == Some(code)
    }
}

fn because(reason: &Option<&'static str>) -> String {
    reason.map(|reason| format!(", and {reason}")).unwrap_or_default()
}

fn list(params: &[Box<str>]) -> String {
    if params.is_empty() { String::new() } else { format!(" ({})", params.join(", ")) }
}
