//! The database: tables of records with the generations that event.from works by, and relations kept at both ends.
//!
//! Invariant: every change of a record takes a new generation; `changes` has exactly one entry per live row (its latest
//! change), so "what happened since" is a range and not a scan.

mod disks;
mod relations;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use relations::targets;

use crate::{
    content::Content,
    model::{Class, NULL, Record, model},
    record::Base,
    release::Release,
};

/// A fresh database starts here, as if the pool had lived before.
const FIRST_GENERATION: u64 = 1000;
/// Deletions remembered. A long bench makes and forgets a task with every call; no client stays this far behind.
const DELETIONS: usize = 100_000;

/// One object.
#[derive(Debug)]
pub struct Row {
    pub record: Arc<Record>,
    pub created: u64,
    pub modified: u64,
}

#[derive(Debug, Default)]
struct Table {
    rows: BTreeMap<Arc<str>, Row>,
    by_uuid: HashMap<String, Arc<str>>,
}

/// An object that is gone.
#[derive(Debug)]
pub struct Deleted {
    pub class: &'static Class,
    pub reference: Arc<str>,
    pub created: u64,
}

/// What one object has been through since a generation.
#[derive(Debug)]
pub enum Change {
    Add(Arc<Record>),
    Mod(Arc<Record>),
    Del,
}

