//! `bench fleet`: what a fleet costs, beside what today's server takes for it and what the machine can do at best.

mod baseline;
mod load;
mod own;
mod raw;
mod rights;
mod storm;
mod yardstick;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rig::{Client, Rig};
use serde_json::{Value, json};
use xapi_sim::{Fleet, Sim};

use crate::measure;
use crate::places::Places;
use crate::report::{Figure, Report};
use baseline::{Baseline, LARGE, Listing, MEDIUM};
use load::Question;
use own::Own;
use storm::Targets;

pub use yardstick::{WORD as YARDSTICK, serve as yardstick};

/// Answers from here on are limited by how fast bytes can be written.
const LARGE_ANSWER: usize = 1 << 20;

const MIB: f64 = 1_048_576.0;

/// How long a pool of 10,000 VMs may take to appear.
const LOAD_LIMIT: Duration = Duration::from_secs(300);

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// How often everything is measured from the start.
    runs: usize,
    /// How long each load lasts.
    window: Duration,
    /// Whether the medium fleet is measured.
    medium: bool,
    /// Whether the large one is.
    large: bool,
    /// Whether it is measured how costs grow.
    growth: bool,
}

impl Extent {
    /// All of it, three times.
    pub const FULL: Self = Self { runs: 3, window: Duration::from_secs(2), medium: true, large: true, growth: true };
    /// The medium fleet, once and short: for whoever works on the daemon.
    pub const QUICK: Self = Self { large: false, growth: false, ..Self::ONCE };
    /// The large fleet, once and short.
    pub const LARGE: Self = Self { medium: false, growth: false, ..Self::ONCE };
    /// How costs grow, once.
    pub const GROWTH: Self = Self { medium: false, large: false, ..Self::ONCE };

    const ONCE: Self = Self { runs: 1, window: Duration::from_secs(1), ..Self::FULL };
}

/// Measures.
///
/// # Errors
/// When something cannot be measured; a target that is missed is no error.
pub fn run(places: &Places, extent: Extent) -> Result<Report> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")?;
    // On this thread: the daemons end with the thread that started them.
    let figures = runtime.block_on(async {
        let mut rounds = Rounds::default();
        for run in 1..=extent.runs {
            step(&format!("run {run} of {}", extent.runs));
            let empty = empty(&mut rounds).await?;
            if extent.medium {
                medium(&mut rounds, extent, &empty).await?;
            }
            if extent.large {
                large(&mut rounds, extent).await?;
            }
            if extent.growth {
                growth(&mut rounds, &empty).await?;
            }
        }
        rounds.figures()
    })?;
    Ok(Report { name: "fleet", figures, program: places.xylem.clone() })
}

/// The values of each figure, in the order of their first coming.
#[derive(Default)]
struct Rounds(Vec<(Figure, Vec<f64>)>);

impl Rounds {
    fn add(&mut self, value: f64, figure: Figure) {
        match self.0.iter_mut().find(|(known, _)| known.name == figure.name) {
            Some((_, values)) => values.push(value),
            None => self.0.push((figure, vec![value])),
        }
    }

    fn figures(self) -> Result<Vec<Figure>> {
        self.0.into_iter().map(|(figure, values)| figure.with(&values)).collect()
    }
}

/// What a daemon without pools costs: subtracted from what one with a fleet does.
struct Empty {
    rss: f64,
}

async fn empty(rounds: &mut Rounds) -> Result<Empty> {
    step("empty daemon");
    let rig = Rig::builder().start().await?;
    let rss = measure::rss_at_rest(&rig).await?;
    rounds.add(rss, Figure::new("empty_rss", "MiB", "resident without pools"));
    rig.end().await?;
    Ok(Empty { rss })
}

/// A daemon with a fleet.
struct Scene {
    rig: Rig,
    sims: Vec<Sim>,
    admin: Client,
    token: String,
    vms: usize,
    objects: usize,
    /// From the first `server.add` until a complete listing was read.
    load: Duration,
    /// Processor seconds of that.
    processor: f64,
}

