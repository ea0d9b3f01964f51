//! Revisions, expectations, batches, watching, limits.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use store::{Batch, Error, Expect, KeyChange, MAX_KEY_BYTES, MAX_VALUE_BYTES, Store, Stored, Table};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use crate::{Folder, open};

fn text(store: &Store, key: &str) -> Option<(u64, String)> {
    store.get(Table::Users, key).unwrap().map(|stored: Stored<String>| (stored.revision, stored.value))
}

fn is_conflict(error: &Error, at: &str) -> bool {
    matches!(error, Error::Conflict { table: Table::Users, key } if key == at)
}

#[tokio::test]
async fn a_revision_grows_with_each_change_and_over_a_delete() {
    let folder = Folder::new();
    let store = folder.open();
    assert_eq!(text(&store, "a"), None);
    let first = store.put(Table::Users, "a", "one", Expect::Absent).await.unwrap();
    let second = store.put(Table::Users, "a", "two", Expect::Revision(first)).await.unwrap();
    assert!(0 < first && first < second);
    assert_eq!(text(&store, "a"), Some((second, "two".into())));
    assert!(store.delete(Table::Users, "a", Expect::Any).await.unwrap());
    assert!(!store.delete(Table::Users, "a", Expect::Any).await.unwrap());
    let third = store.put(Table::Users, "a", "three", Expect::Absent).await.unwrap();
    assert!(second < third, "an old revision must never fit a new record");
    drop(store);
    let store = folder.open();
    assert_eq!(text(&store, "a"), Some((third, "three".into())));
    assert!(store.put(Table::Users, "b", "x", Expect::Any).await.unwrap() > third, "also over a restart");
}

#[tokio::test]
async fn a_version_changes_with_its_table_and_no_other() {
    let folder = Folder::new();
    let store = folder.open();
    let versions = || [store.version(Table::Users), store.version(Table::Tokens)];
    let mut before = versions();
    let mut check = |what: &str, expected: [bool; 2]| {
        let now = versions();
        assert_eq!([now[0] != before[0], now[1] != before[1]], expected, "{what}");
        before = now;
    };
    store.put(Table::Users, "a", "one", Expect::Any).await.unwrap();
    check("a put", [true, false]);
    assert!(store.put(Table::Users, "a", "two", Expect::Absent).await.is_err());
    check("a conflict", [false, false]);
    store.delete(Table::Tokens, "none", Expect::Any).await.unwrap();
    check("the delete of nothing", [false, false]);
    let batch = Batch::new().delete(Table::Users, "a", Expect::Any).put(Table::Tokens, "t", "x", Expect::Any).unwrap();
    store.commit(batch).await.unwrap();
    check("a batch over both", [true, true]);
}

#[tokio::test]
async fn expectations() {
    // The first change of a store gives revision 1.
    let now = 1;
    // Expectation, on which record, holds.
    let cases = [
        (Expect::Any, "there", true),
        (Expect::Any, "missing", true),
        (Expect::Absent, "there", false),
        (Expect::Absent, "missing", true),
        (Expect::Revision(now), "there", true),
        (Expect::Revision(now + 1), "there", false),
        (Expect::Revision(0), "missing", false),
        (Expect::Revision(now), "missing", false),
    ];
    for (expect, key, holds) in cases {
        // Beside each change stands one that must vanish or stay with it.
        let batch = || Batch::new().put(Table::Settings, "beside", "x", Expect::Any).unwrap();
        let put = batch().put(Table::Users, key, "x", expect).unwrap();
        let delete = batch().delete(Table::Users, key, expect);
        for batch in [put, delete] {
            let fresh = Folder::new().open();
            let at = fresh.put(Table::Users, "there", "x", Expect::Any).await.unwrap();
            assert_eq!(at, now);
            let outcome = fresh.commit(batch).await;
            assert_eq!(outcome.is_ok(), holds, "{expect:?} on {key}");
            if let Err(error) = outcome {
                assert!(is_conflict(&error, key), "{error}");
            }
            let beside: Option<Stored<String>> = fresh.get(Table::Settings, "beside").unwrap();
            assert_eq!(beside.is_some(), holds, "all or nothing: {expect:?} on {key}");
        }
    }
}

#[tokio::test]
async fn a_batch_is_one_revision_and_is_checked_against_the_state_before_it() {
    let store = Folder::new().open();
    let batch = Batch::new()
        .put(Table::Users, "a", "1", Expect::Absent)
        .unwrap()
        .put(Table::Users, "a", "2", Expect::Absent)
        .unwrap()
        .put(Table::Tokens, "t", "3", Expect::Absent)
        .unwrap();
    assert_eq!((batch.len(), batch.is_empty()), (3, false));
    store.commit(batch).await.unwrap();
    let (revision, value) = text(&store, "a").unwrap();
    assert_eq!(value, "2", "the later change of a record counts");
    let token: Stored<String> = store.get(Table::Tokens, "t").unwrap().unwrap();
    assert_eq!(token.revision, revision);
    store.commit(Batch::new()).await.unwrap();
}

