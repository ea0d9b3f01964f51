//! A pool fails in every way it can: the list goes stale visibly, stays, and recovers by itself to the pool's real state.

use anyhow::{Context, Result, ensure};
use e2e::{differences, listed, pool_id, simulated};
use rig::{Client, Rig};
use serde_json::{Value, json};
use xapi_sim::{Fleet, Member, Members, Options, Sim};

/// A change that the daemon misses, or has to see, and its name.
fn rename_a_vm(sim: &Sim, name: &str) -> Result<()> {
    let vm = sim.records("VM").into_iter().find(|(_, vm)| is_real(vm)).context("a VM")?;
    sim.set("VM", &vm.0, "name_label", json!(name))
}

fn is_real(vm: &Value) -> bool {
    ["is_a_template", "is_a_snapshot", "is_control_domain"].iter().all(|field| vm[*field] != true)
}

/// Waits until the client's picture of a pool is what the pool has, and the server says so.
async fn recovers(client: &Client, sim: &Sim, name: &str) -> Result<()> {
    let (host, pool) = (sim.host(), pool_id(sim));
    let mut left = Vec::new();
    let recovered = client.until(name, |view| {
        let server = view.server(&host)?;
        left = differences(&simulated(sim), &listed(view, &pool));
        left.truncate(10);
        left.push(server.to_string());
        let live = server["stale"] == false && server["status"] == "connected" && server["error"].is_null();
        (live && left.len() == 1 && view.named("VM", name).is_some()).then_some(())
    });
    let outcome = recovered.await;
    outcome.with_context(|| format!("still different:\n{}", left.join("\n")))
}

#[tokio::test]
async fn a_pool_that_fails_goes_stale_and_recovers_by_itself() -> Result<()> {
    let rig = Rig::builder().pools(["pool2", "snapshots"]).start().await?;
    let (sim, beside) = (rig.sim(0), rig.sim(1));
    let client = rig.admin().await?;
    client.watch().await?;
    client.watch_servers().await?;
    let (pool, host) = (pool_id(sim), sim.host());
    let before = listed(&client.view(), &pool);

    // The master is gone.
    sim.pause_listening().await;
    sim.drop_connections();
    let stale = client.until("the server to be stale", |view| {
        let server = view.server(&host)?;
        let told = server["error"]["message"].is_string() && server["error"]["nextAttempt"].is_u64();
        (server["stale"] == true && told).then(|| server.clone())
    });
    let stale = stale.await?;
    ensure!(
        stale["status"] == "connecting" && stale["staleSince"].is_u64() && stale["poolId"] == json!(pool),
        "{stale}"
    );
    ensure!(listed(&client.view(), &pool) == before, "the objects stay listed meanwhile");
    let fresh = rig.admin().await?;
    fresh.watch().await?;
    ensure!(listed(&fresh.view(), &pool) == before, "also for those who come now");
    let vm = fresh.view().of_kind("VM").find(|vm| vm["$pool"] == json!(pool)).cloned().context("a VM")?;
    let error = fresh.refused("vm.start", json!({ "id": vm["id"] })).await?;
    ensure!(error.code == 9, "nothing can be done there: {error}");
    ensure!(
        client.view().server(&beside.host()).is_some_and(|server| server["stale"] == false),
        "the other pool is fine"
    );
    ensure!(rig.metric("xylem_pools", "state=\"connected\"").await? == 1.0, "the metrics know");

    // Meanwhile things happen there; then it is back.
    rename_a_vm(sim, "renamed while away")?;
    let snapshot = sim.records("VM").into_iter().find(|(_, vm)| vm["is_a_snapshot"] == true).context("a snapshot")?;
    sim.remove("VM", &snapshot.0);
    sim.resume_listening().await;
    recovers(&client, sim, "renamed while away").await?;
    ensure!(
        !client.view().objects.contains_key(snapshot.1["uuid"].as_str().unwrap_or_default()),
        "what is gone is gone"
    );

    // The session ends; the events of the time between are not lost.
    sim.kill_sessions();
    rename_a_vm(sim, "renamed without a session")?;
    recovers(&client, sim, "renamed without a session").await?;

    // The events are lost: everything is read again.
    sim.insert("network", json!({ "name_label": "a new network" }))?;
    sim.lose_events();
    rename_a_vm(sim, "renamed without events")?;
    recovers(&client, sim, "renamed without events").await?;
    ensure!(client.view().named("network", "a new network").is_some(), "the new network");

    // The toolstack restarts: sessions, tasks and deletions are forgotten.
    let network = sim.find("network", "a new network").context("the network")?;
    sim.remove("network", &network);
    sim.restart();
    rename_a_vm(sim, "renamed after a restart")?;
    recovers(&client, sim, "renamed after a restart").await?;
    ensure!(client.view().named("network", "a new network").is_none(), "the network is gone");

    // Answers that are nonsense, and half ones. (From the other pool: with each loss the first one waits longer.)
    beside.http_error("event.from", 503, 1);
    beside.drop_connections();
    rename_a_vm(beside, "renamed behind a broken proxy")?;
    recovers(&client, beside, "renamed behind a broken proxy").await?;
    beside.half_answer("event.from", 1);
    rename_a_vm(beside, "renamed in half an answer")?;
    recovers(&client, beside, "renamed in half an answer").await?;

    // Another certificate is another machine: refused until an administrator says otherwise, and said clearly.
    let host = beside.host();
    let before = beside.fingerprint();
    let fingerprint = beside.swap_certificate().context("it speaks TLS")?;
    beside.drop_connections();
    let refused = client.until("the new certificate to be refused", |view| {
        let server = view.server(&host)?;
        let seen = server["error"]["fingerprint"].as_str()?.replace(':', "");
        seen.eq_ignore_ascii_case(&fingerprint.replace(':', "")).then(|| server.clone())
    });
    let refused = refused.await?;
    ensure!(refused["stale"] == true && refused["status"] == "disconnected", "{refused}");
    ensure!(refused["error"]["expectedFingerprint"] == json!(before), "{refused}");
    let told = client.view().notifications.len();
    client.call("server.set", json!({ "id": refused["id"], "fingerprint": fingerprint })).await?;
    rename_a_vm(beside, "renamed under a new certificate")?;
    recovers(&client, beside, "renamed under a new certificate").await?;
    // Another way to the same pool: nobody sees it go and come.
    client.call("server.set", json!({ "id": refused["id"], "readOnly": true })).await?;
    rename_a_vm(beside, "renamed while only read")?;
    recovers(&client, beside, "renamed while only read").await?;
    let view = client.view();
    let (id, mut since) = (pool_id(beside), view.notifications.iter().skip(told));
    let gone = since.any(|note| note["params"]["type"] == "exit" && note["params"]["items"].get(&id).is_some());
    ensure!(!gone, "the pool was away for a moment");
    e2e::same(&simulated(sim), &listed(&client.view(), &pool))?;
    ensure!(client.is_closed().is_none(), "the client was never thrown out");
    rig.end().await
}

