//! A JSON-RPC client over WebSocket: calls, notifications, and waiting for a fact in what it was told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::stream::SplitSink;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::View;
use crate::wait::LIMIT;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A connection to the daemon.
pub struct Client {
    sink: tokio::sync::Mutex<SplitSink<Socket, Message>>,
    shared: Arc<Shared>,
    reader: JoinHandle<()>,
}

struct Shared {
    state: Mutex<State>,
    /// Counts what came in.
    arrived: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    view: View,
    /// Counts up from 0, as one of the known clients does.
    next_id: i64,
    waiting: HashMap<i64, oneshot::Sender<Value>>,
    /// Answers to nothing that was asked: id null.
    strays: Vec<Value>,
    closed: Option<Closed>,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Code of RFC 6455; none when the connection broke without one.
    pub code: Option<u16>,
    /// What the daemon said, or what broke.
    pub reason: String,
}

/// An `error` of the daemon.
#[derive(Clone, Debug, PartialEq)]
pub struct RpcError {
    /// Its code.
    pub code: i64,
    /// Its message.
    pub message: String,
    /// Its data; null when there is none.
    pub data: Value,
}

impl std::fmt::Display for RpcError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (code {}, data {})", self.message, self.code, self.data)
    }
}

impl std::error::Error for RpcError {}

/// Why there is no connection.
#[derive(Debug)]
pub enum ConnectError {
    /// The daemon answered the upgrade with this HTTP status.
    Status(u16),
    /// There was no answer.
    Other(String),
}

impl std::fmt::Display for ConnectError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the upgrade was answered with {status}"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for ConnectError {}

impl Client {
    /// Connects to `ws://<address>/api/` with these headers.
    ///
    /// # Errors
    /// When the upgrade is refused or nobody listens.
    pub async fn connect(address: &str, headers: &[(&'static str, String)]) -> Result<Self, ConnectError> {
        let other = |error: &dyn std::fmt::Display| ConnectError::Other(error.to_string());
        let mut request = format!("ws://{address}/api/").into_client_request().map_err(|e| other(&e))?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().map_err(|_| other(&"a header with strange letters"))?);
        }
        // The daemon's limits are under test, not ours.
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let connected = tokio_tungstenite::connect_async_with_config(request, Some(config), true).await;
        let (socket, _) = connected.map_err(|error| match error {
            WsError::Http(response) => ConnectError::Status(response.status().as_u16()),
            error => other(&error),
        })?;
        let (sink, mut stream) = socket.split();
        let shared = Arc::new(Shared { state: Mutex::default(), arrived: watch::Sender::new(0) });
        let for_reader = shared.clone();
        let reader = tokio::spawn(async move {
            let shared = for_reader;
            let mut how = Closed { code: None, reason: "the connection ended".to_owned() };
            while let Some(message) = stream.next().await {
                match message {
                    Ok(Message::Text(text)) => shared.take(&text),
                    Ok(Message::Close(frame)) => {
                        how.code = frame.as_ref().map(|frame| frame.code.into());
                        how.reason = frame.map(|frame| frame.reason.to_string()).unwrap_or_default();
                    }
                    Ok(_) => {}
                    Err(error) => {
                        if how.code.is_none() {
                            how.reason = error.to_string();
                        }
                        break;
                    }
                }
            }
            let mut state = shared.lock();
            state.closed = Some(how);
            // Who waits for an answer learns that none will come.
            state.waiting.clear();
            drop(state);
            shared.arrived.send_modify(|count| *count += 1);
        });
        Ok(Self { sink: tokio::sync::Mutex::new(sink), shared, reader })
    }

    /// Calls a method; the parameters are an object.
    ///
    /// # Errors
    /// [`RpcError`] when the daemon says no, other errors when no answer comes. See [`Client::refused`].
    pub async fn call(&self, method: &str, params: Value) -> Result<Value> {
        match self.attempt(method, params).await? {
            Ok(value) => Ok(value),
            Err(error) => Err(anyhow::Error::new(error).context(format!("call {method}"))),
        }
    }

    /// Calls a method that must be refused, and returns the refusal.
    ///
    /// # Errors
    /// When it is not refused, or no answer comes.
    pub async fn refused(&self, method: &str, params: Value) -> Result<RpcError> {
        match self.attempt(method, params.clone()).await? {
            Ok(value) => bail!("{method} {params} was not refused, but answered {value}"),
            Err(error) => Ok(error),
        }
    }

