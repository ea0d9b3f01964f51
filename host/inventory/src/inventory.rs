//! The one home of the picture: writers commit to it, readers take snapshots of it.
//!
//! The picture lives with the writers, who change it in place. A snapshot is made when somebody asks for one, by sharing
//! all nodes of the maps; from then on a change copies the nodes on its way. So a storm of changes that nobody looks at
//! costs no copies, and a look costs the same whatever the size of the fleet.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwapOption;
use model::{Changes, Clock, Millis, Object, ObjectId, Revision, ServerId, SystemClock, Text};
use parking_lot::Mutex;
use tokio::sync::broadcast;

use crate::feed::FEED_QUEUE;
use crate::snapshot::Picture;
use crate::{Error, JsonCache, Pages, ServerState, Snapshot, Subscription, Writer};

/// The picture of all pools. Cloning shares it.
#[derive(Clone)]
pub struct Inventory(Arc<Shared>);

struct Shared {
    /// What readers have been shown of the present state; none when it has changed since, or nobody has asked. Only
    /// whoever holds `core` replaces it.
    shown: ArcSwapOption<Picture>,
    core: Mutex<Core>,
    feed: broadcast::Sender<Arc<Changes>>,
    clock: Arc<dyn Clock>,
    json: JsonCache,
    pages: Pages,
}

#[derive(Default)]
struct Core {
    picture: Picture,
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
            shown: ArcSwapOption::empty(),
            core: Mutex::default(),
            feed,
            clock,
            json: JsonCache::default(),
            pages: Pages::default(),
        }))
    }

    /// Returns the picture of this moment.
    pub fn snapshot(&self) -> Snapshot {
        if let Some(shown) = self.0.shown.load_full() {
            return Snapshot(shown);
        }
        let core = self.0.core.lock();
        // Somebody else may have asked meanwhile.
        Snapshot(self.0.shown.load_full().unwrap_or_else(|| self.0.show(&core)))
    }

    /// Returns the kept pages of listings.
    pub fn pages(&self) -> &Pages {
        &self.0.pages
    }

    /// Returns the kept JSON of the objects.
    pub fn json(&self) -> &JsonCache {
        &self.0.json
    }

    /// Returns a subscription to everything that changes from now on. Take the first state from
    /// [`Subscription::snapshot`]: what is in it is not delivered again.
    pub fn subscribe(&self) -> Subscription {
        let (changes, received) = self.listen();
        Subscription { changes, inventory: self.clone(), seen: 0, received }
    }

    /// Returns the changes from now on, and the revision that they follow.
    pub(crate) fn listen(&self) -> (broadcast::Receiver<Arc<Changes>>, Revision) {
        let core = self.0.core.lock();
        (self.0.feed.subscribe(), core.picture.revision)
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
            let mut edit = Edit::new(&self.0, &mut core, 0);
            edit.changes.servers = true;
            edit.publish();
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
        let mut edit = Edit::new(&self.0, &mut core, objects.len());
        if let Some(before) = &before {
            // The pool of a server can change: the host was installed anew. Then all of the old one goes.
            let keep: HashSet<&ObjectId> =
                if before == pool { objects.iter().map(|object| object.id()).collect() } else { Default::default() };
            for id in edit.ids_of(before) {
                if !keep.contains(&id) {
                    edit.remove(before, &id);
                }
            }
        }
        let shown = objects.into_iter().map(|object| edit.set(object)).collect();
        let state = &mut edit.core.servers.get_mut(server).expect("the ticket was checked").state;
        let live = ServerState { server: server.clone(), pool: Some(pool.clone()), stale_since: None, reason: None };
        edit.changes.servers |= *state != live;
        *state = live;
        edit.publish();
        Ok(shown)
    }

    /// Commits a batch of a live pool.
    pub(crate) fn commit(
        &self,
        server: &ServerId,
        ticket: u64,
        set: Vec<Arc<Object>>,
        removed: &[ObjectId],
        arrived: Option<Instant>,
    ) -> Result<Vec<Arc<Object>>, Error> {
        let mut core = self.0.core.lock();
        let Some(pool) = core.state(server, ticket)?.pool.clone() else {
            return Err(Error::NoPool { server: server.clone() });
        };
        let mut edit = Edit::new(&self.0, &mut core, set.len() + removed.len());
        edit.changes.arrived = arrived;
        for id in removed {
            edit.remove(&pool, id);
        }
        let shown = set.into_iter().map(|object| edit.set(object)).collect();
        edit.publish();
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
        let mut edit = Edit::new(&self.0, &mut core, 0);
        edit.changes.servers = true;
        edit.publish();
    }

    /// Forgets a server and everything it showed.
    pub(crate) fn remove(&self, server: &ServerId, ticket: u64) {
        let mut core = self.0.core.lock();
        if core.state(server, ticket).is_err() {
            return;
        }
        let state = core.servers.remove(server).expect("the ticket was checked").state;
        let mut edit = Edit::new(&self.0, &mut core, MANY);
        if let Some(pool) = &state.pool {
            for id in edit.ids_of(pool) {
                edit.remove(pool, &id);
            }
        }
        edit.changes.servers = true;
        edit.publish();
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

impl Shared {
    /// Shows the present state to all readers from now on.
    fn show(&self, core: &Core) -> Arc<Picture> {
        let picture = Arc::new(core.picture.clone());
        self.shown.store(Some(picture.clone()));
        picture
    }
}

/// From this many objects on, readers who have the state before keep it, instead of waiting until all are in: a thousand
/// take some milliseconds, and a small call has no more time than that.
const MANY: usize = 256;

/// A change in the making, with the list of what it changes.
struct Edit<'a> {
    shared: &'a Shared,
    core: &'a mut Core,
    changes: Changes,
    /// Whether readers keep the state before until this is published. Then it costs copies.
    keeps_shown: bool,
}

