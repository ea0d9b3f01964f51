//! Gets what a fresh machine lacks: system packages, the wasm target, npm packages, the built web client.
//!
//! Every step looks first and does nothing when there is nothing to do.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::repo::{Repo, program};
use crate::run::Runner;
use crate::stamp;

/// The target plugins are compiled for.
pub const WASM: &str = "wasm32-wasip2";

/// Folders in a JavaScript package that are made, not written.
const MADE: &[&str] = &["node_modules", "dist", "test-results", "playwright-report", ".vite", "coverage"];

/// The oldest Node the web client's tools run on.
const NODE: (u32, u32) = (20, 19);

/// A program that tests need, and the Debian package that brings it.
pub struct Need {
    /// Name of the program.
    pub program: &'static str,
    /// Name of the package.
    pub package: &'static str,
}

/// What the tests need beside what `up` needs.
pub const TEST_NEEDS: &[Need] = &[
    Need { program: "slapd", package: "slapd" },
    Need { program: "ldapsearch", package: "ldap-utils" },
    Need { program: "openssl", package: "openssl" },
    Need { program: "chromium", package: "chromium" },
];

/// Packages that come along with Chromium, so that pages have a font to be drawn in.
const WITH_CHROMIUM: &str = "fonts-dejavu-core";

/// Checks that Node is there and new enough. Node is not installed from Debian: its version there is too old.
pub fn node(repo: &Repo) -> Result<()> {
    let wanted = format!("Node.js {}.{} or newer with npm", NODE.0, NODE.1);
    let Ok(output) = program("node", &repo.root).arg("--version").output() else {
        bail!(
            "{wanted} is needed to build the web client, and `node` is not in PATH. Install it, then run this again."
        );
    };
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    match parse_version(&version) {
        Some(found) if found >= NODE => {}
        _ => bail!(
            "{wanted} is needed, and `node --version` says {version:?}. Install a newer one, then run this again."
        ),
    }
    if find_program("npm").is_none() {
        bail!("{wanted} is needed, and `npm` is not in PATH. Install it, then run this again.");
    }
    Ok(())
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.strip_prefix('v')?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Installs the packages of programs that are missing, when we may; else says what to install.
pub fn system(runner: &Runner, repo: &Repo, needs: &[Need]) -> Result<()> {
    let mut packages: Vec<&str> =
        needs.iter().filter(|need| find_program(need.program).is_none()).map(|need| need.package).collect();
    if packages.contains(&"chromium") {
        packages.push(WITH_CHROMIUM);
    }
    if needs.len() > 1 && !python_can_make_environments(repo) {
        packages.push("python3-venv");
    }
    install(runner, repo, &packages)
}

fn python_can_make_environments(repo: &Repo) -> bool {
    let output = program("python3", &repo.root).args(["-c", "import venv, ensurepip"]).output();
    output.is_ok_and(|output| output.status.success())
}

fn install(runner: &Runner, repo: &Repo, packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let command = format!("apt-get install -y --no-install-recommends {}", packages.join(" "));
    if find_program("apt-get").is_none() {
        bail!(
            "these Debian packages, or what your system has in their place, are needed: {}. Install them, then run this again.",
            packages.join(" ")
        );
    }
    if !is_root() {
        bail!("system packages are missing. Run this as root, then run this again:\n  apt-get update && {command}");
    }
    let _guard = NoServices::forbid()?;
    let apt = |name: &str, words: &[&str]| {
        let mut command = program("apt-get", &repo.root);
        // Somebody else's apt may be at work; wait for it.
        command.env("DEBIAN_FRONTEND", "noninteractive").args(["-o", "DPkg::Lock::Timeout=300"]).args(words);
        runner.quiet(name, &mut command)
    };
    let mut words = vec!["install", "-y", "--no-install-recommends"];
    words.extend(packages);
    let name = format!("install {}", packages.join(" "));
    // An apt that was never updated, or long ago, fails at once: then update, once, and try again.
    if apt(&name, &words).is_err_and(|error| error.downcast_ref::<crate::signals::Stopped>().is_none()) {
        apt("update the package lists", &["update"])?;
        apt(&name, &words)?;
    }
    Ok(())
}

/// While it lives, no package that apt installs starts its service (a slapd of the system would take port 389).
struct NoServices {
    file: Option<&'static Path>,
}

impl NoServices {
    fn forbid() -> Result<NoServices> {
        let file = Path::new("/usr/sbin/policy-rc.d");
        if file.exists() {
            return Ok(NoServices { file: None });
        }
        std::fs::write(file, "#!/bin/sh\nexit 101\n").context("forbid packages to start services")?;
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755))?;
        Ok(NoServices { file: Some(file) })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if let Some(file) = self.file {
            let _ = std::fs::remove_file(file);
        }
    }
}

/// Adds the wasm target to the Rust toolchain.
pub fn wasm_target(runner: &Runner, repo: &Repo) -> Result<()> {
    let output = program("rustc", &repo.root).args(["--print", "sysroot"]).output().context("run rustc")?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if sysroot.join("lib/rustlib").join(WASM).join("lib").is_dir() {
        return Ok(());
    }
    if find_program("rustup").is_none() {
        bail!(
            "the Rust standard library for {WASM} is missing in {}, and there is no rustup to add it. Install it, then run this again.",
            sysroot.display()
        );
    }
    runner.quiet(&format!("add the target {WASM}"), program("rustup", &repo.root).args(["target", "add", WASM]))?;
    Ok(())
}

