//! The verbs of REST, and tasks that are followed to their end.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use serde_json::{Map, Value};

use super::http::Http;
use super::output;
use super::registry::Registry;
use super::values::{self, Params};
use crate::args::{Request, RestVerb};

/// How often somebody who looks at a bar learns how far a task is.
const LOOK: Duration = Duration::from_secs(1);

const BASE: &str = "/rest/v0/";

/// Sends a request and prints the answer.
pub(crate) async fn run(verb: RestVerb, url: Option<&str>) -> Result<()> {
    let (method, request) = match verb {
        RestVerb::Get(request) => (Method::GET, request),
        RestVerb::Post(request) => (Method::POST, request),
        RestVerb::Put(request) => (Method::PUT, request),
        RestVerb::Patch(request) => (Method::PATCH, request),
        RestVerb::Del(request) => (Method::DELETE, request),
    };
    let Params { mut values, file } = values::parse(&request.params)?;
    if file.is_some() {
        bail!("REST takes no @=: answers go to --output <file>, and sending files is not possible yet");
    }
    let wait = if method == Method::POST { Wait::take(&mut values)? } else { Wait::No };
    let server = Registry::read()?.server(url)?;
    let http = Http::new(&server)?;
    let prepared = prepare(&http, method, &request, values).await?;
    let what = request.path.clone();
    let response = output::waiting(&what, http.send(prepared)).await?;
    if wait == Wait::No {
        return show(response, &request).await;
    }
    let is_task = response.status() == StatusCode::ACCEPTED;
    let answer = json(response).await?;
    match answer.get("taskId").and_then(Value::as_str).filter(|_| is_task) {
        Some(id) => finished(follow(&http, id, &what).await?, wait, request.json),
        // It is over already, and there is nothing to wait for.
        None if answer.is_null() => Ok(()),
        None => output::result(&strip(answer), request.json),
    }
}

/// What to do with the task of an action.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wait {
    No,
    /// Prints the task when it is over.
    Task,
    /// Prints what came of it.
    Result,
}

impl Wait {
    fn take(values: &mut Map<String, Value>) -> Result<Self> {
        Ok(match values.remove("wait") {
            None | Some(Value::Bool(false)) => Self::No,
            Some(Value::Bool(true)) => Self::Task,
            Some(Value::String(word)) if word == "result" => Self::Result,
            Some(other) => bail!("wait={other}: wait alone, or wait=result"),
        })
    }
}

async fn prepare(http: &Http, method: Method, request: &Request, values: Map<String, Value>) -> Result<RequestBuilder> {
    let has_body = [Method::POST, Method::PUT, Method::PATCH].contains(&method);
    let builder = http.rest(method, &request.path)?;
    Ok(match &request.input {
        Some(_) if !has_body => bail!("--input goes with post, put and patch"),
        Some(path) => {
            let doing = || format!("read {}", path.display());
            let file = tokio::fs::File::open(path).await.with_context(doing)?;
            let length = file.metadata().await.with_context(doing)?.len();
            let builder = builder.query(&values::query(values)).header(header::CONTENT_LENGTH, length);
            builder.header(header::CONTENT_TYPE, "application/octet-stream").body(file)
        }
        None if has_body => builder.json(&values::nested(values)?),
        None => builder.query(&values::query(values)),
    })
}

/// Prints an answer in the form that it has.
async fn show(response: Response, request: &Request) -> Result<()> {
    if let Some(to) = &request.output {
        return output::save(response, to).await;
    }
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_owned();
    match kind.as_str() {
        "application/json" if request.json => output::result(&json(response).await?, true),
        "application/json" => output::result(&strip(json(response).await?), false),
        "application/x-ndjson" => lines(response, request.json).await,
        "" => output::write(&response.bytes().await.context("read the answer")?),
        kind if kind.starts_with("text/") => output::save(response, "-").await,
        _ => {
            output::not_for_a_terminal()?;
            output::save(response, "-").await
        }
    }
}

/// Prints lines as they come: some answers never end.
async fn lines(response: Response, as_is: bool) -> Result<()> {
    let mut body = response.bytes_stream();
    let mut rest = Vec::new();
    while let Some(piece) = body.next().await {
        rest.extend_from_slice(&piece.context("the answer broke off")?);
        let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') else { continue };
        let after = rest.split_off(end + 1);
        output::write(&whole_lines(&rest, as_is)?)?;
        rest = after;
    }
    output::write(&whole_lines(&rest, as_is)?)
}

