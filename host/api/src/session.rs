//! Who is on the other end of a connection, and what it asked to be told about.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use app::session::SignedIn;
use app::{App, Ctx};
use model::{Caller, TokenId, UserId};
use parking_lot::Mutex;
use wire::Failure;

use crate::watch::Watches;

/// One connection: a WebSocket for as long as it lives, or one HTTP request.
pub(crate) struct Session {
    pub address: Option<IpAddr>,
    state: Mutex<State>,
    /// Wakes the connection when somebody signs in or out, or asks for less, so that its feed follows.
    pub changed: tokio::sync::Notify,
    /// The live lists.
    pub watches: Watches,
}

#[derive(Default)]
struct State {
    signed_in: Option<SignedIn>,
    /// User of this machine that is at the other end, if it administers the daemon without signing in.
    local: Option<u32>,
    topics: HashSet<String>,
    /// Whether it told that it does not want to hear of every object: it watches windows.
    spared: bool,
    /// Whether an administrator wants it to end.
    dismissed: bool,
}

impl Session {
    pub(crate) fn new(address: Option<IpAddr>, signed_in: Option<SignedIn>) -> Arc<Self> {
        let state = State { signed_in, ..State::default() };
        Arc::new(Self {
            address,
            state: Mutex::new(state),
            changed: tokio::sync::Notify::new(),
            watches: Watches::default(),
        })
    }

    /// Returns a connection of this machine's root or of the daemon's own user.
    pub(crate) fn local(user: u32) -> Arc<Self> {
        let session = Self::new(None, None);
        session.state.lock().local = Some(user);
        session
    }

    #[cfg(test)]
    pub(crate) fn is_local(&self) -> bool {
        self.state.lock().local.is_some()
    }

    /// Gives up what the connection may do without signing in: from now on it is as any other.
    pub(crate) fn give_up_local(&self) {
        if self.state.lock().local.take().is_some() {
            self.changed.notify_one();
        }
    }

    pub(crate) fn sign_in(&self, signed_in: SignedIn) {
        let mut state = self.state.lock();
        (state.signed_in, state.local) = (Some(signed_in), None);
        drop(state);
        self.changed.notify_one();
    }

    pub(crate) fn sign_out(&self) {
        *self.state.lock() = State::default();
        self.changed.notify_one();
    }

    /// Has the socket end.
    pub(crate) fn dismiss(&self) {
        self.state.lock().dismissed = true;
        self.changed.notify_one();
    }

    pub(crate) fn is_dismissed(&self) -> bool {
        self.state.lock().dismissed
    }

    pub(crate) fn user_id(&self) -> Option<UserId> {
        self.state.lock().signed_in.as_ref().map(|signed_in| signed_in.principal.id.clone())
    }

    pub(crate) fn token_id(&self) -> Option<TokenId> {
        self.state.lock().signed_in.as_ref().and_then(|signed_in| signed_in.token.clone())
    }

    /// Returns when the credentials of this connection end.
    pub(crate) fn expiration(&self) -> Option<model::Millis> {
        self.state.lock().signed_in.as_ref().and_then(|signed_in| signed_in.expiration)
    }

    pub(crate) fn subscribe(&self, topics: Vec<String>, all: bool) {
        let mut state = self.state.lock();
        state.topics.extend(topics);
        state.spared = !all;
        drop(state);
        self.changed.notify_one();
    }

    /// Returns whether changes of objects are to be told: always, unless somebody asked not to.
    pub(crate) fn wants_all(&self) -> bool {
        !self.state.lock().spared
    }

    pub(crate) fn wants(&self, topic: &str) -> bool {
        self.state.lock().topics.contains(topic)
    }

    /// Returns whether the credentials of this connection have ended.
    pub(crate) fn is_expired(&self, now: model::Millis) -> bool {
        let state = self.state.lock();
        state.signed_in.as_ref().and_then(|signed_in| signed_in.expiration).is_some_and(|at| at <= now)
    }

    /// Returns the context of a call. The account is read anew each time: a permission that changes acts at once, and
    /// an account that is gone is nobody.
    pub(crate) fn ctx(&self, app: &Arc<App>) -> Result<Ctx, Failure> {
        let local = self.state.lock().local;
        let caller = match self.user_id() {
            None => local.map_or(Caller::Anonymous, Caller::Local),
            Some(id) => match app.principal(&id).map_err(|error| error.failure)? {
                None => Caller::Anonymous,
                Some(principal) => Caller::User(principal),
            },
        };
        Ok(Ctx { app: app.clone(), caller, address: self.address, means: Arc::default() })
    }
}
