//! A log in a real store: written by many at once, checked, tampered with, shortened.

use serde_json::{Map, Value, json};
use store::{Expect, MasterKey};

use super::super::chain::{Chain, append};
use super::super::keep::{Keep, shorten};
use super::*;

struct Log {
    store: Store,
    chain: Chain,
    folder: std::path::PathBuf,
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Log {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("xylem-audit-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder).unwrap();
        let store = Store::open(&folder.join("store.redb"), MasterKey::from_bytes([7; 32])).unwrap();
        Self { store, chain: Chain::default(), folder }
    }

    async fn append(&self, time: u64) {
        let record = Record {
            id: String::new(),
            previous_id: String::new(),
            time,
            event: "apiCall".to_owned(),
            subject: Map::from_iter([("userName".to_owned(), json!("admin"))]),
            data: json!({ "method": "vm.delete", "params": { "id": format!("vm-{time}"), "x": 1.5 } }),
        };
        append(&self.store, &self.chain, record).await.unwrap();
    }

    async fn with(count: u64) -> Self {
        let log = Self::new();
        // As many at once as may wait.
        for times in (0..count).collect::<Vec<_>>().chunks(2_000) {
            futures::future::join_all(times.iter().map(|time| log.append(*time))).await;
        }
        log
    }

    fn entry(&self, place: u64) -> Entry {
        self.store.get::<Entry>(Table::Audit, &key(place)).unwrap().unwrap().value
    }

    async fn change(&self, place: u64, change: impl FnOnce(&mut Entry)) {
        let mut entry = self.entry(place);
        change(&mut entry);
        self.store.put(Table::Audit, &key(place), &entry, Expect::Any).await.unwrap();
    }

    /// Returns how many are fine, or the code and how many were until there.
    fn check(&self, newest: Option<&str>, oldest: Option<&str>) -> Result<u64, (i64, u64)> {
        check(&self.store, newest, oldest).map_err(|error| match error.failure {
            Failure::MissingAuditRecord { n_valid, .. } => (22, n_valid),
            Failure::AlteredAuditRecord { n_valid, .. } => (23, n_valid),
            other => panic!("{other}"),
        })
    }
}

#[tokio::test]
async fn many_at_once_are_one_chain() {
    let log = Log::with(700).await;
    assert_eq!(log.check(None, None), Ok(700));
    assert_eq!(log.entry(1).record.previous_id, NO_RECORD);
    let mut times: Vec<u64> = (1..=700).map(|place| log.entry(place).record.time).collect();
    times.sort_unstable();
    assert_eq!(times, (0..700).collect::<Vec<u64>>());
    // Parts of it.
    let id = |place| log.entry(place).record.id;
    assert_eq!(log.check(Some(&id(600)), None), Ok(600));
    assert_eq!(log.check(Some(&id(600)), Some(&id(590))), Ok(11));
    assert_eq!(log.check(None, Some(NO_RECORD)), Ok(700));
    assert_eq!(log.check(Some("$5$$nothing"), None), Err((22, 0)));
    assert_eq!(log.check(None, Some("$5$$nothing")), Err((22, 700)));
    assert_eq!(Log::new().check(None, None), Ok(0));
    let newest_first = read(&log.store, None, 3).unwrap();
    assert_eq!(
        newest_first.records.iter().map(|record| &record.id).collect::<Vec<_>>(),
        [&id(700), &id(699), &id(698)]
    );
    assert_eq!(read(&log.store, newest_first.next, 1).unwrap().records[0].id, id(697));
}

#[tokio::test]
async fn whatever_is_changed_shows() {
    type Change = fn(&mut Entry);
    let changes: &[Change] = &[
        |entry| entry.record.data["params"]["id"] = json!("another"),
        |entry| entry.record.data["params"]["x"] = json!(2.5),
        |entry| entry.record.time += 1,
        |entry| entry.record.event = "other".to_owned(),
        |entry| entry.record.subject["userName"] = json!("somebody"),
        |entry| drop(entry.record.subject.insert("userId".to_owned(), Value::Null)),
    ];
    for (number, change) in changes.iter().enumerate() {
        let log = Log::with(20).await;
        log.change(10, change).await;
        assert_eq!(log.check(None, None), Err((23, 10)), "{number}");
        // Who mends the hash breaks the link.
        log.change(10, |entry| entry.record.id = hash::id_of(&members(&entry.record))).await;
        assert_eq!(log.check(None, None), Err((22, 10)), "{number}");
    }
    let log = Log::with(20).await;
    log.store.delete(Table::Audit, &key(10), Expect::Any).await.unwrap();
    assert_eq!(log.check(None, None), Err((22, 10)));
    // The oldest, and the newest: for that somebody has to know what it was.
    let log = Log::with(20).await;
    let last = log.entry(20).record.id;
    log.store.delete(Table::Audit, &key(1), Expect::Any).await.unwrap();
    assert_eq!(log.check(None, None), Err((22, 19)));
    let log = Log::with(20).await;
    log.store.delete(Table::Audit, &key(20), Expect::Any).await.unwrap();
    assert_eq!(log.check(None, None), Ok(19));
    assert_eq!(log.check(Some(&last), None), Err((22, 0)));
}

#[tokio::test]
async fn it_is_kept_for_a_time_and_to_a_size() {
    let log = Log::with(3_000).await;
    let all = Keep { time: 10_000, size: u64::MAX };
    assert_eq!(shorten(&log.store, all, 3_000).await.unwrap(), None);
    // By time: those of before 1,500 are gone, unless something newer stands before them.
    let removed = shorten(&log.store, Keep { time: 1_500, ..all }, 3_000).await.unwrap();
    let (count, last) = removed.unwrap_or_default();
    let left = 3_000 - count;
    assert_eq!(log.check(None, None), Ok(left));
    assert_eq!(log.check(None, Some(&last)), Ok(left));
    assert!(log.store.get::<Entry>(Table::Audit, &key(count + 1)).unwrap().is_some());
    assert!(log.entry(count + 1).record.time >= 1_500);
    // By size: 100 records.
    let size = 100 * (log.entry(3_000).size - log.entry(2_999).size);
    shorten(&log.store, Keep { size, ..all }, 3_000).await.unwrap();
    let left = log.check(None, None).unwrap();
    assert!((95..=105).contains(&left), "{left}");
    // The chain goes on, also where nothing is left.
    log.append(5_000).await;
    assert_eq!(log.check(None, None), Ok(left + 1));
    shorten(&log.store, Keep { time: 0, ..all }, 10_000).await.unwrap();
    assert_eq!(log.check(None, None), Ok(0));
    log.append(11_000).await;
    assert_eq!((log.check(None, None), log.entry(3_002).record.time), (Ok(1), 11_000));
    // Records that are taken out at the beginning by hand are missing.
    log.append(11_001).await;
    log.store.delete(Table::Audit, &key(3_002), Expect::Any).await.unwrap();
    assert_eq!(log.check(None, None), Err((22, 1)));
}
