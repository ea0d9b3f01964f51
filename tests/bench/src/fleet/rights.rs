//! A hundred users with a hundred different sets of rights, who all listen while everything changes.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use serde_json::{Value, json};

use super::own::Own;
use super::storm::{Subscriber, Targets};
use super::{Rounds, Scene, step};
use crate::report::Figure;

const USERS: usize = 100;
const RATE: u32 = 1_000;

/// Accounts that are made at a time: each costs an expensive hash of its password.
const AT_ONCE: usize = 4;

/// Each user is granted VMs of its own, spread over all pools, and one host with what runs on it, which somebody else may
/// have, too. So each sees some fifty VMs, and no two the same.
pub(super) async fn events(rounds: &mut Rounds, scene: &Scene, time: Duration) -> Result<()> {
    step(&format!("medium fleet: {USERS} users with rights of their own"));
    let targets = Targets::of(&scene.sims);
    let listed = scene.admin.call("xo.getAllObjects", json!({})).await?;
    let listed = listed.as_object().context("the listing is an object")?;
    let hosts: Vec<&String> = listed.iter().filter(|(_, object)| object["type"] == "host").map(|(id, _)| id).collect();
    let ids: Vec<String> = targets.ids().context("the VMs have ids")?;
    let made = (0..USERS).map(|user| {
        let (ids, host) = (&ids, hosts[user % hosts.len()]);
        async move {
            let own: Vec<usize> = (user..ids.len()).step_by(USERS).collect();
            let granted = own.iter().map(|vm| ids[*vm].as_str()).chain([host.as_str()]);
            let token = account(scene, &format!("user {user}"), granted).await?;
            let on_host = |vm: &usize| listed.get(&ids[*vm]).is_some_and(|vm| vm["$container"] == json!(host));
            let sees: HashSet<u32> =
                own.into_iter().chain((0..ids.len()).filter(on_host)).map(|vm| vm as u32).collect();
            anyhow::Ok(Subscriber { token, sees: Some(sees) })
        }
    });
    let made: Vec<Result<Subscriber>> = futures::stream::iter(made).buffer_unordered(AT_ONCE).collect().await;
    let subscribers = made.into_iter().collect::<Result<Vec<_>>>()?;
    let different: HashSet<Vec<u32>> = subscribers.iter().map(Subscriber::sorted).collect();
    ensure!(different.len() == USERS, "two users see the same");

    step(&format!("medium fleet: {RATE} changes/s, {USERS} users"));
    let before = scene.rig.processor()?;
    let own = Own::read(&scene.rig).await?;
    let begin = Instant::now();
    let heard = targets.storm_to(scene.address(), &subscribers, RATE, time).await?;
    let cores = (scene.rig.processor()? - before) / begin.elapsed().as_secs_f64();
    let own = Own::read(&scene.rig).await?.since(&own);
    let figure = |what: &str, unit, about| Figure::new(format!("events_{RATE}_{USERS}_rights_{what}"), unit, about);
    rounds.add(heard.p50, figure("p50", "ms", "from change to socket, each with rights of its own"));
    rounds.add(heard.p95, figure("p95", "ms", "from change to socket"));
    rounds.add(heard.p99, figure("p99", "ms", "from change to socket, XAPI's pauses included").at_most(75.0));
    let part = figure("own_p99", "ms", "from the answer of event.from to the last byte written").at_most(20.0);
    rounds.add(own.quantile(0.99)? * 1e3, part);
    rounds.add(heard.lost as f64, figure("lost", "", "states that never came to who may see them").at_most(0.0));
    rounds.add(heard.leaked as f64, figure("leaked", "", "states that came to who may not see them").at_most(0.0));
    rounds.add(cores, figure("cores", "", "processor seconds per second"));
    rounds.add(cores / heard.rate * 1e3, figure("per_1000", "s", "processor seconds per 1,000 changes"));
    Ok(())
}

/// Makes an account with these grants and returns a token of it.
async fn account<'a>(scene: &Scene, name: &str, granted: impl Iterator<Item = &'a str>) -> Result<String> {
    let password = "pass-word";
    let id = scene.admin.call("user.create", json!({ "email": name, "password": password })).await?;
    let entries = granted
        .map(|object| scene.admin.call("acl.add", json!({ "subject": id, "object": object, "action": "viewer" })));
    futures::future::try_join_all(entries).await.context("grant what it may see")?;
    let client = scene.rig.client().await?;
    client.sign_in(name, password).await?;
    let token: Value = client.call("token.create", json!({ "description": "bench" })).await?;
    Ok(token.as_str().context("a token is a text")?.to_owned())
}
