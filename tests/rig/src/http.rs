//! A small HTTP client that sends exactly what it is told, right or wrong.

use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(60);

/// How a request says who sends it.
#[derive(Clone, Debug)]
pub enum Auth {
    /// Not at all.
    Nobody,
    /// A cookie, by name and value.
    Cookie(&'static str, String),
    /// Name and password.
    Basic(String, String),
    /// Headers as they are.
    Headers(Vec<(&'static str, String)>),
}

impl Auth {
    fn headers(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Nobody => Vec::new(),
            Self::Cookie(name, value) => vec![("Cookie", format!("{name}={value}"))],
            Self::Basic(name, password) => {
                vec![("Authorization", format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))))]
            }
            Self::Headers(headers) => headers.clone(),
        }
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status of the answer.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub text: String,
}

impl Answer {
    /// Returns the body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// Returns a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// REST below `/rest/v0` in somebody's name.
#[derive(Clone, Debug)]
pub struct Rest {
    address: String,
    auth: Auth,
}

impl Rest {
    pub(crate) fn new(address: String, auth: Auth) -> Self {
        Self { address, auth }
    }

    /// Sends a GET for a path below `/rest/v0`, such as "/vms?limit=3".
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.send("GET", &format!("/rest/v0{path}"), &[], b"").await
    }

    /// Sends a POST of JSON to a path below `/rest/v0`.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        let json = [("Content-Type", "application/json".to_owned())];
        self.send("POST", &format!("/rest/v0{path}"), &json, body.to_string().as_bytes()).await
    }

    /// Sends any request to any path.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, String)], body: &[u8]) -> Result<Answer> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        for (name, value) in
            self.auth.headers().iter().map(|(name, value)| (*name, value)).chain(headers.iter().map(|(n, v)| (*n, v)))
        {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let answer = raw(&self.address, &[head.as_bytes(), body].concat()).await?;
        parse(&answer).with_context(|| format!("understand the answer to {method} {path}"))
    }
}

/// Sends bytes and returns everything that comes back until the other side closes. The other side may close before it
/// has read everything: what it said until then counts.
///
/// # Errors
/// When there is no connection, or nothing ends within a minute.
pub async fn raw(address: &str, bytes: &[u8]) -> Result<Vec<u8>> {
    let exchange = async {
        let stream = TcpStream::connect(address).await.with_context(|| format!("connect to {address}"))?;
        let (mut from, mut to) = stream.into_split();
        let send = async {
            let _ = to.write_all(bytes).await;
            to
        };
        let receive = async {
            let (mut answer, mut part) = (Vec::new(), vec![0; 65536]);
            while let Ok(read) = from.read(&mut part).await {
                if read == 0 {
                    break;
                }
                answer.extend_from_slice(&part[..read]);
            }
            answer
        };
        let (_open, answer) = tokio::join!(send, receive);
        Ok(answer)
    };
    tokio::time::timeout(LIMIT, exchange).await.context("no end of the answer within a minute")?
}

fn parse(bytes: &[u8]) -> Result<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").context("there is no end of the head")?;
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).context("there is no status")?;
    let pairs = lines.filter_map(|line| line.split_once(':'));
    let headers: Vec<_> = pairs.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect();
    let mut body = bytes[end + 4..].to_vec();
    if headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked") {
        body = join_chunks(&body).context("put the chunks together")?;
    }
    Ok(Answer { status, headers, text: String::from_utf8_lossy(&body).into_owned() })
}

/// Puts the chunks of a body together (RFC 9112, section 7.1); one that breaks off is an error.
fn join_chunks(mut rest: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n").context("a chunk without size")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end])?, 16).context("the size of a chunk")?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Ok(body);
        }
        let (chunk, after) = rest.split_at_checked(size).context("a chunk breaks off")?;
        body.extend_from_slice(chunk);
        rest = after.strip_prefix(b"\r\n").context("a chunk without end")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_apart() {
        let answer = parse(b"HTTP/1.1 404 Not Found\r\nContent-Type: a:b\r\n\r\n{\"a\":1}").unwrap();
        assert_eq!((answer.status, answer.header("content-type")), (404, Some("a:b")));
        assert_eq!(answer.json()["a"], 1);
        assert!(parse(b"HTTP/1.1 200 OK\r\n").is_err());
        let chunks =
            |rest: &str| parse(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{rest}").as_bytes());
        assert_eq!(chunks("3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n").unwrap().text, "abc0123456789abcdef");
        assert!(chunks("3\r\nabc\r\n").is_err(), "without the last chunk");
    }
}
