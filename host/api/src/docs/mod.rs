//! The documents of the API and a page to read them: our own files, nothing from elsewhere, no inline script.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Value;

use crate::Api;
use crate::listing::JSON;

/// The page loads its own script and style and the document, and can do nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// The documents, written when somebody first asks.
#[derive(Clone, Default)]
pub(crate) struct Documents(Arc<[OnceLock<Bytes>; 2]>);

/// Returns the routes below `/rest/v0/docs`. They are open: the table is no secret.
pub(crate) fn router() -> Router<Api> {
    Router::new()
        .route("/docs", get(page))
        .route("/docs/page.js", get(async || ([(header::CONTENT_TYPE, "text/javascript")], include_str!("page.js"))))
        .route("/docs/page.css", get(async || ([(header::CONTENT_TYPE, "text/css")], include_str!("page.css"))))
        .route("/docs/swagger.json", get(async |State(api): State<Api>| document(&api, 0, wire::openapi)))
        .route("/docs/openrpc.json", get(async |State(api): State<Api>| document(&api, 1, wire::openrpc)))
}

async fn page() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, POLICY)];
    (headers, include_str!("page.html")).into_response()
}

fn document(api: &Api, which: usize, write: fn(&str) -> Value) -> Response {
    let text = api.documents.0[which].get_or_init(|| write(api.app.settings.version).to_string().into());
    ([(header::CONTENT_TYPE, JSON)], text.clone()).into_response()
}
