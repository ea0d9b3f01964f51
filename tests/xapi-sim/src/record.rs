//! One object's fields, kept small: what many records have in common is held once, already written in both dialects.
//!
//! A fleet of 100,000 VMs has some 700,000 records with 25 million fields; nine in ten hold the same value as their neighbour's.
//! So a record is a shared `Base` (every field of the class) and a short list of its own values, sorted by name.

use std::{
    cmp::Ordering,
    collections::HashSet,
    fmt,
    ops::Index,
    sync::{Arc, LazyLock, OnceLock},
};

use parking_lot::Mutex;
use serde_json::{Map, Value};

use crate::{
    model::{Class, Field},
    wire::{json, xml},
};

static NULL: Value = Value::Null;
/// Field names: the few thousand of the data model and of the dumps, each kept once for the life of the process.
static NAMES: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);

fn intern(name: &str) -> &'static str {
    let mut names = NAMES.lock();
    match names.get(name) {
        Some(known) => known,
        None => {
            let kept: &'static str = Box::leak(name.into());
            names.insert(kept);
            kept
        }
    }
}

/// The fields that records have in common: every visible field of a class with one value each.
pub struct Base {
    slots: Vec<Slot>,
    json: OnceLock<Pieces>,
    xml: OnceLock<Pieces>,
}

struct Slot {
    name: &'static str,
    field: &'static Field,
    value: Value,
}

/// All members of the base as text, one after the other, and where each ends.
struct Pieces {
    text: String,
    ends: Vec<usize>,
}

impl Pieces {
    fn start(&self, slot: usize) -> usize {
        slot.checked_sub(1).map_or(0, |before| self.ends[before])
    }
}

impl Base {
    /// Makes a base of the fields of `class` that `shown` picks: the values of `fields`, else the class's defaults.
    pub fn new(class: &'static Class, shown: impl Fn(&Field) -> bool, mut fields: Map<String, Value>) -> Arc<Self> {
        let known = class.fields.iter().filter(|(_, f)| !f.internal && shown(f));
        let slots = known.map(|(name, field)| Slot {
            name,
            field,
            value: fields.remove(name).unwrap_or_else(|| field.default.clone().unwrap_or_else(|| field.ty.empty())),
        });
        Arc::new(Self { slots: slots.collect(), json: OnceLock::new(), xml: OnceLock::new() })
    }

    /// Returns a base like this one, but for one field.
    pub fn with(&self, name: &str, value: &Value) -> Arc<Self> {
        let slots = self.slots.iter().map(|slot| Slot {
            name: slot.name,
            field: slot.field,
            value: if slot.name == name { value.clone() } else { slot.value.clone() },
        });
        Arc::new(Self { slots: slots.collect(), json: OnceLock::new(), xml: OnceLock::new() })
    }

    fn find(&self, name: &str) -> Option<&Value> {
        self.slots.binary_search_by(|s| s.name.cmp(name)).ok().map(|at| &self.slots[at].value)
    }

    fn pieces(&self, member: fn(&mut String, &str, &Value, &Field)) -> Pieces {
        let mut pieces = Pieces { text: String::new(), ends: Vec::new() };
        for slot in &self.slots {
            member(&mut pieces.text, slot.name, &slot.value, slot.field);
            pieces.ends.push(pieces.text.len());
        }
        pieces
    }
}

impl fmt::Debug for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Base of {} fields", self.slots.len())
    }
}

/// A record by its wire names. Reads like a map; a field that is nowhere reads as null.
#[derive(Clone, Debug, Default)]
pub struct Record {
    base: Option<Arc<Base>>,
    /// Sorted by name.
    own: Vec<(&'static str, Value)>,
}

impl Record {
    /// Returns an empty record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a record that has all of `base`.
    pub fn on(base: &Arc<Base>) -> Self {
        Self { base: Some(base.clone()), own: Vec::new() }
    }

    /// Completes the record with a base, unless it has one. Values that are the base's are not kept twice.
    pub fn complete(&mut self, base: &Arc<Base>) {
        if self.base.is_none() {
            self.own.retain(|(name, value)| base.find(name) != Some(value));
            self.base = Some(base.clone());
        }
        self.own.shrink_to_fit();
    }

    /// Returns what the record shares with others.
    pub fn base(&self) -> Option<&Arc<Base>> {
        self.base.as_ref()
    }

