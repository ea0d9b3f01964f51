//! The configuration: a TOML file, then the environment, then flags; the later one wins. Every setting is documented here, and
//! with its default in the README.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// Everything that can be set.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where and how the daemon listens.
    pub http: Http,
    /// JSON-RPC without HTTP, for administration on this machine and for programs.
    pub rpc: Rpc,
    /// Where it keeps what survives a restart.
    pub state: State,
    /// Where plugins are.
    pub plugins: Plugins,
    /// What it writes about itself.
    pub log: Log,
    /// How long it keeps the record of who did what.
    pub audit: Audit,
    /// How long it keeps what became of tasks.
    pub tasks: Tasks,
    /// How resource sets count.
    pub self_service: SelfService,
    /// How it talks to pools. `[timeouts]` is the older name of the section.
    #[serde(alias = "timeouts")]
    pub xapi: Xapi,
    /// Servers to register at start, unless one with that host is known already.
    pub servers: Vec<ServerSeed>,
}

/// Section `[http]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Address and port; port 0 = any free one. Default 127.0.0.1:8080.
    pub listen: SocketAddr,
    /// PEM file with the certificate and its chain. Needed to listen on anything but loopback; without one, a
    /// self-signed certificate is made at the first start and kept in the state folder.
    pub certificate: Option<PathBuf>,
    /// PEM file with the private key of the certificate.
    pub key: Option<PathBuf>,
    /// true = https on loopback too; elsewhere it always is. Default false.
    pub tls: bool,
}

/// Section `[rpc]`: JSON-RPC with one message per line.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rpc {
    /// Path of the Unix socket, in a folder of its own. Default: rpc/xylem.sock in the state folder.
    pub socket: Option<PathBuf>,
    /// Group whose members may use the socket, too, by name or number; they sign in. Needs `socket`: nobody else enters the
    /// state folder. Default: nobody but root and the daemon's own user.
    pub socket_group: Option<String>,
    /// Address and port of a TCP listener. It speaks TLS with the certificate of `[http]` anywhere but on loopback, and there
    /// where `[http]` does. Default: none.
    pub tcp: Option<SocketAddr>,
}

/// Section `[state]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct State {
    /// Folder of the store, the master key and compiled plugins; made with mode 0700. Default /var/lib/xylem.
    pub folder: PathBuf,
    /// File with the password of the first administrator, for automation; used once, when there is no account yet.
    pub admin_password_file: Option<PathBuf>,
}