impl Scene {
    /// Starts pools and a daemon, and adds the pools to it.
    async fn set(fleet: &Fleet) -> Result<Self> {
        let mut sims = Vec::new();
        for pool in 0..fleet.pools {
            let options = xapi_sim::Options { tls: true, ..fleet.options(pool) };
            sims.push(Sim::start(options).await.context("start a simulator")?);
        }
        let rig = Rig::builder().start().await?;
        let admin = rig.admin().await?;
        let token = admin.call("token.create", json!({ "description": "bench" })).await?;
        let token = token.as_str().context("a token is a text")?.to_owned();
        let vms = sims.iter().map(real_vms).sum::<usize>();
        let before = rig.processor()?;
        let begin = Instant::now();
        let added = sims.iter().map(|sim| {
            admin.call(
                "server.add",
                json!({
                    "host": sim.host(), "username": sim.username(), "password": sim.password(),
                    "fingerprint": sim.fingerprint(),
                }),
            )
        });
        futures::future::try_join_all(added).await.context("add the pools")?;
        let live = rig::until_within(LOAD_LIMIT, "every pool to be live", async || {
            let live = rig.metric("xylem_pools", "state=\"connected\"").await.ok()?;
            (live == sims.len() as f64).then_some(())
        });
        live.await?;
        let (body, _) = Question::call(&token, "xo.getAllObjects", &json!({})).once(rig.address()).await?;
        let load = begin.elapsed();
        let processor = rig.processor()? - before;
        let listed: Value = serde_json::from_slice(&body).context("read the listing")?;
        let listed = listed["result"].as_object().context("the listing is an object")?;
        let found = listed.values().filter(|object| object["type"] == "VM").count();
        ensure!(found == vms, "the pools have {vms} VMs, the listing {found}");
        Ok(Self { sims, admin, token, vms, objects: listed.len(), load, processor, rig })
    }

    fn address(&self) -> &str {
        self.rig.address()
    }

    async fn end(self) -> Result<()> {
        drop(self.admin);
        self.rig.end().await
    }
}

fn real_vms(sim: &Sim) -> usize {
    let flag = |vm: &Value, name: &str| vm[name] == true;
    let real = |vm: &&Value| !["is_a_template", "is_a_snapshot", "is_control_domain"].iter().any(|name| flag(vm, name));
    sim.records("VM").values().filter(real).count()
}

async fn medium(rounds: &mut Rounds, extent: Extent, empty: &Empty) -> Result<()> {
    step("medium fleet: load");
    let scene = Scene::set(&Fleet::medium()).await?;
    loaded(rounds, &scene, "medium", &MEDIUM, empty).await?;
    step("medium fleet: listings");
    listings(rounds, &scene, "medium", &MEDIUM, extent.window).await?;
    beside(rounds, &scene, extent.window).await?;
    let listed = measure::rss_at_rest(&scene.rig).await?;
    rounds.add(listed, Figure::new("medium_rss_listed", "MiB", "resident after the listings"));
    events(rounds, &scene, extent.window * 2).await?;
    rights::events(rounds, &scene, extent.window * 2).await?;
    // Everything that was listed before is another thing by now, and pages of it are let go of within two sweeps.
    tokio::time::sleep(Duration::from_secs(21)).await;
    let stormed = measure::rss_at_rest(&scene.rig).await?;
    rounds.add(stormed, Figure::new("medium_rss_events", "MiB", "resident after the changes"));
    scene.end().await
}

async fn large(rounds: &mut Rounds, extent: Extent) -> Result<()> {
    step("large fleet: load");
    let scene = Scene::set(&Fleet::large()).await?;
    rounds.add(
        scene.load.as_secs_f64(),
        Figure::new("large_load", "s", "66,000 objects: from adding to a complete listing"),
    );
    rounds.add(
        LARGE.load / scene.load.as_secs_f64(),
        Figure::new("large_load_factor", "x", "the baseline's time divided by that"),
    );
    let rss = measure::rss_at_rest(&scene.rig).await?;
    rounds.add(rss, Figure::new("large_rss", "MiB", "resident with the large fleet").at_most(LARGE.rss / 10.0));
    step("large fleet: listings");
    listings(rounds, &scene, "large", &LARGE, extent.window).await?;
    scene.end().await
}

async fn loaded(rounds: &mut Rounds, scene: &Scene, size: &str, base: &Baseline, empty: &Empty) -> Result<()> {
    rounds.add(scene.objects as f64, Figure::new(format!("{size}_objects"), "", "objects in the listing"));
    rounds.add(
        scene.load.as_secs_f64(),
        Figure::new(format!("{size}_load"), "s", "from adding the pools to a complete listing")
            .at_most(base.load / 5.0),
    );
    rounds.add(
        scene.processor,
        Figure::new(format!("{size}_load_processor"), "s", "processor seconds of the daemon for that"),
    );
    let rss = measure::rss_at_rest(&scene.rig).await?;
    rounds.add(rss, Figure::new(format!("{size}_rss"), "MiB", "resident with the fleet").at_most(base.rss / 10.0));
    rounds.add(
        (rss - empty.rss) * MIB / scene.vms as f64,
        Figure::new(
            format!("{size}_bytes_per_vm"),
            "B",
            "resident beyond the empty daemon, per VM with all that is its",
        ),
    );
    Ok(())
}

