//! From a file to a plugin: read, inspect, compile or take from the cache, link. Nothing of the plugin runs.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use wasmtime::Engine;
use wasmtime::component::Linker;

use crate::cache::{Cache, sha256_hex};
use crate::compile::compile;
use crate::ctx::Ctx;
use crate::inspect::{MAX_COMPONENT, check_size, inspect};
use crate::instance::millis;
use crate::plugin::Draft;
use crate::{LoadError, Plugin};

/// What tells that a file has changed, without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    size: u64,
    inode: (u64, u64),
    changed: (i64, i64),
    modified: (i64, i64),
}

impl Stamp {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|about| Self::from(&about))
    }
}

impl From<&fs::Metadata> for Stamp {
    fn from(about: &fs::Metadata) -> Self {
        Self {
            size: about.size(),
            inode: (about.dev(), about.ino()),
            changed: (about.ctime(), about.ctime_nsec()),
            modified: (about.mtime(), about.mtime_nsec()),
        }
    }
}

/// Returns the `*.wasm` of a folder, by name.
pub(crate) fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = vec![];
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Reads a component whole, or says why not. A pipe or a device in the folder must not hang us.
fn read(path: &Path) -> Result<(Vec<u8>, Stamp), LoadError> {
    let failed = |error: io::Error| LoadError::new("file.read", format!("it cannot be read: {error}"));
    let file: File = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() {
        return Err(LoadError::new("file.read", "it is not a file"));
    }
    check_size(about.len())?;
    let mut bytes = vec![];
    file.take(MAX_COMPONENT + 1).read_to_end(&mut bytes).map_err(failed)?;
    check_size(bytes.len() as u64)?;
    Ok((bytes, Stamp::from(&about)))
}

/// Makes plugins of files.
pub(crate) struct Loader {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<Ctx>,
    pub(crate) cache: Cache,
    pub(crate) compiler: Vec<OsString>,
}

impl Loader {
    /// Loads a file. `current` is the plugin that is loaded from it now: with the same bytes it stays. Called by one at a time,
    /// so there is one compiler at a time.
    pub(crate) async fn load(
        self: &Arc<Self>,
        path: &Path,
        current: Option<&Arc<Plugin>>,
    ) -> Result<(Arc<Plugin>, Stamp), LoadError> {
        let loader = self.clone();
        let (file, known) = (path.to_owned(), current.map(|plugin| plugin.digest.clone()));
        let prepared = blocking(move || loader.prepare(&file, known.as_deref())).await?;
        let (bytes, stamp, digest, manifest, cached) = match prepared {
            Prepared::Same(stamp) => {
                let plugin = current.ok_or_else(|| LoadError::new("file.read", "it changed while it was read"))?;
                return Ok((plugin.clone(), stamp));
            }
            Prepared::New { bytes, stamp, digest, manifest, cached } => (bytes, stamp, digest, manifest, cached),
        };
        let size = bytes.len() as u64;
        let (component, compile_ms) = match cached {
            Some(component) => (component, None),
            None => {
                let start = Instant::now();
                let code = compile(&self.compiler, &bytes).await?;
                drop(bytes);
                let (loader, digest) = (self.clone(), digest.clone());
                let component = blocking(move || {
                    loader.cache.store(&digest, &code);
                    // From the cache if it can keep it: what is mapped costs less than what is copied.
                    let kept = loader.cache.load(&loader.engine, &digest).map(Ok);
                    kept.unwrap_or_else(|| loader.cache.adopt(&loader.engine, &code)).map_err(|error| {
                        LoadError::new("compile.failed", format!("its compiled code cannot be used: {error:#}"))
                    })
                });
                (component.await?, Some(millis(start.elapsed())))
            }
        };
        let loader = self.clone();
        let draft = Draft { manifest: *manifest, digest, size, compile_ms };
        let plugin = blocking(move || Plugin::link(draft, &loader.linker, &component)).await?;
        Ok((Arc::new(plugin), stamp))
    }

    fn prepare(&self, path: &Path, known: Option<&str>) -> Result<Prepared, LoadError> {
        let (bytes, stamp) = read(path)?;
        let digest = sha256_hex(&bytes);
        if known == Some(digest.as_str()) {
            return Ok(Prepared::Same(stamp));
        }
        let inspected = inspect(&bytes)?;
        for warning in inspected.warnings {
            tracing::warn!(file = %path.display(), "{warning}");
        }
        let cached = self.cache.load(&self.engine, &digest);
        Ok(Prepared::New { bytes, stamp, digest, manifest: Box::new(inspected.manifest), cached })
    }
}

enum Prepared {
    Same(Stamp),
    New {
        bytes: Vec<u8>,
        stamp: Stamp,
        digest: String,
        manifest: Box<crate::Manifest>,
        cached: Option<wasmtime::component::Component>,
    },
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        // A panic while reading a file that someone else made is that file's problem, not the daemon's.
        Err(error) => Err(LoadError::new("internal", format!("it could not be loaded: {error}"))),
    }
}
