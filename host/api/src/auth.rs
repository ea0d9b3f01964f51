//! Credentials of an HTTP request: our cookie, the cookie of existing clients, or Basic.

use std::net::IpAddr;
use std::sync::Arc;

use app::session::{self, Credentials, SignedIn};
use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::Secret;
use wire::Failure;

/// Cookie of a browser session.
pub(crate) const COOKIE: &str = "token";

/// Cookie that API clients send.
pub(crate) const CLIENT_COOKIE: &str = "authenticationToken";

/// Why the credentials of a request cannot be used.
pub(crate) enum Refused {
    /// They are wrong.
    Failure(Failure),
    /// They cannot be read; the text says why.
    Malformed(&'static str),
}

/// Returns the value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value)
}

/// Returns the token that a request carries in a cookie.
pub(crate) fn token(headers: &HeaderMap) -> Option<Secret> {
    cookie(headers, CLIENT_COOKIE).or_else(|| cookie(headers, COOKIE)).filter(|text| !text.is_empty()).map(Secret::from)
}

/// Returns who sends a request; none = nobody in particular.
pub(crate) async fn identify(
    app: &Arc<app::App>,
    headers: &HeaderMap,
    query: Option<&str>,
    address: Option<IpAddr>,
) -> Result<Option<SignedIn>, Refused> {
    let basic = headers.get(header::AUTHORIZATION);
    match (token(headers), basic) {
        (Some(_), Some(_)) => {
            Err(Refused::Malformed("Having multiple authentication methods is not supported, please choose one"))
        }
        (Some(token), None) => match session::with_token(app, &token, address) {
            Ok(signed_in) => Ok(Some(signed_in)),
            Err(error) => Err(Refused::Failure(error.failure)),
        },
        (None, Some(value)) => {
            let mut credentials = parse_basic(value).ok_or(Refused::Malformed("Malformed Authorization header"))?;
            // A one-time password is digits; nothing in it is ever encoded.
            let pairs = query.unwrap_or_default().split('&');
            credentials.otp = pairs.filter_map(|pair| pair.strip_prefix("otp=")).next().map(str::to_owned);
            match session::with_password(app, &credentials, address).await {
                Ok(signed_in) => Ok(Some(signed_in)),
                Err(error) => Err(Refused::Failure(error.failure)),
            }
        }
        (None, None) => Ok(None),
    }
}

fn parse_basic(value: &HeaderValue) -> Option<Credentials> {
    let text = value.to_str().ok()?;
    let (scheme, encoded) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    // RFC 7617: the name ends at the first colon, the password may have more of them.
    let (username, password) = decoded.split_once(':')?;
    Some(Credentials { username: username.to_owned(), password: Secret::new(password), provider: None, otp: None })
}

/// Returns the header that sets (or, with an empty token, clears) a cookie of the session.
pub(crate) fn set_cookie(name: &str, token: &str, max_age_seconds: Option<u64>, secure: bool) -> HeaderValue {
    let mut text = format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax");
    if let Some(seconds) = max_age_seconds {
        text.push_str(&format!("; Max-Age={seconds}"));
    }
    if secure {
        text.push_str("; Secure");
    }
    HeaderValue::from_str(&text).expect("a base64url token and fixed words are header text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_splits_at_the_first_colon() {
        let header = format!("Basic {}", STANDARD.encode("alice:pa:ss"));
        let credentials = parse_basic(&header.parse().unwrap()).unwrap();
        assert_eq!((credentials.username.as_str(), credentials.password.expose()), ("alice", "pa:ss"));
        for wrong in ["Bearer abc", "Basic ???", "Basic", "Basic YWxpY2U="] {
            assert!(parse_basic(&wrong.parse().unwrap()).is_none(), "{wrong}");
        }
    }
}
