//! Who sent the browser: requests that another site's page causes must not act in a person's name.

use axum::http::{HeaderMap, header};

/// What the headers say about where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// No browser, or one that does not say: command lines, libraries.
    Unknown,
    /// A page of ours.
    Own,
    /// A page of somebody else.
    Foreign,
}

/// Returns where a request comes from.
pub(crate) fn of(headers: &HeaderMap) -> Origin {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(origin) = headers.get(header::ORIGIN) {
        // "null" and anything that is no text are nobody we know.
        let origin = origin.to_str().unwrap_or("null");
        let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        let same = host.is_some() && host == text(header::HOST);
        return if same { Origin::Own } else { Origin::Foreign };
    }
    match headers.get("sec-fetch-site").map(|value| value.as_bytes()) {
        None => Origin::Unknown,
        Some(b"same-origin" | b"none") => Origin::Own,
        Some(_) => Origin::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins() {
        let cases: &[(&[(&str, &str)], Origin)] = &[
            (&[], Origin::Unknown),
            (&[("host", "a:1"), ("origin", "http://a:1")], Origin::Own),
            (&[("host", "a:1"), ("origin", "http://a:2")], Origin::Foreign),
            (&[("host", "a"), ("origin", "https://a")], Origin::Own),
            (&[("host", "a"), ("origin", "null")], Origin::Foreign),
            (&[("host", "a"), ("origin", "http://a.evil")], Origin::Foreign),
            (&[("sec-fetch-site", "cross-site")], Origin::Foreign),
            (&[("sec-fetch-site", "same-site")], Origin::Foreign),
            (&[("sec-fetch-site", "same-origin")], Origin::Own),
        ];
        for (headers, expected) in cases {
            let mut map = HeaderMap::new();
            for (name, value) in *headers {
                map.insert(header::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
            }
            assert_eq!(of(&map), *expected, "{headers:?}");
        }
    }
}
