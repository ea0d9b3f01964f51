//! Carries one body to a host and one back, over HTTP/1.1, with limits on time and size.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, Proxy, Response, Url, redirect, retry};
use zeroize::Zeroizing;

use crate::tls::Judge;
use crate::{Error, Target, Timeouts};

/// Short on purpose: XAPI takes 1024 bytes of headers in all.
const USER_AGENT: &str = concat!("xylem/", env!("CARGO_PKG_VERSION"));

/// How long an unused connection is kept. XAPI has room for 800 in all.
const IDLE: Duration = Duration::from_secs(30);

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
    pub body: Vec<u8>,
}

impl Transport {
    /// Makes a transport; nothing is sent yet.
    pub(crate) async fn new(target: &Target, timeouts: &Timeouts) -> Result<Self, Error> {
        let bad = |reason: String| Error::Target { host: target.host.clone(), reason };
        let base = target.base()?;
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
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(8);
        // Also for plain HTTP: an https proxy wants TLS, and reqwest without any settings would panic.
        let tls = target.tls.clone();
        let judge =
            tokio::task::spawn_blocking(move || Judge::new(&tls)).await.map_err(|error| bad(error.to_string()))?;
        let judge = judge.map_err(bad)?;
        let config = judge.config().map_err(|error| bad(error.to_string()))?;
        let secure = base.scheme() == "https";
        builder = builder.tls_backend_preconfigured(config).https_only(secure);
        if let Some(proxy) = &target.http_proxy {
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

    /// Sends a body and reads the whole answer, both within `limit`. `method` is for messages only.
    pub(crate) async fn post(
        &self,
        path: &str,
        content_type: &'static str,
        method: &str,
        body: Vec<u8>,
        limit: Duration,
    ) -> Result<Reply, Error> {
        let mut url = self.base.clone();
        url.set_path(path);
        // Sent with its length, never chunked, which XAPI does not understand. Wiped after use: passwords pass here.
        let body = Bytes::from_owner(Zeroizing::new(body));
        let request = self.http.post(url).header(CONTENT_TYPE, content_type).header(ACCEPT, content_type).body(body);
        let exchange = async {
            let response = request.send().await.map_err(|error| self.failed(method, error))?;
            self.read(method, response).await
        };
        match tokio::time::timeout(limit, exchange).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::Timeout { doing: method.to_owned(), after: limit }),
        }
    }

    async fn read(&self, method: &str, mut response: Response) -> Result<Reply, Error> {
        let too_large = || Error::Protocol {
            method: method.to_owned(),
            reason: format!("the answer is larger than {} bytes", self.max_answer),
        };
        let expected = response.content_length().unwrap_or(0);
        let expected = usize::try_from(expected).ok().filter(|size| *size <= self.max_answer).ok_or_else(too_large)?;
        // The header is only a claim: believe it up to what a small pool sends.
        let mut body = Vec::with_capacity(expected.min(1 << 20));
        let status = response.status().as_u16();
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failed(method, error))? {
            if body.len() + chunk.len() > self.max_answer {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, content_type, body })
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
