//! What somebody may call who holds a role on the pool, or is a member of a resource set. The server is connected for reading
//! only, so that what is let through changes nothing: the pool is not asked.

use anyhow::{Result, ensure};
use rig::{Answer, Auth, Client, Rig};
use serde_json::{Value, json};

use super::levels::{self, Level};
use super::{METHODS, by_line, fill, known, signed_in, token};
use crate::lines;

/// Name, role on the pool, the highest level that the role allows; a member of a resource set has none, and sees [`OFFERED`].
const CALLERS: [(&str, Option<(&str, Level)>); 4] = [
    ("viewer", Some(("viewer", Level::View))),
    ("operator", Some(("operator", Level::Operate))),
    ("owner", Some(("admin", Level::Administrate))),
    ("member", None),
];

/// What the resource set of the member has; `$set` is the set.
const OFFERED: [&str; 3] = ["$VM-template", "$SR", "$network"];

/// Calls that need a resource set: what they come to for its member. For all others the set does not exist.
const IN_SET: &[(&str, &str, Outcome)] = &[
    ("resourceSet.get", r#"{"id":"$set"}"#, Outcome::Let),
    ("vm.create", r#"{"template":"$VM-template","name_label":"a","resourceSet":"$set"}"#, Outcome::Let),
    (
        "vm.create",
        r#"{"template":"$VM-template","name_label":"a","resourceSet":"$set","VIFs":[{"network":"$network"}],
        "VDIs":[{"SR":"$SR","size":1048576,"type":"user"}]}"#,
        Outcome::Let,
    ),
    (
        "vm.create",
        r#"{"template":"$VM-template","name_label":"a","resourceSet":"$set","installation":{"method":"cdrom","repository":"$PIF"}}"#,
        Outcome::Hidden,
    ),
];

/// What a call came to, as far as rights are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// There is no such object, for this caller.
    Hidden,
    /// The object is seen, but this may not be done with it.
    Refused,
    /// The call itself was wrong: the ledger's fault.
    Wrong,
    /// Rights allow it.
    Let,
}

impl Outcome {
    fn of_code(code: i64) -> Self {
        match code {
            1 => Self::Hidden,
            2 => Self::Refused,
            10 | -32601 => Self::Wrong,
            _ => Self::Let,
        }
    }

    fn of_answer(answer: &Answer) -> Self {
        match answer.status {
            404 => Self::Hidden,
            // The connection refuses, not the rights.
            403 if answer.text.contains("forbidden operation") => Self::Let,
            403 => Self::Refused,
            400 | 401 | 422 => Self::Wrong,
            _ => Self::Let,
        }
    }

    /// `text` is what names the objects.
    fn wanted(level: Level, role: Option<(&str, Level)>, text: &str) -> Self {
        match role {
            None => {
                let rest = OFFERED.iter().fold(text.to_owned(), |text, offered| text.replace(offered, ""));
                match level {
                    _ if rest.contains('$') => Self::Hidden,
                    Level::View => Self::Let,
                    Level::Operate | Level::Administrate => Self::Refused,
                }
            }
            Some((_, up_to)) if up_to < level => Self::Refused,
            Some(_) => Self::Let,
        }
    }
}

