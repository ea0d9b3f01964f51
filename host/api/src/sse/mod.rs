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
use model::{Millis, UserId};
use parking_lot::Mutex;
use serde_json::{Value, json};
use wire::Failure;

use crate::session::Session;
use client::{Client, Fields, Place, Taken};

/// Clients at once, and of one account: each may hold eight megabytes. Those that are away make room for new ones.
const CLIENTS: usize = 100;
const OF_ONE: usize = 20;

/// Properties that a subscription may name, and the length of their names together: objects have some sixty.
const NAMES: usize = 200;
const LETTERS: usize = 10_000;

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

impl Known {
    /// Sees to it that one more fits: who has been away the longest goes, and where nobody is away it is too much.
    fn make_room(&mut self, user: &UserId) -> Result<(), Failure> {
        let count =
            |known: &Self, own: bool| known.clients.values().filter(|client| !own || client.user == *user).count();
        for (own, most) in [(true, OF_ONE), (false, CLIENTS)] {
            if count(self, own) < most {
                continue;
            }
            let among = self.clients.values().filter(|client| !own || client.user == *user);
            let away = among.filter_map(|client| Some((client.left()?, client.clone())));
            let Some((_, longest)) = away.min_by_key(|(left, _)| *left) else {
                return Err(Failure::Busy("too many event streams are open; close one".into()));
            };
            longest.end();
            self.clients.remove(&longest.id);
        }
        Ok(())
    }
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
        let sight = || -> Result<_, Failure> {
            let ctx = session.ctx(app)?;
            let principal = ctx.caller.principal().cloned().ok_or(Failure::InvalidCredentials)?;
            Ok((principal, access::visibility(&ctx.caller)))
        };
        let (principal, class) = sight()?;
        let id = uuid::Uuid::new_v4().to_string();
        let client = Client::new(id.clone(), principal, class, session.token_id(), session.expiration());
        let client = Arc::new(client);
        let mut known = self.0.lock();
        known.make_room(&client.user)?;
        known.clients.insert(id, client.clone());
        if !std::mem::replace(&mut known.is_working, true) {
            worker::start(app, self);
        }
        drop(known);
        // From here on the worker hears what becomes of the account; what happened in between counts too.
        let now = sight();
        if now.is_err() {
            self.0.lock().clients.remove(&client.id);
        }
        let (principal, class) = now?;
        client.change(principal, class);
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
                let names: Vec<String> =
                    serde_json::from_value(list.clone()).map_err(|error| Failure::invalid(error.to_string()))?;
                if names.len() > NAMES || names.iter().map(String::len).sum::<usize>() > LETTERS {
                    return Err(Failure::invalid("too many fields; ask for fewer, or for all of them with \"*\""));
                }
                Some(names)
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
