//! Carries one body to a host and one back, whole or in pieces, over HTTP/1.1, with limits on time and size.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Client, Proxy, RequestBuilder, Response, Url, redirect, retry};
use zeroize::Zeroizing;

use crate::tls::Judge;
use crate::{Error, Target, Timeouts};

/// Short on purpose: XAPI takes 1024 bytes of headers in all.
const USER_AGENT: &str = concat!("xylem/", env!("CARGO_PKG_VERSION"));

/// A way to one host. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Transport {
    http: Client,
    base: Url,
    /// Host and port, for messages.
    host: Arc<str>,
    /// `None` for plain HTTP.
    judge: Option<Arc<Judge>>,
    connect: Duration,
    max_answer: usize,
}

/// What came back, whatever the status.
pub(crate) struct Reply {
    pub status: u16,
    pub content_type: String,
    pub body: Bytes,
}

/// An answer that has begun.
pub(crate) struct Incoming {
    transport: Transport,
    response: Response,
    method: String,
    max: u64,
    read: u64,
}

impl Transport {
    /// Makes a transport; nothing is sent yet.
    pub(crate) async fn new(target: &Target, timeouts: &Timeouts) -> Result<Self, Error> {
        let bad = |reason: String| Error::Target { host: target.host.clone(), reason };
        let base = target.base()?;
        let proxy = target.proxy()?;
        let host = match (base.host_str(), base.port_or_known_default()) {
            (Some(host), Some(port)) => format!("{host}:{port}").into(),
            _ => target.host.as_str().into(),
        };
        let mut builder = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(retry::never())
            .http1_only()
            .user_agent(USER_AGENT)
            .connect_timeout(timeouts.connect)
            .tcp_nodelay(true)
            // Finds a dead machine during calls that have long timeouts.
            .tcp_keepalive(Duration::from_secs(20))
            .tcp_keepalive_interval(Duration::from_secs(10))
            .tcp_keepalive_retries(3)
            .pool_idle_timeout(timeouts.idle)
            .pool_max_idle_per_host(8);
        // Also for plain HTTP: reqwest without any settings would panic.
        let tls = target.tls.clone();
        let judge =
            tokio::task::spawn_blocking(move || Judge::new(&tls)).await.map_err(|error| bad(error.to_string()))?;
        let judge = judge.map_err(bad)?;
        let config = judge.config().map_err(|error| bad(error.to_string()))?;
        let secure = base.scheme() == "https";
        builder = builder.tls_backend_preconfigured(config).https_only(secure);
        if let Some(proxy) = proxy {
            // The error would repeat the address, which may hold a password.
            let proxy = Proxy::all(proxy).map_err(|_| bad("the proxy has no proper address".to_owned()))?;
            builder = builder.proxy(proxy);
        }
        let http = builder.build().map_err(|error| bad(error.without_url().to_string()))?;
        Ok(Self {
            http,
            base,
            host,
            judge: secure.then_some(judge),
            connect: timeouts.connect,
            max_answer: timeouts.max_answer,
        })
    }

    /// Returns host and port.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Returns the fingerprint of the certificate the host showed.
    pub(crate) fn peer_fingerprint(&self) -> Option<String> {
        self.judge.as_ref()?.seen()
    }

    /// Returns the URL of the host's root.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// Sends a body and reads the whole answer, both within `limit`. `method` is for messages only.
    pub(crate) async fn post(
        &self,
        path: &str,
        content_type: &'static str,
        method: &str,
        body: Vec<u8>,
        limit: Duration,
    ) -> Result<Reply, Error> {
        let request = self.request(path, content_type, body);
        within(limit, method, async {
            let incoming = self.send(request, method, self.max_answer as u64).await?;
            let (status, content_type) = (incoming.status(), incoming.header(CONTENT_TYPE).to_owned());
            Ok(Reply { status, content_type, body: incoming.whole().await? })
        })
        .await
    }

    /// Sends a body and returns as soon as the answer begins, which has to be within `limit`.
    pub(crate) async fn begin(
        &self,
        path: &str,
        content_type: &'static str,
        method: &str,
        body: Vec<u8>,
        limit: Duration,
        max: u64,
    ) -> Result<Incoming, Error> {
        let request = self.request(path, content_type, body);
        within(limit, method, self.send(request, method, max)).await
    }

    /// Gets a path with its query. The cookie is the session, which nobody logs.
    pub(crate) async fn get(&self, path: &str, name: &str, cookie: String, max: usize) -> Result<Incoming, Error> {
        let (url, cookie) = self.address(path, name, cookie)?;
        self.send(self.http.get(url).header(COOKIE, cookie), name, max as u64).await
    }

