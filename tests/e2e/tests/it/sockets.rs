//! Many connections at once: most of them listen, some work, and nobody is in the way of anybody.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::future::{join_all, try_join_all};
use futures::stream::{self, StreamExt, TryStreamExt};
use rig::{Client, Rig, View};
use serde_json::json;

const IDLE: usize = 1_000;
const BUSY: usize = 100;
/// Calls of each that is busy.
const CALLS: usize = 50;

/// Connections that are opened at a time.
const AT_ONCE: usize = 50;

/// A time of the promise, five times over: machines that run tests do other things too.
const WITHIN: Duration = Duration::from_secs(5);

async fn open(rig: &Rig, token: &str, count: usize) -> Result<Vec<Client>> {
    let one = |_| async {
        let client = rig.client().await?;
        client.call("session.signInWithToken", json!({ "token": token })).await?;
        anyhow::Ok(client)
    };
    stream::iter(0..count).map(one).buffer_unordered(AT_ONCE).try_collect().await
}

async fn token(admin: &Client) -> Result<String> {
    let token = admin.call("token.create", json!({})).await?;
    Ok(token.as_str().context("a token is a text")?.to_owned())
}

#[tokio::test]
async fn a_thousand_listen_while_a_hundred_work() -> Result<()> {
    rlimit::increase_nofile_limit(10_000)?;
    let rig = Rig::builder().pools(["pool2"]).start().await?;
    let admin = rig.admin().await?;
    admin.watch().await?;
    admin.until("a VM", |view| view.of_kind("VM").next().map(drop)).await?;
    let (kept, ended) = (token(&admin).await?, token(&admin).await?);
    let (before, files) = (rig.rss()?, rig.fds()?);
    let idle = open(&rig, &ended, IDLE).await?;
    let busy = open(&rig, &kept, BUSY).await?;
    let grown = rig.rss()?.saturating_sub(before);
    println!("{} KiB for each of {} connections", (grown / (IDLE + BUSY) as u64) >> 10, IDLE + BUSY);
    ensure!(grown < 100 << 20, "the daemon grew by {} MiB", grown >> 20);

    let work = busy.iter().map(|client| async move {
        for _ in 0..CALLS {
            let pools = client.call("xo.getAllObjects", json!({ "filter": { "type": "pool" } })).await?;
            ensure!(pools.as_object().is_some_and(|pools| pools.len() == 1), "{pools}");
        }
        Ok(())
    });
    try_join_all(work).await?;

    // What happens to one VM reaches everybody.
    let vms = admin.call("xo.getAllObjects", json!({ "filter": { "type": "VM" } })).await?;
    let vm = vms.as_object().and_then(|vms| vms.keys().next()).context("a VM")?.clone();
    admin.call("vm.set", json!({ "id": vm, "name_label": "told to all" })).await?;
    let begin = Instant::now();
    let told = |view: &View| view.notifications.iter().any(|told| told.to_string().contains("told to all"));
    for client in idle.iter().chain(&busy) {
        client.until("the change", |view| told(view).then_some(())).await?;
    }
    println!("told to all in {:?}", begin.elapsed());

    // A token that is taken back ends what was opened with it, and nothing else.
    let begin = Instant::now();
    admin.call("token.delete", json!({ "tokens": [ended] })).await?;
    let closed = join_all(idle.iter().map(Client::closed)).await;
    let took = begin.elapsed();
    println!("{IDLE} connections ended in {took:?}");
    ensure!(closed.iter().all(Result::is_ok), "some stayed open");
    ensure!(took < WITHIN, "it took {took:?}");
    ensure!(busy.iter().all(|client| client.is_closed().is_none()));
    try_join_all(busy.iter().map(|client| client.call("session.getUser", json!({})))).await?;
    drop((idle, busy));
    rig::until("the connections to be gone", async || (rig.fds().ok()? <= files + 2).then_some(())).await?;
    drop(admin);
    rig.end().await
}

#[tokio::test]
async fn an_administrator_sees_who_is_connected_and_closes_all_others() -> Result<()> {
    let rig = Rig::builder().start().await?;
    let admin = rig.admin().await?;
    let user = admin.call("user.create", json!({ "email": "someone", "password": "a long password" })).await?;
    let someone = rig.client().await?;
    someone.call("session.signIn", json!({ "username": "someone", "password": "a long password" })).await?;
    let nobody = rig.client().await?;
    nobody.call("system.getVersion", json!({})).await?;

    let open = admin.call("api.getConnections", json!({})).await?;
    let open = open.as_array().context("a list")?;
    ensure!(open.len() == 3, "{open:?}");
    ensure!(open.iter().all(|socket| socket["user_ip"] == "127.0.0.1"), "{open:?}");
    ensure!(open.iter().filter(|socket| socket["user_id"] == user).count() == 1, "{open:?}");
    ensure!(open.iter().filter(|socket| socket["user_id"].is_null()).count() == 1, "{open:?}");

    admin.call("api.closeAllConnections", json!({})).await?;
    for client in [&someone, &nobody] {
        client.closed().await?;
    }
    loop {
        let open = admin.call("api.getConnections", json!({})).await?;
        if open.as_array().is_some_and(|open| open.len() == 1) {
            return Ok(());
        }
        tokio::task::yield_now().await;
    }
}
