//! What leaves a socket: one message after the other, big ones in fragments that are written as they leave.
//!
//! ```text
//!   control (pongs) --------+                       at most 64 messages wait; more and their makers wait, too
//!   queue: answer, frames --+--> bytes under way --> the kernel
//!             |  piece by piece, one at a time
//! ```
//! A message that has begun is finished before the next one starts (RFC 6455 wants it so); control frames go in between.
//! Frames and pages that many sockets share are handed to the kernel as they are; what else an answer has is copied once,
//! from the kept JSON of its objects into the piece that is under way.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use parking_lot::Mutex;
use smallvec::SmallVec;
use tokio::io::AsyncWrite;
use tokio::time::{Instant, Sleep};

use super::frame;
use crate::feed::Stamp;
use crate::listing::{Filled, Stream};

/// Messages that may wait for the peer. Together with the feed's own queue it is what a socket may miss while a long answer
/// leaves.
const QUEUE: usize = 64;

/// How long the peer may take nothing at all.
const STALLED: Duration = Duration::from_secs(30);

/// A buffer of this size stays with an idle socket; a bigger one is given back.
const IDLE_BUFFER: usize = 1 << 10;

/// Bytes that the protocol itself wants written: pongs, the answer to a close frame.
pub(super) type Control = Arc<Mutex<Vec<u8>>>;

/// One thing that waits.
pub(super) enum Out {
    /// A message that is written as it leaves.
    Stream(Stream),
    /// Whole frames.
    Frames(Bytes),
    /// Goes once all before it is written.
    Stamp(Arc<Stamp>),
}

/// How messages are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// Frames of RFC 6455.
    WebSocket,
    /// Each message is a line; there is none in the middle of JSON as we write it.
    Lines,
}

/// The end of a message that is a line.
const LINE_END: &[u8] = b"\n";

/// The writing half of a socket.
pub(super) struct Outbox<W> {
    io: W,
    framing: Framing,
    control: Control,
    queue: VecDeque<Out>,
    /// The message that is under way, and whether a fragment of it has been written.
    stream: Option<(Stream, bool)>,
    /// What is under way: bytes of our own, then shared ones.
    own: Vec<u8>,
    shared: VecDeque<Bytes>,
    /// How much of our own is written; of the shared ones, what is left stays.
    written: usize,
    is_flushed: bool,
    stalled: Option<Pin<Box<Sleep>>>,
    is_stalled: bool,
}

impl<W: AsyncWrite + Unpin> Outbox<W> {
    pub(super) fn new(io: W, framing: Framing, control: Control) -> Self {
        Self {
            io,
            framing,
            control,
            queue: VecDeque::new(),
            stream: None,
            own: Vec::new(),
            shared: VecDeque::new(),
            written: 0,
            is_flushed: true,
            stalled: None,
            is_stalled: false,
        }
    }

    /// Returns whether another message may be put in.
    pub(super) fn has_room(&self) -> bool {
        self.queue.len() < QUEUE
    }

    /// Puts a message in.
    pub(super) fn push(&mut self, out: Out) {
        self.queue.push_back(out);
    }

    /// Lets a stamp go when everything that was put in so far is written.
    pub(super) fn stamp(&mut self, stamp: Option<Arc<Stamp>>) {
        self.queue.extend(stamp.map(Out::Stamp));
    }

