//! REST below `/rest/v0`: the routes of the operation table, and signing in and out with a cookie.

use std::net::SocketAddr;
use std::sync::Arc;

use app::session::{self, Credentials};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use model::Secret;
use serde_json::{Map, Value, json};
use wire::{Access, Failure, OPERATIONS, Operation, Type, Verb};

use crate::auth::{self, Refused};
use crate::handlers::Reply;
use crate::listing::JSON;
use crate::origin::{self, Origin};
use crate::session::Session;
use crate::{Api, body, error, rpc};

/// Returns a route for each line of the table that has one.
pub(crate) fn router() -> Router<Api> {
    let mut router = Router::new();
    for operation in OPERATIONS.iter() {
        let Some(route) = operation.route else { continue };
        let filter = match route.verb {
            Verb::Get => MethodFilter::GET,
            Verb::Post => MethodFilter::POST,
        };
        let handler = move |state, peer, method, path, query, headers, body| {
            serve(operation, state, peer, method, path, query, headers, body)
        };
        router = router.route(route.path, on(filter, handler));
    }
    router.fallback(unknown)
}

async fn unknown() -> Response {
    (StatusCode::NOT_FOUND, axum::Json(json!({ "error": "no such route" }))).into_response()
}

/// Takes the challenge off the answer to a script of a page: the browser would open its own dialog over ours and hold the
/// answer back. Programs and addresses typed by hand keep it.
fn quieten(mut response: Response, headers: &HeaderMap) -> Response {
    if headers.get("sec-fetch-mode").is_some_and(|mode| mode != "navigate") {
        response.headers_mut().remove(header::WWW_AUTHENTICATE);
    }
    response
}

#[expect(clippy::too_many_arguments, reason = "one for each part of a request that axum hands over")]
async fn serve(
    operation: &'static Operation,
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    path: Option<Path<Vec<(String, String)>>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let changing = method != Method::GET && method != Method::HEAD;
    let has_credentials = auth::token(&headers).is_some() || headers.contains_key(header::AUTHORIZATION);
    // Signing in is a change too: a foreign page must not put a person into another account.
    if changing && origin::of(&headers) == Origin::Foreign && (has_credentials || operation.access == Access::Open) {
        return (StatusCode::FORBIDDEN, axum::Json(json!({ "error": "cross-origin request refused" }))).into_response();
    }
    let address = Some(peer.ip());
    let signed_in = match auth::identify(&api.app, &headers, query.as_deref(), address).await {
        Ok(signed_in) => signed_in,
        // A stale cookie must not keep a person from signing in again.
        Err(_) if operation.access == Access::Open => None,
        Err(Refused::Failure(failure)) => return quieten(error::to_http(&failure, false), &headers),
        Err(Refused::Malformed(text)) => {
            return (StatusCode::BAD_REQUEST, axum::Json(json!({ "error": text }))).into_response();
        }
    };
    if signed_in.is_none() && operation.access != Access::Open {
        return quieten(error::to_http(&Failure::InvalidCredentials, false), &headers);
    }
    let params = match params(operation, path, query.as_deref(), &body) {
        Ok(params) => params,
        Err(failure) => return error::to_http(&failure, false),
    };
    let admin = signed_in.as_ref().is_some_and(|s| s.principal.permission == model::Permission::Admin);
    match operation.name {
        "auth.login" => return login(&api, operation, address, &headers, params).await,
        "auth.logout" => return logout(&api, &headers).await,
        _ => {}
    }
    let session: Arc<Session> = Session::new(address, signed_in);
    match rpc::invoke(&api, &session, operation, params).await {
        Ok(Reply::Done) => StatusCode::NO_CONTENT.into_response(),
        Ok(Reply::Value(value)) => axum::Json(value).into_response(),
        Ok(Reply::Json(json)) => ([(header::CONTENT_TYPE, JSON)], json).into_response(),
        Ok(Reply::Kept(bytes, content_type)) => ([(header::CONTENT_TYPE, content_type)], bytes).into_response(),
        Ok(Reply::Listing(listing)) => body::answer(listing.content_type(), (*listing).into())
            .unwrap_or_else(|failure| error::to_http(&failure, admin)),
        Err(failure) => error::to_http(&failure, admin),
    }
}