/// Installs the npm packages of `folder` as its lock file says.
pub fn npm(runner: &Runner, repo: &Repo, folder: &str) -> Result<()> {
    let path = repo.path(folder);
    let lock = path.join("package-lock.json");
    let text = std::fs::read_to_string(&lock).with_context(|| format!("read {}", lock.display()))?;
    // npm notes at the end of an installation what it has installed.
    let installed = std::fs::read_to_string(path.join("node_modules/.package-lock.json")).unwrap_or_default();
    if is_installed(&text, &installed) {
        return Ok(());
    }
    let mut command = program("npm", &path);
    command.args(["ci", "--no-audit", "--no-fund"]);
    // The tests use the Chromium of the system.
    command.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    runner.quiet(&format!("{folder}: install npm packages"), &mut command)?;
    Ok(())
}

/// Says whether all that a lock file asks for is in npm's note of what is there. Optional parts may be for other systems.
fn is_installed(lock: &str, installed: &str) -> bool {
    let read = |text| serde_json::from_str::<serde_json::Value>(text).unwrap_or_default();
    let (lock, installed) = (read(lock), read(installed));
    let (Some(wanted), Some(there)) = (lock["packages"].as_object(), installed["packages"].as_object()) else {
        return false;
    };
    wanted.iter().filter(|(folder, _)| !folder.is_empty()).all(|(folder, package)| match there.get(folder) {
        Some(found) => found["version"] == package["version"] && found["integrity"] == package["integrity"],
        None => package["optional"] == true || package["devOptional"] == true,
    })
}

/// Builds the web client into `web/dist` when its sources changed.
pub fn web(runner: &Runner, repo: &Repo) -> Result<()> {
    let folder = repo.path("web");
    npm(runner, repo, "web")?;
    let hash = stamp::hash(std::slice::from_ref(&folder), MADE)?;
    let file = folder.join("node_modules/.xtask-built");
    if stamp::fresh(&file, &hash) && folder.join("dist/index.html").is_file() {
        return Ok(());
    }
    runner.quiet("web: build", program("npm", &folder).args(["run", "build"]))?;
    // The build may write a source (the route tree), so look again.
    stamp::set(&file, &stamp::hash(&[folder], MADE)?)
}

/// Installs the npm packages of the test folders that have a lock file (the browser tests, foreign clients).
pub fn test_npm(runner: &Runner, repo: &Repo) -> Result<()> {
    let mut locks = Vec::new();
    find(&repo.path("tests"), "package-lock.json", &mut locks)?;
    locks.sort();
    for lock in locks {
        let folder = lock.parent().expect("a file has a folder");
        let inside = folder.strip_prefix(&repo.root).expect("found below the root");
        npm(runner, repo, &inside.to_string_lossy())?;
    }
    Ok(())
}

/// Finds the files called `name` below `folder`, not in folders that are made.
pub fn find(folder: &Path, name: &str, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            let made = MADE.iter().any(|made| entry.file_name() == *made) || entry.file_name() == "target";
            if !made {
                find(&entry.path(), name, found)?;
            }
        } else if entry.file_name() == name {
            found.push(entry.path());
        }
    }
    Ok(())
}

/// Looks a program up in PATH, and where Debian keeps daemons (a plain user's PATH lacks it).
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|file| file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0))
}

#[allow(unsafe_code)]
fn is_root() -> bool {
    // SAFETY: geteuid has no preconditions and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_versions_are_compared_as_numbers() {
        for (text, good) in
            [("v20.20.2", true), ("v20.9.0", false), ("v24.0.1", true), ("v18.19.0", false), ("", false)]
        {
            assert_eq!(parse_version(text).is_some_and(|found| found >= NODE), good, "{text}");
        }
    }

    #[test]
    fn npm_packages_are_installed_when_npm_says_so() {
        let lock = r#"{"packages": {"": {"name": "web"}, "node_modules/a": {"version": "1.0.0", "integrity": "x"},
            "node_modules/b": {"version": "2.0.0", "optional": true}}}"#;
        for (installed, is) in [
            ("", false),
            (r#"{"packages": {}}"#, false),
            (r#"{"packages": {"node_modules/a": {"version": "0.9.0", "integrity": "y"}}}"#, false),
            (r#"{"packages": {"node_modules/a": {"version": "1.0.0", "integrity": "x"}}}"#, true),
            (
                r#"{"packages": {"node_modules/a": {"version": "1.0.0", "integrity": "x"}, "node_modules/b": {"version": "1.9.0"}}}"#,
                false,
            ),
        ] {
            assert_eq!(is_installed(lock, installed), is, "{installed}");
        }
    }

    #[test]
    fn programs_are_found_outside_the_users_path() {
        assert!(find_program("sh").is_some());
        assert!(find_program("no-such-program-here").is_none());
    }
}
