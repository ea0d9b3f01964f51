//! What can go wrong with the store, by what we were doing.

use std::path::PathBuf;

use crate::{KeyState, Table};

/// An error of the store. Texts name tables, keys and files, never values.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The record is not as the caller expected: read again and decide again.
    #[error("{table}/{key} has changed meanwhile")]
    Conflict {
        /// Where.
        table: Table,
        /// Which record.
        key: String,
    },
    /// A write failed (full disk, broken disk) and nothing of it was acknowledged. Reads go on; each write tries again.
    /// After a failing disk the change may show up nevertheless: read again before repeating it.
    #[error("the store is read-only: {reason}")]
    ReadOnly {
        /// What the system said.
        reason: String,
    },
    /// Reading failed.
    #[error("read {table} from the store")]
    Read {
        /// Where.
        table: Table,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The record is not what this version expects.
    #[error("decode {table}/{key}")]
    Decode {
        /// Where.
        table: Table,
        /// Which record.
        key: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The value has no JSON form.
    #[error("encode {table}/{key}")]
    Encode {
        /// Where.
        table: Table,
        /// Which record.
        key: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The key or the value is larger than the store takes, or the key is empty.
    #[error("{table}/{key}: {what} of {bytes} bytes, at least 1 and at most {limit} are taken")]
    Size {
        /// Where.
        table: Table,
        /// Which record; a long key is cut.
        key: String,
        /// `key` or `value`.
        what: &'static str,
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        limit: usize,
    },
    /// The writer is gone: the store was closed, or its thread died (the log has why).
    #[error("the store is closed")]
    Closed,
    /// Opening the file failed.
    #[error("open the store {path}")]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Cause,
    },
    /// Another process has it.
    #[error("the store {path} is in use by another process: is another xylem running on this state folder?")]
    InUse {
        /// Which file.
        path: PathBuf,
    },
    /// The file is a database, but not one of ours.
    #[error("{path} is not a store of Xylem")]
    NotAStore {
        /// Which file.
        path: PathBuf,
    },
    /// A later version wrote it.
    #[error(
        "the store was written by Xylem {written_by} (store format {found}); this daemon reads up to format {supported}: \
         install Xylem {written_by} or newer"
    )]
    NewerFormat {
        /// Version of the daemon that made this format.
        written_by: String,
        /// Format of the file.
        found: u32,
        /// Newest format that this daemon reads.
        supported: u32,
    },
    /// There is no way from the file's format to ours.
    #[error("the store has format {found}, which this daemon can no longer migrate")]
    TooOldFormat {
        /// Format of the file.
        found: u32,
    },
    /// A migration failed; the file is as it was.
    #[error("migrate the store from format {from}: {what}")]
    Migrate {
        /// Format before the step.
        from: u32,
        /// What the step does.
        what: &'static str,
        /// Why.
        #[source]
        source: Cause,
    },
    /// A new store needs a master key to seal with.
    #[error("a new store cannot be made without a master key")]
    CreateWithoutKey,
    /// Reading or writing the file of the master key failed.
    #[error("{doing} the master key {path}")]
    KeyFile {
        /// `read` or `create`.
        doing: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others could read the key.
    #[error("the master key {path} is open to other users (mode {mode:04o}): run `chmod 600 {path}`")]
    KeyFileMode {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file does not hold a key.
    #[error("the master key {path} is not 64 hexadecimal digits and a newline: restore it from your backup")]
    KeyFileContent {
        /// Which file.
        path: PathBuf,
    },
    /// Sealing would use a key that the store does not know.
    #[error("cannot seal {table}/{key} {field}: {state}")]
    Seal {
        /// Where.
        table: Table,
        /// Which record.
        key: String,
        /// Which field.
        field: String,
        /// What is wrong with the key.
        state: KeyState,
    },
    /// The key of the store can only be exchanged when it is known to fit (rotation) or known to be lost.
    #[error("cannot exchange the master key: {state}")]
    AdoptKey {
        /// What the state of the key is.
        state: KeyState,
    },
    /// The key that sealed it is not at hand.
    #[error("{table}/{key} {field} is sealed with master key {key_id}, which is not here: restore that key file")]
    UnknownKey {
        /// Where.
        table: Table,
        /// Which record.
        key: String,
        /// Which field.
        field: String,
        /// Id of the key that sealed it.
        key_id: String,
    },
    /// The sealed text was altered, or was sealed for another record.
    #[error("{table}/{key} {field} does not open: it was altered, or sealed for another record")]
    Unseal {
        /// Where.
        table: Table,
        /// Which record.
        key: String,
        /// Which field.
        field: String,
    },
}

/// What the engine said, in a form that keeps the engine's types inside this crate.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;
