//! JSON-RPC without HTTP: the Unix socket, where root and the daemon's own user need no account, and the TCP port.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use rig::{Client, Rig};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, Lines, ReadHalf, WriteHalf};
use tokio::net::{TcpStream, UnixStream};

/// A connection on which each message is a line.
pub(crate) struct Line<S> {
    lines: Lines<BufReader<ReadHalf<S>>>,
    write: WriteHalf<S>,
    /// What was told between the answers.
    told: Vec<Value>,
}

impl<S: AsyncRead + AsyncWrite> Line<S> {
    pub(crate) fn new(io: S) -> Self {
        let (read, write) = tokio::io::split(io);
        Self { lines: BufReader::new(read).lines(), write, told: Vec::new() }
    }

    async fn send(&mut self, text: &str) -> Result<()> {
        self.write.write_all(text.as_bytes()).await.context("send")
    }

    /// Returns the next message; none when the daemon has closed the connection.
    async fn next(&mut self) -> Result<Option<Value>> {
        let line = tokio::time::timeout(std::time::Duration::from_secs(20), self.lines.next_line()).await;
        // A reset is an end, too.
        let Ok(Some(line)) = line.context("nothing comes")? else { return Ok(None) };
        Ok(Some(serde_json::from_str(&line).with_context(|| line)?))
    }

    /// Returns the result or, as an error, the code.
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Result<Result<Value, i64>> {
        self.send(&format!("{}\n", json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params }))).await?;
        loop {
            let mut answer = self.next().await?.with_context(|| format!("{method}: the connection ended"))?;
            if answer["id"] != 7 {
                self.told.push(answer);
                continue;
            }
            return Ok(match answer.get("error") {
                Some(error) => Err(error["code"].as_i64().unwrap_or_default()),
                None => Ok(answer["result"].take()),
            });
        }
    }
}

pub(crate) async fn local(rig: &Rig) -> Result<Line<UnixStream>> {
    Ok(Line::new(UnixStream::connect(rig.state().join("rpc/xylem.sock")).await.context("connect")?))
}

/// The daemon's TCP port stands in its log.
pub(crate) async fn tcp(rig: &Rig) -> Result<Line<TcpStream>> {
    let log = rig.logged();
    let line = log.lines().rfind(|line| line.contains(" tcp=")).context("it listens")?;
    let port: String = line.rsplit(':').next().unwrap_or_default().chars().take_while(char::is_ascii_digit).collect();
    Ok(Line::new(TcpStream::connect(format!("127.0.0.1:{port}")).await.context("connect")?))
}

fn recover(rig: &Rig, more: &[&str]) -> Result<Output> {
    let config = rig.state().with_file_name("xylem.toml");
    let mut command = Command::new(rig::program()?);
    command.arg("recover").arg("--config").arg(config).args(more).output().context("run xylem recover")
}

async fn signs_in(rig: &Rig, name: &str, password: &str) -> Result<Client> {
    let client = rig.client().await?;
    let params = json!({ "username": name, "password": password });
    rig::until("the sign-in", async || client.call("session.signIn", params.clone()).await.ok()).await?;
    Ok(client)
}

