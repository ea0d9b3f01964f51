//! Where a pool is and how we talk to it: settings, checked once, when a connection is opened.

use std::fmt;
use std::time::Duration;

use model::Secret;
use reqwest::Url;

use crate::{Error, Member};

/// A pool's master and the account to use there.
#[derive(Clone)]
pub struct Target {
    /// `host`, `host:port` or `http(s)://host:port`; https when nothing is said. IPv6 with or without brackets.
    pub host: String,
    /// The account, usually `root`.
    pub username: String,
    /// Its password.
    pub password: Secret,
    /// Which certificates are good. Means nothing for `http://`.
    pub tls: Tls,
    /// An HTTP proxy (`http://name:password@proxy:3128`); the environment's is never used.
    pub http_proxy: Option<String>,
    /// Refuses every method that could change something, before it is sent.
    pub read_only: bool,
    /// Members of the pool that were known last time, for when this host is dead or not the master any more.
    pub members: Vec<Member>,
}

/// Which certificates of a host are good. XAPI hosts have self-signed ones, so [`Tls::Pin`] is the usual choice.
///
/// TLS 1.2 and 1.3 only: hosts older than XenServer 7 speak neither and can only be reached by `http://`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// The system's certificate authorities have to vouch for it.
    Verify,
    /// SHA-256 of the host's certificate in hexadecimal; colons, blanks and case do not matter.
    Pin(String),
    /// Any certificate. Its fingerprint is still recorded.
    AllowUnauthorized,
}

/// How long we wait, and how much we read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timeouts {
    /// TCP and TLS together.
    pub connect: Duration,
    /// A login. A wrong password takes XAPI five seconds.
    pub login: Duration,
    /// A call. XAPI may hold calls back itself, so long operations should go through [`crate::Connection::start`].
    pub call: Duration,
    /// From asking for all objects until the answer begins. XAPI writes it down whole before it sends a byte.
    pub load: Duration,
    /// How long an answer that is read piece by piece may stand still.
    pub stall: Duration,
    /// How long XAPI may hold `event.from` back when nothing happens.
    pub event_poll: Duration,
    /// How much later than `event_poll` a silent peer counts as dead.
    pub event_margin: Duration,
    /// A logout; the pool forgets idle sessions by itself, so it is only politeness.
    pub logout: Duration,
    /// How much of a head start a host gets before the next known member of the pool is tried beside it.
    pub failover: Duration,
    /// How long to wait before a call is repeated that a busy or booting pool refused.
    pub busy_wait: Duration,
    /// How long to go on with that.
    pub busy_limit: Duration,
    /// The wait before the first new attempt after a loss. Short, because most losses are a single cut line.
    pub retry_first: Duration,
    /// The longest wait between attempts; it doubles up to there, from a second on.
    pub retry_last: Duration,
    /// The longest wait between attempts with a password that was refused: each one raises an alert on the pool.
    pub retry_refused: Duration,
    /// How long a pool has to stay live before its earlier losses are forgotten.
    pub settled: Duration,
    /// How long an unused connection is kept. XAPI has room for 800 in all.
    pub idle: Duration,
    /// The largest answer to a call, in bytes; it stands in memory as a whole.
    pub max_answer: usize,
    /// The largest first load, in bytes. A pool of 10,000 VMs has some hundred megabytes, of which we only hold a piece.
    pub max_load: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connect: seconds(10),
            login: seconds(30),
            call: seconds(300),
            load: seconds(300),
            stall: seconds(30),
            event_poll: seconds(60),
            event_margin: seconds(10),
            logout: seconds(3),
            failover: seconds(2),
            busy_wait: seconds(5),
            busy_limit: seconds(60),
            retry_first: Duration::from_millis(250),
            retry_last: seconds(60),
            retry_refused: seconds(3600),
            settled: seconds(30),
            idle: seconds(30),
            max_answer: 256 << 20,
            max_load: 8 << 30,
        }
    }
}

/// Takes the password out of a proxy's address, to keep it apart. An address that makes no sense stays as it is.
pub fn split_proxy(proxy: &str) -> (String, Option<Secret>) {
    let Ok(mut url) = Url::parse(proxy.trim()) else { return (proxy.to_owned(), None) };
    let Some(password) = url.password().map(|password| Secret::new(password.to_owned())) else {
        return (proxy.to_owned(), None);
    };
    match url.set_password(None) {
        Ok(()) => (url.into(), Some(password)),
        Err(()) => (proxy.to_owned(), None),
    }
}

/// Puts the password back into a proxy's address.
pub fn join_proxy(proxy: &str, password: &Secret) -> String {
    let Ok(mut url) = Url::parse(proxy.trim()) else { return proxy.to_owned() };
    match url.set_password(Some(password.expose())) {
        Ok(()) => url.into(),
        Err(()) => proxy.to_owned(),
    }
}

impl Target {
    /// Finds what could never connect, before anything is sent.
    ///
    /// # Errors
    /// [`Error::Target`] when the host is no address, or names something else beside host and port; or when the proxy is
    /// not an HTTP proxy.
    pub fn check(&self) -> Result<(), Error> {
        self.base()?;
        self.proxy()?;
        Ok(())
    }

