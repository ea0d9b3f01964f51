//! `cargo xtask up`: from a fresh clone to a running system, and down again.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::children::Children;
use crate::demo::{self, Memory, Server};
use crate::host::{self, Programs};
use crate::http;
use crate::plugins;
use crate::progress::{print, say};
use crate::repo::{Repo, program};
use crate::run::Runner;
use crate::setup;

/// A simulator reads a few MB and makes a certificate; this is for a very busy machine.
const SIMULATOR_READY: Duration = Duration::from_secs(60);

/// Start of the daemon with an unoptimised build, first compilation of the plugins and both pools read.
const DAEMON_READY: Duration = Duration::from_secs(120);

/// What the user asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The daemon alone, for real pools.
    pub no_demo: bool,
    /// A port for the daemon.
    pub port: Option<u16>,
    /// Optimised programs.
    pub release: bool,
}

/// The files of one way to run the daemon. The two ways share nothing, so that demo pools never mix with real ones.
struct Places {
    config: PathBuf,
    state: PathBuf,
    memory: PathBuf,
}

impl Places {
    fn of(repo: &Repo, no_demo: bool) -> Places {
        if no_demo {
            let folder = repo.state("own");
            Places { config: folder.join("xylem.toml"), state: folder.join("state"), memory: folder.join("ports.json") }
        } else {
            Places { config: repo.state("xylem.toml"), state: repo.state("state"), memory: repo.state("demo.json") }
        }
    }
}

/// Builds what is missing, starts everything, and stops it when asked to.
pub fn up(runner: &Runner, repo: &Repo, options: &Options) -> Result<()> {
    let _lock = lock(repo)?;
    let programs = prepare(runner, repo, options)?;
    let mut children = Children::new(&runner.signals);
    let result = start(runner, repo, options, &programs, &mut children).and_then(|()| children.watch());
    // Before the error is told: its reader wants to see that nothing is left.
    if result.is_ok() {
        say("Stopping.");
    }
    children.stop();
    result.map(|_| ())
}

fn prepare(runner: &Runner, repo: &Repo, options: &Options) -> Result<Programs> {
    setup::node(repo)?;
    setup::wasm_target(runner, repo)?;
    setup::web(runner, repo)?;
    let folders = plugins::build(runner, repo)?;
    plugins::install(&folders.plugins, &repo.state("plugins"))?;
    host::build(runner, repo, host::Options { release: options.release, tests: false })
}

