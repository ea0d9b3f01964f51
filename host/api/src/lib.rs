//! HTTP, WebSocket, cookies: how the verbs of `app` reach the world, and the only crate that knows.
//!
//! ```text
//!   frame, line or request ── ws / rest ──> rpc (table line, permission, parameters, audit) ──> handlers ──> app
//!   inventory, notices ── feed ──> every socket that may see it
//! ```
//! This crate holds no state but sockets.

mod answers;
mod assets;
mod auth;
mod body;
mod docs;
mod error;
mod feed;
mod handlers;
mod lines;
mod listing;
mod origin;
mod probes;
mod rest;
mod rpc;
mod serve;
mod session;
mod sse;
mod tickets;
mod timings;
mod watch;
mod ws;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{any, get};
use metrics_exporter_prometheus::PrometheusHandle;

pub use lines::{Local, LocalSocket, serve_lines, serve_local};
pub use serve::{Bound, Listen, ServeError, serve};

/// Largest body and largest WebSocket message that is taken, in bytes.
pub const MAX_MESSAGE: usize = 4 << 20;

/// How often it is looked for what is kept in vain.
const SWEEP: Duration = Duration::from_secs(10);

/// Sweeps after which JSON of objects and answers are gone that nobody asks for: a minute, and at most twice as long.
const KEPT: u32 = 6;

/// What every request can reach.
#[derive(Clone)]
pub struct Api {
    pub(crate) app: Arc<app::App>,
    pub(crate) feed: feed::Feed,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) sockets: ws::Sockets,
    pub(crate) tickets: tickets::Tickets,
    pub(crate) answers: answers::Answers,
    pub(crate) timings: timings::Timings,
    pub(crate) events: sse::Hub,
    pub(crate) documents: docs::Documents,
    /// Whether clients reach us by https, so that cookies are marked Secure.
    pub(crate) secure: bool,
}

impl Api {
    /// Puts the outer floor on an application. Starts the worker that writes changes out for all sockets.
    pub fn new(app: Arc<app::App>, metrics: PrometheusHandle, secure: bool) -> Self {
        let feed = feed::Feed::start(&app);
        let answers = answers::Answers::default();
        sweep(&app, &answers);
        Self {
            app,
            feed,
            metrics,
            sockets: Default::default(),
            tickets: Default::default(),
            answers,
            timings: Default::default(),
            events: Default::default(),
            documents: Default::default(),
            secure,
        }
    }

    /// Returns all routes.
    pub fn router(self) -> Router {
        Router::new()
            .route("/api/", any(ws::upgrade))
            .route("/api/{token}", any(tickets::serve))
            .route("/healthz", get(probes::healthz))
            .route("/readyz", get(probes::readyz))
            .route("/metrics", get(probes::metrics))
            .nest(wire::REST_BASE, rest::router())
            .route(&format!("{}/", wire::REST_BASE), get(rest::index))
            .route("/plugins/{*path}", any(assets::plugin_page))
            .fallback(assets::serve)
            .layer(DefaultBodyLimit::max(MAX_MESSAGE))
            .layer(axum::middleware::map_response(assets::harden))
            .with_state(self)
    }
}

/// Lets go of what is kept and nobody asks for any more, so that an idle daemon is small again.
fn sweep(app: &Arc<app::App>, answers: &answers::Answers) {
    let inventory = app.inventory.clone();
    let (json, pages) = (inventory.json().clone(), inventory.pages().clone());
    let answers = answers.clone();
    let mut stop = app.workers.stop_signal();
    app.workers.spawn("sweep", async move {
        for round in 1_u32.. {
            tokio::select! {
                () = tokio::time::sleep(SWEEP) => {
                    pages.sweep(&inventory.snapshot());
                    if round.is_multiple_of(KEPT) {
                        json.sweep();
                        answers.sweep();
                    }
                }
                () = stop.wait() => break,
            }
        }
    });
}
