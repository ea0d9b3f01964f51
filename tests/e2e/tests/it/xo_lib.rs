//! A client that nobody here wrote: npm's `xo-lib` signs in and makes 30 different calls, and is told of what changes.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use rig::Rig;
use serde_json::Value;

#[tokio::test]
async fn the_npm_client_works() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("xo-lib");
    if !folder.join("node_modules/xo-lib").is_dir() {
        run(tokio::process::Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&folder))
        .await
        .context("install xo-lib; it needs Node and npm")?;
    }
    let rig = Rig::builder().pools(["pool2"]).start().await?;
    let mut node = tokio::process::Command::new("node");
    node.arg("client.js").current_dir(&folder);
    node.env("XO_URL", rig.url())
        .env("XO_USER", "admin")
        .env("XO_PASSWORD", rig.password()?)
        .env("XO_VM", "Demo Linux VM (1)");
    let said = run(&mut node).await?;
    println!("{said}");
    let said: Value = serde_json::from_str(said.trim()).with_context(|| format!("node said {said}"))?;
    ensure!(said["user"] == "admin" && said["methods"].as_u64().is_some_and(|count| count > 40), "{said}");
    let vms =
        rig.sim(0).records("VM").into_values().filter(|vm| {
            ["is_a_template", "is_a_snapshot", "is_control_domain"].iter().all(|field| vm[*field] != true)
        });
    ensure!(said["vms"] == vms.count(), "{said}");
    ensure!(said["allVms"] == said["vms"], "{said}");
    ensure!(said["all"].as_u64().is_some_and(|size| size > 3 * 65_536), "in several fragments: {said}");
    ensure!(said["before"] == "Halted" && said["after"] == "Running", "{said}");
    ensure!(said["called"].as_u64().is_some_and(|count| count >= 30), "30 different calls: {said}");
    ensure!(said["refused"] == 1, "an error arrives with its code: {said}");
    rig.end().await
}

async fn run(command: &mut tokio::process::Command) -> Result<String> {
    let command = command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(rig::LIMIT * 2, command.output()).await.context("it does not end")??;
    if !output.status.success() {
        bail!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
