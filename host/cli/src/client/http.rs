//! One HTTP client for everything: its certificates and proxies count for REST, downloads and the WebSocket alike.

use anyhow::{Context, Result, anyhow};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;

use super::registry::Server;

/// A server over HTTP.
pub(crate) struct Http {
    client: Client,
    server: Server,
}

impl Http {
    /// Makes a client; nothing is sent yet.
    pub(crate) fn new(server: &Server) -> Result<Self> {
        let builder = Client::builder()
            .user_agent(concat!("xylem/", env!("CARGO_PKG_VERSION")))
            .tls_danger_accept_invalid_certs(server.allow_unauthorized)
            // The upgrade to a WebSocket is one of HTTP/1.
            .http1_only();
        Ok(Self { client: builder.build().context("start the HTTP client")?, server: server.clone() })
    }

    /// Begins a request to a path of the server, without credentials.
    pub(crate) fn plain(&self, method: Method, path: &str) -> Result<RequestBuilder> {
        let url = self.server.url.join(path.trim_start_matches('/'));
        Ok(self.client.request(method, url.with_context(|| format!("{path} is no path of the server"))?))
    }

    /// Begins a request to a path below `/rest/v0`.
    pub(crate) fn rest(&self, method: Method, path: &str) -> Result<RequestBuilder> {
        let path = path.trim_start_matches('/');
        let path = path.strip_prefix("rest/v0/").unwrap_or(path);
        let token = self.server.token.as_deref().unwrap_or_default();
        Ok(self.plain(method, &format!("rest/v0/{path}"))?.header("cookie", format!("authenticationToken={token}")))
    }

    /// Sends a request; an answer that is an error becomes one.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let response = request.send().await.map_err(|error| self.unreachable(error))?;
        let status = response.status();
        if !status.is_client_error() && !status.is_server_error() {
            return Ok(response);
        }
        let text = response.text().await.unwrap_or_default();
        Err(refusal(status.as_u16(), &text))
    }

    /// Says that there was no answer, and what may help.
    pub(crate) fn unreachable(&self, error: reqwest::Error) -> anyhow::Error {
        let error = anyhow::Error::new(error.without_url());
        let help = if format!("{error:#}").contains("certificate") {
            " (if you know that it is the right server: register it with --allowUnauthorized)"
        } else {
            ""
        };
        error.context(format!("talk to {}{help}", self.server.url))
    }
}

/// Reads an error of REST.
fn refusal(status: u16, text: &str) -> anyhow::Error {
    let Ok(Value::Object(body)) = serde_json::from_str(text) else {
        let text: String = text.trim().chars().take(500).collect();
        return anyhow!("the server answers {status}{}{text}", if text.is_empty() { "" } else { ": " });
    };
    let message = body.get("error").and_then(Value::as_str).unwrap_or("no reason given");
    let mut text = format!("{message} ({status})");
    if let Some(info) = body.get("info").and_then(Value::as_str) {
        text = format!("{text}: {info}");
    }
    if let Some(data) = body.get("data") {
        text.push_str(&details(data));
    }
    anyhow!(text)
}

/// Writes what is wrong with which parameter, a line for each.
pub(crate) fn details(data: &Value) -> String {
    let mut text = String::new();
    let mut line = |name: &str, error: &Value| {
        let message = error["message"].as_str().map_or_else(|| error.to_string(), str::to_owned);
        let name = name.trim_start_matches('/');
        text.push_str(&format!("\n  {name}{}{message}", if name.is_empty() { "" } else { ": " }));
    };
    match &data["errors"] {
        Value::Array(errors) => {
            errors.iter().for_each(|error| line(error["instancePath"].as_str().unwrap_or_default(), error));
        }
        Value::Object(errors) => errors.iter().for_each(|(name, error)| line(name, error)),
        _ => {}
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_rest_are_readable() {
        let text =
            r#"{"error":"invalid parameters","data":{"errors":{"limit":{"message":"must be integer","value":"x"}}}}"#;
        assert_eq!(refusal(422, text).to_string(), "invalid parameters (422)\n  limit: must be integer");
        assert_eq!(refusal(502, "<html>\n").to_string(), "the server answers 502: <html>");
        assert_eq!(refusal(503, "").to_string(), "the server answers 503");
        let info = refusal(500, r#"{"error":"HOST_BUSY","info":"the pool said so"}"#).to_string();
        assert_eq!(info, "HOST_BUSY (500): the pool said so");
    }
}
