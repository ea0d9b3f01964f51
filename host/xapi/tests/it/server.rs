//! A host for tests: reads HTTP requests from a socket and answers what a function says, byte by byte if need be.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use model::Secret;
use parking_lot::Mutex;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use xapi::{Target, Timeouts, Tls};

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub line: String,
    pub head: String,
    pub body: String,
}

/// What the host does with a request.
pub enum Reply {
    /// A proper answer with its length.
    Http { status: u16, content_type: &'static str, body: String },
    /// These bytes, then the end of the connection.
    Raw(Vec<u8>),
    /// These bytes, then nothing, for ever.
    Stall(Vec<u8>),
    /// Nothing, for ever.
    Silence,
}

pub struct Server {
    pub address: SocketAddr,
    seen: watch::Receiver<Vec<Request>>,
    task: tokio::task::JoinHandle<()>,
}

/// Nothing here takes longer unless it is broken.
pub const PATIENCE: Duration = Duration::from_secs(20);

impl Server {
    pub async fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(answer, None).await
    }

    pub async fn start_tls(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static, tls: TlsAcceptor) -> Self {
        Self::listen(answer, Some(tls)).await
    }

    async fn listen(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (sender, seen) = watch::channel(Vec::new());
        let shared = Arc::new((answer, sender));
        let task = tokio::spawn(async move {
            // Dropped with the task, and the connections with it: that is how a host dies.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, tls) = (shared.clone(), tls.clone());
                connections.spawn(async move {
                    let (answer, sender) = &*shared;
                    let answer = |request: Request| {
                        let reply = answer(&request);
                        sender.send_modify(|seen| seen.push(request));
                        reply
                    };
                    match tls {
                        None => talk(stream, answer).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                talk(stream, answer).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, seen, task }
    }

    /// Returns the bodies of requests that call this method.
    pub fn calls(&self, method: &str) -> Vec<Request> {
        self.seen.borrow().iter().filter(|request| request.method() == method).cloned().collect()
    }

    pub fn all(&self) -> Vec<Request> {
        self.seen.borrow().clone()
    }

    /// Waits until this method has been called.
    pub async fn until_called(&self, method: &str) {
        let mut seen = self.seen.clone();
        let called = seen.wait_for(|seen| seen.iter().any(|request| request.method() == method));
        tokio::time::timeout(PATIENCE, called).await.expect("the call comes").expect("the server lives");
    }

    pub fn target(&self) -> Target {
        Target {
            host: format!("http://{}", self.address),
            username: "root".to_owned(),
            password: Secret::new("hunter2"),
            tls: Tls::Verify,
            http_proxy: None,
            read_only: false,
            members: vec![],
        }
    }

    /// Ends the host and all its connections, and returns when the port is free.
    pub async fn stop(self) {
        self.task.abort();
        while tokio::net::TcpStream::connect(self.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Times that make a failing test fail soon, and a passing one not depend on the machine's load.
pub fn timeouts() -> Timeouts {
    Timeouts {
        connect: Duration::from_secs(5),
        login: Duration::from_secs(10),
        call: Duration::from_secs(10),
        load: Duration::from_secs(10),
        event_poll: Duration::from_secs(5),
        event_margin: Duration::from_secs(5),
        logout: Duration::from_secs(1),
        ..Timeouts::default()
    }
}

impl Request {
    /// Returns the method that is called, in either dialect.
    pub fn method(&self) -> String {
        if let Some(rest) = self.body.split("<methodName>").nth(1) {
            return rest.split('<').next().unwrap_or_default().to_owned();
        }
        self.json()["method"].as_str().unwrap_or_default().to_owned()
    }

    pub fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    pub fn params(&self) -> Json {
        self.json()["params"].clone()
    }
}

pub fn ok(result: Json) -> Reply {
    let body = json!({ "jsonrpc": "2.0", "result": result, "id": 0 }).to_string();
    Reply::Http { status: 200, content_type: "application/json", body }
}

pub fn fail(code: &str, params: &[&str]) -> Reply {
    let error = json!({ "code": 1, "message": code, "data": params });
    let body = json!({ "jsonrpc": "2.0", "error": error, "id": 0 }).to_string();
    Reply::Http { status: 200, content_type: "application/json", body }
}

/// Answers in XML; `value` is what stands between the `<value>` tags.
pub fn xml(value: &str) -> Reply {
    let body = format!(
        "<?xml version=\"1.0\"?><methodResponse><params><param><value><struct><member><name>Status</name>\
         <value>Success</value></member><member><name>Value</name><value>{value}</value></member></struct></value>\
         </param></params></methodResponse>"
    );
    Reply::Http { status: 200, content_type: "text/xml", body }
}

pub fn html(status: u16) -> Reply {
    Reply::Http { status, content_type: "text/html", body: "<html><body>no</body></html>".to_owned() }
}

/// A JSON-RPC host that lets everybody in and answers other methods as told.
pub fn host(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> impl Fn(&Request) -> Reply + Send + Sync {
    move |request| match request.method().as_str() {
        "system.isAlive:xylem" => ok(json!("xylem")),
        "session.login_with_password" => ok(json!("OpaqueRef:session")),
        "session.logout" => ok(json!("")),
        _ => answer(request),
    }
}

/// Returns the next one each time, and the last one for ever.
pub fn in_turn<T: Clone + Send>(items: Vec<T>) -> impl Fn() -> T + Send + Sync {
    let left = Mutex::new(std::collections::VecDeque::from(items));
    move || {
        let mut left = left.lock();
        if left.len() > 1 { left.pop_front() } else { left.front().cloned() }.expect("at least one")
    }
}

async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: impl Fn(Request) -> Reply) {
    while let Some(request) = read(&mut stream).await {
        let bytes = match answer(request) {
            Reply::Http { status, content_type, body } => format!(
                "HTTP/1.1 {status} -\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nlocation: /else\r\n\r\n{body}",
                body.len()
            )
            .into_bytes(),
            Reply::Raw(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
            Reply::Stall(bytes) => {
                let _ = stream.write_all(&bytes).await;
                std::future::pending().await
            }
            Reply::Silence => std::future::pending().await,
        };
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length:").map(str::trim).map(str::to_owned)
                })
                .and_then(|length| length.parse::<usize>().ok())?;
            while bytes.len() < end + 4 + length {
                if stream.read_buf(&mut bytes).await.ok()? == 0 {
                    return None;
                }
            }
            let body = String::from_utf8_lossy(&bytes[end + 4..]).into_owned();
            return Some(Request { line: head.lines().next().unwrap_or_default().to_owned(), head, body });
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
