//! Waiting for a fact, with a limit. The only place of the tests that sleeps, and never without looking again.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::Instant;

/// How long a fact may take on a busy machine. Long, because it costs time only when something is broken.
pub const LIMIT: Duration = Duration::from_secs(60);

/// How often a fact that does not announce itself is looked at.
const GLANCE: Duration = Duration::from_millis(25);

/// Looks again and again until there is a value.
///
/// # Errors
/// When [`LIMIT`] passes; the text says what was waited for.
pub async fn until<T>(what: &str, fact: impl AsyncFnMut() -> Option<T>) -> Result<T> {
    until_within(LIMIT, what, fact).await
}

/// Looks again and again until there is a value, but no longer than `limit`.
///
/// # Errors
/// When `limit` passes; the text says what was waited for.
pub async fn until_within<T>(limit: Duration, what: &str, mut fact: impl AsyncFnMut() -> Option<T>) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = fact().await {
            return Ok(value);
        }
        if Instant::now() >= deadline {
            bail!("waited {limit:?} for {what}, in vain");
        }
        tokio::time::sleep(GLANCE).await;
    }
}
