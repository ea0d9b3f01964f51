//! Who writes the events: one worker for all clients, while there are any.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use access::VisibilityClass;
use app::task::{self, Change};
use app::{App, Notice};
use bytes::Bytes;
use inventory::{Feed as Picture, Snapshot, Subscription};
use model::{Caller, Changes};
use tokio::sync::broadcast::error::RecvError;

use super::client::{Client, Fields};
use super::event::{self, Kinds};
use super::{AWAY, Hub};
use crate::feed::Batch;

/// How often clients are looked at that have left or whose session has ended.
const TICK: Duration = Duration::from_secs(1);

/// Objects after which others on this thread have their turn: some milliseconds.
const TURN: usize = 500;

/// Clients that are told the same.
type Groups = HashMap<(VisibilityClass, String, Fields), Vec<Arc<Client>>>;

struct Worker {
    app: Arc<App>,
    hub: Hub,
    picture: Subscription,
}

/// Starts the worker. It ends when there are no clients any more.
pub(super) fn start(app: &Arc<App>, hub: &Hub) {
    let mut worker = Worker { app: app.clone(), hub: hub.clone(), picture: app.inventory.subscribe() };
    // Before the first client can ask for anything, so that nothing is missed.
    let (mut tasks, mut notices) = (app.task_changes(), app.notices());
    let mut stop = app.workers.stop_signal();
    app.workers.spawn("events", async move {
        let mut tick = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                change = worker.picture.recv() => match change {
                    Picture::Changes(changes) => drop(worker.catch_up(Some(changes)).await),
                    Picture::Resync => worker.end_if(|_| true),
                },
                change = tasks.recv() => match change {
                    Ok(change) => worker.task(&change),
                    Err(RecvError::Lagged(_)) => worker.end_if(|client| client.fields_of("task").is_some()),
                    Err(RecvError::Closed) => break,
                },
                notice = notices.recv() => match notice {
                    Ok(notice) => worker.notice(notice).await,
                    // What was missed may be that somebody must not hear any more.
                    Err(RecvError::Lagged(_)) => worker.end_if(|_| true),
                    Err(RecvError::Closed) => break,
                },
                _ = tick.tick() => if worker.tidy() {
                    break;
                },
                () = stop.wait() => break,
            }
        }
    });
}

impl Worker {
    fn clients(&self) -> Vec<Arc<Client>> {
        self.hub.0.lock().clients.values().cloned().collect()
    }

    /// Ends clients: they have to list again.
    fn end_if(&self, which: impl Fn(&Client) -> bool) {
        self.hub.0.lock().clients.retain(|_, client| {
            let ends = which(client);
            if ends {
                client.end();
            }
            !ends
        });
    }

    /// Ends those that have left long ago and those whose session has ended; returns whether none is left.
    fn tidy(&self) -> bool {
        let now = self.app.clock.now();
        self.end_if(|client| {
            let is_away = client.left().is_some_and(|left| now.saturating_sub(left) > AWAY);
            is_away || client.expiration.is_some_and(|at| at <= now)
        });
        let mut known = self.hub.0.lock();
        known.is_working = !known.clients.is_empty();
        !known.is_working
    }

    async fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::UserRemoved(id) => self.end_if(|client| client.user == id),
            Notice::TokenRemoved(id) => self.end_if(|client| client.token.as_ref() == Some(&id)),
            Notice::RightsChanged(users) => {
                // Up to this state of the picture the old rights count.
                let at = self.catch_up(None).await;
                for client in self.clients().into_iter().filter(|client| users.contains(&client.user)) {
                    self.shift(&client, &at).await;
                }
            }
            _ => {}
        }
    }

    /// Tells a client the difference between what it saw and what it sees.
    async fn shift(&self, client: &Arc<Client>, at: &Snapshot) {
        let Ok(Some(principal)) = self.app.principal(&client.user) else {
            return self.end_if(|other| other.user == client.user);
        };
        let to = access::visibility(&Caller::User(principal.clone()));
        let from = client.change(principal, to.clone());
        if from == to {
            return;
        }
        let subscriptions = client.subscriptions();
        for (count, object) in at.iter().enumerate() {
            if count % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
            for (collection, fields) in &subscriptions {
                if event::is_in(collection, object) {
                    let (saw, sees) = (from.sees(at, &**object), to.sees(at, &**object));
                    if saw != sees {
                        let (before, after) = (Some(&**object).filter(|_| saw), Some(&**object).filter(|_| sees));
                        let event = event::of_object(at, collection, fields, before, after);
                        client.push(event.as_slice());
                    }
                }
            }
        }
    }

    /// Tells what has changed up to now; returns the picture after it.
    async fn catch_up(&mut self, first: Option<Arc<Changes>>) -> Snapshot {
        let Some((at, rest)) = self.picture.catch_up() else {
            self.end_if(|_| true);
            return self.app.inventory.snapshot();
        };
        let changes: Vec<_> = first.into_iter().chain(rest).collect();
        let mut batch = Batch::of(&changes);
        let mut groups = Groups::new();
        for client in self.clients() {
            let class = client.class();
            if class.sees_nothing() {
                continue;
            }
            for (collection, fields) in client.subscriptions() {
                groups.entry((class.clone(), collection, fields)).or_default().push(client.clone());
            }
        }
        if batch.is_empty() || groups.is_empty() {
            return at;
        }
        if groups.keys().any(|(class, ..)| class.sees_some()) {
            batch.look(at.clone());
        }
        for ((class, collection, fields), clients) in groups {
            let mut events: Vec<Bytes> = Vec::new();
            for (count, (before, after)) in batch.states(&class).enumerate() {
                if count % TURN == TURN - 1 {
                    tokio::task::yield_now().await;
                }
                events.extend(event::of_object(
                    &at,
                    &collection,
                    &fields,
                    before.map(|object| &**object),
                    after.map(|object| &**object),
                ));
            }
            clients.iter().for_each(|client| client.push(&events));
        }
        at
    }

    fn task(&self, change: &Change) {
        for client in self.clients() {
            let Some(fields) = client.fields_of("task") else { continue };
            let caller = Caller::User(client.principal());
            let seen = |task: &Option<Arc<task::Task>>| task.clone().filter(|task| task::sees(&caller, task));
            let (kind, task) = match (seen(&change.before), seen(&change.after)) {
                (_, None) if change.after.is_some() => continue,
                (None, Some(task)) => (Kinds::Add, task),
                (Some(_), Some(task)) => (Kinds::Update, task),
                (Some(task), None) => (Kinds::Remove, task),
                (None, None) => continue,
            };
            client.push(&[event::of_record(kind, "task", &fields, task.view())]);
        }
    }
}
