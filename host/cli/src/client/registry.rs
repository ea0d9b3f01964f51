//! Which servers are registered, and the token for each: `$XDG_CONFIG_HOME/xylem/servers.json`, for its owner alone.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use reqwest::Url;
use serde::{Deserialize, Serialize};

/// The file. It holds no password, only tokens.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Registry {
    /// Random, by which a server knows us again: registering twice renews one token.
    client_id: String,
    /// The server that was registered last.
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<String>,
    servers: BTreeMap<String, Entry>,
    #[serde(skip)]
    path: PathBuf,
}

/// What is kept about a server.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    token: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    allow_unauthorized: bool,
}

/// A server to talk to.
#[derive(Clone)]
pub(crate) struct Server {
    /// Its address, ending in a slash.
    pub(crate) url: Url,
    /// None before the first sign-in.
    pub(crate) token: Option<String>,
    /// Whether any certificate is taken.
    pub(crate) allow_unauthorized: bool,
}

impl Registry {
    /// Reads the file; without one nothing is registered.
    pub(crate) fn read() -> Result<Self> {
        Self::read_from(&folder()?.join("servers.json"))
    }

    fn read_from(path: &Path) -> Result<Self> {
        let doing = || format!("read the registered servers {}", path.display());
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Self { client_id: uuid::Uuid::new_v4().to_string(), path: path.into(), ..Self::default() });
            }
            Err(error) => return Err(error).with_context(doing),
        };
        if file.metadata().with_context(doing)?.mode() & 0o077 != 0 {
            bail!("others may read the tokens in {}: run chmod 600 {}", path.display(), path.display());
        }
        let text = std::io::read_to_string(file).with_context(doing)?;
        let registry: Self = serde_json::from_str(&text).with_context(doing)?;
        Ok(Self { path: path.into(), ..registry })
    }

    /// Returns the id of this installation of the client.
    pub(crate) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Adds a server, or its new token, and makes it the current one.
    pub(crate) fn add(&mut self, server: &Server) -> Result<()> {
        let token = server.token.clone().context("a registered server has a token")?;
        let name = name(&server.url);
        self.servers.insert(name.clone(), Entry { token, allow_unauthorized: server.allow_unauthorized });
        self.current = Some(name);
        self.write()
    }

    /// Removes a server.
    pub(crate) fn remove(&mut self, server: &Server) -> Result<()> {
        let name = name(&server.url);
        if self.servers.remove(&name).is_none() {
            bail!("{name} is not registered");
        }
        if self.current.as_ref() == Some(&name) {
            // With one left there is no doubt about which is meant.
            self.current = self.servers.keys().next().filter(|_| self.servers.len() == 1).cloned();
        }
        self.write()
    }

    /// Returns the server that is meant: the one named (`https://TOKEN@host/` brings its own token), else the current one.
    pub(crate) fn server(&self, url: Option<&str>) -> Result<Server> {
        let Some(url) = url else {
            let current = self.current.as_ref().ok_or_else(|| anyhow!(self.nobody()))?;
            return self.known(current).with_context(|| format!("{current} is not registered"));
        };
        let mut server = server(url)?;
        match self.known(&name(&server.url)) {
            Ok(known) => {
                server.token = server.token.or(known.token);
                server.allow_unauthorized = known.allow_unauthorized;
            }
            Err(error) if server.token.is_none() => return Err(error),
            Err(_) => {}
        }
        Ok(server)
    }

    fn known(&self, name: &str) -> Result<Server> {
        let Some(entry) = self.servers.get(name) else {
            bail!("{name} is not registered: run xylem register {name} <user>, or give https://TOKEN@host/");
        };
        let url = parse(name)?;
        Ok(Server { url, token: Some(entry.token.clone()), allow_unauthorized: entry.allow_unauthorized })
    }

    fn nobody(&self) -> String {
        if self.servers.is_empty() {
            return "no server is registered: run xylem register <URL> <user>".to_owned();
        }
        let names: Vec<_> = self.servers.keys().map(String::as_str).collect();
        format!("which server is meant? Give --url, one of: {}", names.join(", "))
    }

    fn write(&self) -> Result<()> {
        let doing = || format!("write the registered servers {}", self.path.display());
        let folder = self.path.parent().context("a file is in a folder")?;
        DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(doing)?;
        // Beside it and renamed: a cut write leaves the old one, and nobody reads half of it.
        let beside = self.path.with_extension(format!("{}.new", std::process::id()));
        let mut text = serde_json::to_vec_pretty(self).with_context(doing)?;
        text.push(b'\n');
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).with_context(doing)?;
        let written = file.write_all(&text).and_then(|()| file.sync_all());
        let placed = written.and_then(|()| std::fs::rename(&beside, &self.path));
        if placed.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        placed.with_context(doing)
    }
}

