//! The picture at one moment: immutable, cheap to take and to keep.

use std::sync::Arc;

use model::{Kind, Millis, Object, ObjectId, Revision, ServerId, Text};

use crate::index::{Groups, Id, Keyed, Ranked, Reference};

/// What is known of a server's pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerState {
    /// The server.
    pub server: ServerId,
    /// The pool whose objects it shows; none until the first load.
    pub pool: Option<ObjectId>,
    /// Since when the objects may be out of date; none while they are live, and before the first load.
    pub stale_since: Option<Millis>,
    /// Why, in words for a person.
    pub reason: Option<Text>,
}

impl ServerState {
    /// Returns whether the objects of the pool are there and up to date.
    pub fn is_live(&self) -> bool {
        self.pool.is_some() && self.stale_since.is_none()
    }

    /// Returns whether the objects of the pool are there but may be out of date.
    pub fn is_stale(&self) -> bool {
        self.pool.is_some() && self.stale_since.is_some()
    }
}

/// One state of the picture. Cloning shares it.
#[derive(Clone, Default)]
pub struct Snapshot(pub(crate) Arc<Picture>);

/// The persistent maps behind a snapshot; a clone shares all nodes and copies only those that change, so that neither a
/// snapshot nor a change costs more in a large fleet.
#[derive(Clone)]
pub(crate) struct Picture {
    pub(crate) revision: Revision,
    pub(crate) servers: Arc<[ServerState]>,
    by_id: Keyed<Id>,
    by_ref: Keyed<Reference>,
    /// By pool, in there by kind, in there by id: a change looks at no map that grows with the fleet but those of hashes.
    by_pool: Groups,
    by_container: Groups,
    /// By [`Kind::index`].
    counts: [u32; Kind::ALL.len()],
    /// Revision at which an object of the kind last changed, came or went; by [`Kind::index`].
    changed_at: [Revision; Kind::ALL.len()],
}

impl Default for Picture {
    fn default() -> Self {
        Self {
            revision: 0,
            servers: Arc::default(),
            by_id: Keyed::default(),
            by_ref: Keyed::default(),
            by_pool: Groups::default(),
            by_container: Groups::default(),
            counts: [0; Kind::ALL.len()],
            changed_at: [0; Kind::ALL.len()],
        }
    }
}

impl Picture {
    pub(crate) fn get(&self, id: &str) -> Option<&Arc<Object>> {
        self.by_id.get(id)
    }

    /// Returns all objects of a pool.
    pub(crate) fn in_pool(&self, pool: &ObjectId) -> impl Iterator<Item = &Arc<Object>> + use<'_> {
        self.by_pool.get(pool.as_str()).into_iter().flat_map(Ranked::iter)
    }

    /// Shows an object in place of its last state, which the caller has looked up.
    pub(crate) fn show(&mut self, before: Option<&Object>, object: &Arc<Object>) {
        if let Some(before) = before {
            let same_place = before.kind() == object.kind() && before.pool() == object.pool();
            if !same_place {
                self.by_pool.remove(before.pool(), before);
            }
            if let Some(container) = before.container()
                && !(same_place && object.container() == Some(container))
            {
                self.by_container.remove(container, before);
            }
            if before.reference() != object.reference() {
                self.drop_reference(before);
            }
            self.counts[before.kind().index()] -= 1;
            self.has_changed(before.kind());
        }
        self.counts[object.kind().index()] += 1;
        self.has_changed(object.kind());
        self.by_id.insert(object.clone());
        self.by_ref.insert(object.clone());
        self.by_pool.insert(object.pool(), object.clone());
        if let Some(container) = object.container() {
            self.by_container.insert(container, object.clone());
        }
    }

    /// Takes an object out.
    pub(crate) fn remove(&mut self, object: &Object) {
        self.by_id.remove(object.id().as_str());
        self.drop_reference(object);
        self.by_pool.remove(object.pool(), object);
        if let Some(container) = object.container() {
            self.by_container.remove(container, object);
        }
        self.counts[object.kind().index()] -= 1;
        self.has_changed(object.kind());
    }

    fn has_changed(&mut self, kind: Kind) {
        // The state in the making gets the next number when it is published.
        self.changed_at[kind.index()] = self.revision + 1;
    }

    /// References of two pools can be equal in theory: only our own entry goes.
    fn drop_reference(&mut self, object: &Object) {
        if self.by_ref.get(object.reference()).is_some_and(|held| held.id() == object.id()) {
            self.by_ref.remove(object.reference());
        }
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("revision", &self.revision()).finish_non_exhaustive()
    }
}

