//! schemathesis, which nobody here wrote, asks everything that the OpenAPI document allows and much that it does not. A short
//! run takes a sample of it; `cargo xtask test --long` all.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use rig::Rig;
use serde_json::{Value, json};

/// The release that the checks below were chosen from.
const PINNED: &str = "schemathesis==4.32.5";

/// What is looked at in each answer. That nothing answers 5xx is looked at below, because some of them are documented.
const CHECKS: &str = "status_code_conformance,content_type_conformance,response_schema_conformance,\
                      response_headers_conformance,negative_data_rejection";

/// Left out: an answer without end, those that end the session they are asked with or wait for the next try, and what the
/// document says is not there yet.
const LEFT_OUT: &str = r"^/events$|^/auth/|\.(xva|ova|vhd|raw|tgz|txt)$|^/pools/\{id\}/vms$|^/srs/\{id\}/vdis$";

/// Returns schemathesis in a virtual environment, made once per target folder.
fn program() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schemathesis-venv");
    let (program, ready) = (folder.join("bin/st"), folder.join("ready"));
    if fs::read_to_string(&ready).is_ok_and(|version| version == PINNED) {
        return Ok(program);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))
        .context("make a virtual environment (python3 with venv is needed)")?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PINNED];
    run(Command::new(folder.join("bin/python3")).args(pip)).context("install schemathesis")?;
    fs::write(ready, PINNED)?;
    Ok(program)
}

fn run(command: &mut Command) -> Result<()> {
    let out = command.output().with_context(|| format!("run {command:?}"))?;
    let said = String::from_utf8_lossy(&out.stdout) + String::from_utf8_lossy(&out.stderr);
    ensure!(out.status.success(), "{command:?}: {}\n{said}", out.status);
    Ok(())
}

#[tokio::test]
async fn every_answer_is_one_of_the_documented_ones() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let token = rig.admin().await?.call("token.create", json!({})).await?;
    let long = std::env::var_os("XYLEM_LONG").is_some();
    let folder = tempfile::tempdir()?;
    let report = folder.path().join("all.har");
    let mut command = Command::new(tokio::task::spawn_blocking(program).await??);
    command.current_dir(folder.path()).arg("run").arg(format!("http://{}/rest/v0/docs/swagger.json", rig.address()));
    command.args(["-H", &format!("Cookie: authenticationToken={}", token.as_str().context("a token")?)]);
    command.args(["--checks", CHECKS, "--exclude-path-regex", LEFT_OUT, "--warnings", "off", "--continue-on-failure"]);
    command.args(["--phases", if long { "examples,coverage,fuzzing" } else { "examples,fuzzing" }]);
    command.args(["--max-examples", if long { "60" } else { "3" }, "--seed", "1", "--suppress-health-check", "all"]);
    command.arg("--report").arg("har").arg("--report-har-path").arg(&report);
    tokio::task::spawn_blocking(move || run(&mut command)).await??;

    // Only what the document names may be the fault of a server: 500 says that the pool refused, 503 that it is away.
    let report: Value = serde_json::from_str(&fs::read_to_string(report)?)?;
    let entries = report["log"]["entries"].as_array().context("entries")?;
    ensure!(entries.len() > 300, "only {} requests", entries.len());
    for entry in entries {
        let (status, text) =
            (&entry["response"]["status"], entry["response"]["content"]["text"].as_str().unwrap_or(""));
        let refused = *status == 500 && text.contains("\"info\":");
        ensure!(
            status.as_u64().is_some_and(|status| status < 500) || refused || *status == 503,
            "{} {} answers {status}: {text}",
            entry["request"]["method"],
            entry["request"]["url"]
        );
    }
    rig.end().await
}