/// Section `[plugins]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plugins {
    /// Folders with `<instance>.wasm`; an earlier folder wins. Default /usr/lib/xylem/plugins.
    pub folders: Vec<PathBuf>,
    /// true = start with every plugin disabled. Default false.
    pub safe_mode: bool,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Section `[log]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// "error", "warn", "info", "debug", "trace", or directives such as "info,xapi=debug". Default "info".
    pub level: String,
    /// "text" or "json". Default "text".
    pub format: LogFormat,
}

/// Section `[audit]`. What is older or more is removed, oldest first, and the log says so.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// Days for which a record is kept. Default 400.
    pub keep_days: u32,
    /// MiB of records that are kept. Default 256.
    pub keep_mebibytes: u32,
}

impl Default for Audit {
    fn default() -> Self {
        Self { keep_days: 400, keep_mebibytes: 256 }
    }
}

impl Audit {
    pub(crate) fn keep(&self) -> app::audit::Keep {
        keep(self.keep_days, self.keep_mebibytes)
    }
}

/// Section `[tasks]`. Of the tasks that are over - a thousand at most - the oldest go first.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tasks {
    /// Days for which one is kept. Default 31.
    pub keep_days: u32,
    /// MiB of them that are kept. Default 8.
    pub keep_mebibytes: u32,
}

impl Default for Tasks {
    fn default() -> Self {
        Self { keep_days: 31, keep_mebibytes: 8 }
    }
}

impl Tasks {
    pub(crate) fn keep(&self) -> app::audit::Keep {
        keep(self.keep_days, self.keep_mebibytes)
    }
}

fn keep(days: u32, mebibytes: u32) -> app::audit::Keep {
    app::audit::Keep { time: u64::from(days) * 24 * 3_600_000, size: u64::from(mebibytes) << 20 }
}

/// Section `[self_service]`: what people make by themselves within resource sets.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SelfService {
    /// true = a snapshot uses nothing of a set but one of its "snapshots"; otherwise as much as its VM. Default false.
    pub ignore_snapshots: bool,
}

/// Section `[xapi]`: how the daemon talks to pools. Times are seconds, with a fraction if need be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Xapi {
    /// TCP and TLS to a host. Default 10.
    pub connect: Seconds,
    /// A login. Default 30.
    pub login: Seconds,
    /// A call; long operations are tasks and may take as long as they want. Default 300.
    pub call: Seconds,
    /// From asking for all objects of a pool until the answer begins. Default 300.
    pub load: Seconds,
    /// How long a large answer may stand still. Default 30.
    pub stall: Seconds,
    /// How long a pool may hold a poll for events when nothing happens. Default 60.
    pub event_poll: Seconds,
    /// How much later than that a silent pool counts as dead. Default 10.
    pub event_margin: Seconds,
    /// A logout. Default 3.
    pub logout: Seconds,
    /// How long a host may be silent before another known member of its pool is tried beside it. Default 2.
    pub failover: Seconds,
    /// How long to wait before a call is repeated that a busy or booting pool refused. Default 5.
    pub busy_wait: Seconds,
    /// How long to go on with that. Default 60.
    pub busy_limit: Seconds,
    /// The wait before the first attempt after a loss. Default 0.25.
    pub retry_first: Seconds,
    /// The longest wait between attempts; it doubles up to there. Default 60.
    pub retry_last: Seconds,
    /// The longest wait between attempts with a password that was refused: each raises an alert on the pool. Default 3600.
    pub retry_refused: Seconds,
    /// How long a pool has to stay live until its earlier losses are forgotten. Default 30.
    pub settled: Seconds,
    /// How long an unused connection is kept. Default 30.
    pub idle: Seconds,
    /// The largest answer to a call, in MiB. Default 256.
    pub max_answer: u32,
    /// The largest first load of a pool, in MiB; only a piece of it is in memory at a time. Default 8192.
    pub max_load: u32,
}

/// A time in seconds, from a millisecond to a year.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub struct Seconds(pub Duration);

impl TryFrom<f64> for Seconds {
    type Error = String;

    fn try_from(seconds: f64) -> std::result::Result<Self, String> {
        if (0.001..=31_536_000.0).contains(&seconds) {
            Ok(Self(Duration::from_secs_f64(seconds)))
        } else {
            Err(format!("{seconds} is not a time between 0.001 and 31536000 seconds"))
        }
    }
}

/// One `[[servers]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSeed {
    /// Name or address, with `:port` if it is not 443; or a URL.
    pub host: String,
    /// Account on the pool.
    pub username: String,
    /// Its password; better: `password_file`.
    pub password: Option<String>,
    /// File with the password.
    pub password_file: Option<PathBuf>,
    /// SHA-256 of the only certificate that is taken.
    pub fingerprint: Option<String>,
    /// true = take any certificate. Default false.
    #[serde(default)]
    pub allow_unauthorized: bool,
    /// Name for people; default is the pool's.
    #[serde(default)]
    pub label: String,
    /// true = refuse calls that change something. Default false.
    #[serde(default)]
    pub read_only: bool,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8080)), certificate: None, key: None, tls: false }
    }
}

impl Default for State {
    fn default() -> Self {
        Self { folder: "/var/lib/xylem".into(), admin_password_file: None }
    }
}

impl Default for Plugins {
    fn default() -> Self {
        Self { folders: vec!["/usr/lib/xylem/plugins".into()], safe_mode: false }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".into(), format: LogFormat::Text }
    }
}

impl Default for Xapi {
    fn default() -> Self {
        let times = xapi::Timeouts::default();
        let mebibytes = |bytes: u64| u32::try_from(bytes >> 20).unwrap_or(u32::MAX);
        Self {
            connect: Seconds(times.connect),
            login: Seconds(times.login),
            call: Seconds(times.call),
            load: Seconds(times.load),
            stall: Seconds(times.stall),
            event_poll: Seconds(times.event_poll),
            event_margin: Seconds(times.event_margin),
            logout: Seconds(times.logout),
            failover: Seconds(times.failover),
            busy_wait: Seconds(times.busy_wait),
            busy_limit: Seconds(times.busy_limit),
            retry_first: Seconds(times.retry_first),
            retry_last: Seconds(times.retry_last),
            retry_refused: Seconds(times.retry_refused),
            settled: Seconds(times.settled),
            idle: Seconds(times.idle),
            max_answer: mebibytes(times.max_answer as u64),
            max_load: mebibytes(times.max_load),
        }
    }
}

/// What flags and the environment say; what is none stays as the file has it.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `[http] listen`
    pub listen: Option<SocketAddr>,
    /// `[state] folder`
    pub state: Option<PathBuf>,
    /// `[state] admin_password_file`
    pub admin_password_file: Option<PathBuf>,
    /// `[plugins] folders`
    pub plugins: Vec<PathBuf>,
    /// `[plugins] safe_mode`
    pub safe_mode: bool,
    /// `[log] level`
    pub log_level: Option<String>,
    /// `[log] format`
    pub log_format: Option<LogFormat>,
}

