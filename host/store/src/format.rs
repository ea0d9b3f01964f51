//! The format version of the file: making, checking and migrating it.
//!
//! A table of its own, `store`, holds what the store knows about itself, out of reach of the callers' tables:
//!
//! | key        | value                                                                                       |
//! |------------|---------------------------------------------------------------------------------------------|
//! | `format`   | `{"format": 1, "written_by": "0.1.0"}`; this record keeps its shape in every format to come |
//! | `revision` | the last revision given out, 8 bytes, big-endian                                            |
//! | `canary`   | a sealed text that tells whether the master key is the right one                            |
//!
//! To change the format: raise [`Format::CURRENT`], append a [`Migration`] that makes a store of the old format into one of
//! the new, and keep a file of the old one under `tests/fixtures`. All steps run in one transaction with the new version
//! number, so a step that fails, or a kill, leaves the old store as it was.

use std::path::Path;

use redb::{ReadableTable, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::engine::{Changed, Engine, Rows, open_rows};
use crate::key::MasterKey;
use crate::seal::{self, Sealed};

/// What the store knows about itself. Values here have no revision.
pub(crate) const STORE: Rows = TableDefinition::new("store");
const FORMAT: &str = "format";
const REVISION: &str = "revision";
const CANARY: &str = "canary";

/// What a daemon can read and write.
pub(crate) struct Format {
    /// The format it writes, and the newest that it reads.
    pub(crate) number: u32,
    /// Version of the daemon.
    pub(crate) daemon: &'static str,
    /// How to come here from older formats, oldest first.
    pub(crate) migrations: &'static [Migration],
}

impl Format {
    /// The format of this daemon.
    pub(crate) const CURRENT: Self = Self { number: 1, daemon: env!("CARGO_PKG_VERSION"), migrations: &[] };
}

/// One step, from one format to the next.
pub(crate) struct Migration {
    /// The format that it takes; it leaves the next one.
    pub(crate) from: u32,
    /// What it does, for the log.
    pub(crate) what: &'static str,
    /// Does it.
    pub(crate) run: fn(&WriteTransaction) -> Result<(), redb::Error>,
}

#[derive(Serialize, Deserialize)]
struct FormatRecord {
    format: u32,
    /// Version of the daemon that made the file, or migrated it to this format.
    written_by: String,
}

/// Makes a new store, migrates an older one, refuses others. Returns the canary.
pub(crate) fn prepare(engine: &Engine, path: &Path, key: &MasterKey, format: &Format) -> Result<Sealed, Error> {
    let failed = |source: redb::Error| Error::Open { path: path.into(), source: source.into() };
    let (record, is_empty) = engine
        .read(|transaction| {
            let record = match open_rows(transaction, STORE)? {
                Some(rows) => rows.get(FORMAT)?.map(|row| row.value().to_vec()),
                None => None,
            };
            Ok((record, transaction.list_tables()?.next().is_none()))
        })
        .map_err(failed)?;
    match record {
        None if is_empty => create(engine, key, format)?,
        None => return Err(Error::NotAStore { path: path.into() }),
        Some(record) => {
            let found: FormatRecord =
                serde_json::from_slice(&record).map_err(|_| Error::NotAStore { path: path.into() })?;
            if found.format > format.number {
                let FormatRecord { format: found, written_by } = found;
                return Err(Error::NewerFormat { written_by, found, supported: format.number });
            }
            if found.format < format.number {
                migrate(engine, found.format, format)?;
            }
        }
    }
    let canary = engine
        .read(|transaction| match open_rows(transaction, STORE)? {
            Some(rows) => Ok(rows.get(CANARY)?.map(|row| row.value().to_vec())),
            None => Ok(None),
        })
        .map_err(failed)?;
    canary
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .map(Sealed::from)
        .ok_or_else(|| Error::NotAStore { path: path.into() })
}

/// Writes a canary.
pub(crate) fn put_canary(transaction: &WriteTransaction, canary: &Sealed) -> Result<(), redb::Error> {
    transaction.open_table(STORE)?.insert(CANARY, canary.as_str().as_bytes())?;
    Ok(())
}

/// Returns the last revision that was given out.
pub(crate) fn revision(transaction: &WriteTransaction) -> Result<u64, redb::Error> {
    let rows = transaction.open_table(STORE)?;
    let row = rows.get(REVISION)?;
    let bytes = row.and_then(|row| row.value().try_into().ok());
    bytes.map(u64::from_be_bytes).ok_or_else(|| redb::Error::Corrupted("no revision".into()))
}

/// Writes the last revision that was given out.
pub(crate) fn put_revision(transaction: &WriteTransaction, revision: u64) -> Result<(), redb::Error> {
    transaction.open_table(STORE)?.insert(REVISION, revision.to_be_bytes().as_slice())?;
    Ok(())
}

fn create(engine: &Engine, key: &MasterKey, format: &Format) -> Result<(), Error> {
    if key.is_missing() {
        return Err(Error::CreateWithoutKey);
    }
    let canary = seal::seal_canary(key);
    let made = engine.write(|transaction| {
        put_format(transaction, format)?;
        put_revision(transaction, 0)?;
        put_canary(transaction, &canary)?;
        Ok(((), Changed::Yes))
    });
    made.map_err(|error| Error::ReadOnly { reason: error.to_string() })
}

fn migrate(engine: &Engine, from: u32, format: &Format) -> Result<(), Error> {
    // Which step was at work when it failed: the transaction is gone by then.
    let mut at = (from, "");
    let migrated = engine.write(|transaction| {
        let mut reached = from;
        while reached < format.number {
            let Some(step) = format.migrations.iter().find(|step| step.from == reached) else {
                return Ok((None, Changed::No));
            };
            at = (reached, step.what);
            tracing::info!(from = reached, step.what, "migrating the store");
            (step.run)(transaction)?;
            reached += 1;
        }
        put_format(transaction, format)?;
        Ok((Some(()), Changed::Yes))
    });
    match migrated {
        Ok(Some(())) => Ok(()),
        Ok(None) => Err(Error::TooOldFormat { found: from }),
        Err(error) => Err(Error::Migrate { from: at.0, what: at.1, source: error.into() }),
    }
}

fn put_format(transaction: &WriteTransaction, format: &Format) -> Result<(), redb::Error> {
    let record = FormatRecord { format: format.number, written_by: format.daemon.to_owned() };
    let json = serde_json::to_vec(&record).map_err(|error| redb::Error::Corrupted(error.to_string()))?;
    transaction.open_table(STORE)?.insert(FORMAT, json.as_slice())?;
    Ok(())
}
