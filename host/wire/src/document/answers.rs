//! What operations answer, where that is more than "anything".

use serde_json::{Value, json};

use crate::endpoint::{Endpoint, Outcome};
use crate::table::{Verb, collections};

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Returns the schema of what a route answers when all went well; none for nothing.
pub(super) fn of(endpoint: &Endpoint) -> Option<Value> {
    let new = json!({ "type": "object", "required": ["id"], "properties": { "id": { "type": "string" } } });
    match endpoint.outcome {
        Outcome::Done => None,
        Outcome::Made if ["user.makeToken", "user.token"].contains(&endpoint.operation) => Some(json!({
            "type": "object", "required": ["token"], "properties": { "token": new },
        })),
        Outcome::Created(_) | Outcome::Made => Some(new),
        Outcome::Action { creates, .. } => creates.map(|_| new),
        Outcome::Value => match (endpoint.verb, endpoint.operation().name) {
            (Verb::Delete | Verb::Put | Verb::Patch, _) | (_, "auth.logout") => None,
            (_, name) => Some(value(endpoint, name)),
        },
    }
}

fn value(endpoint: &Endpoint, name: &str) -> Value {
    if is_list(endpoint) {
        let member = json!({ "anyOf": [
            { "type": "string", "description": "The address, when no fields are asked for." },
            { "type": "object", "required": ["href"], "properties": { "href": { "type": "string" } } },
        ] });
        return json!({ "type": "array", "items": member });
    }
    let single = collections().iter().find(|known| endpoint.path == format!("/{}/{{id}}", known.name));
    if let Some(collection) = single.filter(|collection| collection.name != "alarms") {
        return match endpoint.params().iter().any(|param| param.name == "fields") {
            // Some of the properties.
            true => json!({ "anyOf": [reference(collection.kind), { "type": "object" }] }),
            false => reference(collection.kind),
        };
    }
    match name {
        "task.get" => reference("Task"),
        "rest.ping" => json!({
            "type": "object",
            "required": ["result", "timestamp"],
            "properties": { "result": { "const": "pong" }, "timestamp": { "type": "integer" } },
        }),
        "auth.providers" => json!({ "type": "array", "items": { "type": "object" } }),
        "host.missingPatches" | "pool.missingPatches" | "user.tokens" => {
            json!({ "type": "array", "items": { "type": "object" } })
        }
        "vm.stats" | "host.stats" => reference("Stats"),
        "event.listen" => json!({ "type": "string" }),
        _ => json!({ "type": "object" }),
    }
}

/// Returns whether a route answers with a collection in one of its forms.
fn is_list(endpoint: &Endpoint) -> bool {
    endpoint.verb == Verb::Get && endpoint.params().iter().any(|param| param.name == "markdown")
}

/// Returns the shape of a task of ours.
pub(super) fn task() -> Value {
    json!({
        "type": "object",
        "required": ["id", "properties", "start", "status"],
        "properties": {
            "id": { "type": "string" },
            "status": { "enum": ["pending", "success", "failure", "interrupted"] },
            "start": { "type": "integer", "description": "Milliseconds since the Unix epoch." },
            "end": { "type": "integer" },
            "updatedAt": { "type": "integer" },
            "abortionRequestedAt": { "type": "integer" },
            "result": { "description": "What came of it: a value, or what went wrong." },
            "properties": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": { "type": "string" },
                    "type": { "type": "string" },
                    "objectId": { "type": "string" },
                    "objectType": { "type": "string" },
                    "params": { "type": "object" },
                    "progress": { "type": "integer", "minimum": 0, "maximum": 100 },
                    "userId": { "type": "string" },
                },
            },
        },
    })
}

/// Returns the shape of statistics.
pub(super) fn stats() -> Value {
    json!({
        "type": "object",
        "required": ["endTimestamp", "interval", "stats"],
        "properties": {
            "endTimestamp": { "type": "integer", "description": "Seconds since the Unix epoch." },
            "interval": { "type": "integer" },
            "stats": { "type": "object" },
        },
    })
}