/// Returns the parameters of a request: from the path, the query and a JSON body.
fn params(
    operation: &Operation,
    path: Option<Path<Vec<(String, String)>>>,
    query: Option<&str>,
    body: &[u8],
) -> Result<Map<String, Value>, Failure> {
    let mut params = Map::new();
    if !body.is_empty() {
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => params = members,
            Ok(_) => return Err(Failure::invalid("the body must be a JSON object")),
            Err(_) => return Err(Failure::InvalidJson),
        }
    }
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        // Belongs to the credentials.
        if pair.starts_with("otp=") && !operation.params.declares("otp") {
            continue;
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name)?, decode(value)?);
        // The query has no types; where the table wants a number, digits are one, and true and false are words.
        let value = match operation.params.type_of(&name) {
            Some(Type::Int) => value.parse::<u64>().map_or_else(|_| json!(value), |number| json!(number)),
            Some(Type::Bool) => value.parse::<bool>().map_or_else(|_| json!(value), |flag| json!(flag)),
            _ => json!(value),
        };
        if params.insert(name.clone(), value).is_some() {
            return Err(Failure::invalid(format!("{name} is given twice")));
        }
    }
    if let Some(Path(parts)) = path {
        params.extend(parts.into_iter().map(|(name, value)| (name, Value::String(value))));
    }
    Ok(params)
}

fn decode(text: &str) -> Result<String, Failure> {
    let wrong = || Failure::invalid("the query is not percent-encoded UTF-8");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = [rest.next().ok_or_else(wrong)?, rest.next().ok_or_else(wrong)?];
                let digits = std::str::from_utf8(&digits).map_err(|_| wrong())?;
                bytes.push(u8::from_str_radix(digits, 16).map_err(|_| wrong())?);
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

async fn login(
    api: &Api,
    operation: &Operation,
    address: Option<std::net::IpAddr>,
    headers: &HeaderMap,
    params: Map<String, Value>,
) -> Response {
    let issues = operation.params.check(&params);
    if !issues.is_empty() {
        let failure = Failure::InvalidParameters { message: "invalid parameters".into(), issues };
        return error::to_http(&failure, false);
    }
    let text = |name: &str| params.get(name).and_then(Value::as_str);
    let credentials = Credentials {
        username: text("username").unwrap_or_default().to_owned(),
        password: Secret::new(text("password").unwrap_or_default()),
        provider: text("provider").map(str::to_owned),
        otp: text("otp").map(str::to_owned),
    };
    let remember = params.get("remember").and_then(Value::as_bool).unwrap_or_default();
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let description = agent.map(|agent| agent.chars().take(256).collect());
    let outcome = async {
        let signed_in = session::with_password(&api.app, &credentials, address).await?;
        let id = &signed_in.principal.id;
        let (token, validity) = session::open(&api.app, id, None, description, remember).await?;
        let user = api.app.user_view(id)?.ok_or(Failure::InvalidCredentials)?;
        Ok::<_, app::Error>((token, validity, user))
    };
    match outcome.await {
        Ok((token, validity, user)) => {
            let cookie = auth::set_cookie(token.expose(), remember.then_some(validity / 1_000), api.secure);
            ([(header::SET_COOKIE, cookie)], axum::Json(json!({ "user": user }))).into_response()
        }
        Err(error) => quieten(error::to_http(&error.failure, false), headers),
    }
}

async fn logout(api: &Api, headers: &HeaderMap) -> Response {
    if let Some(token) = auth::token(headers)
        && let Err(error) = session::close(&api.app, &token).await
    {
        return error::to_http(&error.failure, false);
    }
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, auth::set_cookie("", Some(0), api.secure))]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_come_from_path_query_and_body() {
        let path = Some(Path(vec![("id".to_owned(), "x".to_owned())]));
        let query = Some("limit=3&fields=a%2Cb&ndjson=true");
        let params = params(wire::find("vm.list").unwrap(), path, query, b"{\"force\":true}").unwrap();
        let expected = json!({ "id": "x", "limit": 3, "fields": "a,b", "ndjson": true, "force": true });
        assert_eq!(Value::Object(params), expected);
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

    #[test]
    fn wrong_input_is_refused() {
        for (query, body) in [("a=%zz", ""), ("a=%e9", ""), ("a=1&a=2", ""), ("", "[1]"), ("", "{"), ("", "\u{0}")] {
            assert!(
                params(wire::find("vm.list").unwrap(), None, Some(query), body.as_bytes()).is_err(),
                "{query} {body}"
            );
        }
    }
}