struct Caller {
    name: &'static str,
    role: Option<(&'static str, Level)>,
    client: Client,
}

/// Returns the callers and the resource set of the member.
async fn callers(rig: &Rig, admin: &Client, known: &[(String, String)]) -> Result<(Vec<Caller>, String)> {
    let (mut callers, mut made) = (Vec::new(), String::new());
    for (name, role) in CALLERS {
        let id = admin.call("user.create", json!({ "email": name, "password": "pass-word" })).await?;
        if let Some((role, _)) = role {
            let pool = fill("$pool", known);
            admin.call("acl.add", json!({ "subject": id, "object": pool, "action": role })).await?;
        } else {
            let objects = OFFERED.map(|kind| fill(kind, known));
            let set = json!({ "name": "set", "subjects": [id], "objects": objects, "limits": { "cpus": 20 } });
            let set = admin.call("resourceSet.create", set).await?;
            made = set["id"].as_str().unwrap_or_default().to_owned();
        }
        let client = rig.client().await?;
        client.sign_in(name, "pass-word").await?;
        callers.push(Caller { name, role, client });
    }
    Ok((callers, made))
}

/// Returns the code of a call, 0 when it was done; "not implemented" must not look like success.
async fn attempt(client: &Client, name: &str, params: &Value) -> Result<i64> {
    let outcome = client.attempt(name, params.clone()).await?;
    Ok(outcome.map_or_else(|error| if error.code == 0 { super::NOT_YET } else { error.code }, |_| 0))
}

#[tokio::test]
async fn what_a_role_lets_through() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).settings("[rpc]\ntcp = \"127.0.0.1:0\"").start().await?;
    let admin = rig.admin().await?;
    let none = admin.call("user.create", json!({ "email": "none", "password": "none-1" })).await?;
    let known = known(&admin, &none).await?;
    let (callers, set) = callers(&rig, &admin, &known).await?;
    admin.call("server.set", json!({ "id": fill("$server", &known), "readOnly": true })).await?;
    rig::until("the pool to be for reading only", async || {
        let refused = admin.attempt("vm.set", json!({ "id": fill("$vm", &known), "name_description": "x" })).await;
        refused.ok()?.err()
    })
    .await?;

    let mut wrong = Vec::new();
    for caller in &callers {
        let token = token(&caller.client).await?;
        for (name, params, level) in levels::METHODS {
            let wanted = Outcome::wanted(*level, caller.role, params);
            let params: Value = serde_json::from_str(&fill(params, &known))?;
            let code = attempt(&caller.client, name, &params).await?;
            // What is wrong with the object itself is said to those who may.
            let by_admin = attempt(&admin, name, &params).await?;
            let by_tcp = by_line(lines::tcp(&rig).await?, &token, name, &params).await?;
            let local = by_line(lines::local(&rig).await?, &token, name, &params).await?;
            for (how, code) in [("WebSocket", code), ("TCP", by_tcp), ("the local socket", local)] {
                let like_admin = wanted == Outcome::Let && code == by_admin;
                if Outcome::of_code(code) != wanted && !like_admin {
                    wrong.push(format!("{name} by {} over {how}: wanted {wanted:?}, found {code}", caller.name));
                }
            }
        }
        for (name, params, of_member) in IN_SET {
            let params: Value = serde_json::from_str(&fill(&params.replace("$set", &set), &known))?;
            let wanted = if caller.role.is_none() { *of_member } else { Outcome::Hidden };
            let code = attempt(&caller.client, name, &params).await?;
            if Outcome::of_code(code) != wanted {
                wrong.push(format!("{name} {params} by {}: wanted {wanted:?}, found {code}", caller.name));
            }
        }
        // Where no object is meant, a role on one makes no difference: they are accounts as others are.
        for (name, params, [_, none, _]) in METHODS {
            // One that needs more than one object is refused for what it has.
            let skipped = ["user.changePassword", "vm.createVgpu"].contains(name);
            if skipped || levels::METHODS.iter().any(|(known, ..)| known == name) {
                continue;
            }
            // A new one each time: some of the calls end what they came with.
            let token = super::token(&caller.client).await?;
            let client = signed_in(&rig, &token).await?;
            let params: Value = serde_json::from_str(&fill(params, &known))?;
            let code = client.attempt(name, params).await?.map_or_else(|error| error.code, |_| 0);
            if code != *none {
                wrong.push(format!("{name} by {}: wanted {none}, found {code}", caller.name));
            }
        }
        let rest = rig.rest(Auth::Cookie("token", token));
        for (method, path, body, level) in levels::ROUTES {
            let (named, path) = (format!("{path} {body}"), format!("/rest/v0{}", fill(path, &known)));
            let json = [("Content-Type", "application/json".to_owned())];
            let headers = if body.is_empty() { &json[..0] } else { &json[..] };
            let answer = rest.send(method, &path, headers, fill(body, &known).as_bytes()).await?;
            let wanted = Outcome::wanted(*level, caller.role, &named);
            if Outcome::of_answer(&answer) != wanted {
                let text = answer.text.chars().take(200).collect::<String>();
                wrong.push(format!(
                    "{method} {path} by {}: wanted {wanted:?}, found {} {text}",
                    caller.name, answer.status
                ));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    rig.end().await
}

/// Kinds of which the recorded pool has none: the other test asks for an id that is not there.
const ABSENT: [&str; 12] = [
    "message.delete",
    "pci.getDom0AccessStatus",
    "pusb.set",
    "task.abort",
    "task.cancel",
    "task.destroy",
    "vm.createVgpu",
    "vm.deleteVgpu",
    "vtpm.destroy",
    "vusb.create",
    "vusb.destroy",
    "vusb.unplug",
];

#[test]
fn every_operation_on_an_object_has_a_level() -> Result<()> {
    let mut wrong = Vec::new();
    for (name, _, [_, none, _]) in METHODS {
        let own = ["token.", "user.", "resourceSet."].iter().any(|family| name.starts_with(family));
        let about_objects = *none == 1 && !own;
        let has_level = levels::METHODS.iter().any(|(known, ..)| known == name);
        if about_objects != (has_level || ABSENT.contains(name)) {
            wrong.push(*name);
        }
    }
    let known = |name: &&str| METHODS.iter().any(|(known, ..)| known == name);
    wrong.extend(levels::METHODS.iter().map(|(name, ..)| *name).filter(|name| !known(name)));
    ensure!(wrong.is_empty(), "these have no level, or need none: {wrong:?}");
    ensure!(levels::METHODS.iter().map(|(name, ..)| name).is_sorted(), "sorted, so that one is found");
    Ok(())
}
