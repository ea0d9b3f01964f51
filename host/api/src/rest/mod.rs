//! REST below `/rest/v0`: the routes of the table.

mod action;
mod login;
mod params;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodFilter, any, get, on};
use serde_json::{Value, json};
use wire::{Access, ENDPOINTS, Endpoint, Failure, LATER, Outcome, REST_BASE, Verb};

use crate::auth::{self, Refused};
use crate::handlers::Reply;
use crate::listing::JSON;
use crate::origin::{self, Origin};
use crate::session::Session;
use crate::{Api, body, error, rpc};
use action::Action;

/// Returns a route for each line of the table that has one.
pub(crate) fn router() -> Router<Api> {
    let mut router = Router::new();
    for endpoint in ENDPOINTS.iter() {
        let handler = move |state, peer, method, path, query, headers, body| {
            serve(endpoint, state, peer, method, path, query, headers, body)
        };
        router = router.route(endpoint.path, on(filter(endpoint.verb), handler));
    }
    for later in LATER.iter().filter(|later| !later.path.contains("}.")) {
        router = router.route(later.path, on(filter(later.verb), not_yet));
    }
    router
        .merge(crate::docs::router())
        .route("/vdis/{id}", on(MethodFilter::PUT, not_yet))
        .route("/users/me", any(own))
        .route("/users/me/{*rest}", any(own))
        .route("/", get(index))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
}

fn filter(verb: Verb) -> MethodFilter {
    match verb {
        Verb::Get => MethodFilter::GET,
        Verb::Post => MethodFilter::POST,
        Verb::Put => MethodFilter::PUT,
        Verb::Patch => MethodFilter::PATCH,
        Verb::Delete => MethodFilter::DELETE,
    }
}

/// The base itself leads to the documents.
pub(crate) async fn index() -> Redirect {
    Redirect::temporary(&format!("{REST_BASE}/docs"))
}

async fn unknown() -> Response {
    (StatusCode::NOT_FOUND, axum::Json(json!({ "error": "no such route" }))).into_response()
}

async fn wrong_method() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, axum::Json(json!({ "error": "this route does not take this method" })))
        .into_response()
}

/// Routes of [`LATER`]: whoever is signed in learns that they cannot be served, whatever is named.
async fn not_yet(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    match session_of(&api, peer, &method, uri.query(), &headers, Access::SignedIn).await {
        Err(response) => *response,
        Ok(_) if method == Method::PUT && !is_content(uri.path()) => unknown().await,
        Ok(_) => error::to_http(&Failure::NotImplemented, false),
    }
}

/// Returns whether an address names the content of something: `/vdis/<id>.vhd`.
fn is_content(path: &str) -> bool {
    LATER.iter().filter_map(|later| later.path.split_once("{id}")).any(|(begin, end)| {
        let name = path.strip_prefix(REST_BASE).unwrap_or(path).strip_prefix(begin);
        end.starts_with('.') && name.is_some_and(|name| name.ends_with(end) && !name.contains('/'))
    })
}

/// `/users/me/...` leads to the caller's own account.
async fn own(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let session = match session_of(&api, peer, &method, uri.query(), &headers, Access::SignedIn).await {
        Ok(session) => session,
        Err(response) => return *response,
    };
    let Some(id) = session.user_id() else { return error::to_http(&Failure::InvalidCredentials, false) };
    let rest = uri.path().split_once("/users/me").map_or("", |(_, rest)| rest);
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    Redirect::temporary(&format!("{REST_BASE}/users/{id}{rest}{query}")).into_response()
}

/// Takes the challenge off the answer to a script of a page: the browser would open its own dialog over ours and hold the
/// answer back. Programs and addresses typed by hand keep it.
fn quieten(mut response: Response, headers: &HeaderMap) -> Response {
    if headers.get("sec-fetch-mode").is_some_and(|mode| mode != "navigate") {
        response.headers_mut().remove(header::WWW_AUTHENTICATE);
    }
    response
}

/// Returns who sends a request, or the answer that refuses it.
async fn session_of(
    api: &Api,
    peer: SocketAddr,
    method: &Method,
    query: Option<&str>,
    headers: &HeaderMap,
    access: Access,
) -> Result<Arc<Session>, Box<Response>> {
    let changing = method != Method::GET && method != Method::HEAD;
    let has_credentials = auth::token(headers).is_some() || headers.contains_key(header::AUTHORIZATION);
    let refuse =
        |status: StatusCode, text: &str| Box::new((status, axum::Json(json!({ "error": text }))).into_response());
    // Signing in is a change too: a foreign page must not put a person into another account.
    if changing && origin::of(headers) == Origin::Foreign && (has_credentials || access == Access::Open) {
        return Err(refuse(StatusCode::FORBIDDEN, "cross-origin request refused"));
    }
    let address = Some(peer.ip());
    let signed_in = match auth::identify(&api.app, headers, query, address).await {
        Ok(signed_in) => signed_in,
        // A stale cookie must not keep a person from signing in again.
        Err(_) if access == Access::Open => None,
        Err(Refused::Failure(failure)) => return Err(Box::new(quieten(error::to_http(&failure, false), headers))),
        Err(Refused::Malformed(text)) => return Err(refuse(StatusCode::BAD_REQUEST, text)),
    };
    if signed_in.is_none() && access != Access::Open {
        return Err(Box::new(quieten(error::to_http(&Failure::InvalidCredentials, false), headers)));
    }
    Ok(Session::new(address, signed_in))
}

