//! JSON-RPC 2.0 over WebSocket at `/api/`: one text frame, one message.
//!
//! A socket is one task that reads, one that writes, and one for each call in progress. The writer's queue is bounded and
//! each write has a deadline: a peer that does not read is dropped, it never fills our memory.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use app::Notice;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::{SinkExt, StreamExt};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::sync::{Semaphore, broadcast, mpsc};
use tracing::{debug, info};
use wire::Failure;

use crate::feed::{self, Frame};
use crate::handlers::Reply;
use crate::origin::{self, Origin};
use crate::session::Session;
use crate::{Api, MAX_MESSAGE, auth, error, rpc};

/// What the library takes before it cuts the socket without a word. Between our limit and this one the peer is told (1009).
const HARD_LIMIT: usize = 3 * MAX_MESSAGE;

/// Answers and notifications that may wait for the peer; beyond it we wait, and the feed counts.
const QUEUE: usize = 64;

/// Calls in progress per socket; the next message waits. A bulk client of Xen Orchestra has some 20.
const CALLS: usize = 256;

/// How long one message may take to leave.
const WRITE: Duration = Duration::from_secs(30);

/// Sockets from one address: a big team behind one proxy fits, a loop that forgets to close does not.
const PER_ADDRESS: usize = 512;

/// Open sockets by address.
#[derive(Clone, Default)]
pub(crate) struct Sockets(Arc<Mutex<HashMap<IpAddr, usize>>>);

struct Place(Sockets, IpAddr);

impl Sockets {
    pub(crate) fn count(&self) -> usize {
        self.0.lock().values().sum()
    }

    fn enter(&self, address: IpAddr) -> Option<Place> {
        let mut open = self.0.lock();
        let count = open.entry(address).or_default();
        if *count >= PER_ADDRESS {
            return None;
        }
        *count += 1;
        Some(Place(self.clone(), address))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.0.0.lock();
        if let Some(count) = open.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.1);
            }
        }
    }
}

/// Why we end a socket; codes of RFC 6455.
#[derive(Clone, Copy)]
enum Ending {
    TooBig,
    NotText,
    NotUtf8,
    SignedOut,
    Slow,
    Leaving,
}

impl Ending {
    fn frame(self) -> CloseFrame {
        let (code, reason) = match self {
            Self::TooBig => (1009, "messages may have 4 MiB"),
            Self::NotText => (1003, "send text frames"),
            Self::NotUtf8 => (1007, "text must be UTF-8"),
            Self::SignedOut => (1008, "the session has ended"),
            Self::Slow => (1013, "too much was missed; connect and list again"),
            Self::Leaving => (1001, "the daemon is stopping"),
        };
        CloseFrame { code, reason: Utf8Bytes::from_static(reason) }
    }
}

/// Takes a socket, unless another site's page asks for it. With our own page the cookie counts; without a page it does not,
/// and `session.signIn` decides, as existing clients expect.
pub(crate) async fn upgrade(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let origin = origin::of(&headers);
    if origin == Origin::Foreign {
        return (StatusCode::FORBIDDEN, "foreign Origin\n").into_response();
    }
    let Some(place) = api.sockets.enter(peer.ip()) else {
        return (StatusCode::TOO_MANY_REQUESTS, "too many sockets from this address\n").into_response();
    };
    let signed_in = match (origin, auth::token(&headers)) {
        (Origin::Own, Some(token)) => app::session::with_token(&api.app, &token).await.ok(),
        _ => None,
    };
    let session = Session::new(Some(peer.ip()), signed_in);
    upgrade.max_message_size(HARD_LIMIT).max_frame_size(HARD_LIMIT).on_upgrade(move |socket| async move {
        run(api, session, socket).await;
        drop(place);
    })
}

