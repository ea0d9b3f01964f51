//! `cargo xtask bench`: builds a release and lets the bench measure it.

use anyhow::{Context, Result, bail};

use crate::group;
use crate::host;
use crate::plugins;
use crate::repo::{Repo, program};
use crate::run::Runner;
use crate::setup;

/// Runs the bench with `words`; without any, `smoke`.
pub fn bench(runner: &Runner, repo: &Repo, words: &[String]) -> Result<()> {
    setup::node(repo)?;
    setup::web(runner, repo)?;
    let folders = plugins::build(runner, repo)?;
    let programs = host::build(runner, repo, host::Options { release: true, tests: false })?;
    let bench = programs.bench.context("the build made no `bench`")?;
    let mut command = program(&bench.to_string_lossy(), &repo.root);
    if words.is_empty() {
        command.arg("smoke");
    }
    command.args(words).env("CARGO_TARGET_DIR", &repo.target);
    command.env("XYLEM_PLUGINS", &folders.plugins).env("XYLEM_HOSTILE", &folders.hostile);
    command.env("XYLEM_RESULTS", repo.root.join("tests/bench/RESULTS.md"));
    command.env("XYLEM_BIN", &programs.xylem).env("XYLEM_SIM_BIN", &programs.simulator);
    let status = runner.aloud("bench", &mut command, |_| ())?;
    if !status.success() {
        bail!("the bench ended with {}", group::describe(status));
    }
    Ok(())
}
