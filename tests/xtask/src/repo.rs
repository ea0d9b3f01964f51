//! Where things are: the clone, its target folder, its state.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The places xtask works with.
#[derive(Debug, Clone)]
pub struct Repo {
    /// The clone.
    pub root: PathBuf,
    /// Cargo's target folder of the host workspace (honours `CARGO_TARGET_DIR` and cargo's configuration).
    pub target: PathBuf,
}

impl Repo {
    /// Finds the clone this program was built from, or that it runs in, and asks cargo for the target folder.
    pub fn find() -> Result<Repo> {
        let root = find_root()?;
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(target) => std::path::absolute(&target)?,
            None => {
                let metadata = metadata(&root)?;
                PathBuf::from(metadata["target_directory"].as_str().context("cargo metadata has no target_directory")?)
            }
        };
        Ok(Repo { root, target })
    }

    /// A path inside the clone.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.root.join(inside)
    }

    /// A path inside `.xylem`, the state of the demo.
    pub fn state(&self, inside: &str) -> PathBuf {
        self.root.join(".xylem").join(inside)
    }
}

fn find_root() -> Result<PathBuf> {
    // `cargo xtask` sets CARGO_MANIFEST_DIR at run time; a binary started by hand looks upwards from where it stands.
    let start = match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => std::env::current_dir()?,
    };
    match start.ancestors().find(|folder| folder.join("tests/xtask/Cargo.toml").is_file()) {
        Some(root) => Ok(root.to_owned()),
        None => bail!("{} is not inside a clone of this project; run `cargo xtask` from the clone", start.display()),
    }
}

/// `cargo metadata` of the workspace at `root`, without its dependencies (works offline).
pub fn metadata(root: &Path) -> Result<Value> {
    let output = cargo(root)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .output()
        .context("run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("read the answer of cargo metadata")
}

/// A cargo call in `folder`, free of what `cargo run` has set for xtask itself.
pub fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder);
    clean(&mut command);
    command
}

/// Any other program in `folder`, with the same clean environment.
pub fn program(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(name);
    command.current_dir(folder);
    clean(&mut command);
    command
}

/// Takes away the variables that describe the xtask package: a build script or a test that sees them would take them
/// for its own.
fn clean(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let ours = text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_");
        if ours || matches!(&*text, "CARGO_BIN_NAME" | "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE" | "OUT_DIR") {
            command.env_remove(name);
        }
    }
}
