//! The reading half of a socket: tungstenite takes the frames apart, unmasks, checks and joins them, and answers pings. What
//! it wants written goes into the outbox, between our own frames, because our frames do not pass through it.
//!
//! Its own writing copies every frame into a buffer per socket and keeps the buffer: a hundred subscribers would hold a
//! hundred copies of the largest frame they ever got.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::StreamExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tracing::debug;

use super::outbox::Control;
use super::socket::{Ending, Incoming, Received};
use crate::MAX_MESSAGE;

/// Bytes read at once. The library clears that much memory before each read, and keeps it for each idle socket.
const READ: usize = 4 << 10;

/// Bytes of pongs that may wait for a peer that pings and does not read; beyond it only the last ping is answered.
const CONTROL: usize = 2 << 10;

/// What tungstenite reads from, and where its own frames go.
pub(super) struct Half<R> {
    io: R,
    control: Control,
}

/// The messages that a peer sends.
pub(super) type Reading<R> = WebSocketStream<Half<R>>;

/// Begins to read.
pub(super) async fn new<R: AsyncRead + Unpin>(io: R, control: Control) -> Reading<R> {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ)
        .write_buffer_size(0)
        .max_write_buffer_size(CONTROL)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    WebSocketStream::from_raw_socket(Half { io, control }, Role::Server, Some(config)).await
}

impl<R: AsyncRead + Unpin + Send> Incoming for Reading<R> {
    async fn next(&mut self) -> Result<Received, Ending> {
        match StreamExt::next(self).await {
            Some(Ok(Message::Text(text))) => Ok(Received::Text(text)),
            Some(Ok(Message::Binary(_))) => Err(Ending::NotText),
            // The pong that reading has made is for the outbox to write.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(Received::Nothing),
            Some(Ok(Message::Close(_))) => Err(Ending::Theirs),
            Some(Err(cause)) => {
                debug!(%cause, "socket failed");
                Err(Ending::of(&cause))
            }
            None => Err(Ending::Broken),
        }
    }

    async fn drain(&mut self) {
        let mut dropped = [0; READ];
        while matches!(self.get_mut().io.read(&mut dropped).await, Ok(count) if count > 0) {}
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Half<R> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, into)
    }
}

impl<R: Unpin> AsyncWrite for Half<R> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut control = self.control.lock();
        if control.len() + bytes.len() > CONTROL {
            // It tries again with the next frame that it reads, so nobody has to be woken.
            return Poll::Pending;
        }
        control.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
