//! Clients that ask, wait for the answer, and ask again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::future::try_join_all;

use super::raw::{Conn, Protocol, frame};
use super::yardstick::Yardstick;

/// How a notification begins; an answer has its id there.
const NOTIFICATION: &[u8] = br#"{"jsonrpc":"2.0","method""#;

/// A request that is made over and over.
#[derive(Clone)]
pub struct Question {
    /// How to talk.
    pub protocol: Protocol,
    /// What to send first on a new WebSocket; its answer is not counted.
    pub hello: Option<Arc<[u8]>>,
    /// The request.
    pub request: Arc<[u8]>,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Answers per second, all clients together.
    pub per_second: f64,
    /// The middle of all waiting times in milliseconds.
    pub p50: f64,
    /// 99 of 100 were not longer.
    pub p99: f64,
    /// Bytes of one answer.
    pub bytes: usize,
}

impl Question {
    /// A GET with a token.
    pub fn get(address: &str, token: &str, path: &str) -> Self {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nCookie: authenticationToken={token}\r\n\r\n")
            .into_bytes();
        Self { protocol: Protocol::Http, hello: None, request: request.into() }
    }

    /// A call over a WebSocket on which the token signed in.
    pub fn call(token: &str, method: &str, params: &serde_json::Value) -> Self {
        let message = |id: u8, method: &str, params: &serde_json::Value| {
            frame(&serde_json::json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string())
        };
        let hello = message(0, "session.signIn", &serde_json::json!({ "token": token }));
        let request = message(1, method, params).into();
        Self { protocol: Protocol::WebSocket, hello: Some(hello.into()), request }
    }

    /// Returns a connection that is ready to ask.
    ///
    /// # Errors
    /// When there is none, or signing in fails.
    pub async fn connect(&self, address: &str) -> Result<Conn> {
        let mut conn = Conn::open(address).await?;
        if let Some(hello) = &self.hello {
            conn.upgrade(address).await?;
            conn.send(hello).await?;
            let mut answer = Vec::new();
            conn.answer(self.protocol, Some(&mut answer)).await?;
            check(&answer)?;
        }
        Ok(conn)
    }

    /// Asks once and returns the body, and everything that was on the wire.
    ///
    /// # Errors
    /// When the answer is an error.
    pub async fn once(&self, address: &str) -> Result<(Vec<u8>, Vec<u8>)> {
        let mut conn = self.connect(address).await?;
        let mut body = Vec::new();
        conn.send(&self.request).await?;
        loop {
            conn.record = Some(Vec::new());
            body.clear();
            conn.answer(self.protocol, Some(&mut body)).await?;
            // What changed meanwhile may be told before.
            if !body.starts_with(NOTIFICATION) {
                break;
            }
        }
        if self.protocol == Protocol::WebSocket {
            check(&body)?;
        }
        Ok((body, conn.record.take().unwrap_or_default()))
    }

    /// Asks with so many clients for so long.
    ///
    /// # Errors
    /// When an answer is an error.
    pub async fn load(&self, address: &str, clients: usize, time: Duration) -> Result<Found> {
        let mut conns = Vec::new();
        for _ in 0..clients {
            conns.push(self.connect(address).await?);
        }
        run(self, conns, time).await
    }

    /// The same against a bare socket that writes the bytes of `answer`.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn yardstick(&self, answer: &[u8], clients: usize, time: Duration) -> Result<Found> {
        let yardstick = Yardstick::start(self.request.len(), answer).await?;
        let mut conns = Vec::new();
        for _ in 0..clients {
            conns.push(Conn::open(&yardstick.address).await?);
        }
        run(self, conns, time).await
    }
}

fn check(answer: &[u8]) -> Result<()> {
    let head = String::from_utf8_lossy(&answer[..answer.len().min(300)]);
    anyhow::ensure!(!head.contains("\"error\":"), "the daemon says {head}");
    Ok(())
}

async fn run(question: &Question, conns: Vec<Conn>, time: Duration) -> Result<Found> {
    let begin = Instant::now();
    let workers = conns.into_iter().map(|mut conn| {
        let question = question.clone();
        tokio::spawn(async move {
            let (mut waits, mut bytes) = (Vec::new(), 0);
            // Everybody asks at least twice, however slow it is: the first finds cold caches and is not counted.
            while waits.len() < 2 || begin.elapsed() < time {
                let asked = Instant::now();
                conn.send(&question.request).await?;
                bytes = conn.answer(question.protocol, None).await?;
                waits.push((asked, Instant::now()));
            }
            anyhow::Ok((waits, bytes))
        })
    });
    let mut waits = Vec::new();
    let mut bytes = 0;
    for outcome in try_join_all(workers).await.context("a client failed")? {
        let (its, size) = outcome?;
        waits.extend(its.into_iter().skip(1));
        bytes = size;
    }
    let first = waits.iter().map(|(asked, _)| *asked).min().context("no client came to ask")?;
    let last = waits.iter().map(|(_, told)| *told).max().context("no client was answered")?;
    let mut each: Vec<f64> = waits.iter().map(|(asked, told)| (*told - *asked).as_secs_f64() * 1e3).collect();
    each.sort_by(f64::total_cmp);
    Ok(Found {
        per_second: each.len() as f64 / (last - first).as_secs_f64(),
        p50: quantile(&each, 0.5),
        p99: quantile(&each, 0.99),
        bytes,
    })
}

/// Returns the value that a share of the sorted values does not exceed.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    match sorted.len() {
        0 => f64::NAN,
        count => sorted[((count as f64 * share).ceil() as usize).clamp(1, count) - 1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_seen() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        for (share, expected) in [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0), (0.0, 1.0)] {
            assert!((quantile(&values, share) - expected).abs() < f64::EPSILON);
        }
        assert!(quantile(&[], 0.5).is_nan());
    }
}
