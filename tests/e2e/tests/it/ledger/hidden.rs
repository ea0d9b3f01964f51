//! What somebody without rights must not learn: that an object exists. Whatever they ask about one that is hidden is answered as
//! it is about one that nobody has.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use rig::{Auth, Rest, Rig};
use serde_json::{Value, json};

use super::{fill, known, levels, rest, token};

/// Routes whose content comes with the data plane: what they answer may not tell either.
const LATER: [(&str, &str); 6] = [
    ("GET", "/vms/$vm.xva"),
    ("GET", "/vms/$vm.ova"),
    ("GET", "/vdis/$VDI.vhd"),
    ("PUT", "/vdis/$VDI.raw"),
    ("POST", "/pools/$pool/vms?sr=$SR"),
    ("GET", "/hosts/$host/logs.tgz"),
];

/// The ids of a rig, and as many that nobody has.
struct Ids {
    hidden: Vec<(String, String)>,
    absent: Vec<(String, String)>,
}

impl Ids {
    fn new(hidden: Vec<(String, String)>) -> Self {
        // Of the same shape, digit by digit the next one; so the ids of default templates still have a pool's in front.
        let next = |letter| match letter {
            '0'..='8' | 'a'..='e' => char::from_u32(u32::from(letter) + 1).unwrap_or(letter),
            '9' => 'a',
            'f' => '0',
            other => other,
        };
        let absent = hidden.iter().map(|(name, id)| (name.clone(), id.chars().map(next).collect()));
        let absent = absent.collect();
        Self { hidden, absent }
    }

    /// Returns a text without the ids it was asked about.
    fn blank(text: &str, ids: &[(String, String)]) -> String {
        ids.iter().fold(text.to_owned(), |text, (name, id)| text.replace(id.as_str(), &format!("<{name}>")))
    }
}

async fn answer(rest: &Rest, method: &str, path: &str, body: &str, ids: &[(String, String)]) -> Result<String> {
    let json = [("Content-Type", "application/json".to_owned())];
    let headers = if body.is_empty() { &json[..0] } else { &json[..] };
    let path = format!("/rest/v0{}", fill(path, ids));
    let answer = rest.send(method, &path, headers, fill(body, ids).as_bytes()).await?;
    let headers: BTreeMap<_, _> = answer.headers.iter().filter(|(name, _)| name != "date").cloned().collect();
    Ok(Ids::blank(&format!("{} {headers:?} {}", answer.status, answer.text), ids))
}

#[tokio::test]
async fn hidden_is_as_absent() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let admin = rig.admin().await?;
    let user = admin.call("user.create", json!({ "email": "stranger", "password": "stranger-1" })).await?;
    let ids = Ids::new(known(&admin, &user).await?);
    let stranger = rig.client().await?;
    stranger.sign_in("stranger", "stranger-1").await?;
    let mut wrong = Vec::new();

    for (name, params, _) in levels::METHODS {
        let mut said = Vec::new();
        for ids in [&ids.hidden, &ids.absent] {
            let params: Value = serde_json::from_str(&fill(params, ids))?;
            let error = stranger.refused(name, params).await?;
            said.push(Ids::blank(&format!("{} {} {}", error.code, error.message, error.data), ids));
        }
        if said[0] != said[1] {
            wrong.push(format!("{name}: {} but {}", said[0], said[1]));
        }
    }

    let rest = rig.rest(Auth::Cookie("token", token(&stranger).await?));
    let routes = levels::ROUTES.iter().map(|(method, path, body, _)| (*method, *path, *body));
    for (method, path, body) in routes.chain(LATER.map(|(method, path)| (method, path, ""))) {
        let hidden = answer(&rest, method, path, body, &ids.hidden).await?;
        let absent = answer(&rest, method, path, body, &ids.absent).await?;
        if hidden != absent {
            wrong.push(format!("{method} {path}: {hidden} but {absent}"));
        }
    }
    // Tasks of others: one that is there, one that is not.
    let vm = fill("$vm", &ids.hidden);
    let begun = rig.admin_rest()?.post(&format!("/vms/{vm}/actions/hard_reboot"), &json!({})).await?;
    let task = begun.json()["taskId"].as_str().context("a task")?.to_owned();
    let other: String = task.chars().rev().collect();
    for (method, path) in [("GET", "/tasks/"), ("DELETE", "/tasks/"), ("POST", "/tasks/")] {
        let path = |task: &str| format!("{path}{task}{}", if method == "POST" { "/actions/abort" } else { "" });
        let hidden = answer(&rest, method, &path(&task), "", &[("task".to_owned(), task.clone())]).await?;
        let absent = answer(&rest, method, &path(&other), "", &[("task".to_owned(), other.clone())]).await?;
        if hidden != absent {
            wrong.push(format!("{method} /tasks: {hidden} but {absent}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));

    // Lists and exports have nothing in them, and the socket heard of nothing. (The stream of events has a story of its own.)
    let lists = rest::ROUTES.iter().filter(|(method, path, _)| *method == "GET" && path.matches('/').count() == 1);
    for (method, path, _) in lists.filter(|(_, path, _)| *path != "/events") {
        let text = answer(&rest, method, path, "", &ids.hidden).await?;
        let told = ids.hidden.iter().find(|(name, _)| *name != "none" && text.contains(&format!("<{name}>")));
        ensure!(told.is_none(), "{path} tells of {told:?}");
    }
    let export = stranger.call("xo.getAllObjects", json!({ "ndjson": true })).await?;
    let export = rig.get(export["$getFrom"].as_str().context("a path")?).await?;
    ensure!((export.status, export.text.trim()) == (200, ""), "{}", export.text);
    ensure!(stranger.view().objects.is_empty());
    rig.end().await
}
