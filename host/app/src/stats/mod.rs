//! Statistics of hosts, VMs, pools and storage: curves that the hosts keep themselves, fetched when somebody looks.
//!
//! ```text
//!   reader ─┐
//!   reader ─┼─> cache (host, granularity) ──> one fetch of /rrd_updates from that host ──> Answer ──> Stats, as JSON
//!   reader ─┘        one step long                  also for all of its VMs
//! ```
//!
//! A host that does not answer costs its own readers an error and nobody else anything.

mod answer;
mod cache;
mod shape;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use model::object::{Host, HostPower, PowerState};
use model::{Kind, Millis, Object, ObjectId};
use serde::{Deserialize, Serialize, Serializer};
use tracing::debug;
use wire::Failure;

use crate::ctx::{App, Ctx};
use crate::error::{Error, Result};
use crate::object;

use answer::Answer;
pub(crate) use cache::Cache;
use cache::{Outcome, Ticket};
pub use shape::{SrStats, Stats};

/// How long one host may take. XAPI needs some hundred milliseconds; people look at a page with curves on it.
const LIMIT: Duration = Duration::from_secs(10);

/// The largest answer we take: 100 VMs with 60 curves of 366 points each are about 30 MB.
const MAX_BODY: usize = 48 << 20;

/// How fine the curves are, and how far back they go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Granularity {
    /// Ten minutes, a point each 5 seconds.
    #[default]
    Seconds,
    /// Two hours, a point each minute.
    Minutes,
    /// A week, a point each hour.
    Hours,
    /// A leap year, a point each day.
    Days,
}

impl Granularity {
    /// Returns the seconds between two points.
    fn step(self) -> u32 {
        match self {
            Self::Seconds => 5,
            Self::Minutes => 60,
            Self::Hours => 3_600,
            Self::Days => 86_400,
        }
    }

    /// Returns how many points a host keeps.
    fn points(self) -> usize {
        match self {
            Self::Seconds | Self::Minutes => 120,
            Self::Hours => 168,
            Self::Days => 366,
        }
    }
}

/// Returns the curves of a host.
pub async fn host(ctx: &Ctx, id: &str, granularity: Granularity) -> Result<Stats> {
    let host = object::get(ctx, id, &["host"])?;
    Ok(of_host(ctx, &host, granularity).await?)
}

/// Returns the curves of a running VM. Its host has them; of a VM that runs nowhere there are none.
pub async fn vm(ctx: &Ctx, id: &str, granularity: Granularity) -> Result<Stats> {
    let vm = object::get(ctx, id, &["VM", "VM-controller", "VM-snapshot"])?;
    let halted = || Failure::NotRunning { id: vm.id().to_string() };
    let state = vm.as_vm().ok_or_else(halted)?;
    // A halted VM may be told to live on a host, too: the one that has its disks.
    if !matches!(state.power_state, PowerState::Running | PowerState::Paused) {
        return Err(halted().into());
    }
    let snapshot = ctx.app.inventory.snapshot();
    let host = state.container.as_ref().and_then(|id| snapshot.get(id.as_str()));
    let host = host.filter(|host| host.as_host().is_some()).ok_or_else(halted)?;
    let mut answer = fetched(&ctx.app, host, granularity, 0).await?;
    // It was started or came here after the answer was given: ask again, but not more often than there can be news.
    let age = ctx.app.clock.now().saturating_sub(answer.fetched);
    if !answer.has(vm.uuid()) && age >= Millis::from(Granularity::Seconds.step()) * 1_000 {
        answer = fetched(&ctx.app, host, granularity, answer.fetched + 1).await?;
    }
    Ok(Stats::of_vm(answer, vm.uuid()))
}

/// The curves of the hosts of a pool, or why there are none.
pub struct PoolStats {
    hosts: BTreeMap<ObjectId, Result<Stats, Failure>>,
    /// Whether the reader may know what went wrong inside.
    admin: bool,
}

/// Returns the curves of each host of a pool; a dead one does not spoil the others'.
pub async fn pool(ctx: &Ctx, id: &str, granularity: Granularity) -> Result<PoolStats> {
    let pool = object::get(ctx, id, &["pool"])?;
    let snapshot = ctx.app.inventory.snapshot();
    let class = access::visibility(&ctx.caller);
    let hosts = snapshot.of_kind(Kind::Host).filter(|host| host.pool() == pool.id() && class.sees(&snapshot, &***host));
    let stats = hosts.map(async |host| (host.id().clone(), of_host(ctx, host, granularity).await));
    let hosts = futures::future::join_all(stats).await.into_iter().collect();
    Ok(PoolStats { hosts, admin: ctx.caller.is_admin() })
}

