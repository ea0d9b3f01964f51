//! OpenAPI 3.1.

use serde_json::{Map, Value, json};

use super::{answers, error, objects};
use crate::endpoint::{ENDPOINTS, Endpoint, LATER, Outcome};
use crate::table::{Access, Verb};
use crate::{Param, REST_BASE};

/// Returns the document of everything that REST serves.
pub fn openapi(version: &str) -> Value {
    let mut paths = Map::new();
    for endpoint in ENDPOINTS.iter() {
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        path[endpoint.verb.as_str().to_lowercase()] = operation(endpoint);
    }
    for later in LATER {
        let path = paths.entry(later.path).or_insert_with(|| json!({}));
        let id = json!([{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }]);
        path[later.verb.as_str().to_lowercase()] = json!({
            "operationId": name(later.verb, later.path),
            "summary": "Comes later.",
            "tags": [tag(later.path)],
            "parameters": id,
            "responses": responses(&[(401, "Nobody is signed in."), (404, "There is nothing."), (501, "It cannot be served yet.")]),
        });
    }
    let mut schemas = objects();
    schemas.insert("Error".to_owned(), error());
    schemas.insert("Task".to_owned(), answers::task());
    schemas.insert("Stats".to_owned(), answers::stats());
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Xylem", "version": version },
        "servers": [{ "url": REST_BASE }],
        "security": [{ "cookie": [] }, { "basic": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "cookie": { "type": "apiKey", "in": "cookie", "name": "authenticationToken" },
                "basic": { "type": "http", "scheme": "basic" },
            },
        },
    })
}

fn tag(path: &str) -> &str {
    path.split('/').nth(1).unwrap_or_default()
}

/// Returns a name for a route that no other has.
fn name(verb: Verb, path: &str) -> String {
    let words = path.split(['/', '.', '-', '_']).filter(|word| !word.is_empty());
    let words = words.map(|word| {
        let word = word.trim_matches(['{', '}']);
        let (first, rest) = word.split_at(word.len().min(1));
        format!("{}{rest}", first.to_uppercase())
    });
    format!("{}{}", verb.as_str().to_lowercase(), words.collect::<String>())
}

fn responses(statuses: &[(u16, &str)]) -> Value {
    let response = |(status, text): &(u16, &str)| {
        let schema = json!({ "schema": { "$ref": "#/components/schemas/Error" } });
        (status.to_string(), json!({ "description": text, "content": { "application/json": schema } }))
    };
    statuses.iter().map(response).collect::<Map<_, _>>().into()
}

/// What any route may answer that changes something or asks a pool.
const REFUSALS: &[(u16, &str)] = &[
    (400, "The request or its filter cannot be read."),
    (401, "Nobody is signed in."),
    (403, "The caller may not do this."),
    (404, "There is no such thing, or not for this caller."),
    (409, "It is in another state, or there already."),
    (422, "A parameter is wrong."),
    (429, "Too much at once."),
    (500, "The pool refused; `info` says so."),
    (503, "Something that is needed does not answer."),
];

