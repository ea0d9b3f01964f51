//! `xylem recover`: makes an administrator when none can sign in any more. It asks the running daemon over its Unix socket,
//! where root and the daemon's own user need no account.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use daemon::{Config, Overrides};
use serde_json::{Value, json};

/// How long an answer may take; the hash of a password is the slowest part.
const PATIENCE: Duration = Duration::from_secs(30);

/// What can be said.
#[derive(Debug, Args)]
pub(crate) struct Recover {
    /// Configuration file of the daemon (TOML).
    #[arg(long, env = "XYLEM_CONFIG")]
    config: Option<PathBuf>,
    /// State folder of the daemon.
    #[arg(long, env = "XYLEM_STATE")]
    state: Option<PathBuf>,
    /// The daemon's Unix socket, if it is elsewhere than the configuration says.
    #[arg(long)]
    socket: Option<PathBuf>,
    /// Account to make an administrator; it is created if there is none of that name.
    #[arg(long, default_value = "admin")]
    name: String,
    /// File with its new password; without one a password is made up and shown.
    #[arg(long)]
    password_file: Option<PathBuf>,
}

pub(crate) fn run(recover: Recover) -> Result<()> {
    let Recover { config, state, socket, name, password_file } = recover;
    let config = Config::read(config.as_deref())?.with(Overrides { state, ..Overrides::default() });
    let socket = socket.unwrap_or_else(|| config.socket());
    let given = password_file.as_deref().map(read_password).transpose()?;
    let password = match &given {
        Some(password) => password.clone(),
        None => make_password().context("make a password")?,
    };
    let mut daemon = Daemon::connect(&socket)?;
    let what = make_admin(&mut daemon, &name, &password)?;
    println!("{what}");
    if given.is_none() {
        println!("password: {password}");
    }
    Ok(())
}

fn make_admin(daemon: &mut Daemon, name: &str, password: &str) -> Result<String> {
    let users = daemon.call("user.getAll", &json!({}))?;
    let is_meant =
        |user: &&Value| user["email"].as_str().is_some_and(|known| known.to_lowercase() == name.to_lowercase());
    let Some(user) = users.as_array().into_iter().flatten().find(is_meant) else {
        let new = json!({ "email": name, "password": password, "permission": "admin" });
        daemon.call("user.create", &new)?;
        return Ok(format!("created the administrator {name}"));
    };
    if user.get("authProviders").is_some() {
        bail!("{name} signs in through a provider and has no password here; give another name with --name");
    }
    let changes = json!({
        "id": user["id"], "password": password, "permission": "admin", "preferences": { "otp": null },
    });
    daemon.call("user.set", &changes)?;
    Ok(format!("{name} is an administrator, with a new password and without one-time passwords"))
}

fn read_password(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("{} is empty", path.display());
    }
    Ok(password.to_owned())
}

/// Returns 24 letters and digits of the system's chance.
fn make_password() -> std::io::Result<String> {
    let mut bytes = [0; 18];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// A connection to the daemon.
struct Daemon {
    lines: BufReader<UnixStream>,
}

impl Daemon {
    fn connect(socket: &Path) -> Result<Self> {
        let io = UnixStream::connect(socket).with_context(|| {
            format!("connect to {}: does the daemon run, and are you root or its user?", socket.display())
        })?;
        io.set_read_timeout(Some(PATIENCE)).context("set how long to wait")?;
        Ok(Self { lines: BufReader::new(io) })
    }

    fn call(&mut self, method: &str, params: &Value) -> Result<Value> {
        let request = json!({ "jsonrpc": "2.0", "id": 0, "method": method, "params": params });
        let sent = self.lines.get_mut().write_all(format!("{request}\n").as_bytes());
        sent.with_context(|| format!("ask for {method}"))?;
        loop {
            let mut line = String::new();
            let read = self.lines.read_line(&mut line).with_context(|| format!("read the answer to {method}"))?;
            if read == 0 {
                bail!("the daemon closed the connection before it answered {method}");
            }
            let mut answer: Value = serde_json::from_str(&line).context("understand the daemon")?;
            // Notifications come in between.
            if answer.get("id") != Some(&json!(0)) {
                continue;
            }
            if let Some(error) = answer.get("error") {
                bail!("{method}: {}", error["message"].as_str().unwrap_or("refused"));
            }
            return Ok(answer["result"].take());
        }
    }
}
