//! What the demo remembers between starts (ports, the simulators' passwords) and the configuration files it writes.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::repo::Repo;
use crate::setup;

/// The recorded pools of the demo.
pub const POOLS: [&str; 2] = ["xs56-singlehost-8vms-15snaps", "xs56fp1-pool2-bonds-vlans-tunnels"];

/// Where the web page is, unless that port is taken at the first start.
const PREFERRED: u16 = 7080;

/// Ports are picked here: below the range from which Linux gives ports to outgoing connections.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

/// What is remembered, in `.xylem/demo.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// Port of the daemon.
    pub http: u16,
    /// One for each of [`POOLS`].
    pub simulators: Vec<Simulator>,
}

/// A remembered simulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulator {
    /// Its port.
    pub port: u16,
    /// The password of its root. Random, because any local user can reach the port.
    pub password: String,
}

impl Memory {
    /// Reads what is remembered and fills what is missing. A port that somebody else has now is replaced, and `said`
    /// tells so; but `wanted`, the port the user named for the daemon, must be free.
    pub fn load(file: &Path, wanted: Option<u16>, mut said: impl FnMut(String)) -> Result<Memory> {
        let known: Value = match std::fs::read_to_string(file) {
            Ok(text) => serde_json::from_str(&text).unwrap_or_default(),
            Err(_) => Value::Null,
        };
        let port_of =
            |value: &Value| value.as_u64().and_then(|port| u16::try_from(port).ok()).filter(|&port| port != 0);
        let mut used = Vec::new();
        let http = match (wanted, port_of(&known["http"])) {
            (Some(port), _) if is_free(port) => port,
            (Some(port), _) => bail!("port {port} is taken on 127.0.0.1; name another one with --port"),
            (None, Some(port)) => free_or_other(port, "the web page", &used, &mut said)?,
            (None, None) if is_free(PREFERRED) => PREFERRED,
            (None, None) => pick(&used)?,
        };
        used.push(http);
        let mut simulators = Vec::new();
        for (index, pool) in POOLS.iter().enumerate() {
            let entry = &known["simulators"][index];
            let port = match port_of(&entry["port"]) {
                Some(port) => free_or_other(port, &format!("the simulator of {pool}"), &used, &mut said)?,
                None => pick(&used)?,
            };
            used.push(port);
            let password = match entry["password"].as_str() {
                Some(password) => password.to_owned(),
                None => random_letters(24)?,
            };
            simulators.push(Simulator { port, password });
        }
        Ok(Memory { http, simulators })
    }

    /// Writes it down, readable for its owner only.
    pub fn save(&self, file: &Path) -> Result<()> {
        let simulators: Vec<Value> =
            self.simulators.iter().map(|sim| json!({"port": sim.port, "password": sim.password})).collect();
        let text = format!("{:#}\n", json!({"http": self.http, "simulators": simulators}));
        write_private(file, &text)
    }
}

fn free_or_other(port: u16, whose: &str, used: &[u16], said: &mut impl FnMut(String)) -> Result<u16> {
    if !used.contains(&port) && is_free(port) {
        return Ok(port);
    }
    let other = pick(used)?;
    said(format!("port {port} of {whose} is taken now, using {other}"));
    Ok(other)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn pick(used: &[u16]) -> Result<u16> {
    for _ in 0..200 {
        let [high, low] = random::<2>()?;
        let port = PORTS.start + u16::from_be_bytes([high, low]) % (PORTS.end - PORTS.start);
        if !used.contains(&port) && is_free(port) {
            return Ok(port);
        }
    }
    bail!("found no free port on 127.0.0.1 between {} and {}", PORTS.start, PORTS.end)
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).context("read /dev/urandom")?;
    Ok(bytes)
}

fn random_letters(count: usize) -> Result<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let bytes = random::<64>()?;
    Ok(bytes.iter().take(count).map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}

/// Writes a file that only its owner may read, whatever was there before.
pub fn write_private(file: &Path, text: &str) -> Result<()> {
    let half = file.with_extension("part");
    let _ = std::fs::remove_file(&half);
    let write = || -> std::io::Result<()> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half)?.write_all(text.as_bytes())?;
        std::fs::rename(&half, file)
    };
    write().with_context(|| format!("write {}", file.display()))
}

/// A pool for the daemon's configuration.
pub struct Server {
    /// `127.0.0.1:<port>`.
    pub host: String,
    /// The file with its password.
    pub password_file: PathBuf,
    /// SHA-256 of its certificate.
    pub fingerprint: String,
    /// What the pool is called in lists of servers.
    pub label: String,
}

