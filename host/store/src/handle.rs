//! The handle that everybody holds: reads go straight to the engine, writes through the one writer.

use std::path::Path;
use std::sync::Arc;

use model::Secret;
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::broadcast;

use crate::engine::{Engine, Raw};
use crate::format::{self, Format};
use crate::key::{KeyState, MasterKey};
use crate::seal::{self, Sealed};
use crate::writer::Writer;
use crate::{Batch, Error, Expect, KeyChange, Stored, Table};

/// The store. Cloning gives another handle to the same; when the last one is dropped, the writer finishes what is queued and
/// the file is closed.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    // The order of the fields is the order of dropping: the writer ends before the engine closes the file.
    writer: Writer,
    engine: Arc<Engine>,
    key: MasterKey,
    key_state: Mutex<KeyState>,
}

impl Store {
    /// Opens the store, makes a new one where there is none, and migrates an older one. Blocks for the time of a few reads.
    ///
    /// Fails when another process has it, a later version wrote it, or it is no store; not when the master key is missing
    /// or wrong ([`Store::key_state`]) and not when the disk is full ([`Store::is_read_only`]).
    pub fn open(path: &Path, key: MasterKey) -> Result<Self, Error> {
        Self::open_as(path, key, &Format::CURRENT)
    }

    /// Opens the store as a daemon of another format would; tests play later versions with it.
    pub(crate) fn open_as(path: &Path, key: MasterKey, format: &Format) -> Result<Self, Error> {
        if key.is_missing() && !path.exists() {
            return Err(Error::CreateWithoutKey);
        }
        let engine = Arc::new(Engine::open(path)?);
        let canary = format::prepare(&engine, path, &key, format)?;
        let key_state = seal::key_state(&key, &canary);
        if key_state != KeyState::Ok {
            tracing::error!(state = %key_state, "secrets stay sealed");
        }
        let writer = Writer::start(Arc::clone(&engine));
        Ok(Self { inner: Arc::new(Inner { writer, engine, key, key_state: Mutex::new(key_state) }) })
    }

    /// Returns a record, `None` when there is none.
    pub fn get<T: DeserializeOwned>(&self, table: Table, key: &str) -> Result<Option<Stored<T>>, Error> {
        let raw = self.inner.engine.get(table, key)?;
        raw.map(|raw| decode(table, key, &raw)).transpose()
    }

    /// Returns at most `limit` records whose key begins with `prefix`, in the order of the bytes of their keys, beginning
    /// behind the key `after`. All are from one moment. For the next page give the last key.
    pub fn scan<T: DeserializeOwned>(
        &self,
        table: Table,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Stored<T>)>, Error> {
        decode_all(table, self.inner.engine.scan(table, prefix, after, limit)?)
    }

    /// Returns at most `limit` records as [`Store::scan`] does, but from the last key downwards, beginning before `before`.
    pub fn scan_back<T: DeserializeOwned>(
        &self,
        table: Table,
        prefix: &str,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Stored<T>)>, Error> {
        decode_all(table, self.inner.engine.scan_back(table, prefix, before, limit)?)
    }

    /// Returns records of a table as they lie there, for a backup.
    pub(crate) fn raw(&self, table: Table, after: Option<&str>, limit: usize) -> Result<Vec<(String, Raw)>, Error> {
        self.inner.engine.scan(table, "", after, limit)
    }

    /// Writes a record and returns its new revision. Durable when it returns. Once queued it is written even if the future
    /// is dropped.
    pub async fn put<T: Serialize + ?Sized>(
        &self,
        table: Table,
        key: &str,
        value: &T,
        expect: Expect,
    ) -> Result<u64, Error> {
        let batch = Batch::new().put(table, key, value, expect)?;
        Ok(self.inner.writer.commit(batch).await?.revision)
    }

    /// Removes a record and returns whether there was one. Durable when it returns.
    pub async fn delete(&self, table: Table, key: &str, expect: Expect) -> Result<bool, Error> {
        let batch = Batch::new().delete(table, key, expect);
        Ok(self.inner.writer.commit(batch).await?.removed > 0)
    }

    /// Makes all changes of a batch or, on the first expectation that does not hold, none. Durable when it returns.
    pub async fn commit(&self, batch: Batch) -> Result<(), Error> {
        self.inner.writer.commit(batch).await.map(|_| ())
    }

