//! Compiled code on disk, authenticated: wasmtime runs what it is given as machine code, so nothing unauthenticated may reach it.
//!
//! A file is a header line that names component, engine and crate version, the code, and an HMAC-SHA256 over both.
//! Anything that is not exactly right is a miss, and a miss compiles again; it never fails.
//!
//! Between the check and the use the bytes must not change. The file is read once, and what was checked is written into a
//! nameless file (`O_TMPFILE`) that only this process has open; wasmtime maps that. A map has two merits over handing over
//! the buffer: no second copy is made, and pages that a plugin never runs stay out of memory. Where there are no nameless
//! files, or no executable maps of them, the buffer itself is handed over.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ring::{digest, hmac};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::Error;

/// Bytes of compiled code: a component of 64 MiB compiles to about three times that.
const MAX_CODE: u64 = 512 << 20;

const MAC: usize = 32;

/// Files that no plugin uses are kept this long, for going back to an old version.
const KEEP: Duration = Duration::from_secs(30 * 86_400);

/// The folder of compiled code.
pub(crate) struct Cache {
    folder: PathBuf,
    key: hmac::Key,
    engine: String,
}

impl Cache {
    /// Makes the folder private. The engine decides which files count.
    pub(crate) fn open(folder: &Path, key: &[u8; 32], engine: &Engine) -> Result<Self, Error> {
        let failed = |source| Error::CacheFolder { path: folder.to_owned(), source };
        match DirBuilder::new().recursive(true).mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
            _ => {}
        }
        if !fs::symlink_metadata(folder).map_err(failed)?.is_dir() {
            return Err(failed(io::Error::from(io::ErrorKind::NotADirectory)));
        }
        fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(failed)?;
        let mut hash = Sha256(digest::Context::new(&digest::SHA256));
        engine.precompile_compatibility_hash().hash(&mut hash);
        let engine = hex(hash.0.finish().as_ref());
        Ok(Self { folder: folder.to_owned(), key: hmac::Key::new(hmac::HMAC_SHA256, key), engine })
    }

    fn header(&self, component: &str) -> String {
        format!("xylem-compiled 1 {component} {} {}\n", self.engine, env!("CARGO_PKG_VERSION"))
    }

    /// Returns where the code of a component (SHA-256 in hex) lies.
    pub(crate) fn path(&self, component: &str) -> PathBuf {
        let name = hex(digest::digest(&digest::SHA256, self.header(component).as_bytes()).as_ref());
        self.folder.join(format!("{}.cwasm", &name[..40]))
    }

    /// Returns the component from its compiled code, or None to have it compiled.
    pub(crate) fn load(&self, engine: &Engine, component: &str) -> Option<Component> {
        let path = self.path(component);
        match self.read(&path, component).and_then(|code| self.load_code(engine, &code)) {
            Ok(loaded) => Some(loaded),
            Err(Miss::None) => None,
            Err(Miss::Because(reason)) => {
                tracing::warn!(file = %path.display(), reason, "compiled code is not used and made anew");
                None
            }
        }
    }

    fn read(&self, path: &Path, component: &str) -> Result<Vec<u8>, Miss> {
        let opened = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path);
        let mut file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Miss::None),
            Err(error) if error.raw_os_error() == Some(libc::ELOOP) => return because("it is a symbolic link"),
            Err(error) => return because(error),
        };
        let about = file.metadata().or_else(because)?;
        if !about.is_file() || about.mode() & 0o077 != 0 {
            return because("it is not a private file");
        }
        if about.len() > MAX_CODE {
            return because("it is too large");
        }
        let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or_default());
        Read::by_ref(&mut file).take(MAX_CODE).read_to_end(&mut bytes).or_else(because)?;
        let header = self.header(component);
        if !bytes.starts_with(header.as_bytes()) {
            return because("it is of another component, engine or version");
        }
        let Some(signed) = bytes.len().checked_sub(MAC).filter(|signed| *signed >= header.len()) else {
            return because("it is cut off");
        };
        if hmac::verify(&self.key, &bytes[..signed], &bytes[signed..]).is_err() {
            return because("its code was changed");
        }
        bytes.truncate(signed);
        bytes.drain(..header.len());
        Ok(bytes)
    }

    fn load_code(&self, engine: &Engine, code: &[u8]) -> Result<Component, Miss> {
        match self.map(engine, code) {
            Ok(component) => return Ok(component),
            Err(error) => tracing::debug!(error = format!("{error:#}"), "compiled code cannot be mapped; it is copied"),
        }
        self.adopt(engine, code).map_err(|error| Miss::Because(format!("{error:#}")))
    }

    fn map(&self, engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
        let flags = libc::O_TMPFILE;
        let mut file = OpenOptions::new().read(true).write(true).custom_flags(flags).mode(0o600).open(&self.folder)?;
        file.write_all(code)?;
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        #[allow(unsafe_code)]
        // SAFETY: the bytes came from our compiler, as the MAC says, and the file has no name by which anybody could change it.
        unsafe {
            Component::deserialize_file(engine, path)
        }
    }

    /// Takes code that this process has just got from its own compiler, or checked.
    pub(crate) fn adopt(&self, engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
        #[allow(unsafe_code)]
        // SAFETY: the caller's bytes are checked by MAC or come over a pipe from the child that compiled them; both lie in
        // memory of this process.
        unsafe {
            Component::deserialize(engine, code)
        }
    }

    /// Keeps compiled code. Failing to is no failure: the next start compiles again.
    pub(crate) fn store(&self, component: &str, code: &[u8]) {
        let path = self.path(component);
        if let Err(error) = self.write(&path, component, code) {
            tracing::warn!(file = %path.display(), %error, "compiled code cannot be kept");
        }
    }

    fn write(&self, path: &Path, component: &str, code: &[u8]) -> io::Result<()> {
        let header = self.header(component);
        let mut context = hmac::Context::with_key(&self.key);
        context.update(header.as_bytes());
        context.update(code);
        let temporary = self.folder.join(format!(".{}.tmp", uuid::Uuid::new_v4().simple()));
        let written = (|| {
            let mut file = File::options().write(true).create_new(true).mode(0o600).open(&temporary)?;
            file.write_all(header.as_bytes())?;
            file.write_all(code)?;
            file.write_all(context.sign().as_ref())?;
            // A rename replaces whatever stands at the path, a symbolic link included.
            fs::rename(&temporary, path)
        })();
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    /// Removes what no plugin has used for a month, and what a crash left half written.
    pub(crate) fn prune(&self, used: &[PathBuf], now: SystemTime) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let age =
                entry.metadata().and_then(|about| about.modified()).ok().and_then(|at| now.duration_since(at).ok());
            let temporary = path.extension().is_some_and(|extension| extension == "tmp");
            let keep = if temporary { Duration::from_secs(3_600) } else { KEEP };
            if !used.contains(&path) && age.is_some_and(|age| age > keep) {
                let _ = fs::remove_file(path);
            }
        }
    }
}

enum Miss {
    None,
    Because(String),
}

fn because<T>(reason: impl ToString) -> Result<T, Miss> {
    Err(Miss::Because(reason.to_string()))
}

/// Returns SHA-256 in hex.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A hash that is the same in every process, unlike the standard library's promise.
struct Sha256(digest::Context);

impl Hasher for Sha256 {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