#[tokio::test]
async fn the_machines_own_administrator() -> Result<()> {
    let mut rig = Rig::builder().pools(["single-host"]).start().await?;
    let socket = rig.state().join("rpc/xylem.sock");
    let mode = |path: &Path| std::fs::metadata(path).map(|meta| meta.permissions().mode() & 0o777);
    ensure!(mode(&socket)? == 0o600 && mode(socket.parent().context("a folder")?)? == 0o700);

    // Without an account: everything but what belongs to an account.
    let mut root = local(&rig).await?;
    ensure!(root.call("session.getUser", json!({})).await? == Ok(Value::Null));
    ensure!(root.call("token.create", json!({})).await? == Err(2), "a token of nobody");
    let alice = json!({ "email": "alice", "password": "alice-1" });
    let alice = root.call("user.create", alice).await?.map_err(|code| anyhow::anyhow!("code {code}"))?;
    let objects = root.call("xo.getAllObjects", json!({})).await?.map_err(|code| anyhow::anyhow!("code {code}"))?;
    ensure!(objects.as_object().is_some_and(|all| all.len() > 20), "{objects}");
    // It is told what changes.
    let pool = rig.sim(0).records("pool").into_keys().next().context("a pool")?;
    rig.sim(0).set("pool", &pool, "name_description", json!("told"))?;
    let told = async {
        loop {
            let message = match root.told.pop() {
                Some(message) => message,
                None => root.next().await?.context("the connection ended")?,
            };
            if message["method"] == "all" && message.to_string().contains("\"told\"") {
                return anyhow::Ok(());
            }
        }
    };
    told.await?;

    // Who says who they are, or that they are nobody, is that; also when it is not true.
    for (method, params, code) in [
        ("session.signOut", json!({}), Ok(json!(true))),
        ("session.signIn", json!({ "token": "wrong" }), Err(3)),
        ("session.signInWithPassword", json!({ "email": "nobody", "password": "x" }), Err(3)),
    ] {
        let mut line = local(&rig).await?;
        ensure!(line.call(method, params).await? == code, "{method}");
        ensure!(line.call("user.getAll", json!({})).await? == Err(2), "still an administrator after {method}");
    }
    let mut line = local(&rig).await?;
    let signed_in = line.call("session.signIn", json!({ "email": "alice", "password": "alice-1" })).await?;
    ensure!(signed_in.is_ok_and(|user| user["id"] == alice));
    ensure!(line.call("user.getAll", json!({})).await? == Err(2), "alice is no administrator");
    root.call("user.delete", json!({ "id": alice })).await?.map_err(|code| anyhow::anyhow!("code {code}"))?;
    ensure!(line.next().await?.is_none(), "her connection goes on");

    // A pipe: everything is said at once, and then listened to.
    let mut line = local(&rig).await?;
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"xo.getAllObjects"}"#;
    line.send(&format!("{list}\n{{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"system.getVersion\"}}\nnot json")).await?;
    line.write.shutdown().await?;
    let mut ids = Vec::new();
    while let Some(answer) = line.next().await? {
        ids.push(answer["id"].clone());
    }
    ids.sort_by_key(Value::as_i64);
    ensure!(ids == [json!(null), json!(1), json!(2)], "{ids:?}");

    // A daemon that was killed leaves its socket; the next one takes its place, and who stops takes it away.
    rig.kill9();
    ensure!(socket.exists());
    rig.start_again().await?;
    ensure!(local(&rig).await?.call("user.getAll", json!({})).await?.is_ok());
    rig.stop().await?;
    ensure!(!socket.exists(), "the socket is still there");
    Ok(())
}

