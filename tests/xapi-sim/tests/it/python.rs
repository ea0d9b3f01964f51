//! PyPI's XenAPI, a client that knows nothing of us, must be at home here.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};
use xapi_sim::{Options, Sim};

/// The release the facts of the protocol were checked with.
const PINNED: &str = "XenAPI==26.21.1";

/// Returns the interpreter of a virtual environment with the client, made once per target folder.
fn python() -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("xenapi-venv");
    let python = folder.join("bin/python3");
    let ready = folder.join("ready");
    if fs::read_to_string(&ready).is_ok_and(|v| v == PINNED) {
        return Ok(python);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))
        .context("make a virtual environment (python3 with venv is needed)")?;
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PINNED]))
        .context("install XenAPI")?;
    fs::write(ready, PINNED)?;
    Ok(python)
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let out = command.output().with_context(|| format!("run {command:?}"))?;
    let said = String::from_utf8_lossy(&out.stdout) + String::from_utf8_lossy(&out.stderr);
    ensure!(out.status.success(), "{command:?}: {}\n{said}", out.status);
    Ok(())
}

#[tokio::test]
async fn the_python_client_is_at_home() -> anyhow::Result<()> {
    let python = tokio::task::spawn_blocking(python).await??;
    let sim = Sim::start(Options { tls: true, control: Some("127.0.0.1:0".parse()?), ..Options::default() }).await?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/xenapi_client.py");
    let mut client = Command::new(python);
    client.arg(script).args([sim.url(), sim.control_url().unwrap_or_default()]);
    tokio::task::spawn_blocking(move || run(&mut client)).await?
}