    /// Calls a method and returns what the daemon said, yes or no.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn attempt(&self, method: &str, params: Value) -> Result<Result<Value, RpcError>> {
        let (id, answer) = {
            let mut state = self.shared.lock();
            let id = state.next_id;
            state.next_id += 1;
            let (sender, answer) = oneshot::channel();
            if let Some(closed) = &state.closed {
                bail!("{method}: the socket is closed: {closed:?}");
            }
            state.waiting.insert(id, sender);
            (id, answer)
        };
        self.send(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()).await?;
        let answer = tokio::time::timeout(LIMIT, answer).await.with_context(|| format!("{method} has no answer"))?;
        let Ok(mut answer) = answer else {
            bail!("{method}: the socket closed instead of an answer: {:?}", self.shared.lock().closed);
        };
        match answer.get_mut("error").map(Value::take) {
            Some(mut error) => Ok(Err(RpcError {
                code: error["code"].as_i64().unwrap_or_default(),
                message: error["message"].as_str().unwrap_or_default().to_owned(),
                data: error["data"].take(),
            })),
            None => Ok(Ok(answer["result"].take())),
        }
    }

    /// Sends a text frame as it is.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn send(&self, text: impl Into<String>) -> Result<()> {
        self.send_frame(Message::text(text.into())).await
    }

    /// Sends any frame.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn send_frame(&self, message: Message) -> Result<()> {
        self.sink.lock().await.send(message).await.context("send a frame")
    }

    /// Returns the next answer that belongs to no call (id null, or an id that was sent by hand).
    ///
    /// # Errors
    /// When none comes in time.
    pub async fn stray(&self) -> Result<Value> {
        self.wait("an answer without a call", LIMIT, |state| state.strays.pop()).await
    }

    /// Waits until the daemon has closed the connection.
    ///
    /// # Errors
    /// When it does not.
    pub async fn closed(&self) -> Result<Closed> {
        self.wait("the end of the socket", LIMIT, |state| state.closed.clone()).await
    }

    /// Returns how the connection ended, if it has.
    pub fn is_closed(&self) -> Option<Closed> {
        self.shared.lock().closed.clone()
    }

    /// Signs in by name and password.
    ///
    /// # Errors
    /// When that is refused.
    pub async fn sign_in(&self, name: &str, password: &str) -> Result<Value> {
        self.call("session.signIn", json!({ "username": name, "password": password })).await
    }

    /// Lists all objects; from now on [`View::objects`] follows the notifications.
    ///
    /// # Errors
    /// When the listing is refused.
    pub async fn watch(&self) -> Result<()> {
        let since = self.shared.lock().view.notifications.len();
        let objects = self.call("xo.getAllObjects", json!({})).await?;
        self.shared.lock().view.list(&objects, since);
        self.shared.arrived.send_modify(|count| *count += 1);
        Ok(())
    }

    /// Lists the servers; from now on [`View::servers`] follows the notifications.
    ///
    /// # Errors
    /// When the caller is no administrator.
    pub async fn watch_servers(&self) -> Result<()> {
        self.call("session.subscribe", json!({ "topics": ["servers", "plugins"] })).await?;
        let servers = self.call("server.getAll", json!({})).await?;
        self.shared.lock().view.list_servers(&servers);
        self.shared.arrived.send_modify(|count| *count += 1);
        Ok(())
    }

    /// Returns a copy of what the client knows now.
    pub fn view(&self) -> View {
        self.shared.lock().view.clone()
    }

    /// Waits until something is true of what the client was told.
    ///
    /// # Errors
    /// When it does not become true in time, or the connection ends.
    pub async fn until<T>(&self, what: &str, fact: impl FnMut(&View) -> Option<T>) -> Result<T> {
        self.until_within(LIMIT, what, fact).await
    }

    /// Waits until something is true of what the client was told, but no longer than `limit`.
    ///
    /// # Errors
    /// When it does not become true in time, or the connection ends.
    pub async fn until_within<T>(
        &self,
        limit: Duration,
        what: &str,
        mut fact: impl FnMut(&View) -> Option<T>,
    ) -> Result<T> {
        let outcome = self.wait(what, limit, |state| match (fact(&state.view), &state.closed) {
            (Some(value), _) => Some(Ok(value)),
            (None, Some(closed)) => Some(Err(closed.clone())),
            (None, None) => None,
        });
        match outcome.await? {
            Ok(value) => Ok(value),
            Err(closed) => bail!("waiting for {what}: the socket closed: {closed:?}"),
        }
    }

    async fn wait<T>(&self, what: &str, limit: Duration, mut fact: impl FnMut(&mut State) -> Option<T>) -> Result<T> {
        let mut arrived = self.shared.arrived.subscribe();
        let wait = async {
            loop {
                arrived.borrow_and_update();
                if let Some(value) = fact(&mut self.shared.lock()) {
                    return value;
                }
                // The sender lives in `shared`, so this cannot fail.
                let _ = arrived.changed().await;
            }
        };
        tokio::time::timeout(limit, wait).await.with_context(|| format!("waited {limit:?} for {what}, in vain"))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn take(&self, text: &str) {
        let message: Value = serde_json::from_str(text).unwrap_or_else(|_| json!({ "notJson": text }));
        let mut state = self.lock();
        if message.get("method").is_some() {
            state.view.take(message);
        } else {
            match message["id"].as_i64().and_then(|id| state.waiting.remove(&id)) {
                Some(waiting) => {
                    let _ = waiting.send(message);
                }
                None => state.strays.push(message),
            }
        }
        drop(state);
        self.arrived.send_modify(|count| *count += 1);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.reader.abort();
    }
}