#[expect(clippy::too_many_arguments, reason = "one for each part of a request that axum hands over")]
async fn serve(
    endpoint: &'static Endpoint,
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    path: Option<Path<Vec<(String, String)>>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let operation = endpoint.operation();
    let session = match session_of(&api, peer, &method, query.as_deref(), &headers, operation.access).await {
        Ok(session) => session,
        Err(response) => return *response,
    };
    let ctx = match session.ctx(&api.app) {
        Ok(ctx) => ctx,
        Err(failure) => return error::to_http(&failure, false),
    };
    if let Err(failure) = rpc::permission(&ctx, operation) {
        return error::to_http(&failure, false);
    }
    let has_content = path.as_ref().is_some_and(|Path(parts)| {
        let name = parts.first().map_or("", |(_, value)| value.as_str());
        parts.len() == 1 && is_content(&endpoint.path.replace("{id}", name))
    });
    if has_content {
        return error::to_http(&Failure::NotImplemented, false);
    }
    let (params, sync) = match params::of(endpoint, path, query.as_deref(), &body) {
        Ok(read) => read,
        Err(failure) => return error::to_http(&failure, false),
    };
    match operation.name {
        "auth.login" => return login::login(&api, Some(peer.ip()), &headers, params).await,
        "auth.logout" => return login::logout(&api, &headers).await,
        "event.listen" => {
            let stream = api.events.listen(&api.app, &session, &headers);
            return stream.unwrap_or_else(|failure| error::to_http(&failure, ctx.caller.is_admin()));
        }
        _ => {}
    }
    // `/vms/{id}/...` is about VMs and nothing else, whatever the operation takes.
    if operation.changes
        && let (Some(kind), Some(id)) = (endpoint.kind(), params.get("id").and_then(Value::as_str))
        && let Err(error) = app::object::get(&ctx, id, &[kind])
    {
        return error::to_http(&error.failure, ctx.caller.is_admin());
    }
    let params = endpoint.translate(params);
    let outcome = match endpoint.outcome {
        Outcome::Action { label, creates } => {
            action::serve(&api, &session, endpoint, params, Action { label, creates, sync }).await
        }
        outcome => {
            let reply = rpc::invoke(&api, &session, operation, params).await;
            reply.and_then(|reply| answer(reply, outcome))
        }
    };
    outcome.unwrap_or_else(|failure| error::to_http(&failure, ctx.caller.is_admin()))
}

/// Returns the HTTP answer of a call that was done.
fn answer(reply: Reply, outcome: Outcome) -> Result<Response, Failure> {
    let value = |reply: Reply| match reply {
        Reply::Value(value) => value,
        Reply::Json(text) => serde_json::from_slice(&text).unwrap_or_default(),
        _ => Value::Null,
    };
    Ok(match outcome {
        Outcome::Done => StatusCode::NO_CONTENT.into_response(),
        Outcome::Created(collection) => action::created(collection, &action::with_id(value(reply))),
        Outcome::Made => (StatusCode::CREATED, axum::Json(value(reply))).into_response(),
        Outcome::Value | Outcome::Action { .. } => match reply {
            Reply::Done => StatusCode::NO_CONTENT.into_response(),
            Reply::Value(value) => axum::Json(value).into_response(),
            Reply::Json(json) => ([(header::CONTENT_TYPE, JSON)], json).into_response(),
            Reply::Kept(bytes, content_type) => ([(header::CONTENT_TYPE, content_type)], bytes).into_response(),
            Reply::Listing(listing) => body::answer(listing.content_type(), (*listing).into())?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_do_not_collide() {
        let _ = router();
    }

    #[test]
    fn contents_are_told_from_objects() {
        for (path, expected) in [
            ("/rest/v0/vms/a.xva", true),
            ("/vdis/a.b.raw", true),
            ("/vdis/a", false),
            ("/vms/a.raw", false),
            ("/hosts/a.vhd", false),
            ("/vms/a/b.xva", false),
        ] {
            assert_eq!(is_content(path), expected, "{path}");
        }
    }

    #[test]
    fn only_programs_are_challenged() {
        for (mode, challenged) in [(None, true), (Some("navigate"), true), (Some("cors"), false)] {
            let mut headers = HeaderMap::new();
            if let Some(mode) = mode {
                headers.insert("sec-fetch-mode", mode.parse().unwrap());
            }
            let response = quieten(error::to_http(&Failure::InvalidCredentials, false), &headers);
            assert_eq!(response.headers().contains_key(header::WWW_AUTHENTICATE), challenged, "{mode:?}");
        }
    }
}
