//! The HTTP server of a host: HTTP/1.1 without chunks, its limits, and the two dialects on their paths.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use http_body_util::{BodyExt, Full, Limited, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, Version,
    body::{Frame, Incoming},
    header::{self, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    calls,
    core::Core,
    failure::fail,
    handlers::{self, Visit},
    seat::Seat,
    wire::{Call, Reply, json, xml},
};

/// Largest body of a call.
const BODY_LIMIT: usize = 300 * 1024;
/// Largest head of the first request of a connection.
const HEAD_LIMIT: usize = 1024;
/// Time for the first half of a cut answer to leave before the connection is cut.
const HALF_PAUSE: Duration = Duration::from_millis(20);

const PRINT_QUESTION: &str = "x-xenapi-request-host-certificate-thumbprint";
const PRINT_ANSWER: &str = "x-xenapi-response-host-certificate-thumbprint";

pub type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A listener that can be closed, opened again on its port, and whose connections can be cut.
pub struct Door {
    pub address: SocketAddr,
    commands: mpsc::Sender<(bool, oneshot::Sender<()>)>,
    cuts: Arc<Cuts>,
    open: Arc<AtomicUsize>,
    acceptor: JoinHandle<()>,
}

/// What cutting needs: no connection may be between the listener's queue and its task while it happens.
struct Cuts {
    /// The listener again, to empty its queue; `None` while it is closed.
    queue: Mutex<Option<std::net::TcpListener>>,
    sign: watch::Sender<()>,
}

impl Door {
    /// Listens, and serves each connection with `serve` until it ends or is cut.
    pub async fn open<F>(address: SocketAddr, serve: impl Fn(TcpStream) -> F + Send + 'static) -> io::Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (listener, queue) = bind(address)?;
        let address = listener.local_addr()?;
        // One command at a time: each waits for its acknowledgement.
        let (commands, mut orders) = mpsc::channel::<(bool, oneshot::Sender<()>)>(1);
        let cuts = Arc::new(Cuts { queue: Mutex::new(Some(queue)), sign: watch::Sender::new(()) });
        let open = Arc::new(AtomicUsize::new(0));
        let (ours, counter) = (cuts.clone(), open.clone());
        let acceptor = tokio::spawn(async move {
            let mut listener = Some(listener);
            loop {
                tokio::select! {
                    order = orders.recv() => {
                        let Some((listen, done)) = order else { return };
                        if listen && listener.is_none() {
                            let (again, queue) = bind_again(address).await;
                            listener = Some(again);
                            *ours.queue.lock() = Some(queue);
                        } else if !listen {
                            listener = None;
                            *ours.queue.lock() = None;
                        }
                        // Whoever asked may have stopped waiting.
                        let _ = done.send(());
                    }
                    (stream, mut cut) = accept(listener.as_ref(), &ours) => {
                        let (serving, guard) = (serve(stream), Count::new(&counter));
                        tokio::spawn(async move {
                            tokio::select! {
                                () = serving => {}
                                _ = cut.changed() => {}
                            }
                            drop(guard);
                        });
                    }
                }
            }
        });
        Ok(Self { address, commands, cuts, open, acceptor })
    }

    /// Closes or opens the listener; returns when it is done.
    pub async fn listen(&self, listen: bool) {
        let (done, finished) = oneshot::channel();
        if self.commands.send((listen, done)).await.is_ok() {
            // The acceptor only ends together with the door.
            let _ = finished.await;
        }
    }

