//! Grants: what an administrator allows one plugin instance, and whether that covers what the plugin is about to do.
//!
//! A right is a word and parts: `ldap:<host>:<port>`, `xapi:<pool>/<Class.method>`. In a grant a `*` stands for one part (all
//! of a word between `:` and `/`, or one piece of it between dots) and never reaches beyond the word it stands in.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Whether a grant counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Kept, but not given.
    Off,
    /// Given.
    #[default]
    On,
    /// Given, and every use is listed.
    Count,
}

/// A right of one plugin instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// The right ("ldap:dc1.example.org:636"); `*` stands for one part.
    pub capability: String,
    /// Whether it counts.
    #[serde(default)]
    pub mode: Mode,
    /// `ca` (PEM), `fingerprint` (SHA-256 in hex), `plaintext` (bool), `addresses` (list of "loopback", "link-local", "pool",
    /// "daemon"), `header`; null or {} = none.
    #[serde(default)]
    pub options: Value,
}

impl Grant {
    /// Returns a grant that is on, without options.
    pub fn on(capability: impl Into<String>) -> Self {
        Self { capability: capability.into(), mode: Mode::On, options: Value::Null }
    }

    /// Returns whether this grant, if it is on, covers a right.
    pub fn covers(&self, capability: &str) -> bool {
        match (Right::parse(&self.capability), Right::parse(capability)) {
            (Ok(mine), Ok(needed)) => mine.covers(&needed),
            _ => false,
        }
    }

    /// Returns what is wrong with this grant, in words; None = nothing. For the moment it is given.
    pub fn problem(&self) -> Option<String> {
        Right::parse(&self.capability).err().or_else(|| check_options(&self.options).err())
    }
}

/// Returns a right in its one spelling (host in small letters, port without zeros), or what is wrong with it in words.
pub fn canonical_capability(text: &str) -> Result<String, String> {
    Right::parse(text).map(|right| right.to_string())
}

/// Names of grant options.
pub(crate) const OPTIONS: &[&str] = &["ca", "fingerprint", "plaintext", "addresses", "header"];

/// Classes of address that only a grant's option `addresses` opens.
const ADDRESS_CLASSES: &[&str] = &["loopback", "link-local", "pool", "daemon"];

fn check_options(options: &Value) -> Result<(), String> {
    let object = match options {
        Value::Null => return Ok(()),
        Value::Object(object) => object,
        _ => return Err("the options of a grant are an object".to_owned()),
    };
    for (name, value) in object {
        match name.as_str() {
            "ca" if value.as_str().is_some_and(|text| text.contains("-----BEGIN CERTIFICATE-----")) => {}
            "fingerprint" if value.as_str().and_then(fingerprint).is_some() => {}
            "plaintext" if value.is_boolean() => {}
            "addresses" => {
                let words = value.as_array().ok_or("the option addresses is a list")?;
                if let Some(word) =
                    words.iter().find(|word| !word.as_str().is_some_and(|w| ADDRESS_CLASSES.contains(&w)))
                {
                    return Err(format!("{word} is no class of address; there are {}", ADDRESS_CLASSES.join(", ")));
                }
            }
            "header" if value.is_object() => {}
            other if OPTIONS.contains(&other) => return Err(format!("the option {other} has a value it cannot have")),
            other => return Err(format!("there is no option {other}; there are {}", OPTIONS.join(", "))),
        }
    }
    Ok(())
}

/// Reads a SHA-256 in hex, with or without colons, in any case.
pub(crate) fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text.bytes().filter(|b| !matches!(b, b':' | b' ')).collect();
    let mut out = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit()))?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(out)
}

/// Parts that follow a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Nothing.
    Bare,
    /// `:<name>`, dots divide it.
    Name,
    /// `:<host>:<port>`.
    HostPort,
    /// `:<scheme>://<host>[:<port>]`.
    Origin,
    /// `:<pool>/<function>`.
    Pool,
    /// `:<name>[/<prefix>][:r]`.
    Remote,
    /// Nothing or `:public`.
    Route,
}