/// Many at once: whichever order the writer takes them in, one wins each round, and nobody's failure is another's.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_writers_with_the_same_expectation_one_wins() {
    let store = Folder::new().open();
    let mut revision = store.put(Table::Users, "counter", &0, Expect::Absent).await.unwrap();
    for round in 1..=20 {
        let tasks: Vec<_> = (0..16)
            .map(|id| {
                let store = store.clone();
                tokio::spawn(async move {
                    store.put(Table::Settings, &format!("{id}"), &round, Expect::Any).await.unwrap();
                    store.put(Table::Users, "counter", &round, Expect::Revision(revision)).await
                })
            })
            .collect();
        let mut winners = Vec::new();
        for task in tasks {
            match task.await.unwrap() {
                Ok(revision) => winners.push(revision),
                Err(error) => assert!(is_conflict(&error, "counter"), "{error}"),
            }
        }
        assert_eq!(winners.len(), 1, "round {round}");
        revision = winners[0];
        assert_eq!(store.get(Table::Users, "counter").unwrap(), Some(Stored { revision, value: round }));
    }
    assert_eq!(store.scan::<i32>(Table::Settings, "", None, 100).unwrap().len(), 16);
}

#[tokio::test]
async fn watchers_hear_of_durable_changes_in_order() {
    let folder = Folder::new();
    let store = folder.open();
    let mut watch = store.watch();
    let revision = store.put(Table::Users, "a", "x", Expect::Any).await.unwrap();
    assert!(store.put(Table::Users, "a", "y", Expect::Absent).await.is_err());
    store.delete(Table::Users, "missing", Expect::Any).await.unwrap();
    store
        .commit(Batch::new().put(Table::Links, "b", "x", Expect::Any).unwrap().delete(Table::Users, "a", Expect::Any))
        .await
        .unwrap();
    let change = |table, key: &str, revision| KeyChange { table, key: key.into(), revision };
    assert_eq!(watch.recv().await.unwrap(), change(Table::Users, "a", Some(revision)));
    assert_eq!(watch.recv().await.unwrap(), change(Table::Links, "b", Some(revision + 1)));
    assert_eq!(watch.recv().await.unwrap(), change(Table::Users, "a", None));
    assert_eq!(watch.try_recv(), Err(TryRecvError::Empty), "a conflict and a delete of nothing are no changes");

    let mut batch = Batch::new();
    for id in 0..1100 {
        batch = batch.put(Table::PluginKv, &format!("{id}"), &id, Expect::Any).unwrap();
    }
    store.commit(batch).await.unwrap();
    assert!(matches!(watch.recv().await, Err(RecvError::Lagged(_))), "a slow watcher is told to scan again");

    drop(store);
    loop {
        match watch.recv().await {
            Ok(_) => {}
            Err(error) => break assert_eq!(error, RecvError::Closed),
        }
    }
}

#[tokio::test]
async fn dropping_the_last_handle_closes_the_file_with_all_that_was_queued() {
    let folder = Folder::new();
    let store = folder.open();
    let second = store.clone();
    drop(store);
    // Polled once: the batch is queued, nobody waits for the answer.
    let mut put = Box::pin(second.put(Table::Users, "queued", "x", Expect::Any));
    std::future::poll_fn(|context| {
        let _ = put.as_mut().poll(context);
        std::task::Poll::Ready(())
    })
    .await;
    drop(put);
    drop(second);
    assert!(text(&folder.open(), "queued").is_some());
}

#[tokio::test]
async fn a_second_opener_is_told_so() {
    let folder = Folder::new();
    let _store = folder.open();
    let error = Store::open(&folder.path("store.redb"), crate::key()).unwrap_err();
    assert!(matches!(error, Error::InUse { .. }), "{error}");
    assert!(error.to_string().contains("in use by another process"), "{error}");
}

#[tokio::test]
async fn values_that_do_not_fit() {
    let store = Folder::new().open();
    let long = "k".repeat(MAX_KEY_BYTES);
    store.put(Table::Users, &long, "x", Expect::Any).await.unwrap();
    for key in ["", &format!("{long}k")] {
        let error = store.put(Table::Users, key, "x", Expect::Any).await.unwrap_err();
        assert!(matches!(error, Error::Size { what: "key", .. }), "{error}");
        assert!(error.to_string().len() < 200);
    }
    let big = "v".repeat(MAX_VALUE_BYTES - 2);
    store.put(Table::Users, "big", &big, Expect::Any).await.unwrap();
    assert_eq!(text(&store, "big").unwrap().1, big);
    let error = store.put(Table::Users, "big", &format!("{big}v"), Expect::Any).await.unwrap_err();
    assert!(matches!(error, Error::Size { what: "value", .. }), "{error}");

    store.put(Table::Users, "shape", &json!({"n": "text"}), Expect::Any).await.unwrap();
    let error = store.get::<u64>(Table::Users, "shape").unwrap_err();
    assert!(matches!(error, Error::Decode { .. }), "{error}");
    let map = std::collections::BTreeMap::from([((1, 2), 3)]);
    let error = store.put(Table::Users, "shape", &map, Expect::Any).await.unwrap_err();
    assert!(matches!(error, Error::Encode { .. }), "{error}");
}

#[test]
fn the_file_is_its_owners() {
    let folder = Folder::new();
    let path = folder.path("store.redb");
    let store = open(&path);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!store.was_repaired());
    assert_eq!(store.is_read_only(), None);
}

#[test]
fn a_folder_that_is_not_there_is_an_error_with_the_path() {
    let error = Store::open(&Folder::new().path("nowhere/store.redb"), crate::key()).unwrap_err();
    assert!(matches!(error, Error::Open { .. }), "{error}");
    assert!(error.to_string().contains("nowhere/store.redb"), "{error}");
}
