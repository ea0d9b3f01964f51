//! The parameters of a request: from its path, its query and its body.

use axum::extract::Path;
use serde_json::{Map, Value, json};
use wire::{Endpoint, Failure, Param, Type};

/// Returns the parameters of a request under REST's names, and whether `sync` asks an action to be waited for.
///
/// # Errors
/// They cannot be read, or are not what the table wants.
pub(super) fn of(
    endpoint: &Endpoint,
    path: Option<Path<Vec<(String, String)>>>,
    query: Option<&str>,
    body: &[u8],
) -> Result<(Map<String, Value>, bool), Failure> {
    let known = endpoint.params();
    let mut params = Map::new();
    let mut sync = false;
    if !body.is_empty() {
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => params = members,
            Ok(_) => return Err(Failure::invalid("the body must be a JSON object")),
            Err(_) => return Err(Failure::InvalidJson),
        }
    }
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        // Belongs to the credentials.
        if pair.starts_with("otp=") && !known.iter().any(|param| param.name == "otp") {
            continue;
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name)?, decode(value)?);
        if name == "sync" && endpoint.is_action() {
            sync = value.parse().map_err(|_| Failure::invalid("sync is true or false"))?;
            continue;
        }
        let value = match known.iter().find(|param| param.name == name) {
            Some(Param { ty, .. }) => typed(ty, value),
            None => json!(value),
        };
        if params.insert(name.clone(), value).is_some() {
            return Err(Failure::invalid(format!("{name} is given twice")));
        }
    }
    if let Some(Path(parts)) = path {
        params.extend(parts.into_iter().map(|(name, value)| (name, Value::String(value))));
    }
    let issues = endpoint.check(&params);
    if !issues.is_empty() {
        return Err(Failure::InvalidParameters { message: "invalid parameters".into(), issues });
    }
    Ok((params, sync))
}

/// The query has no types; where the table wants a number, digits are one, and true and false are words.
fn typed(ty: &Type, text: String) -> Value {
    match ty {
        Type::Int | Type::Count => text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number)),
        Type::Num => text.parse::<f64>().map_or_else(|_| json!(text), |number| json!(number)),
        Type::Bool => text.parse::<bool>().map_or_else(|_| json!(text), |flag| json!(flag)),
        Type::Or(types) => {
            let fits = |ty: &&Type| !typed(ty, text.clone()).is_string();
            types.iter().find(fits).map_or_else(|| json!(text), |ty| typed(ty, text.clone()))
        }
        _ => json!(text),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str, query: &str, body: &str) -> Result<(Map<String, Value>, bool), Failure> {
        let endpoint = wire::ENDPOINTS
            .iter()
            .find(|endpoint| endpoint.path == path && endpoint.verb != wire::Verb::Delete)
            .unwrap();
        let parts = endpoint.path_params().map(|name| (name.to_owned(), "x".to_owned())).collect();
        of(endpoint, Some(Path(parts)), Some(query), body.as_bytes())
    }

    #[test]
    fn parameters_come_from_path_query_and_body() {
        let (params, _) = read("/vms", "limit=3&fields=a%2Cb&ndjson=true", "").unwrap();
        assert_eq!(Value::Object(params), json!({ "limit": 3, "fields": "a,b", "ndjson": true }));
        let (params, sync) = read("/vms/{id}/actions/start", "sync=true", "{\"hostId\":\"h\"}").unwrap();
        assert_eq!((Value::Object(params), sync), (json!({ "id": "x", "hostId": "h" }), true));
        let (params, _) = read("/tasks/{id}", "wait=true", "").unwrap();
        assert_eq!(params["wait"], true);
        assert_eq!(read("/tasks/{id}", "wait=result", "").unwrap().0["wait"], "result");
    }

    #[test]
    fn wrong_input_is_refused() {
        let cases = [
            ("/vms", "a=%zz", "", 422),
            ("/vms", "a=%e9", "", 422),
            ("/vms", "limit=1&limit=2", "", 422),
            ("/vms", "limit=many", "", 422),
            ("/vms", "sync=true", "", 422),
            ("/vms/{id}/actions/start", "sync=yes", "", 422),
            ("/vms/{id}/actions/start", "", "{\"force\":true}", 422),
            ("/vms/{id}/actions/start", "", "[1]", 422),
            ("/vms/{id}/actions/start", "", "{", 400),
            ("/vms/{id}/actions/start", "", "\u{0}", 400),
        ];
        for (path, query, body, status) in cases {
            assert_eq!(read(path, query, body).unwrap_err().status(), status, "{path} {query} {body}");
        }
    }
}
