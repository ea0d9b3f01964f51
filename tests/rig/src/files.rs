//! Where the programs and the plugins are that tests need, and what to run when they are not there.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Returns the daemon's program: `XYLEM_BIN`, else the one beside us in the target folder.
///
/// # Errors
/// When it was not built.
pub fn program() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("XYLEM_BIN") {
        return Ok(path.into());
    }
    let own = std::env::current_exe().context("find our own program")?;
    // A test is in target/debug/deps, a program in target/debug.
    let beside = own.ancestors().skip(1).take(2).map(|folder| folder.join("xylem"));
    let found = beside.into_iter().find(|path| path.is_file());
    found.context(
        "there is no xylem beside this program; run `cargo build --bins`, or `cargo xtask test`, which sets XYLEM_BIN",
    )
}

/// Returns the folders with built plugins: `XYLEM_PLUGINS` and `XYLEM_HOSTILE`, and where `cargo build` leaves them.
fn folders() -> Vec<PathBuf> {
    let given = ["XYLEM_PLUGINS", "XYLEM_HOSTILE"].into_iter().filter_map(std::env::var_os).map(PathBuf::from);
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/target/wasm32-wasip2/release");
    given.chain([built]).collect()
}

/// Returns the file of a plugin by its install name, such as "auth-ldap".
///
/// # Errors
/// When it was not built; the text says how.
pub fn component(name: &str) -> Result<PathBuf> {
    let names = [format!("{name}.wasm"), format!("{}.wasm", name.replace('-', "_"))];
    let files = folders().into_iter().flat_map(|folder| names.clone().map(|name| folder.join(name)));
    match files.into_iter().find(|file| file.is_file()) {
        Some(file) => Ok(file),
        None => bail!("the plugin {name} is not built; run `cargo xtask plugins` first"),
    }
}

/// Returns the install names of all built plugins that begin like this.
pub fn components(prefix: &str) -> Vec<String> {
    let files = folders().into_iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let names = files.filter_map(|file| install_name(&file.path()));
    let mut names: Vec<String> = names.filter(|name| name.starts_with(prefix)).collect();
    names.sort();
    names.dedup();
    names
}

/// Copies a plugin into a folder of the daemon, under its install name. By rename: half a file is never seen.
///
/// # Errors
/// When it cannot be read or written.
pub fn install(file: &Path, folder: &Path) -> Result<()> {
    let name = install_name(file).with_context(|| format!("{} is no .wasm file", file.display()))?;
    let half = folder.join(format!("{name}.part"));
    std::fs::copy(file, &half).with_context(|| format!("copy {} to {}", file.display(), half.display()))?;
    std::fs::rename(&half, folder.join(format!("{name}.wasm"))).with_context(|| format!("install {name}"))
}

/// `hostile_trap.wasm` is installed as `hostile-trap`.
fn install_name(file: &Path) -> Option<String> {
    let stem = file.file_name()?.to_str()?.strip_suffix(".wasm")?;
    Some(stem.replace('_', "-"))
}
