//! The whole store in one file, under a passphrase, for a machine with another master key.
//!
//! Inside is a line of JSON for each record. Its secrets are opened on the way out and sealed anew, with the key of the store
//! that they come to, on the way in; between the two only the passphrase protects them (`envelope.rs`). How a secret is
//! sealed says where it stands: its field is the name under which the sealed text lies in the record.

mod envelope;

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use model::Secret;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::engine::Raw;
use crate::format::Format;
use crate::handle::Store;
use crate::key::{KeyState, MasterKey};
use crate::seal::Sealed;
use crate::{Batch, Expect, Table};
use envelope::{Opener, Sealer};

/// Records that are read at once: a record may have 4 MiB.
const PAGE: usize = 16;

/// Bytes and records of one commit: few commits, and not much in memory.
const COMMIT_BYTES: usize = 1024 * 1024;
const COMMIT_RECORDS: usize = 1_000;

/// Why there is no backup, or nothing comes of one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is something else.
    #[error("this is no backup of Xylem")]
    NotABackup,
    /// A later version made it.
    #[error(
        "the backup has format {found}, and this version of Xylem reads up to {supported}: restore it with a newer one"
    )]
    Newer {
        /// Format of the file.
        found: u32,
        /// Newest that is read.
        supported: u32,
    },
    /// What is sealed behind the header does not open.
    #[error("the passphrase is wrong (or the beginning of the backup was altered)")]
    Passphrase,
    /// A later piece does not open, or is missing.
    #[error("the backup is cut off or was altered")]
    Damaged,
    /// It has what this version does not know.
    #[error("the backup was written by Xylem {written_by} and has {what}, which this version does not know")]
    Unknown {
        /// Version of the daemon that wrote it.
        written_by: String,
        /// What.
        what: String,
    },
    /// Without the key, secrets would stay behind.
    #[error("{0}; without it there would be no secrets in the backup")]
    Key(KeyState),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(io::Error),
    /// The store says no.
    #[error(transparent)]
    Store(#[from] crate::Error),
}

/// What is in a backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Records.
    pub records: usize,
    /// Secrets in them.
    pub secrets: usize,
    /// Secrets that could not be opened in the store where they were; they are as lost as they were there.
    pub lost: usize,
}

/// The first line.
#[derive(Serialize, Deserialize)]
struct About {
    /// Format of the store.
    store: u32,
    written_by: String,
}

