//! Keeps one XAPI session alive: logs in, makes calls, logs in once more when the session died.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use model::Secret;
use parking_lot::Mutex;

use crate::dial::{self, Door};
use crate::exchange::exchange;
use crate::member::Roster;
use crate::read_only::only_reads;
use crate::rpc::Dialect;
use crate::task::Tasks;
use crate::transport::Transport;
use crate::{Error, Target, Timeouts, Value};

/// A session with a pool. Cheap to clone; the last clone logs out when it is dropped.
#[derive(Clone)]
pub struct Connection {
    shared: Arc<Shared>,
}

struct Shared {
    /// The entry to the pool; the session may be at another member.
    target: Target,
    timeouts: Timeouts,
    roster: Roster,
    transport: Transport,
    dialect: Dialect,
    session: Mutex<Session>,
    /// Held during a login, so that twenty calls whose session died make one login and not twenty. An async lock, because
    /// waiting for the other one's login is the point.
    turn: tokio::sync::Mutex<()>,
    /// The address of the host that has our session, in the pool's own words, once known.
    address: Mutex<Option<String>>,
    /// Ways to other members for [`Connection::fetch`]. No more than the pool has members.
    ways: Mutex<Ways>,
    tasks: Tasks,
}

/// Ways to members, by host and pin.
pub(crate) type Ways = HashMap<(String, Option<String>), Transport>;

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
    /// Connects to the entry, or to another known member that is the master now, finds out the dialect and logs in.
    pub async fn open(target: Target, timeouts: Timeouts) -> Result<Self, Error> {
        let roster = Roster::new(target.members.clone());
        Self::open_with(target, timeouts, roster).await
    }

    /// Like [`Connection::open`], with members that somebody else keeps up to date.
    pub(crate) async fn open_with(target: Target, timeouts: Timeouts, roster: Roster) -> Result<Self, Error> {
        let Door { transport, dialect, session, address } = dial::open(&target, &roster, &timeouts).await?;
        tracing::debug!(host = transport.host(), ?dialect, "logged in");
        let session = Mutex::new(Session { epoch: 0, state: SessionState::Open(session) });
        let shared = Shared {
            target,
            timeouts,
            roster,
            transport,
            dialect,
            session,
            turn: tokio::sync::Mutex::default(),
            address: Mutex::new(address),
            ways: Mutex::default(),
            tasks: Tasks::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Calls a method, with the session as its first parameter (`system.` methods take none), and returns the result.
    ///
    /// `SESSION_INVALID` leads to one new login and one retry, a busy or booting pool to retries for
    /// `Timeouts::busy_limit`; nothing was done by then. A getter whose line was cut is repeated once, anything else is
    /// not: it may have been done. XAPI may hold a call back for as long as another operation runs, so start long
    /// operations by [`Connection::start`].
    pub async fn call(&self, method: &str, params: Vec<Value>) -> Result<Value, Error> {
        let Timeouts { call: limit, busy_wait, busy_limit, .. } = self.shared.timeouts;
        let (start, mut cut) = (Instant::now(), false);
        loop {
            match self.call_within(method, params.clone(), limit).await {
                Err(Error::Unreachable { .. }) if only_reads(method) && !cut => cut = true,
                Err(error) if error.is_busy() && start.elapsed() + busy_wait <= busy_limit => {
                    tracing::debug!(host = self.shared.transport.host(), method, %error, "the pool is busy");
                    tokio::time::sleep(busy_wait).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// Makes a call without patience for a busy pool, and with a time limit of its own.
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

    /// Returns host and port of the member that has our session: the entry's, unless another one is the master.
    pub fn member(&self) -> &str {
        self.shared.transport.host()
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

    pub(crate) fn transport(&self) -> &Transport {
        &self.shared.transport
    }

    pub(crate) fn roster(&self) -> &Roster {
        &self.shared.roster
    }

    pub(crate) fn ways(&self) -> &Mutex<Ways> {
        &self.shared.ways
    }

    pub(crate) fn tasks(&self) -> &Tasks {
        &self.shared.tasks
    }

    /// Returns the address of our host in the pool's own words, if known.
    pub(crate) fn address(&self) -> Option<String> {
        self.shared.address.lock().clone()
    }

    /// Remembers the address of our host in the pool's own words.
    pub(crate) fn set_address(&self, address: &str) {
        let shared = &self.shared;
        *shared.address.lock() = Some(address.to_owned());
        if Some(shared.transport.base()) == shared.target.base().ok().as_ref() {
            shared.roster.set_entry(address);
        }
    }

    /// Returns the number of the present session, for [`Connection::renew`].
    pub(crate) fn epoch(&self) -> u64 {
        self.shared.session.lock().epoch
    }

    /// Returns the present session.
    pub(crate) fn session(&self) -> Result<Secret, Error> {
        match &self.shared.session.lock().state {
            SessionState::Open(session) => Ok(session.clone()),
            SessionState::Refused(error) => Err(error.clone()),
            SessionState::Closed => Err(Error::Closed),
        }
    }

    /// Returns the present session for a call of this method, unless it would change a read-only pool.
    pub(crate) fn admit(&self, method: &str) -> Result<Secret, Error> {
        if self.shared.target.read_only && !only_reads(method) {
            return Err(Error::ReadOnly { method: method.to_owned() });
        }
        self.session()
    }

    /// Calls a method with the present session, whatever becomes of it.
    pub(crate) async fn call_once(
        &self,
        method: &str,
        mut params: Vec<Value>,
        limit: Duration,
    ) -> Result<Value, Error> {
        let shared = &self.shared;
        let session = self.admit(method)?;
        if !method.starts_with("system.") {
            params.insert(0, session.expose().into());
        }
        exchange(&shared.transport, shared.dialect, method, &params, &session, limit).await
    }

    pub(crate) fn downgrade(&self) -> WeakConnection {
        WeakConnection(Arc::downgrade(&self.shared))
    }

    /// Logs in again, unless somebody did since `epoch`.
    pub(crate) async fn renew(&self, epoch: u64) -> Result<(), Error> {
        let shared = &self.shared;
        let _turn = shared.turn.lock().await;
        if self.epoch() != epoch {
            return Ok(());
        }
        let outcome = dial::login(&shared.transport, shared.dialect, &shared.target, shared.timeouts.login).await;
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

/// A connection that does not keep it open.
#[derive(Clone)]
pub(crate) struct WeakConnection(Weak<Shared>);

impl WeakConnection {
    pub(crate) fn upgrade(&self) -> Option<Connection> {
        self.0.upgrade().map(|shared| Connection { shared })
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
