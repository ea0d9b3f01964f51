//! The fault matrix: every fault, when nothing happens, in the middle of a load, and in a storm of changes. Each time the
//! picture must become the pool's again within a stated time after the fault ends, and nobody may have seen an empty or
//! half picture meanwhile.
//!
//! In short: every fault once, in a moment that turns with the seed. With `XYLEM_LONG`: all cells, and 1,000 reconnections
//! without growth.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use e2e::{differences, listed, pool_id, simulated};
use futures::FutureExt;
use futures::future::BoxFuture;
use rig::{Client, Rig};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use xapi_sim::Sim;

/// Within this time after the end of a fault the picture equals the pool: the longest wait between two attempts is two
/// seconds here (`retry_last`), then a load. Named time 5 s; a test gives five times as much.
const RECOVERY: Duration = Duration::from_secs(25);

/// How long a fault lasts that has a duration: longer than a poll's rhythm, so that it is met.
const LASTS: Duration = Duration::from_millis(700);

/// Settings under which the matrix is quick; the defaults wait longer.
const SETTINGS: &str = "[xapi]\nretry_last = 2\nevent_poll = 4\nevent_margin = 3\n";

/// When a fault comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Idle,
    MidLoad,
    Storm,
}

const MOMENTS: [Moment; 3] = [Moment::Idle, Moment::MidLoad, Moment::Storm];

type Act = fn(&Sim) -> BoxFuture<'_, ()>;

/// A fault: what begins it, and what ends it.
struct Fault {
    name: &'static str,
    begin: Act,
    end: Act,
}

fn nothing(_: &Sim) -> BoxFuture<'_, ()> {
    async {}.boxed()
}

const FAULTS: &[Fault] = &[
    Fault { name: "connections cut", begin: |sim| async { sim.drop_connections() }.boxed(), end: nothing },
    Fault {
        name: "nobody listens",
        begin: |sim| {
            async {
                sim.pause_listening().await;
                sim.drop_connections();
            }
            .boxed()
        },
        end: |sim| sim.resume_listening().boxed(),
    },
    Fault {
        name: "polls hang",
        begin: |sim| async { sim.hang("event.from") }.boxed(),
        end: |sim| async { sim.release("event.from") }.boxed(),
    },
    Fault {
        name: "polls are slow",
        begin: |sim| async { sim.slow("event.from", Duration::from_millis(900)) }.boxed(),
        end: |sim| async { sim.slow("event.from", Duration::ZERO) }.boxed(),
    },
    Fault {
        name: "status 500",
        begin: |sim| async { sim.http_error("event.from", 500, 3) }.boxed(),
        end: |sim| async { sim.clear_faults() }.boxed(),
    },
    Fault {
        name: "half answers",
        begin: |sim| async { sim.half_answer("event.from", 3) }.boxed(),
        end: |sim| async { sim.clear_faults() }.boxed(),
    },
    Fault { name: "sessions die", begin: |sim| async { sim.kill_sessions() }.boxed(), end: nothing },
    Fault { name: "events are lost", begin: |sim| async { sim.lose_events() }.boxed(), end: nothing },
    Fault { name: "the toolstack restarts", begin: |sim| async { sim.restart() }.boxed(), end: nothing },
    Fault {
        name: "too many tasks",
        begin: |sim| async { sim.fail_times(3, "event.from", "TOO_MANY_PENDING_TASKS", &[]) }.boxed(),
        end: |sim| async { sim.clear_faults() }.boxed(),
    },
];

/// Somebody who looks all the time, on two ways, and remembers what was wrong.
struct Watcher {
    stop: Arc<AtomicBool>,
    worker: JoinHandle<Result<()>>,
}

impl Watcher {
    /// Lists the pool again and again: it must have all its objects each time. Only fields change meanwhile.
    async fn start(rig: &Rig, pool: &str) -> Result<Self> {
        let client = rig.admin().await?;
        let filter = json!({ "filter": { "$pool": pool } });
        let count = |listing: &Value| listing.as_object().map_or(0, serde_json::Map::len);
        let whole = count(&client.call("xo.getAllObjects", filter.clone()).await?);
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        let worker = tokio::spawn(async move {
            client.watch().await?;
            while !told.load(Ordering::Relaxed) {
                let now = count(&client.call("xo.getAllObjects", filter.clone()).await?);
                ensure!(now == whole, "a listing had {now} objects instead of {whole}");
                let exits = client.view().notifications.iter().filter(|note| note["params"]["type"] == "exit").count();
                ensure!(exits == 0, "somebody was told that objects are gone");
            }
            Ok(())
        });
        Ok(Self { stop, worker })
    }

    async fn end(self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.worker.await.context("the watcher broke")?
    }
}

/// Changes of names and power states, some hundred a second, until dropped.
struct Storm(JoinHandle<()>);

static SERIAL: AtomicU64 = AtomicU64::new(0);

fn change(sim: &Sim, vms: &[String]) {
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let vm = &vms[serial as usize % vms.len()];
    // The pool may be restarting: the next change comes.
    let _ = sim.set("VM", vm, "name_label", json!(format!("storm {serial}")));
}

impl Storm {
    fn start(sim: &Sim) -> Self {
        let (sim, vms) = (sim.clone(), real_vms(sim));
        Self(tokio::spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_millis(10));
            loop {
                tick.tick().await;
                (0..5).for_each(|_| change(&sim, &vms));
            }
        }))
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn real_vms(sim: &Sim) -> Vec<String> {
    let kinds = ["is_a_template", "is_a_snapshot", "is_control_domain"];
    let real = |vm: &Value| kinds.iter().all(|field| vm[*field] != true);
    sim.records("VM").into_iter().filter(|(_, vm)| real(vm)).map(|(reference, _)| reference).collect()
}