#[tokio::test]
async fn a_pool_is_found_at_another_member_also_after_a_restart() -> Result<()> {
    let fleet = Fleet { vms: 20, snapshots: 2, templates: 2, ..Fleet::small() };
    let options = Options { members: Members::Loopback, ..fleet.options(0) };
    let mut rig = Rig::builder().pool(options).start().await?;
    let client = rig.admin().await?;
    client.watch().await?;
    client.watch_servers().await?;
    let sim = rig.sim(0).clone();
    let (host, all) = (sim.host(), sim.members());
    let place = |member: &Member| member.url.split("//").nth(1).unwrap_or_default().to_owned();
    let told = client.until("the members", |view| {
        let server = view.server(&host)?;
        (server["members"].as_array()?.len() == all.len()).then(|| server.clone())
    });
    let told = told.await?;
    for member in &all {
        let wanted = json!({ "address": member.address, "fingerprint": member.fingerprint });
        ensure!(told["members"].as_array().is_some_and(|list| list.contains(&wanted)), "{wanted} in {told}");
    }
    ensure!(told["member"] == json!(host), "{told}");

    // The entry dies, another host is the master.
    sim.fail_over(&all[1].host).await?;
    rename_a_vm(&sim, "renamed by another master")?;
    recovers(&client, &sim, "renamed by another master").await?;
    let now = client.until("the other member", |view| view.server(&host).cloned()).await?;
    ensure!(now["member"] == json!(place(&all[1])) && now["host"] == json!(host), "{now}");
    let halted =
        client.view().of_kind("VM").find(|vm| vm["power_state"] == "Halted").cloned().context("a halted VM")?;
    client.call("vm.start", json!({ "id": halted["id"] })).await?;

    // The daemon does not forget whom it may ask.
    rig.stop().await?;
    sim.fail_over(&all[2].host).await?;
    rig.start_again().await?;
    rig.pools_are_live().await?;
    let client = rig.admin().await?;
    client.watch().await?;
    client.watch_servers().await?;
    rename_a_vm(&sim, "renamed after a restart")?;
    recovers(&client, &sim, "renamed after a restart").await?;
    let now = client.until("the third member", |view| view.server(&host).cloned()).await?;
    ensure!(now["member"] == json!(place(&all[2])), "{now}");
    rig.end().await
}

/// One administrator changes the way to a pool, another one disables it in the same moment: it is away, and stays away.
#[tokio::test]
async fn a_server_that_is_changed_and_disabled_at_once_is_away() -> Result<()> {
    let rig = Rig::builder().pools(["pool2"]).start().await?;
    let (sim, client, other) = (rig.sim(0), rig.admin().await?, rig.admin().await?);
    let (pool, host) = (pool_id(sim), sim.host());
    client.watch().await?;
    client.watch_servers().await?;
    let server = client.view().server(&host).context("the server")?["id"].clone();
    for read_only in [true, false, true] {
        // The old worker says good-bye to the pool, which takes a while.
        sim.slow("session.logout", std::time::Duration::from_millis(300));
        let (logouts, logins) = (sim.calls_of("session.logout"), sim.calls_of("session.login_with_password"));
        let change = other.call("server.set", json!({ "id": server, "readOnly": read_only }));
        let disable = async {
            rig::until("the change to be under way", async || (sim.calls_of("session.logout") > logouts).then_some(()))
                .await?;
            client.call("server.disable", json!({ "id": server })).await
        };
        let (changed, disabled) = tokio::join!(change, disable);
        changed.and(disabled)?;
        let away = client.until("the pool to be away", |view| {
            let server = view.server(&host)?;
            let none = view.objects.values().all(|object| object["$pool"] != json!(pool));
            (none && server["status"] == "disconnected" && server["enabled"] == false).then_some(())
        });
        away.await?;
        ensure!(sim.calls_of("session.login_with_password") == logins, "nobody came back");
        client.call("server.enable", json!({ "id": server })).await?;
        client.until("the pool to be back", |view| view.objects.get(&pool).map(drop)).await?;
    }
    rig.end().await
}
