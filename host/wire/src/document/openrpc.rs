//! OpenRPC 1.3.

use serde_json::{Value, json};

use crate::schema::{Param, Params};
use crate::table::{Access, OPERATIONS};

/// Returns the document of everything that JSON-RPC serves.
pub fn openrpc(version: &str) -> Value {
    let methods = OPERATIONS.iter().filter(|operation| operation.rpc).map(|operation| {
        let fields = match operation.params {
            Params::Fields(fields) => fields,
            Params::Any => &[],
        };
        // Parameters without default come first.
        let (must, may): (Vec<&Param>, Vec<&Param>) = fields.iter().partition(|field| !field.optional);
        let params = must
            .into_iter()
            .chain(may)
            .map(|field| json!({ "name": field.name, "required": !field.optional, "schema": field.ty.to_schema() }));
        let access = match operation.access {
            Access::Open => "open",
            Access::SignedIn => "signed in",
            Access::Admin => "administrators",
        };
        json!({
            "name": operation.name,
            "summary": operation.description,
            "paramStructure": "by-name",
            "params": params.collect::<Vec<_>>(),
            "result": { "name": "result", "schema": {} },
            "x-access": access,
            "x-changes": operation.changes,
        })
    });
    json!({
        "openrpc": "1.3.2",
        "info": { "title": "Xylem", "version": version },
        "servers": [{ "name": "WebSocket", "url": "/api/" }],
        "methods": methods.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_those_of_the_table() {
        let document = openrpc("1");
        let methods = document["methods"].as_array().unwrap();
        assert_eq!(methods.len(), OPERATIONS.iter().filter(|operation| operation.rpc).count());
        let start = methods.iter().find(|method| method["name"] == "vm.start").unwrap();
        assert_eq!(start["params"][0]["name"], "id");
        assert_eq!(start["params"][0]["required"], true);
        assert!(methods.iter().all(|method| method["name"] != "vm.list"), "REST's own");
    }
}