/// Waits until a client's picture is the pool's, and says how long that took.
async fn recovers(client: &Client, sim: &Sim) -> Result<Duration> {
    let (pool, begin) = (pool_id(sim), Instant::now());
    let wanted = simulated(sim);
    let mut left = Vec::new();
    let same = client.until_within(RECOVERY, "the pool's own picture", |view| {
        left = differences(&wanted, &listed(view, &pool));
        left.truncate(5);
        left.is_empty().then_some(())
    });
    let outcome = same.await;
    outcome.with_context(|| format!("still different:\n{}", left.join("\n")))?;
    Ok(begin.elapsed())
}

async fn cell(rig: &Rig, client: &Client, fault: &Fault, moment: Moment) -> Result<Duration> {
    let sim = rig.sim(0);
    let vms = real_vms(sim);
    let watcher = Watcher::start(rig, &pool_id(sim)).await?;
    let storm = (moment == Moment::Storm).then(|| Storm::start(sim));
    if moment == Moment::MidLoad {
        // The next poll finds that everything has to be read again, and that reading is slow.
        let before = sim.calls_of("event.from");
        sim.slow("event.from", Duration::from_millis(300));
        sim.lose_events();
        rig::until("the load to begin", async || (sim.calls_of("event.from") > before + 1).then_some(())).await?;
    }
    (fault.begin)(sim).await;
    let asked = sim.calls_of("event.from");
    change(sim, &vms);
    // A fault is over when it was met, or when its time is.
    let begin = Instant::now();
    let met = rig::until("the fault to be met", async || {
        (sim.calls_of("event.from") > asked + 1 || begin.elapsed() > LASTS).then_some(())
    });
    met.await?;
    (fault.end)(sim).await;
    if moment == Moment::MidLoad {
        sim.slow("event.from", Duration::ZERO);
    }
    drop(storm);
    change(sim, &vms);
    let took = recovers(client, sim).await?;
    watcher.end().await?;
    Ok(took)
}

#[tokio::test]
async fn every_fault_at_every_moment() -> Result<()> {
    let long = std::env::var_os("XYLEM_LONG").is_some();
    let pool = xapi_sim::Options { dump: "pool2".into(), copies: 40, ..Default::default() };
    let rig = Rig::builder().settings(SETTINGS).pool(pool).start().await?;
    let client = rig.admin().await?;
    client.watch().await?;
    let mut wrong = Vec::new();
    for (at, fault) in FAULTS.iter().enumerate() {
        for (turn, moment) in MOMENTS.into_iter().enumerate() {
            if !long && turn != at % MOMENTS.len() {
                continue;
            }
            match cell(&rig, &client, fault, moment).await {
                Ok(took) => println!("{:<24} {moment:<8?} equal after {:>5} ms", fault.name, took.as_millis()),
                Err(error) => wrong.push(format!("{} / {moment:?}: {error:#}", fault.name)),
            }
            rig.sim(0).clear_faults();
        }
    }
    ensure!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), rig.last_words());
    rig.end().await
}

/// What a reconnection leaves behind shows only after many.
#[tokio::test]
async fn reconnections_leave_nothing_behind() -> Result<()> {
    let (warm, rounds) = if std::env::var_os("XYLEM_LONG").is_some() { (100, 1_000) } else { (10, 20) };
    let settings = "[xapi]\nretry_first = 0.001\nretry_last = 0.05\n";
    let rig = Rig::builder().settings(settings).pools(["pool2"]).start().await?;
    let client = rig.admin().await?;
    client.watch().await?;
    for _ in 0..warm {
        reconnect(&rig).await?;
    }
    recovers(&client, rig.sim(0)).await?;
    let (memory, files, threads) = (rig.rss()?, rig.fds()?, rig.threads()?);
    for _ in 0..rounds {
        reconnect(&rig).await?;
    }
    recovers(&client, rig.sim(0)).await?;
    // A cut connection is closed a moment later than it is replaced.
    let settled = rig::until("the descriptors to be as before", async || {
        (rig.fds().is_ok_and(|now| now <= files)).then_some(())
    });
    settled.await.with_context(|| format!("{files} descriptors before, {:?} after", rig.fds()))?;
    let grown = rig.rss()?.saturating_sub(memory);
    println!("{rounds} reconnections: {} KiB more, {} threads more", grown >> 10, rig.threads()?.saturating_sub(threads));
    ensure!(grown < 8 << 20, "{} MiB more after {rounds} reconnections", grown >> 20);
    ensure!(rig.threads()? <= threads + 1, "{} threads instead of {threads}", rig.threads()?);
    rig.end().await
}

async fn reconnect(rig: &Rig) -> Result<()> {
    let sim = rig.sim(0);
    let before = sim.calls_of("session.login_with_password");
    for _ in 0..3 {
        sim.drop_connections();
        let again = rig::until_within(Duration::from_secs(20), "a new session", async || {
            (sim.calls_of("session.login_with_password") > before).then_some(())
        });
        if again.await.is_ok() {
            let live = rig::until("the pool to be live", async || {
                let live = rig.metric("xylem_pools", "state=\"connected\"").await.ok()?;
                (live == 1.0).then_some(())
            });
            return live.await;
        }
    }
    bail!("the daemon did not come back\n{}", rig.last_words())
}
