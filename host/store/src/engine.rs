//! The file and its transactions: the only place that opens redb.
//!
//! redb refuses everything, reads too, after the first failed write. So a failure closes the file and opens it again, which
//! takes no repair (each commit records the free pages) and needs no space on the disk, but to write in place; where not even
//! that goes, the file is opened under an overlay that keeps such writes in memory:
//!
//! ```text
//!   Writable --write fails--> reopen --ok--> Writable, marked read-only until a write succeeds
//!                                |--fails--> ReadOnly (overlay)  --next write--> reopen
//!                                |--fails--> Gone (nothing goes) ----next use-----> reopen
//! ```

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use redb::{
    Database, DatabaseError, Durability, ReadTransaction, ReadableDatabase, StorageError, TableDefinition, TableError,
    WriteTransaction,
};

use crate::overlay::Overlay;
use crate::{Error, Table};

/// Enough for the tables that are read; the audit log, which only grows, would fill any cache (redb takes up to 1 GiB by
/// itself), and what is read of it comes from the page cache of the system.
const CACHE_BYTES: usize = 4 * 1024 * 1024;

/// Keys to revision (8 bytes, big-endian) and JSON.
pub(crate) type Rows = TableDefinition<'static, &'static str, &'static [u8]>;

/// Returns the definition of a table.
pub(crate) fn rows(table: Table) -> Rows {
    TableDefinition::new(table.name())
}

/// A record as it is in the file.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) revision: u64,
    pub(crate) json: Vec<u8>,
}

/// Whether a write transaction has something to commit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changed {
    Yes,
    No,
}

pub(crate) struct Engine {
    path: PathBuf,
    opened: RwLock<Opened>,
    read_only: Mutex<Option<String>>,
    repaired: Arc<AtomicBool>,
    /// By table, in the order of [`Table::ALL`].
    versions: [AtomicU64; Table::ALL.len()],
}

struct Opened {
    file: File,
    /// Counts the openings, so that of several who see the same failure only the first one reopens.
    generation: u64,
}

enum File {
    Writable(Database),
    /// Over an [`Overlay`]: for reading.
    ReadOnly(Database),
    Gone,
}

