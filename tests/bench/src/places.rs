//! Where the bench finds what it measures, and where it writes: `cargo xtask bench` says so in the environment; by hand
//! it is what lies beside this program.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rustix::fs::{Advice, fadvise};

/// The plugin whose calls are measured.
pub const PLUGIN: &str = "auth-ldap";

/// The things to measure.
pub struct Places {
    /// The daemon.
    pub xylem: PathBuf,
    /// The component of [`PLUGIN`].
    pub plugin: PathBuf,
}

impl Places {
    /// Finds all of it.
    ///
    /// # Errors
    /// When something is not built yet.
    pub fn find() -> Result<Self> {
        let beside = std::env::current_exe().context("find our own program")?.with_file_name("xylem");
        let xylem = std::env::var_os("XYLEM_BIN").map_or(beside, PathBuf::from);
        ensure!(xylem.is_file(), "{} is not there; build the daemon first: cargo build -p cli", xylem.display());
        let file = File::open(&xylem).with_context(|| format!("open {}", xylem.display()))?;
        leave_cache(&file).context("have the program read from disk")?;
        Ok(Self { xylem, plugin: rig::component(PLUGIN)? })
    }

    /// Returns cargo's target folder.
    ///
    /// # Errors
    /// When nobody says where it is.
    pub fn target() -> Result<PathBuf> {
        if let Some(target) = std::env::var_os("CARGO_TARGET_DIR") {
            return std::path::absolute(target).context("understand CARGO_TARGET_DIR");
        }
        let ourselves = std::env::current_exe().context("find our own program")?;
        // <target>/<profile>/bench; cargo marks the folder.
        let marked = |folder: &&Path| folder.join("CACHEDIR.TAG").is_file();
        let target = ourselves.ancestors().skip(1).find(marked).map(Path::to_owned);
        target.context("this program is in no target folder; set CARGO_TARGET_DIR")
    }
}

/// Has the system forget a file that it has just written, so that it is read from disk as on any other machine. Pages that
/// the linker left behind are larger, and a program that runs from them has some 2 MiB more of itself resident.
fn leave_cache(file: &File) -> io::Result<()> {
    file.sync_all()?;
    Ok(fadvise(file, 0, None, Advice::DontNeed)?)
}