impl<'a> Edit<'a> {
    /// Begins a change of about `size` objects.
    fn new(shared: &'a Shared, core: &'a mut Core, size: usize) -> Self {
        Self { shared, core, changes: Changes::default(), keeps_shown: size >= MANY }
    }

    /// Returns the ids of all objects of a pool, shown or kept aside.
    fn ids_of(&self, pool: &ObjectId) -> Vec<ObjectId> {
        let shown = self.core.picture.in_pool(pool).map(|object| object.id());
        shown.chain(self.core.aside.by_pool.get(pool).into_iter().flatten()).cloned().collect()
    }

    /// Returns the picture, to change it. Unless readers keep the state before, it has no other holder than those who took a
    /// snapshot and still have it.
    fn picture(&mut self) -> &mut Picture {
        if !self.keeps_shown && self.changes.is_empty() {
            self.shared.shown.store(None);
        }
        &mut self.core.picture
    }

    /// Shows an object, and returns the one that stands for it from now on: the old one when nothing is different.
    fn set(&mut self, object: Arc<Object>) -> Arc<Object> {
        let before = match self.core.picture.get(object.id().as_str()) {
            Some(shown) if shown.pool() != object.pool() => return self.core.aside.set(object),
            Some(shown) if *shown == object => return shown.clone(),
            before => before.cloned(),
        };
        self.show(before, object.clone());
        object
    }

    fn show(&mut self, before: Option<Arc<Object>>, object: Arc<Object>) {
        self.picture().show(before.as_deref(), &object);
        self.changes.set.push(object);
        self.changes.before.push(before);
    }

    /// Takes a pool's object away; one that was kept aside for this id takes its place.
    fn remove(&mut self, pool: &ObjectId, id: &ObjectId) {
        self.core.aside.remove(pool, id);
        let before = self.core.picture.get(id.as_str()).filter(|shown| shown.pool() == pool).cloned();
        let Some(before) = before else { return };
        if let Some(next) = self.core.aside.next(id) {
            self.show(Some(before), next);
            return;
        }
        self.picture().remove(&before);
        self.changes.removed.push((id.clone(), before.kind()));
        self.changes.last.push(before);
    }

    /// Makes this the state that readers get, and tells the subscribers, unless nothing changed.
    fn publish(self) {
        let Self { shared, core, mut changes, .. } = self;
        if changes.is_empty() {
            return;
        }
        core.picture.revision += 1;
        changes.revision = core.picture.revision;
        if changes.servers {
            core.picture.servers = core.servers.values().map(|server| server.state.clone()).collect();
        }
        // First the picture, then the news: who hears of a revision finds it in the snapshot.
        shared.shown.store(None);
        // An error means that nobody listens.
        let _ = shared.feed.send(Arc::new(changes));
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