/// Returns a server as it was typed, with the token in its address if there is one.
pub(crate) fn server(text: &str) -> Result<Server> {
    let mut url = parse(text)?;
    let token = Some(url.username()).filter(|token| !token.is_empty()).map(str::to_owned);
    let cleared = url.set_username("").and_then(|()| url.set_password(None));
    cleared.map_err(|()| anyhow!("this is no address of a server: {url}"))?;
    Ok(Server { url, token, allow_unauthorized: false })
}

fn parse(text: &str) -> Result<Url> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    // The text may hold a token, so errors do not repeat it.
    let mut url = Url::parse(&with_scheme).context("understand the address of the server")?;
    let scheme = match url.scheme() {
        "http" | "ws" => "http",
        "https" | "wss" => "https",
        other => bail!("the address of the server begins with {other}://, and should with https://"),
    };
    url.set_scheme(scheme).map_err(|()| anyhow!("understand the address of the server"))?;
    url.set_query(None);
    url.set_fragment(None);
    let path = format!("{}/", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

fn name(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// `$XDG_CONFIG_HOME/xylem`; a relative path there is to be ignored.
fn folder() -> Result<PathBuf> {
    let given = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let config = given.or_else(|| Some(std::env::home_dir()?.join(".config")));
    Ok(config.context("there is neither XDG_CONFIG_HOME nor HOME to keep tokens in")?.join("xylem"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry() -> (tempfile::TempDir, Registry) {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::read_from(&folder.path().join("deep/xylem/servers.json")).unwrap();
        (folder, registry)
    }

    fn with_token(url: &str, token: &str) -> Server {
        Server { token: Some(token.to_owned()), ..server(url).unwrap() }
    }

    #[test]
    fn servers_are_kept_side_by_side_for_their_owner_alone() {
        let (_folder, mut registry) = registry();
        registry.add(&with_token("https://one.example.org/", "t1")).unwrap();
        registry.add(&with_token("two.example.org:8443", "t2")).unwrap();
        let mode = std::fs::metadata(&registry.path).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mut again = Registry::read_from(&registry.path).unwrap();
        assert_eq!(again.client_id(), registry.client_id());
        assert_eq!(again.server(None).unwrap().token.as_deref(), Some("t2"));
        let one = again.server(Some("https://one.example.org")).unwrap();
        assert_eq!((one.token.as_deref(), one.url.as_str()), (Some("t1"), "https://one.example.org/"));
        again.remove(&again.server(None).unwrap()).unwrap();
        assert_eq!(again.server(None).unwrap().token.as_deref(), Some("t1"), "the only one left");
        again.remove(&one).unwrap();
        assert!(again.server(None).is_err_and(|error| error.to_string().contains("xylem register")));
    }

    #[test]
    fn an_address_may_bring_its_token() {
        let (_folder, mut registry) = registry();
        let server = registry.server(Some("https://secret@three.example.org/")).unwrap();
        assert_eq!((server.token.as_deref(), server.url.as_str()), (Some("secret"), "https://three.example.org/"));
        assert!(registry.server(Some("https://three.example.org/")).is_err());
        let own = Server { allow_unauthorized: true, ..server };
        registry.add(&own).unwrap();
        assert!(!std::fs::read_to_string(&registry.path).unwrap().contains("secret@"));
        let other = registry.server(Some("wss://other@three.example.org")).unwrap();
        assert_eq!((other.token.as_deref(), other.allow_unauthorized), (Some("other"), true));
        assert!(parse("ftp://x").is_err() && parse("https://").is_err());
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, mut registry) = registry();
        registry.add(&with_token("https://one.example.org/", "t1")).unwrap();
        std::fs::set_permissions(&registry.path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Registry::read_from(&registry.path).is_err_and(|error| error.to_string().contains("chmod 600")));
    }
}