#[tokio::test]
async fn a_lost_administrator_is_replaced() -> Result<()> {
    let rig = Rig::builder().start().await?;
    let admin = rig.admin().await?;
    // Nobody knows the password, and the device with the codes is lost.
    let me = admin.call("session.getUser", json!({})).await?["id"].clone();
    let secret = json!({ "otp": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" });
    admin.call("user.set", json!({ "id": me, "password": "forgotten", "preferences": secret })).await?;
    let output = recover(&rig, &[])?;
    let text = String::from_utf8(output.stdout)?;
    ensure!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
    let password = text.lines().find_map(|line| line.strip_prefix("password: ")).context("a password")?;
    ensure!(password.len() == 24 && !rig.logged().contains(password), "{password}");
    let admin = signs_in(&rig, "admin", password).await?;
    // Another one, from a file; and one that lost its permission.
    let file = rig.state().with_file_name("password");
    std::fs::write(&file, "from a file\n")?;
    let file = file.to_str().context("a path")?;
    ensure!(recover(&rig, &["--name", "second", "--password-file", file])?.status.success());
    let second = signs_in(&rig, "second", "from a file").await?;
    let id = second.call("session.getUser", json!({})).await?["id"].clone();
    admin.call("user.set", json!({ "id": id, "permission": "none" })).await?;
    ensure!(recover(&rig, &["--name", "SECOND", "--password-file", file])?.status.success());
    ensure!(second.call("user.getAll", json!({})).await?.as_array().is_some_and(|all| all.len() == 2), "one too many");
    rig.end().await
}

/// Another user of this machine, in the group that may connect, signs in. (To play one takes root.)
#[tokio::test]
async fn others_of_the_machine_sign_in() -> Result<()> {
    const NOBODY: u32 = 65_534;
    let folder = std::env::temp_dir().join(format!("xylem-lines-{}", std::process::id()));
    let socket = folder.join("xylem.sock");
    let settings = format!("[rpc]\nsocket = {:?}\nsocket_group = \"{}\"", socket, group()?);
    let rig = Rig::builder().settings(&settings).start().await?;
    let meta = |path: &Path| std::fs::metadata(path).map(|meta| (meta.permissions().mode() & 0o777, meta.gid()));
    ensure!(meta(&folder)? == (0o750, group()?) && meta(&socket)? == (0o660, group()?));
    // Our own user is the daemon's.
    let mut own = Line::new(UnixStream::connect(&socket).await?);
    ensure!(own.call("user.getAll", json!({})).await?.is_ok());
    if std::fs::metadata("/proc/self")?.uid() == 0 {
        let program = folder.join("xylem");
        std::fs::copy(rig::program()?, &program)?;
        std::os::unix::fs::chown(&program, None, Some(NOBODY))?;
        let mut command = Command::new(&program);
        let output = command.uid(NOBODY).gid(NOBODY).arg("recover").arg("--socket").arg(&socket).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(!output.status.success() && said.contains("not enough permissions"), "{said}");
    }
    rig.end().await?;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// The group that may connect: that of nobody, if we may say so, else our own.
fn group() -> Result<u32> {
    let own = std::fs::metadata("/proc/self")?;
    Ok(if own.uid() == 0 { 65_534 } else { own.gid() })
}

#[tokio::test]
async fn a_tcp_port_for_those_who_want_one() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).settings("[rpc]\ntcp = \"127.0.0.1:0\"").start().await?;
    let mut line = tcp(&rig).await?;
    ensure!(line.call("system.getVersion", json!({})).await? == Ok(json!("0.1")));
    ensure!(line.call("user.getAll", json!({})).await? == Err(2), "nobody is an administrator here");
    let credentials = json!({ "username": "admin", "password": rig.password()? });
    ensure!(line.call("session.signIn", credentials).await?.is_ok_and(|user| user["permission"] == "admin"));
    let admin = rig.admin().await?;
    let listed = admin.call("xo.getAllObjects", json!({})).await?;
    ensure!(line.call("xo.getAllObjects", json!({})).await? == Ok(listed), "another listing than the WebSocket's");
    // A token that is taken away takes the connection with it.
    let token = admin.call("token.create", json!({})).await?;
    let mut by_token = tcp(&rig).await?;
    ensure!(by_token.call("session.signIn", json!({ "token": token })).await?.is_ok());
    admin.call("token.delete", json!({ "tokens": [token] })).await?;
    let ended = async {
        while by_token.next().await?.is_some() {}
        anyhow::Ok(())
    };
    ended.await?;
    // What a browser can be made to send is no beginning; what comes later may be wrong and is answered.
    let mut browser = tcp(&rig).await?;
    browser.send("POST / HTTP/1.1\r\nHost: x\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\"}\n").await?;
    ensure!(browser.next().await?.is_none(), "answered to HTTP");
    line.send("nonsense\n").await?;
    let answer = async {
        loop {
            let message = line.next().await?.context("the connection ended")?;
            if let Some(error) = message.get("error") {
                return anyhow::Ok(error["code"].clone());
            }
        }
    };
    ensure!(answer.await? == -32700);
    // A line without end is not kept: it is heard for a moment more, and then no more.
    let before = rig.rss()?;
    let mut endless = tcp(&rig).await?;
    let piece = "{".repeat(1 << 20);
    let heard = async {
        while endless.send(&piece).await.is_ok() {}
        endless.next().await
    };
    ensure!(tokio::time::timeout(rig::LIMIT, heard).await.context("it is heard for ever")??.is_none());
    let peak = rig.peak()?;
    ensure!(peak < before + (64 << 20), "{peak} bytes after {before}");
    rig.end().await
}
