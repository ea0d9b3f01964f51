//! A deliberately plain client: bytes on a socket, so that nothing hides what the server sends.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use xapi_sim::{Options, Sim};

/// Longer than anything a test waits for, short enough to notice a hang.
pub const PATIENCE: Duration = Duration::from_secs(20);

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// What came back, unchanged.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// In the order and the case of the wire.
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

/// One connection.
pub struct Connection {
    stream: Box<dyn Stream>,
}

impl Connection {
    pub async fn plain(sim: &Sim) -> anyhow::Result<Self> {
        Self::at(&sim.host()).await
    }

    /// Connects to `ip:port`, or to the URL of a member.
    pub async fn at(place: &str) -> anyhow::Result<Self> {
        let place = place.trim_start_matches("http://");
        Ok(Self { stream: Box::new(TcpStream::connect(place).await?) })
    }

    /// Returns the connection and the fingerprint of the certificate that was shown.
    pub async fn tls(sim: &Sim) -> anyhow::Result<(Self, String)> {
        Self::tls_at(&sim.host()).await
    }

    /// The same at `ip:port`, or at the URL of a member.
    pub async fn tls_at(place: &str) -> anyhow::Result<(Self, String)> {
        let seen = Arc::new(Seen::default());
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(seen.clone())
            .with_no_client_auth();
        let tcp = TcpStream::connect(place.trim_start_matches("https://")).await?;
        let stream =
            tokio_rustls::TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost")?, tcp).await?;
        let fingerprint = seen.0.lock().expect("nobody panicked").clone();
        Ok((Self { stream: Box::new(stream) }, fingerprint))
    }

    pub async fn send(&mut self, head: &str, body: &str) -> anyhow::Result<()> {
        self.stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await?;
        Ok(self.stream.flush().await?)
    }

    pub async fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        // A server that has seen enough may have closed.
        let _ = self.stream.write_all(bytes).await;
        Ok(self.stream.flush().await?)
    }

    /// Says nothing more, but listens.
    pub async fn hang_up(&mut self) -> anyhow::Result<()> {
        Ok(self.stream.shutdown().await?)
    }

    pub async fn receive(&mut self) -> anyhow::Result<Answer> {
        tokio::time::timeout(PATIENCE, self.receive_now()).await.context("no answer in time")?
    }

    async fn receive_now(&mut self) -> anyhow::Result<Answer> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await.context("the head is cut")?);
        }
        let head = String::from_utf8(head)?;
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().and_then(|l| l.split(' ').nth(1)).context("no status")?.parse()?;
        let headers: Vec<(String, String)> =
            lines.filter_map(|l| l.split_once(": ")).map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        let mut body = Vec::new();
        match headers.iter().find(|(n, _)| n == "content-length") {
            Some((_, length)) => {
                body.resize(length.parse()?, 0);
                self.stream.read_exact(&mut body).await.context("the body is cut")?;
            }
            // Streams say no length: they end with the connection.
            None => {
                self.stream.read_to_end(&mut body).await?;
            }
        }
        let bytes = body.clone();
        Ok(Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned(), bytes })
    }

    pub async fn post(&mut self, path: &str, body: &str) -> anyhow::Result<Answer> {
        self.send(&format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}", body.len()), body).await?;
        self.receive().await
    }

    pub async fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: x"), "").await?;
        self.receive().await
    }

    /// Has the server closed?
    pub async fn is_closed(&mut self) -> bool {
        matches!(tokio::time::timeout(PATIENCE, self.stream.read_u8()).await, Ok(Err(_)))
    }
}

/// Accepts any certificate and remembers its fingerprint.
#[derive(Debug, Default)]
struct Seen(Mutex<String>);

impl ServerCertVerifier for Seen {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let digest = ::ring::digest::digest(&::ring::digest::SHA256, certificate);
        let hex: Vec<String> = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
        *self.0.lock().expect("nobody panicked") = hex.join(":");
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &algorithms())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("a host speaks TLS 1.2".to_owned()))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        algorithms().supported_schemes()
    }
}

fn algorithms() -> rustls::crypto::WebPkiSupportedAlgorithms {
    ring::default_provider().signature_verification_algorithms
}

/// A logged-in JSON-RPC client: one connection for each call, so that calls can run side by side.
#[derive(Clone)]
pub struct Client {
    pub sim: Sim,
    pub session: String,
}

/// An API error as `[code, params...]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError(pub Vec<String>);

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.join(" "))
    }
}

impl std::error::Error for ApiError {}

impl Client {
    /// Starts a simulator and logs in.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        Self::login(Sim::start(options).await?).await
    }

    pub async fn login(sim: Sim) -> anyhow::Result<Self> {
        let params = json!([sim.username(), sim.password(), "1.0", "test"]);
        let session = raw(&sim, "session.login_with_password", params).await?;
        Ok(Self { session: session.as_str().context("a session is a string")?.to_owned(), sim })
    }

    /// Calls with the session in front.
    pub async fn call(&self, method: &str, params: Value) -> anyhow::Result<Value> {
        let mut all = vec![json!(self.session)];
        all.extend(params.as_array().cloned().unwrap_or_default());
        raw(&self.sim, method, Value::Array(all)).await
    }

    /// Calls what must fail; returns the error.
    pub async fn fails(&self, method: &str, params: Value) -> Vec<String> {
        match self.call(method, params).await {
            Ok(value) => panic!("{method} answered {value}"),
            Err(error) => error.downcast::<ApiError>().expect("an error of the API").0,
        }
    }

    /// The reference of a VM by its name.
    pub fn vm(&self, name: &str) -> String {
        self.sim.find("VM", name).expect(name)
    }

    /// `event.from`, returning the events and the new token.
    pub async fn from(&self, classes: Value, token: &str, timeout: f64) -> anyhow::Result<(Vec<Value>, String)> {
        let answer = self.call("event.from", json!([classes, token, timeout])).await?;
        let events = answer["events"].as_array().context("no events")?.clone();
        Ok((events, answer["token"].as_str().context("no token")?.to_owned()))
    }

    /// The token of this moment.
    pub async fn token(&self) -> anyhow::Result<String> {
        Ok(self.from(json!([]), "", 0.0).await?.1)
    }
}

/// One JSON-RPC call on a connection of its own.
pub async fn raw(sim: &Sim, method: &str, params: Value) -> anyhow::Result<Value> {
    raw_at(&sim.host(), method, params).await
}

/// The same at another listener.
pub async fn raw_at(place: &str, method: &str, params: Value) -> anyhow::Result<Value> {
    let body = json!({"jsonrpc": "2.0", "method": method, "params": params, "id": 0}).to_string();
    let answer = Connection::at(place).await?.post("/jsonrpc", &body).await?;
    ensure!(answer.status == 200, "HTTP {}", answer.status);
    let answer: Value = serde_json::from_str(&answer.body)?;
    if let Some(error) = answer.get("error") {
        let params = error["data"].as_array().context("no data")?;
        let texts = std::iter::once(&error["message"]).chain(params).map(|v| v.as_str().unwrap_or_default().to_owned());
        bail!(ApiError(texts.collect()));
    }
    Ok(answer["result"].clone())
}

/// Looks until the fact holds.
pub async fn until(mut fact: impl FnMut() -> bool) {
    tokio::time::timeout(PATIENCE, async {
        while !fact() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await
    .expect("the fact never held");
}
