//! JSON-RPC 2.0 over WebSocket at `/api/`: one text message, one call, answer or notification. Over a Unix socket or plain TCP
//! it is the same, but a message is a line.
//!
//! [`socket`] is the task of a connection, [`reading`] (or [`lines`]) and [`outbox`] are its two halves, [`envelope`] takes
//! calls apart.

mod envelope;
pub(crate) mod frame;
mod lines;
mod outbox;
mod reading;
mod socket;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tracing::debug;

use crate::origin::{self, Origin};
use crate::session::Session;
use crate::{Api, auth};

/// Sockets from one address: a thousand people behind one proxy fit, a loop that forgets to close does not.
const PER_ADDRESS: usize = 2_048;

/// Open sockets by address; those of this machine have none.
#[derive(Clone, Default)]
pub(crate) struct Sockets(Arc<Mutex<Open>>);

type Open = HashMap<Option<IpAddr>, Vec<Arc<Session>>>;

struct Place(Sockets, Arc<Session>);

impl Sockets {
    pub(crate) fn count(&self) -> usize {
        self.0.lock().values().map(Vec::len).sum()
    }

    /// Lists who is at the other ends.
    pub(crate) fn sessions(&self) -> Vec<Arc<Session>> {
        self.0.lock().values().flatten().cloned().collect()
    }

    fn enter(&self, session: &Arc<Session>) -> Option<Place> {
        let mut open = self.0.lock();
        let sessions = open.entry(session.address).or_default();
        if sessions.len() >= PER_ADDRESS {
            return None;
        }
        sessions.push(session.clone());
        Some(Place(self.clone(), session.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.0.0.lock();
        if let Some(sessions) = open.get_mut(&self.1.address) {
            sessions.retain(|session| !Arc::ptr_eq(session, &self.1));
            if sessions.is_empty() {
                open.remove(&self.1.address);
            }
        }
    }
}

/// Takes a socket, unless another site's page asks for it. With our own page the cookie counts; without a page it does not,
/// and `session.signIn` decides, as existing clients expect.
pub(crate) async fn upgrade(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
) -> Response {
    let headers = request.headers();
    let Some(key) = wanted(request.method(), headers) else {
        return (StatusCode::BAD_REQUEST, "this is the address of a WebSocket (version 13)\n").into_response();
    };
    let origin = origin::of(headers);
    if origin == Origin::Foreign {
        return (StatusCode::FORBIDDEN, "foreign Origin\n").into_response();
    }
    let signed_in = match (origin, auth::token(headers)) {
        (Origin::Own, Some(token)) => app::session::with_token(&api.app, &token, Some(peer.ip())).ok(),
        _ => None,
    };
    let session = Session::new(Some(peer.ip()), signed_in);
    let Some(place) = api.sockets.enter(&session) else {
        return (StatusCode::TOO_MANY_REQUESTS, "too many sockets from this address\n").into_response();
    };
    let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return (StatusCode::UPGRADE_REQUIRED, "this connection cannot become a WebSocket\n").into_response();
    };
    tokio::spawn(async move {
        match upgrade.await {
            Ok(io) => socket::run(api, session, TokioIo::new(io)).await,
            Err(cause) => debug!(%cause, "no WebSocket came of it"),
        }
        drop(place);
    });
    let answer = [
        (header::CONNECTION, "upgrade".to_owned()),
        (header::UPGRADE, "websocket".to_owned()),
        (header::SEC_WEBSOCKET_ACCEPT, key),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, answer).into_response()
}

/// Serves a connection on which each message is a line; more from one address than there may be are closed at once.
pub(crate) async fn serve_lines(
    api: Api,
    session: Arc<Session>,
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) {
    let Some(_place) = api.sockets.enter(&session) else { return };
    socket::run_lines(api, session, io).await;
}

/// Returns the key to answer with, if the request asks for a WebSocket in the way of RFC 6455, section 4.2.1.
fn wanted(method: &Method, headers: &HeaderMap) -> Option<String> {
    let names = |name: header::HeaderName, word: &str| {
        let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|known| known.trim().eq_ignore_ascii_case(word))
    };
    let is_wanted = method == Method::GET
        && names(header::CONNECTION, "upgrade")
        && names(header::UPGRADE, "websocket")
        && headers.get(header::SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
    let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| is_wanted)?;
    Some(derive_accept_key(key.as_bytes()))
}

#[cfg(test)]
mod upgrade_tests {
    use super::*;

    #[test]
    fn only_a_whole_request_is_an_upgrade() {
        let whole = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            // The example of RFC 6455, section 1.3.
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let headers = |leave_out: &str| -> HeaderMap {
            let left = whole.iter().filter(|(name, _)| *name != leave_out);
            left.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
        };
        let key = wanted(&Method::GET, &headers(""));
        assert_eq!(key.as_deref(), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert_eq!(wanted(&Method::POST, &headers("")), None);
        for (name, _) in whole {
            assert_eq!(wanted(&Method::GET, &headers(name)), None, "{name}");
        }
    }
}
