//! The worker of one server: it alone holds the pool's connection, its event stream and the right to change its picture.
//!
//! ```text
//!   EventStream::next ─ Connecting ──> status "connecting"
//!                     ─ Init, InitApply*, InitDone ──> a whole new picture, swapped in at once ──> "connected"
//!                     ─ Batch ──> writer.apply
//!                     ─ Members ──> kept with the server, to find the pool when its entry is dead
//!                     ─ Lost ──> the last picture stays, marked stale; the stream tries again by itself
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use inventory::Writer;
use model::ServerId;
use tokio::sync::{oneshot, watch};
use tracing::{info, warn};
use wire::Failure;
use xapi::{Event, EventStream};

use super::pools::{Handle, Live, Status, Stop, Trouble};
use super::{Server, call};
use crate::ctx::{App, Notice};
use crate::error::{Error, Result};

/// How long `server.enable` waits for the first outcome before it answers that the tries go on.
const FIRST_OUTCOME: Duration = Duration::from_secs(20);

/// Starts the worker of a server that has none. What the last one has left ([`restart`]) is shown until there is news.
pub(super) fn start(app: &Arc<App>, server: &Server) -> Result<()> {
    let target = app.target(server)?;
    let (stop, mut stopped) = oneshot::channel::<Stop>();
    {
        let mut handles = app.pools.0.write();
        let left = handles.remove(&server.id).map(|handle| handle.live).unwrap_or_default();
        let live =
            Live { status: Status::Connecting, pool: left.pool, stale_since: left.stale_since, ..Live::default() };
        let handle = Handle { live, stop: Some(stop), changed: watch::Sender::new(0) };
        handles.insert(server.id.clone(), handle);
    }
    let (worker_app, id, started_as) = (app.clone(), server.id.clone(), server.clone());
    let mut shutdown = app.workers.stop_signal();
    app.workers.spawn(format!("pool/{}", server.host), async move {
        let app = worker_app;
        let mut stream = EventStream::new(target, app.settings.timeouts, inventory::CLASSES, Some(inventory::FIELDS));
        let mut writer = app.inventory.writer(id.clone());
        let mut done = None;
        loop {
            let event = tokio::select! {
                event = stream.next() => event,
                asked = &mut stopped => {
                    done = asked.ok();
                    break;
                }
                () = shutdown.wait() => break,
            };
            // Outside the select: working may not be cancelled, waiting may.
            if let Event::Members(members) = event {
                super::remember(&app, &started_as, members).await;
                app.notify(Notice::Server(id.clone()));
                continue;
            }
            if handle_event(&app, &id, &mut stream, &mut writer, event).is_break() {
                tokio::select! {
                    asked = &mut stopped => done = asked.ok(),
                    () = shutdown.wait() => {}
                }
                break;
            }
        }
        if let Some(connection) = stream.connection() {
            connection.logout().await;
        }
        if let Some(Stop { keep, done }) = done {
            if keep {
                writer.mark_stale("it is being connected anew");
            } else {
                writer.remove();
            }
            let _ = done.send(());
        }
    });
    app.pools.update(&server.id, |_| {});
    app.notify(Notice::Server(server.id.clone()));
    Ok(())
}

/// Ends the worker of a server, if it has one, and waits until its objects are gone.
pub(super) async fn stop(app: &App, id: &ServerId) {
    let handle = app.pools.0.write().remove(id);
    if let Some(Handle { stop: Some(stop), .. }) = handle {
        end(stop, false).await;
    }
    app.pools.update(id, |_| {});
}

/// Puts another worker in the place of a server's, if it has one: the pool is the same, the way to it another. Its objects
/// stay meanwhile, stale.
pub(super) async fn restart(app: &Arc<App>, id: &ServerId) -> Result<()> {
    let stop = app.pools.0.write().get_mut(id).and_then(|handle| handle.stop.take());
    if let Some(stop) = stop {
        let now = app.clock.now();
        app.pools.update(id, |live| {
            live.status = Status::Connecting;
            live.connection = None;
            if live.pool.is_some() {
                live.stale_since.get_or_insert(now);
            }
        });
        end(stop, true).await;
    }
    // Somebody else may have decided otherwise meanwhile.
    match app.server(id) {
        Ok(now) if now.value.enabled => start(app, &now.value),
        _ => {
            app.pools.0.write().remove(id);
            app.inventory.writer(id.clone()).remove();
            app.pools.update(id, |_| {});
            Ok(())
        }
    }
}

