//! What this machine can do at best: a bare socket that waits for a request and writes a recorded answer.

use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A server that answers every request with the same bytes. It stops when it is dropped.
pub struct Yardstick {
    /// Where it listens.
    pub address: String,
    worker: JoinHandle<()>,
}

impl Yardstick {
    /// Starts it; a request has exactly `request` bytes.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start(request: usize, answer: Vec<u8>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("listen")?;
        let address = listener.local_addr().context("find the port")?.to_string();
        let answer: Arc<[u8]> = answer.into();
        let worker = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, request, answer.clone()));
            }
        });
        Ok(Self { address, worker })
    }
}

async fn serve(mut stream: TcpStream, request: usize, answer: Arc<[u8]>) {
    let _ = stream.set_nodelay(true);
    let mut asked = vec![0; request];
    while stream.read_exact(&mut asked).await.is_ok() && stream.write_all(&answer).await.is_ok() {}
}

impl Drop for Yardstick {
    fn drop(&mut self) {
        self.worker.abort();
    }
}
