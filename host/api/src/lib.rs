//! HTTP, WebSocket, cookies: how the verbs of `app` reach the world, and the only crate that knows.
//!
//! ```text
//!   frame or request ── ws / rest ──> rpc (table line, permission, parameters, audit) ──> handlers ──> app
//!   inventory, notices ── feed ──> every socket that may see it
//! ```
//! This crate holds no state but sockets.

mod assets;
mod auth;
mod error;
mod feed;
mod handlers;
mod origin;
mod probes;
mod rest;
mod rpc;
mod serve;
mod session;
mod watch;
mod ws;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{any, get};
use metrics_exporter_prometheus::PrometheusHandle;

pub use serve::{Bound, Listen, ServeError, serve};

/// Largest body and largest WebSocket message that is taken, in bytes.
pub const MAX_MESSAGE: usize = 4 << 20;

/// What every request can reach.
#[derive(Clone)]
pub struct Api {
    pub(crate) app: Arc<app::App>,
    pub(crate) feed: feed::Feed,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) sockets: ws::Sockets,
    /// Whether clients reach us by https, so that cookies are marked Secure.
    pub(crate) secure: bool,
}

impl Api {
    /// Puts the outer floor on an application. Starts the worker that writes changes out for all sockets.
    pub fn new(app: Arc<app::App>, metrics: PrometheusHandle, secure: bool) -> Self {
        let feed = feed::Feed::start(&app);
        Self { app, feed, metrics, sockets: ws::Sockets::default(), secure }
    }

    /// Returns all routes.
    pub fn router(self) -> Router {
        Router::new()
            .route("/api/", any(ws::upgrade))
            .route("/healthz", get(probes::healthz))
            .route("/readyz", get(probes::readyz))
            .route("/metrics", get(probes::metrics))
            .nest(wire::REST_BASE, rest::router())
            .route("/plugins/{*path}", any(assets::plugin_page))
            .fallback(assets::serve)
            .layer(DefaultBodyLimit::max(MAX_MESSAGE))
            .layer(axum::middleware::map_response(assets::harden))
            .with_state(self)
    }
}
