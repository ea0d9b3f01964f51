//! npm's xen-api, the client that Xen Orchestra is built on, must be at home here too, in both dialects.

use std::{path::Path, process::Command};

use anyhow::{Context, ensure};
use serde_json::json;
use xapi_sim::{Fleet, Options, Sim};

/// Installs what the lock file says, once.
fn install(folder: &Path) -> anyhow::Result<()> {
    if folder.join("node_modules/xen-api").is_dir() {
        return Ok(());
    }
    run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(folder))
        .context("install xen-api; it needs Node and npm")
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let out = command.output().with_context(|| format!("run {command:?}"))?;
    let said = String::from_utf8_lossy(&out.stdout) + String::from_utf8_lossy(&out.stderr);
    ensure!(out.status.success(), "{command:?}: {}\n{said}", out.status);
    Ok(())
}

#[tokio::test]
async fn the_npm_client_is_at_home() -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("xen-api");
    tokio::task::spawn_blocking({
        let folder = folder.clone();
        move || install(&folder)
    })
    .await??;
    for json_rpc in [true, false] {
        let control = Some("127.0.0.1:0".parse()?);
        let sim = Sim::start(Options { tls: true, control, json_rpc, ..Fleet::small().options(0) }).await?;
        let halted = sim
            .records("VM")
            .into_values()
            .find(|vm| vm["power_state"] == "Halted" && vm["is_a_template"] == json!(false));
        let name = halted.context("a VM is halted")?["name_label"].as_str().unwrap_or_default().to_owned();
        let mut client = Command::new("node");
        client.arg("client.mjs").args([sim.url(), sim.control_url().unwrap_or_default()]);
        client.args([if json_rpc { "json" } else { "xml" }, &name]).current_dir(&folder);
        tokio::task::spawn_blocking(move || run(&mut client)).await??;
        assert_eq!(sim.sessions(), 0);
    }
    Ok(())
}
