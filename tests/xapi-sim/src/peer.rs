//! A connection to another simulator, over which a VM moves there: `PUT /services/xenops?session_id=...&step=...` with JSON in
//! and out (see `handlers::receive`). Real hosts speak of their own here, between themselves; nobody else listens.

use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpStream, task::JoinHandle};

use crate::{
    failure::{Failure, fail},
    handlers::SERVICE,
    tls,
};

/// How long a goodbye may take; the end of the connection says the same.
const GOODBYE: Duration = Duration::from_secs(1);

/// The other simulator.
pub struct Peer {
    sender: http1::SendRequest<Full<Bytes>>,
    connection: JoinHandle<()>,
    place: String,
    session: String,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Peer {
    /// Connects to where a ticket of `host.migrate_receive` leads: `http(s)://ip:port/...`.
    pub async fn connect(url: &str, session: &str) -> Result<Self, Failure> {
        let connected = Self::open(url, session).await;
        connected.map_err(|error| {
            tracing::debug!(%error, url, "the target does not answer");
            unreachable()
        })
    }

    async fn open(url: &str, session: &str) -> anyhow::Result<Self> {
        let (scheme, rest) = url.split_once("://").context("no URL")?;
        let place = rest.split('/').next().unwrap_or_default().to_owned();
        let stream = TcpStream::connect(&place).await?;
        // Small steps must not wait for each other; a failure here only costs time.
        let _ = stream.set_nodelay(true);
        let (sender, connection) = if scheme == "https" {
            let stream = tls::trusting()?.connect("localhost".try_into()?, stream).await?;
            let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
            (sender, tokio::spawn(async move { _ = connection.await }))
        } else {
            let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
            (sender, tokio::spawn(async move { _ = connection.await }))
        };
        Ok(Self { sender, connection, place, session: session.to_owned() })
    }

    /// Sends a step and returns its answer.
    pub async fn ask(&mut self, step: &str, body: Value) -> Result<Value, Failure> {
        let answered = self.send(step, body).await;
        let (status, answer) = answered.map_err(|error| {
            tracing::debug!(%error, step, "the target is lost");
            unreachable()
        })?;
        if status == StatusCode::UNAUTHORIZED {
            return Err(fail("SESSION_INVALID", [&self.session]));
        }
        match answer.get("failure").and_then(Value::as_array) {
            Some(failure) => {
                let mut words = failure.iter().filter_map(|word| word.as_str().map(str::to_owned));
                Err(Failure { code: words.next().unwrap_or_default(), params: words.collect() })
            }
            None if status.is_success() => Ok(answer["result"].clone()),
            None => Err(unreachable()),
        }
    }

    async fn send(&mut self, step: &str, body: Value) -> anyhow::Result<(StatusCode, Value)> {
        let request = Request::put(format!("{SERVICE}?session_id={}&step={step}", self.session))
            .header(header::HOST, &self.place)
            .body(Full::new(body.to_string().into()))?;
        self.sender.ready().await?;
        let (head, body) = self.sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok((head.status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    /// Gives up what was begun, and waits a moment until that is done.
    pub async fn end(mut self) {
        let goodbye = self.ask("abandon", json!({}));
        if !matches!(tokio::time::timeout(GOODBYE, goodbye).await, Ok(Ok(_))) {
            tracing::debug!("the target was not told; it sees the connection end");
        }
    }
}

fn unreachable() -> Failure {
    fail("VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED", [])
}
