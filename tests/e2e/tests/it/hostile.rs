//! Plugins that misbehave, installed and enabled beside auth-ldap: sign-in goes on, nothing of the daemon is used up, and the
//! settings page tells what happened.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::{compiled, enable_ldap, plugin_view};
use rig::{Auth, Client, Rig};
use serde_json::{Value, json};

/// Plugin, kinds of failure that may end its sign-ins, names to sign in with (a name is a door of `ungranted-ldap`).
const AT_SIGN_IN: &[(&str, &[&str], &[&str])] = &[
    ("hostile-deep-recursion", &["trap", "memory"], &["memory", "stack"]),
    ("hostile-endless-loop", &["cpu"], &["a", "b"]),
    ("hostile-giant-result", &["result-too-large"], &["c", "d"]),
    ("hostile-log-flood", &["cpu", "timeout", ""], &["e", "f"]),
    ("hostile-memory-bomb", &["memory", "trap"], &["g", "h"]),
    ("hostile-silent", &["timeout"], &["i", "j"]),
    // Often enough to open its circuit breaker.
    ("hostile-trap", &["trap"], &["k", "l", "m", "n", "o", "p"]),
    ("hostile-ungranted-ldap", &["plugin"], &["asked", "other-port", "other-host", "internet"]),
];

/// It can never be configured; the failure.
const AT_CHECK: (&str, &str) = ("hostile-loop-in-validate", "cpu");

/// It can never be enabled; the failure.
const AT_ENABLING: (&str, &str) = ("hostile-hang-in-activate", "timeout");

/// How much more memory the daemon may have afterwards.
const MARGIN: u64 = 5 << 20;

/// When the daemon has to be as before.
const LATER: Duration = Duration::from_secs(10);

/// A copy of auth-ldap that is asked after all others.
const LAST: &str = "zz-ldap";

/// Signs somebody in who must get in.
async fn gets_in(rig: &Rig, name: &str, provider: Option<&str>) -> Result<()> {
    let status = login(rig, name, &format!("{name}-Pw-1"), provider).await?;
    ensure!(status == 200, "{name} is kept out: {status}");
    Ok(())
}

async fn login(rig: &Rig, name: &str, password: &str, provider: Option<&str>) -> Result<u16> {
    let mut form = json!({ "username": name, "password": password });
    if let Some(provider) = provider {
        form["provider"] = json!(provider);
    }
    Ok(rig.rest(Auth::Nobody).post("/auth/login", &form).await?.status)
}

async fn enable(admin: &Client, id: &str) -> Result<()> {
    compiled(admin, id).await?;
    admin.call("plugin.configure", json!({ "id": id, "configuration": {} })).await?;
    admin.call("plugin.load", json!({ "id": id })).await.map(drop)
}

/// Threads that the daemon has when nothing happens: those for blocking work end ten seconds after their last work.
async fn idle_threads(rig: &Rig) -> Result<u64> {
    let (mut since, mut threads) = (Instant::now(), rig.threads()?);
    let idle = rig::until("the daemon to be idle", async || {
        let now = rig.threads().ok()?;
        if now != threads {
            (since, threads) = (Instant::now(), now);
        }
        (since.elapsed() > LATER + Duration::from_secs(1)).then_some(threads)
    });
    idle.await
}

#[tokio::test]
async fn plugins_that_misbehave_change_nothing_for_others() -> Result<()> {
    let mut builder =
        Rig::builder().pools(["single-host"]).slapd(true).plugin("auth-ldap").plugin(AT_CHECK.0).plugin(AT_ENABLING.0);
    for (id, ..) in AT_SIGN_IN {
        builder = builder.plugin(id);
    }
    let rig = builder.start().await?;
    // Beside the others as somebody would do it: copied into the folder of a running daemon.
    std::fs::copy(rig.plugins().join("auth-ldap.wasm"), rig.plugins().join(format!("{LAST}.wasm")))?;
    let admin = rig.admin().await?;
    enable_ldap(&rig, &admin).await?;
    for (id, ..) in AT_SIGN_IN {
        enable(&admin, id).await?;
    }
    compiled(&admin, LAST).await?;
    admin.call("plugin.configure", json!({ "id": LAST, "configuration": rig.slapd().config() })).await?;
    let mut grant = rig.slapd().grant();
    grant["id"] = json!(LAST);
    admin.call("plugin.grant", grant).await?;

    // What is made at its first use is made now.
    gets_in(&rig, "alice", Some("auth-ldap")).await?;
    gets_in(&rig, "bob", None).await?;
    ensure!(login(&rig, "nobody", "x", Some("auth-ldap")).await? == 401, "nobody");
    let threads = idle_threads(&rig).await?;
    let (rss, fds) = (rig.rss()?, rig.fds()?);

    attack(&rig, &admin).await?;

    // Ten seconds later nothing is left of it.
    let calm = Instant::now();
    let same = rig::until_within(LATER * 2, "the daemon to be as before", async || {
        let now = (rig.rss().ok()?, rig.fds().ok()?, rig.threads().ok()?);
        (now.0 <= rss + MARGIN && now.1 <= fds && now.2 <= threads).then_some(now)
    });
    let outcome = same.await;
    let now = (rig.rss()?, rig.fds()?, rig.threads()?);
    println!("before: {} KiB, {fds} descriptors, {threads} threads", rss >> 10);
    println!("{:?} after: {} KiB, {} descriptors, {} threads", calm.elapsed(), now.0 >> 10, now.1, now.2);
    outcome.with_context(|| format!("before {rss} {fds} {threads}, now {now:?}"))?;

    told(&admin).await?;
    rig.end().await
}