impl access::Graph for Snapshot {
    type Object = Object;

    fn object(&self, id: &str) -> Option<&Object> {
        self.get(id).map(|object| &**object)
    }
}

impl Snapshot {
    /// Returns the object with this public id.
    pub fn get(&self, id: &str) -> Option<&Arc<Object>> {
        self.0.get(id)
    }

    /// Returns the object with this opaque reference.
    pub fn by_ref(&self, reference: &str) -> Option<&Arc<Object>> {
        self.0.by_ref.get(reference)
    }

    /// Returns all objects: pool by pool, in there kind by kind, each ordered by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.0.by_pool.iter().flat_map(Ranked::iter)
    }

    /// Returns the objects of a kind: pool by pool, each ordered by id.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Arc<Object>> + use<'_> {
        self.0.by_pool.iter().flat_map(move |pool| pool.of_kind(kind, None))
    }

    /// Returns the objects that stand after this one in [`Snapshot::of_kind`], for listing in pages; none when the object
    /// is not in this snapshot.
    pub fn of_kind_after(&self, kind: Kind, after: &ObjectId) -> impl Iterator<Item = &Arc<Object>> + use<'_> {
        let object = self.get(after.as_str()).into_iter();
        object.flat_map(move |object| {
            let own = self.0.by_pool.get(object.pool().as_str());
            let rest = own.into_iter().flat_map(move |pool| pool.of_kind(kind, Some(object.id().as_str())));
            rest.chain(self.0.by_pool.behind(object.pool()).flat_map(move |pool| pool.of_kind(kind, None)))
        })
    }

    /// Returns all objects of a pool, kind by kind, each kind ordered by id.
    pub fn in_pool(&self, pool: &ObjectId) -> impl Iterator<Item = &Arc<Object>> + use<'_> {
        self.0.in_pool(pool)
    }

    /// Returns the objects of a kind in a pool, ordered by id.
    pub fn in_pool_of_kind(&self, pool: &ObjectId, kind: Kind) -> impl Iterator<Item = &Arc<Object>> + use<'_> {
        self.0.by_pool.get(pool.as_str()).into_iter().flat_map(move |members| members.of_kind(kind, None))
    }

    /// Returns the objects whose [`Object::container`] this is (a host or a pool), kind by kind, each ordered by id.
    pub fn in_container(&self, container: &ObjectId) -> impl Iterator<Item = &Arc<Object>> + use<'_> {
        self.0.by_container.get(container.as_str()).into_iter().flat_map(Ranked::iter)
    }

    /// Returns how many objects of a kind there are.
    pub fn count(&self, kind: Kind) -> usize {
        self.0.counts[kind.index()] as usize
    }

    /// Returns the revision at which an object of a kind last changed, came or went.
    pub fn changed_at(&self, kind: Kind) -> Revision {
        self.0.changed_at[kind.index()]
    }

    /// Returns how many objects there are.
    pub fn len(&self) -> usize {
        self.0.counts.iter().map(|&count| count as usize).sum()
    }

    /// Returns whether there are no objects at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of this state.
    pub fn revision(&self) -> Revision {
        self.0.revision
    }

    /// Returns what is known of each server that has a writer.
    pub fn servers(&self) -> &[ServerState] {
        &self.0.servers
    }

    /// Returns what is known of a server.
    pub fn server(&self, server: &ServerId) -> Option<&ServerState> {
        self.0.servers.iter().find(|state| &state.server == server)
    }

    /// Returns the pool that a server shows.
    pub fn pool_of(&self, server: &ServerId) -> Option<ObjectId> {
        self.server(server)?.pool.clone()
    }

    /// Returns the server that shows a pool.
    pub fn server_of(&self, pool: &str) -> Option<&ServerState> {
        self.0.servers.iter().find(|state| state.pool.as_ref().is_some_and(|id| id.as_str() == pool))
    }
}
