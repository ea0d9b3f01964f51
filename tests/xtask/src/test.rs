//! `cargo xtask test`: sets up what tests need, then runs every test there is.

use std::process::Command;

use anyhow::{Result, bail};

use crate::counts::{Counter, Counts};
use crate::fuzz;
use crate::group;
use crate::host::{self, Programs};
use crate::plugins::{self, Folders};
use crate::repo::{Repo, cargo, program};
use crate::run::Runner;
use crate::setup;
use crate::stages::Stages;

/// The stages by the names `--only` knows.
pub const STAGES: [&str; 6] = ["rust", "doc", "guests", "web", "browser", "fuzz"];

/// What the user asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Run the growing matrices in full, and the fuzz targets.
    pub long: bool,
    /// Only tests whose name contains this.
    pub filter: Option<String>,
    /// Only these of [`STAGES`]; all when empty.
    pub only: Vec<String>,
}

/// Runs the tests as stages of their own. Returns whether all went well.
pub fn test(runner: &Runner, repo: &Repo, options: &Options) -> Result<bool> {
    let mut stages = Stages::default();
    run(runner, repo, options, &mut stages)?;
    let tests = stages.tests();
    let well = stages.finish();
    match &options.filter {
        Some(filter) if well && tests == 0 => bail!("no test has {filter:?} in its name"),
        _ => Ok(well),
    }
}

/// Adds the set-up and the tests to `stages`.
pub fn run(runner: &Runner, repo: &Repo, options: &Options, stages: &mut Stages) -> Result<()> {
    let fuzzed = options.only.iter().any(|only| only == "fuzz")
        || (options.long && options.only.is_empty() && options.filter.is_none());
    if options.only == ["fuzz"] {
        // It needs nothing of the set-up.
        return fuzz::run(runner, repo, stages);
    }
    let mut found = None;
    let ready = stages.run("set-up", || {
        found = Some(Tools::prepare(runner, repo, options)?);
        Ok(())
    })?;
    let (true, Some(tools)) = (ready, found) else { return Ok(()) };
    let wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|only| only == name);
    if wanted("rust") {
        stages.count("rust tests", || tools.rust())?;
    }
    if wanted("doc") {
        stages.count("doc tests", || tools.cargo_test("doc tests", &repo.root, &["--doc", "--workspace"]))?;
    }
    if wanted("guests") {
        stages.count("guest tests", || tools.cargo_test("guest tests", &repo.path("plugins"), &["--workspace"]))?;
    }
    if wanted("web") {
        for script in ["typecheck", "lint"] {
            if has_script(repo, "web", script) {
                stages.run(&format!("web {script}"), || npm_run(runner, repo, "web", script))?;
            }
        }
        if has_script(repo, "web", "test") {
            stages.count("web tests", || tools.web())?;
        }
    }
    if wanted("browser") && repo.path("tests/e2e/browser/package.json").is_file() {
        stages.count("browser tests", || tools.browser())?;
    }
    if fuzzed {
        fuzz::run(runner, repo, stages)?;
    }
    Ok(())
}

/// Everything that was set up, and how to call the runners with it.
struct Tools<'a> {
    runner: &'a Runner,
    repo: &'a Repo,
    options: &'a Options,
    folders: Folders,
    programs: Programs,
    nextest: bool,
}

impl<'a> Tools<'a> {
    fn prepare(runner: &'a Runner, repo: &'a Repo, options: &'a Options) -> Result<Tools<'a>> {
        setup::node(repo)?;
        setup::system(runner, repo, setup::TEST_NEEDS)?;
        setup::web(runner, repo)?;
        setup::test_npm(runner, repo)?;
        let folders = plugins::build(runner, repo)?;
        let programs = host::build(runner, repo, host::Options { release: false, tests: true })?;
        let nextest = cargo(&repo.root).args(["nextest", "--version"]).output().is_ok_and(|out| out.status.success());
        Ok(Tools { runner, repo, options, folders, programs, nextest })
    }

    /// What a test finds in its environment.
    fn dress(&self, command: &mut Command) {
        command.env("XYLEM_PLUGINS", &self.folders.plugins).env("XYLEM_HOSTILE", &self.folders.hostile);
        command.env("XYLEM_BIN", &self.programs.xylem).env("XYLEM_SIM_BIN", &self.programs.simulator);
        if self.options.long {
            command.env("XYLEM_LONG", "1");
        }
        // A test that starts slapd by its name finds it as a plain user too.
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    }

    fn count(&self, name: &str, mut command: Command) -> Result<Counts> {
        self.dress(&mut command);
        let mut counter = Counter::default();
        let status = self.runner.aloud(name, &mut command, |line| counter.line(line))?;
        Ok(counter.finish(status.success()))
    }

    fn rust(&self) -> Result<Counts> {
        if !self.nextest {
            return self.cargo_test("rust tests", &self.repo.root, &["--workspace", "--bins", "--tests", "--lib"]);
        }
        let mut command = cargo(&self.repo.root);
        command.args(["nextest", "run", "--workspace", "--no-fail-fast", "--no-tests", "pass"]);
        if self.options.long {
            command.args(["--profile", "long"]);
        }
        command.args(&self.options.filter);
        self.count("rust tests", command)
    }

    fn cargo_test(&self, name: &str, folder: &std::path::Path, words: &[&str]) -> Result<Counts> {
        let mut command = cargo(folder);
        command.args(["test", "--no-fail-fast"]).args(words).args(&self.options.filter);
        self.count(name, command)
    }

    fn web(&self) -> Result<Counts> {
        let mut command = program("npm", &self.repo.path("web"));
        // CI=1: Vitest must not wait for changes.
        command.env("CI", "1").args(["run", "--silent", "test"]);
        if let Some(filter) = &self.options.filter {
            command.args(["--", "--passWithNoTests", "-t", filter]);
        }
        self.count("web tests", command)
    }

    fn browser(&self) -> Result<Counts> {
        let mut command = program("npx", &self.repo.path("tests/e2e/browser"));
        command.args(["--no-install", "playwright", "test"]);
        if let Some(filter) = &self.options.filter {
            command.args(["--pass-with-no-tests", "--grep", filter]);
        }
        self.count("browser tests", command)
    }
}

/// Runs a script of a package.json with its output shown.
pub fn npm_run(runner: &Runner, repo: &Repo, folder: &str, script: &str) -> Result<()> {
    let mut command = program("npm", &repo.path(folder));
    command.args(["run", "--silent", script]);
    let status = runner.aloud(&format!("{folder} {script}"), &mut command, |_| ())?;
    if !status.success() {
        bail!("`npm run {script}` in {folder}/ ended with {}", group::describe(status));
    }
    Ok(())
}

/// Says whether the package.json in `folder` has this script.
pub fn has_script(repo: &Repo, folder: &str, script: &str) -> bool {
    let file = repo.path(folder).join("package.json");
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let package: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    package["scripts"][script].is_string()
}
