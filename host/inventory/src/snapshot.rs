//! The picture at one moment: immutable, cheap to take and to keep.

use std::sync::Arc;

use model::{Kind, Millis, Object, ObjectId, Revision, ServerId, Text};

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

/// The persistent maps behind a snapshot; a clone shares all nodes and copies only those that change.
#[derive(Clone)]
pub(crate) struct Picture {
    pub(crate) revision: Revision,
    pub(crate) by_id: imbl::HashMap<ObjectId, Arc<Object>>,
    pub(crate) by_ref: imbl::HashMap<Text, Arc<Object>>,
    /// By [`Kind::index`], ordered by id.
    pub(crate) by_kind: Vec<imbl::OrdMap<ObjectId, Arc<Object>>>,
    pub(crate) servers: Vec<ServerState>,
}

impl Default for Picture {
    fn default() -> Self {
        Self {
            revision: 0,
            by_id: imbl::HashMap::new(),
            by_ref: imbl::HashMap::new(),
            by_kind: vec![imbl::OrdMap::new(); Kind::ALL.len()],
            servers: Vec::new(),
        }
    }
}

impl Snapshot {
    /// Returns the object with this public id.
    pub fn get(&self, id: &str) -> Option<&Arc<Object>> {
        self.0.by_id.get(id)
    }

    /// Returns the object with this opaque reference.
    pub fn by_ref(&self, reference: &str) -> Option<&Arc<Object>> {
        self.0.by_ref.get(reference)
    }

    /// Returns all objects, kind by kind, each kind ordered by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.0.by_kind.iter().flat_map(imbl::OrdMap::values)
    }

    /// Returns the objects of a kind, ordered by id.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Arc<Object>> + use<'_> {
        self.0.by_kind[kind.index()].values()
    }

    /// Returns the objects of a kind after the given id, for listing in pages.
    pub fn of_kind_after<'a>(
        &'a self,
        kind: Kind,
        after: &ObjectId,
    ) -> impl Iterator<Item = &'a Arc<Object>> + use<'a> {
        let range = (std::ops::Bound::Excluded(after.clone()), std::ops::Bound::Unbounded);
        self.0.by_kind[kind.index()].range(range).map(|(_, object)| object)
    }

    /// Returns how many objects of a kind there are.
    pub fn count(&self, kind: Kind) -> usize {
        self.0.by_kind[kind.index()].len()
    }

    /// Returns how many objects there are.
    pub fn len(&self) -> usize {
        self.0.by_id.len()
    }

    /// Returns whether there are no objects at all.
    pub fn is_empty(&self) -> bool {
        self.0.by_id.is_empty()
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
