//! Signing in and out with a cookie.

use app::session::{self, Credentials};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::Secret;
use serde_json::{Map, Value, json};
use wire::Failure;

use super::quieten;
use crate::{Api, auth, error};

/// The cookie of browsers, and the one that API clients look for when they have signed in.
const NAMES: [&str; 2] = [auth::COOKIE, auth::CLIENT_COOKIE];

pub(super) async fn login(
    api: &Api,
    address: Option<std::net::IpAddr>,
    headers: &HeaderMap,
    params: Map<String, Value>,
) -> Response {
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
            let age = remember.then_some(validity / 1_000);
            let mut answer = axum::Json(json!({ "user": user })).into_response();
            let names = if headers.contains_key("sec-fetch-mode") { &NAMES[..1] } else { &NAMES };
            for name in names {
                let cookie = auth::set_cookie(name, token.expose(), age, api.secure);
                answer.headers_mut().append(header::SET_COOKIE, cookie);
            }
            answer
        }
        Err(error) => quieten(error::to_http(&error.failure, false), headers),
    }
}

pub(super) async fn logout(api: &Api, headers: &HeaderMap) -> Response {
    if let Some(token) = auth::token(headers)
        && let Err(error) = session::close(&api.app, &token).await
    {
        return error::to_http(&error.failure, false);
    }
    let mut answer = StatusCode::NO_CONTENT.into_response();
    for name in NAMES {
        answer.headers_mut().append(header::SET_COOKIE, auth::set_cookie(name, "", Some(0), api.secure));
    }
    answer
}