/// Every word with its shape; `wit/README.md` has the same table for people.
const WORDS: &[(&str, Shape)] = &[
    ("secret", Shape::Name),
    ("inventory", Shape::Name),
    ("stats", Shape::Bare),
    ("xapi", Shape::Pool),
    ("api", Shape::Name),
    ("http", Shape::Origin),
    ("ldap", Shape::HostPort),
    ("smtp", Shape::HostPort),
    ("tcp", Shape::HostPort),
    ("udp", Shape::HostPort),
    ("stream", Shape::Pool),
    ("remote", Shape::Remote),
    ("notify", Shape::Bare),
    ("act-as-plugin", Shape::Bare),
    ("events", Shape::Name),
    ("route", Shape::Route),
];

/// API methods that a star never covers: whoever may call them can become someone else.
const API_NAMED_ONLY: &[&str] =
    &["user", "token", "group", "acl", "role", "plugin", "server", "session", "secret", "auth"];

/// XAPI classes that cannot be granted at all: they make sessions or read stored passwords.
const XAPI_NEVER: &[&str] = &["session", "secret", "auth", "user"];

/// Returns whether a capability word exists.
pub(crate) fn is_word(word: &str) -> bool {
    WORDS.iter().any(|(known, _)| *known == word)
}

/// Returns all capability words.
pub(crate) fn words() -> Vec<&'static str> {
    WORDS.iter().map(|(word, _)| *word).collect()
}

/// A right, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Right {
    word: &'static str,
    shape: Shape,
    parts: Vec<String>,
}

