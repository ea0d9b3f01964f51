//! Writes every change of the picture out once, for all sockets that may see it.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::{App, Notice};
use axum::extract::ws::Utf8Bytes;
use inventory::Feed as Picture;
use serde_json::json;
use tokio::sync::broadcast;

/// Batches that a socket may lag behind: event.from answers at most twenty times a second, so this is ten seconds. Who is
/// slower is disconnected and lists everything again, which is cheaper than what it missed.
const FRAMES: usize = 200;

/// What sockets listen to.
#[derive(Clone)]
pub(crate) struct Feed {
    frames: broadcast::Sender<Frame>,
}

/// One thing to tell.
#[derive(Clone, Debug)]
pub(crate) enum Frame {
    /// Messages for those who see everything; text that is shared, not copied.
    Everything(Arc<[Utf8Bytes]>),
    /// The feed itself lost its place: list again.
    Resync,
}

impl Feed {
    /// Starts the worker.
    pub(crate) fn start(app: &Arc<App>) -> Self {
        let frames = broadcast::Sender::new(FRAMES);
        let feed = Self { frames: frames.clone() };
        let mut picture = app.inventory.subscribe();
        let mut stop = app.workers.stop_signal();
        app.workers.spawn("feed", async move {
            loop {
                let change = tokio::select! {
                    change = picture.recv() => change,
                    () = stop.wait() => break,
                };
                let frame = match change {
                    // Nobody listens: nothing to write.
                    _ if frames.receiver_count() == 0 => continue,
                    Picture::Resync => Frame::Resync,
                    Picture::Changes(changes) => match messages(&changes) {
                        messages if messages.is_empty() => continue,
                        messages => Frame::Everything(messages.into()),
                    },
                };
                let _ = frames.send(frame);
            }
        });
        feed
    }

    /// Returns a receiver of everything from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Frame> {
        self.frames.subscribe()
    }
}

/// Returns the notifications of a batch, in Xen Orchestra's form: complete objects for what is there, ids for what is gone.
fn messages(changes: &model::Changes) -> Vec<Utf8Bytes> {
    let mut messages = Vec::with_capacity(2);
    if !changes.set.is_empty() {
        let items: BTreeMap<&str, &model::Object> =
            changes.set.iter().map(|object| (object.id().as_str(), &**object)).collect();
        if let Ok(items) = serde_json::to_string(&items) {
            let text = format!(r#"{{"jsonrpc":"2.0","method":"all","params":{{"type":"enter","items":{items}}}}}"#);
            messages.push(text.into());
        }
    }
    if !changes.removed.is_empty() {
        let items: BTreeMap<&str, u8> = changes.removed.iter().map(|(id, _)| (id.as_str(), 0)).collect();
        let text = json!({ "jsonrpc": "2.0", "method": "all", "params": { "type": "exit", "items": items } });
        messages.push(text.to_string().into());
    }
    messages
}

/// Returns the topic of a notice and its notification, as an administrator's page gets it.
pub(crate) fn notification(app: &Arc<App>, notice: &Notice) -> Option<(&'static str, Utf8Bytes)> {
    let ctx = app::Ctx::daemon(app);
    let (topic, params) = match notice {
        Notice::Server(id) => {
            let view = app::server::get(&ctx, id).ok()?;
            ("servers", json!({ "items": { id.as_str(): view } }))
        }
        Notice::ServerRemoved(id) => ("servers", json!({ "items": {}, "removed": [id] })),
        Notice::Plugin(id) => ("plugins", json!({ "ids": [id] })),
        Notice::UserChanged(_) | Notice::UserRemoved(_) | Notice::TokenRemoved(_) => return None,
    };
    let text = json!({ "jsonrpc": "2.0", "method": topic, "params": params });
    Some((topic, text.to_string().into()))
}

/// Returns the notification that the account of a socket was changed; what it is now, `session.getUser` says.
pub(crate) fn user_changed(id: &model::UserId) -> Utf8Bytes {
    json!({ "jsonrpc": "2.0", "method": "user", "params": { "id": id } }).to_string().into()
}