/// Listings with 1 and 16 clients beside the yardstick.
async fn listings(rounds: &mut Rounds, scene: &Scene, size: &str, base: &Baseline, window: Duration) -> Result<()> {
    let (address, token) = (scene.address(), scene.token.as_str());
    let vm = scene.admin.call("xo.getAllObjects", json!({ "filter": { "type": "VM" }, "limit": 1 })).await?;
    let vm = vm.as_object().and_then(|vms| vms.keys().next()).context("there is no VM")?.clone();
    let questions: [(&str, Listing, Question); 6] = [
        ("all", base.all, Question::call(token, "xo.getAllObjects", &json!({}))),
        ("vms", base.vms, Question::call(token, "xo.getAllObjects", &json!({ "filter": { "type": "VM" } }))),
        ("rest_vms", base.rest, Question::get(address, token, "/rest/v0/vms?fields=*")),
        (
            "rest_filter",
            base.filter,
            Question::get(address, token, "/rest/v0/vms?fields=id,name_label&filter=power_state:Running"),
        ),
        ("rest_one", base.one, Question::get(address, token, &format!("/rest/v0/vms/{vm}"))),
        ("ws_one", base.one, Question::call(token, "xo.getAllObjects", &json!({ "filter": { "id": vm } }))),
    ];
    for (name, base, question) in questions {
        let (_, answer) = question.once(address).await.with_context(|| format!("ask for {name}"))?;
        for (clients, base) in [(1, base.one), (16, base.sixteen)] {
            // Side by side, so that both see the same machine.
            let ours = question.load(address, clients, window).await.with_context(|| format!("load {name}"))?;
            let best = question.yardstick(&answer, clients, window).await?;
            let name = format!("{size}_{name}_{clients}");
            let big = ours.bytes >= LARGE_ANSWER;
            let megabytes = ours.bytes as f64 / 1e6;
            let about = format!("answers of {megabytes:.3} MB, {clients} clients");
            rounds.add(ours.per_second, Figure::new(name.clone(), "/s", about));
            rounds.add(ours.p50, Figure::new(format!("{name}_p50"), "ms", "waiting time"));
            rounds.add(ours.p99, Figure::new(format!("{name}_p99"), "ms", "waiting time"));
            let share = Figure::new(format!("{name}_yard"), "%", "of the yardstick's rate");
            rounds.add(ours.per_second / best.per_second * 100.0, share.at_least(if big { 50.0 } else { 40.0 }));
            let factor = Figure::new(format!("{name}_factor"), "x", "the baseline's rate");
            rounds.add(ours.per_second / base, if big { factor } else { factor.at_least(10.0) });
        }
    }
    Ok(())
}

/// A small call while sixteen clients list everything, and what these cost.
async fn beside(rounds: &mut Rounds, scene: &Scene, window: Duration) -> Result<()> {
    step("medium fleet: a small call beside sixteen listings");
    let address = scene.address();
    let all = Question::call(&scene.token, "xo.getAllObjects", &json!({}));
    let small = Question::call(&scene.token, "xo.getAllObjects", &json!({ "filter": { "type": "pool" } }));
    let before = measure::rss_at_rest(&scene.rig).await?;
    scene.rig.reset_peak()?;
    let (listed, called) = tokio::join!(all.load(address, 16, window * 2), small.load(address, 1, window));
    let peak = scene.rig.peak()? as f64 / MIB;
    listed?;
    rounds.add(
        called?.p99,
        Figure::new("medium_small_beside_16", "ms", "a small call while 16 clients list everything, p99").at_most(10.0),
    );
    rounds.add(
        peak - before,
        Figure::new("medium_rss_16", "MiB", "resident at most, beyond before, while 16 clients list everything")
            .at_most(40.0),
    );
    Ok(())
}