    /// Cuts all connections, those still waiting to be accepted included; later ones are not touched.
    pub fn cut(&self) {
        let queue = self.cuts.queue.lock();
        while queue.as_ref().is_some_and(|q| q.accept().is_ok()) {}
        self.cuts.sign.send_replace(());
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Ends all of it.
    pub fn close(&self) {
        self.acceptor.abort();
        self.cut();
        *self.cuts.queue.lock() = None;
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.close();
    }
}

/// Counts one connection while it lives.
struct Count(Arc<AtomicUsize>);

impl Count {
    fn new(counter: &Arc<AtomicUsize>) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter.clone())
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Returns the next connection and its view on cuts, taken in one step under the lock that cutting holds.
async fn accept(listener: Option<&TcpListener>, cuts: &Cuts) -> (TcpStream, watch::Receiver<()>) {
    let Some(listener) = listener else { return std::future::pending().await };
    poll_fn(|context| {
        let _queue = cuts.queue.lock();
        match listener.poll_accept(context) {
            Poll::Ready(Ok((stream, _))) => Poll::Ready((stream, cuts.sign.subscribe())),
            Poll::Ready(Err(_)) => {
                // The client went away before it was accepted, or there are too many open files: look again later.
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Returns the listener twice: to accept from, and to empty.
fn bind(address: SocketAddr) -> io::Result<(TcpListener, std::net::TcpListener)> {
    // The standard library sets SO_REUSEADDR, so that a closed door opens again at once.
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let queue = listener.try_clone()?;
    Ok((TcpListener::from_std(listener)?, queue))
}

/// The port may be taken for a moment by somebody's outgoing connection.
async fn bind_again(address: SocketAddr) -> (TcpListener, std::net::TcpListener) {
    loop {
        if let Ok(bound) = bind(address) {
            return bound;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Serves one connection of the XAPI listener.
pub async fn serve(seat: Arc<Seat>, tls: Option<TlsAcceptor>, stream: TcpStream) {
    // Small answers must not wait for each other; a failure here only costs time.
    let _ = stream.set_nodelay(true);
    match tls {
        None => serve_http(seat, TokioIo::new(stream)).await,
        Some(tls) => {
            // A client that refuses our certificate is normal life here.
            if let Ok(stream) = tls.accept(stream).await {
                serve_http(seat, TokioIo::new(stream)).await;
            }
        }
    }
}

async fn serve_http<I>(seat: Arc<Seat>, io: I)
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let first = Arc::new(AtomicBool::new(true));
    let visit = Arc::new(Visit::default());
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(visit.clone());
        let (seat, first) = (seat.clone(), first.swap(false, Ordering::Relaxed));
        async move { Ok::<_, Infallible>(answer(&seat, request, first).await) }
    });
    let connection =
        http1::Builder::new().auto_date_header(false).header_read_timeout(None).serve_connection(io, service);
    // Consoles take the connection over.
    if let Err(error) = connection.with_upgrades().await {
        tracing::debug!(%error, "connection ended");
    }
}

async fn answer(seat: &Arc<Seat>, request: Request<Incoming>, first: bool) -> Response<Body> {
    let close = wants_close(&request);
    let head = head_size(&request);
    let (parts, body) = request.into_parts();
    if first && head > HEAD_LIMIT {
        return page(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    }
    if let Some(handler) = handlers::find(&parts.method, parts.uri.path()) {
        return handlers::answer(seat, handler, parts, body, close).await;
    }
    match parts.method {
        Method::POST => {}
        Method::GET if parts.uri.path() == "/" => {
            return full(StatusCode::OK, "text/html", "<html><body>XAPI</body></html>".to_owned(), true);
        }
        Method::GET => return page(StatusCode::NOT_FOUND),
        Method::PUT | Method::CONNECT | Method::OPTIONS => return page(StatusCode::FORBIDDEN),
        _ => return page(StatusCode::NOT_IMPLEMENTED),
    }
    if !parts.headers.contains_key(header::CONTENT_LENGTH) {
        return page(StatusCode::INTERNAL_SERVER_ERROR);
    }
    let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
        return page(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let body = body.to_bytes();
    let mut response = called(seat, parts.uri.path(), &body, close).await;
    if let Some(print) = asked_print(seat, &parts.headers) {
        response.headers_mut().insert(PRINT_ANSWER, print);
    }
    response
}

/// A slave that is asked for it says how the master's certificate is known, besides HOST_IS_SLAVE.
fn asked_print(seat: &Seat, headers: &HeaderMap) -> Option<HeaderValue> {
    if headers.get(PRINT_QUESTION)? != "sha-256:master" {
        return None;
    }
    seat.master_elsewhere()?;
    let master = seat.core.read(|db| db.master().to_owned());
    let print = seat.core.identities.lock().get(&master)?.fingerprint();
    HeaderValue::from_str(&print.to_uppercase()).ok()
}

/// Answers a call in the dialect of its path.
async fn called(seat: &Arc<Seat>, path: &str, body: &[u8], close: bool) -> Response<Body> {
    let core = &seat.core;
    if core.options.json_rpc && core.options.release.json_rpc() && path == "/jsonrpc" {
        match json::read_call(body) {
            Ok((envelope, call)) => {
                reply(seat, call, close, "application/json", |_, reply| json::write_reply(&envelope, reply)).await
            }
            Err(error) => {
                tracing::debug!(%error, "unreadable request");
                page(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    } else {
        match xml::read_call(body) {
            Ok(call) => reply(seat, call, close, "text/xml", xml::write_reply).await,
            // Still a readable answer: by its content type clients notice that a host has no JSON-RPC.
            Err(error) => {
                let failure = fail("INTERNAL_ERROR", [&format!("{error:#}")]);
                pieced("text/xml", xml::write_reply("", &Err(failure)), close)
            }
        }
    }
}

/// Runs a call, with the faults that hold for it.
async fn reply(
    seat: &Arc<Seat>,
    call: Call,
    close: bool,
    kind: &'static str,
    write: impl FnOnce(&str, &Reply) -> Vec<Bytes>,
) -> Response<Body> {
    let core = &seat.core;
    let name = calls::canonical(&call.method);
    *core.calls.lock().entry(call.method.clone()).or_default() += 1;
    tracing::debug!(method = %call.method, "call");
    core.faults.wait(&name).await;
    if let Some(status) = core.faults.http(&name) {
        return page(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    }
    if let Some(place) = core.faults.redirect(&name) {
        return found(&place);
    }
    let method = call.method.clone();
    let reply = calls::dispatch(seat, call).await;
    let pieces = write(&method, &reply);
    let length = pieces.iter().map(Bytes::len).sum();
    match core.faults.half(&name) {
        true => half(kind, pieces),
        false if core.faults.holds(&name, length) => held(core.clone(), name.clone(), kind, pieces, close),
        false => pieced(kind, pieces, close),
    }
}

/// The answer of a call, its length known.
pub fn pieced(kind: &'static str, pieces: Vec<Bytes>, close: bool) -> Response<Body> {
    let length = pieces.iter().map(Bytes::len).sum();
    let frames = futures::stream::iter(pieces.into_iter().map(|p| Ok(Frame::data(p))));
    head(StatusCode::OK, kind, length, close, BodyExt::boxed_unsync(StreamBody::new(frames)))
}

/// An answer of known length. Errors always close.
fn full(status: StatusCode, kind: &'static str, text: String, close: bool) -> Response<Body> {
    let length = text.len();
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
    head(status, kind, length, close, body)
}

/// Sends the caller elsewhere.
pub fn found(place: &str) -> Response<Body> {
    let mut response = page(StatusCode::FOUND);
    if let Ok(place) = HeaderValue::from_str(place) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

pub fn page(status: StatusCode) -> Response<Body> {
    let text = format!(
        "<html><body><h1>HTTP {}</h1>{}</body></html>",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default()
    );
    full(status, "text/html", text, true)
}

/// An answer whose end is the end of the connection: hosts never send chunks.
pub fn streamed(kind: &'static str, data: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Response<Body> {
    let mut response = Response::new(BodyExt::boxed_unsync(StreamBody::new(data.map(|d| d.map(Frame::data)))));
    // By its version the server knows that it may not use chunks.
    *response.version_mut() = Version::HTTP_10;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Promises the whole answer, sends half of it and cuts the connection.
pub fn half(kind: &'static str, pieces: Vec<Bytes>) -> Response<Body> {
    let length: usize = pieces.iter().map(Bytes::len).sum();
    let cut = async {
        tokio::time::sleep(HALF_PAUSE).await;
        Err(cut_on_demand())
    };
    let first = futures::stream::iter(halves(pieces).0.into_iter().map(|p| Ok(Frame::data(p))));
    let frames = first.chain(futures::stream::once(cut));
    head(StatusCode::OK, kind, length, false, BodyExt::boxed_unsync(StreamBody::new(frames)))
}

/// Sends half of an answer, and the rest when nothing holds it any more; or cuts it there, if that is wanted by then.
fn held(core: Arc<Core>, method: String, kind: &'static str, pieces: Vec<Bytes>, close: bool) -> Response<Body> {
    let length: usize = pieces.iter().map(Bytes::len).sum();
    let (first, second) = halves(pieces);
    let rest = async move {
        core.faults.stand_still(&method).await;
        match core.faults.half(&method) {
            true => vec![Err(cut_on_demand())],
            false => second.into_iter().map(|p| Ok(Frame::data(p))).collect(),
        }
    };
    let first = futures::stream::iter(first.into_iter().map(|p| Ok(Frame::data(p))));
    let frames = first.chain(futures::stream::once(rest).flat_map(futures::stream::iter));
    head(StatusCode::OK, kind, length, close, BodyExt::boxed_unsync(StreamBody::new(frames)))
}

fn cut_on_demand() -> io::Error {
    io::Error::other("cut on demand")
}

/// Parts an answer in its middle.
fn halves(pieces: Vec<Bytes>) -> (Vec<Bytes>, Vec<Bytes>) {
    let mut left = pieces.iter().map(Bytes::len).sum::<usize>() / 2;
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for mut piece in pieces {
        let head = piece.split_to(left.min(piece.len()));
        left -= head.len();
        first.push(head);
        second.push(piece);
    }
    first.retain(|piece| !piece.is_empty());
    second.retain(|piece| !piece.is_empty());
    (first, second)
}

fn head(status: StatusCode, kind: &'static str, length: usize, close: bool, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CONNECTION, HeaderValue::from_static(if close { "close" } else { "keep-alive" }));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("X-Requested-With"));
    response
}

fn wants_close(request: &Request<Incoming>) -> bool {
    let says = |word: &str| header_text(request.headers(), header::CONNECTION).to_lowercase().contains(word);
    match request.version() {
        Version::HTTP_10 => !says("keep-alive"),
        _ => says("close"),
    }
}

fn header_text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
}

/// Bytes of the request line and the headers, as the client sent them.
fn head_size(request: &Request<Incoming>) -> usize {
    let line = request.method().as_str().len() + request.uri().to_string().len() + " HTTP/1.1\r\n ".len();
    let headers = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    line + headers.sum::<usize>() + 2
}
