//! Builds the host workspace. Always `--workspace`: a single package would be compiled with another set of features.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::artifacts;
use crate::repo::{Repo, cargo};
use crate::run::Runner;

/// The programs that others start.
pub struct Programs {
    /// The daemon and command line.
    pub xylem: PathBuf,
    /// The simulator.
    pub simulator: PathBuf,
    /// The bench.
    pub bench: Option<PathBuf>,
}

/// What to build besides the programs, and how.
#[derive(Clone, Copy, Default)]
pub struct Options {
    /// Optimised.
    pub release: bool,
    /// The test binaries too. With them the programs get the features that the tests' dependencies ask for, so that
    /// a later `cargo nextest run --workspace` finds all of it built.
    pub tests: bool,
}

/// Builds and returns the programs.
pub fn build(runner: &Runner, repo: &Repo, options: Options) -> Result<Programs> {
    let mut command = cargo(&repo.root);
    command.args(["build", "--workspace", "--bins", "--message-format=json-render-diagnostics"]);
    if options.tests {
        command.arg("--tests");
    }
    if options.release {
        command.arg("--release");
    }
    let name = match options {
        Options { release: true, .. } => "daemon and simulator: build (release)",
        Options { tests: true, .. } => "daemon, simulator and tests: build",
        _ => "daemon and simulator: build",
    };
    let messages = runner.quiet(name, &mut command)?;
    let find = |name: &str| artifacts::program(&messages, name).with_context(|| format!("the build made no `{name}`"));
    Ok(Programs { xylem: find("xylem")?, simulator: find("xapi-sim")?, bench: find("bench").ok() })
}
