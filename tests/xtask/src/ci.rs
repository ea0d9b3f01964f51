//! `cargo xtask ci`: what every change has to pass.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::group;
use crate::repo::{Repo, cargo, program};
use crate::run::Runner;
use crate::setup;
use crate::stages::Stages;
use crate::test;
use crate::tidy;

/// The version that was tried. A newer one may read the configuration differently.
const CARGO_DENY: &str = "0.20.2";

/// Runs all stages, also after a failure: one run should tell everything. Returns whether all went well.
pub fn ci(runner: &Runner, repo: &Repo) -> Result<bool> {
    let guests = repo.path("plugins");
    let mut stages = Stages::default();
    stages.run("tidy", || tidy::tidy(repo))?;
    stages.run("format", || {
        cargo_step(runner, &repo.root, "format", &["fmt", "--all", "--check"])?;
        cargo_step(runner, &guests, "format of guests", &["fmt", "--all", "--check"])
    })?;
    // The api crate embeds web/dist, so even a check wants it there.
    stages.run("web build", || {
        setup::node(repo)?;
        setup::web(runner, repo)
    })?;
    if test::has_script(repo, "web", "format:check") {
        stages.run("web format", || test::npm_run(runner, repo, "web", "format:check"))?;
    }
    stages.run("clippy", || {
        let words = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
        cargo_step(runner, &repo.root, "clippy", &words)
    })?;
    stages.run("clippy of guests", || {
        setup::wasm_target(runner, repo)?;
        let words = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
        cargo_step(runner, &guests, "clippy of guests", &words)?;
        // The component faces exist only for the wasm target.
        let words = ["clippy", "--release", "--target", setup::WASM, "--workspace", "--", "-D", "warnings"];
        cargo_step(runner, &guests, "clippy of components", &words)
    })?;
    stages.run("deny", || deny(runner, repo))?;
    test::run(runner, repo, &test::Options::default(), &mut stages)?;
    Ok(stages.finish())
}

/// Runs a cargo command with its output shown.
fn cargo_step(runner: &Runner, folder: &std::path::Path, name: &str, words: &[&str]) -> Result<()> {
    let mut command = cargo(folder);
    command.args(words);
    let status = runner.aloud(name, &mut command, |_| ())?;
    if !status.success() {
        bail!("`cargo {}` in {} ended with {}", words.join(" "), folder.display(), group::describe(status));
    }
    Ok(())
}

/// Licences, forbidden crates and sources of both workspaces. Advisories would need a database from elsewhere.
pub fn deny(runner: &Runner, repo: &Repo) -> Result<()> {
    let tool = cargo_deny(runner, repo)?;
    let config = repo.path(".deny.toml");
    for (name, manifest) in [("host", repo.path("Cargo.toml")), ("guests", repo.path("plugins/Cargo.toml"))] {
        let mut command = program(&tool.to_string_lossy(), &repo.root);
        command.arg("--manifest-path").arg(manifest).arg("--config").arg(&config);
        // One file serves both workspaces, so each leaves some roofs of it unused.
        command.args([
            "check",
            "--allow",
            "unused-wrapper",
            "--allow",
            "unmatched-skip",
            "bans",
            "licenses",
            "sources",
        ]);
        let status = runner.aloud(&format!("deny {name}"), &mut command, |_| ())?;
        if !status.success() {
            bail!("cargo deny: the {name} workspace breaks a rule of .deny.toml (see above)");
        }
    }
    Ok(())
}

fn cargo_deny(runner: &Runner, repo: &Repo) -> Result<PathBuf> {
    if let Some(tool) = setup::find_program("cargo-deny") {
        return Ok(tool);
    }
    let root = repo.target.join("tools");
    let tool = root.join("bin/cargo-deny");
    if !tool.is_file() {
        let mut command = cargo(&repo.root);
        command.args(["install", "--locked", "--root"]).arg(&root).arg(format!("cargo-deny@{CARGO_DENY}"));
        // A tool that runs for two seconds need not be built for four minutes.
        command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1").env("CARGO_PROFILE_RELEASE_LTO", "off");
        command.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
        runner.quiet("install cargo-deny", &mut command)?;
    }
    Ok(tool)
}
