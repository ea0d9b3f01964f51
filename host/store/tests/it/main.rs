//! The store from outside, as `app` uses it: records, scans, sealing, kills, full disks, and files of earlier releases.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod backup;
mod fixture;
mod full_disk;
mod kill;
mod master_key;
mod records;
mod scan;
mod sealing;

use std::path::{Path, PathBuf};

use store::{MasterKey, Store};

/// A state folder with a store that can be opened again and again.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn open(&self) -> Store {
        open(&self.path("store.redb"))
    }
}

fn open(path: &Path) -> Store {
    Store::open(path, key()).unwrap()
}

fn key() -> MasterKey {
    MasterKey::from_bytes([7; 32])
}

fn other_key() -> MasterKey {
    MasterKey::from_bytes([8; 32])
}