/// The daemon's configuration. `note` is what its reader should know.
pub fn config(note: &str, port: u16, state: &Path, plugins: &Path, servers: &[Server]) -> String {
    // A JSON string is a TOML basic string too.
    let quoted = |text: &str| Value::from(text).to_string();
    let path = |path: &Path| quoted(&path.to_string_lossy());
    let mut text = String::new();
    for line in note.lines() {
        text += &format!("# {line}\n");
    }
    text += &format!("\n[http]\nlisten = \"127.0.0.1:{port}\"\n");
    text += &format!("\n[state]\nfolder = {}\n", path(state));
    text += &format!("\n[plugins]\nfolders = [{}]\n", path(plugins));
    for server in servers {
        text += &format!("\n[[servers]]\nlabel = {}\nhost = {}\n", quoted(&server.label), quoted(&server.host));
        text += &format!("username = \"root\"\npassword_file = {}\n", path(&server.password_file));
        text += &format!("fingerprint = {}\n", quoted(&server.fingerprint));
    }
    text
}

/// Finds a recorded pool in the simulator's folder.
pub fn dump(repo: &Repo, name: &str) -> Result<PathBuf> {
    let mut found = Vec::new();
    setup::find(&repo.path("tests/xapi-sim"), &format!("{name}.json"), &mut found)?;
    found.into_iter().next().with_context(|| format!("no {name}.json below tests/xapi-sim; is the clone complete?"))
}

/// Reads what a simulator says when it is ready: its URL and the fingerprint of its certificate.
pub fn parse_ready(line: &str) -> Result<(String, String)> {
    let ready: Value = serde_json::from_str(line).with_context(|| format!("the simulator said {line:?}"))?;
    let field = |name: &str| ready[name].as_str().map(str::to_owned).with_context(|| format!("no {name} in {line}"));
    Ok((field("url")?, field("fingerprint")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("xtask-demo-{}-{name}", std::process::id()))
    }

    #[test]
    fn ports_are_remembered_until_somebody_takes_them() {
        let file = file("ports.json");
        let mut said = Vec::new();
        let first = Memory::load(&file, None, |text| said.push(text)).expect("load");
        first.save(&file).expect("save");
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&file.metadata().expect("there")) & 0o777, 0o600);
        assert_eq!(Memory::load(&file, None, |text| said.push(text)).expect("load"), first);
        assert!(said.is_empty());

        let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, first.simulators[1].port)).expect("take a port");
        let second = Memory::load(&file, None, |text| said.push(text)).expect("load");
        assert_eq!((second.http, &second.simulators[0]), (first.http, &first.simulators[0]));
        assert_ne!(second.simulators[1].port, first.simulators[1].port);
        assert_eq!(second.simulators[1].password, first.simulators[1].password);
        assert!(said.len() == 1 && said[0].contains(POOLS[1]), "{said:?}");
        std::fs::remove_file(&file).expect("remove");
    }

    #[test]
    fn a_port_that_was_asked_for_is_taken_or_refused() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("bind");
        let port = taken.local_addr().expect("bound").port();
        let error = Memory::load(&file("none.json"), Some(port), |_| ()).expect_err("it is taken");
        assert!(error.to_string().contains(&format!("port {port} is taken")), "{error}");
        drop(taken);
        assert_eq!(Memory::load(&file("none.json"), Some(port), |_| ()).expect("free now").http, port);
    }

    #[test]
    fn a_damaged_memory_is_made_anew() {
        let file = file("damaged.json");
        for text in ["{", "[]", r#"{"http": 70000, "simulators": [{"port": 0}]}"#] {
            std::fs::write(&file, text).expect("write");
            let memory = Memory::load(&file, None, |_| ()).expect("load");
            assert!(memory.simulators.len() == 2 && memory.simulators.iter().all(|sim| sim.password.len() == 24));
        }
        std::fs::remove_file(&file).expect("remove");
    }

    #[test]
    fn the_configuration_quotes_what_it_must() {
        let server = Server {
            host: "127.0.0.1:20001".into(),
            password_file: "/a \"b\"/password".into(),
            fingerprint: "ab:cd".into(),
            label: "one".into(),
        };
        let text = config("Hello.\nYou.", 7080, Path::new("/s"), Path::new("/p"), &[server]);
        let wanted = "# Hello.\n# You.\n\n[http]\nlisten = \"127.0.0.1:7080\"\n\n[state]\nfolder = \"/s\"\n\n\
                      [plugins]\nfolders = [\"/p\"]\n\n[[servers]]\nlabel = \"one\"\nhost = \"127.0.0.1:20001\"\n\
                      username = \"root\"\npassword_file = \"/a \\\"b\\\"/password\"\nfingerprint = \"ab:cd\"\n";
        assert_eq!(text, wanted);
    }

    #[test]
    fn a_ready_line_has_url_and_fingerprint() {
        let line = r#"{"url": "https://127.0.0.1:20001", "fingerprint": "ab:cd", "control": "http://127.0.0.1:1"}"#;
        assert_eq!(parse_ready(line).expect("ready"), ("https://127.0.0.1:20001".into(), "ab:cd".into()));
        assert!(parse_ready("hello").is_err() && parse_ready("{}").is_err());
    }
}
