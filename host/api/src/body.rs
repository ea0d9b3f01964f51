//! Streams as bodies of HTTP answers: what fits into one piece goes with its length, the rest in chunks as they are asked for.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use hyper::body::{Body as HttpBody, Frame};
use wire::Failure;

use crate::listing::{PIECE, SLACK, Stream};

/// Returns an answer with this content.
///
/// # Errors
/// The stream fails before anything is sent.
pub(crate) fn answer(content_type: &'static str, mut stream: Stream) -> Result<Response, Failure> {
    let mut first = Vec::new();
    let body = if stream.fill(&mut first)? {
        Body::from(first)
    } else {
        Body::new(Pieces { first: Some(first), stream: Some(stream), has_paused: false })
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
    first: Option<Vec<u8>>,
    /// None when all is sent.
    stream: Option<Stream>,
    /// Whether others had their turn since the last piece.
    has_paused: bool,
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some(first) = self.first.take().filter(|first| !first.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(first.into()))));
        }
        // hyper would ask for piece after piece until its buffers and the kernel's are full, for milliseconds; now it
        // writes what it has, and others on this thread come first.
        self.has_paused = !self.has_paused;
        if self.has_paused {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Some(mut stream) = self.stream.take() else { return Poll::Ready(None) };
        let mut piece = Vec::with_capacity(PIECE + SLACK);
        match stream.fill(&mut piece) {
            Ok(true) => {}
            Ok(false) => self.stream = Some(stream),
            Err(failure) => return Poll::Ready(Some(Err(Broken(failure)))),
        }
        if piece.is_empty() && self.stream.is_some() {
            // A filter found nothing so far.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready((!piece.is_empty()).then(|| Ok(Frame::data(piece.into()))))
    }
}