impl Right {
    /// Takes a right apart. Errors are sentences for the administrator.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (word, rest) = text.split_once(':').map_or((text, None), |(word, rest)| (word, Some(rest)));
        let Some((word, shape)) = WORDS.iter().find(|(known, _)| *known == word) else {
            return Err(format!("there is no capability {word:?}; there are {}", words().join(", ")));
        };
        let wrong = |form: &str| Err(format!("{text:?} is not of the form {form}"));
        if text.len() > 1024 || text.chars().any(char::is_control) {
            return wrong("of a grant: it is too long or has control characters");
        }
        let parts = match (shape, rest) {
            (Shape::Bare | Shape::Route, None) => vec![],
            (Shape::Route, Some("public")) => vec!["public".to_owned()],
            (Shape::Bare, _) => return wrong(&format!("{word}, without more")),
            (Shape::Route, _) => return wrong("route or route:public"),
            (Shape::Name, Some(name)) if name_ok(name) => vec![name.to_owned()],
            (Shape::Name, _) => return wrong(&format!("{word}:<name>")),
            (Shape::HostPort, Some(rest)) => match host_port(rest) {
                Some((host, port)) => vec![host, port],
                None => return wrong(&format!("{word}:<host>:<port>")),
            },
            (Shape::HostPort, None) => return wrong(&format!("{word}:<host>:<port>")),
            (Shape::Origin, rest) => match rest.and_then(origin) {
                Some(parts) => parts,
                None => return wrong("http:https://<host>[:<port>]"),
            },
            (Shape::Pool, rest) => match rest.and_then(|rest| rest.split_once('/')) {
                Some((pool, function)) if name_ok(pool) && !pool.contains('.') && !function.trim().is_empty() => {
                    vec![pool.to_owned(), function.to_owned()]
                }
                _ => return wrong(&format!("{word}:<pool>/<function>")),
            },
            (Shape::Remote, rest) => match rest.and_then(remote) {
                Some(parts) => parts,
                None => return wrong("remote:<name>[/<prefix>][:r]"),
            },
        };
        let right = Self { word, shape: *shape, parts };
        if right.word == "xapi" && XAPI_NEVER.contains(&right.first_piece()) {
            return Err(format!("{text:?} cannot be granted: these methods hand out sessions and passwords"));
        }
        Ok(right)
    }

    /// Returns the right to connect to a server.
    pub(crate) fn host_port(word: &str, host: &str, port: u16) -> Result<Self, String> {
        let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
        if host.contains('*') {
            return Err(format!("{host:?} is not the name of a server"));
        }
        Self::parse(&format!("{word}:{host}:{port}"))
    }

    /// Returns the right to a name.
    pub(crate) fn name(word: &str, name: &str) -> Result<Self, String> {
        if name.contains('*') {
            return Err(format!("{name:?} is not a name"));
        }
        Self::parse(&format!("{word}:{name}"))
    }

    fn first_piece(&self) -> &str {
        self.parts.last().and_then(|part| part.split('.').next()).unwrap_or_default()
    }

    /// Returns whether a grant of this right covers what is needed.
    pub(crate) fn covers(&self, needed: &Self) -> bool {
        if self.word != needed.word {
            return false;
        }
        match self.shape {
            Shape::Route => self.parts == needed.parts,
            Shape::Remote => {
                let ([name, prefix, mode], [n_name, n_path, n_mode]) = (&self.parts[..], &needed.parts[..]) else {
                    return false;
                };
                let inside = prefix.is_empty()
                    || n_path == prefix
                    || n_path.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.starts_with('/'));
                piece_covers(name, n_name) && inside && (mode.is_empty() || n_mode == "r")
            }
            _ => {
                let named_only = match self.word {
                    "api" => API_NAMED_ONLY,
                    "xapi" => XAPI_NEVER,
                    _ => &[],
                };
                if self.first_piece().contains('*') && named_only.contains(&needed.first_piece()) {
                    return false;
                }
                self.parts.len() == needed.parts.len()
                    && self.parts.iter().zip(&needed.parts).all(|(mine, needed)| piece_covers(mine, needed))
            }
        }
    }
}

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word)?;
        match (self.shape, &self.parts[..]) {
            (Shape::HostPort, [host, port]) if host.contains(':') => write!(f, ":[{host}]:{port}"),
            (Shape::HostPort, [host, port]) => write!(f, ":{host}:{port}"),
            (Shape::Origin, [scheme, host, port]) => {
                let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                match (scheme.as_str(), port.as_str()) {
                    ("https", "443") | ("http", "80") => write!(f, ":{scheme}://{host}"),
                    _ => write!(f, ":{scheme}://{host}:{port}"),
                }
            }
            (Shape::Pool, [pool, function]) => write!(f, ":{pool}/{function}"),
            (Shape::Remote, [name, prefix, mode]) => {
                write!(f, ":{name}")?;
                if !prefix.is_empty() {
                    write!(f, "/{prefix}")?;
                }
                if mode.is_empty() { Ok(()) } else { write!(f, ":{mode}") }
            }
            (_, [name]) => write!(f, ":{name}"),
            _ => Ok(()),
        }
    }
}

/// A lone star covers any word; a star between dots covers one piece.
fn piece_covers(pattern: &str, value: &str) -> bool {
    if pattern == "*" || pattern == value {
        return !value.is_empty();
    }
    // Pieces of an address are not labels: `*.0.0.1` must not cover 10.0.0.1 by accident of its dots.
    if !pattern.contains('*') || value.parse::<IpAddr>().is_ok() {
        return false;
    }
    let (mut pattern, mut value) = (pattern.split('.'), value.split('.'));
    loop {
        match (pattern.next(), value.next()) {
            (None, None) => return true,
            (Some(p), Some(v)) if (p == "*" && !v.is_empty()) || p == v => {}
            _ => return false,
        }
    }
}

fn name_ok(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', ':', ' ']) && stars_ok(name)
}

/// A star is a piece of its own: `dc*` would be a promise that the matcher does not keep.
fn stars_ok(text: &str) -> bool {
    text.split('.').all(|piece| piece == "*" || !piece.contains('*'))
}

fn host(text: &str) -> Option<String> {
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Some(inner.parse::<std::net::Ipv6Addr>().ok()?.to_string());
    }
    let text = text.strip_suffix('.').unwrap_or(text);
    let plain = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '*'));
    let labels = text.split('.').all(|label| !label.is_empty());
    (plain && labels && stars_ok(text) && text.len() <= 253).then(|| text.to_lowercase())
}

