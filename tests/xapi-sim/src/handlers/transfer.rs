//! Bytes in and out: streams with the task that stands for them.

use std::{io, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures::stream;
use http_body_util::BodyExt;
use hyper::{Response, StatusCode, body::Incoming, header::HeaderValue};
use serde_json::json;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

use super::Ask;
use crate::{
    core::Ctx,
    failure::{Failure, fail},
    server::{self, Body},
    tasks,
    wire::{Reply, Wire},
};

/// Pieces under way to a client that is slow.
const QUEUE: usize = 4;
/// Progress is written at most this often.
const PROGRESS: Duration = Duration::from_secs(1);

/// Counts what has gone through, writes the progress and notices a wish to cancel.
struct Meter {
    ctx: Ctx,
    total: u64,
    done: u64,
    told: Instant,
}

impl Meter {
    fn add(&mut self, bytes: usize) -> Result<(), Failure> {
        self.done += bytes as u64;
        if *self.ctx.cancelled.borrow() {
            return Err(fail("TASK_CANCELLED", [&self.ctx.task]));
        }
        if self.told.elapsed() >= PROGRESS {
            self.told = Instant::now();
            let progress = (self.done as f64 / self.total.max(1) as f64).min(1.0);
            self.ctx.core.write(|db| db.set("task", &self.ctx.task, "progress", json!(progress)));
        }
        Ok(())
    }
}

/// Where a handler writes what it sends.
pub struct Sink {
    out: mpsc::Sender<io::Result<Bytes>>,
    meter: Meter,
}

impl Sink {
    /// Sends; fails when the client has gone or the task is cancelled.
    pub async fn send(&mut self, data: impl Into<Bytes>) -> Result<(), Failure> {
        let data = data.into();
        self.meter.add(data.len())?;
        self.out.send(Ok(data)).await.map_err(|_| fail("INTERNAL_ERROR", ["the client has gone"]))
    }
}

/// What a client sends. A cut connection is an end like another: some clients know no other.
pub struct Source {
    body: Incoming,
    buffer: BytesMut,
    ended: bool,
    meter: Meter,
}

impl Source {
    /// Returns `length` bytes, fewer only at the end.
    pub async fn take(&mut self, length: usize) -> Result<Bytes, Failure> {
        while self.buffer.len() < length && !self.ended {
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.meter.add(data.len())?;
                        self.buffer.extend_from_slice(&data);
                    }
                }
                Some(Err(_)) | None => self.ended = true,
            }
        }
        let length = length.min(self.buffer.len());
        Ok(self.buffer.split_to(length).freeze())
    }

    /// Writes into the `other_config` of the task.
    pub fn note(&self, key: &str, value: &str) {
        let ctx = &self.meter.ctx;
        ctx.core.write(|db| db.set_entry("task", &ctx.task, "other_config", key, Some(value)));
    }

    /// Reads and forgets.
    pub async fn skip(&mut self, mut length: u64) -> Result<(), Failure> {
        while length > 0 {
            let now = self.take(usize::try_from(length.min(1 << 20)).unwrap_or(0)).await?;
            if now.is_empty() {
                return Ok(());
            }
            length -= now.len() as u64;
        }
        Ok(())
    }
}

impl Ask {
    /// The task that the client made for this, or one of our own.
    fn task(&self, name: &str) -> Result<Ctx, Failure> {
        let core = &self.seat.core;
        let Some(task) = self.param("task_id").map(str::to_owned) else {
            return tasks::begin(core, name, &self.session);
        };
        let (ask, cancelled) = watch::channel(false);
        core.cancels.lock().insert(task.clone(), ask);
        Ok(Ctx { core: core.clone(), session: self.session.clone(), task, cancelled })
    }

    /// An upload with nothing in it and no task only looks where it would go.
    pub fn is_probe(&self) -> bool {
        self.length() == Some(0) && self.param("task_id").is_none()
    }

