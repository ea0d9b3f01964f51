//! The fault matrix: every fault, when nothing happens, in the middle of the first load and of a later one, and in a storm
//! of changes. Each time the picture becomes the pool's again within a stated time after the fault ends, and nobody sees an
//! empty or half picture meanwhile.
//!
//! In short: some cells by chance, a seed tells which (`XYLEM_SEED` repeats it). With `XYLEM_LONG`: all of them, and 1,000
//! reconnections.

mod faults;
mod watcher;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use e2e::{differences, listed, pool_id, simulated};
use rig::{Client, Rig};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use xapi_sim::{Fleet, Members, Options, Sim};

use faults::{FAULTS, Fault, Lasts, Scene};
use watcher::{Watcher, Whole};

/// Settings under which the matrix is quick; the defaults wait longer.
const SETTINGS: &str = "[xapi]\nconnect = 2\nlogin = 5\ncall = 10\nload = 10\nstall = 4\nevent_poll = 1\nevent_margin = 4\n\
    failover = 0.5\nretry_first = 0.05\nretry_last = 1\nsettled = 1\n";

/// Within this time after the end of a fault the picture is the pool's: the longest wait between two attempts (`retry_last`),
/// the search for the master among members that are silent (`failover` for each), and a load.
const STATED: Duration = Duration::from_secs(5);

/// What a test gives it: a busy machine is no fault.
const GIVEN: Duration = Duration::from_secs(25);

/// In all that a cell may take, with the fault itself.
const CELL: Duration = Duration::from_secs(120);

/// How many cells are tried in short.
const SAMPLE: usize = 6;

/// Answers with more bytes than this are loads of the whole pool.
const LOAD: usize = 100_000;

/// Changes a second in a storm.
const RATE: f64 = 300.0;

/// When a fault comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Idle,
    /// Half of the pool has arrived, and nothing of it was known before.
    FirstLoad,
    /// Half of the pool has arrived once more.
    Reload,
    Storm,
}

const MOMENTS: [Moment; 4] = [Moment::Idle, Moment::FirstLoad, Moment::Reload, Moment::Storm];

/// Renames a VM, which the daemon has to see in the end.
fn change(sim: &Sim) -> Result<()> {
    let real =
        |vm: &Value| ["is_a_template", "is_a_snapshot", "is_control_domain"].iter().all(|field| vm[*field] != true);
    let (vm, record) = sim.records("VM").into_iter().find(|(_, vm)| real(vm)).context("a VM")?;
    let name = record["name_label"].as_str().unwrap_or_default();
    // No name is longer than a few changes.
    let name = if name.len() > 40 { "renamed" } else { name };
    sim.set("VM", &vm, "name_label", json!(format!("{name}+")))
}

/// A pool in which much changes, and networks come and go.
struct Storm {
    changes: xapi_sim::Storm,
    networks: JoinHandle<()>,
}

impl Storm {
    async fn start(sim: &Sim) -> Result<Self> {
        let (changes, networks) = (sim.storm(RATE), tokio::spawn(come_and_go(sim.clone())));
        let storm = Self { changes, networks };
        rig::until("the storm", async || (storm.changes.changes() > 100).then_some(())).await?;
        Ok(storm)
    }

    async fn stop(self) {
        self.networks.abort();
        // Aborted or not: it has ended.
        let _ = self.networks.await;
        self.changes.stop().await;
    }
}

async fn come_and_go(sim: Sim) {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    loop {
        tick.tick().await;
        let Ok(network) = sim.insert("network", json!({ "name_label": "for a moment" })) else { return };
        tick.tick().await;
        sim.remove("network", &network);
    }
}

/// Waits until a client's picture is the pool's and the server is live.
async fn recovers(client: &Client, sim: &Sim) -> Result<()> {
    let (pool, host, wanted) = (pool_id(sim), sim.host(), simulated(sim));
    let mut left = Vec::new();
    let same = client.until_within(GIVEN, "the pool's own picture", |view| {
        let server = view.server(&host)?;
        let live = server["stale"] == false && server["status"] == "connected" && server["error"].is_null();
        left = if live { differences(&wanted, &listed(view, &pool)) } else { vec![server.to_string()] };
        left.truncate(5);
        left.is_empty().then_some(())
    });
    let outcome = same.await;
    outcome.with_context(|| format!("still different:\n{}", left.join("\n")))
}

