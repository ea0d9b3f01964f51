//! The listener: plain HTTP on loopback, TLS elsewhere, time limits against those who never finish a request.
//!
//! Nothing is held back to be sent with more (TCP_NODELAY): each write is a whole answer, or a whole piece of one.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;

/// How long a client may take for the headers of a request.
const HEADERS: Duration = Duration::from_secs(10);

/// Where to listen.
#[derive(Clone, Debug)]
pub struct Listen {
    /// Address and port; port 0 = any.
    pub address: SocketAddr,
    /// Certificate chain and key (PEM); none = plain HTTP, on loopback only.
    pub tls: Option<(Vec<u8>, Vec<u8>)>,
}

/// A listener that is up.
pub struct Bound {
    /// Where it really listens.
    pub address: SocketAddr,
    handle: Handle<SocketAddr>,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

/// Why there is no listener.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Without TLS passwords would go over the network as they are.
    #[error(
        "refuse to listen on {0} without TLS: it is not a loopback address; give a certificate, or listen on 127.0.0.1"
    )]
    PlainOutside(SocketAddr),
    /// The address is taken, or not ours.
    #[error("listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The Unix socket cannot be used.
    #[error("listen on {}", path.display())]
    Local {
        /// Its path.
        path: std::path::PathBuf,
        /// What the system said, or why we refuse.
        #[source]
        source: std::io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error("use the certificate of the listener")]
    Certificate(#[source] std::io::Error),
}

/// Starts to listen and returns once connections are taken.
///
/// # Errors
/// When the address cannot be used, and for plain HTTP on an address that others can reach.
pub async fn serve(router: Router, listen: Listen) -> Result<Bound, ServeError> {
    let Listen { address, tls } = listen;
    if tls.is_none() && !address.ip().is_loopback() {
        return Err(ServeError::PlainOutside(address));
    }
    let bind = |source| ServeError::Bind { address, source };
    let listener = std::net::TcpListener::bind(address).map_err(bind)?;
    listener.set_nonblocking(true).map_err(bind)?;
    let bound = listener.local_addr().map_err(bind)?;
    let handle = Handle::new();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let task = match tls {
        None => {
            let server = axum_server::from_tcp(listener).map_err(bind)?.handle(handle.clone());
            let mut server = server.acceptor(NoDelayAcceptor::new());
            server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
            tokio::spawn(server.serve(service))
        }
        Some((certificate, key)) => {
            let config = RustlsConfig::from_pem(certificate, key).await.map_err(ServeError::Certificate)?;
            let server = axum_server::from_tcp(listener).map_err(bind)?.handle(handle.clone());
            let acceptor = RustlsAcceptor::new(config).acceptor(NoDelayAcceptor::new());
            let mut server = server.acceptor(acceptor);
            server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
            tokio::spawn(server.serve(service))
        }
    };
    handle.listening().await;
    Ok(Bound { address: bound, handle, task })
}

impl Bound {
    /// Takes no more connections, lets requests in progress finish for `grace`, then ends them.
    pub async fn stop(self, grace: Duration) {
        self.handle.graceful_shutdown(Some(grace));
        let _ = tokio::time::timeout(grace + Duration::from_millis(500), self.task).await;
    }
}
