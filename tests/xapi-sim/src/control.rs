//! The control endpoint: faults and records over plain JSON, for tests that do not run in this process.
//!
//! `GET /calls`, `GET /records/VM`, `GET /members`, `GET /storm`; `POST /<command>` with an object of its parameters. The answer is `{"ok": ...}` or
//! status 400 with `{"error": "..."}`. Commands and their parameters (see `Sim` for what each does):
//!
//! | command | parameters |
//! | --- | --- |
//! | `fail` | `method, code, params?, times?` |
//! | `hang`, `release` | `method` |
//! | `slow` | `method, milliseconds` |
//! | `http` | `method, status?, times?` |
//! | `half` | `method, times?` |
//! | `refuse` | `seconds` |
//! | `slave` | `master` |
//! | `set` | `class, ref, field, value` |
//! | `insert` | `class, record` |
//! | `remove` | `class, ref` |
//! | `insert-as` | `class, ref, record` |
//! | `fail-over`, `designate`, `kill`, `revive` | `host` (reference) |
//! | `live` | `host, live` |
//! | `storm` | `rate` (changes a second; 0 ends it) |
//! | `skew` | `seconds` |
//! | `session-deaths` | `share` (0 to 1) |
//! | `redirect` | `method, location, times?` |
//! | `swap-certificate` | `host?` |
//! | `clear`, `kill-sessions`, `drop-connections`, `pause`, `resume`, `lose-events`, `restart`, `reserve`, `master` | |

use std::{convert::Infallible, sync::Weak, time::Duration};

use anyhow::{Context, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, Response, StatusCode, body::Incoming, header, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::{
    Member, Storm,
    sim::{Running, Sim},
};

/// Serves one connection.
pub async fn serve(sim: Weak<Running>, stream: TcpStream) {
    let service = service_fn(move |request| {
        let sim = sim.clone();
        async move { Ok::<_, Infallible>(answer(&sim, request).await) }
    });
    if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "control connection ended");
    }
}

async fn answer(sim: &Weak<Running>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (status, body) = match run(sim, request).await {
        Ok(value) => (StatusCode::OK, json!({ "ok": value })),
        Err(error) => (StatusCode::BAD_REQUEST, json!({ "error": format!("{error:#}") })),
    };
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

async fn run(sim: &Weak<Running>, request: Request<Incoming>) -> anyhow::Result<Value> {
    let sim = Sim(sim.upgrade().context("the simulator has stopped")?);
    let (method, path) = (request.method().clone(), request.uri().path().trim_matches('/').to_owned());
    let body = request.into_body().collect().await.context("read the request")?.to_bytes();
    if method == Method::GET {
        return match path.split_once('/') {
            None if path == "calls" => Ok(json!(sim.calls())),
            None if path == "members" => Ok(sim.members().into_iter().map(member).collect()),
            None if path == "storm" => Ok(json!(sim.0.storm.lock().as_ref().map_or(0, Storm::changes))),
            Some(("records", class)) => Ok(json!(sim.records(class))),
            _ => bail!("GET knows calls, members, storm and records/<class>"),
        };
    }
    let params: Value =
        if body.is_empty() { json!({}) } else { serde_json::from_slice(&body).context("parse the parameters")? };
    command(&sim, &path, &params).await
}

fn member(member: Member) -> Value {
    let Member { host, address, url, fingerprint, master } = member;
    json!({ "host": host, "address": address, "url": url, "fingerprint": fingerprint, "master": master })
}

async fn command(sim: &Sim, name: &str, params: &Value) -> anyhow::Result<Value> {
    let text = |key: &str| params[key].as_str().with_context(|| format!("the parameter {key} is missing"));
    let times = || params["times"].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(1);
    match name {
        "kill-sessions" => sim.kill_sessions(),
        "drop-connections" => sim.drop_connections(),
        "pause" => sim.pause_listening().await,
        "resume" => sim.resume_listening().await,
        "refuse" => {
            sim.refuse_for(Duration::from_secs_f64(params["seconds"].as_f64().unwrap_or(1.0).clamp(0.0, 1e6))).await
        }
        "fail" => {
            let strings: Vec<&str> =
                params["params"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            sim.fail_times(times(), text("method")?, text("code")?, &strings);
        }
        "hang" => sim.hang(text("method")?),
        "release" => sim.release(text("method")?),
        "slow" => sim.slow(text("method")?, Duration::from_millis(params["milliseconds"].as_u64().unwrap_or(0))),
        "http" => {
            let status = params["status"].as_u64().and_then(|n| u16::try_from(n).ok()).unwrap_or(500);
            sim.http_error(text("method")?, status, times());
        }
        "half" => sim.half_answer(text("method")?, times()),
        "clear" => sim.clear_faults(),
        "lose-events" => sim.lose_events(),
        "restart" => sim.restart(),
        "swap-certificate" => {
            return Ok(json!(match params["host"].as_str() {
                Some(host) => sim.swap_certificate_of(host)?,
                None => sim.swap_certificate(),
            }));
        }
        "fail-over" => sim.fail_over(text("host")?).await?,
        "designate" => sim.designate_master(text("host")?)?,
        "kill" => sim.kill_member(text("host")?).await?,
        "revive" => sim.revive_member(text("host")?).await?,
        "live" => sim.set_live(text("host")?, params["live"].as_bool().unwrap_or(false))?,
        "storm" => {
            let running = sim.0.storm.lock().take();
            let made = match running {
                Some(storm) => storm.stop().await,
                None => 0,
            };
            let rate = params["rate"].as_f64().unwrap_or(0.0);
            if rate > 0.0 {
                *sim.0.storm.lock() = Some(sim.storm(rate));
            }
            return Ok(json!(made));
        }
        "skew" => sim.skew_clock(params["seconds"].as_i64().unwrap_or(0)),
        "session-deaths" => sim.random_session_invalid(params["share"].as_f64().unwrap_or(0.0)),
        "redirect" => sim.redirect(text("method")?, text("location")?, times()),
        "reserve" => return Ok(json!(sim.reserve())),
        "insert-as" => sim.insert_as(text("class")?, text("ref")?, params["record"].clone())?,
        "slave" => sim.become_slave(text("master")?),
        "master" => sim.become_master(),
        "set" => sim.set(text("class")?, text("ref")?, text("field")?, params["value"].clone())?,
        "insert" => return Ok(json!(sim.insert(text("class")?, params["record"].clone())?)),
        "remove" => return Ok(json!(sim.remove(text("class")?, text("ref")?))),
        other => bail!("there is no command {other}"),
    }
    Ok(Value::Null)
}
