//! Streams as bodies of HTTP answers: what fits into one piece goes with its length, the rest in chunks as they are asked for.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use hyper::body::{Body as HttpBody, Frame};
use wire::Failure;

use crate::listing::{Filled, Stream};

/// Returns an answer with this content.
///
/// # Errors
/// The stream fails before anything is sent.
pub(crate) fn answer(content_type: &'static str, mut stream: Stream) -> Result<Response, Failure> {
    let mut first = Vec::new();
    let Filled { is_last, shared } = stream.fill(&mut first)?;
    let body = if is_last {
        shared.iter().for_each(|bytes| first.extend_from_slice(bytes));
        Body::from(first)
    } else {
        let ready = std::iter::once(Bytes::from(first)).chain(shared).collect();
        Body::new(Pieces { ready, stream: Some(stream), has_paused: false })
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    Ok(response)
}

/// The answer broke off: the connection ends without the last chunk, so that nobody takes it for whole.
#[derive(Debug, thiserror::Error)]
#[error("the answer cannot be finished: {0}")]
struct Broken(Failure);

struct Pieces {
    /// What is to go at once: a piece with its pages.
    ready: VecDeque<Bytes>,
    /// None when all is sent.
    stream: Option<Stream>,
    /// Whether others had their turn since the last piece.
    has_paused: bool,
}

impl Pieces {
    fn next(&mut self) -> Option<Bytes> {
        std::iter::from_fn(|| self.ready.pop_front()).find(|next| !next.is_empty())
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some(next) = self.next() {
            return Poll::Ready(Some(Ok(Frame::data(next))));
        }
        // hyper would ask for piece after piece until its buffers and the kernel's are full, for milliseconds; now it
        // writes what it has, and others on this thread come first.
        self.has_paused = !self.has_paused;
        if self.has_paused {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Some(mut stream) = self.stream.take() else { return Poll::Ready(None) };
        let mut piece = Vec::new();
        match stream.fill(&mut piece) {
            Ok(Filled { is_last, shared }) => {
                self.stream = Some(stream).filter(|_| !is_last);
                self.ready.extend(std::iter::once(Bytes::from(piece)).chain(shared));
            }
            Err(failure) => return Poll::Ready(Some(Err(Broken(failure)))),
        }
        if let Some(next) = self.next() {
            return Poll::Ready(Some(Ok(Frame::data(next))));
        }
        if self.stream.is_some() {
            // A filter found nothing so far.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(None)
    }
}
