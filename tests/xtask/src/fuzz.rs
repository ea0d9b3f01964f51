//! The fuzz targets of `tests/fuzz`, some minutes each. They need nightly and cargo-fuzz; without them this says so.

use std::process::Stdio;

use anyhow::{Context, Result};

use crate::progress::print;
use crate::repo::{Repo, program};
use crate::run::Runner;
use crate::stages::Stages;

/// The targets, as in `tests/fuzz/Cargo.toml`.
const TARGETS: [&str; 4] = ["filter", "jsonrpc", "rrd", "xmlrpc"];

/// Seconds for each: long enough to go beyond what the kept corpus reaches, short enough for a night.
const SECONDS: u32 = 180;

/// What to do where the tools are missing.
const MISSING: &str = "the fuzz targets were SKIPPED: nightly or cargo-fuzz is not there. To run them:\n  \
    rustup toolchain install nightly --profile minimal\n  cargo install cargo-fuzz --locked\n\
    (Their kept corpus was replayed by the tests of host/xapi and host/inventory all the same.)";

/// Adds a stage for each target, or one that says how to get what is missing.
pub fn run(runner: &Runner, repo: &Repo, stages: &mut Stages) -> Result<()> {
    if !is_ready(repo) {
        stages.run("fuzz (skipped)", || {
            print(MISSING);
            Ok(())
        })?;
        return Ok(());
    }
    for target in TARGETS {
        stages.run(&format!("fuzz {target}"), || fuzz(runner, repo, target))?;
    }
    Ok(())
}

fn is_ready(repo: &Repo) -> bool {
    let mut command = program("rustup", &repo.root);
    command.args(["run", "nightly", "cargo", "fuzz", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Runs one target. What is new goes to a folder of its own below target/, so that the kept corpus changes by hand only.
fn fuzz(runner: &Runner, repo: &Repo, target: &str) -> Result<()> {
    let folder = repo.target.join("fuzz");
    let (fresh, findings) = (folder.join(target), folder.join("findings"));
    for folder in [&fresh, &findings] {
        std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    let mut command = program("rustup", &repo.root);
    // Our crates deny unsafe code, so the address sanitizer has nothing to look for and costs half of the speed.
    command.args(["run", "nightly", "cargo", "fuzz", "run", "--fuzz-dir", "tests/fuzz", "-s", "none", target]);
    command.arg(&fresh).arg(repo.path("tests/fuzz/corpus").join(target)).arg("--");
    command.arg(format!("-max_total_time={SECONDS}")).args([
        "-rss_limit_mb=1024",
        "-timeout=10",
        "-print_final_stats=1",
    ]);
    command.arg(format!("-artifact_prefix={}/{target}-", findings.display()));
    runner.quiet(&format!("fuzz {target}"), &mut command).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_built_and_has_a_corpus() {
        let repo = Repo::find().expect("we are in the clone");
        let manifest = std::fs::read_to_string(repo.path("tests/fuzz/Cargo.toml")).expect("a manifest");
        assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len(), "each target is in TARGETS");
        for target in TARGETS {
            assert!(manifest.contains(&format!("name = \"{target}\"")), "{target}");
            assert!(repo.path("tests/fuzz/corpus").join(target).is_dir(), "{target}");
        }
    }
}
