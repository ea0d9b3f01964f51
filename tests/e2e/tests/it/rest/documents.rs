//! The documents say what is so: every answer of a real daemon has the shape that the OpenAPI document gives it.

use anyhow::{Context, Result, ensure};
use rig::{Auth, Rig};
use serde_json::Value;

/// Returns what is wrong with a value by a schema; the words are those that our document uses.
fn faults(document: &Value, schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = document.pointer(reference.trim_start_matches('#')).unwrap_or(&Value::Null);
        return faults(document, schema, value, path, found);
    }
    if let Some(schemas) = schema["anyOf"].as_array() {
        let fits = |schema: &Value| {
            let mut found = Vec::new();
            faults(document, schema, value, path, &mut found);
            found.is_empty()
        };
        if !schemas.iter().any(fits) {
            found.push(format!("{path}: none of {} fits {value}", schemas.len()));
        }
        return;
    }
    if let Some(wanted) = schema.get("const")
        && wanted != value
    {
        found.push(format!("{path}: {value} is not {wanted}"));
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        found.push(format!("{path}: {value} is none of the words"));
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(some) => some.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is = |name: &&str| match *name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    };
    if !types.is_empty() && !types.iter().any(is) {
        found.push(format!("{path}: {value} is no {types:?}"));
    }
    if let Some(members) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !members.contains_key(name) {
                found.push(format!("{path}/{name} is not there"));
            }
        }
        for (name, member) in members {
            let path = format!("{path}/{name}");
            match (schema["properties"].get(name), schema.get("additionalProperties")) {
                (Some(schema), _) | (None, Some(schema @ Value::Object(_))) => {
                    faults(document, schema, member, &path, found);
                }
                _ => {}
            }
        }
    }
    if let (Some(items), Some(schema)) = (value.as_array(), schema.get("items")) {
        for item in items {
            faults(document, schema, item, &format!("{path}[]"), found);
        }
    }
}

/// Returns the schema of an answer, if the document names the status and the content type.
fn schema<'a>(
    document: &'a Value,
    path: &str,
    verb: &str,
    status: u16,
    content_type: Option<&str>,
) -> Result<&'a Value> {
    let response = &document["paths"][path][verb]["responses"][status.to_string()];
    ensure!(response.is_object(), "{verb} {path} answers {status}, which is not documented");
    match content_type {
        None => Ok(&Value::Null),
        Some(name) => Ok(response["content"]
            .get(name)
            .with_context(|| format!("{path}: {name}"))?
            .get("schema")
            .context("a schema")?),
    }
}

#[tokio::test]
async fn what_the_document_says_is_what_the_daemon_gives() -> Result<()> {
    let rig = Rig::builder().pools(["single-host", "pool2", "snapshots"]).start().await?;
    let rest = rig.admin_rest()?;
    let answer = rig.get("/rest/v0/docs/swagger.json").await?;
    let document = answer.json();
    ensure!(answer.status == 200 && document["openapi"] == "3.1.0", "{}", answer.status);
    let mut wrong = Vec::new();
    let mut looked_at = 0;

    // Every object of every collection.
    for (path, verbs) in document["paths"].as_object().context("paths")? {
        let Some(collection) = path.strip_suffix("/{id}").filter(|path| path.matches('/').count() == 1) else {
            continue;
        };
        if verbs["get"].is_null() || document["paths"][collection]["get"].is_null() {
            continue;
        }
        let reference = &verbs["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        let single = reference["anyOf"].get(0).unwrap_or(reference);
        let all = rest.get(&format!("{collection}?fields=*")).await?;
        let items = schema(&document, collection, "get", all.status, all.header("content-type"))?;
        for object in all.json().as_array().with_context(|| format!("{collection} is no list"))? {
            let mut found = Vec::new();
            faults(&document, &items["items"], object, collection, &mut found);
            faults(&document, single, object, collection, &mut found);
            wrong.extend(found);
            looked_at += 1;
        }
        let id = all.json()[0]["id"].as_str().unwrap_or("nothing").to_owned();
        let one = rest.get(&path.replace("{id}", &id)).await?;
        let schema = schema(&document, path, "get", one.status, one.header("content-type"))?;
        faults(&document, schema, &one.json(), path, &mut wrong);
        // What belongs to it, in the form of a list and in what refuses.
        for (below, verbs) in document["paths"].as_object().context("paths")? {
            let own = below.starts_with(&format!("{path}/")) && below.matches('{').count() == 1;
            if !own || verbs["get"].is_null() || below.ends_with("/stats") {
                continue;
            }
            for id in [id.as_str(), "nothing"] {
                let answer = rest.get(&below.replace("{id}", id)).await?;
                let schema = self::schema(&document, below, "get", answer.status, answer.header("content-type"))?;
                faults(&document, schema, &answer.json(), below, &mut wrong);
            }
        }
    }
    ensure!(looked_at > 800, "only {looked_at} objects");
    wrong.sort();
    wrong.dedup();
    ensure!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));

    // What cannot be served yet, and what refuses, is as documented.
    for (path, verbs) in document["paths"].as_object().context("paths")? {
        for (verb, operation) in verbs.as_object().context("verbs")? {
            if operation["responses"]["501"].is_object() {
                let path = format!("/rest/v0{}", path.replace("{id}", "nothing"));
                let answer = rest.send(&verb.to_uppercase(), &path, &[], b"").await?;
                ensure!(answer.status == 501 && answer.json()["error"].is_string(), "{verb} {path}: {}", answer.status);
            }
            let is_open = operation["security"][0].as_object().is_some_and(|none| none.is_empty());
            if !is_open {
                let path = format!("/rest/v0{}", path.replace(['{', '}'], ""));
                let answer = rig.rest(Auth::Nobody).send(&verb.to_uppercase(), &path, &[], b"").await?;
                ensure!(answer.status == 401, "{verb} {path} answers {} to nobody", answer.status);
            }
        }
    }

    let rpc = rig.get("/rest/v0/docs/openrpc.json").await?.json();
    let methods = rpc["methods"].as_array().context("methods")?;
    ensure!(methods.iter().any(|method| method["name"] == "vm.start") && methods.len() > 50, "{}", methods.len());
    let page = rig.get("/rest/v0/docs").await?;
    let policy = page.header("content-security-policy").context("a policy")?;
    ensure!(page.status == 200 && policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    ensure!(!page.text.contains("http://") && !page.text.contains("https://"), "something from elsewhere");
    for file in ["page.js", "page.css"] {
        ensure!(rig.get(&format!("/rest/v0/docs/{file}")).await?.status == 200, "{file}");
    }
    rig.end().await
}