fn start(runner: &Runner, repo: &Repo, options: &Options, programs: &Programs, children: &mut Children) -> Result<()> {
    let places = Places::of(repo, options.no_demo);
    for folder in [&places.state, &repo.state("log")] {
        std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    let memory = Memory::load(&places.memory, options.port, |text| runner.progress.line(&text))?;
    memory.save(&places.memory)?;
    let plugins = repo.state("plugins");
    if options.no_demo {
        if !places.config.exists() {
            let note = "Written once by `cargo xtask up --no-demo`; yours to edit. Add pools here or on the web page.\n\
                        The address to listen on is given on the command line.";
            demo::write_private(&places.config, &demo::config(note, memory.http, &places.state, &plugins, &[]))?;
        }
    } else {
        let servers = start_simulators(runner, repo, programs, &memory, children)?;
        let note = "Written by `cargo xtask up` at every start; changes are lost. For real pools see --no-demo.";
        demo::write_private(&places.config, &demo::config(note, memory.http, &places.state, &plugins, &servers))?;
    }
    start_daemon(runner, repo, options, programs, &places, memory.http, children)?;
    // These are the last lines, whoever reads them; nothing is printed after them until the end.
    print(&format!("Open: http://127.0.0.1:{}", memory.http));
    print("User: admin");
    print(&format!("Password: {}", password(&places.state)?));
    Ok(())
}

fn start_simulators(
    runner: &Runner,
    repo: &Repo,
    programs: &Programs,
    memory: &Memory,
    children: &mut Children,
) -> Result<Vec<Server>> {
    let step = runner.progress.step("start the simulators");
    let mut outs = Vec::new();
    for (index, (pool, simulator)) in demo::POOLS.iter().zip(&memory.simulators).enumerate() {
        let folder = repo.state("sim").join((index + 1).to_string());
        std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        demo::write_private(&folder.join("password"), &simulator.password)?;
        let mut command = program(&programs.simulator.to_string_lossy(), &repo.root);
        command.arg("--dump").arg(demo::dump(repo, pool)?);
        command.args(["--listen", &format!("127.0.0.1:{}", simulator.port), "--tls", "--certificate-folder"]);
        command.arg(&folder).args(["--user", "root", "--password", &simulator.password]);
        let (log, out) = (repo.state(&format!("log/sim-{}.log", index + 1)), folder.join("ready.json"));
        children.start(&format!("the simulator of {pool}"), &mut command, &log, Some(&out))?;
        outs.push((folder, out));
    }
    let mut servers = Vec::new();
    for ((pool, simulator), (folder, out)) in demo::POOLS.iter().zip(&memory.simulators).zip(outs) {
        let (_, fingerprint) = children.until("a simulator", SIMULATOR_READY, || first_line(&out))?;
        servers.push(Server {
            host: format!("127.0.0.1:{}", simulator.port),
            password_file: folder.join("password"),
            fingerprint,
            label: (*pool).to_owned(),
        });
    }
    runner.progress.done(step);
    Ok(servers)
}

fn first_line(out: &Path) -> Result<Option<(String, String)>> {
    let text = std::fs::read_to_string(out).unwrap_or_default();
    text.split_once('\n').map(|(line, _)| demo::parse_ready(line)).transpose()
}

fn start_daemon(
    runner: &Runner,
    repo: &Repo,
    options: &Options,
    programs: &Programs,
    places: &Places,
    port: u16,
    children: &mut Children,
) -> Result<()> {
    let mut step = runner.progress.step("start the daemon");
    let mut command = program(&programs.xylem.to_string_lossy(), &repo.root);
    // The clone's demo is described by its own files, whatever the user's shell has for another daemon; how much the
    // daemon logs is the user's.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("XYLEM_") && !text.starts_with("XYLEM_LOG_") {
            command.env_remove(&name);
        }
    }
    command.arg("serve").arg("--config").arg(&places.config).arg("--state").arg(&places.state);
    command.args(["--listen", &format!("127.0.0.1:{port}"), "--plugins"]).arg(repo.state("plugins"));
    children.start("the daemon", &mut command, &repo.state("log/xylem.log"), None)?;
    if options.no_demo {
        children.until("the daemon", DAEMON_READY, || {
            runner.progress.tick(&mut step, "");
            Ok(matches!(http::get(port, "/readyz"), Ok((200, _))).then_some(()))
        })?;
    } else {
        let wanted = demo::POOLS.len() as f64;
        children.until("the daemon to list both pools", DAEMON_READY, || {
            let page = http::get(port, "/metrics").map(|(_, page)| page).unwrap_or_default();
            let connected = http::metric(&page, "xylem_pools", Some(("state", "connected"))).unwrap_or(0.0);
            runner.progress.tick(&mut step, &format!("{connected} of {wanted} pools"));
            Ok((connected >= wanted).then_some(()))
        })?;
    }
    runner.progress.done(step);
    Ok(())
}

/// The administrator's first password, until it was changed.
fn password(state: &Path) -> Result<String> {
    let file = state.join("admin-password");
    match std::fs::read_to_string(&file) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok("(changed)".to_owned()),
        Err(error) => Err(error).with_context(|| format!("read {}", file.display())),
    }
}

/// Makes sure that this is the only `up` of the clone: the daemon's store can be open once.
#[allow(unsafe_code)]
fn lock(repo: &Repo) -> Result<File> {
    let path = repo.state("up.lock");
    let folder = repo.path(".xylem");
    std::fs::create_dir_all(&folder).context("make .xylem")?;
    // Keys and passwords lie in it.
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).context("close .xylem to others")?;
    let mut file = File::options().create(true).truncate(false).read(true).write(true).open(&path)?;
    // SAFETY: flock takes a descriptor that is open for as long as `file` lives.
    if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } != 0 {
        let mut holder = String::new();
        let _ = file.read_to_string(&mut holder);
        bail!("`cargo xtask up` is already at work in this clone (process {}); stop that one first", holder.trim());
    }
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_shown_until_it_was_changed() {
        let folder = std::env::temp_dir().join(format!("xtask-up-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("make");
        assert_eq!(password(&folder).expect("read"), "(changed)");
        std::fs::write(folder.join("admin-password"), "abc\n").expect("write");
        assert_eq!(password(&folder).expect("read"), "abc");
        std::fs::remove_dir_all(&folder).expect("remove");
    }

    #[test]
    fn a_second_start_in_the_same_clone_is_refused() {
        let root = std::env::temp_dir().join(format!("xtask-lock-{}", std::process::id()));
        let repo = Repo { root: root.clone(), target: root.join("target") };
        let first = lock(&repo).expect("free");
        let error = lock(&repo).expect_err("taken").to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        drop(first);
        lock(&repo).expect("free again");
        std::fs::remove_dir_all(&root).expect("remove");
    }
}
