//! `kill -9` in the middle of configuration writes: what was acknowledged is there afterwards, whatever else is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use e2e::{compiled, plugin_view};
use rig::{Client, Rig};
use serde_json::{Value, json};

/// Writers at the same time, each with a socket of its own, each with its own kind of write.
const WRITERS: usize = 5;

/// Writes of each writer in a round: twenty in all.
const WRITES: u64 = 4;

/// What one writer knows: the number of its last acknowledged write; the next one may have been under way.
#[derive(Clone, Default)]
struct Acknowledged(Arc<AtomicU64>);

impl Acknowledged {
    fn get(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

async fn write(client: &Client, writer: usize, number: u64, server: &Value, tokens: &Tokens) -> Result<()> {
    let text = format!("write {number}");
    match writer {
        0 => {
            let config = json!({ "server": { "host": "192.0.2.1" }, "base": format!("ou={text}"), "bind": { "dn": "cn=reader", "password": text } });
            client.call("plugin.configure", json!({ "id": "auth-ldap", "configuration": config })).await?;
        }
        1 => drop(client.call("server.set", json!({ "id": server, "label": text })).await?),
        2 => {
            let me = client.call("session.getUser", json!({})).await?;
            client.call("user.set", json!({ "id": me["id"], "preferences": { "text": text } })).await?;
        }
        3 => {
            let token = client.call("token.create", json!({ "description": text })).await?;
            tokens.0.lock().await.push(token.as_str().context("a token")?.to_owned());
        }
        _ => drop(client.call("user.create", json!({ "email": text, "password": "p" })).await?),
    }
    Ok(())
}

#[derive(Clone, Default)]
struct Tokens(Arc<tokio::sync::Mutex<Vec<String>>>);

#[tokio::test]
async fn acknowledged_writes_survive_kill_9() -> Result<()> {
    let mut rig = Rig::builder().pools(["pool2"]).plugin("auth-ldap").start().await?;
    let admin = rig.admin().await?;
    compiled(&admin, "auth-ldap").await?;
    let server = admin.call("server.getAll", json!({})).await?[0]["id"].clone();
    let acknowledged: [Acknowledged; WRITERS] = Default::default();
    let tokens = Tokens::default();
    // After how many acknowledgements of a round the power fails; in between, by chance, anything is under way.
    let moments: &[u64] = match std::env::var_os("XYLEM_LONG") {
        Some(_) => &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
        None => &[1, 7, 12, 18],
    };
    for &moment in moments {
        let mut writers = tokio::task::JoinSet::new();
        let (arrived, power) = (tokio::sync::watch::Sender::new(0), Arc::new(AtomicBool::new(true)));
        for (writer, mine) in acknowledged.iter().enumerate() {
            let client = rig.admin().await?;
            let (mine, arrived, server, tokens) = (mine.clone(), arrived.clone(), server.clone(), tokens.clone());
            let power = power.clone();
            writers.spawn(async move {
                for number in mine.get() + 1..=mine.get() + WRITES {
                    match write(&client, writer, number, &server, &tokens).await {
                        Ok(()) => {}
                        Err(error) if power.load(Ordering::SeqCst) => return Err(error),
                        // The power failed; whether this one counts is not known.
                        Err(_) => break,
                    }
                    mine.0.store(number, Ordering::SeqCst);
                    arrived.send_modify(|count| *count += 1);
                }
                Ok(())
            });
        }
        let mut count = arrived.subscribe();
        drop(arrived);
        let enough = count.wait_for(|count| *count >= moment).await.is_ok();
        power.store(false, Ordering::SeqCst);
        rig.kill9();
        while let Some(ended) = writers.join_next().await {
            ended??;
        }
        ensure!(enough, "the writers ended too soon");
        rig.start_again().await?;
        check(&rig, &server, &acknowledged, &tokens).await.with_context(|| format!("killed after {moment} writes"))?;
    }
    rig.end().await
}

/// Compares what is there with what was acknowledged. Afterwards what was under way and came through counts too.
async fn check(rig: &Rig, server: &Value, acknowledged: &[Acknowledged; WRITERS], tokens: &Tokens) -> Result<()> {
    let admin = rig.admin().await?;
    compiled(&admin, "auth-ldap").await?;
    let plugin = plugin_view(&admin, "auth-ldap").await?;
    let servers = admin.call("server.getAll", json!({})).await?;
    let me = admin.call("session.getUser", json!({})).await?;
    let known = servers.as_array().into_iter().flatten().find(|s| s["id"] == *server).context("the server is there")?;
    let found = [&plugin["configuration"]["base"], &known["label"], &me["preferences"]["text"]];
    for (writer, found) in found.into_iter().enumerate() {
        let last = acknowledged[writer].get();
        let number =
            found.as_str().and_then(|text| text.trim_start_matches("ou=").strip_prefix("write ")?.parse().ok());
        let number: u64 = number.unwrap_or(0);
        ensure!(number == last || number == last + 1, "writer {writer}: acknowledged {last}, found {found}");
        acknowledged[writer].0.store(number, Ordering::SeqCst);
    }
    let tokens = tokens.0.lock().await;
    ensure!(tokens.len() as u64 >= acknowledged[3].get(), "a token for each acknowledgement");
    for token in tokens.iter() {
        let client = rig.client().await?;
        let user = client.call("session.signIn", json!({ "token": token })).await;
        ensure!(user.context("an acknowledged token")?["email"] == "admin");
    }
    let users = admin.call("user.getAll", json!({})).await?;
    let names: Vec<_> = users.as_array().into_iter().flatten().filter_map(|user| user["email"].as_str()).collect();
    for number in 1..=acknowledged[4].get() {
        ensure!(
            names.contains(&format!("write {number}").as_str()),
            "the acknowledged user {number} is gone: {names:?}"
        );
    }
    let mut next = acknowledged[4].get();
    while names.contains(&format!("write {}", next + 1).as_str()) {
        next += 1;
    }
    acknowledged[4].0.store(next, Ordering::SeqCst);
    Ok(())
}
