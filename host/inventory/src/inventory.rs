//! The one home of the picture: writers commit to it, readers take snapshots of it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arc_swap::ArcSwap;
use model::{Changes, Clock, Millis, Object, ObjectId, ServerId, SystemClock, Text};
use parking_lot::Mutex;
use tokio::sync::broadcast;

use crate::feed::FEED_QUEUE;
use crate::snapshot::Picture;
use crate::{Error, JsonCache, ServerState, Snapshot, Subscription, Writer};

/// The picture of all pools. Cloning shares it.
#[derive(Clone)]
pub struct Inventory(Arc<Shared>);

struct Shared {
    /// The latest picture. Only whoever holds `core` replaces it.
    picture: ArcSwap<Picture>,
    core: Mutex<Core>,
    feed: broadcast::Sender<Arc<Changes>>,
    clock: Arc<dyn Clock>,
    json: JsonCache,
}

#[derive(Default)]
struct Core {
    servers: BTreeMap<ServerId, Server>,
    tickets: u64,
    aside: Aside,
}

/// Objects whose id another pool shows already.
#[derive(Default)]
struct Aside {
    /// In the order they came.
    by_id: HashMap<ObjectId, Vec<Arc<Object>>>,
    by_pool: HashMap<ObjectId, BTreeSet<ObjectId>>,
}

struct Server {
    /// Only the writer with this ticket may write.
    ticket: u64,
    state: ServerState,
}

impl Default for Inventory {
    fn default() -> Self {
        Self::new()
    }
}

impl Inventory {
    /// Returns an empty picture.
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// Returns an empty picture that takes its time from `clock`.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        let (feed, _) = broadcast::channel(FEED_QUEUE);
        Self(Arc::new(Shared {
            picture: ArcSwap::default(),
            core: Mutex::default(),
            feed,
            clock,
            json: JsonCache::default(),
        }))
    }

    /// Returns the picture of this moment.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.0.picture.load_full())
    }

    /// Returns the kept JSON of the objects.
    pub fn json(&self) -> &JsonCache {
        &self.0.json
    }

    /// Returns a subscription to everything that changes from now on. Take the first state from
    /// [`Subscription::snapshot`]: what is in it is not delivered again.
    pub fn subscribe(&self) -> Subscription {
        Subscription { changes: self.0.feed.subscribe(), inventory: self.clone(), seen: 0 }
    }

    /// Returns what is known of each server that has a writer.
    pub fn servers(&self) -> Vec<ServerState> {
        self.snapshot().servers().to_vec()
    }

    /// Returns the writer of a server. An older writer of the same server can write nothing from now on; the objects
    /// it brought stay until the new one has loaded.
    pub fn writer(&self, server: ServerId) -> Writer {
        let mut core = self.0.core.lock();
        core.tickets += 1;
        let ticket = core.tickets;
        let known = core.servers.get(&server).map(|known| known.state.clone());
        let is_new = known.is_none();
        let state =
            known.unwrap_or(ServerState { server: server.clone(), pool: None, stale_since: None, reason: None });
        core.servers.insert(server.clone(), Server { ticket, state });
        if is_new {
            let mut edit = Edit::new(&self.0);
            edit.changes.servers = true;
            edit.publish(&core, &self.0);
        }
        drop(core);
        Writer::new(self.clone(), server, ticket)
    }

    /// Swaps a whole pool in: what the server showed before and is not in `objects` goes away.
    pub(crate) fn swap(
        &self,
        server: &ServerId,
        ticket: u64,
        pool: &ObjectId,
        objects: Vec<Arc<Object>>,
    ) -> Result<Vec<Arc<Object>>, Error> {
        let mut core = self.0.core.lock();
        let before = core.state(server, ticket)?.pool.clone();
        let other = core
            .servers
            .values()
            .find(|other| other.state.server != *server && other.state.pool.as_ref() == Some(pool));
        if let Some(other) = other {
            return Err(Error::PoolAlreadyConnected { pool: pool.clone(), by: other.state.server.clone() });
        }
        let mut edit = Edit::new(&self.0);
        if let Some(before) = &before {
            // The pool of a server can change: the host was installed anew. Then all of the old one goes.
            let keep: HashSet<&ObjectId> =
                if before == pool { objects.iter().map(|object| object.id()).collect() } else { Default::default() };
            for id in edit.ids_of(before, &core) {
                if !keep.contains(&id) {
                    edit.remove(&mut core, before, &id);
                }
            }
        }
        let shown = objects.into_iter().map(|object| edit.set(&mut core, object)).collect();
        let state = &mut core.servers.get_mut(server).expect("the ticket was checked").state;
        let live = ServerState { server: server.clone(), pool: Some(pool.clone()), stale_since: None, reason: None };
        edit.changes.servers |= *state != live;
        *state = live;
        edit.publish(&core, &self.0);
        Ok(shown)
    }

    /// Commits a batch of a live pool.
    pub(crate) fn commit(
        &self,
        server: &ServerId,
        ticket: u64,
        set: Vec<Arc<Object>>,
        removed: &[ObjectId],
    ) -> Result<Vec<Arc<Object>>, Error> {
        let mut core = self.0.core.lock();
        let Some(pool) = core.state(server, ticket)?.pool.clone() else {
            return Err(Error::NoPool { server: server.clone() });
        };
        let mut edit = Edit::new(&self.0);
        for id in removed {
            edit.remove(&mut core, &pool, id);
        }
        let shown = set.into_iter().map(|object| edit.set(&mut core, object)).collect();
        edit.publish(&core, &self.0);
        Ok(shown)
    }

    /// Notes that nothing is heard from the server any more. The first moment and the latest reason count.
    pub(crate) fn mark_stale(&self, server: &ServerId, ticket: u64, reason: &str) {
        let now: Millis = self.0.clock.now();
        let mut core = self.0.core.lock();
        if core.state(server, ticket).is_err() {
            return;
        }
        let state = &mut core.servers.get_mut(server).expect("the ticket was checked").state;
        let stale_since = state.pool.as_ref().map(|_| state.stale_since.unwrap_or(now));
        let reason: Option<Text> = Some(reason.into());
        if state.stale_since == stale_since && state.reason == reason {
            return;
        }
        (state.stale_since, state.reason) = (stale_since, reason);
        let mut edit = Edit::new(&self.0);
        edit.changes.servers = true;
        edit.publish(&core, &self.0);
    }

    /// Forgets a server and everything it showed.
    pub(crate) fn remove(&self, server: &ServerId, ticket: u64) {
        let mut core = self.0.core.lock();
        if core.state(server, ticket).is_err() {
            return;
        }
        let state = core.servers.remove(server).expect("the ticket was checked").state;
        let mut edit = Edit::new(&self.0);
        if let Some(pool) = &state.pool {
            for id in edit.ids_of(pool, &core) {
                edit.remove(&mut core, pool, &id);
            }
        }
        edit.changes.servers = true;
        edit.publish(&core, &self.0);
    }
}