    /// Shares another base from now on, which has this field as the record has it.
    pub fn move_to(&mut self, base: &Arc<Base>, field: &str) {
        self.base = Some(base.clone());
        self.remove(field);
        self.own.shrink_to_fit();
    }

    fn position(&self, name: &str) -> Result<usize, usize> {
        self.own.binary_search_by(|(own, _)| (*own).cmp(name))
    }

    /// Returns the value of a field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self.position(name) {
            Ok(at) => Some(&self.own[at].1),
            Err(_) => self.base.as_ref()?.find(name),
        }
    }

    /// Returns the value of a field to change it in place.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        let at = match self.position(name) {
            Ok(at) => at,
            Err(at) => {
                let value = self.base.as_ref()?.find(name)?.clone();
                self.own.insert(at, (intern(name), value));
                at
            }
        };
        Some(&mut self.own[at].1)
    }

    /// Sets a field and returns what it was.
    pub fn insert(&mut self, name: impl AsRef<str>, value: Value) -> Option<Value> {
        let name = name.as_ref();
        let usual = self.base.as_ref().and_then(|b| b.find(name));
        let same = usual == Some(&value);
        match self.position(name) {
            Ok(at) if same => Some(self.own.remove(at).1),
            Ok(at) => Some(std::mem::replace(&mut self.own[at].1, value)),
            Err(_) if same => Some(value),
            Err(at) => {
                let before = usual.cloned();
                self.own.insert(at, (intern(name), value));
                before
            }
        }
    }

    /// Takes back the record's own value of a field; the shared one shows again.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.position(name).ok().map(|at| self.own.remove(at).1)
    }

    /// Calls back with every field in the order of the names: its value, and its place in the base when it is the base's.
    fn walk<'a>(&'a self, mut see: impl FnMut(&'a str, &'a Value, Option<&'static Field>, Option<usize>)) {
        let mut own = self.own.iter().peekable();
        for (at, slot) in self.base.iter().flat_map(|b| b.slots.iter().enumerate()) {
            loop {
                match own.peek().map(|(name, _)| (*name).cmp(slot.name)) {
                    Some(Ordering::Less) => {
                        let (name, value) = own.next().expect("it was peeked");
                        see(name, value, None, None);
                    }
                    Some(Ordering::Equal) => {
                        let (name, value) = own.next().expect("it was peeked");
                        see(name, value, Some(slot.field), None);
                        break;
                    }
                    _ => {
                        see(slot.name, &slot.value, Some(slot.field), Some(at));
                        break;
                    }
                }
            }
        }
        for (name, value) in own {
            see(name, value, None, None);
        }
    }

    /// Returns all fields.
    pub fn to_map(&self) -> Map<String, Value> {
        let mut map = Map::new();
        self.walk(|name, value, _, _| {
            map.insert(name.to_owned(), value.clone());
        });
        map
    }

    /// Appends the members as JSON (each with a comma before it) or XML. Internal fields and those that the base hides are left out.
    fn write(
        &self,
        class: &'static Class,
        out: &mut String,
        pieces: fn(&Base) -> &Pieces,
        member: fn(&mut String, &str, &Value, &Field),
        unknown: fn(&mut String, &str, &Value),
    ) {
        let shared = self.base.as_deref().map(pieces);
        // Neighbours of the base are copied in one piece.
        let mut run: Option<(usize, usize)> = None;
        let flush = |out: &mut String, run: &mut Option<(usize, usize)>| {
            if let (Some((from, to)), Some(shared)) = (run.take(), shared) {
                out.push_str(&shared.text[from..to]);
            }
        };
        self.walk(|name, value, field, place| {
            if let (Some(at), Some(shared)) = (place, shared) {
                let from = run.map_or_else(|| shared.start(at), |(from, _)| from);
                run = Some((from, shared.ends[at]));
                return;
            }
            flush(out, &mut run);
            match field.or_else(|| class.fields.get(name)) {
                Some(field) if field.internal || (shared.is_some() && self.base_lacks(name)) => {}
                Some(field) => member(out, name, value, field),
                None => unknown(out, name, value),
            }
        });
        flush(out, &mut run);
    }

    fn base_lacks(&self, name: &str) -> bool {
        self.base.as_ref().is_some_and(|b| b.find(name).is_none())
    }

    /// Appends the record as a JSON object.
    pub fn write_json(&self, class: &'static Class, out: &mut String) {
        let open = out.len();
        self.write(
            class,
            out,
            |base| base.json.get_or_init(|| base.pieces(json::write_member)),
            json::write_member,
            json::write_unknown,
        );
        // The comma before the first member makes room for the brace.
        match out.len() > open {
            true => out.replace_range(open..=open, "{"),
            false => out.push('{'),
        }
        out.push('}');
    }

    /// Appends the record as an XML-RPC struct.
    pub fn write_xml(&self, class: &'static Class, out: &mut String) {
        out.push_str("<value><struct>");
        self.write(
            class,
            out,
            |base| base.xml.get_or_init(|| base.pieces(xml::write_field)),
            xml::write_field,
            xml::write_unknown,
        );
        out.push_str("</struct></value>");
    }
}