    /// `Content-Length`.
    pub fn length(&self) -> Option<u64> {
        self.headers.get("content-length")?.to_str().ok()?.parse().ok()
    }

    /// Refuses with a status, and fails the task that the client made.
    pub fn refuse(&self, status: StatusCode, failure: &Failure) -> Response<Body> {
        if self.param("task_id").is_some()
            && let Ok(ctx) = self.task("")
        {
            tasks::finish(&ctx, &Err(failure.clone()));
        }
        server::page(status)
    }

    /// Sends what `produce` writes; the task ends with it. `total` is for the progress.
    pub fn download<F>(
        &self,
        name: &str,
        kind: &'static str,
        file: &str,
        total: u64,
        produce: impl FnOnce(Sink) -> F,
    ) -> Response<Body>
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        let ctx = match self.task(name) {
            Ok(ctx) => ctx,
            Err(_) => return server::page(StatusCode::INTERNAL_SERVER_ERROR),
        };
        let (out, mut pieces) = mpsc::channel(QUEUE);
        let failed = out.clone();
        let sink = Sink { out, meter: Meter { ctx: ctx.clone(), total, done: 0, told: Instant::now() } };
        let work = produce(sink);
        let task = ctx.task.clone();
        let half = self.seat.core.faults.half(self.path);
        ctx.core.clone().spawn(async move {
            let reply = work.await;
            if reply.is_err() {
                // The connection is cut, so that nobody takes this for the end. The client may have gone already.
                let _ = failed.send(Err(io::Error::other("the transfer failed"))).await;
            }
            tasks::finish(&ctx, &reply);
        });
        let mut left = if half { total / 2 } else { u64::MAX };
        let data = stream::poll_fn(move |context| {
            pieces.poll_recv(context).map(|piece| {
                let piece = piece?;
                left = left.saturating_sub(piece.as_ref().map_or(0, |p| p.len() as u64));
                Some(if left == 0 { Err(io::Error::other("cut on demand")) } else { piece })
            })
        });
        let mut response = server::streamed(kind, data);
        let headers = response.headers_mut();
        if let (Ok(task), Ok(file)) =
            (HeaderValue::from_str(&task), HeaderValue::from_str(&format!("attachment; filename=\"{file}\"")))
        {
            headers.insert("task-id", task);
            headers.insert("content-disposition", file);
        }
        response
    }

    /// Reads what the client sends with `consume`. The head of the answer goes before, its end when all is done.
    pub fn upload<F>(&self, name: &str, body: Incoming, consume: impl FnOnce(Source) -> F) -> Response<Body>
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        let ctx = match self.task(name) {
            Ok(ctx) => ctx,
            Err(_) => return server::page(StatusCode::INTERNAL_SERVER_ERROR),
        };
        let total = self.length().unwrap_or(0);
        let meter = Meter { ctx: ctx.clone(), total, done: 0, told: Instant::now() };
        let work = consume(Source { body, buffer: BytesMut::new(), ended: false, meter });
        let (done, finished) = oneshot::channel::<()>();
        let task = ctx.task.clone();
        let core = Arc::clone(&ctx.core);
        core.spawn(async move {
            let reply = work.await;
            tasks::finish(&ctx, &reply);
            // The client may have gone: the task tells it anyway.
            let _ = done.send(());
        });
        let end = stream::unfold(Some(finished), |finished| async {
            // Whichever way it ended, it has ended.
            let _ = finished?.await;
            None::<(io::Result<Bytes>, Option<oneshot::Receiver<()>>)>
        });
        let mut response = server::streamed("application/octet-stream", end);
        if let Ok(task) = HeaderValue::from_str(&task) {
            response.headers_mut().insert("task-id", task);
        }
        response
    }
}

/// The result of a transfer that yields an object.
pub fn object(reference: &str) -> Wire {
    Wire::Text(reference.to_owned())
}
