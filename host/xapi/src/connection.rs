//! Keeps one XAPI session alive: finds the dialect, logs in, makes calls, logs in once more when the session died.

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::Secret;
use parking_lot::Mutex;

use crate::read_only::only_reads;
use crate::rpc::{Answer, Dialect};
use crate::transport::Transport;
use crate::{Error, Target, Timeouts, Value};

/// What we call ourselves. XAPI keeps 500 sessions per originator and throws out the oldest, so without a name of our
/// own we would throw out other people's.
const ORIGINATOR: &str = "xylem";

/// The API version we say we speak. XAPI ignores it.
const API_VERSION: &str = "2.21";

/// From this size on an answer is decoded on a thread that may block: 256 KiB take about 2 ms.
const LARGE: usize = 256 << 10;

/// A session with a pool. Cheap to clone; the last clone logs out when it is dropped.
#[derive(Clone)]
pub struct Connection {
    shared: Arc<Shared>,
}

struct Shared {
    target: Target,
    timeouts: Timeouts,
    transport: Transport,
    dialect: Dialect,
    session: Mutex<Session>,
    /// Held during a login, so that twenty calls whose session died make one login and not twenty. An async lock, because
    /// waiting for the other one's login is the point.
    turn: tokio::sync::Mutex<()>,
}

struct Session {
    /// Grows with each login; tells whether somebody else has renewed the session already.
    epoch: u64,
    state: SessionState,
}

enum SessionState {
    Open(Secret),
    /// A login was refused. Asking again would only raise the alert "failed login attempts" on the pool.
    Refused(Error),
    Closed,
}