    /// Returns the address of the proxy, checked.
    pub(crate) fn proxy(&self) -> Result<Option<Url>, Error> {
        let Some(proxy) = &self.http_proxy else { return Ok(None) };
        // Messages do not repeat the address, which may hold a password.
        let bad = |reason: &str| Error::Target { host: self.shown(), reason: reason.to_owned() };
        let text = proxy.trim();
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = Url::parse(&text).map_err(|_| bad("the proxy has no proper address"))?;
        match (url.scheme(), url.host_str()) {
            ("http", Some(host)) if !host.is_empty() => Ok(Some(url)),
            _ => Err(bad("the proxy has to be an HTTP proxy, http://name:password@host:port")),
        }
    }

    /// Returns the URL of the host's root, checked.
    pub(crate) fn base(&self) -> Result<Url, Error> {
        let bad = |reason: &str| Error::Target { host: self.shown(), reason: reason.to_owned() };
        let text = self.host.trim();
        let text = match text.split_once("://") {
            Some(_) => text.to_owned(),
            // A bare IPv6 address: URLs want brackets.
            None if text.matches(':').count() > 1 && !text.starts_with('[') => format!("https://[{text}]"),
            None => format!("https://{text}"),
        };
        let url = Url::parse(&text).map_err(|source| bad(&source.to_string()))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(bad("the scheme has to be https or http"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("name and password do not belong into the address"));
        }
        if url.host_str().is_none_or(str::is_empty)
            || url.path() != "/"
            || url.query().is_some()
            || url.fragment().is_some()
        {
            return Err(bad("expected a host and perhaps a port, nothing else"));
        }
        Ok(url)
    }

    /// Returns the host for messages, without a password somebody may have put there.
    fn shown(&self) -> String {
        match self.host.rsplit_once('@') {
            Some((_, host)) => host.to_owned(),
            None => self.host.clone(),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("host", &self.shown())
            .field("username", &self.username)
            .field("tls", &self.tls)
            // The proxy's address may hold a password.
            .field("http_proxy", &self.http_proxy.is_some())
            .field("read_only", &self.read_only)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(host: &str) -> Target {
        Target {
            host: host.to_owned(),
            username: "root".to_owned(),
            password: Secret::new("pw"),
            tls: Tls::Verify,
            http_proxy: Some("http://me:hunter2@proxy:3128".to_owned()),
            read_only: false,
            members: vec![],
        }
    }

    #[test]
    fn addresses() {
        for (host, expected) in [
            ("xen1", Some("https://xen1/")),
            (" xen1.example:8443 ", Some("https://xen1.example:8443/")),
            ("http://10.0.0.1", Some("http://10.0.0.1/")),
            ("https://10.0.0.1:443", Some("https://10.0.0.1/")),
            ("fe80::1", Some("https://[fe80::1]/")),
            ("[fe80::1]:444", Some("https://[fe80::1]:444/")),
            ("", None),
            ("ftp://xen1", None),
            ("https://root:hunter2@xen1", None),
            ("xen1/api", None),
            ("xen1:99999", None),
        ] {
            let got = target(host).base();
            assert_eq!(got.as_ref().ok().map(Url::as_str), expected, "{host}: {got:?}");
            assert!(!format!("{got:?} {:?}", target(host)).contains("hunter2"), "{host}");
        }
    }

    #[test]
    fn proxies() {
        for (proxy, expected) in [
            ("http://me:hunter2@proxy:3128", Some("http://me:hunter2@proxy:3128/")),
            ("proxy:3128", Some("http://proxy:3128/")),
            ("https://me:hunter2@proxy", None),
            ("socks5://me:hunter2@proxy", None),
            ("http://", None),
        ] {
            let target = Target { http_proxy: Some(proxy.to_owned()), ..target("xen1") };
            let got = target.proxy();
            assert_eq!(got.as_ref().ok().and_then(Option::as_ref).map(Url::as_str), expected, "{proxy}");
            let told = target.check().err().map(|error| format!("{error:?} {error}")).unwrap_or_default();
            assert!(!told.contains("hunter2"), "{told}");
        }
    }

    #[test]
    fn passwords_of_proxies_are_kept_apart() {
        for (whole, bare, password) in [
            ("http://me:hunter2@proxy:3128/", "http://me@proxy:3128/", Some("hunter2")),
            ("http://me:p%40%25ss@proxy:3128/", "http://me@proxy:3128/", Some("p%40%25ss")),
            ("http://proxy:3128", "http://proxy:3128", None),
            ("proxy:3128", "proxy:3128", None),
            ("not an address", "not an address", None),
        ] {
            let (shown, secret) = split_proxy(whole);
            assert_eq!((&*shown, secret.as_ref().map(Secret::expose)), (bare, password), "{whole}");
            if let Some(secret) = secret {
                assert_eq!(join_proxy(&shown, &secret), whole);
            }
        }
    }
}
