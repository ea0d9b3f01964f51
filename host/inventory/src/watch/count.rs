//! How many objects there are of each sort, for trees and overviews.

use std::collections::HashMap;
use std::sync::Arc;

use model::{Kind, Object};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::{Path, Scope};
use crate::{Filter, Snapshot};

/// Objects with the same values. As JSON: the values by path, without what has no value, and `count`.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Path and value.
    pub values: Vec<(Path, Value)>,
    /// How many there are.
    pub count: usize,
}

impl Serialize for Group {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (path, value) in &self.values {
            map.serialize_entry(path.as_str(), value)?;
        }
        map.serialize_entry("count", &self.count)?;
        map.end()
    }
}

/// Counts the objects that may be seen and match, by the values of some paths; none when there are more than `most` groups.
/// The order of the groups is by their values and always the same.
pub fn count(
    snapshot: &Snapshot,
    by: &[Path],
    filter: Option<&Filter>,
    sees: &(dyn Fn(&Snapshot, &Object) -> bool + Send + Sync),
    most: usize,
) -> Option<Vec<Group>> {
    let scope = Scope { snapshot, sees };
    let mut groups: HashMap<String, Group> = HashMap::new();
    let kinds = Kind::ALL.iter().filter(|kind| filter.is_none_or(|filter| filter.may_match(**kind)));
    let objects = kinds.flat_map(|kind| snapshot.of_kind(*kind));
    let wanted = |object: &&Arc<Object>| sees(snapshot, object) && filter.is_none_or(|filter| filter.matches(object));
    for object in objects.filter(wanted) {
        let values: Vec<_> = by.iter().map(|path| path.value(object, &scope, &mut Vec::new())).collect();
        let key = serde_json::to_string(&values).expect("values are JSON");
        let group = groups.entry(key).or_insert_with(|| {
            let there = by.iter().zip(values).filter_map(|(path, value)| Some((path.clone(), value?)));
            Group { values: there.collect(), count: 0 }
        });
        group.count += 1;
        if groups.len() > most {
            return None;
        }
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_unstable_by(|left, right| left.0.cmp(&right.0));
    Some(groups.into_iter().map(|(_, group)| group).collect())
}
