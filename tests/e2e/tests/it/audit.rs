//! The audit log: who did what and from where, in one chain that goes on over a restart, can be checked and taken away.

use anyhow::{Context, Result, ensure};
use rig::{Auth, Client, Rig};
use serde_json::{Value, json};

use crate::lines;

async fn records(admin: &Client) -> Result<Vec<Value>> {
    let records = admin.call("audit.getRecords", json!({})).await?;
    Ok(records.as_array().context("a list")?.clone())
}

#[tokio::test]
async fn who_did_what_is_one_chain() -> Result<()> {
    let mut rig = Rig::builder().pools(["single-host"]).start().await?;
    let admin = rig.admin().await?;
    let me = admin.call("session.getUser", json!({})).await?;
    let token = admin.call("token.create", json!({})).await?;
    let rest = rig.rest(Auth::Cookie("token", token.as_str().context("a token")?.to_owned()));
    let before = records(&admin).await?.len();
    // Many at once: each has its place.
    let made = (0..20)
        .map(|number| admin.call("user.create", json!({ "email": format!("user-{number}"), "password": "a secret" })));
    let ids = futures::future::try_join_all(made).await?;
    ensure!(admin.refused("user.create", json!({ "email": "user-0", "password": "a secret" })).await?.code == 16);
    let guess = rig.client().await?;
    guess.refused("session.signIn", json!({ "email": "admin", "password": "wrong" })).await?;
    let mut local = lines::local(&rig).await?;
    ensure!(local.call("user.delete", json!({ "id": ids[0] })).await?.is_ok());

    let all = records(&admin).await?;
    ensure!(all.len() == before + 23 && !json!(all).to_string().contains("a secret"), "{} records", all.len());
    let by_root = json!({ "userName": "local administrator (uid 0)" });
    let own = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self")?);
    ensure!(own != 0 || all[0]["subject"] == by_root, "{}", all[0]);
    ensure!(all[0]["data"]["params"]["id"] == ids[0] && all[0]["event"] == "apiCall");
    ensure!(all[1]["event"] == "signInFailed" && all[1]["subject"]["userIp"] == "127.0.0.1", "{}", all[1]);
    let subject = json!({ "userId": me["id"], "userName": "admin", "userIp": "127.0.0.1" });
    ensure!(all[2]["subject"] == subject && all[2]["data"]["error"]["code"] == 16, "{}", all[2]);
    let failed = admin.call("log.get", json!({ "namespace": "api" })).await?;
    let entry = &failed[all[2]["id"].as_str().context("an id")?];
    ensure!(entry["message"] == all[2]["data"]["error"]["message"] && entry["level"] == "error", "{failed}");
    ensure!(entry["data"]["userId"] == me["id"] && entry["data"]["method"] == "user.create", "{failed}");
    ensure!(!failed.to_string().contains("a secret"));
    ensure!(admin.call("log.get", json!({ "namespace": "jobs" })).await? == json!({}));
    for pair in all.windows(2) {
        ensure!(pair[0]["previousId"] == pair[1]["id"], "{pair:?}");
    }
    ensure!(admin.call("audit.checkIntegrity", json!({})).await? == json!(all.len()));
    let some = admin.call("audit.getRecords", json!({ "id": all[5]["id"], "maxRecords": 2 })).await?;
    ensure!(some == json!(all[5..7]), "{some}");
    ensure!(admin.refused("audit.getRecords", json!({ "id": "nothing" })).await?.code == 1);
    let missing = admin.refused("audit.checkIntegrity", json!({ "newest": "nothing" })).await?;
    ensure!(missing.code == 22 && missing.data == json!({ "id": "nothing", "nValid": 0 }), "{missing}");
    let print = admin.call("audit.generateFingerprint", json!({})).await?;
    ensure!(print["newest"] == all[0]["id"] && print["nValid"] == all.len() && print.get("error").is_none(), "{print}");

    // The same by REST, with filters.
    let listed = rest.get("/plugins/audit/records?fields=*").await?.json();
    let of_rest = |record: &Value, href: &Value| {
        let mut record = record.clone();
        record["href"] = href.clone();
        record
    };
    let wanted: Vec<Value> = listed
        .as_array()
        .context("a list")?
        .iter()
        .zip(&records(&admin).await?)
        .map(|(listed, record)| of_rest(record, &listed["href"]))
        .collect();
    ensure!(listed == json!(wanted) && wanted.len() >= all.len(), "{} records by REST", wanted.len());
    let guesses = rest.get("/plugins/audit/records?filter=event:signInFailed&fields=id&limit=5").await?.json();
    let href = guesses[0]["href"].as_str().context("an address")?.trim_start_matches("/rest/v0").to_owned();
    ensure!(guesses.as_array().is_some_and(|found| found.len() == 1) && guesses[0]["id"] == all[1]["id"], "{guesses}");
    ensure!(rest.get(&href).await?.json() == all[1], "{href}");
    let from = format!("/plugins/audit/records?fields=id&limit=2&from={}", all[3]["id"].as_str().context("an id")?);
    let found = rest.get(&from).await?.json();
    ensure!(found[0]["id"] == all[3]["id"] && found[1]["id"] == all[4]["id"], "{found}");

    // Taken away: one on each line, for administrators only, also when the address is read.
    let path = admin.call("audit.exportRecords", json!({})).await?;
    let path = path["$getFrom"].as_str().context("an address")?.to_owned();
    let text = rig.get(&path).await?;
    let lines: Vec<Value> = text.text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    ensure!(lines == all, "{} lines", lines.len());
    let id = &ids[1];
    admin.call("user.set", json!({ "id": id, "permission": "admin" })).await?;
    let other = rig.client().await?;
    other.sign_in("user-1", "a secret").await?;
    let path = other.call("audit.exportRecords", json!({})).await?;
    admin.call("user.set", json!({ "id": id, "permission": "none" })).await?;
    let status = rig.get(path["$getFrom"].as_str().context("an address")?).await?.status;
    ensure!(status == 403, "{status}");

    // It goes on after a restart.
    let before = records(&admin).await?;
    rig.restart().await?;
    let admin = rig.admin().await?;
    admin.call("user.delete", json!({ "id": id })).await?;
    let after = records(&admin).await?;
    ensure!(after[after.len() - before.len()..] == before[..] && after.len() > before.len());
    ensure!(
        admin
            .call("audit.checkIntegrity", json!({ "oldest": before[0]["id"] }))
            .await?
            .as_u64()
            .is_some_and(|n| n >= 2)
    );
    ensure!(admin.call("audit.checkIntegrity", json!({})).await? == json!(after.len()));
    rig.end().await
}
