//! JSON-RPC over the WebSocket: one call at a time; what the server tells beside the answer is skipped.

use anyhow::{Context, Result, bail};
use futures::{SinkExt, StreamExt};
use reqwest::{Method, StatusCode, Upgraded, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::http::{Http, details};
use super::registry::Server;

/// A connection.
pub(crate) struct Rpc {
    socket: WebSocketStream<Upgraded>,
    next_id: i64,
}

/// A refusal of the server.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Refusal {
    /// Code of the API.
    pub(crate) code: i64,
    message: String,
    data: Value,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (code {}){}", self.message, self.code, details(&self.data))
    }
}

impl std::error::Error for Refusal {}

/// Code of a password or token that is not good.
pub(crate) const INVALID_CREDENTIALS: i64 = 3;

/// Code of parameters that the server does not take.
pub(crate) const INVALID_PARAMETERS: i64 = 10;

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    result: Value,
    error: Option<Refusal>,
}

impl Rpc {
    /// Connects; nobody is signed in yet.
    pub(crate) async fn open(server: &Server) -> Result<Self> {
        let http = Http::new(server)?;
        let key = generate_key();
        let request = http
            .plain(Method::GET, "api/")?
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, &key);
        let response = http.send(request).await?;
        let accepted = response.headers().get(header::SEC_WEBSOCKET_ACCEPT);
        let accepted = accepted.is_some_and(|accept| accept == derive_accept_key(key.as_bytes()).as_str());
        if response.status() != StatusCode::SWITCHING_PROTOCOLS || !accepted {
            bail!("{} has no API: it answers {} to a WebSocket", server.url, response.status());
        }
        let upgraded = response.upgrade().await.map_err(|error| http.unreachable(error))?;
        // A listing of a large fleet is one message; it is our own server.
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let socket = WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await;
        Ok(Self { socket, next_id: 0 })
    }

    /// Connects and signs in with the token of the server.
    pub(crate) async fn signed_in(server: &Server) -> Result<Self> {
        let mut rpc = Self::open(server).await?;
        let signed_in = rpc.call("session.signIn", json!({ "token": server.token })).await;
        signed_in.with_context(|| format!("{} does not take the token any more: register again", server.url))?;
        Ok(rpc)
    }

    /// Calls a method and waits for its answer, however long it takes.
    ///
    /// # Errors
    /// [`Refusal`] when the server says no.
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Result<Value> {
        let id = self.next_id;
        self.next_id += 1;
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.socket.send(Message::text(request.to_string())).await.context("send to the server")?;
        loop {
            let message = self.socket.next().await.context("the server has closed the connection")?;
            let text = match message.context("read from the server")? {
                Message::Text(text) => text,
                Message::Close(frame) => {
                    let reason = frame.map(|frame| frame.reason.to_string()).unwrap_or_default();
                    bail!("the server has closed the connection: {reason}");
                }
                _ => continue,
            };
            let answer: Answer = serde_json::from_str(&text).context("understand the server")?;
            if answer.id == id {
                return match answer.error {
                    Some(refusal) => Err(refusal.into()),
                    None => Ok(answer.result),
                };
            }
        }
    }
}