    /// Returns the changes from now on, in the order in which they were made. `Lagged` means: scan again.
    pub fn watch(&self) -> broadcast::Receiver<KeyChange> {
        self.inner.writer.watch()
    }

    /// Returns a number that stays the same for as long as the table does: it is another one before the call that changed
    /// the table returns. Take it before reading, and keep what was read for as long as it is the same.
    pub fn version(&self, table: Table) -> u64 {
        self.inner.engine.version(table)
    }

    /// Seals a secret for one field of one record; elsewhere it will not open. The field is the name under which the sealed
    /// text stands in the record's JSON: a backup finds it so. Fails when the master key is missing or wrong:
    /// what is sealed with a key that the administrator will replace is lost.
    pub fn seal(&self, table: Table, key: &str, field: &str, plain: &Secret) -> Result<Sealed, Error> {
        match self.key_state() {
            KeyState::Ok => Ok(seal::seal(&self.inner.key, table, key, field, plain)),
            state => Err(Error::Seal { table, key: key.into(), field: field.into(), state }),
        }
    }

    /// Opens what [`Store::seal`] sealed for the same field of the same record, with whichever key of the ring sealed it.
    pub fn unseal(&self, table: Table, key: &str, field: &str, sealed: &Sealed) -> Result<Secret, Error> {
        seal::unseal(&self.inner.key, table, key, field, sealed)
    }

    /// Returns whether it is sealed with another key than the current one: after a rotation, unseal, seal and put it again.
    pub fn needs_reseal(&self, sealed: &Sealed) -> bool {
        sealed.key_id() != self.inner.key.current_id()
    }

    /// Makes the current key of the ring the one that the store expects: the last step of a rotation, when no record needs
    /// resealing any more. From then on the older keys may go.
    pub async fn adopt_key(&self) -> Result<(), Error> {
        match self.key_state() {
            KeyState::Ok => self.inner.writer.replace_canary(seal::seal_canary(&self.inner.key)).await,
            state => Err(Error::AdoptKey { state }),
        }
    }

    /// Goes on with another key than the one the store was sealed with: what that one sealed is given up, until it joins the
    /// ring again. For an administrator who has said so, never by itself. Fails unless the state is [`KeyState::Wrong`].
    pub async fn give_up_lost_key(&self) -> Result<(), Error> {
        match self.key_state() {
            KeyState::Wrong { .. } => {
                self.inner.writer.replace_canary(seal::seal_canary(&self.inner.key)).await?;
                *self.inner.key_state.lock() = KeyState::Ok;
                Ok(())
            }
            state => Err(Error::AdoptKey { state }),
        }
    }

    /// Returns whether the master key is the one that the store was sealed with.
    pub fn key_state(&self) -> KeyState {
        self.inner.key_state.lock().clone()
    }

    /// Returns a key for another purpose (a MAC, cookies), derived from the current master key with HKDF-SHA256; the same
    /// as long as the master key is. Without a master key it is random and lasts as long as the process.
    pub fn derive_key(&self, purpose: &str) -> [u8; 32] {
        self.inner.key.derive(purpose)
    }

    /// Returns why the last write failed, if it did; the next write that succeeds clears it.
    pub fn is_read_only(&self) -> Option<String> {
        self.inner.engine.read_only()
    }

    /// Returns whether opening had to rebuild the file's bookkeeping. It never does after a kill; a sign of a failing disk.
    pub fn was_repaired(&self) -> bool {
        self.inner.engine.was_repaired()
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("key_state", &self.key_state()).finish_non_exhaustive()
    }
}

fn decode<T: DeserializeOwned>(table: Table, key: &str, raw: &Raw) -> Result<Stored<T>, Error> {
    let value = serde_json::from_slice(&raw.json).map_err(|source| Error::Decode { table, key: key.into(), source })?;
    Ok(Stored { revision: raw.revision, value })
}

fn decode_all<T: DeserializeOwned>(table: Table, rows: Vec<(String, Raw)>) -> Result<Vec<(String, Stored<T>)>, Error> {
    rows.into_iter()
        .map(|(key, raw)| {
            let stored = decode(table, &key, &raw)?;
            Ok((key, stored))
        })
        .collect()
}
