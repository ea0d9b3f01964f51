//! Builds the guest workspace and puts the components where a daemon or a test finds them, under their install names.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::artifacts::{Artifact, install_name, is_under, wasm};
use crate::repo::{Repo, cargo};
use crate::run::Runner;
use crate::setup;

/// The folders with built components.
pub struct Folders {
    /// First-party plugins.
    pub plugins: PathBuf,
    /// Plugins that misbehave, for tests.
    pub hostile: PathBuf,
}

/// Builds all guests; the components end up in `target/plugins` and `target/hostile`.
pub fn build(runner: &Runner, repo: &Repo) -> Result<Folders> {
    setup::wasm_target(runner, repo)?;
    let workspace = repo.path("plugins");
    let mut command = cargo(&workspace);
    command.args(["build", "--release", "--target", setup::WASM, "--workspace"]);
    command.arg("--message-format=json-render-diagnostics");
    let built = wasm(&runner.quiet("plugins: build", &mut command)?);
    let folders = Folders { plugins: repo.target.join("plugins"), hostile: repo.target.join("hostile") };
    let (ours, rest): (Vec<_>, Vec<_>) = built.into_iter().partition(|found| is_under(found, &workspace));
    let hostile: Vec<_> = rest.into_iter().filter(|found| is_under(found, &repo.path("tests"))).collect();
    if ours.is_empty() {
        bail!("plugins: the build made no component; does a crate in plugins/ have `crate-type = [\"cdylib\"]`?");
    }
    place(&ours, &folders.plugins)?;
    place(&hostile, &folders.hostile)?;
    Ok(folders)
}

/// Makes `folder` hold exactly these components.
fn place(built: &[Artifact], folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    let names: Vec<String> = built.iter().map(install_name).collect();
    for entry in std::fs::read_dir(folder)? {
        let file = entry?.path();
        let known = file.file_name().is_some_and(|name| names.iter().any(|known| name == known.as_str()));
        if !known && file.extension().is_some_and(|extension| extension == "wasm") {
            std::fs::remove_file(&file).with_context(|| format!("remove {}", file.display()))?;
        }
    }
    for (artifact, name) in built.iter().zip(&names) {
        copy(&artifact.file, &folder.join(name))?;
    }
    Ok(())
}

/// Copies every component of `from` into `to`, and leaves what else is there (people may add plugins of their own).
pub fn install(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).with_context(|| format!("make {}", to.display()))?;
    for entry in std::fs::read_dir(from).with_context(|| format!("list {}", from.display()))? {
        let file = entry?.path();
        if let (Some(name), Some("wasm")) = (file.file_name(), file.extension().and_then(|e| e.to_str())) {
            copy(&file, &to.join(name))?;
        }
    }
    Ok(())
}

/// Copies by rename, so that a daemon that reads the folder never sees half a file; and only when the content differs.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let content = std::fs::read(from).with_context(|| format!("read {}", from.display()))?;
    if std::fs::read(to).is_ok_and(|old| old == content) {
        return Ok(());
    }
    let half = to.with_extension("part");
    std::fs::write(&half, content).with_context(|| format!("write {}", half.display()))?;
    std::fs::rename(&half, to).with_context(|| format!("write {}", to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placing_replaces_and_removes_while_installing_only_adds() {
        let root = std::env::temp_dir().join(format!("xtask-plugins-{}", std::process::id()));
        let (built, target, installed) = (root.join("built"), root.join("target"), root.join("installed"));
        for folder in [&built, &target, &installed] {
            std::fs::create_dir_all(folder).expect("make");
        }
        std::fs::write(built.join("auth_ldap.wasm"), "new").expect("write");
        std::fs::write(target.join("auth-ldap.wasm"), "old").expect("write");
        std::fs::write(target.join("gone.wasm"), "old").expect("write");
        std::fs::write(installed.join("mine.wasm"), "mine").expect("write");
        let artifact = Artifact { name: "auth_ldap".into(), manifest: "x".into(), file: built.join("auth_ldap.wasm") };
        place(&[artifact], &target).expect("place");
        install(&target, &installed).expect("install");
        let list = |folder: &Path| {
            let mut names: Vec<String> = std::fs::read_dir(folder)
                .expect("list")
                .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
                .collect();
            names.sort();
            names
        };
        assert_eq!(list(&target), ["auth-ldap.wasm"]);
        assert_eq!(list(&installed), ["auth-ldap.wasm", "mine.wasm"]);
        assert_eq!(std::fs::read(installed.join("auth-ldap.wasm")).expect("read"), b"new");
        std::fs::remove_dir_all(&root).expect("remove");
    }
}
