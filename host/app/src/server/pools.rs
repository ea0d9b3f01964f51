//! What the daemon knows about its connections right now. Read by everyone, written by each server's own worker.

use std::collections::HashMap;

use inventory::Snapshot;
use model::{Millis, ObjectId, ServerId};
use parking_lot::RwLock;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};
use xapi::Connection;

use crate::error::Error;

/// How a server stands; words as in Xen Orchestra.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// No connection is wanted, or somebody has to change something first.
    #[default]
    Disconnected,
    /// On the way, or trying again.
    Connecting,
    /// The picture is live.
    Connected,
}

/// What went wrong last.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Trouble {
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// When, in milliseconds since the Unix epoch.
    pub time: Millis,
    /// When the next try begins, in milliseconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt: Option<Millis>,
    /// The certificate that was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The one that was expected instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_fingerprint: Option<String>,
    /// What the public API would answer for it.
    #[serde(skip)]
    pub failure: Option<wire::Failure>,
}

/// One connection, as its worker last described it.
#[derive(Default)]
pub(super) struct Live {
    pub status: Status,
    pub trouble: Option<Trouble>,
    pub pool: Option<ObjectId>,
    /// Since when the picture of the pool is not live any more.
    pub stale_since: Option<Millis>,
    pub connection: Option<Connection>,
}

/// A running worker, as seen from outside.
pub(super) struct Handle {
    pub live: Live,
    /// Ends the worker.
    pub stop: Option<oneshot::Sender<Stop>>,
    /// Counts changes of `live`, for those who wait for one.
    pub changed: watch::Sender<u64>,
}

/// Asks a worker to end.
pub(super) struct Stop {
    /// Whether its objects stay, stale, because another worker follows.
    pub keep: bool,
    /// Told when it has ended.
    pub done: oneshot::Sender<()>,
}

/// All connections.
#[derive(Default)]
pub struct Pools(pub(super) RwLock<HashMap<ServerId, Handle>>);

impl Pools {
    /// Returns how a server stands.
    pub fn status(&self, id: &ServerId) -> Status {
        self.0.read().get(id).map_or(Status::Disconnected, |handle| handle.live.status)
    }

    /// Returns the certificate that was refused last, and the one that was expected instead.
    pub(super) fn refused(&self, id: &ServerId) -> Option<(String, String)> {
        let handles = self.0.read();
        let trouble = handles.get(id)?.live.trouble.as_ref()?;
        trouble.fingerprint.clone().zip(trouble.expected_fingerprint.clone())
    }

    /// Returns the server by which a pool is reached.
    pub(super) fn entry(&self, pool: &ObjectId) -> Option<ServerId> {
        let handles = self.0.read();
        handles.iter().find(|(_, handle)| handle.live.pool.as_ref() == Some(pool)).map(|(id, _)| id.clone())
    }

    /// Returns the live connection to a pool.
    pub(super) fn connection(&self, pool: &ObjectId) -> Option<Connection> {
        let handles = self.0.read();
        let live = handles.values().map(|handle| &handle.live);
        live.filter(|live| live.pool.as_ref() == Some(pool)).find_map(|live| live.connection.clone())
    }

    /// Changes what is known about a connection, and returns whether its worker is still the one that is wanted.
    pub(super) fn update(&self, id: &ServerId, change: impl FnOnce(&mut Live)) {
        let mut handles = self.0.write();
        if let Some(handle) = handles.get_mut(id) {
            change(&mut handle.live);
            handle.changed.send_modify(|count| *count += 1);
        }
        for status in [Status::Connected, Status::Connecting, Status::Disconnected] {
            let count = handles.values().filter(|handle| handle.live.status == status).count();
            let state = match status {
                Status::Connected => "connected",
                Status::Connecting => "connecting",
                Status::Disconnected => "disconnected",
            };
            metrics::gauge!("xylem_pools", "state" => state).set(count as f64);
        }
    }

    /// Remembers that a server could not even be tried (its password cannot be unsealed, say).
    pub(super) fn failed_to_start(&self, id: &ServerId, error: &Error, now: Millis) {
        let trouble = Trouble {
            message: error.to_string(),
            code: None,
            time: now,
            next_attempt: None,
            fingerprint: None,
            expected_fingerprint: None,
            failure: Some(error.failure.clone()),
        };
        let live = Live { trouble: Some(trouble), ..Live::default() };
        let handle = Handle { live, stop: None, changed: watch::Sender::new(0) };
        self.0.write().insert(id.clone(), handle);
    }

    /// Adds to a server's view what the connection knows.
    pub(super) fn describe(&self, id: &ServerId, snapshot: &Snapshot, view: &mut Value) {
        let handles = self.0.read();
        let Some(Handle { live, .. }) = handles.get(id) else { return };
        view["status"] = json!(live.status);
        view["stale"] = json!(live.stale_since.is_some());
        if let Some(since) = live.stale_since {
            view["staleSince"] = json!(since);
        }
        if let Some(trouble) = &live.trouble {
            view["error"] = json!(trouble);
        }
        if let Some(connection) = &live.connection {
            view["member"] = json!(connection.member());
            if let Some(seen) = connection.peer_fingerprint() {
                view["seenFingerprint"] = json!(seen);
            }
        }
        let Some(pool) = &live.pool else { return };
        view["poolId"] = json!(pool);
        let Some(object) = snapshot.get(pool.as_str()) else { return };
        let object = json!(**object);
        for (name, field) in
            [("poolNameLabel", "name_label"), ("poolNameDescription", "name_description"), ("master", "master")]
        {
            if let Some(value) = object.get(field) {
                view[name] = value.clone();
            }
        }
    }
}
