//! Failures on the wire: the only place where they become codes and statuses.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use wire::Failure;

/// Returns the `error` member of a JSON-RPC answer.
pub(crate) fn to_rpc(failure: &Failure, admin: bool) -> Value {
    let mut error = json!({ "code": failure.code(), "message": failure.message_for(admin) });
    if let Some(data) = failure.data(admin) {
        error["data"] = data;
    }
    error
}

/// Returns the HTTP answer of REST.
pub(crate) fn to_http(failure: &Failure, admin: bool) -> Response {
    let status = StatusCode::from_u16(failure.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut body = json!({ "error": failure.message_for(admin) });
    if let Some(data) = failure.data(admin) {
        body["data"] = data;
    }
    if matches!(failure, Failure::Xapi { .. }) {
        body["info"] = json!("This is a XenServer/XCP-ng error, not an XO error");
    }
    let mut response = (status, axum::Json(body)).into_response();
    if *failure == Failure::InvalidCredentials {
        let challenge = HeaderValue::from_static("Basic realm=\"xo\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}