fn whole_lines(lines: &[u8], as_is: bool) -> Result<Vec<u8>> {
    if as_is {
        return Ok(lines.to_vec());
    }
    let mut out = Vec::with_capacity(lines.len());
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match strip(serde_json::from_slice(line).context("understand a line of the answer")?) {
            Value::String(text) => out.extend_from_slice(text.as_bytes()),
            value => serde_json::to_writer(&mut out, &value).context("write JSON")?,
        }
        out.push(b'\n');
    }
    Ok(out)
}

async fn json(response: Response) -> Result<Value> {
    let bytes = response.bytes().await.context("read the answer")?;
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&bytes).context("understand the answer")
}

/// Takes the base off addresses, so that they can be given to the next command.
fn strip(value: Value) -> Value {
    match value {
        Value::String(text) => text.strip_prefix(BASE).map(str::to_owned).unwrap_or(text).into(),
        Value::Array(values) => values.into_iter().map(strip).collect(),
        Value::Object(mut object) => {
            if let Some(href) = object.get_mut("href") {
                *href = strip(href.take());
            }
            Value::Object(object)
        }
        other => other,
    }
}

/// Waits until a task is over; a bar shows how far it is.
async fn follow(http: &Http, id: &str, what: &str) -> Result<Value> {
    let path = format!("tasks/{id}");
    let read = async |query: &[(&str, &str)]| json(http.send(http.rest(Method::GET, &path)?.query(query)).await?).await;
    let bar = output::percent(what);
    let looking = async {
        while !bar.is_hidden() {
            tokio::time::sleep(LOOK).await;
            if let Ok(task) = read(&[]).await {
                bar.set_position(task["properties"]["progress"].as_u64().unwrap_or_default());
            }
        }
        std::future::pending::<()>().await
    };
    let ended = async {
        loop {
            let task = read(&[("wait", "true")]).await?;
            if task["status"] != "pending" {
                return Ok::<_, anyhow::Error>(task);
            }
        }
    };
    let task = tokio::select! {
        task = ended => task,
        () = looking => unreachable!("it looks for ever"),
    };
    bar.finish_and_clear();
    task
}

fn finished(mut task: Value, wait: Wait, as_json: bool) -> Result<()> {
    let has_failed = task["status"] != "success";
    if has_failed {
        let reason = task["result"]["message"].as_str().map_or_else(|| task["result"].to_string(), str::to_owned);
        let status = task["status"].as_str().unwrap_or("failure").to_owned();
        if wait == Wait::Task {
            output::result(&task, as_json)?;
        }
        bail!("the task ended with {status}: {reason}");
    }
    match (wait, task["result"].take()) {
        (Wait::Result, Value::Null) => Ok(()),
        (Wait::Result, result) => output::result(&result, as_json),
        (_, result) => {
            if !result.is_null() {
                task["result"] = result;
            } else if let Some(task) = task.as_object_mut() {
                task.remove("result");
            }
            output::result(&task, as_json)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_lose_their_base() {
        assert_eq!(strip(json!(["/rest/v0/vms/1", "other"])), json!(["vms/1", "other"]));
        let object = json!([{ "href": "/rest/v0/vms/1", "name_label": "/rest/v0/x" }]);
        assert_eq!(strip(object), json!([{ "href": "vms/1", "name_label": "/rest/v0/x" }]));
        let lines = b"\"/rest/v0/vms/1\"\n[\"update\",{\"href\":\"/rest/v0/tasks/2\"}]\n";
        let wanted = "vms/1\n[\"update\",{\"href\":\"tasks/2\"}]\n";
        assert_eq!(String::from_utf8(whole_lines(lines, false).unwrap()).unwrap(), wanted);
        assert_eq!(whole_lines(lines, true).unwrap(), lines);
    }

    #[test]
    fn wait_is_a_word_of_ours() {
        let take = |value: Value| {
            let mut values = Map::from_iter([("wait".to_owned(), value)]);
            let wait = Wait::take(&mut values);
            assert!(values.is_empty());
            wait
        };
        assert_eq!(take(json!(true)).unwrap(), Wait::Task);
        assert_eq!(take(json!("result")).unwrap(), Wait::Result);
        assert_eq!(take(json!(false)).unwrap(), Wait::No);
        assert!(take(json!("soon")).is_err());
        assert_eq!(Wait::take(&mut Map::new()).unwrap(), Wait::No);
    }
}
