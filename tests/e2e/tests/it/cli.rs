//! The command line against a daemon: what a person types, what a script reads, and what happens when it goes wrong.

use std::process::{Output, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use rig::Rig;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use totp_rs::{Algorithm, Builder, Secret};

/// Somebody with a configuration folder of their own.
struct Person(TempDir);

impl Person {
    fn new() -> Result<Self> {
        Ok(Self(tempfile::tempdir().context("make a folder for a person")?))
    }

    fn prepared(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("XYLEM_")) {
            command.env_remove(name);
        }
        command.env("XDG_CONFIG_HOME", self.0.path()).current_dir(self.0.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    async fn output(&self, args: &[&str], input: &str) -> Result<Output> {
        let mut child = self.prepared(rig::program()?).args(args).spawn().context("start xylem")?;
        let mut stdin = child.stdin.take().context("an input")?;
        // Who needs no input may have ended by now.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let ended = tokio::time::timeout(rig::LIMIT, child.wait_with_output()).await;
        Ok(ended.with_context(|| format!("xylem {args:?} does not end"))??)
    }

    /// Runs a command that succeeds and says nothing but its result.
    async fn run(&self, args: &[&str], input: &str) -> Result<String> {
        let Output { status, stdout, stderr } = self.output(args, input).await?;
        ensure!(status.success(), "xylem {args:?}: {status}: {}", String::from_utf8_lossy(&stderr));
        Ok(String::from_utf8(stdout)?)
    }

    async fn json(&self, args: &[&str]) -> Result<Value> {
        let said = self.run(args, "").await?;
        serde_json::from_str(&said).with_context(|| format!("xylem {args:?} said {said}"))
    }

    /// Runs a command that fails, with this code, a text on standard error, and nothing as a result.
    async fn fails(&self, args: &[&str], code: i32, text: &str) -> Result<()> {
        let Output { status, stdout, stderr } = self.output(args, "").await?;
        let stderr = String::from_utf8_lossy(&stderr);
        ensure!(status.code() == Some(code) && stdout.is_empty(), "xylem {args:?}: {status}: {stderr}");
        ensure!(stderr.contains(text) && !stderr.contains("panicked"), "xylem {args:?}: {text:?} is not in {stderr}");
        Ok(())
    }
}

#[tokio::test]
async fn a_day_at_the_command_line() -> Result<()> {
    let rig = Rig::builder().pools(["pool2"]).start().await?;
    let (me, url, password) = (Person::new()?, rig.url(), rig.password()?);
    let admin = rig.admin().await?;
    admin.watch().await?;

    // The password is asked for, and kept nowhere; registering twice renews one token.
    for _ in 0..2 {
        me.run(&["register", "--expiresIn", "2 hours", &url, "admin"], &format!("{password}\n")).await?;
    }
    let kept = std::fs::read_to_string(me.0.path().join("xylem/servers.json"))?;
    ensure!(!kept.contains(&password) && kept.contains(&url), "{kept}");
    let tokens = admin.call("user.getAuthenticationTokens", json!({})).await?;
    let ours: Vec<_> = tokens.as_array().into_iter().flatten().filter(|token| token["client"].is_object()).collect();
    ensure!(ours.len() == 1, "{tokens}");
    let (from, to) = (ours[0]["created_at"].as_u64(), ours[0]["expiration"].as_u64());
    ensure!(to.zip(from).is_some_and(|(to, from)| to - from < 3 * 3_600_000), "{tokens}");

    let listed = me.run(&["list-commands", "{user,group}.*"], "").await?;
    ensure!(listed.contains("user.create ") && listed.contains("group.create "), "{listed}");
    ensure!(!listed.contains("vm.start"), "{listed}");
    let methods = me.json(&["--list-commands", "--json", "vm.st[ao]*"]).await?;
    ensure!(methods["vm.start"]["params"]["id"]["type"] == "string" && methods.get("vm.set").is_none(), "{methods}");
    let help = me.run(&["vm.start", "--help"], "").await?;
    ensure!(help.starts_with("vm.start ") && help.contains("id=<string>"), "{help}");

    let halted = me.json(&["list-objects", "--id", "--name_label", "type=VM", "power_state=Halted"]).await?;
    let view = admin.view();
    let wanted = view.of_kind("VM").filter(|vm| vm["power_state"] == "Halted").count();
    ensure!(halted.as_array().is_some_and(|vms| vms.len() == wanted && wanted > 0), "{halted}");
    ensure!(halted[0].as_object().is_some_and(|vm| vm.len() == 2), "only what was asked for: {halted}");
    let vm = view.named("VM", "Demo Linux VM (1)").context("a halted VM")?;
    let id = vm["id"].as_str().context("an id")?.to_owned();
    let is_in = async |state: &'static str| {
        admin.until(state, |view| (view.objects.get(&id)?["power_state"] == state).then_some(())).await
    };

    ensure!(me.run(&["vm.start", &format!("id={id}")], "").await? == "true\n");
    is_in("Running").await?;
    me.run(&["vm.set", &format!("id={id}"), "name_description=12", "auto_poweron=true", "cpuWeight=json:64"], "")
        .await?;
    let found = me.json(&["list-objects", "--name_description", "--cpuWeight", "auto_poweron=true"]).await?;
    let changed = json!({ "name_description": "12", "cpuWeight": 64 });
    ensure!(found.as_array().is_some_and(|all| all.contains(&changed)), "a number without json: is a text: {found}");

    let hrefs = me.json(&["rest", "get", "vms", "limit=2"]).await?;
    let path = hrefs[0].as_str().context("an address")?;
    ensure!(path.starts_with("vms/") && hrefs[1].is_string() && hrefs[2].is_null(), "{hrefs}");
    ensure!(me.json(&["rest", "get", path]).await?["type"] == "VM", "addresses can be asked for as they are");
    let lines = me.run(&["rest", "get", "vms", "fields=id", "ndjson=true"], "").await?;
    ensure!(lines.lines().count() == view.of_kind("VM").count() && lines.contains("\"vms/"), "{lines}");
    let action = |name: &str| format!("vms/{id}/actions/{name}");
    let task = me.json(&["rest", "post", &action("hard_shutdown"), "wait"]).await?;
    ensure!(task["status"] == "success" && task["properties"]["objectId"] == id.as_str(), "{task}");
    is_in("Halted").await?;
    let pool = view.of_kind("pool").next().and_then(|pool| pool["id"].as_str()).context("a pool")?;
    let path = format!("pools/{pool}/actions/create_internal_network");
    let made = me.json(&["rest", "post", &path, "name=typed", "wait=result"]).await?;
    ensure!(made["id"].is_string(), "{made}");
    let started = me.json(&["rest", "post", &action("start")]).await?;
    let path = format!("tasks/{}", started["taskId"].as_str().context("a task")?);
    ensure!(me.json(&["rest", "get", &path, "wait=result"]).await?["status"] == "success");
    ensure!(me.run(&["rest", "put", &format!("vms/{id}/tags/typed")], "").await?.is_empty());
    ensure!(
        me.json(&["list-objects", "--id", "name_label=nobody", "type=VM"]).await? == json!([]),
        "a filter that fits nothing"
    );

    // Files: a listing that is fetched, an answer that is saved under its own name, and what cannot be yet.
    me.run(&["xo.getAllObjects", "ndjson=true", "@=all.ndjson"], "").await?;
    let all = std::fs::read_to_string(me.0.path().join("all.ndjson"))?;
    ensure!(all.lines().count() == admin.view().objects.len() || all.lines().count() > 100, "{}", all.lines().count());
    me.run(&["rest", "get", "vms", "--output", "out/"], "").await?;
    ensure!(serde_json::from_str::<Value>(&std::fs::read_to_string(me.0.path().join("out/vms"))?)?.is_array());
    me.fails(&["rest", "post", "vms", "@=disk.xva"], 1, "not possible yet").await?;

    // Tokens for others, and the end of ours, there too.
    let token = me.run(&["create-token", &url, "admin"], &format!("{password}\n")).await?;
    let (token, other) = (token.trim(), Person::new()?);
    ensure!(token.len() == 43, "{token}");
    let with_token = format!("http://{token}@{}/", rig.address());
    ensure!(other.run(&["--url", &with_token, "system.getVersion"], "").await? == "0.1\n");
    ensure!(other.run(&["system.getVersion", "--json", "--url", &with_token], "").await? == "\"0.1\"\n");
    other.fails(&["system.getVersion"], 1, "xylem register").await?;
    other.run(&["register", "--token", token, &url], "").await?;
    ensure!(other.json(&["session.getUser"]).await?["email"] == "admin");
    other.run(&["unregister"], "").await?;
    ensure!(other.run(&["--url", &with_token, "system.getVersion"], "").await? == "0.1\n", "only forgotten");
    me.run(&["unregister", "--revoke"], "").await?;
    me.fails(&["system.getVersion"], 1, "no server is registered").await?;
    let tokens = admin.call("user.getAuthenticationTokens", json!({})).await?;
    ensure!(!tokens.to_string().contains("\"client\""), "{tokens}");
    rig.end().await
}

#[tokio::test]
async fn what_goes_wrong_says_so() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let (me, url, password) = (Person::new()?, rig.url(), rig.password()?);
    let admin = rig.admin().await?;

    me.fails(&["register", &url, "nobody", "wrong"], 1, "invalid credentials (code 3)").await?;
    me.fails(&["register", "http://127.0.0.1:1", "admin", "x"], 1, "talk to http://127.0.0.1:1/").await?;
    me.fails(&["register", "ftp://x", "admin", "x"], 1, "https://").await?;
    me.fails(&["register", &url, "admin"], 1, "there is no password").await?;
    me.fails(&["register"], 2, "<URL>").await?;
    ensure!(!me.0.path().join("xylem").exists(), "what failed left nothing behind");

    // With a one-time password; the pause after the failure is the server's.
    let id = admin.call("user.create", json!({ "email": "olga", "password": "olga-1", "permission": "none" })).await?;
    let secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    admin.call("user.set", json!({ "id": id, "preferences": { "otp": secret } })).await?;
    me.fails(&["register", &url, "olga", "olga-1"], 1, "(code 3)").await?;
    let secret = Secret::try_from_base32(secret).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let totp = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_step_duration(30).with_secret(secret);
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let code = totp.build_noncompliant().generate(now).to_string();
    me.run(&["register", "--otp", &code, &url, "olga", "olga-1"], "").await?;
    me.fails(&["server.getAll"], 1, "not enough permissions (code 2)").await?;

    me.run(&["register", &url, "admin"], &format!("{password}\n")).await?;
    me.fails(&["vm.fly"], 1, "method not found").await?;
    me.fails(&["vm.start", "id=nothing"], 1, "no such VM nothing (code 1)").await?;
    me.fails(&["vm.start"], 1, "(code 10)\n").await?;
    me.fails(&["vm.start", "id=json:{"], 1, "the value of id is not JSON").await?;
    me.fails(&["vm.start", "--fly"], 2, "--fly").await?;
    me.fails(&["rest", "get", "vms", "limit=many"], 1, "(422)").await?;
    me.fails(&["rest", "get", "vms/nothing"], 1, "(404)").await?;
    me.fails(&["rest", "post", "vms/nothing/actions/start", "wait=soon"], 1, "wait=result").await?;
    me.fails(&["list-commands", "{a"], 1, "is no pattern").await?;
    me.fails(&["list-objects", "--id=1"], 1, "--<property>").await?;
    me.fails(&["xo.getAllObjects", "ndjson=true"], 1, "@=<file>").await?;
    me.fails(&["xo.getAllObjects", "ndjson=true", "@=no/such/folder"], 1, "no/such/folder").await?;

    // A task that fails is a command that fails.
    let view = admin.watch().await.map(|()| admin.view())?;
    let running = view.of_kind("VM").find(|vm| vm["power_state"] == "Running").context("a running VM")?;
    let path = format!("vms/{}/actions/start", running["id"].as_str().unwrap_or_default());
    me.fails(&["rest", "post", &path, "wait=result"], 1, "the task ended with failure").await?;

    // A token that is over.
    admin.call("token.delete", json!({ "pattern": { "client": {} } })).await?;
    me.fails(&["session.getUser"], 1, "register again").await?;
    rig.end().await
}

