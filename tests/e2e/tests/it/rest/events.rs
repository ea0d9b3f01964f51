//! Server-sent events: who is told what, going on after a lost connection, and the end of it.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rig::{Auth, Rest, Rig};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long an event may take.
const SOON: Duration = Duration::from_secs(30);

/// A connection to the stream. It speaks HTTP/1.0, so what comes is the body as it is.
struct Events {
    stream: TcpStream,
    buffer: Vec<u8>,
    id: String,
}

#[derive(Debug)]
struct Event {
    id: Option<String>,
    kind: String,
    data: Value,
}

impl Events {
    async fn open(rig: &Rig, token: &str, last: Option<&str>) -> Result<Self> {
        let mut stream = TcpStream::connect(rig.address()).await?;
        let last = last.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        let head = format!("GET /rest/v0/events HTTP/1.0\r\nHost: x\r\nCookie: token={token}\r\n{last}\r\n");
        stream.write_all(head.as_bytes()).await?;
        let mut events = Self { stream, buffer: Vec::new(), id: String::new() };
        let head = events.until(b"\r\n\r\n").await?;
        ensure!(head.starts_with("HTTP/1.0 200") || head.starts_with("HTTP/1.1 200"), "{head}");
        ensure!(head.to_lowercase().contains("content-type: text/event-stream"), "{head}");
        let init = events.next().await?;
        ensure!(init.kind == "init", "{init:?}");
        events.id = init.data["id"].as_str().context("an id")?.to_owned();
        ensure!(last.is_empty() || init.data["resumed"] == true || last.contains("unknown"), "{init:?}");
        Ok(events)
    }

    async fn until(&mut self, end: &[u8]) -> Result<String> {
        loop {
            if let Some(at) = self.buffer.windows(end.len()).position(|window| window == end) {
                let part: Vec<u8> = self.buffer.drain(..at + end.len()).collect();
                return Ok(String::from_utf8(part)?);
            }
            let mut part = vec![0; 65536];
            let read = tokio::time::timeout(SOON, self.stream.read(&mut part)).await.context("nothing came")??;
            if read == 0 {
                bail!("the stream ended");
            }
            self.buffer.extend_from_slice(&part[..read]);
        }
    }

    async fn next(&mut self) -> Result<Event> {
        let text = self.until(b"\n\n").await?;
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        let data = field("data: ").context("no data")?;
        Ok(Event { id: field("id: "), kind: field("event: ").context("no event")?, data: serde_json::from_str(&data)? })
    }

    /// Returns the next event that something is true of.
    async fn find(&mut self, fact: impl Fn(&Event) -> bool) -> Result<Event> {
        loop {
            let event = self.next().await?;
            if fact(&event) {
                return Ok(event);
            }
        }
    }
}

async fn token(rest: &Rest) -> Result<String> {
    let made = rest.post("/users/me/authentication_tokens", &json!({})).await?;
    let path = made.header("location").context("a redirection")?.trim_start_matches("/rest/v0").to_owned();
    let made = rest.post(&path, &json!({ "description": "events" })).await?;
    ensure!(made.status == 201, "{}", made.text);
    Ok(made.json()["token"]["id"].as_str().context("a token")?.to_owned())
}

