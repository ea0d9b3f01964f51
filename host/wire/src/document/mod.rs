//! The API in words that programs read, made from the table: OpenAPI 3.1 for REST, OpenRPC 1.3 for JSON-RPC.

mod answers;
mod openapi;
mod openrpc;

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

pub use openapi::openapi;
pub use openrpc::openrpc;

/// The properties of each type of object, as `model` shows them.
static OBJECTS: LazyLock<Map<String, Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("objects.json")).expect("a test reads it"));

/// Returns the schemas of objects by type.
fn objects() -> Map<String, Value> {
    let object = |(kind, shape): (&String, &Value)| {
        let schema = json!({ "type": "object", "required": shape["required"], "properties": shape["properties"] });
        (kind.clone(), schema)
    };
    OBJECTS.iter().map(object).collect()
}

/// What every answer that refuses looks like in REST.
fn error() -> Value {
    json!({
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": { "type": "string", "description": "What is wrong, for people." },
            "data": { "description": "Details; for wrong parameters `errors`, by the name of the parameter." },
            "info": { "type": "string", "description": "Says that the pool refused, not we." },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_collection_has_the_schema_of_its_type() {
        for collection in crate::collections() {
            assert!(objects().contains_key(collection.kind), "{}", collection.kind);
        }
    }

    #[test]
    fn references_lead_somewhere() {
        for document in [openapi("1"), openrpc("1")] {
            let text = document.to_string();
            for (at, _) in text.match_indices("\"$ref\":\"#") {
                let rest = &text[at + 9..];
                let pointer = &rest[..rest.find('"').unwrap()];
                assert!(document.pointer(pointer).is_some() || pointer.is_empty(), "{pointer}");
            }
        }
    }
}
