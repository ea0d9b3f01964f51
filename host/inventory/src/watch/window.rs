//! The part of a list that somebody looks at.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use model::ObjectId;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer as _};
use serde_json::value::RawValue;

use super::Scope;
use super::order::{Entry, Order};
use super::path::Path;
use crate::Snapshot;

/// Which part, and what is shown of each object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowSpec {
    /// Place of the first object.
    pub start: usize,
    /// How many, if there are so many.
    pub count: usize,
    /// What is shown beside id and type.
    pub fields: Vec<Path>,
}

/// A window and what it showed last.
pub struct Window {
    spec: WindowSpec,
    total: usize,
    ids: Vec<ObjectId>,
    rows: HashMap<ObjectId, Row>,
    /// The version of the order that `ids` are of.
    version: u64,
}

struct Row {
    json: Arc<RawValue>,
    /// Objects that values come from.
    joins: Vec<ObjectId>,
}

/// What is different from what was shown before. Its JSON has `total`, `start`, and if they are different `ids` (the whole
/// window) and `set` (rows by id: `{id, type, <path>: value}`, without what has no value).
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    /// How many objects match.
    pub total: usize,
    /// Place of the first object of the window.
    pub start: usize,
    /// The objects of the window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<ObjectId>>,
    /// Rows that are new in the window, or different.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<ObjectId, Arc<RawValue>>,
}

impl Window {
    /// Opens a window; what it shows first comes from [`Window::whole`].
    pub fn new(order: &Order, snapshot: &Snapshot, spec: WindowSpec) -> Self {
        let mut window = Self { spec, total: 0, ids: Vec::new(), rows: HashMap::new(), version: 0 };
        window.look(order, snapshot, |_| true);
        window
    }

    /// Looks again after the order went on; returns what is different, if anything is. `touched` are the objects that
    /// changed since this window looked last, or none if that is not known.
    pub fn update(
        &mut self,
        order: &Order,
        snapshot: &Snapshot,
        touched: Option<&HashSet<ObjectId>>,
    ) -> Option<Change> {
        let total = self.total;
        let (ids, set) = self.look(order, snapshot, |id| touched.is_none_or(|touched| touched.contains(id)));
        let is_same = total == self.total && ids.is_none() && set.is_empty();
        (!is_same).then_some(Change { total: self.total, start: self.spec.start, ids, set })
    }

    /// Returns everything that is shown.
    pub fn whole(&self) -> Change {
        let set = self.rows.iter().map(|(id, row)| (id.clone(), row.json.clone())).collect();
        Change { total: self.total, start: self.spec.start, ids: Some(self.ids.clone()), set }
    }

    fn look(
        &mut self,
        order: &Order,
        snapshot: &Snapshot,
        touched: impl Fn(&ObjectId) -> bool,
    ) -> (Option<Vec<ObjectId>>, BTreeMap<ObjectId, Arc<RawValue>>) {
        self.total = order.total();
        let mut new_ids = None;
        if self.version != order.version() {
            self.version = order.version();
            let entries = order.range(self.spec.start, self.spec.count);
            let ids: Vec<_> = entries.map(|entry| entry.object.id().clone()).collect();
            if ids != self.ids {
                let kept: HashSet<_> = ids.iter().collect();
                self.rows.retain(|id, _| kept.contains(id));
                self.ids.clone_from(&ids);
                new_ids = Some(ids);
            }
        }
        let mut set = BTreeMap::new();
        for id in &self.ids {
            let shown = self.rows.get(id);
            if shown.is_some_and(|row| !touched(id) && !row.joins.iter().any(&touched)) {
                continue;
            }
            let Some(entry) = order.member(id) else { continue };
            let row = self.spec.row(&order.scope(snapshot), entry);
            if shown.is_none_or(|shown| shown.json.get() != row.json.get()) {
                set.insert(id.clone(), row.json.clone());
            }
            self.rows.insert(id.clone(), row);
        }
        (new_ids, set)
    }
}

impl WindowSpec {
    fn row(&self, scope: &Scope<'_>, entry: &Entry) -> Row {
        let mut joins = Vec::new();
        let mut json = Vec::with_capacity(256);
        let object = &entry.object;
        let mut write = || {
            let mut serializer = serde_json::Serializer::new(&mut json);
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry("id", object.id())?;
            map.serialize_entry("type", &object.kind())?;
            for path in self.fields.iter().filter(|path| !matches!(path.as_str(), "id" | "type")) {
                if let Some(value) = path.value(object, scope, &mut joins) {
                    map.serialize_entry(path.as_str(), &value)?;
                }
            }
            map.end()
        };
        write().expect("values are JSON, and memory takes all");
        let json = String::from_utf8(json).expect("JSON is UTF-8");
        Row { json: RawValue::from_string(json).expect("we have just written this JSON").into(), joins }
    }
}