impl Engine {
    /// Opens or makes the file. A file that cannot be written for want of space opens read-only.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let repaired = Arc::new(AtomicBool::new(false));
        let (file, read_only) = match open_writable(path, MakeNew::Yes, &repaired) {
            Ok(database) => (File::Writable(database), None),
            Err(DatabaseError::DatabaseAlreadyOpen) => return Err(Error::InUse { path: path.into() }),
            Err(error) => match open_read_only(path) {
                Ok(database) if is_want_of_space(&error) => (File::ReadOnly(database), Some(error.to_string())),
                _ => return Err(Error::Open { path: path.into(), source: error.into() }),
            },
        };
        if let Some(reason) = &read_only {
            tracing::error!(path = %path.display(), reason, "the store is read-only");
        }
        Ok(Self {
            path: path.into(),
            opened: RwLock::new(Opened { file, generation: 0 }),
            read_only: Mutex::new(read_only),
            repaired,
            versions: Default::default(),
        })
    }

    /// Returns a number that is another one once a change of the table is answered.
    pub(crate) fn version(&self, table: Table) -> u64 {
        self.versions[table as usize].load(Ordering::Acquire)
    }

    /// Notes that a table has changed.
    pub(crate) fn has_changed(&self, table: Table) {
        self.versions[table as usize].fetch_add(1, Ordering::Release);
    }

    /// Returns a record.
    pub(crate) fn get(&self, table: Table, key: &str) -> Result<Option<Raw>, Error> {
        let found = self.read(|transaction| {
            let Some(rows) = open_rows(transaction, rows(table))? else { return Ok(None) };
            rows.get(key)?.map(|row| split(row.value())).transpose()
        });
        found.map_err(|error| Error::Read { table, source: error.into() })
    }

    /// Returns records upwards from a prefix, or from behind a key.
    pub(crate) fn scan(
        &self,
        table: Table,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Raw)>, Error> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        let lower = match after {
            Some(after) if after >= prefix => Excluded(after),
            _ => Included(prefix),
        };
        let found = self.read(|transaction| {
            let Some(rows) = open_rows(transaction, rows(table))? else { return Ok(Vec::new()) };
            collect(rows.range::<&str>((lower, Unbounded))?, prefix, limit)
        });
        found.map_err(|error| Error::Read { table, source: error.into() })
    }

    /// Returns records downwards from the last of a prefix, or from before a key.
    pub(crate) fn scan_back(
        &self,
        table: Table,
        prefix: &str,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Raw)>, Error> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        let end = behind(prefix);
        let upper = match (before, end.as_deref()) {
            (Some(before), Some(end)) => Excluded(before.min(end)),
            (Some(key), None) | (None, Some(key)) => Excluded(key),
            (None, None) => Unbounded,
        };
        // A range that ends before it begins is an error to redb, and an empty answer to us.
        if before.is_some_and(|before| before <= prefix) {
            return Ok(Vec::new());
        }
        let found = self.read(|transaction| {
            let Some(rows) = open_rows(transaction, rows(table))? else { return Ok(Vec::new()) };
            collect(rows.range::<&str>((Included(prefix), upper))?.rev(), prefix, limit)
        });
        found.map_err(|error| Error::Read { table, source: error.into() })
    }

    /// Returns why the last write failed.
    pub(crate) fn read_only(&self) -> Option<String> {
        self.read_only.lock().clone()
    }

    /// Returns whether an opening had to repair the file.
    pub(crate) fn was_repaired(&self) -> bool {
        self.repaired.load(Ordering::Relaxed)
    }

    /// Reads in one transaction; after a failure tries once more with the file opened again.
    pub(crate) fn read<R>(&self, work: impl Fn(&ReadTransaction) -> Result<R, redb::Error>) -> Result<R, redb::Error> {
        let (generation, first) = self.try_read(&work);
        match first {
            Err(redb::Error::Io(_) | redb::Error::PreviousIo | redb::Error::DatabaseClosed) => {
                // Whether it can be written again is not the reader's concern.
                let _ = self.reopen(generation);
                self.try_read(&work).1
            }
            answer => answer,
        }
    }

    fn try_read<R>(&self, work: impl Fn(&ReadTransaction) -> Result<R, redb::Error>) -> (u64, Result<R, redb::Error>) {
        // Held while reading, so that nobody closes the file under us; a reader is short and never waits for anything.
        let opened = self.opened.read();
        let transaction = match &opened.file {
            File::Writable(database) | File::ReadOnly(database) => database.begin_read().map_err(redb::Error::from),
            File::Gone => Err(redb::Error::DatabaseClosed),
        };
        (opened.generation, transaction.and_then(|transaction| work(&transaction)))
    }

    /// Writes in one transaction and makes it durable. Only one caller at a time: the writer thread, or who is opening.
    /// A failure makes the store read-only, a success ends that.
    pub(crate) fn write<R>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<(R, Changed), redb::Error>,
    ) -> Result<R, redb::Error> {
        let generation = self.opened.read().generation;
        let is_writable = matches!(self.opened.read().file, File::Writable(_));
        if !is_writable {
            self.reopen(generation)?;
        }
        let (generation, outcome) = self.try_write(work);
        match outcome {
            Ok((answer, changed)) => {
                if changed == Changed::Yes && self.read_only.lock().take().is_some() {
                    tracing::info!(path = %self.path.display(), "the store can be written again");
                }
                Ok(answer)
            }
            Err(error) => {
                self.set_read_only(&error);
                // Reads must go on; if this fails too, the next use tries it again.
                let _ = self.reopen(generation);
                Err(error)
            }
        }
    }

    fn try_write<R>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<(R, Changed), redb::Error>,
    ) -> (u64, Result<(R, Changed), redb::Error>) {
        let opened = self.opened.read();
        let File::Writable(database) = &opened.file else {
            return (opened.generation, Err(redb::Error::DatabaseClosed));
        };
        let outcome = (|| {
            let mut transaction = database.begin_write()?;
            transaction.set_durability(Durability::Immediate)?;
            // Records the free pages with each commit: a kill leaves nothing to repair, for 0.2 ms per commit.
            transaction.set_quick_repair(true);
            let (answer, changed) = work(&transaction)?;
            match changed {
                Changed::Yes => transaction.commit()?,
                Changed::No => transaction.abort()?,
            }
            Ok((answer, changed))
        })();
        (opened.generation, outcome)
    }

    /// Notes why the store cannot be written. Logs it once and not at each try.
    fn set_read_only(&self, error: &dyn std::error::Error) {
        let reason = error.to_string();
        let mut read_only = self.read_only.lock();
        if read_only.as_ref() != Some(&reason) {
            tracing::error!(path = %self.path.display(), reason, "the store cannot be written, it is read-only");
            *read_only = Some(reason);
        }
    }

    /// Closes the file and opens it again, unless someone has done so since `generation`.
    fn reopen(&self, generation: u64) -> Result<(), redb::Error> {
        let mut opened = self.opened.write();
        if opened.generation != generation {
            return Ok(());
        }
        opened.generation += 1;
        // The lock of the old one would keep the new one out.
        opened.file = File::Gone;
        // A file that vanished under us must not come back empty.
        match open_writable(&self.path, MakeNew::No, &self.repaired) {
            Ok(database) => {
                opened.file = File::Writable(database);
                Ok(())
            }
            Err(error) => {
                self.set_read_only(&error);
                match open_read_only(&self.path) {
                    Ok(database) => opened.file = File::ReadOnly(database),
                    Err(second) => {
                        tracing::error!(path = %self.path.display(), error = %second, "the store cannot be read");
                    }
                }
                Err(error.into())
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum MakeNew {
    Yes,
    No,
}

fn open_writable(path: &Path, make: MakeNew, repaired: &Arc<AtomicBool>) -> Result<Database, DatabaseError> {
    let is_new = make == MakeNew::Yes && !path.exists();
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(is_new)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(StorageError::Io)?;
    if is_new {
        crate::key::sync_folder(path).map_err(StorageError::Io)?;
    }
    let repaired = Arc::clone(repaired);
    redb::Builder::new()
        .set_cache_size(CACHE_BYTES)
        .set_repair_callback(move |_| {
            if !repaired.swap(true, Ordering::Relaxed) {
                tracing::warn!("the store was damaged and is being repaired");
            }
        })
        .create_file(file)
}

fn open_read_only(path: &Path) -> Result<Database, DatabaseError> {
    redb::Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(Overlay::open(path)?)
}

/// Returns whether the daemon should start without writing rather than not at all.
fn is_want_of_space(error: &DatabaseError) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let DatabaseError::Storage(StorageError::Io(error)) = error else { return false };
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge | ReadOnlyFilesystem)
}

type OpenRows = redb::ReadOnlyTable<&'static str, &'static [u8]>;

/// Opens a table; `None` when it is not in the file, because nothing was ever written to it.
pub(crate) fn open_rows(transaction: &ReadTransaction, rows: Rows) -> Result<Option<OpenRows>, redb::Error> {
    match transaction.open_table(rows) {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

type Row<'a> = Result<(redb::AccessGuard<'a, &'static str>, redb::AccessGuard<'a, &'static [u8]>), StorageError>;

fn collect<'a>(
    rows: impl Iterator<Item = Row<'a>>,
    prefix: &str,
    limit: usize,
) -> Result<Vec<(String, Raw)>, redb::Error> {
    let mut found = Vec::new();
    for row in rows.take(limit) {
        let (key, value) = row?;
        if !key.value().starts_with(prefix) {
            break;
        }
        found.push((key.value().to_owned(), split(value.value())?));
    }
    Ok(found)
}

/// Returns the first key behind all keys with this prefix; `None` when there is no such key.
fn behind(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // UTF-8 sorts as code points do; the next one after U+D7FF is U+E000.
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// Takes a row apart.
fn split(row: &[u8]) -> Result<Raw, redb::Error> {
    Ok(Raw { revision: revision(row)?, json: row[8..].to_vec() })
}

/// Returns the revision of a row.
pub(crate) fn revision(row: &[u8]) -> Result<u64, redb::Error> {
    let bytes = row.first_chunk::<8>().ok_or_else(|| redb::Error::Corrupted("a record without revision".into()))?;
    Ok(u64::from_be_bytes(*bytes))
}

/// Puts a row together.
pub(crate) fn join(revision: u64, json: &[u8]) -> Vec<u8> {
    let mut row = Vec::with_capacity(8 + json.len());
    row.extend_from_slice(&revision.to_be_bytes());
    row.extend_from_slice(json);
    row
}
