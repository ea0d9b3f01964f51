//! What monitoring asks: is the process alive, is it ready, how is it doing.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::{Api, auth};

/// Alive: answers as long as the process can answer at all.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Ready: the store and the listeners are up. Pools may come later; they are no reason to send people away.
pub(crate) async fn readyz(State(api): State<Api>) -> Response {
    match api.app.store.is_read_only() {
        None => "ok\n".into_response(),
        Some(reason) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("the store is read-only: {reason}\n")).into_response()
        }
    }
}

/// Figures in Prometheus' text format: for this machine, and for administrators from elsewhere.
pub(crate) async fn metrics(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    if !peer.ip().is_loopback() {
        let signed_in = auth::identify(&api.app, &headers, None, Some(peer.ip())).await.ok().flatten();
        if signed_in.is_none_or(|signed_in| signed_in.principal.permission != model::Permission::Admin) {
            return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"xo\"")]).into_response();
        }
    }
    let picture = api.app.inventory.snapshot();
    metrics::gauge!("xylem_objects").set(picture.len() as f64);
    metrics::gauge!("xylem_json_bytes").set(api.app.inventory.json().size() as f64);
    metrics::gauge!("xylem_sockets").set(api.sockets.count() as f64);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], api.metrics.render()).into_response()
}