#[derive(Serialize, Deserialize)]
struct Line {
    table: String,
    key: String,
    /// As it was, to the letter, unless it has secrets: then null stands in the place of each.
    value: Box<RawValue>,
    /// By the place where they stood, as a JSON pointer (RFC 6901).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    secrets: BTreeMap<String, String>,
    /// How many texts look sealed and did not open.
    #[serde(default, skip_serializing_if = "is_zero")]
    lost: usize,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Writes the whole store. Nobody should change it meanwhile: it is read in pages.
///
/// # Errors
/// When the master key is not the store's, or reading or writing fails.
pub fn write(store: &Store, to: impl Write, passphrase: &Secret) -> Result<Summary, Error> {
    match store.key_state() {
        KeyState::Ok => {}
        state => return Err(Error::Key(state)),
    }
    let mut out = BufWriter::with_capacity(16 * 1024, Sealer::new(to, passphrase)?);
    let about = About { store: Format::CURRENT.number, written_by: Format::CURRENT.daemon.to_owned() };
    write_line(&mut out, &about)?;
    let mut summary = Summary::default();
    for table in Table::ALL {
        let mut after: Option<String> = None;
        loop {
            let page = store.raw(table, after.as_deref(), PAGE)?;
            for (key, raw) in &page {
                let line = open(store, table, key, raw)?;
                summary.records += 1;
                summary.secrets += line.secrets.len();
                summary.lost += line.lost;
                write_line(&mut out, &line)?;
            }
            match page.into_iter().last() {
                Some((key, _)) => after = Some(key),
                None => break,
            }
        }
    }
    let sealer = out.into_inner().map_err(|error| Error::Io(error.into_error()))?;
    sealer.finish().map_err(Error::Io)?;
    Ok(summary)
}

fn write_line(out: &mut impl Write, line: &impl Serialize) -> Result<(), Error> {
    let mut text = Zeroizing::new(serde_json::to_vec(line).map_err(|error| Error::Io(error.into()))?);
    text.push(b'\n');
    out.write_all(&text).map_err(Error::Io)
}

/// Makes a line of a record, with its secrets in clear.
fn open(store: &Store, table: Table, key: &str, raw: &Raw) -> Result<Line, Error> {
    let decode = |source| crate::Error::Decode { table, key: key.to_owned(), source };
    let mut line = Line {
        table: table.name().to_owned(),
        key: key.to_owned(),
        value: serde_json::from_slice(&raw.json).map_err(decode)?,
        secrets: BTreeMap::new(),
        lost: 0,
    };
    // The audit log is most of a store and has none.
    if !line.value.get().contains("\"x1.") {
        return Ok(line);
    }
    let mut value: Value = serde_json::from_slice(&raw.json).map_err(decode)?;
    let Line { secrets, lost, .. } = &mut line;
    each_text(&mut value, &mut String::new(), "", &mut |pointer, field, text| {
        let Value::String(sealed) = &*text else { return };
        let sealed = Sealed::from(sealed.clone());
        if sealed.key_id().len() != 16 {
            return;
        }
        match store.unseal(table, key, field, &sealed) {
            Ok(secret) => {
                secrets.insert(pointer.to_owned(), secret.expose().to_owned());
                *text = Value::Null;
            }
            // Perhaps somebody's text that only looks so; if not, it does not open here either.
            Err(_) => *lost += 1,
        }
    });
    if !line.secrets.is_empty() {
        line.value = serde_json::value::to_raw_value(&value).map_err(decode)?;
    }
    Ok(line)
}

/// Visits every text in a value, with its JSON pointer and the name under which it stands.
fn each_text(value: &mut Value, pointer: &mut String, field: &str, visit: &mut impl FnMut(&str, &str, &mut Value)) {
    let length = pointer.len();
    match value {
        Value::String(_) => visit(pointer, field, value),
        Value::Array(values) => {
            for (at, value) in values.iter_mut().enumerate() {
                let at = at.to_string();
                pointer.push('/');
                pointer.push_str(&at);
                each_text(value, pointer, &at, visit);
                pointer.truncate(length);
            }
        }
        Value::Object(values) => {
            for (name, value) in values {
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                each_text(value, pointer, name, visit);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

/// Reads a backup to its end without doing anything with it.
///
/// # Errors
/// When it is not one, or the passphrase is wrong, or it is cut, or this version does not know something in it.
pub fn check(from: impl Read, passphrase: &Secret) -> Result<Summary, Error> {
    let mut lines = Lines::new(from, passphrase)?;
    let mut summary = Summary::default();
    while let Some((line, _)) = lines.next()? {
        summary.add(&line);
    }
    Ok(summary)
}

/// Makes a new store at `path`, where there must be none, out of a backup, sealed with `key`. When it fails, what is there
/// by then is no store: remove it.
///
/// # Errors
/// As [`check`], or when the store cannot be written.
pub async fn restore(from: impl Read, passphrase: &Secret, path: &Path, key: &MasterKey) -> Result<Summary, Error> {
    let mut lines = Lines::new(from, passphrase)?;
    // The store gets the format that its records have; opening it again brings it up to date.
    let as_written =
        Format { number: lines.about.store, daemon: Format::CURRENT.daemon, migrations: Format::CURRENT.migrations };
    let store = Store::open_as(path, key.clone(), &as_written)?;
    let mut summary = Summary::default();
    let (mut batch, mut bytes) = (Batch::new(), 0);
    while let Some((line, table)) = lines.next()? {
        summary.add(&line);
        bytes += line.value.get().len();
        batch = put(&store, batch, table, line)?;
        if bytes >= COMMIT_BYTES || batch.len() >= COMMIT_RECORDS {
            store.commit(std::mem::take(&mut batch)).await?;
            bytes = 0;
        }
    }
    store.commit(batch).await?;
    drop(store);
    Store::open(path, key.clone())?;
    Ok(summary)
}

fn put(store: &Store, batch: Batch, table: Table, line: Line) -> Result<Batch, Error> {
    if line.secrets.is_empty() {
        return Ok(batch.put(table, &line.key, &line.value, Expect::Absent)?);
    }
    let mut value: Value = serde_json::from_str(line.value.get()).map_err(|_| Error::Damaged)?;
    for (pointer, secret) in &line.secrets {
        let last = pointer.rsplit('/').next().unwrap_or_default();
        let field = last.replace("~1", "/").replace("~0", "~");
        let sealed = store.seal(table, &line.key, &field, &Secret::new(secret.as_str()))?;
        *value.pointer_mut(pointer).ok_or(Error::Damaged)? = Value::String(sealed.as_str().to_owned());
    }
    Ok(batch.put(table, &line.key, &value, Expect::Absent)?)
}

impl Summary {
    fn add(&mut self, line: &Line) {
        self.records += 1;
        self.secrets += line.secrets.len();
        self.lost += line.lost;
    }
}

/// The lines of a backup that this version understands.
struct Lines<R> {
    from: BufReader<Opener<R>>,
    about: About,
    text: Zeroizing<Vec<u8>>,
}

impl<R: Read> Lines<R> {
    fn new(from: R, passphrase: &Secret) -> Result<Self, Error> {
        let mut from = BufReader::new(Opener::new(from, passphrase)?);
        let mut text = Zeroizing::default();
        read_line(&mut from, &mut text)?;
        let about: About = serde_json::from_slice(&text).map_err(|_| Error::Damaged)?;
        if about.store > Format::CURRENT.number {
            return Err(Error::Newer { found: about.store, supported: Format::CURRENT.number });
        }
        Ok(Self { from, about, text })
    }

    fn next(&mut self) -> Result<Option<(Line, Table)>, Error> {
        if read_line(&mut self.from, &mut self.text)? == 0 {
            return Ok(None);
        }
        let line: Line = serde_json::from_slice(&self.text).map_err(|_| Error::Damaged)?;
        let table = Table::ALL.into_iter().find(|table| table.name() == line.table);
        let table = table.ok_or_else(|| Error::Unknown {
            written_by: self.about.written_by.clone(),
            what: format!("a table {}", line.table),
        })?;
        Ok(Some((line, table)))
    }
}

fn read_line(from: &mut impl BufRead, text: &mut Vec<u8>) -> Result<usize, Error> {
    text.clear();
    from.read_until(b'\n', text).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => Error::Damaged,
        _ => Error::Io(error),
    })
}