/// Lets a fault happen at a moment, and returns how long the picture needed after it, and how often it was listed.
async fn cell(rig: &Rig, fault: &Fault, moment: Moment) -> Result<(Duration, u32)> {
    let (sim, client) = (rig.sim(0), rig.admin().await?);
    client.watch().await?;
    client.watch_servers().await?;
    let (pool, host) = (pool_id(sim), sim.host());
    let scene = Scene { sim, admin: &client };
    let whole = Whole::new(&client.view(), &pool, moment != Moment::FirstLoad);
    let id = client.view().server(&host).context("the server")?["id"].clone();
    if moment == Moment::FirstLoad {
        client.call("server.disable", json!({ "id": id })).await?;
        let gone = client.until("the pool to be away", |view| {
            view.objects.values().all(|object| object["$pool"] != json!(pool)).then_some(())
        });
        gone.await?;
    }
    let told = client.view().notifications.len();
    let watcher = Watcher::start(rig, &pool, whole.clone()).await?;

    // The moment.
    let (mut storm, mut enabling) = (None, None);
    match moment {
        Moment::Idle => {}
        Moment::Storm => storm = Some(Storm::start(sim).await?),
        Moment::FirstLoad | Moment::Reload => {
            sim.hold("event.from", LOAD);
            if moment == Moment::FirstLoad {
                let administrator = rig.admin().await?;
                enabling = Some(tokio::spawn(async move {
                    // Fails as long as the fault lasts; what counts is what becomes of the pool.
                    let _ = administrator.attempt("server.enable", json!({ "id": id })).await;
                }));
            } else {
                sim.lose_events();
                change(sim)?;
            }
            rig::until("the middle of a load", async || (sim.held() > 0).then_some(())).await?;
        }
    }

    // The fault.
    let counted = if let Lasts::Calls(method, _) = fault.lasts { method } else { "" };
    let before = sim.calls_of(counted);
    (fault.begin)(&scene).await?;
    sim.let_go("event.from");
    change(sim)?;
    match fault.lasts {
        Lasts::Moment => {}
        Lasts::Calls(method, times) => {
            let met =
                rig::until("the fault to be met", async || (sim.calls_of(method) >= before + times).then_some(()));
            met.await?;
        }
        Lasts::Noticed => {
            let noticed = client.until("the fault to be noticed", |view| {
                let server = view.server(&host)?;
                (server["status"] != "connected" && !server["error"].is_null()).then_some(())
            });
            noticed.await?;
        }
        Lasts::Refused => {
            let refused = client.until("the certificate to be refused", |view| {
                let server = view.server(&host)?;
                (server["status"] == "disconnected" && server["error"]["fingerprint"].is_string()).then_some(())
            });
            refused.await?;
        }
    }
    (fault.end)(&scene).await?;
    let over = Instant::now();
    if let Some(storm) = storm {
        storm.stop().await;
    }
    change(sim)?;
    recovers(&client, sim).await?;
    let took = over.elapsed();

    scene.tidy().await?;
    change(sim)?;
    recovers(&client, sim).await.context("afterwards")?;
    let looks = watcher.end().await?;
    whole.heard(client.view().notifications.get(told..).unwrap_or_default()).context("by notifications")?;
    if let Some(enabling) = enabling {
        enabling.await?;
    }
    ensure!(client.is_closed().is_none(), "the client was thrown out");
    Ok((took, looks))
}

async fn start() -> Result<Rig> {
    let fleet = Fleet { vms: 60, snapshots: 5, templates: 5, messages: 5, ..Fleet::small() };
    let pool = Options { members: Members::Loopback, ..fleet.options(0) };
    Rig::builder().settings(SETTINGS).pool(pool).start().await
}