/// All at once: each hostile plugin is hit, and people sign in meanwhile.
async fn attack(rig: &Rig, admin: &Client) -> Result<()> {
    let hits = AT_SIGN_IN.iter().map(|(id, _, names)| async move {
        for name in *names {
            let status = login(rig, name, "x", Some(id)).await?;
            ensure!(status == 401, "{id} let {name} in, or more: {status}");
        }
        Ok(())
    });
    let hits = join(hits.collect());
    let check = async {
        compiled(admin, AT_CHECK.0).await?;
        let error = admin.refused("plugin.configure", json!({ "id": AT_CHECK.0, "configuration": {} })).await?;
        ensure!(error.code == -32000 && error.message.contains("processor time"), "{error}");
        Ok(())
    };
    let enabling = async {
        compiled(admin, AT_ENABLING.0).await?;
        admin.call("plugin.configure", json!({ "id": AT_ENABLING.0, "configuration": {} })).await?;
        let error = admin.refused("plugin.load", json!({ "id": AT_ENABLING.0 })).await?;
        ensure!(error.code == -32000 && error.message.contains("did not answer"), "{error}");
        Ok(())
    };
    let people = async {
        for _ in 0..5 {
            for (name, provider) in [("alice", None), ("bob", Some("auth-ldap"))] {
                let begun = Instant::now();
                gets_in(rig, name, provider).await?;
                println!("{name} signed in within {:?} during the attack", begun.elapsed());
            }
            ensure!(rig.get("/healthz").await?.status == 200, "healthz");
        }
        Ok(())
    };
    let (hits, check, enabling, people) = tokio::join!(hits, check, enabling, people);
    hits.and(check).and(enabling).and(people)?;

    // Someone new, who chooses no provider, while the only good one is asked after all the others.
    admin.call("plugin.unload", json!({ "id": "auth-ldap" })).await?;
    admin.call("plugin.load", json!({ "id": LAST })).await?;
    let begun = Instant::now();
    gets_in(rig, "carol", None).await?;
    println!("past all of them it took {:?}", begun.elapsed());
    admin.call("plugin.unload", json!({ "id": LAST })).await?;
    admin.call("plugin.load", json!({ "id": "auth-ldap" })).await?;
    gets_in(rig, "alice", None).await?;
    Ok(())
}

async fn join(work: Vec<impl Future<Output = Result<()>>>) -> Result<()> {
    // At the same time, on this one thread: the rig is not for others.
    let mut work: Vec<_> = work.into_iter().map(Box::pin).collect();
    let mut outcome = Ok(());
    std::future::poll_fn(|context| {
        work.retain_mut(|one| match one.as_mut().poll(context) {
            std::task::Poll::Ready(ended) => {
                if outcome.is_ok() {
                    outcome = ended;
                }
                false
            }
            std::task::Poll::Pending => true,
        });
        if work.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    outcome
}

/// The settings page knows what each of them did.
async fn told(admin: &Client) -> Result<()> {
    let once = [(AT_CHECK.0, AT_CHECK.1), (AT_ENABLING.0, AT_ENABLING.1)];
    let all = AT_SIGN_IN
        .iter()
        .map(|(id, kinds, _)| (*id, kinds.to_vec()))
        .chain(once.map(|(id, kind)| (id, vec![kind, "enable"])));
    for (id, kinds) in all {
        let view = plugin_view(admin, id).await?;
        let error = &view["lastError"];
        println!("{id}: {} ({}) {error}", view["state"], view["stateText"]);
        let kind = error["kind"].as_str().unwrap_or_default();
        ensure!(kinds.contains(&kind), "{id}: wanted one of {kinds:?}, found {error}");
        ensure!(kind.is_empty() || error["message"].as_str().is_some_and(|text| !text.is_empty()), "{id}: {error}");
        let activity = view["activity"].as_array().context("activity")?;
        ensure!(
            kind.is_empty() || activity.iter().any(|line| line["kind"] == "error" || line["kind"] == "denied"),
            "{id}: {activity:?}"
        );
    }
    let state = async |id: &str| Ok::<Value, anyhow::Error>(plugin_view(admin, id).await?["state"].clone());
    ensure!(state("hostile-trap").await? == "backing-off", "the breaker is open");
    ensure!(state(AT_CHECK.0).await? != "enabled" && state(AT_ENABLING.0).await? != "enabled", "never enabled");
    ensure!(state("auth-ldap").await? == "enabled", "the good one is as it was");
    Ok(())
}