impl Connection {
    /// Connects, finds out the dialect and logs in.
    pub async fn open(target: Target, timeouts: Timeouts) -> Result<Self, Error> {
        let transport = Transport::new(&target, &timeouts).await?;
        let dialect = detect(&transport, timeouts.login).await?;
        let session = login(&transport, dialect, &target, timeouts.login).await?;
        tracing::debug!(host = transport.host(), ?dialect, "logged in");
        let session = Mutex::new(Session { epoch: 0, state: SessionState::Open(session) });
        let shared = Shared { target, timeouts, transport, dialect, session, turn: tokio::sync::Mutex::default() };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Calls a method, with the session as its first parameter (`system.` methods take none), and returns the result.
    ///
    /// `SESSION_INVALID` leads to one new login and one retry; nothing was done by then. A getter whose line was cut is
    /// repeated once, anything else is not: it may have been done. XAPI may hold a call back for as long as another
    /// operation runs, so start long operations as `Async.`.
    pub async fn call(&self, method: &str, params: Vec<Value>) -> Result<Value, Error> {
        let limit = self.shared.timeouts.call;
        match self.call_within(method, params.clone(), limit).await {
            Err(Error::Unreachable { .. }) if only_reads(method) => self.call_within(method, params, limit).await,
            outcome => outcome,
        }
    }

    /// Like [`Connection::call`], with a time limit of its own.
    pub async fn call_within(&self, method: &str, params: Vec<Value>, limit: Duration) -> Result<Value, Error> {
        let epoch = self.epoch();
        match self.call_once(method, params.clone(), limit).await {
            Err(error) if error.is("SESSION_INVALID") => {
                self.renew(epoch).await?;
                self.call_once(method, params, limit).await
            }
            outcome => outcome,
        }
    }

    /// Returns the settings this connection was made with.
    pub fn target(&self) -> &Target {
        &self.shared.target
    }

    /// Returns the dialect the host speaks.
    pub fn dialect(&self) -> Dialect {
        self.shared.dialect
    }

    /// Returns SHA-256 of the host's certificate as `ab:cd:...`; `None` over plain HTTP.
    pub fn peer_fingerprint(&self) -> Option<String> {
        self.shared.transport.peer_fingerprint()
    }

    /// Ends the session. Calls made later fail with [`Error::Closed`]. Takes no longer than `Timeouts::logout`.
    pub async fn logout(&self) {
        let state = std::mem::replace(&mut self.shared.session.lock().state, SessionState::Closed);
        if let SessionState::Open(session) = state {
            self.shared.end(session).await;
        }
    }

    /// Returns the times and sizes of this connection.
    pub(crate) fn timeouts(&self) -> &Timeouts {
        &self.shared.timeouts
    }

    /// Returns the number of the present session, for [`Connection::renew`].
    pub(crate) fn epoch(&self) -> u64 {
        self.shared.session.lock().epoch
    }

    /// Calls a method with the present session, whatever becomes of it.
    pub(crate) async fn call_once(
        &self,
        method: &str,
        mut params: Vec<Value>,
        limit: Duration,
    ) -> Result<Value, Error> {
        let shared = &self.shared;
        if shared.target.read_only && !only_reads(method) {
            return Err(Error::ReadOnly { method: method.to_owned() });
        }
        let session = match &shared.session.lock().state {
            SessionState::Open(session) => session.clone(),
            SessionState::Refused(error) => return Err(error.clone()),
            SessionState::Closed => return Err(Error::Closed),
        };
        if !method.starts_with("system.") {
            params.insert(0, session.expose().into());
        }
        exchange(&shared.transport, shared.dialect, method, &params, &session, limit).await
    }

    /// Logs in again, unless somebody did since `epoch`.
    pub(crate) async fn renew(&self, epoch: u64) -> Result<(), Error> {
        let shared = &self.shared;
        let _turn = shared.turn.lock().await;
        if self.epoch() != epoch {
            return Ok(());
        }
        let outcome = login(&shared.transport, shared.dialect, &shared.target, shared.timeouts.login).await;
        let late = {
            let mut session = shared.session.lock();
            match (outcome, &session.state) {
                // Logged out while we logged in: leave nothing behind.
                (Ok(fresh), SessionState::Closed) => fresh,
                (Ok(fresh), _) => {
                    *session = Session { epoch: epoch + 1, state: SessionState::Open(fresh) };
                    tracing::info!(host = shared.transport.host(), "session renewed");
                    return Ok(());
                }
                (Err(error), SessionState::Closed) => return Err(error),
                (Err(error), _) => {
                    if error.needs_administrator() {
                        *session = Session { epoch: epoch + 1, state: SessionState::Refused(error.clone()) };
                    }
                    return Err(error);
                }
            }
        };
        shared.end(late).await;
        Err(Error::Closed)
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("host", &self.shared.transport.host()).finish_non_exhaustive()
    }
}

impl Shared {
    async fn end(&self, session: Secret) {
        end(self.transport.clone(), self.dialect, session, self.timeouts.logout).await;
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let state = std::mem::replace(&mut self.session.get_mut().state, SessionState::Closed);
        let runtime = tokio::runtime::Handle::try_current();
        // Without a runtime the pool forgets the session by itself, a day later.
        if let (SessionState::Open(session), Ok(runtime)) = (state, runtime) {
            runtime.spawn(end(self.transport.clone(), self.dialect, session, self.timeouts.logout));
        }
    }
}

async fn end(transport: Transport, dialect: Dialect, session: Secret, limit: Duration) {
    let params = [session.expose().into()];
    if let Err(error) = exchange(&transport, dialect, "session.logout", &params, &session, limit).await {
        tracing::debug!(host = transport.host(), error = %error.chain(), "logout failed");
    }
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

async fn login(transport: &Transport, dialect: Dialect, target: &Target, limit: Duration) -> Result<Secret, Error> {
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

/// Makes one call and nothing else.
async fn exchange(
    transport: &Transport,
    dialect: Dialect,
    method: &str,
    params: &[Value],
    session: &Secret,
    limit: Duration,
) -> Result<Value, Error> {
    let body =
        dialect.encode(method, params).map_err(|reason| Error::Unsendable { method: method.to_owned(), reason })?;
    let start = Instant::now();
    let outcome = match transport.post(dialect.path(), dialect.content_type(), method, body, limit).await {
        Ok(reply) if reply.status != 200 => Err(Error::Status { method: method.to_owned(), status: reply.status }),
        Ok(reply) => decode(dialect, method, reply.body).await,
        Err(error) => Err(error),
    };
    let outcome = outcome.and_then(|answer| match answer {
        Answer::Success(value) => Ok(value),
        Answer::Failure(parts) => Err(failure(method, parts, session)),
    });
    let elapsed = start.elapsed();
    match &outcome {
        Ok(_) => tracing::trace!(host = transport.host(), method, ?elapsed, "call"),
        Err(error) => tracing::debug!(host = transport.host(), method, ?elapsed, error = %error.chain(), "call failed"),
    }
    outcome
}

async fn decode(dialect: Dialect, method: &str, body: Vec<u8>) -> Result<Answer, Error> {
    let answer = if body.len() < LARGE {
        dialect.decode(&body)
    } else {
        tokio::task::spawn_blocking(move || dialect.decode(&body)).await.unwrap_or_else(|error| Err(error.to_string()))
    };
    answer.map_err(|reason| Error::Protocol { method: method.to_owned(), reason })
}

/// Makes an error of XAPI's error array. XAPI likes to tell the session back; that is not for logs.
fn failure(method: &str, parts: Vec<Box<str>>, session: &Secret) -> Error {
    let mut parts = parts.into_iter().map(|part| match session.is_empty() || !part.contains(session.expose()) {
        true => part,
        false => part.replace(session.expose(), "(session)").into(),
    });
    let code = parts.next().unwrap_or_default();
    let params: Vec<Box<str>> = parts.collect();
    match (&*code, params.first()) {
        ("HOST_IS_SLAVE", Some(master)) => Error::HostIsSlave { master: master.to_string() },
        _ => Error::Api { method: method.to_owned(), code, params },
    }
}