#[tokio::test]
async fn in_a_pipe_and_in_a_terminal() -> Result<()> {
    let rig = Rig::builder().pools(["pool2"]).start().await?;
    let (me, url, password) = (Person::new()?, rig.url(), rig.password()?);

    // A terminal: script(1) gives one. The question stands there before the answer is typed.
    let program = rig::program()?;
    let typed = format!("{} register {url} admin", program.display());
    let mut child = me.prepared("script").args(["-qec", &typed, "/dev/null"]).spawn().context("start script(1)")?;
    let (mut to, mut from) = (child.stdin.take().context("an input")?, child.stdout.take().context("an output")?);
    let talk = async {
        let mut said = Vec::new();
        while !String::from_utf8_lossy(&said).contains("Password: ") {
            ensure!(from.read_buf(&mut said).await? > 0, "no question: {}", String::from_utf8_lossy(&said));
        }
        to.write_all(format!("{password}\n").as_bytes()).await?;
        from.read_to_end(&mut said).await?;
        Ok(String::from_utf8_lossy(&said).into_owned())
    };
    let said = tokio::time::timeout(rig::LIMIT, talk).await.context("it does not end")??;
    ensure!(child.wait().await?.success() && said.contains("Registered"), "{said}");

    // A pipe whose reader has seen enough.
    for args in [&["list-objects"][..], &["rest", "get", "vms", "fields=*", "ndjson=true"], &["completions", "bash"]] {
        let mut child = me.prepared(&program).args(args).spawn().context("start xylem")?;
        drop(child.stdout.take());
        let ended = tokio::time::timeout(rig::LIMIT, child.wait_with_output()).await.context("it does not end")??;
        let stderr = String::from_utf8_lossy(&ended.stderr);
        ensure!(ended.status.success() && stderr.is_empty(), "{args:?}: {} {stderr}", ended.status);
    }

    for shell in ["bash", "zsh", "fish"] {
        let script = me.run(&["completions", shell], "").await?;
        ensure!(script.contains("list-objects") && !script.contains("plugin-compile "), "{shell}");
    }
    let help = me.run(&["--help"], "").await?;
    ensure!(help.contains("list-commands") && help.contains("json:"), "{help}");
    rig.end().await
}