/// Asks a worker to end, and waits until it has.
async fn end(stop: oneshot::Sender<Stop>, keep: bool) {
    let (done, ended) = oneshot::channel();
    if stop.send(Stop { keep, done }).is_ok() {
        let _ = ended.await;
    }
}

/// Waits until the first try of a worker has succeeded or failed.
pub(super) async fn first_outcome(app: &App, id: &ServerId) -> Result<()> {
    let Some(mut changed) = app.pools.0.read().get(id).map(|handle| handle.changed.subscribe()) else {
        return Ok(());
    };
    let outcome = async {
        loop {
            {
                let handles = app.pools.0.read();
                let live = handles.get(id).map(|handle| &handle.live);
                match live {
                    None => return Ok(()),
                    Some(Live { status: Status::Connected, .. }) => return Ok(()),
                    Some(Live { trouble: Some(trouble), .. }) => {
                        let failure = trouble.failure.clone();
                        return Err(failure.unwrap_or_else(|| Failure::Internal(trouble.message.clone())));
                    }
                    Some(_) => {}
                }
            }
            if changed.changed().await.is_err() {
                return Ok(());
            }
        }
    };
    match tokio::time::timeout(FIRST_OUTCOME, outcome).await {
        Ok(outcome) => Ok(outcome?),
        Err(_) => Err(Error::from(Failure::ServerUnreachable { id: id.to_string() })),
    }
}

fn handle_event(
    app: &App,
    id: &ServerId,
    stream: &mut EventStream,
    writer: &mut Writer,
    event: Event,
) -> std::ops::ControlFlow<()> {
    let pools = &app.pools;
    match event {
        // Kept before it comes here.
        Event::Members(_) => return std::ops::ControlFlow::Continue(()),
        Event::Connecting { attempt } => {
            if attempt > 1 {
                info!(server = %id, attempt, "connecting");
            }
            return std::ops::ControlFlow::Continue(());
        }
        Event::Init => {
            writer.begin();
            return std::ops::ControlFlow::Continue(());
        }
        Event::InitApply { class, reference, record } => {
            writer.load(&class, &reference, &record);
            return std::ops::ControlFlow::Continue(());
        }
        Event::Batch(deltas) => {
            let arrived = Instant::now();
            writer.arrived(arrived);
            writer.apply(&deltas);
            metrics::histogram!("xylem_picture_seconds").record(arrived.elapsed().as_secs_f64());
            return std::ops::ControlFlow::Continue(());
        }
        Event::InitDone => match writer.finish() {
            Ok(loaded) => {
                info!(server = %id, pool = %loaded.pool, objects = loaded.objects, took = ?loaded.took, "pool is live");
                let (pool, connection) = (Some(loaded.pool), stream.connection());
                pools.update(id, |live| {
                    *live = Live { status: Status::Connected, pool, connection, ..Live::default() };
                });
            }
            Err(error) => {
                warn!(server = %id, %error, "pool cannot be shown");
                let (message, time) = (error.to_string(), app.clock.now());
                pools.update(id, |live| {
                    live.status = Status::Disconnected;
                    live.connection = None;
                    live.trouble = Some(Trouble {
                        failure: Some(Failure::Internal(message.clone())),
                        message,
                        code: Some("PoolAlreadyConnected".into()),
                        time,
                        next_attempt: None,
                        fingerprint: None,
                        expected_fingerprint: None,
                    });
                });
                app.notify(Notice::Server(id.clone()));
                // Until an administrator acts there is nothing more to do here.
                return std::ops::ControlFlow::Break(());
            }
        },
        Event::Lost { error, retry_in, needs_administrator } => {
            let now = app.clock.now();
            warn!(server = %id, error = error.chain(), retry_in = ?retry_in, "pool is lost");
            writer.mark_stale(&error.chain());
            pools.update(id, |live| {
                live.connection = None;
                live.status = if needs_administrator { Status::Disconnected } else { Status::Connecting };
                if live.pool.is_some() {
                    live.stale_since.get_or_insert(now);
                }
                live.trouble = Some(Trouble {
                    message: call::explain(&error),
                    code: error.code().map(str::to_owned),
                    time: now,
                    next_attempt: Some(now + u64::try_from(retry_in.as_millis()).unwrap_or(u64::MAX / 2)),
                    fingerprint: error.fingerprint().map(str::to_owned),
                    expected_fingerprint: error.expected_fingerprint().map(str::to_owned),
                    failure: Some(call::failure_of(&error, id.as_str(), None)),
                });
            });
        }
    }
    app.notify(Notice::Server(id.clone()));
    std::ops::ControlFlow::Continue(())
}