async fn run(api: Api, session: Arc<Session>, socket: WebSocket) {
    let (mut sink, mut stream) = socket.split();
    let (outgoing, mut queue) = mpsc::channel::<Message>(QUEUE);
    let mut writer = tokio::spawn(async move {
        while let Some(message) = queue.recv().await {
            let last = matches!(message, Message::Close(_));
            match tokio::time::timeout(WRITE, sink.send(message)).await {
                Ok(Ok(())) if !last => {}
                _ => break,
            }
        }
        let _ = tokio::time::timeout(Duration::from_secs(1), sink.close()).await;
    });
    let calls = Arc::new(Semaphore::new(CALLS));
    let mut feed = api.feed.listen();
    let mut notices = api.app.notices();
    let mut watched = session.watches.queue();
    let mut stop = api.app.workers.stop_signal();
    let mut sees_all = sees_everything(&api, &session);
    let ending = loop {
        tokio::select! {
            message = stream.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    if text.len() > MAX_MESSAGE {
                        break Some(Ending::TooBig);
                    }
                    if session.is_expired(api.app.clock.now()) {
                        break Some(Ending::SignedOut);
                    }
                    let place = calls.clone().acquire_owned().await.expect("the semaphore is never closed");
                    let (api, session, outgoing) = (api.clone(), session.clone(), outgoing.clone());
                    tokio::spawn(async move {
                        if let Some(answer) = handle(&api, &session, &text).await {
                            let _ = outgoing.send(Message::Text(answer)).await;
                        }
                        drop(place);
                    });
                }
                Some(Ok(Message::Binary(_))) => break Some(Ending::NotText),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_))) | None => break None,
                Some(Err(cause)) => {
                    debug!(%cause, "socket failed");
                    let text = cause.to_string().to_lowercase();
                    break if text.contains("utf") { Some(Ending::NotUtf8) }
                        else if text.contains("too long") || text.contains("capacity") { Some(Ending::TooBig) }
                        else { None };
                }
            },
            // Somebody signed in or out on this socket.
            () = session.changed.notified() => {
                sees_all = sees_everything(&api, &session);
                feed = api.feed.listen();
                review(&api, &session);
            }
            frame = feed.recv() => match frame {
                Ok(Frame::Everything(messages)) if sees_all && session.wants_all() => {
                    let mut gone = false;
                    for message in messages.iter() {
                        gone |= outgoing.send(Message::Text(message.clone())).await.is_err();
                    }
                    if gone {
                        break None;
                    }
                }
                Ok(Frame::Everything(_)) => {}
                Ok(Frame::Resync) | Err(broadcast::error::RecvError::Lagged(_)) if sees_all && session.wants_all() => {
                    break Some(Ending::Slow);
                }
                Ok(Frame::Resync) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => break Some(Ending::Leaving),
            },
            notice = notices.recv() => match notice {
                Ok(Notice::UserRemoved(id)) if session.user_id().as_ref() == Some(&id) => break Some(Ending::SignedOut),
                Ok(Notice::UserChanged(id)) if session.user_id().as_ref() == Some(&id) => {
                    sees_all = sees_everything(&api, &session);
                    review(&api, &session);
                    // Told without being asked for: what one may do has changed under the page.
                    if outgoing.send(Message::Text(feed::user_changed(&id))).await.is_err() {
                        break None;
                    }
                }
                Ok(Notice::TokenRemoved(id)) if session.token_id().as_ref() == Some(&id) => break Some(Ending::SignedOut),
                Ok(notice) => {
                    let told = feed::notification(&api.app, &notice).filter(|(topic, _)| session.wants(topic));
                    if let Some((_, message)) = told
                        && sees_everything(&api, &session)
                        && outgoing.send(Message::Text(message)).await.is_err()
                    {
                        break None;
                    }
                }
                Err(broadcast::error::RecvError::Lagged(_)) => break Some(Ending::Slow),
                Err(broadcast::error::RecvError::Closed) => break Some(Ending::Leaving),
            },
            Some(notification) = watched.recv() => if outgoing.send(Message::Text(notification.into())).await.is_err() {
                break None;
            },
            () = stop.wait() => break Some(Ending::Leaving),
        }
    };
    if let Some(ending) = ending {
        info!(code = ending.frame().code, reason = %ending.frame().reason, "socket closed by the daemon");
        let _ = tokio::time::timeout(Duration::from_secs(1), outgoing.send(Message::Close(Some(ending.frame())))).await;
    }
    drop(outgoing);
    if ending.is_some() {
        // What the peer still sends is read and dropped for a moment: closing with unread bytes would reset the connection
        // and could take our reason with it. After an error there is nothing to read, but our reason has to leave.
        let drained = async { while let Some(Ok(_)) = stream.next().await {} };
        let _ = tokio::time::timeout(Duration::from_secs(2), async { tokio::join!(drained, &mut writer) }).await;
    }
    writer.abort();
}