fn operation(endpoint: &Endpoint) -> Value {
    let known = endpoint.operation();
    let in_path: Vec<_> = endpoint.path_params().collect();
    let params = endpoint.params();
    let parameter = |param: &Param, place: &str| {
        let mut parameter =
            json!({ "name": param.name, "in": place, "required": !param.optional, "schema": param.ty.to_schema() });
        if place == "path" {
            // What follows the last slash would be another route.
            parameter["schema"]["pattern"] = json!("^[^/]+$");
        }
        parameter
    };
    let (path, rest): (Vec<Param>, Vec<Param>) = params.iter().partition(|param| in_path.contains(&param.name));
    let mut parameters: Vec<Value> = path.iter().map(|param| parameter(param, "path")).collect();
    let has_body = matches!(endpoint.verb, Verb::Post | Verb::Put | Verb::Patch) && !rest.is_empty();
    if !has_body {
        parameters.extend(rest.iter().map(|param| parameter(param, "query")));
    }
    if endpoint.is_action() {
        let text = "Waits for what comes of it.";
        parameters.push(
            json!({ "name": "sync", "in": "query", "required": false, "description": text, "schema": { "type": "boolean" } }),
        );
    }
    let mut operation = json!({
        "operationId": name(endpoint.verb, endpoint.path),
        "summary": known.description,
        "tags": [tag(endpoint.path)],
        "parameters": parameters,
        "responses": all_responses(endpoint),
    });
    if has_body {
        let schema = crate::schema::record_schema(&rest);
        let required = rest.iter().any(|param| !param.optional);
        operation["requestBody"] =
            json!({ "required": required, "content": { "application/json": { "schema": schema } } });
    }
    match known.access {
        Access::Open => operation["security"] = json!([{}]),
        Access::SignedIn => {}
        Access::Admin => operation["description"] = json!("For administrators."),
    }
    operation
}

fn all_responses(endpoint: &Endpoint) -> Value {
    let mut all = responses(REFUSALS);
    let answer = answers::of(endpoint);
    let mut good = |status: u16, text: &str, schema: Option<Value>, location: bool| {
        let mut response = json!({ "description": text });
        if let Some(schema) = schema {
            let content_type =
                if endpoint.operation == "event.listen" { "text/event-stream" } else { "application/json" };
            response["content"][content_type] = json!({ "schema": schema });
            // Other forms are asked for by a parameter.
            for (param, form) in [("ndjson", "application/x-ndjson"), ("markdown", "text/markdown; charset=utf-8")] {
                if endpoint.verb == Verb::Get && endpoint.params().iter().any(|known| known.name == param) {
                    response["content"][form] = json!({ "schema": { "type": "string" } });
                }
            }
        }
        if location {
            response["headers"]["Location"] = json!({ "schema": { "type": "string" } });
        }
        all[status.to_string()] = response;
    };
    match endpoint.outcome {
        Outcome::Value => match answer {
            Some(schema) => good(200, "What was asked for.", Some(schema), false),
            None => good(204, "Done.", None, false),
        },
        Outcome::Done => good(204, "Done.", None, false),
        Outcome::Created(_) => good(201, "What is new.", answer, true),
        Outcome::Made => good(201, "What is new.", answer, false),
        Outcome::Action { creates, .. } => {
            let task = json!({
                "type": "object", "required": ["taskId"], "properties": { "taskId": { "type": "string" } },
            });
            good(202, "The task that it has become.", Some(task), true);
            match creates {
                Some(_) => good(201, "What is new.", answer, true),
                None => {
                    good(204, "Done.", None, false);
                    good(200, "What came of it.", Some(json!({})), false);
                }
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_described_once() {
        let document = openapi("1");
        let mut names = BTreeSet::new();
        for (path, verbs) in document["paths"].as_object().unwrap() {
            for (verb, operation) in verbs.as_object().unwrap() {
                assert!(names.insert(operation["operationId"].as_str().unwrap().to_owned()), "{verb} {path}");
                let parameters = operation["parameters"].as_array().unwrap();
                let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path").count();
                assert_eq!(in_path, path.matches('{').count(), "{verb} {path}");
            }
        }
        assert_eq!(names.len(), ENDPOINTS.len() + LATER.len());
        let start = &document["paths"]["/vms/{id}/actions/start"]["post"];
        assert_eq!(start["requestBody"]["content"]["application/json"]["schema"]["additionalProperties"], false);
        let dashboard = &document["paths"]["/dashboard"]["get"]["responses"]["200"]["content"];
        assert!(dashboard["application/x-ndjson"].is_object() && dashboard["text/markdown; charset=utf-8"].is_null());
        assert_eq!(start["responses"]["202"]["headers"]["Location"]["schema"]["type"], "string");
    }
}