impl Core {
    fn state(&self, server: &ServerId, ticket: u64) -> Result<&ServerState, Error> {
        match self.servers.get(server) {
            Some(known) if known.ticket == ticket => Ok(&known.state),
            _ => Err(Error::Superseded { server: server.clone() }),
        }
    }
}

/// A new picture in the making, with the list of what it changes.
struct Edit {
    picture: Picture,
    changes: Changes,
}

impl Edit {
    fn new(shared: &Shared) -> Self {
        Self { picture: Picture::clone(&shared.picture.load()), changes: Changes::default() }
    }

    /// Returns the ids of all objects of a pool, shown or kept aside.
    fn ids_of(&self, pool: &ObjectId, core: &Core) -> Vec<ObjectId> {
        let shown = self.picture.in_pool(pool).map(|object| object.id());
        shown.chain(core.aside.by_pool.get(pool).into_iter().flatten()).cloned().collect()
    }

    /// Shows an object, and returns the one that stands for it from now on: the old one when nothing is different.
    fn set(&mut self, core: &mut Core, object: Arc<Object>) -> Arc<Object> {
        let before = match self.picture.get(object.id().as_str()) {
            Some(shown) if shown.pool() != object.pool() => return core.aside.set(object),
            Some(shown) if *shown == object => return shown.clone(),
            before => before.cloned(),
        };
        self.show(before, object.clone());
        object
    }

    fn show(&mut self, before: Option<Arc<Object>>, object: Arc<Object>) {
        self.picture.show(before.as_deref(), &object);
        self.changes.set.push(object);
        self.changes.before.push(before);
    }

    /// Takes a pool's object away; one that was kept aside for this id takes its place.
    fn remove(&mut self, core: &mut Core, pool: &ObjectId, id: &ObjectId) {
        core.aside.remove(pool, id);
        let Some(before) = self.picture.get(id.as_str()).filter(|shown| shown.pool() == pool).cloned() else { return };
        if let Some(next) = core.aside.next(id) {
            self.show(Some(before), next);
            return;
        }
        self.picture.remove(&before);
        self.changes.removed.push((id.clone(), before.kind()));
        self.changes.last.push(before);
    }

    /// Makes this the picture and tells the subscribers, unless nothing changed.
    fn publish(mut self, core: &Core, shared: &Shared) {
        if self.changes.is_empty() {
            return;
        }
        self.picture.revision += 1;
        self.changes.revision = self.picture.revision;
        if self.changes.servers {
            self.picture.servers = core.servers.values().map(|server| server.state.clone()).collect();
        }
        // First the picture, then the news: who hears of a revision finds it in the snapshot.
        shared.picture.store(Arc::new(self.picture));
        // An error means that nobody listens.
        let _ = shared.feed.send(Arc::new(self.changes));
    }
}

impl Aside {
    fn set(&mut self, object: Arc<Object>) -> Arc<Object> {
        let held = self.by_id.entry(object.id().clone()).or_default();
        match held.iter_mut().find(|held| held.pool() == object.pool()) {
            Some(held) => *held = object.clone(),
            None => held.push(object.clone()),
        }
        self.by_pool.entry(object.pool().clone()).or_default().insert(object.id().clone());
        object
    }

    fn remove(&mut self, pool: &ObjectId, id: &ObjectId) {
        let Some(held) = self.by_id.get_mut(id) else { return };
        held.retain(|object| object.pool() != pool);
        self.forget(pool, id);
    }

    /// Returns the object that has waited longest for this id.
    fn next(&mut self, id: &ObjectId) -> Option<Arc<Object>> {
        let held = self.by_id.get_mut(id).filter(|held| !held.is_empty())?;
        let next = held.remove(0);
        self.forget(next.pool(), id);
        Some(next)
    }

    fn forget(&mut self, pool: &ObjectId, id: &ObjectId) {
        if self.by_id.get(id).is_some_and(Vec::is_empty) {
            self.by_id.remove(id);
        }
        if let Some(ids) = self.by_pool.get_mut(pool) {
            ids.remove(id);
            if ids.is_empty() {
                self.by_pool.remove(pool);
            }
        }
    }
}
