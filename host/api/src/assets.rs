//! The web client: files built into the binary, under a strict Content-Security-Policy.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header};
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rust_embed::RustEmbed;

/// What `npm run build` made of `web/`.
#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Web;

/// Stands in the page where the nonce of the answer goes.
const NONCE: &str = "__CSP_NONCE__";

const NOT_BUILT: &str = "<!doctype html><meta charset=utf-8><title>Xylem</title>\
<p>The daemon runs, but its web client is not built in. Run <code>cargo xtask web</code> and start it again.";

/// Serves a file of the client, or its page: the client's own router knows the rest of the address.
pub(crate) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response<Body> {
    if method != Method::GET && method != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let path = uri.path().trim_start_matches('/');
    let reserved = ["api", "rest", "plugins"].iter().any(|root| path == *root || path.starts_with(&format!("{root}/")));
    if reserved {
        return StatusCode::NOT_FOUND.into_response();
    }
    match Web::get(path).filter(|_| !path.is_empty() && path != "index.html") {
        Some(file) => asset(path, file, &headers),
        // A missing script must not be answered with a page.
        None if path.rsplit('/').next().is_some_and(|name| name.contains('.')) && path != "index.html" => {
            StatusCode::NOT_FOUND.into_response()
        }
        None => page(),
    }
}

/// Content codings that the build makes of a file, with the endings of their names; the smallest first.
const CODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// Returns whether a request takes this content coding (RFC 9110, 12.5.3).
fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|item| {
        let (name, weight) = item.split_once(';').unwrap_or((item, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case(coding) && weight.is_some_and(|weight| weight > 0.0)
    })
}

fn asset(path: &str, file: rust_embed::EmbeddedFile, headers: &HeaderMap) -> Response<Body> {
    let content_type = file.metadata.mimetype().to_owned();
    let coded = |(coding, ending)| Some((coding, Web::get(&format!("{path}{ending}"))?));
    let coded = CODINGS.into_iter().filter(|(coding, _)| accepts(headers, coding)).find_map(coded);
    let (coding, file) = coded.map_or((None, file), |(coding, file)| (Some(coding), file));
    let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(file.metadata.sha256_hash()));
    // Vite puts a hash into the names below assets/, so those never change.
    let caching = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == etag.as_bytes());
    let meta = [
        (header::ETAG, etag),
        (header::CACHE_CONTROL, caching.to_owned()),
        (header::CONTENT_TYPE, content_type),
        (header::VARY, header::ACCEPT_ENCODING.to_string()),
    ];
    if known {
        return (StatusCode::NOT_MODIFIED, meta).into_response();
    }
    let coding = coding.map(|coding| [(header::CONTENT_ENCODING, coding)]);
    let body = match file.data {
        std::borrow::Cow::Borrowed(bytes) => Body::from(bytes),
        std::borrow::Cow::Owned(bytes) => Body::from(bytes),
    };
    (meta, coding, body).into_response()
}

fn page() -> Response<Body> {
    let nonce = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 18]>());
    let html = match Web::get("index.html") {
        Some(file) => String::from_utf8_lossy(&file.data).replace(NONCE, &nonce),
        None => NOT_BUILT.to_owned(),
    };
    // `data:` in img-src is for cursors and icons that scripts draw; nothing is loaded from elsewhere.
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; connect-src 'self'; \
         img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy),
    ];
    (headers, html).into_response()
}

/// Routes of plugins share our origin, so nothing below them may ever act as ours. There are none yet.
pub(crate) async fn plugin_page() -> Response<Body> {
    (StatusCode::NOT_FOUND, [(header::CONTENT_SECURITY_POLICY, "sandbox")]).into_response()
}

/// Headers that every answer has.
pub(crate) async fn harden(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_that_are_taken() {
        for (line, br, gzip) in [
            ("gzip, deflate, br, zstd", true, true),
            ("GZIP;q=0.5", false, true),
            ("br;q=0, gzip ; q=1.0", false, true),
            ("identity", false, false),
            ("brotli;br", false, false),
            ("br;q=x", false, false),
            ("", false, false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, line.parse().unwrap())]);
            assert_eq!([accepts(&headers, "br"), accepts(&headers, "gzip")], [br, gzip], "{line}");
        }
        assert!(!accepts(&HeaderMap::new(), "br"));
    }
}
