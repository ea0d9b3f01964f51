//! Finds a host of the pool that lets us in: the entry, or another known member when the entry is dead or not the master.
//!
//! ```text
//!   entry -- answers --> log in --> done
//!     |                    +-- HOST_IS_SLAVE --> the master, if it is a trusted member --> log in
//!     +-- fails, or is slow --> the next trusted members, beside it; the entry itself once more now and then
//! ```
//!
//! Hosts are asked a question without secrets first, several at a time if need be; only one that answered, over a line
//! that passed, gets the password. A refused password ends the search: each further try would raise an alert.

use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use model::Secret;
use tokio::time::{Instant, sleep_until};

use crate::exchange::exchange;
use crate::member::Roster;
use crate::rpc::Dialect;
use crate::transport::Transport;
use crate::{Error, Target, Timeouts, Value};

/// What we call ourselves. XAPI keeps 500 sessions per originator and throws out the oldest, so without a name of our
/// own we would throw out other people's.
const ORIGINATOR: &str = "xylem";

/// The API version we say we speak. XAPI ignores it.
const API_VERSION: &str = "2.21";

/// How often one host may send us to another. While a pool elects its master, members may disagree for a moment.
const HOPS: usize = 3;

/// Members that are asked at the same time, at most.
const AT_ONCE: usize = 8;

/// A host that let us in.
pub(crate) struct Door {
    pub transport: Transport,
    pub dialect: Dialect,
    pub session: Secret,
    /// The host's address in the pool's own words, when that is how we came.
    pub address: Option<String>,
}

/// A host to try.
#[derive(Clone)]
struct Candidate {
    target: Target,
    address: Option<String>,
}

/// A host that answered.
struct Answering {
    candidate: Candidate,
    transport: Transport,
    dialect: Dialect,
}

/// Hosts that failed in this search, and why.
type Failed = Vec<(String, Error)>;

/// Finds the master of the pool and logs in.
pub(crate) async fn open(entry: &Target, roster: &Roster, timeouts: &Timeouts) -> Result<Door, Error> {
    let first = Candidate { target: entry.clone(), address: None };
    let mut waiting = members(entry, roster).into_iter();
    let mut knocking = FuturesUnordered::from_iter([knock(first.clone(), timeouts)]);
    let mut failed = Failed::new();
    // When the next member is asked, and when the entry again: it may come back while silent members are waited for.
    let (mut next, mut again) = (Instant::now() + timeouts.failover, None);
    loop {
        let answer = tokio::select! {
            Some(answer) = knocking.next() => answer,
            () = sleep_until(next), if waiting.len() > 0 && knocking.len() < AT_ONCE => {
                knocking.extend(waiting.next().map(|member| knock(member, timeouts)));
                next = Instant::now() + timeouts.failover;
                continue;
            }
            () = sleep_until(again.unwrap_or(next)), if again.is_some() && !knocking.is_empty() => {
                again = None;
                knocking.push(knock(first.clone(), timeouts));
                continue;
            }
            else => return Err(verdict(entry, failed)),
        };
        let outcome = match answer {
            Ok(host) => enter(host, entry, roster, timeouts, &failed).await,
            Err(failure) => Err(failure),
        };
        match outcome {
            Ok(door) => return Ok(door),
            Err((_, error @ Error::AuthenticationFailed { .. })) => return Err(error),
            Err((host, error)) => {
                tracing::debug!(host, error = %error.chain(), "no way into the pool");
                if host == entry.host && !error.needs_administrator() {
                    again = Some(Instant::now() + timeouts.failover);
                }
                // The members that are left need not wait any longer.
                next = Instant::now();
                failed.retain(|(known, _)| *known != host);
                failed.push((host, error));
            }
        }
    }
}

/// Returns the members that may be tried beside the entry.
fn members(entry: &Target, roster: &Roster) -> Vec<Candidate> {
    let trusted = roster.members().into_iter().filter_map(|member| {
        let target = roster.find(entry, &member.address).ok()?;
        Some(Candidate { target, address: Some(member.address) })
    });
    trusted.filter(|member| member.target.host != entry.host).collect()
}

/// Returns the failure that says most: what only a person can mend, or else what the entry said.
fn verdict(entry: &Target, failed: Failed) -> Error {
    let at = failed
        .iter()
        .position(|(_, error)| error.needs_administrator())
        .or_else(|| failed.iter().position(|(host, _)| *host == entry.host));
    let error = failed.into_iter().nth(at.unwrap_or(0)).map(|(_, error)| error);
    error.unwrap_or_else(|| Error::Target { host: entry.host.clone(), reason: "there is no host to try".to_owned() })
}

