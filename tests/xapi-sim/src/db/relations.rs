//! Relations kept at both ends: a reference in one record is a member of a set in another, there or still to come.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use serde_json::{Value, json};

use super::Db;
use crate::model::{Class, NULL, Record, model};

impl Db {
    /// Makes members of those who already pointed at an object that has just come.
    pub(super) fn welcome(&mut self, class: &'static Class, key: &Arc<str>) {
        for (from, pointer) in self.dangling.remove(&**key).unwrap_or_default() {
            let ends = model().mirrored(&class.name).filter(|(_, end)| end.class == from);
            let sets: Vec<_> = ends
                .filter(|(_, end)| points(self.field(from, &pointer, end.field), key))
                .map(|(set, _)| set)
                .collect();
            for set in sets {
                self.join(&class.name, key, set, &pointer);
            }
        }
    }

    /// Notes who still points at an object that has gone.
    pub(super) fn remember(&mut self, class: &'static Class, reference: &str, record: &Record) {
        for (set, from) in model().mirrored(&class.name) {
            let pointers = targets(&record[set]);
            if !pointers.is_empty() {
                let waiting = self.dangling.entry(reference.to_owned()).or_default();
                waiting.extend(pointers.into_iter().map(|p| (from.class, Arc::from(p))));
            }
        }
    }

    /// Completes every mirrored set from the other ends; what is recorded stays, in its order.
    pub fn relate(&mut self) {
        for class in model().classes.values() {
            for (set, from) in model().mirrored(&class.name) {
                let mut members: HashMap<String, Vec<String>> = HashMap::new();
                for (reference, record) in self.rows(from.class) {
                    for target in targets(record.get(from.field).unwrap_or(&Value::Null)) {
                        members.entry(target).or_default().push(reference.to_string());
                    }
                }
                for (target, members) in members {
                    let Some(row) = self.row_mut(&class.name, &target) else {
                        let pointers = members.into_iter().map(|m| (from.class, Arc::from(m)));
                        self.dangling.entry(target).or_default().extend(pointers);
                        continue;
                    };
                    if let Some(Value::Array(known)) = Arc::make_mut(&mut row.record).get_mut(set) {
                        let have: BTreeSet<String> =
                            known.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect();
                        known.extend(members.into_iter().filter(|m| !have.contains(m)).map(Value::from));
                    }
                }
            }
        }
    }

    pub(super) fn link(&mut self, from: &str, class: &str, reference: &str, set: &str, member: &str) {
        if self.row_mut(class, reference).is_none() {
            let from = model().class(from).expect("callers name known classes");
            self.dangling.entry(reference.to_owned()).or_default().push((&from.name, member.into()));
            return;
        }
        self.join(class, reference, set, member);
        self.touch(class, reference);
    }

    /// Adds a member to a set, without a change of its own.
    fn join(&mut self, class: &str, reference: &str, set: &str, member: &str) {
        let Some(row) = self.row_mut(class, reference) else { return };
        if let Some(Value::Array(members)) = Arc::make_mut(&mut row.record).get_mut(set)
            && !members.iter().any(|m| m == member)
        {
            members.push(json!(member));
        }
    }

    pub(super) fn unlink(&mut self, class: &str, reference: &str, set: &str, member: &str) {
        let Some(row) = self.row_mut(class, reference) else { return };
        if let Some(Value::Array(members)) = Arc::make_mut(&mut row.record).get_mut(set) {
            members.retain(|m| m != member);
        }
        self.touch(class, reference);
    }
}

/// The references a ref or set(ref) field holds.
pub(super) fn targets(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) if one != NULL && !one.is_empty() => vec![one.clone()],
        Value::Array(many) => many.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

fn points(value: &Value, reference: &str) -> bool {
    match value {
        Value::String(one) => one == reference,
        Value::Array(many) => many.iter().any(|v| v == reference),
        _ => false,
    }
}
