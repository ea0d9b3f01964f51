//! A disk that is full: writes fail and say so, reads go on, and when there is room again so do the writes.
//!
//! A child process plays it with a limit on the size of files (RLIMIT_FSIZE), which works for every user and on every file
//! system; beyond it the kernel refuses as it does on a full disk, once the signal that goes with it is ignored.

use std::path::Path;
use std::process::Command;

use rlimit::Resource;
use store::{Error, Expect, Store, Table};

use crate::{Folder, key, open};

const CHILD: &str = "STORE_TEST_FULL_DISK";

/// The child. Without the variable there is nothing to do.
#[test]
fn child() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(story(Path::new(&path)));
    println!("the story was played");
}

fn limit(bytes: u64) {
    let (_, hard) = rlimit::getrlimit(Resource::FSIZE).unwrap();
    rlimit::setrlimit(Resource::FSIZE, bytes.min(hard), hard).unwrap();
}

fn assert_reads(store: &Store, written: usize) {
    for number in 0..written {
        let stored = store.get::<String>(Table::PluginKv, &format!("{number:04}")).unwrap();
        assert_eq!(stored.unwrap().value.len(), 64 * 1024);
    }
    assert_eq!(store.scan::<String>(Table::PluginKv, "", None, usize::MAX).unwrap().len(), written);
}

async fn story(path: &Path) {
    let big = "x".repeat(64 * 1024);
    let store = open(path);
    let mut watch = store.watch();
    store.put(Table::Settings, "before", "x", Expect::Any).await.unwrap();
    limit(std::fs::metadata(path).unwrap().len() + 256 * 1024);

    let mut written = 0;
    let error = loop {
        match store.put(Table::PluginKv, &format!("{written:04}"), &big, Expect::Any).await {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 10_000, "the limit does not work");
    };
    assert!(matches!(&error, Error::ReadOnly { .. }), "{error}");
    let reason = store.is_read_only().unwrap();
    assert_eq!(error.to_string(), format!("the store is read-only: {reason}"));
    assert!(reason.contains("File too large"), "{reason}");
    assert_reads(&store, written);

    // Trying again fails again, alone and in company, and harms nothing.
    for _ in 0..3 {
        let batch =
            || (0..8).map(|n| store.put(Table::PluginKv, Box::leak(format!("no/{n}").into()), &big, Expect::Any));
        for put in batch() {
            assert!(matches!(put.await, Err(Error::ReadOnly { .. })));
        }
        assert_reads(&store, written);
    }

    // Not even the header can be written: the file is opened for reading only.
    let size = std::fs::metadata(path).unwrap().len();
    limit(0);
    for _ in 0..2 {
        assert!(matches!(store.put(Table::PluginKv, "no", "small", Expect::Any).await, Err(Error::ReadOnly { .. })));
        assert!(store.is_read_only().unwrap().contains("File too large"));
        assert_reads(&store, written);
    }
    assert!(!store.was_repaired());
    drop(store);
    let store = Store::open(path, key()).unwrap();
    assert!(store.is_read_only().unwrap().contains("File too large"));
    assert_reads(&store, written);
    assert!(matches!(store.put(Table::PluginKv, "no", "small", Expect::Any).await, Err(Error::ReadOnly { .. })));
    assert!(!store.was_repaired());
    limit(size);

    // So does starting on a full disk: it opens, and reads.
    drop(store);
    let store = Store::open(path, key()).unwrap();
    assert!(!store.was_repaired());
    assert_reads(&store, written);
    assert!(matches!(store.put(Table::PluginKv, "no", &big, Expect::Any).await, Err(Error::ReadOnly { .. })));
    assert!(store.is_read_only().is_some());

    limit(u64::MAX);
    store.put(Table::PluginKv, &format!("{written:04}"), &big, Expect::Absent).await.unwrap();
    assert_eq!(store.is_read_only(), None);
    assert_reads(&store, written + 1);
    drop(store);
    let store = open(path);
    assert!(!store.was_repaired());
    assert_reads(&store, written + 1);

    let mut heard = 0;
    while watch.try_recv().is_ok() {
        heard += 1;
    }
    assert_eq!(heard, written + 1, "watchers hear of what was written and of nothing else");
}

#[test]
fn reads_go_on_and_writes_come_back() {
    let folder = Folder::new();
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "full_disk::child", "--nocapture"])
        .env(CHILD, folder.path("store.redb"))
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("the story was played"), "{text}");
}