/// Has the live lists looked at with the rights that the account has now.
fn review(api: &Api, session: &Arc<Session>) {
    let (app, session) = (api.app.clone(), session.clone());
    tokio::spawn(async move { crate::watch::review(&app, &session).await });
}

/// Returns whether the socket's account sees every object. (Accounts that see a part come with the rights.)
fn sees_everything(api: &Api, session: &Session) -> bool {
    session.ctx(&api.app).is_ok_and(|ctx| access::visibility(&ctx.caller).sees_all())
}

/// Returns the answer to a message; none for notifications.
async fn handle(api: &Api, session: &Arc<Session>, text: &str) -> Option<Utf8Bytes> {
    match serde_json::from_str::<Value>(text) {
        Err(_) => Some(failure(Value::Null, &Failure::InvalidJson, false)),
        Ok(Value::Array(messages)) if !messages.is_empty() => {
            let mut answers = Vec::new();
            for message in messages {
                answers.extend(handle_one(api, session, message).await);
            }
            let joined = answers.iter().map(Utf8Bytes::as_str).collect::<Vec<_>>().join(",");
            (!answers.is_empty()).then(|| format!("[{joined}]").into())
        }
        Ok(message) => handle_one(api, session, message).await,
    }
}

async fn handle_one(api: &Api, session: &Arc<Session>, message: Value) -> Option<Utf8Bytes> {
    let admin = || session.ctx(&api.app).is_ok_and(|ctx| ctx.caller.is_admin());
    let invalid = |id: Value| Some(failure(id, &Failure::InvalidRequest, false));
    let Value::Object(mut message) = message else { return invalid(Value::Null) };
    let id = message.remove("id");
    let known_id = match &id {
        None => Value::Null,
        Some(id @ (Value::Number(_) | Value::String(_) | Value::Null)) => id.clone(),
        Some(_) => return invalid(Value::Null),
    };
    if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return invalid(known_id);
    }
    let Some(Value::String(method)) = message.remove("method") else { return invalid(known_id) };
    let params = match message.remove("params") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(params)) => Ok(params),
        Some(_) => Err(Failure::invalid("params must be an object: parameters go by name")),
    };
    let operation = wire::find(&method).filter(|operation| operation.rpc);
    let outcome = match (operation, params) {
        (None, _) => Err(Failure::MethodNotFound(method)),
        (Some(_), Err(failure)) => Err(failure),
        (Some(operation), Ok(params)) => rpc::invoke(api, session, operation, params).await,
    };
    let id = id?;
    Some(match outcome {
        Ok(Reply::Done) => json!({ "jsonrpc": "2.0", "id": id, "result": true }).to_string().into(),
        Ok(Reply::Value(value)) => json!({ "jsonrpc": "2.0", "id": id, "result": value }).to_string().into(),
        Ok(Reply::Text(text)) => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{text}}}"#).into(),
        Err(cause) => failure(id, &cause, admin()),
    })
}

fn failure(id: Value, failure: &Failure, admin: bool) -> Utf8Bytes {
    json!({ "jsonrpc": "2.0", "id": id, "error": error::to_rpc(failure, admin) }).to_string().into()
}