fn port(text: &str) -> Option<String> {
    if text == "*" {
        return Some(text.to_owned());
    }
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse::<u16>().ok().filter(|port| digits && *port != 0).map(|port| port.to_string())
}

fn host_port(text: &str) -> Option<(String, String)> {
    let (name, number) = text.rsplit_once(':')?;
    Some((host(name)?, port(number)?))
}

fn origin(text: &str) -> Option<Vec<String>> {
    let (scheme, rest) = text.split_once("://")?;
    let default = match scheme {
        "https" => "443",
        "http" => "80",
        _ => return None,
    };
    let parts = match host_port(rest) {
        Some((host, port)) => (host, port),
        None => (host(rest)?, default.to_owned()),
    };
    Some(vec![scheme.to_owned(), parts.0, parts.1])
}

fn remote(text: &str) -> Option<Vec<String>> {
    let (path, mode) = match text.split_once(':') {
        Some((path, "r")) => (path, "r"),
        Some(_) => return None,
        None => (text, ""),
    };
    let (name, prefix) = path.split_once('/').unwrap_or((path, ""));
    let clean = prefix.is_empty() || prefix.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    (name_ok(name) && clean).then(|| vec![name.to_owned(), prefix.to_owned(), mode.to_owned()])
}

/// What the options of a grant say.
#[derive(Clone, Debug, Default)]
pub(crate) struct GrantOptions {
    pub(crate) ca: Option<String>,
    pub(crate) fingerprint: Option<[u8; 32]>,
    pub(crate) plaintext: bool,
    pub(crate) addresses: Vec<String>,
}

impl GrantOptions {
    fn read(options: &Value) -> Result<Self, String> {
        check_options(options)?;
        let addresses = options["addresses"].as_array().into_iter().flatten();
        Ok(Self {
            ca: options["ca"].as_str().map(str::to_owned),
            fingerprint: options["fingerprint"].as_str().and_then(fingerprint),
            plaintext: options["plaintext"].as_bool().unwrap_or(false),
            addresses: addresses.filter_map(|word| word.as_str().map(str::to_owned)).collect(),
        })
    }
}

/// The grants of a call, read once.
#[derive(Debug, Default)]
pub(crate) struct GrantSet(Vec<(Right, Mode, GrantOptions)>);

/// What the grants say about a right.
#[derive(Debug)]
pub(crate) enum Decision<'a> {
    /// Granted; true = each use is to be listed.
    Granted(&'a GrantOptions, bool),
    /// Granted once and turned off.
    Off,
    /// Never granted.
    Missing,
}

impl GrantSet {
    /// Reads grants. One that cannot be read grants nothing: it was written by a newer version, or broken.
    pub(crate) fn read(grants: &[Grant]) -> Self {
        let read = |grant: &Grant| {
            Some((Right::parse(&grant.capability).ok()?, grant.mode, GrantOptions::read(&grant.options).ok()?))
        };
        Self(grants.iter().filter_map(read).collect())
    }

    /// Returns what the grants say; the one that names the right itself counts before one with a star.
    pub(crate) fn decide(&self, needed: &Right) -> Decision<'_> {
        let covering = || self.0.iter().filter(|(right, ..)| right.covers(needed));
        let on = || covering().filter(|(_, mode, _)| *mode != Mode::Off);
        match on().find(|(right, ..)| right == needed).or_else(|| on().next()) {
            Some((_, mode, options)) => Decision::Granted(options, *mode == Mode::Count),
            None if covering().next().is_some() => Decision::Off,
            None => Decision::Missing,
        }
    }

    /// Returns whether any grant with this word is on.
    pub(crate) fn has_word(&self, word: &str) -> bool {
        self.0.iter().any(|(right, mode, _)| right.word == word && *mode != Mode::Off)
    }
}

#[cfg(test)]
#[path = "grants_tests.rs"]
mod tests;
