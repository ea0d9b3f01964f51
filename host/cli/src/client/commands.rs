//! list-commands: what the server's methods are called, and what they take.

use std::fmt::Write;

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

use super::registry::Registry;
use super::rpc::Rpc;
use super::{output, values};
use crate::args::ListCommands;

/// Lists the methods that a pattern fits, or all.
pub(crate) async fn list(args: &ListCommands, url: Option<&str>) -> Result<()> {
    let patterns = args.patterns.iter().map(|text| values::pattern(text)).collect::<Result<Vec<_>>>()?;
    let server = Registry::read()?.server(url)?;
    let mut rpc = Rpc::signed_in(&server).await?;
    let Value::Object(mut methods) = rpc.call("system.getMethodsInfo", json!({})).await? else {
        bail!("the server does not describe its methods");
    };
    methods.retain(|name, _| patterns.is_empty() || patterns.iter().any(|pattern| pattern.is_match(name)));
    if args.json {
        return output::result(&Value::Object(methods), true);
    }
    output::write(text(&methods).as_bytes())
}

/// Describes one method, for `--help` behind its name.
pub(crate) async fn describe(rpc: &mut Rpc, method: &str) -> Result<()> {
    let methods = rpc.call("system.getMethodsInfo", json!({})).await?;
    let Some(info) = methods.get(method) else { bail!("there is no method {method}: see xylem list-commands") };
    let one = Map::from_iter([(method.to_owned(), info.clone())]);
    output::write(text(&one).as_bytes())
}

/// A line for each method with its parameters, optional ones in brackets, and a line that says what it does.
fn text(methods: &Map<String, Value>) -> String {
    let mut text = String::new();
    for (name, info) in methods {
        text.push_str(name);
        for (param, schema) in info["params"].as_object().into_iter().flatten().filter(|(param, _)| *param != "*") {
            let is_optional = schema["optional"] == true || schema.get("default").is_some();
            let (open, close) = if is_optional { ("[", "]") } else { ("", "") };
            let _ = write!(text, " {open}{param}=<{}>{close}", kind(schema));
        }
        text.push('\n');
        if let Some(description) = info["description"].as_str() {
            let _ = writeln!(text, "  {description}");
        }
    }
    text
}

fn kind(schema: &Value) -> String {
    let one = |kind: &Value| kind.as_str().unwrap_or("any").to_owned();
    match (&schema["enum"], &schema["type"]) {
        (Value::Array(words), _) => {
            words.iter().map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned)).collect::<Vec<_>>()
        }
        (_, Value::Array(kinds)) => kinds.iter().map(one).collect(),
        (_, other) => vec![one(other)],
    }
    .join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_a_line_and_what_it_does() {
        let methods = json!({
            "vm.start": {
                "description": "Starts a VM.",
                "params": { "id": { "type": "string" }, "force": { "type": "boolean", "optional": true } },
            },
            "x.set": {
                "params": {
                    "size": { "type": ["integer", "string"] },
                    "mode": { "enum": ["on", "off"], "default": "on" },
                    "*": { "type": "any" },
                },
            },
            "x.y": {},
        });
        let wanted = "vm.start [force=<boolean>] id=<string>\n  Starts a VM.\nx.set [mode=<on|off>] size=<integer|string>\nx.y\n";
        assert_eq!(text(methods.as_object().unwrap()), wanted);
    }
}