impl Serialize for PoolStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(untagged)]
        enum Entry<'a> {
            Stats(&'a Stats),
            Failure { error: Told },
        }
        #[derive(Serialize)]
        struct Told {
            code: i64,
            message: String,
        }
        serializer.collect_map(self.hosts.iter().map(|(id, outcome)| {
            let entry = match outcome {
                Ok(stats) => Entry::Stats(stats),
                Err(failure) => {
                    Entry::Failure { error: Told { code: failure.code(), message: failure.message_for(self.admin) } }
                }
            };
            (id, entry)
        }))
    }
}

/// Returns the curves of a storage repository: what its hosts measured, taken together.
pub async fn sr(ctx: &Ctx, id: &str, granularity: Granularity) -> Result<SrStats> {
    let sr = object::get(ctx, id, &["SR"])?;
    let snapshot = ctx.app.inventory.snapshot();
    let pbds = sr.as_sr().into_iter().flat_map(|sr| sr.pbds.iter());
    let pbds = pbds.filter_map(|id| snapshot.get(id.as_str())?.as_pbd()).filter(|pbd| pbd.attached);
    let hosts = pbds.filter_map(|pbd| snapshot.get(pbd.host.as_ref()?.as_str()));
    let answers = hosts.map(async |host| (host, fetched(&ctx.app, host, granularity, 0).await));
    let mut failure = Failure::IncorrectState {
        actual: "detached".into(),
        expected: "attached".into(),
        object: sr.id().to_string(),
        property: "$PBDs".into(),
    };
    let mut measured = Vec::new();
    for (host, outcome) in futures::future::join_all(answers).await {
        match outcome {
            Ok(answer) => {
                let name = host.as_host().map(|host| host.name_label.clone()).unwrap_or_default();
                measured.push((name, host.uuid().to_owned(), answer));
            }
            Err(reason) => failure = reason,
        }
    }
    Ok(SrStats::new(measured, sr.uuid()).ok_or(failure)?)
}

async fn of_host(ctx: &Ctx, host: &Arc<Object>, granularity: Granularity) -> Result<Stats, Failure> {
    let answer = fetched(&ctx.app, host, granularity, 0).await?;
    Ok(Stats::of_host(answer, host.uuid()))
}

/// Returns what a host told about itself and its VMs, fetched at `since` or later and not longer ago than a step.
async fn fetched(app: &Arc<App>, host: &Arc<Object>, granularity: Granularity, since: Millis) -> Outcome {
    let key = (host.id().clone(), granularity);
    let (ticket, outcome) = app.stats.look(&key, app.clock.now(), since);
    if let Some(ticket) = ticket {
        let (app, host) = (app.clone(), host.clone());
        // Not part of the call that happens to be first: the others wait for it, too, and the first may hang up.
        app.clone().workers.spawn(format!("statistics/{}", host.id()), fetch(app, host, granularity, ticket));
    }
    cache::wait(outcome).await
}

async fn fetch(app: Arc<App>, host: Arc<Object>, granularity: Granularity, ticket: Ticket) {
    let mut stop = app.workers.stop_signal();
    let outcome = tokio::select! {
        outcome = ask(&app, &host, granularity) => outcome,
        () = stop.wait() => return,
    };
    let outcome = outcome.map_err(|error| {
        let detail = error.detail.as_deref();
        debug!(host = %host.id(), ?granularity, failure = %error.failure, detail, "no statistics");
        error.failure
    });
    app.stats.finish(ticket, outcome, app.clock.now());
}

async fn ask(app: &App, object: &Object, granularity: Granularity) -> Result<Arc<Answer>> {
    let offline = || Error::from(Failure::HostOffline { id: object.id().to_string() });
    let Some(Host { power_state, .. }) = object.as_host() else { return Err(offline()) };
    // The pool's master has seen no heartbeat: no need to wait for the time limit.
    if *power_state == HostPower::Halted {
        return Err(offline());
    }
    let step = granularity.step();
    // A second less than the ring holds, or the host would take the next coarser one. A negative start counts from the
    // newest row, so that the clocks need not agree.
    let start = i64::from(step) * granularity.points() as i64 - 1;
    let path = format!("/rrd_updates?start=-{start}&cf=AVERAGE&host=true&interval={step}&json=true");
    let body = app.fetch(object, &path, LIMIT, MAX_BODY).await?;
    let fetched = app.clock.now();
    // Some milliseconds of work for each megabyte.
    let parsed = tokio::task::spawn_blocking(move || {
        let updates = xapi::rrd::Updates::parse(&body).map_err(|error| error.to_string())?;
        Answer::new(&updates, granularity, fetched)
    });
    let parsed = parsed.await.unwrap_or_else(|error| Err(error.to_string()));
    parsed.map(Arc::new).map_err(|reason| Error::from(Failure::Internal(reason)))
}
