//! A backup that comes back on a machine with another master key: accounts, tokens, one-time passwords, pools; and what must
//! not get through.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Output, Stdio};

use anyhow::{Context, Result, ensure};
use rig::{Auth, Rig};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

const PASSPHRASE: &str = "a horse that is correct";

async fn xylem(command: &str, file: &Path, state: &Path, more: &[&str], passphrase: &str) -> Result<Output> {
    let mut xylem = Command::new(rig::program()?);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("XYLEM_")) {
        xylem.env_remove(name);
    }
    xylem.arg(command).arg(file).arg("--state").arg(state).args(more).kill_on_drop(true);
    let mut child = xylem.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().context("an input")?;
    let _ = stdin.write_all(format!("{passphrase}\n").as_bytes()).await;
    drop(stdin);
    Ok(tokio::time::timeout(rig::LIMIT, child.wait_with_output()).await.context("it does not end")??)
}

async fn done(command: &str, file: &Path, state: &Path, more: &[&str]) -> Result<()> {
    let Output { status, stderr, .. } = xylem(command, file, state, more, PASSPHRASE).await?;
    ensure!(status.success(), "{command}: {status}: {}", String::from_utf8_lossy(&stderr));
    Ok(())
}

async fn refused(command: &str, file: &Path, state: &Path, passphrase: &str, text: &str) -> Result<()> {
    let more: &[&str] = if command == "restore" && state.exists() { &["--replace"] } else { &[] };
    let Output { status, stderr, .. } = xylem(command, file, state, more, passphrase).await?;
    let stderr = String::from_utf8_lossy(&stderr);
    ensure!(status.code() == Some(1) && stderr.contains(text), "{command}: {status}: {text:?} is not in {stderr}");
    Ok(())
}

