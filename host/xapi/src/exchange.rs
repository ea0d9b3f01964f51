//! Makes one call and nothing else: encode, send, read, decode, and an error that says what XAPI said.

use std::time::{Duration, Instant};

use bytes::Bytes;
use model::Secret;

use crate::rpc::{Answer, Dialect};
use crate::transport::Transport;
use crate::{Error, Value};

/// From this size on an answer is decoded on a thread that may block: 256 KiB take about 2 ms.
pub(crate) const LARGE: usize = 256 << 10;

/// Makes one call. `session` is only known here to be left out of errors.
pub(crate) async fn exchange(
    transport: &Transport,
    dialect: Dialect,
    method: &str,
    params: &[Value],
    session: &Secret,
    limit: Duration,
) -> Result<Value, Error> {
    let body = encode(dialect, method, params)?;
    let start = Instant::now();
    let outcome = match transport.post(dialect.path(), dialect.content_type(), method, body, limit).await {
        Ok(reply) if reply.status != 200 => Err(Error::Status { method: method.to_owned(), status: reply.status }),
        Ok(reply) => decode(dialect, method, reply.body).await,
        Err(error) => Err(error),
    };
    let outcome = outcome.and_then(|answer| answer.into_result(method, session));
    told(transport, method, start, outcome.as_ref().err());
    outcome
}

/// Returns the body of a call.
pub(crate) fn encode(dialect: Dialect, method: &str, params: &[Value]) -> Result<Vec<u8>, Error> {
    dialect.encode(method, params).map_err(|reason| Error::Unsendable { method: method.to_owned(), reason })
}

/// Writes the call into the log; its parameters and its answer may be secret.
pub(crate) fn told(transport: &Transport, method: &str, start: Instant, error: Option<&Error>) {
    let elapsed = start.elapsed();
    match error {
        None => tracing::trace!(host = transport.host(), method, ?elapsed, "call"),
        Some(error) => {
            tracing::debug!(host = transport.host(), method, ?elapsed, error = %error.chain(), "call failed");
        }
    }
}

async fn decode(dialect: Dialect, method: &str, body: Bytes) -> Result<Answer, Error> {
    let answer = if body.len() < LARGE {
        dialect.decode(&body)
    } else {
        tokio::task::spawn_blocking(move || dialect.decode(&body)).await.unwrap_or_else(|error| Err(error.to_string()))
    };
    answer.map_err(|reason| Error::Protocol { method: method.to_owned(), reason })
}

impl Answer {
    /// Returns the value, or the failure as an error.
    pub(crate) fn into_result(self, method: &str, session: &Secret) -> Result<Value, Error> {
        match self {
            Self::Success(value) => Ok(value),
            Self::Failure(parts) => Err(failure(method, parts, session)),
        }
    }
}

/// Makes an error of XAPI's error array. XAPI likes to tell the session back; that is not for logs.
pub(crate) fn failure(method: &str, parts: Vec<Box<str>>, session: &Secret) -> Error {
    let mut parts = parts.into_iter().map(|part| match session.is_empty() || !part.contains(session.expose()) {
        true => part,
        false => part.replace(session.expose(), "(session)").into(),
    });
    let code = parts.next().unwrap_or_default();
    let params: Vec<Box<str>> = parts.collect();
    match (&*code, params.first()) {
        ("HOST_IS_SLAVE", Some(master)) => Error::HostIsSlave { master: master.to_string(), stranger: None },
        _ => Error::Api { method: method.to_owned(), code, params },
    }
}