    /// Puts bytes to a path with its query. The answer may begin before all of them are there.
    pub(crate) async fn put(&self, path: &str, name: &str, cookie: String, body: Bytes) -> Result<Incoming, Error> {
        let (url, cookie) = self.address(path, name, cookie)?;
        self.send(self.http.put(url).header(COOKIE, cookie).body(body), name, self.max_answer as u64).await
    }

    /// Returns the whole address of a path, and the cookie as it is sent.
    fn address(&self, path: &str, name: &str, cookie: String) -> Result<(Url, HeaderValue), Error> {
        let bad = || Error::Unsendable { method: name.to_owned(), reason: "the path is no path".to_owned() };
        let url = self.base.join(path).map_err(|_| bad())?;
        if !path.starts_with('/') || url.origin() != self.base.origin() {
            return Err(bad());
        }
        let mut cookie = HeaderValue::try_from(cookie).map_err(|_| bad())?;
        cookie.set_sensitive(true);
        Ok((url, cookie))
    }

    fn request(&self, path: &str, content_type: &'static str, body: Vec<u8>) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(path);
        // Sent with its length, never chunked, which XAPI does not understand. Wiped after use: passwords pass here.
        let body = Bytes::from_owner(Zeroizing::new(body));
        self.http.post(url).header(CONTENT_TYPE, content_type).header(ACCEPT, content_type).body(body)
    }

    async fn send(&self, request: RequestBuilder, method: &str, max: u64) -> Result<Incoming, Error> {
        let response = request.send().await.map_err(|error| self.failed(method, error))?;
        let incoming = Incoming { transport: self.clone(), response, method: method.to_owned(), max, read: 0 };
        match incoming.length() {
            Some(length) if length > max => Err(incoming.too_large()),
            _ => Ok(incoming),
        }
    }

    /// Says what an error of the HTTP client means.
    fn failed(&self, method: &str, error: reqwest::Error) -> Error {
        let error = error.without_url();
        if let Some(tls) = find::<rustls::Error>(&error) {
            let failure = match &self.judge {
                Some(judge) => judge.explain(tls),
                None => crate::TlsFailure::Handshake { reason: tls.to_string() },
            };
            return Error::Tls { host: self.host.to_string(), failure };
        }
        // The only timeout the client itself knows is the one for connecting.
        if error.is_timeout() {
            return Error::Timeout { doing: "connect".to_owned(), after: self.connect };
        }
        if find::<hyper::Error>(&error).is_some_and(hyper::Error::is_parse) {
            return Error::Protocol { method: method.to_owned(), reason: "the answer is not HTTP".to_owned() };
        }
        Error::Unreachable { host: self.host.to_string(), source: Arc::new(error) }
    }
}

impl Incoming {
    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// Returns the length that the head of the answer claims.
    pub(crate) fn length(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// Returns the address that a redirect leads to; empty without one.
    pub(crate) fn location(&self) -> &str {
        self.header(LOCATION)
    }

    fn header(&self, name: HeaderName) -> &str {
        let headers: &HeaderMap = self.response.headers();
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Returns the next piece, `None` at the end. Fails when nothing comes for `stall`.
    pub(crate) async fn piece(&mut self, stall: Duration) -> Result<Option<Bytes>, Error> {
        let piece = match tokio::time::timeout(stall, self.response.chunk()).await {
            Ok(piece) => piece.map_err(|error| self.transport.failed(&self.method, error))?,
            Err(_) => return Err(Error::Timeout { doing: self.method.clone(), after: stall }),
        };
        self.read += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        if self.read > self.max { Err(self.too_large()) } else { Ok(piece) }
    }

    /// Reads the rest. The caller limits the time.
    pub(crate) async fn whole(mut self) -> Result<Bytes, Error> {
        let expected = self.length().and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
        // The header is only a claim: believe it up to what a small pool sends.
        let mut body = Vec::with_capacity(expected.min(1 << 20));
        while let Some(piece) = self.piece(Duration::MAX).await? {
            // Most answers are one piece.
            if piece.len() == expected && body.is_empty() {
                return Ok(piece);
            }
            body.extend_from_slice(&piece);
        }
        Ok(body.into())
    }

    fn too_large(&self) -> Error {
        let reason = format!("the answer is larger than {} bytes", self.max);
        Error::Protocol { method: self.method.clone(), reason }
    }
}

async fn within<T>(limit: Duration, doing: &str, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match tokio::time::timeout(limit, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Error::Timeout { doing: doing.to_owned(), after: limit }),
    }
}

/// Finds a cause of this type. An `io::Error` hides what it wraps from `source()`, so look inside.
fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref::<E>() {
            return Some(found);
        }
        let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => cause.source(),
        };
    }
    None
}
