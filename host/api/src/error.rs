//! Failures on the wire: the only place where they become codes and statuses.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use wire::{Failure, Issue};

/// Returns the `error` member of a JSON-RPC answer.
pub(crate) fn to_rpc(failure: &Failure, admin: bool) -> Value {
    let mut error = json!({ "code": failure.code(), "message": failure.message_for(admin) });
    if let Some(data) = failure.data(admin) {
        error["data"] = data;
    }
    error
}

/// Returns what is wrong with each parameter, as REST's clients know it: a map, where JSON-RPC has a list.
fn by_field(issues: &[Issue]) -> Value {
    let field = |issue: &Issue| {
        let named = ["missingProperty", "additionalProperty"].iter().find_map(|name| issue.params.get(name)?.as_str());
        let path = issue.instance_path.trim_start_matches('/').replace('/', ".");
        match named {
            Some(name) if path.is_empty() => name.to_owned(),
            Some(name) => format!("{path}.{name}"),
            None => path,
        }
    };
    issues.iter().map(|issue| (field(issue), json!({ "message": issue.message }))).collect::<Map<_, _>>().into()
}

/// Returns the HTTP answer of REST.
pub(crate) fn to_http(failure: &Failure, admin: bool) -> Response {
    let status = StatusCode::from_u16(failure.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut body = json!({ "error": failure.message_for(admin) });
    if let Some(data) = failure.data(admin) {
        body["data"] = data;
    }
    if let Failure::InvalidParameters { issues, .. } = failure {
        body["data"]["errors"] = by_field(issues);
    }
    if matches!(failure, Failure::Xapi { .. }) {
        body["info"] = json!("This is a XenServer/XCP-ng error, not an XO error");
    }
    let mut response = (status, axum::Json(body)).into_response();
    if matches!(failure, Failure::InvalidCredentials | Failure::OneTimePassword { .. }) {
        let challenge = HeaderValue::from_static("Basic realm=\"xo\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rest_says_what_is_wrong_by_field() {
        let check = |params: Value| {
            let operation = wire::find("inventory.watch").unwrap();
            by_field(&operation.params.check(params.as_object().unwrap()))
        };
        let errors = check(json!({ "watch": 1, "type": "VM", "fields": [""], "window": { "start": 0 }, "other": 1 }));
        let message = |text: &str| json!({ "message": text });
        let expected = json!({
            "watch": message("must be string"),
            "fields.0": message("must NOT have fewer than 1 characters"),
            "window.count": message("must have required property 'count'"),
            "other": message("must NOT have additional properties: other"),
        });
        assert_eq!(errors, expected);
    }
}
