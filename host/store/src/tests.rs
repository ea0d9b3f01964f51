//! Formats older and newer than ours, which only this crate can make.

use std::path::Path;

use redb::WriteTransaction;

use super::*;
use crate::engine::{Changed, rows};
use crate::format::{Format, Migration};

const KEY: [u8; 32] = [7; 32];

fn key() -> MasterKey {
    MasterKey::from_bytes(KEY)
}

/// Makes a store of a format, with one record.
async fn make(path: &Path, format: &Format) {
    let store = Store::open_as(path, key(), format).unwrap();
    store.put(Table::Settings, "greeting", "hello", Expect::Absent).await.unwrap();
}

fn greeting(store: &Store) -> Option<String> {
    store.get(Table::Settings, "greeting").unwrap().map(|stored| stored.value)
}

/// Renames the record, keeping its revision.
fn rename(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(rows(Table::Settings))?;
    let row = table.remove("greeting")?.map(|row| row.value().to_vec());
    if let Some(row) = row {
        table.insert("welcome", row.as_slice())?;
    }
    Ok(())
}

fn fail(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    rename(transaction)?;
    Err(redb::Error::Corrupted("a step that fails".into()))
}

const OLD: Format = Format { number: 1, daemon: "0.1.0", migrations: &[] };
const RENAME: Migration = Migration { from: 1, what: "rename the greeting", run: rename };
const NOTHING: Migration = Migration { from: 2, what: "nothing", run: |_| Ok(()) };
const FAIL: Migration = Migration { from: 2, what: "fail", run: fail };

#[tokio::test]
async fn an_older_store_is_migrated_step_by_step() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    make(&path, &OLD).await;
    let newer = Format { number: 3, daemon: "0.3.0", migrations: &[RENAME, NOTHING] };
    for _ in 0..2 {
        let store = Store::open_as(&path, key(), &newer).unwrap();
        assert_eq!(greeting(&store), None);
        let moved: Stored<String> = store.get(Table::Settings, "welcome").unwrap().unwrap();
        assert_eq!(moved, Stored { revision: 1, value: "hello".to_owned() });
        assert_eq!(store.key_state(), KeyState::Ok);
    }
    let refused = Store::open_as(&path, key(), &OLD).unwrap_err();
    assert!(matches!(refused, Error::NewerFormat { found: 3, .. }), "{refused}");
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_store_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    make(&path, &OLD).await;
    let newer = Format { number: 3, daemon: "0.3.0", migrations: &[RENAME, FAIL] };
    let error = Store::open_as(&path, key(), &newer).unwrap_err();
    assert_eq!(error.to_string(), "migrate the store from format 2: fail");
    let store = Store::open_as(&path, key(), &OLD).unwrap();
    assert_eq!(greeting(&store).as_deref(), Some("hello"));
    store.put(Table::Settings, "greeting", "again", Expect::Revision(1)).await.unwrap();
}

#[tokio::test]
async fn a_store_that_no_step_takes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    make(&path, &OLD).await;
    let newer = Format { number: 3, daemon: "0.3.0", migrations: &[NOTHING] };
    let error = Store::open_as(&path, key(), &newer).unwrap_err();
    assert!(matches!(error, Error::TooOldFormat { found: 1 }), "{error}");
    assert_eq!(greeting(&Store::open_as(&path, key(), &OLD).unwrap()).as_deref(), Some("hello"));
}

#[tokio::test]
async fn a_newer_store_is_refused_with_the_version_that_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let newer = Format { number: Format::CURRENT.number + 1, daemon: "0.3.0", migrations: &[] };
    make(&path, &newer).await;
    let error = Store::open(&path, key()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the store was written by Xylem 0.3.0 (store format 2); this daemon reads up to format 1: install Xylem 0.3.0 or \
         newer"
    );
    let store = Store::open_as(&path, key(), &newer).unwrap();
    assert_eq!(greeting(&store).as_deref(), Some("hello"), "whoever can read it still can");
}

#[test]
fn steps_are_complete() {
    let Format { number, migrations, .. } = Format::CURRENT;
    let from: Vec<u32> = migrations.iter().map(|step| step.from).collect();
    assert_eq!(from, (1..number).collect::<Vec<_>>(), "one step from each format to the next");
}

#[test]
fn a_foreign_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let foreign = redb::Database::create(&path).unwrap();
    let transaction = foreign.begin_write().unwrap();
    transaction.open_table(rows(Table::Users)).unwrap().insert("a", b"b".as_slice()).unwrap();
    transaction.commit().unwrap();
    drop(foreign);
    let error = Store::open(&path, key()).unwrap_err();
    assert!(matches!(error, Error::NotAStore { .. }), "{error}");
    std::fs::write(&path, "not a database at all").unwrap();
    let error = Store::open(&path, key()).unwrap_err();
    assert!(matches!(error, Error::Open { .. }), "{error}");
}

#[test]
fn a_transaction_that_changes_nothing_does_not_grow_the_history() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine::Engine::open(&folder.path().join("store.redb")).unwrap();
    let answer = engine.write(|_| Ok((5, Changed::No))).unwrap();
    assert_eq!(answer, 5);
    assert!(engine.get(Table::Users, "a").unwrap().is_none(), "a table that is not there reads as empty");
}

#[tokio::test]
async fn a_file_that_vanished_does_not_come_back_empty() {
    let folder = tempfile::tempdir().unwrap();
    let (path, aside) = (folder.path().join("store.redb"), folder.path().join("aside"));
    make(&path, &OLD).await;
    let engine = engine::Engine::open(&path).unwrap();
    std::fs::rename(&path, &aside).unwrap();
    let failure = || engine.write(|_| -> Result<((), Changed), _> { Err(redb::Error::Corrupted("for a test".into())) });
    failure().unwrap_err();
    assert!(engine.get(Table::Settings, "greeting").is_err());
    assert!(engine.write(|_| Ok(((), Changed::Yes))).is_err());
    assert!(engine.read_only().is_some() && !path.exists());

    std::fs::rename(&aside, &path).unwrap();
    assert!(engine.get(Table::Settings, "greeting").unwrap().is_some());
    assert!(engine.read_only().is_some(), "until something is written");
    engine.write(|_| Ok(((), Changed::Yes))).unwrap();
    assert_eq!(engine.read_only(), None);
}
