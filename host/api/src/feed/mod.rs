//! Tells the sockets what changed: written out once for each class of callers that see the same, however many they are.
//!
//! ```text
//!   inventory::Subscription --> worker: at once, or merged for up to 10 ms --> Batch --+-- class A: frames (shared bytes) --> sockets
//!                                                                               +-- class B: ...
//! ```
//! A class has a channel of its own while somebody listens to it; nothing is written for a class without listeners. What is
//! written is a frame as it goes over the wire, so a hundred sockets share its bytes and only hand them to the kernel.

mod batch;
mod notice;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use access::VisibilityClass;
use app::App;
use bytes::Bytes;
use inventory::{Feed as Picture, JsonCache, Snapshot, Subscription};
use model::Changes;
use parking_lot::Mutex;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::{broadcast, mpsc, oneshot};

use batch::Texts;
pub(crate) use batch::{Batch, Changed, END, ENTER, append_entry};
pub(crate) use notice::{notification, user_changed};

/// Batches that a socket may lag behind: four busy pools make eighty a second, so this is some two seconds on top of what
/// stands in the socket's own queue and in the kernel. Who is slower is disconnected and lists everything again, which is
/// cheaper than what it missed.
const FRAMES: usize = 200;

/// Below this distance, for each socket that listens, changes are merged: a frame to a hundred sockets costs a hundred
/// system calls whatever is in it. Each takes some 20 microseconds, so that half of one core goes into them at most.
const APART: Duration = Duration::from_micros(40);

/// The longest such distance.
const LONGEST: Duration = Duration::from_millis(10);

/// Objects that may wait to be merged; more go at once.
const MERGED: usize = 1_000;

/// Objects above which nothing is written beforehand: each socket takes the batch piece by piece, as a listing. A pool that
/// was swapped in so costs no copy of itself.
const BULK: usize = 1_000;

/// Sockets whose rights have changed that may wait for the worker, which needs some milliseconds for each; more wait outside.
const MOVES: usize = 64;

type Classes = Arc<Mutex<HashMap<VisibilityClass, broadcast::Sender<Frame>>>>;

/// What sockets listen to.
#[derive(Clone)]
pub(crate) struct Feed {
    classes: Classes,
    moves: mpsc::Sender<Move>,
}

/// Somebody who listens belongs to another class from now on.
struct Move {
    from: broadcast::Receiver<Frame>,
    to: VisibilityClass,
    answer: oneshot::Sender<Moved>,
}

/// How it goes on for somebody who listens to another class: there is one state of the picture up to which the old class is
/// heard and from which on the new one is.
pub(crate) struct Moved {
    /// What was still to be heard of the old class.
    pub rest: Vec<Frame>,
    pub at: Snapshot,
    pub feed: broadcast::Receiver<Frame>,
}

/// One thing to tell.
#[derive(Clone, Debug)]
pub(crate) enum Frame {
    /// Whole frames, ready to be written.
    Ready(Bytes, Option<Arc<Stamp>>),
    /// So many objects that they are written as they leave.
    Bulk(Arc<Batch>, Option<Arc<Stamp>>),
    /// The feed itself lost its place: list again.
    Resync,
}

/// Goes along with a batch to every socket; when the last one has written it, the time that took is measured.
#[derive(Debug)]
pub(crate) struct Stamp(Instant);

impl Drop for Stamp {
    fn drop(&mut self) {
        metrics::histogram!("xylem_feed_seconds").record(self.0.elapsed().as_secs_f64());
    }
}

impl Feed {
    /// Starts the worker.
    pub(crate) fn start(app: &Arc<App>) -> Self {
        let (moves, mut moving) = mpsc::channel(MOVES);
        let feed = Self { classes: Arc::default(), moves };
        // Without the sender of moves: the worker must not keep its own queue open.
        let (classes, inventory) = (feed.classes.clone(), app.inventory.clone());
        let mut worker = Worker { classes, picture: app.inventory.subscribe(), waiting: Vec::new() };
        let mut stop = app.workers.stop_signal();
        app.workers.spawn("feed", async move {
            let mut next = tokio::time::Instant::now();
            loop {
                let change = tokio::select! {
                    change = worker.picture.recv() => Some(change),
                    () = tokio::time::sleep_until(next), if !worker.waiting.is_empty() => None,
                    Some(moved) = moving.recv() => {
                        worker.shift(moved, inventory.json());
                        continue;
                    }
                    () = stop.wait() => break,
                };
                match change {
                    // Nobody listens: nothing to write.
                    Some(_) if worker.is_idle() => {
                        worker.waiting.clear();
                        continue;
                    }
                    Some(Picture::Resync) => {
                        worker.resync();
                        continue;
                    }
                    Some(Picture::Changes(changes)) if changes.set.is_empty() && changes.removed.is_empty() => continue,
                    Some(Picture::Changes(changes)) => worker.waiting.push(changes),
                    None => {}
                }
                let now = tokio::time::Instant::now();
                let size: usize = worker.waiting.iter().map(|changes| changes.set.len() + changes.removed.len()).sum();
                if now >= next || size >= MERGED {
                    let at = worker.has_limited().then(|| worker.catch_up()).flatten();
                    worker.tell(at, inventory.json());
                    next = now + worker.distance();
                }
            }
        });
        feed
    }

