//! Methods by their names, and list-objects, which is one of them with a shorter way to say what is wanted.

use anyhow::{Context, Result, bail};
use clap::Parser;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::http::Http;
use super::registry::{Registry, Server};
use super::rpc::Rpc;
use super::values::{self, Params};
use super::{commands, output};
use crate::args::Call;

/// Calls a method.
pub(crate) async fn method(args: &[String], url: Option<&str>) -> Result<()> {
    let args = Call::try_parse_from(args).unwrap_or_else(|error| error.exit());
    // Before anything is sent: a typing error must not find half of it done.
    let Params { values, file } = values::parse(&args.params)?;
    let server = Registry::read()?.server(args.url.as_deref().or(url))?;
    let mut rpc = Rpc::signed_in(&server).await?;
    if args.help {
        return commands::describe(&mut rpc, &args.method).await;
    }
    let result = output::waiting(&args.method, rpc.call(&args.method, Value::Object(values))).await?;
    match transfer(&result) {
        None if file.is_some() => {
            output::result(&result, args.json)?;
            bail!("@= was not needed: {} handles no file", args.method);
        }
        None => output::result(&result, args.json),
        Some(Transfer::From(path)) => {
            let file = file.with_context(|| format!("{} gives a file: say where to with @=<file>", args.method))?;
            download(&server, path, &file).await
        }
        Some(Transfer::To) => bail!("{} wants a file, and sending files is not possible yet", args.method),
    }
}

/// A result that is not the answer, but the address of the file.
enum Transfer<'a> {
    From(&'a str),
    To,
}

fn transfer(result: &Value) -> Option<Transfer<'_>> {
    let object = result.as_object().filter(|object| object.len() == 1)?;
    if object.contains_key("$sendTo") {
        return Some(Transfer::To);
    }
    object.get("$getFrom")?.as_str().map(Transfer::From)
}

async fn download(server: &Server, path: &str, to: &str) -> Result<()> {
    let http = Http::new(server)?;
    let response = http.send(http.plain(Method::GET, path)?).await?;
    output::save(response, to).await
}

/// Lists objects.
pub(crate) async fn list_objects(args: &[String], url: Option<&str>) -> Result<()> {
    let (properties, filter) = selection(args)?;
    let server = Registry::read()?.server(url)?;
    let mut rpc = Rpc::signed_in(&server).await?;
    let params = if filter.is_empty() { json!({}) } else { json!({ "filter": filter }) };
    let listed = output::waiting("list-objects", rpc.call("xo.getAllObjects", params)).await?;
    let Value::Object(listed) = listed else { bail!("the server does not list its objects") };
    let objects = listed.into_iter().map(|(_, object)| pick(object, &properties)).collect();
    output::result(&Value::Array(objects), true)
}

/// Tells `--<property>` from `name=value`.
fn selection(args: &[String]) -> Result<(Vec<&str>, Map<String, Value>)> {
    let (flags, filter): (Vec<_>, Vec<_>) = args.iter().cloned().partition(|arg| arg.starts_with("--"));
    if let Some(flag) = flags.iter().find(|flag| flag.len() == 2 || flag.contains('=')) {
        bail!("{flag}: a property to show is written --<property>, a filter <property>=<value>");
    }
    let Params { values, file } = values::parse(&filter)?;
    if file.is_some() {
        bail!("list-objects prints, it takes no @=");
    }
    let properties = args.iter().filter_map(|arg| arg.strip_prefix("--")).filter(|name| *name != "json").collect();
    Ok((properties, values))
}

fn pick(object: Value, properties: &[&str]) -> Value {
    match object {
        Value::Object(object) if !properties.is_empty() => {
            object.into_iter().filter(|(name, _)| properties.contains(&name.as_str())).collect()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_select_and_values_filter() {
        let args: Vec<_> = ["--id", "type=VM", "--name_label", "auto_poweron=true"].map(str::to_owned).into();
        let (properties, filter) = selection(&args).unwrap();
        assert_eq!(properties, ["id", "name_label"]);
        assert_eq!(Value::Object(filter), json!({ "type": "VM", "auto_poweron": true }));
        let picked = pick(json!({ "id": 1, "name_label": "a", "type": "VM" }), &properties);
        assert_eq!(picked, json!({ "id": 1, "name_label": "a" }));
        assert_eq!(pick(json!({ "id": 1 }), &[]), json!({ "id": 1 }));
        for bad in ["--", "--id=1", "@=file"] {
            assert!(selection(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }

    #[test]
    fn files_are_told_from_answers() {
        assert!(matches!(transfer(&json!({ "$getFrom": "/api/x" })), Some(Transfer::From("/api/x"))));
        assert!(matches!(transfer(&json!({ "$sendTo": "/api/x" })), Some(Transfer::To)));
        assert!(transfer(&json!({ "$getFrom": "/api/x", "more": 1 })).is_none() && transfer(&json!(true)).is_none());
    }
}