/// Asks a host which dialect it speaks.
async fn knock(candidate: Candidate, timeouts: &Timeouts) -> Result<Answering, (String, Error)> {
    let outcome = async {
        let transport = Transport::new(&candidate.target, timeouts).await?;
        let dialect = detect(&transport, timeouts.login).await?;
        Ok((transport, dialect))
    };
    match outcome.await {
        Ok((transport, dialect)) => Ok(Answering { candidate, transport, dialect }),
        Err(error) => Err((candidate.target.host, error)),
    }
}

/// Logs in, at this host or at the master it names.
async fn enter(
    mut host: Answering,
    entry: &Target,
    roster: &Roster,
    timeouts: &Timeouts,
    failed: &Failed,
) -> Result<Door, (String, Error)> {
    for hop in 0.. {
        let Answering { candidate: Candidate { target, address }, transport, dialect } = host;
        let master = match login(&transport, dialect, &target, timeouts.login).await {
            Ok(session) => return Ok(Door { transport, dialect, session, address }),
            Err(Error::HostIsSlave { master, .. }) => master,
            Err(error) => return Err((target.host, error)),
        };
        if hop == HOPS {
            return Err((target.host, Error::HostIsSlave { master, stranger: None }));
        }
        let next = match roster.find(entry, &master) {
            Ok(next) => next,
            Err(reason) => return Err((target.host, Error::HostIsSlave { master, stranger: Some(reason) })),
        };
        // It has just failed: what it said then is the answer.
        if let Some((host, error)) = failed.iter().find(|(host, _)| *host == next.host) {
            return Err((host.clone(), error.clone()));
        }
        tracing::debug!(host = transport.host(), master, "sent to the master");
        let address = (next.host != entry.host).then_some(master);
        host = knock(Candidate { target: next, address }, timeouts).await?;
    }
    unreachable!("the loop ends by returning")
}

/// Finds out what the host speaks. XAPI echoes the parameter of `system.isAlive:` without a session, so no password goes
/// to (and into the log of) a host that does not understand the question.
///
/// Only an answer of exactly `application/json` counts: hosts without JSON-RPC answer as XML, or with an error.
async fn detect(transport: &Transport, limit: Duration) -> Result<Dialect, Error> {
    const PROBE: &str = "system.isAlive:xylem";
    let json = Dialect::Json;
    let body = json.encode(PROBE, &["xylem".into()]).unwrap_or_default();
    let reply = transport.post(json.path(), json.content_type(), PROBE, body, limit).await?;
    let speaks = reply.content_type == json.content_type() && json.decode(&reply.body).is_ok();
    Ok(if speaks { Dialect::Json } else { Dialect::Xml })
}

/// Logs in at a host.
pub(crate) async fn login(
    transport: &Transport,
    dialect: Dialect,
    target: &Target,
    limit: Duration,
) -> Result<Secret, Error> {
    const LOGIN: &str = "session.login_with_password";
    let account = || vec![Value::from(target.username.as_str()), target.password.expose().into()];
    let mut params = account();
    params.extend([API_VERSION.into(), ORIGINATOR.into()]);
    let nobody = Secret::default();
    let outcome = match exchange(transport, dialect, LOGIN, &params, &nobody, limit).await {
        // Old hosts know neither version nor originator.
        Err(error) if error.is("MESSAGE_PARAMETER_COUNT_MISMATCH") => {
            exchange(transport, dialect, LOGIN, &account(), &nobody, limit).await
        }
        outcome => outcome,
    };
    match outcome {
        Ok(Value::String(session)) if !session.is_empty() => Ok(Secret::new(session)),
        Ok(_) => Err(Error::Protocol { method: LOGIN.to_owned(), reason: "the session is not a text".to_owned() }),
        Err(Error::Api { code, .. })
            if matches!(
                &*code,
                "SESSION_AUTHENTICATION_FAILED" | "SESSION_AUTHORIZATION_FAILED" | "RBAC_PERMISSION_DENIED"
            ) =>
        {
            Err(Error::AuthenticationFailed { username: target.username.clone(), code })
        }
        Err(error) => Err(error),
    }
}