/// Returns the cells to try: all, or some by chance.
fn cells() -> Result<Vec<(&'static Fault, Moment)>> {
    let mut all: Vec<_> = FAULTS.iter().flat_map(|fault| MOMENTS.map(|moment| (fault, moment))).collect();
    if std::env::var_os("XYLEM_LONG").is_some() {
        return Ok(all);
    }
    let mut seed = match std::env::var("XYLEM_SEED") {
        Ok(text) => text.parse().context("XYLEM_SEED is a number")?,
        Err(_) => u64::from(std::process::id()),
    };
    println!("XYLEM_SEED={seed}");
    let mut some = Vec::new();
    while some.len() < SAMPLE {
        // Knuth's generator; its upper bits are good enough to draw lots.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        some.push(all.swap_remove((seed >> 33) as usize % all.len()));
    }
    Ok(some)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_at_every_moment() -> Result<()> {
    let mut rig = start().await?;
    let (mut wrong, mut worst) = (Vec::new(), std::collections::BTreeMap::<&str, Duration>::new());
    for (fault, moment) in cells()? {
        let begun = Instant::now();
        let outcome = match tokio::time::timeout(CELL, cell(&rig, fault, moment)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(anyhow::anyhow!("no end after {CELL:?}")),
        };
        match outcome {
            Ok((took, looks)) => {
                let (took_ms, all) = (took.as_millis(), begun.elapsed().as_secs_f64());
                println!(
                    "{:<24} {moment:<10?} equal after {took_ms:>5} ms; {looks:>3} listings, {all:.1} s",
                    fault.name
                );
                worst.entry(fault.name).and_modify(|worst| *worst = took.max(*worst)).or_insert(took);
            }
            Err(error) => {
                println!("{:<24} {moment:<10?} {error:#}\n{}", fault.name, rig.last_words());
                wrong.push(format!("{} / {moment:?}: {error:#}", fault.name));
                // What comes next shall not suffer from it.
                rig = start().await?;
            }
        }
    }
    println!("\nstated: {STATED:?} after the end of the fault\n{:<24} worst", "fault");
    worst.iter().for_each(|(name, took)| println!("{name:<24} {:>5} ms", took.as_millis()));
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    rig.end().await
}

/// What a reconnection leaves behind shows only after many.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reconnections_leave_nothing_behind() -> Result<()> {
    let (warm, rounds) = if std::env::var_os("XYLEM_LONG").is_some() { (100, 1_000) } else { (10, 20) };
    let settings = "[xapi]\nretry_first = 0.001\nretry_last = 0.05\nsettled = 0.001\n";
    let fleet = Fleet { vms: 10, snapshots: 1, templates: 1, messages: 1, ..Fleet::small() };
    let rig = Rig::builder().settings(settings).pool(fleet.options(0)).start().await?;
    let (sim, client) = (rig.sim(0), rig.admin().await?);
    client.watch().await?;
    client.watch_servers().await?;
    let begun = Instant::now();
    for round in 0..warm {
        reconnect(sim, &client, round).await?;
    }
    recovers(&client, sim).await?;
    let before = Held::of(&rig)?;
    let logins = sim.calls_of("session.login_with_password");
    for round in 0..rounds {
        reconnect(sim, &client, round).await?;
    }
    recovers(&client, sim).await?;
    let logins = sim.calls_of("session.login_with_password") - logins;
    // A line that was cut while nothing was asked is made anew without one.
    ensure!(logins >= rounds / 2, "{logins} logins in {rounds} reconnections");
    // A cut connection is closed, and an old session ended, a moment after it is replaced.
    let mut after = Held::of(&rig)?;
    let settled = rig::until("descriptors and sessions to be as before", async || {
        after = Held::of(&rig).ok()?;
        (after.files <= before.files + 2 && after.sessions <= 2).then_some(())
    });
    let settled = settled.await;
    let seconds = begun.elapsed().as_secs_f64();
    println!("after {warm}: {before:?}\nafter {rounds} more: {after:?}; {logins} logins, {seconds:.0} s in all");
    settled?;
    let grown = after.memory.saturating_sub(before.memory);
    ensure!(grown < 4 << 20, "{} MiB more after {rounds} reconnections", grown >> 20);
    ensure!(after.threads <= before.threads + 2, "threads");
    rig.end().await
}

/// What the daemon has, and the sessions that the pool has for it.
#[derive(Debug)]
struct Held {
    memory: u64,
    files: usize,
    threads: u64,
    sessions: usize,
}

impl Held {
    fn of(rig: &Rig) -> Result<Self> {
        let sessions = rig.sim(0).sessions();
        Ok(Self { memory: rig.rss()?, files: rig.fds()?, threads: rig.threads()?, sessions })
    }
}

/// Cuts the line, or ends the process at its other end, and waits until a change is seen again.
async fn reconnect(sim: &Sim, client: &Client, round: u64) -> Result<()> {
    if round.is_multiple_of(2) {
        sim.drop_connections()
    } else {
        sim.restart()
    }
    let (host, name) = (sim.host(), format!("after reconnection {round}"));
    let pool = sim.records("pool").into_keys().next().context("a pool")?;
    sim.set("pool", &pool, "name_label", json!(name))?;
    let seen = client.until("the change", |view| {
        let live = view.server(&host)?["status"] == "connected";
        (live && view.named("pool", &name).is_some()).then_some(())
    });
    let Err(error) = seen.await else { return Ok(()) };
    bail!("round {round}: {error:#}; the server: {:?}", client.view().server(&host))
}