impl Config {
    /// Reads a file; without one, all is default.
    ///
    /// # Errors
    /// When the file cannot be read, is no TOML, or has a setting that does not exist; the text names line and setting.
    pub fn read(file: Option<&Path>) -> Result<Self> {
        let Some(path) = file else { return Ok(Self::default()) };
        let text =
            std::fs::read_to_string(path).with_context(|| format!("read the configuration {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("understand the configuration {}", path.display()))
    }

    /// Returns where the Unix socket is.
    pub fn socket(&self) -> PathBuf {
        self.rpc.socket.clone().unwrap_or_else(|| self.state.folder.join("rpc/xylem.sock"))
    }

    /// Lets flags and environment win.
    pub fn with(mut self, overrides: Overrides) -> Self {
        let Overrides { listen, state, admin_password_file, plugins, safe_mode, log_level, log_format } = overrides;
        self.http.listen = listen.unwrap_or(self.http.listen);
        self.state.folder = state.unwrap_or(self.state.folder);
        self.state.admin_password_file = admin_password_file.or(self.state.admin_password_file);
        if !plugins.is_empty() {
            self.plugins.folders = plugins;
        }
        self.plugins.safe_mode |= safe_mode;
        self.log.level = log_level.unwrap_or(self.log.level);
        self.log.format = log_format.unwrap_or(self.log.format);
        self
    }

    pub(crate) fn timeouts(&self) -> xapi::Timeouts {
        let set = &self.xapi;
        xapi::Timeouts {
            connect: set.connect.0,
            login: set.login.0,
            call: set.call.0,
            load: set.load.0,
            stall: set.stall.0,
            event_poll: set.event_poll.0,
            event_margin: set.event_margin.0,
            logout: set.logout.0,
            failover: set.failover.0,
            busy_wait: set.busy_wait.0,
            busy_limit: set.busy_limit.0,
            retry_first: set.retry_first.0,
            retry_last: set.retry_last.0,
            retry_refused: set.retry_refused.0,
            settled: set.settled.0,
            idle: set.idle.0,
            max_answer: usize::try_from(u64::from(set.max_answer) << 20).unwrap_or(usize::MAX),
            max_load: u64::from(set.max_load) << 20,
        }
    }
}

impl ServerSeed {
    pub(crate) fn into_new(self) -> Result<app::server::New> {
        let password = match (self.password, &self.password_file) {
            (Some(password), None) => password,
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path);
                let text =
                    text.with_context(|| format!("read the password of {} from {}", self.host, path.display()))?;
                text.trim_end_matches(['\r', '\n']).to_owned()
            }
            _ => bail!("server {}: give either password or password_file", self.host),
        };
        Ok(app::server::New {
            label: self.label,
            host: self.host,
            username: self.username,
            password: password.into(),
            auto_connect: Some(true),
            allow_unauthorized: self.allow_unauthorized,
            read_only: self.read_only,
            http_proxy: None,
            fingerprint: self.fingerprint,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_file() {
        let config: Config = toml::from_str("[http]\nlisten = \"127.0.0.1:1\"\n[log]\nlevel = \"debug\"").unwrap();
        let listen = Some("127.0.0.1:2".parse().unwrap());
        let config = config.with(Overrides { listen, ..Overrides::default() });
        assert_eq!((config.http.listen.port(), config.log.level.as_str()), (2, "debug"));
    }

    #[test]
    fn a_setting_that_does_not_exist_is_named() {
        let error = toml::from_str::<Config>("[http]\nlissen = \"127.0.0.1:1\"").unwrap_err().to_string();
        assert!(error.contains("lissen") && error.contains("listen"), "{error}");
    }

    #[test]
    fn times_of_pools() {
        assert_eq!(Config::default().timeouts(), xapi::Timeouts::default());
        for section in ["xapi", "timeouts"] {
            let text = format!("[{section}]\nconnect = 5\nretry_first = 0.5\nmax_load = 1024");
            let times = toml::from_str::<Config>(&text).unwrap().timeouts();
            let expected = xapi::Timeouts {
                connect: Duration::from_secs(5),
                retry_first: Duration::from_millis(500),
                max_load: 1 << 30,
                ..xapi::Timeouts::default()
            };
            assert_eq!(times, expected);
        }
        for bad in ["0", "-1", "1e9", "nan", "\"5\""] {
            assert!(toml::from_str::<Config>(&format!("[xapi]\ncall = {bad}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_log_is_kept_as_long_as_it_says() {
        assert_eq!(Config::default().audit.keep(), app::audit::Keep::default());
        let config: Config = toml::from_str("[audit]\nkeep_days = 1\nkeep_mebibytes = 2").unwrap();
        assert_eq!(config.audit.keep(), app::audit::Keep { time: 86_400_000, size: 2 << 20 });
        let config: Config = toml::from_str("[tasks]\nkeep_days = 2").unwrap();
        assert_eq!(config.tasks.keep(), app::audit::Keep { time: 2 * 86_400_000, size: 8 << 20 });
    }

    #[test]
    fn a_seed_needs_one_password() {
        let seed = |text: &str| toml::from_str::<ServerSeed>(text).unwrap().into_new();
        assert!(seed("host = \"h\"\nusername = \"u\"").is_err());
        assert!(seed("host = \"h\"\nusername = \"u\"\npassword = \"p\"").is_ok());
    }
}
