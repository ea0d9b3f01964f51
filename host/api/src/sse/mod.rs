//! Server-sent events: changes of collections, told to programs that read them line by line.
//!
//! ```text
//!   inventory::Subscription, tasks --> worker --> events, once for each class, collection and list of fields
//!                                                   --> every client's kept events --> its reader
//! ```
//! The worker runs while there are clients. A client outlives its connection by a minute, and what it was told is kept within
//! bounds: who comes back with the id of the last event it heard goes on behind it, with the same subscriptions.

mod client;
mod event;
mod worker;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use app::{App, Ctx};
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use model::Millis;
use parking_lot::Mutex;
use serde_json::{Value, json};
use wire::Failure;

use crate::session::Session;
use client::{Client, Fields, Place, Taken};

/// Clients at once, and of one account: each may hold eight megabytes.
const CLIENTS: usize = 200;
const OF_ONE: usize = 20;

/// How long a client may be away and still go on.
const AWAY: Millis = 60_000;

/// How often a connection shows that it is alive.
const PING: Duration = Duration::from_secs(30);

/// All clients.
#[derive(Clone, Default)]
pub(crate) struct Hub(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    clients: HashMap<String, Arc<Client>>,
    /// Whether the worker runs.
    is_working: bool,
}

impl Hub {
    /// Answers `GET /events`: a new client, or one that comes back.
    pub(crate) fn listen(&self, app: &Arc<App>, session: &Session, headers: &HeaderMap) -> Result<Response, Failure> {
        let back = headers.get("last-event-id").and_then(|value| value.to_str().ok());
        let found = back.and_then(|id| self.back(session, id));
        let (client, place, is_back) = match found {
            Some((client, place)) => (client, place, true),
            None => {
                let client = self.add(app, session)?;
                let place = client.attach(None).ok_or(Failure::InvalidCredentials)?;
                (client, place, false)
            }
        };
        let mut hello = json!({ "id": client.id });
        if is_back {
            hello["resumed"] = json!(true);
        }
        let hello = Bytes::from(format!("event: init\ndata: {hello}\n\n"));
        let reader = Reader { app: app.clone(), client, place };
        let body = futures::stream::unfold((Some(hello), reader), |(hello, mut reader)| async move {
            let bytes = match hello {
                Some(hello) => hello,
                None => reader.next().await?,
            };
            Some((Ok::<_, std::convert::Infallible>(bytes), (None, reader)))
        });
        let mut response = Body::from_stream(body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // Proxies that collect answers would keep events back.
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        Ok(response)
    }

    fn back(&self, session: &Session, last: &str) -> Option<(Arc<Client>, Place)> {
        let (id, number) = last.rsplit_once('.')?;
        let client = self.0.lock().clients.get(id).cloned()?;
        if session.user_id().as_ref() != Some(&client.user) {
            return None;
        }
        let place = client.attach(Some(number.parse().ok()?))?;
        Some((client, place))
    }

    fn add(&self, app: &Arc<App>, session: &Session) -> Result<Arc<Client>, Failure> {
        let ctx = session.ctx(app)?;
        let principal = ctx.caller.principal().cloned().ok_or(Failure::InvalidCredentials)?;
        let class = access::visibility(&ctx.caller);
        let id = uuid::Uuid::new_v4().to_string();
        let mut known = self.0.lock();
        let own = known.clients.values().filter(|client| client.user == principal.id).count();
        if known.clients.len() >= CLIENTS || own >= OF_ONE {
            return Err(Failure::Busy("too many event streams are open; close one".into()));
        }
        let client = Client::new(id.clone(), principal, class, session.token_id(), session.expiration());
        let client = Arc::new(client);
        known.clients.insert(id, client.clone());
        if !std::mem::replace(&mut known.is_working, true) {
            worker::start(app, self);
        }
        Ok(client)
    }

    /// Returns a client of the caller; others' are not there.
    fn of(&self, ctx: &Ctx, id: &str) -> Result<Arc<Client>, Failure> {
        let found = self.0.lock().clients.get(id).cloned();
        let own = |client: &Arc<Client>| ctx.caller.principal().is_some_and(|p| p.id == client.user);
        found.filter(own).filter(|client| !client.is_over()).ok_or_else(|| Failure::no_such(id, "event stream"))
    }

    /// Adds a subscription, or replaces its fields.
    pub(crate) fn subscribe(
        &self,
        ctx: &Ctx,
        id: &str,
        collection: &str,
        fields: Option<&Value>,
    ) -> Result<Value, Failure> {
        let fields: Fields = match fields {
            None | Some(Value::String(_)) => None,
            Some(list) => {
                Some(serde_json::from_value(list.clone()).map_err(|error| Failure::invalid(error.to_string()))?)
            }
        };
        self.of(ctx, id)?.subscribe(collection, fields);
        Ok(json!({ "id": collection }))
    }

    /// Ends a subscription.
    pub(crate) fn unsubscribe(&self, ctx: &Ctx, id: &str, collection: &str) -> Result<(), Failure> {
        if self.of(ctx, id)?.unsubscribe(collection) {
            Ok(())
        } else {
            Err(Failure::no_such(collection, "subscription"))
        }
    }
}

/// The connection of a client.
struct Reader {
    app: Arc<App>,
    client: Arc<Client>,
    place: Place,
}

impl Reader {
    /// Returns what goes out next; none when it is over.
    async fn next(&mut self) -> Option<Bytes> {
        let mut woken = self.client.woken();
        let mut stop = self.app.workers.stop_signal();
        loop {
            match self.client.take(&mut self.place) {
                Taken::Bytes(bytes) => return Some(bytes),
                Taken::Over => return None,
                Taken::Nothing => {}
            }
            tokio::select! {
                woken = woken.changed() => woken.ok()?,
                () = tokio::time::sleep(PING) => {
                    return Some(format!("event: ping\ndata: {{\"ping\":{}}}\n\n", self.app.clock.now()).into());
                }
                () = stop.wait() => return None,
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.client.detach(&self.place, self.app.clock.now());
    }
}
