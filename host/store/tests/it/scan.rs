//! Scanning against a plain ordered map.

use std::collections::BTreeMap;

use proptest::prelude::*;
use store::{Batch, Expect, Stored, Table};

use crate::Folder;

/// Keys of few letters, so that prefixes meet; with the ends of the one-, two- and four-byte characters and the gap of UTF-8.
fn key() -> impl Strategy<Value = String> {
    let letter = prop::sample::select(vec!['a', 'b', '/', '\u{7f}', '\u{80}', '\u{d7ff}', '\u{e000}', '\u{10ffff}']);
    prop::collection::vec(letter, 1..5).prop_map(|letters| letters.into_iter().collect())
}

fn prefix() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), key()]
}

fn names(rows: Vec<(String, Stored<usize>)>) -> Vec<(String, usize)> {
    rows.into_iter().map(|(key, stored)| (key, stored.value)).collect()
}

proptest! {
    // Each case makes a store of its own; 48 take a second.
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn scans_are_those_of_an_ordered_map(
        written in prop::collection::vec(key(), 0..40),
        removed in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        questions in prop::collection::vec((prefix(), prop::option::of(key()), 0_usize..8), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let store = Folder::new().open();
        let mut map = BTreeMap::new();
        let mut batch = Batch::new();
        for (value, key) in written.iter().enumerate() {
            map.insert(key.clone(), value);
            batch = batch.put(Table::PluginKv, key, &value, Expect::Any).unwrap();
        }
        runtime.block_on(store.commit(batch)).unwrap();
        for index in removed.iter().filter(|_| !written.is_empty()) {
            let key = index.get(&written);
            let was_there = map.remove(key).is_some();
            prop_assert_eq!(runtime.block_on(store.delete(Table::PluginKv, key, Expect::Any)).unwrap(), was_there);
        }
        for (prefix, bound, limit) in questions {
            let all: Vec<(String, usize)> =
                map.iter().filter(|(key, _)| key.starts_with(&prefix)).map(|(key, value)| (key.clone(), *value)).collect();
            let bound = bound.as_deref();
            let expected: Vec<_> =
                all.iter().filter(|(key, _)| bound.is_none_or(|bound| &**key > bound)).take(limit).cloned().collect();
            let found = store.scan(Table::PluginKv, &prefix, bound, limit).unwrap();
            prop_assert_eq!(names(found), expected, "up {:?} {:?}", prefix, bound);
            let expected: Vec<_> =
                all.iter().rev().filter(|(key, _)| bound.is_none_or(|bound| &**key < bound)).take(limit).cloned().collect();
            let found = store.scan_back(Table::PluginKv, &prefix, bound, limit).unwrap();
            prop_assert_eq!(names(found), expected, "down {:?} {:?}", prefix, bound);
        }
    }
}

#[tokio::test]
async fn pages_join_without_gap_or_double() {
    let store = Folder::new().open();
    let mut batch = Batch::new();
    for number in 0..100 {
        batch = batch.put(Table::Audit, &format!("{number:03}"), &number, Expect::Any).unwrap();
    }
    store.commit(batch).await.unwrap();
    let (mut up, mut down) = (Vec::new(), Vec::new());
    while let page = store.scan::<usize>(Table::Audit, "", up.last().map(|(key, _): &(String, _)| &**key), 7).unwrap()
        && !page.is_empty()
    {
        up.extend(names(page));
    }
    while let page =
        store.scan_back::<usize>(Table::Audit, "", down.last().map(|(key, _): &(String, _)| &**key), 7).unwrap()
        && !page.is_empty()
    {
        down.extend(names(page));
    }
    assert_eq!(up.iter().map(|(_, number)| *number).collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
    assert_eq!(down.iter().map(|(_, number)| *number).collect::<Vec<_>>(), (0..100).rev().collect::<Vec<_>>());
}