    /// Writes for as long as there is anything to write and then waits; ends when there is room again, if there was none,
    /// and with an error when nothing can be written any more. Dropping the future loses nothing.
    pub(super) async fn drive(&mut self) -> io::Result<()> {
        let was_full = !self.has_room();
        std::future::poll_fn(|context| {
            ready!(self.poll_write(context, |outbox| was_full && outbox.has_room()))?;
            if was_full && self.has_room() { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await
    }

    /// Drops what waits, and says goodbye with a code where there is a way to say it.
    pub(super) fn close(&mut self, code: u16, reason: &str) {
        self.give_up();
        if self.framing == Framing::Lines {
            return;
        }
        // Nothing of the peer's protocol may follow a close frame.
        *self.control.lock() = frame::close(code, reason);
    }

    /// Drops what waits but for the frame that is half written.
    pub(super) fn give_up(&mut self) {
        self.queue.clear();
        self.stream = None;
    }

    /// Writes all that is left and ends the connection's writing side.
    pub(super) async fn finish(&mut self) -> io::Result<()> {
        std::future::poll_fn(|context| self.poll_write(context, |_| false)).await?;
        std::future::poll_fn(|context| Pin::new(&mut self.io).poll_shutdown(context)).await
    }

    /// Returns how many bytes are held for the peer.
    #[cfg(test)]
    pub(super) fn buffered(&self) -> usize {
        self.under_way()
    }

    fn under_way(&self) -> usize {
        self.own.len() - self.written + self.shared.iter().map(Bytes::len).sum::<usize>()
    }

    fn wrote(&mut self, mut count: usize) {
        let own = count.min(self.own.len() - self.written);
        self.written += own;
        count -= own;
        while let Some(first) = self.shared.front_mut() {
            if first.len() > count {
                first.advance(count);
                return;
            }
            count -= first.len();
            self.shared.pop_front();
        }
    }

    fn poll_some(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let io = Pin::new(&mut self.io);
        let parts = std::iter::once(&self.own[self.written..]).chain(self.shared.iter().map(|bytes| &**bytes));
        let parts = parts.filter(|part| !part.is_empty()).map(IoSlice::new);
        let parts: SmallVec<[IoSlice<'_>; 10]> = parts.collect();
        match &*parts {
            [part] => io.poll_write(context, part),
            parts => io.poll_write_vectored(context, parts),
        }
    }

    /// Writes until nothing is left, or `enough` after a message.
    fn poll_write(&mut self, context: &mut Context<'_>, enough: impl Fn(&Self) -> bool) -> Poll<io::Result<()>> {
        let mut pieces = 0;
        loop {
            while self.under_way() > 0 {
                match self.poll_some(context) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Poll::Ready(Ok(count)) => {
                        self.wrote(count);
                        self.is_stalled = false;
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => return self.poll_stalled(context),
                }
            }
            if pieces > 0 && self.stream.is_some() {
                // Others on this thread come first; a listing is a long way.
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            if enough(self) {
                return Poll::Ready(Ok(()));
            }
            match self.load()? {
                Loaded::Piece => pieces += 1,
                Loaded::Whole => {}
                Loaded::Nothing => {
                    if !self.is_flushed {
                        ready!(Pin::new(&mut self.io).poll_flush(context))?;
                        self.is_flushed = true;
                    }
                    return Poll::Ready(Ok(()));
                }
            }
            self.is_flushed = false;
        }
    }

    /// Makes the next bytes the current ones.
    fn load(&mut self) -> io::Result<Loaded> {
        self.written = 0;
        self.own.clear();
        self.shared.clear();
        {
            let mut control = self.control.lock();
            if !control.is_empty() {
                self.own.append(&mut control);
                return Ok(Loaded::Whole);
            }
        }
        while self.stream.is_none() {
            match self.queue.pop_front() {
                Some(Out::Stream(stream)) => self.stream = Some((stream, false)),
                Some(Out::Frames(bytes)) => {
                    match self.framing {
                        Framing::WebSocket => self.shared.push_back(bytes),
                        Framing::Lines => {
                            let lines = frame::payloads(bytes).flat_map(|text| [text, Bytes::from_static(LINE_END)]);
                            self.shared.extend(lines);
                        }
                    }
                    return Ok(Loaded::Whole);
                }
                Some(Out::Stamp(stamp)) => drop(stamp),
                None => {
                    self.own.shrink_to(IDLE_BUFFER);
                    return Ok(Loaded::Nothing);
                }
            }
        }
        self.load_piece()?;
        Ok(Loaded::Piece)
    }

    fn load_piece(&mut self) -> io::Result<()> {
        let Some((mut stream, has_begun)) = self.stream.take() else { return Ok(()) };
        let header = if self.framing == Framing::WebSocket { frame::HEADER } else { 0 };
        self.own.resize(header, 0);
        let filled = stream.fill(&mut self.own).map_err(|failure| io::Error::other(failure.to_string()))?;
        let Filled { is_last, mut shared } = filled;
        let is_empty = self.own.len() == header && shared.is_empty();
        match self.framing {
            // A filter found nothing so far.
            _ if is_empty && !is_last => self.own.clear(),
            Framing::WebSocket => {
                let opcode = if has_begun { frame::CONTINUATION } else { frame::TEXT };
                let more = shared.iter().map(Bytes::len).sum();
                self.written = frame::finish(&mut self.own, more, opcode, is_last);
            }
            Framing::Lines if is_last && shared.is_empty() => self.own.extend_from_slice(LINE_END),
            Framing::Lines if is_last => shared.push(Bytes::from_static(LINE_END)),
            Framing::Lines => {}
        }
        self.shared.extend(shared);
        if !is_last {
            self.stream = Some((stream, has_begun || !is_empty));
        }
        Ok(())
    }

    fn poll_stalled(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let end = Instant::now() + STALLED;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
        if !std::mem::replace(&mut self.is_stalled, true) {
            stalled.as_mut().reset(end);
        }
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

enum Loaded {
    Nothing,
    Piece,
    Whole,
}
