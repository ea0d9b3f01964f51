//! `xylem backup` and `xylem restore`: the store of a daemon that does not run, to a file and back.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use model::Secret;
use store::Store;
use store::backup::{self, Summary};

use crate::config::Config;
use crate::credentials;

/// Name of the store that a restore has put aside.
const ASIDE: &str = "xylem.redb.before-restore";

/// Writes the store to a new file, readable by its owner alone.
///
/// # Errors
/// When the daemon runs, its master key is not there, or the file is there already. No file stays behind then.
pub fn backup(config: &Config, file: &Path, passphrase: &Secret) -> Result<Summary> {
    let folder = &config.state.folder;
    let path = folder.join("xylem.redb");
    // Opening would make one.
    if !path.exists() {
        bail!("there is no store in {}: say where it is with --state or --config", folder.display());
    }
    let key = credentials::master_key(folder)?;
    let store = Store::open(&path, key).context("open the store")?;
    let doing = || format!("write the backup {}", file.display());
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    if made.as_ref().is_err_and(|error| error.kind() == ErrorKind::AlreadyExists) {
        bail!("{} is there already: choose another name", file.display());
    }
    let made = made.with_context(doing)?;
    let written = backup::write(&store, &made, passphrase).with_context(doing);
    let synced = written.and_then(|summary| made.sync_all().map(|()| summary).with_context(doing));
    if synced.is_err() {
        let _ = fs::remove_file(file);
    }
    synced
}

/// Makes the store of this machine out of a backup, sealed with its own master key. The file is read to its end before
/// anything is touched. `replace`: a store that is there makes room, and is kept beside the new one.
///
/// # Errors
/// When the backup does not open, the daemon runs, or there is a store and `replace` is not said. Everything is as before.
pub async fn restore(config: &Config, file: &Path, passphrase: &Secret, replace: bool) -> Result<Summary> {
    let open = || File::open(file).with_context(|| format!("read the backup {}", file.display()));
    let reading = || format!("read the backup {}", file.display());
    backup::check(open()?, passphrase).with_context(reading)?;
    let folder = &config.state.folder;
    let path = folder.join("xylem.redb");
    let is_there = path.exists();
    // Before the lock is asked for: a running daemon must not be stopped for nothing.
    if is_there && !replace {
        drop(Store::open(&path, store::MasterKey::missing()).context("open the store that is there")?);
        bail!("there is a store in {} already: say --replace to put it aside", folder.display());
    }
    let aside = folder.join(ASIDE);
    if is_there && aside.exists() {
        bail!("an earlier restore left {}: move it away first", aside.display());
    }
    credentials::state_folder(folder)?;
    let key = credentials::master_key(folder)?;
    if key.is_missing() {
        bail!("the store in {} has lost its master key: move both stores away, then restore", folder.display());
    }
    // Held until the end, so that no daemon starts in between.
    let old = is_there.then(|| Store::open(&path, key.clone())).transpose().context("open the store that is there")?;
    let beside = folder.join("xylem.redb.restoring");
    // What a restore left that was killed.
    let _ = fs::remove_file(&beside);
    let restored = backup::restore(open()?, passphrase, &beside, &key).await.with_context(reading);
    let placed = restored.and_then(|summary| place(&path, &beside, &aside, is_there).map(|()| summary));
    if placed.is_err() {
        let _ = fs::remove_file(&beside);
    }
    drop(old);
    placed
}

/// Puts the new store in its place in one step; the old one has another name by then.
fn place(path: &Path, beside: &Path, aside: &Path, is_there: bool) -> Result<()> {
    if is_there {
        fs::hard_link(path, aside).with_context(|| format!("put the old store aside as {}", aside.display()))?;
    }
    if let Err(error) = fs::rename(beside, path) {
        let _ = fs::remove_file(aside);
        return Err(error).with_context(|| format!("put the store in its place {}", path.display()));
    }
    if is_there {
        // The password of an administrator who is gone with the old store.
        let _ = fs::remove_file(path.with_file_name("admin-password"));
    }
    let folder = path.parent().context("a store is in a folder")?;
    File::open(folder).and_then(|folder| folder.sync_all()).context("make it durable")
}
