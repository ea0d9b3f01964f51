//! What this machine can do at best: a bare socket that waits for a request and writes a recorded answer.
//!
//! It is a process of its own, as the daemon is: a client that shares its threads with the server never has to wake it.

use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

/// The word by which this program is told to be a yardstick.
pub const WORD: &str = "yardstick";

/// A server that answers every request with the same bytes. It ends when it is dropped, or its maker ends.
pub struct Yardstick {
    /// Where it listens.
    pub address: String,
    _child: Child,
}

impl Yardstick {
    /// Starts it; a request has exactly `request` bytes.
    ///
    /// # Errors
    /// When the process does not start or there is no port.
    pub async fn start(request: usize, answer: &[u8]) -> Result<Self> {
        let program = std::env::current_exe().context("find this program")?;
        let mut child = Command::new(program)
            .args([WORD, &request.to_string(), &answer.len().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("start a yardstick")?;
        let input = child.stdin.as_mut().context("the yardstick has no input")?;
        input.write_all(answer).await.context("tell the yardstick its answer")?;
        let mut address = String::new();
        let output = child.stdout.take().context("the yardstick has no output")?;
        BufReader::new(output).read_line(&mut address).await.context("hear where the yardstick listens")?;
        Ok(Self { address: address.trim_end().to_owned(), _child: child })
    }
}

/// Is a yardstick: takes `answer` bytes from the standard input, tells on the standard output where it listens, and serves
/// until the input ends.
///
/// # Errors
/// When there is no port.
pub fn serve(request: usize, answer: usize) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")?;
    runtime.block_on(async {
        let mut input = tokio::io::stdin();
        let mut bytes = vec![0; answer];
        input.read_exact(&mut bytes).await.context("read the answer")?;
        let answer: Arc<[u8]> = bytes.into();
        let listener = TcpListener::bind("127.0.0.1:0").await.context("listen")?;
        println!("{}", listener.local_addr().context("find the port")?);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, request, answer.clone()));
            }
        });
        while matches!(input.read(&mut [0; 64]).await, Ok(count) if count > 0) {}
        anyhow::Ok(())
    })?;
    // The thread that reads the standard input cannot be joined.
    runtime.shutdown_background();
    Ok(())
}

async fn talk(mut stream: TcpStream, request: usize, answer: Arc<[u8]>) {
    let _ = stream.set_nodelay(true);
    let mut asked = vec![0; request];
    while stream.read_exact(&mut asked).await.is_ok() && stream.write_all(&answer).await.is_ok() {}
}