impl Index<&str> for Record {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&NULL)
    }
}

impl From<Map<String, Value>> for Record {
    fn from(map: Map<String, Value>) -> Self {
        let mut own: Vec<_> = map.into_iter().map(|(name, value)| (intern(&name), value)).collect();
        own.sort_by_key(|(name, _)| *name);
        Self { base: None, own }
    }
}

impl<'a> FromIterator<(&'a str, Value)> for Record {
    fn from_iter<I: IntoIterator<Item = (&'a str, Value)>>(fields: I) -> Self {
        let mut record = Self::new();
        record.extend(fields);
        record
    }
}

impl<'a> Extend<(&'a str, Value)> for Record {
    fn extend<I: IntoIterator<Item = (&'a str, Value)>>(&mut self, fields: I) {
        for (name, value) in fields {
            self.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::model;

    fn text(record: &Record, class: &'static Class) -> String {
        let mut out = String::new();
        record.write_json(class, &mut out);
        out
    }

    #[test]
    fn own_values_stand_where_the_shared_ones_did() {
        let class = model().class("VBD").unwrap();
        let base = Base::new(class, |_| true, json!({"mode": "RW"}).as_object().cloned().unwrap());
        let mut record = Record::on(&base);
        for (name, value) in
            [("uuid", json!("u")), ("VM", json!("v")), ("device", json!("x\"y")), ("mode", json!("RO"))]
        {
            record.insert(name, value);
        }
        let shown: Value = serde_json::from_str(&text(&record, class)).unwrap();
        assert_eq!(shown, Value::Object(record.to_map()));
        assert_eq!((&shown["mode"], &shown["device"], &shown["type"]), (&json!("RO"), &json!("x\"y"), &json!("CD")));
        assert_eq!(shown.as_object().unwrap().len(), class.fields.values().filter(|f| !f.internal).count());

        let mut xml = String::new();
        record.write_xml(class, &mut xml);
        let members = xml.matches("<member>").count();
        assert_eq!(members, class.fields.values().filter(|f| !f.internal).count());
        assert!(xml.contains("<member><name>device</name><value>x&quot;y</value></member>"), "{xml}");
    }

    #[test]
    fn what_equals_the_base_is_not_kept() {
        let class = model().class("VBD").unwrap();
        let base = Base::new(class, |_| true, Map::new());
        let mut record = Record::from(json!({"mode": "RO", "userdevice": "0"}).as_object().cloned().unwrap());
        record.complete(&base);
        assert_eq!(record["bootable"], json!(false));
        let own = record.own.len();
        assert_eq!(record.insert("bootable", json!(true)), Some(json!(false)));
        assert_eq!(record.own.len(), own + 1);
        assert_eq!(record.insert("bootable", json!(false)), Some(json!(true)));
        assert_eq!(record.own.len(), own);
        assert_eq!(record["nonsense"], Value::Null);
    }

    #[test]
    fn fields_that_the_base_hides_are_not_shown() {
        let class = model().class("VBD").unwrap();
        let base = Base::new(class, |f| f.ty != crate::model::Type::Int, Map::new());
        let mut record = Record::on(&base);
        record.insert("status_code", json!(1));
        record.insert("something_old", json!("x"));
        let shown: Value = serde_json::from_str(&text(&record, class)).unwrap();
        assert!(shown.get("status_code").is_none());
        assert_eq!(shown["something_old"], "x");
        // No base at all: only what is there.
        assert_eq!(text(&Record::new(), class), "{}");
    }
}