/// All tables.
#[derive(Debug)]
pub struct Db {
    tables: BTreeMap<&'static str, Table>,
    changes: BTreeMap<u64, (&'static Class, Arc<str>)>,
    deleted: BTreeMap<u64, Deleted>,
    generation: u64,
    message_generation: u64,
    session_generation: u64,
    /// The highest domain number given out; `None` until somebody asked.
    last_domid: Option<i64>,
    rng: StdRng,
    release: Release,
    bases: HashMap<&'static str, Arc<Base>>,
    /// Objects that point at a reference that is not there (any more): it may come. Some may have moved on since.
    dangling: HashMap<String, Vec<(&'static str, Arc<str>)>>,
    /// What is on the disks that were written or copied.
    contents: HashMap<String, Content>,
    /// The generation at the end of loading.
    loaded: u64,
}

impl Db {
    /// Returns an empty database whose uuids follow from the seed; fields that are newer than the release are hidden.
    pub fn new(seed: u64, release: Release) -> Self {
        Self {
            tables: BTreeMap::new(),
            changes: BTreeMap::new(),
            deleted: BTreeMap::new(),
            generation: FIRST_GENERATION,
            message_generation: 0,
            session_generation: 0,
            last_domid: None,
            rng: StdRng::seed_from_u64(seed),
            release,
            bases: HashMap::new(),
            dangling: HashMap::new(),
            contents: HashMap::new(),
            loaded: 0,
        }
    }

    // --- reading

    /// Generation of the latest change.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Generation of the latest change of a message, 0 when there was none.
    pub fn message_generation(&self) -> u64 {
        self.message_generation
    }

    /// Generation of the latest change of a session.
    pub fn session_generation(&self) -> u64 {
        self.session_generation
    }

    /// Which host this is.
    pub fn release(&self) -> Release {
        self.release
    }

    /// Returns the record.
    pub fn get(&self, class: &str, reference: &str) -> Option<&Arc<Record>> {
        self.tables.get(class)?.rows.get(reference).map(|row| &row.record)
    }

    /// Returns the reference of the pool.
    pub fn pool(&self) -> &str {
        self.rows("pool").next().map_or(NULL, |(r, _)| r)
    }

    /// Returns the reference of the master.
    pub fn master(&self) -> &str {
        self.text("pool", self.pool(), "master")
    }

    /// Returns the rows in the order of their references.
    pub fn rows(&self, class: &str) -> impl Iterator<Item = (&Arc<str>, &Arc<Record>)> {
        self.tables.get(class).into_iter().flat_map(|t| t.rows.iter().map(|(r, row)| (r, &row.record)))
    }

    /// Returns the rows with the generations of their making and of their latest change.
    pub fn rows_with_times(&self, class: &str) -> impl Iterator<Item = (&Arc<str>, u64, u64, &Record)> {
        let rows = self.tables.get(class).into_iter().flat_map(|t| t.rows.iter());
        rows.map(|(reference, row)| (reference, row.created, row.modified, &*row.record))
    }

    /// Returns how many rows the class has.
    pub fn count(&self, class: &str) -> usize {
        self.tables.get(class).map_or(0, |t| t.rows.len())
    }

    /// Returns the reference of the row with this uuid.
    pub fn by_uuid(&self, class: &str, uuid: &str) -> Option<Arc<str>> {
        self.tables.get(class)?.by_uuid.get(uuid).cloned()
    }

    /// Returns the field, `Null` when there is no such object or field.
    pub fn field(&self, class: &str, reference: &str, field: &str) -> &Value {
        self.get(class, reference).and_then(|r| r.get(field)).unwrap_or(&Value::Null)
    }

    /// Returns a field as text, "" when it is none.
    pub fn text(&self, class: &str, reference: &str, field: &str) -> &str {
        self.field(class, reference, field).as_str().unwrap_or_default()
    }

    /// Returns a field as a number, 0 when it is none.
    pub fn int(&self, class: &str, reference: &str, field: &str) -> i64 {
        self.field(class, reference, field).as_i64().unwrap_or_default()
    }

    /// Returns a field as a truth, false when it is none.
    pub fn flag(&self, class: &str, reference: &str, field: &str) -> bool {
        self.field(class, reference, field).as_bool().unwrap_or_default()
    }

    /// Returns the strings of a set field.
    pub fn list(&self, class: &str, reference: &str, field: &str) -> Vec<String> {
        let items = self.field(class, reference, field).as_array();
        items.into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
    }

    /// Calls back with what changed after `since`, oldest change first, at most once per object.
    pub fn since(&self, since: u64, mut see: impl FnMut(u64, &'static Class, &Arc<str>, Change)) {
        for (generation, (class, reference)) in self.changes.range(since.saturating_add(1)..) {
            let row = &self.tables[class.name.as_str()].rows[reference];
            let record = row.record.clone();
            see(
                *generation,
                class,
                reference,
                if row.created > since { Change::Add(record) } else { Change::Mod(record) },
            );
        }
        for (generation, gone) in self.deleted.range(since.saturating_add(1)..) {
            // Created and deleted in between: nobody needs to hear of it.
            if gone.created <= since {
                see(*generation, gone.class, &gone.reference, Change::Del);
            }
        }
    }

    // --- writing

    /// Everything is loaded: what comes from here on is new.
    pub fn seal(&mut self) {
        self.loaded = self.generation;
    }

    /// Returns a fresh uuid.
    pub fn uuid(&mut self) -> String {
        let mut bytes: [u8; 16] = self.rng.random();
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        uuid::Uuid::from_bytes(bytes).to_string()
    }

    /// Returns a fresh reference.
    pub fn reference(&mut self) -> String {
        format!("OpaqueRef:{}", self.uuid())
    }

    /// Returns a random byte string, for MAC addresses.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        self.rng.random()
    }

    /// Returns a domain number that was never used: they only grow.
    pub fn domid(&mut self) -> i64 {
        let used = || self.rows("VM").filter_map(|(_, vm)| vm["domid"].as_i64()).max().unwrap_or(0);
        let next = self.last_domid.unwrap_or_else(used).max(0) + 1;
        self.last_domid = Some(next);
        next
    }

    /// Returns a base for many records of a class: the class's defaults and these fields.
    pub fn base_of(&self, class: &str, fields: serde_json::Map<String, Value>) -> Arc<Base> {
        let class = model().class(class).expect("callers name known classes");
        Base::new(class, |field| self.release.knows(field.since), fields)
    }

    fn next(&mut self, class: &Class) -> u64 {
        self.generation += 1;
        if class.name == "message" {
            self.message_generation = self.generation;
        }
        if class.name == "session" {
            self.session_generation = self.generation;
        }
        self.generation
    }

    /// Adds an object under a fresh reference; missing fields take their defaults.
    pub fn insert(&mut self, class: &str, fields: impl Into<Record>) -> String {
        let reference = self.reference();
        self.insert_as(class, &reference, fields);
        reference
    }

    /// Adds an object under this reference.
    pub fn insert_as(&mut self, class: &str, reference: &str, fields: impl Into<Record>) {
        let key = self.put(class, reference, fields);
        let class = model().class(class).expect("callers name known classes");
        self.welcome(class, &key);
        for (field, to) in model().mirrors(&class.name) {
            for target in targets(self.field(&class.name, &key, field)) {
                self.link(&class.name, to.class, &target, to.field, &key);
            }
        }
    }

    /// Puts a row without looking at relations: for loading, where `relate` follows.
    pub fn put(&mut self, class: &str, reference: &str, fields: impl Into<Record>) -> Arc<str> {
        let class = model().class(class).expect("callers name known classes");
        let mut fields = fields.into();
        if !self.bases.contains_key(class.name.as_str()) {
            let base = self.base_of(&class.name, serde_json::Map::new());
            self.bases.insert(&class.name, base);
        }
        fields.complete(&self.bases[class.name.as_str()]);
        if class.fields.contains_key("uuid") && fields["uuid"].as_str().is_none_or(str::is_empty) {
            let uuid = self.uuid();
            fields.insert("uuid", json!(uuid));
        }
        let key: Arc<str> = reference.into();
        let generation = self.next(class);
        let table = self.tables.entry(&class.name).or_default();
        if let Some(uuid) = fields.get("uuid").and_then(Value::as_str) {
            table.by_uuid.insert(uuid.to_owned(), key.clone());
        }
        let row = Row { record: Arc::new(fields), created: generation, modified: generation };
        if let Some(old) = table.rows.insert(key.clone(), row) {
            self.changes.remove(&old.modified);
        }
        self.changes.insert(generation, (class, key.clone()));
        key
    }

    /// Lets an object share another base, which has this field as the object has it: nothing changes but what it weighs.
    pub fn move_to(&mut self, class: &str, reference: &str, base: &Arc<Base>, field: &str) {
        if let Some(row) = self.row_mut(class, reference) {
            Arc::make_mut(&mut row.record).move_to(base, field);
        }
    }

    /// Changes one field. False when there is no such object.
    pub fn set(&mut self, class: &str, reference: &str, field: &str, value: impl Into<Value>) -> bool {
        self.update(class, reference, [(field, value.into())])
    }

    /// Changes fields in one step, mirrors the relations and takes one generation. False when there is no such object.
    pub fn update<'a>(
        &mut self,
        class: &str,
        reference: &str,
        fields: impl IntoIterator<Item = (&'a str, Value)>,
    ) -> bool {
        let Some(row) = self.row_mut(class, reference) else { return false };
        let record = Arc::make_mut(&mut row.record);
        let old: Vec<(&str, Value, Value)> = fields
            .into_iter()
            .map(|(name, value)| (name, record.insert(name, value.clone()).unwrap_or_default(), value))
            .collect();
        self.touch(class, reference);
        for (name, before, after) in old {
            if name == "uuid" {
                let key: Arc<str> = reference.into();
                let table = self.tables.get_mut(class).expect("the row is in it");
                table.by_uuid.remove(before.as_str().unwrap_or_default());
                table.by_uuid.insert(after.as_str().unwrap_or_default().to_owned(), key);
            }
            let Some((_, to)) = model().mirrors(class).find(|(field, _)| *field == name) else { continue };
            let (before, after) = (targets(&before), targets(&after));
            for gone in before.iter().filter(|t| !after.contains(t)) {
                self.unlink(to.class, gone, to.field, reference);
            }
            // A field that keeps its target still counts as a change of the target's set only when it moved.
            for new in after.iter().filter(|t| !before.contains(t)) {
                self.link(class, to.class, new, to.field, reference);
            }
        }
        true
    }

    /// Counts as a change although nothing differs.
    pub fn touch(&mut self, class: &str, reference: &str) -> bool {
        let Some(class) = model().class(class) else { return false };
        if self.get(&class.name, reference).is_none() {
            return false;
        }
        let generation = self.next(class);
        let key: Arc<str> = reference.into();
        let row = self.row_mut(&class.name, reference).expect("it was just seen");
        let before = std::mem::replace(&mut row.modified, generation);
        self.changes.remove(&before);
        self.changes.insert(generation, (class, key));
        true
    }

    /// Deletes an object. References to it stay and dangle, as in a real database. False when there was none.
    pub fn remove(&mut self, class: &str, reference: &str) -> bool {
        let Some(class) = model().class(class) else { return false };
        let Some(table) = self.tables.get_mut(class.name.as_str()) else { return false };
        let Some((key, row)) = table.rows.remove_entry(reference) else { return false };
        if let Some(uuid) = row.record.get("uuid").and_then(Value::as_str) {
            table.by_uuid.remove(uuid);
        }
        self.changes.remove(&row.modified);
        self.contents.remove(reference);
        let generation = self.next(class);
        self.deleted.insert(generation, Deleted { class, reference: key, created: row.created });
        if self.deleted.len() > DELETIONS {
            self.deleted.pop_first();
        }
        for (field, to) in model().mirrors(&class.name) {
            for target in targets(row.record.get(field).unwrap_or(&Value::Null)) {
                self.unlink(to.class, &target, to.field, reference);
            }
        }
        self.remember(class, reference, &row.record);
        true
    }

    /// Deletes all objects of a class.
    pub fn clear(&mut self, class: &str) {
        let all: Vec<Arc<str>> = self.rows(class).map(|(r, _)| r.clone()).collect();
        for reference in all {
            self.remove(class, &reference);
        }
    }

    /// Adds to or takes from a map field. `None` removes. False when there is no such object.
    pub fn set_entry(&mut self, class: &str, reference: &str, field: &str, key: &str, value: Option<&str>) -> bool {
        let mut map = self.field(class, reference, field).as_object().cloned().unwrap_or_default();
        match value {
            Some(value) => map.insert(key.to_owned(), json!(value)),
            None => map.remove(key),
        };
        self.set(class, reference, field, map)
    }

    /// The process starts anew: deletions were only in memory, generations go on.
    pub fn restart(&mut self) {
        self.deleted.clear();
        self.generation += 1000;
    }

    fn row_mut(&mut self, class: &str, reference: &str) -> Option<&mut Row> {
        self.tables.get_mut(class)?.rows.get_mut(reference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(value: Value) -> Record {
        value.as_object().cloned().unwrap().into()
    }

    fn seen(db: &Db, since: u64) -> Vec<String> {
        let mut out = Vec::new();
        db.since(since, |_, class, reference, change| {
            let sign = match change {
                Change::Add(_) => '+',
                Change::Mod(_) => '*',
                Change::Del => '-',
            };
            out.push(format!("{sign}{} {reference}", class.name));
        });
        out.sort();
        out
    }

    #[test]
    fn changes_are_merged_per_object_and_mirrored() {
        let mut db = Db::new(1, Release::Latest);
        db.insert_as("VM", "v", record(json!({"name_label": "a"})));
        let start = db.generation();
        db.set("VM", "v", "name_label", "b");
        db.set("VM", "v", "name_label", "c");
        assert_eq!(seen(&db, start), ["*VM v"]);

        let before = db.generation();
        db.insert_as("VBD", "b", record(json!({"VM": "v"})));
        assert_eq!(seen(&db, before), ["*VM v", "+VBD b"]);
        assert_eq!(db.list("VM", "v", "VBDs"), ["b"]);

        let before = db.generation();
        db.remove("VBD", "b");
        assert_eq!(seen(&db, before), ["*VM v", "-VBD b"]);
        assert!(db.list("VM", "v", "VBDs").is_empty());
        // It came and went after `start`.
        assert_eq!(seen(&db, start), ["*VM v"]);
        assert_eq!(seen(&db, 0), ["+VM v"]);
    }

    #[test]
    fn a_moved_reference_touches_both_targets() {
        let mut db = Db::new(1, Release::Latest);
        db.insert_as("host", "h1", Record::new());
        db.insert_as("host", "h2", Record::new());
        db.insert_as("VM", "v", record(json!({"resident_on": "h1"})));
        let before = db.generation();
        db.set("VM", "v", "resident_on", "h2");
        assert_eq!(seen(&db, before), ["*VM v", "*host h1", "*host h2"]);
        assert!(db.list("host", "h1", "resident_VMs").is_empty());
        assert_eq!(db.list("host", "h2", "resident_VMs"), ["v"]);
    }

    #[test]
    fn a_dangling_reference_is_found_when_its_target_appears() {
        let mut db = Db::new(1, Release::Latest);
        db.insert_as("VBD", "b", record(json!({"VM": "v"})));
        db.insert_as("VM", "v", Record::new());
        assert_eq!(db.list("VM", "v", "VBDs"), ["b"]);
        // It goes and comes again: the pointer stayed.
        db.remove("VM", "v");
        assert_eq!(db.text("VBD", "b", "VM"), "v");
        db.insert_as("VM", "v", Record::new());
        assert_eq!(db.list("VM", "v", "VBDs"), ["b"]);
        // A pointer that moved on is no member.
        db.remove("VM", "v");
        db.set("VBD", "b", "VM", "w");
        db.insert_as("VM", "v", Record::new());
        assert!(db.list("VM", "v", "VBDs").is_empty());
    }

    #[test]
    fn the_seed_decides_the_uuids() {
        let (mut a, mut b, mut c) =
            (Db::new(7, Release::Latest), Db::new(7, Release::Latest), Db::new(8, Release::Latest));
        let uuid = a.uuid();
        assert_eq!(uuid, b.uuid());
        assert_ne!(uuid, c.uuid());
        a.insert_as("VM", "v", record(json!({"uuid": uuid.clone()})));
        assert_eq!(a.by_uuid("VM", &uuid).as_deref(), Some("v"));
    }
}