    /// Returns a receiver of everything that a class sees from now on.
    pub(crate) fn listen(&self, class: VisibilityClass) -> broadcast::Receiver<Frame> {
        listen(&self.classes, class)
    }

    /// Goes on with another class; none when there is no way on but to list again.
    pub(crate) async fn shift(&self, from: broadcast::Receiver<Frame>, to: VisibilityClass) -> Option<Moved> {
        let (answer, moved) = oneshot::channel();
        self.moves.send(Move { from, to, answer }).await.ok()?;
        moved.await.ok()
    }
}

fn listen(classes: &Classes, class: VisibilityClass) -> broadcast::Receiver<Frame> {
    classes.lock().entry(class).or_insert_with(|| broadcast::Sender::new(FRAMES)).subscribe()
}

/// Who writes what the sockets send.
struct Worker {
    classes: Classes,
    picture: Subscription,
    /// Changes that have not been told.
    waiting: Vec<Arc<Changes>>,
}

impl Worker {
    /// Returns whether no class has listeners; those that have none any more are forgotten.
    fn is_idle(&self) -> bool {
        let mut classes = self.classes.lock();
        classes.retain(|_, listeners| listeners.receiver_count() > 0);
        classes.keys().all(VisibilityClass::sees_nothing)
    }

    /// Returns how long a batch is from the next, as of now.
    fn distance(&self) -> Duration {
        let classes = self.classes.lock();
        let hear = classes.iter().filter(|(class, _)| !class.sees_nothing());
        let listeners: usize = hear.map(|(_, listeners)| listeners.receiver_count()).sum();
        APART.saturating_mul(u32::try_from(listeners).unwrap_or(u32::MAX)).min(LONGEST)
    }

    /// Returns whether a class listens for which objects have to be looked at one by one.
    fn has_limited(&self) -> bool {
        self.classes.lock().keys().any(VisibilityClass::sees_some)
    }

    /// Everybody has to list again.
    fn resync(&mut self) {
        self.waiting.clear();
        self.send_all(|_| Some(Frame::Resync));
    }

    /// Takes what has changed up to this moment to what waits; returns the picture of it. None when something was missed.
    fn catch_up(&mut self) -> Option<Snapshot> {
        let Some((snapshot, changes)) = self.picture.catch_up() else {
            self.resync();
            return None;
        };
        self.waiting.extend(changes);
        Some(snapshot)
    }

    /// Tells what waits. `at` is the picture after it, for classes that see some objects.
    fn tell(&mut self, at: Option<Snapshot>, json: &JsonCache) {
        let mut batch = Batch::of(&self.waiting);
        self.waiting.clear();
        if batch.is_empty() {
            return;
        }
        if let Some(at) = at {
            batch.look(at);
        }
        let stamp = batch.arrived.map(|arrived| Arc::new(Stamp(arrived)));
        if batch.len() > BULK {
            let batch = Arc::new(batch);
            self.send_all(|_| Some(Frame::Bulk(batch.clone(), stamp.clone())));
        } else {
            let mut texts = Texts::new(json, self.classes.lock().len() > 1);
            self.send_all(|class| Some(Frame::Ready(batch.frames(class, &mut texts)?, stamp.clone())));
        }
    }

    fn shift(&mut self, moved: Move, json: &JsonCache) {
        let Move { mut from, to, answer } = moved;
        // Without an answer the socket is closed, and its client lists again.
        let Some(at) = self.catch_up() else { return };
        self.tell(Some(at.clone()), json);
        let mut rest = Vec::new();
        loop {
            match from.try_recv() {
                Ok(frame) => rest.push(frame),
                Err(TryRecvError::Lagged(_)) => return,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        // The socket may have gone meanwhile.
        let _ = answer.send(Moved { rest, at, feed: listen(&self.classes, to) });
    }

    /// Sends every class that sees anything what `frame` makes for it.
    fn send_all(&self, mut frame: impl FnMut(&VisibilityClass) -> Option<Frame>) {
        // Writing takes a while: not while others wait for the lock to listen.
        let listeners: Vec<_> = {
            let classes = self.classes.lock();
            classes.iter().map(|(class, listeners)| (class.clone(), listeners.clone())).collect()
        };
        for (class, listeners) in listeners.into_iter().filter(|(class, _)| !class.sees_nothing()) {
            if let Some(frame) = frame(&class) {
                // An error means that the last listener has just left.
                let _ = listeners.send(frame);
            }
        }
    }
}