#[tokio::test]
async fn changes_are_told_and_a_lost_connection_goes_on() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let (admin, rest) = (rig.admin().await?, rig.admin_rest()?);
    admin.watch().await?;
    let view = admin.view();
    let vm = view.named("VM", "CCNET").context("a running VM")?["id"].as_str().context("an id")?.to_owned();
    let token = token(&rest).await?;

    let mut events = Events::open(&rig, &token, None).await?;
    let path = format!("/events/{}/subscriptions", events.id);
    for (collection, fields) in [
        ("VM", json!(["id", "name_label"])),
        ("message", json!("*")),
        ("alarm", json!(["name"])),
        ("task", json!(["id", "status"])),
    ] {
        let made = rest.post(&path, &json!({ "collection": collection, "fields": fields })).await?;
        ensure!(made.status == 201 && made.json() == json!({ "id": collection }), "{} {}", made.status, made.text);
    }
    ensure!(rest.post(&path, &json!({ "collection": "nothing" })).await?.status == 422);
    ensure!(rest.post("/events/nothing/subscriptions", &json!({ "collection": "VM" })).await?.status == 404);

    // Only what was asked for is told.
    admin.call("vm.set", json!({ "id": vm, "name_description": "unheard" })).await?;
    admin.call("vm.set", json!({ "id": vm, "name_label": "heard" })).await?;
    let told = events.next().await?;
    let wanted = json!({ "id": vm, "name_label": "heard", "$subscription": "VM" });
    ensure!(told.kind == "update" && told.data == wanted, "{told:?}");
    let heard = told.id.context("an id")?;

    // Messages come and go, and alarms are something else.
    let message = |name: &str| json!({ "name": name, "priority": "3", "cls": "VM", "obj_uuid": vm, "timestamp": "20260801T00:00:00Z", "body": "b" });
    let plain = rig.sim(0).insert("message", message("NOTE"))?;
    let added = events.next().await?;
    ensure!(added.kind == "add" && added.data["name"] == "NOTE", "{added:?}");
    rig.sim(0).remove("message", &plain);
    let removed = events.next().await?;
    ensure!(removed.kind == "remove" && removed.data["id"] == added.data["id"], "{removed:?}");
    rig.sim(0).insert("message", message("ALARM"))?;
    let alarm = events.next().await?;
    ensure!(alarm.data == json!({ "name": "ALARM", "$subscription": "alarm" }), "{alarm:?}");

    // Tasks of ours.
    let answer = rest.send("POST", &format!("/rest/v0/vms/{vm}/actions/hard_reboot"), &[], b"").await?;
    let task = answer.json()["taskId"].clone();
    let begun = events.next().await?;
    ensure!(begun.kind == "add" && begun.data["id"] == task && begun.data["status"] == "pending", "{begun:?}");
    events.find(|event| event.data["id"] == task && event.data["status"] == "success").await?;

    // The connection is lost; what was not heard comes again, and nothing twice.
    let id = events.id.clone();
    drop(events);
    let mut again = Events::open(&rig, &token, Some(&heard)).await?;
    ensure!(again.id == id, "another client");
    let next = again.next().await?;
    ensure!(next.kind == "add" && next.data["name"] == "NOTE", "{next:?}");
    admin.call("vm.set", json!({ "id": vm, "name_label": "again" })).await?;
    again.find(|event| event.data["name_label"] == "again").await?;
    let other = Events::open(&rig, &token, Some("unknown.7")).await?;
    ensure!(other.id != id, "from an id that nobody has");

    // A subscription ends, and with the token all of it.
    let delete = format!("/rest/v0{path}/VM");
    ensure!(rest.send("DELETE", &delete, &[], b"").await?.status == 204);
    ensure!(rest.send("DELETE", &delete, &[], b"").await?.status == 404);
    admin.call("token.delete", json!({ "tokens": [token] })).await?;
    ensure!(again.find(|_| false).await.is_err_and(|error| error.to_string().contains("ended")), "it goes on");
    rig.end().await
}

#[tokio::test]
async fn others_hear_what_they_may_see() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let admin = rig.admin().await?;
    admin.watch().await?;
    let view = admin.view();
    let vm = view.named("VM", "CCNET").context("a running VM")?["id"].as_str().context("an id")?.to_owned();
    let user = admin.call("user.create", json!({ "email": "eve", "password": "eve-1" })).await?;
    let rest = rig.rest(Auth::Basic("eve".into(), "eve-1".into()));
    let token = token(&rest).await?;
    let mut events = Events::open(&rig, &token, None).await?;
    let path = format!("/events/{}/subscriptions", events.id);
    for collection in ["VM", "host", "task"] {
        ensure!(rest.post(&path, &json!({ "collection": collection, "fields": ["id", "tags"] })).await?.status == 201);
    }
    // A stream is its owner's alone.
    ensure!(rig.admin_rest()?.post(&path, &json!({ "collection": "VM" })).await?.status == 404);

    // Nothing of what happens is hers to hear, until she is given the VM: then it comes into sight.
    admin.call("vm.set", json!({ "id": vm, "tags": ["before"] })).await?;
    admin.until("the tag", |view| (view.objects.get(&vm)?["tags"][0] == "before").then_some(())).await?;
    let acl = json!({ "subject": user, "object": vm, "action": "viewer" });
    admin.call("acl.add", acl.clone()).await?;
    let seen = events.next().await?;
    ensure!(seen.kind == "add" && seen.data["id"] == vm.as_str() && seen.data["tags"][0] == "before", "{seen:?}");
    admin.call("vm.set", json!({ "id": vm, "tags": ["after"] })).await?;
    let changed = events.next().await?;
    ensure!(changed.kind == "update" && changed.data["tags"][0] == "after", "{changed:?}");
    admin.call("acl.remove", acl).await?;
    let lost = events.next().await?;
    ensure!(lost.kind == "remove" && lost.data["id"] == vm.as_str(), "{lost:?}");

    // One account has so many streams and no more; whoever leaves makes room.
    let many = vec!["x"; 1000];
    ensure!(rest.post(&path, &json!({ "collection": "VM", "fields": many })).await?.status == 422);
    let mut more = Vec::new();
    for _ in 1..20 {
        more.push(Events::open(&rig, &token, None).await?);
    }
    let refused = rest.get("/events").await?;
    ensure!(refused.status == 429, "{} {}", refused.status, refused.text);
    drop(more.pop());
    tokio::time::timeout(SOON, async { while Events::open(&rig, &token, None).await.is_err() {} }).await?;

    // The account goes, and its stream with it.
    admin.call("user.delete", json!({ "id": user })).await?;
    ensure!(events.find(|_| true).await.is_err_and(|error| error.to_string().contains("ended")), "it goes on");
    rig.end().await
}