#[tokio::test]
async fn a_backup_comes_back_under_another_master_key() -> Result<()> {
    let mut rig = Rig::builder().pools(["single-host"]).start().await?;
    let (state, password) = (rig.state(), rig.password()?);
    let folder = state.parent().context("a folder")?.to_owned();
    let file = folder.join("backup.xylem");
    let admin = rig.admin().await?;
    let id = admin.call("user.create", json!({ "email": "bob", "password": "bob-1", "permission": "admin" })).await?;
    admin.call("user.set", json!({ "id": id, "preferences": { "theme": "dark" } })).await?;
    let bob = rig.client().await?;
    bob.sign_in("bob", "bob-1").await?;
    let token = bob.call("token.create", json!({})).await?.as_str().context("a token")?.to_owned();
    let olga = admin.call("user.create", json!({ "email": "olga", "password": "olga-1" })).await?;
    let otp = json!({ "otp": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" });
    admin.call("user.set", json!({ "id": olga, "preferences": otp })).await?;
    // Looks like a sealed secret and is none: it comes through as it is.
    let imitation = format!("x1.0123456789abcdef.{}", "A".repeat(80));
    bob.call("token.create", json!({ "description": imitation })).await?;

    refused("backup", &file, &state, PASSPHRASE, "in use").await?;
    rig.stop().await?;
    refused("backup", &file, &state, "short", "12 letters").await?;
    refused("backup", &file, &folder.join("nowhere"), PASSPHRASE, "there is no store").await?;
    ensure!(!file.exists() && !folder.join("nowhere").exists());
    done("backup", &file, &state, &[]).await?;
    refused("backup", &file, &state, PASSPHRASE, "already").await?;
    let bytes = std::fs::read(&file)?;
    ensure!(std::fs::metadata(&file)?.mode() & 0o777 == 0o600);
    for clear in ["bob", "users", rig.sim(0).password()] {
        ensure!(!bytes.windows(clear.len()).any(|part| part == clear.as_bytes()), "{clear} is in clear");
    }

    // Another machine. What is no good leaves it untouched.
    let old = folder.join("old");
    std::fs::rename(&state, &old)?;
    let bad = |name: &str, bytes: &[u8]| -> Result<std::path::PathBuf> {
        let path = folder.join(name);
        std::fs::write(&path, bytes)?;
        Ok(path)
    };
    let mut newer = bytes.clone();
    newer[13] = 99;
    let cut = bad("cut", &bytes[..bytes.len() - 1])?;
    refused("restore", &file, &state, "another horse entirely", "the passphrase is wrong").await?;
    refused("restore", &bad("newer", &newer)?, &state, PASSPHRASE, "format 99").await?;
    refused("restore", &bad("other", b"hello")?, &state, PASSPHRASE, "no backup of Xylem").await?;
    refused("restore", &folder.join("missing"), &state, PASSPHRASE, "No such file").await?;
    ensure!(xylem("restore", &cut, &state, &[], PASSPHRASE).await?.status.code() == Some(1));
    ensure!(!state.exists(), "nothing was made");

    done("restore", &file, &state, &[]).await?;
    ensure!(std::fs::read(state.join("master.key"))? != std::fs::read(old.join("master.key"))?, "another key");
    rig.start_again().await?;
    rig.pools_are_live().await?;
    let rest = rig.rest(Auth::Cookie("token", token));
    ensure!(rest.get("/vms").await?.status == 200, "the token is good");
    let client = rig.client().await?;
    client.sign_in("bob", "bob-1").await?;
    ensure!(client.call("session.getUser", json!({})).await?["preferences"]["theme"] == "dark");
    let tokens = client.call("user.getAuthenticationTokens", json!({})).await?;
    ensure!(tokens.to_string().contains(&imitation), "{tokens}");
    let again = rig.client().await?;
    again.sign_in("admin", &password).await?;
    let servers = again.call("server.getAll", json!({})).await?;
    ensure!(servers.as_array().is_some_and(|all| all.len() == 1) && servers[0]["status"] == "connected", "{servers}");
    let asked = rig.client().await?.refused("session.signIn", json!({ "email": "olga", "password": "olga-1" })).await?;
    ensure!(asked.data == json!({ "otp": "required" }), "{asked}");
    let wrong = json!({ "email": "olga", "password": "olga-1", "otp": "000000" });
    let wrong = rig.client().await?.refused("session.signIn", wrong).await?;
    ensure!(wrong.code == 3 && wrong.data == json!({ "otp": "wrong" }), "its secret opens: {wrong}");

    // Over a store that is there: only when that is said, and never under a running daemon.
    refused("restore", &file, &state, PASSPHRASE, "in use").await?;
    ensure!(rest.get("/vms").await?.status == 200);
    client.call("user.create", json!({ "email": "late", "password": "late-1" })).await?;
    rig.stop().await?;
    let unsaid = xylem("restore", &file, &state, &[], PASSPHRASE).await?;
    ensure!(unsaid.status.code() == Some(1) && String::from_utf8_lossy(&unsaid.stderr).contains("--replace"));
    let before = std::fs::read(state.join("xylem.redb"))?;
    refused("restore", &cut, &state, PASSPHRASE, "cut off").await?;
    ensure!(std::fs::read(state.join("xylem.redb"))? == before, "what failed changed nothing");
    done("restore", &file, &state, &["--replace"]).await?;
    ensure!(state.join("xylem.redb.before-restore").is_file() && !state.join("xylem.redb.restoring").exists());
    rig.start_again().await?;
    rig.pools_are_live().await?;
    let client = rig.client().await?;
    ensure!(client.refused("session.signIn", json!({ "email": "late", "password": "late-1" })).await?.code == 3);

    // A lost master key: without it the secrets would stay behind.
    rig.stop().await?;
    std::fs::rename(state.join("master.key"), state.join("lost"))?;
    refused("backup", &folder.join("second"), &state, PASSPHRASE, "master key").await?;
    ensure!(!folder.join("second").exists());
    Ok(())
}