/// Changes on their way to subscribers.
async fn events(rounds: &mut Rounds, scene: &Scene, time: Duration) -> Result<()> {
    let targets = Targets::of(&scene.sims);
    for rate in [50, 200, 1_000] {
        for subscribers in [1, 10, 100] {
            step(&format!("medium fleet: {rate} changes/s, {subscribers} subscribers"));
            let tokens = vec![scene.token.clone(); subscribers];
            let before = scene.rig.processor()?;
            let own = Own::read(&scene.rig).await?;
            let begin = Instant::now();
            let heard = targets.storm(scene.address(), &tokens, rate, time).await?;
            let cores = (scene.rig.processor()? - before) / begin.elapsed().as_secs_f64();
            let own = Own::read(&scene.rig).await?.since(&own);
            let name = format!("events_{rate}_{subscribers}");
            let promised = (rate, subscribers) == (1_000, 100) || (rate, subscribers) == (50, 1);
            let whole = Figure::new(format!("{name}_p99"), "ms", "from change to socket, XAPI's pauses included");
            rounds.add(heard.p50, Figure::new(format!("{name}_p50"), "ms", "from change to socket"));
            rounds.add(heard.p95, Figure::new(format!("{name}_p95"), "ms", "from change to socket"));
            rounds.add(heard.p99, if promised { whole.at_most(75.0) } else { whole });
            if promised {
                let base = if rate == 50 { MEDIUM.calm_p99 } else { MEDIUM.storm_p99 };
                let factor = Figure::new(format!("{name}_factor"), "x", "the baseline's p99 divided by that");
                rounds.add(base / heard.p99, factor);
            }
            let part =
                Figure::new(format!("{name}_own_p99"), "ms", "from the answer of event.from to the last byte written");
            let limit = if rate == 50 { 5.0 } else { 20.0 };
            rounds.add(own.quantile(0.99)? * 1e3, if promised { part.at_most(limit) } else { part });
            rounds
                .add(heard.lost as f64, Figure::new(format!("{name}_lost"), "", "states that never came").at_most(0.0));
            let processor = Figure::new(format!("{name}_cores"), "", "processor seconds per second");
            let limit = MEDIUM.storm_cores / 5.0;
            rounds.add(cores, if (rate, subscribers) == (1_000, 100) { processor.at_most(limit) } else { processor });
            rounds.add(
                cores / heard.rate * 1e3,
                Figure::new(format!("{name}_per_1000"), "s", "processor seconds per 1,000 changes"),
            );
        }
    }
    Ok(())
}

/// Whether a fleet ten times as large costs more than ten times as much.
async fn growth(rounds: &mut Rounds, empty: &Empty) -> Result<()> {
    let mut costs: Vec<[f64; 4]> = Vec::new();
    for vms in [1_000_usize, 10_000, 100_000] {
        step(&format!("growth: {vms} VMs"));
        let scene = Scene::set(&Fleet::of_vms(vms)).await?;
        let rss = measure::rss_at_rest(&scene.rig).await? - empty.rss;
        let before = scene.rig.processor()?;
        let heard = Targets::of(&scene.sims)
            .storm(scene.address(), std::slice::from_ref(&scene.token), (vms / CALM) as u32, STORM)
            .await?;
        let processor = (scene.rig.processor()? - before) / heard.made as f64 * 1e3;
        let per_vm = 1.0 / scene.vms as f64;
        let cost =
            [scene.load.as_secs_f64() * 1e6 * per_vm, scene.processor * 1e6 * per_vm, rss * MIB * per_vm, processor];
        for ((name, unit, about), value) in COSTS.into_iter().zip(cost) {
            rounds.add(value, Figure::new(format!("{name}_{vms}"), unit, about));
        }
        costs.push(cost);
        scene.end().await?;
    }
    for ((name, ..), (at_10k, at_100k)) in COSTS.into_iter().zip(costs[1].into_iter().zip(costs[2])) {
        let figure = Figure::new(format!("{name}_growth"), "x", "at 100,000 VMs against 10,000").at_most(1.1);
        rounds.add(at_100k / at_10k, figure);
    }
    Ok(())
}

const COSTS: [(&str, &str, &str); 4] = [
    ("load_per_vm", "us", "from adding to a complete listing, per VM"),
    ("processor_per_vm", "us", "processor time of that, per VM"),
    ("bytes_per_vm", "B", "resident beyond the empty daemon, per VM"),
    ("processor_per_change", "ms", "processor time per change, when each VM changes every 200 s, one subscriber"),
];

/// Seconds between two changes of the same VM where growth is measured: with a fixed number of changes for all sizes, those
/// of the small fleet would share answers of event.from and those of the large one would not.
const CALM: usize = 200;

/// How long these changes go on: 40 in the smallest fleet.
const STORM: Duration = Duration::from_secs(8);

/// Tells on standard error what takes time now.
fn step(what: &str) {
    eprintln!("bench: {what}");
}
