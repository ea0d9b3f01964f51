//! Conversations of clients that exist: the XO command line, both generations of the Go SDK, the Terraform provider. What they
//! send, in their order and with their quirks, and the types they decode, is written down in `tests/e2e/conversations`; here
//! it is said to the real daemon.

mod pattern;

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use pattern::{Kept, compare, fill, fill_text};
use rig::{Auth, Client, Rig, until};
use serde::Deserialize;
use serde_json::{Value, json};

/// A file of `tests/e2e/conversations`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conversation {
    /// Which client, and where what it says was taken from.
    #[expect(dead_code, reason = "for people")]
    client: String,
    steps: Vec<Step>,
}

/// One exchange. Values that are `$name` come from `keep` of an earlier one, or are `user` or `password`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// A new socket, for a client that opens one for each command; why.
    connect: Option<String>,
    /// A method of JSON-RPC.
    call: Option<String>,
    #[serde(default)]
    params: Value,
    /// Method and path below `/rest/v0`, or below `/api/` one that an answer named.
    rest: Option<String>,
    body: Option<Value>,
    #[serde(default)]
    status: Option<u16>,
    /// The cookie that this and later requests carry.
    cookie: Option<String>,
    /// What the answer is like.
    result: Option<Value>,
    /// The code of the error that comes instead.
    error: Option<i64>,
    /// Asked again until the answer is like that.
    #[serde(default)]
    until: bool,
    /// By name: a JSON pointer into the answer, or which of its values and what of that.
    #[serde(default)]
    keep: serde_json::Map<String, Value>,
}

/// Takes what a step keeps out of an answer.
fn keep(what: &Value, answer: &Value) -> Result<Value> {
    let (value, pointer) = match what {
        Value::String(pointer) => (Some(answer), pointer.as_str()),
        Value::Object(choice) => {
            let wanted = choice.get("where").unwrap_or(&Value::Null);
            let values: Box<dyn Iterator<Item = &Value>> = match answer {
                Value::Object(map) => Box::new(map.values()),
                Value::Array(list) => Box::new(list.iter()),
                other => bail!("{other} has no values to choose from"),
            };
            let mut fitting = values.filter(|value| compare(wanted, value, &Kept::new()).is_ok());
            (fitting.next(), choice.get("take").and_then(Value::as_str).unwrap_or_default())
        }
        other => bail!("{other} does not say what to keep"),
    };
    let value = value.with_context(|| format!("no value is like {what}"))?;
    value.pointer(pointer).cloned().with_context(|| format!("there is no {pointer} in {value}"))
}

struct Replay<'a> {
    rig: &'a Rig,
    socket: Option<Client>,
    cookie: Option<String>,
    kept: Kept,
}

impl Replay<'_> {
    async fn step(&mut self, step: &Step) -> Result<()> {
        if step.connect.is_some() {
            self.socket = Some(self.rig.client().await?);
            return Ok(());
        }
        if let Some(cookie) = &step.cookie {
            // What the daemon set has attributes behind it, which no client sends back.
            let cookie = fill_text(cookie, &self.kept)?;
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        let answer = if step.until {
            let mut last = Value::Null;
            let answered = until("the answer that the client waits for", async || {
                last = self.exchange(step).await.ok()?;
                self.fits(step, &last).ok().map(|()| last.clone())
            });
            answered.await.with_context(|| format!("the last answer was {last}"))?
        } else {
            let answer = self.exchange(step).await?;
            self.fits(step, &answer)?;
            answer
        };
        for (name, what) in &step.keep {
            let value = keep(what, &answer).with_context(|| format!("keep {name}"))?;
            self.kept.insert(name.clone(), value);
        }
        Ok(())
    }

    fn fits(&self, step: &Step, answer: &Value) -> Result<()> {
        match &step.result {
            Some(result) => compare(result, answer, &self.kept),
            None => Ok(()),
        }
    }

    /// Asks, and returns the answer; for REST a map of `status`, `headers` and, as `body`, JSON or text.
    async fn exchange(&self, step: &Step) -> Result<Value> {
        if let Some(method) = &step.call {
            let socket = self.socket.as_ref().context("the conversation has not connected")?;
            let params = fill(&step.params, &self.kept)?;
            let answer = socket.attempt(method, params).await?;
            return match (answer, step.error) {
                (Ok(result), None) => Ok(result),
                (Err(error), Some(code)) if error.code == code => Ok(json!(null)),
                (Ok(result), Some(code)) => bail!("{result} instead of error {code}"),
                (Err(error), _) => bail!("{error}"),
            };
        }
        let (method, path) =
            step.rest.as_deref().and_then(|rest| rest.split_once(' ')).context("a step asks nothing")?;
        let path = fill_text(path, &self.kept)?;
        let path = if path.starts_with("/api/") { path } else { format!("/rest/v0{path}") };
        let auth = match &self.cookie {
            Some(cookie) => Auth::Headers(vec![("Cookie", cookie.clone())]),
            None => Auth::Nobody,
        };
        let (headers, body) = match &step.body {
            Some(body) => (vec![("Content-Type", "application/json".to_owned())], fill(body, &self.kept)?.to_string()),
            None => (Vec::new(), String::new()),
        };
        let answer = self.rig.rest(auth).send(method, &path, &headers, body.as_bytes()).await?;
        let status = step.status.unwrap_or(200);
        ensure!(answer.status == status, "status {} instead of {status}: {}", answer.status, answer.text);
        let body = serde_json::from_str(&answer.text).unwrap_or(Value::String(answer.text.clone()));
        Ok(json!({ "headers": answer.headers.into_iter().collect::<std::collections::BTreeMap<_, _>>(), "body": body }))
    }
}

async fn replay(name: &str) -> Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("conversations").join(name);
    let text = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
    let conversation: Conversation = serde_json::from_str(&text).with_context(|| format!("understand {name}"))?;
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let kept = Kept::from_iter([
        ("user".to_owned(), json!("admin")),
        ("password".to_owned(), json!(rig.password()?)),
        ("url".to_owned(), json!(rig.url())),
    ]);
    let mut replay = Replay { rig: &rig, socket: None, cookie: None, kept };
    for (number, step) in conversation.steps.iter().enumerate() {
        let what = step.call.as_deref().or(step.rest.as_deref()).unwrap_or("connect");
        replay.step(step).await.with_context(|| format!("step {} of {name}, {what}", number + 1))?;
    }
    drop(replay);
    rig.end().await
}

#[tokio::test]
async fn the_xo_command_line() -> Result<()> {
    replay("xo-cli.json").await
}

#[tokio::test]
async fn the_go_sdk_v1() -> Result<()> {
    replay("go-sdk-v1.json").await
}

#[tokio::test]
async fn the_go_sdk_v2() -> Result<()> {
    replay("go-sdk-v2.json").await
}

#[tokio::test]
async fn the_terraform_provider() -> Result<()> {
    replay("terraform-provider.json").await
}
