//! A failure in two voices: one for the person who called, one for the log.

use std::fmt;

use wire::Failure;

/// What went wrong. `failure` is what the caller gets, `detail` is what an operator needs to know beside it.
#[derive(Debug)]
pub struct Error {
    /// For the caller; only `api` turns it into codes.
    pub failure: Failure,
    /// For the log: the chain of causes.
    pub detail: Option<String>,
}

/// What a verb returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Wraps a defect or an outage of ours: administrators read the text, others "unknown error from the peer".
    pub fn internal(source: &dyn std::error::Error) -> Self {
        let chain = chain(source);
        Self { failure: Failure::Internal(chain.clone()), detail: Some(chain) }
    }

    /// Returns whether a pool refused with this code.
    pub(crate) fn is_xapi(&self, wanted: &str) -> bool {
        matches!(&self.failure, Failure::Xapi { code, .. } if code == wanted)
    }

    /// Adds what only the log should say.
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

/// Returns an error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)
    }
}

impl std::error::Error for Error {}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self { failure, detail: None }
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::internal(&error)
    }
}

impl From<access::Refusal> for Error {
    fn from(refusal: access::Refusal) -> Self {
        match refusal {
            // Verbs that name an object answer "no such ..." themselves; here there is nothing to hide.
            access::Refusal::NotVisible => Failure::Unauthorized { permission: "view".into(), object: None }.into(),
            access::Refusal::NotAllowed { action } => {
                Failure::Unauthorized { permission: action.to_string(), object: None }.into()
            }
        }
    }
}
