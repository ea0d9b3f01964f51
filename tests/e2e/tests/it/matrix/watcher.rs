//! Those who look while a pool has trouble: one lists again and again, one listens. Neither may see a part of it.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rig::{Client, Rig, View};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How often the pool is listed.
const GLANCE: Duration = Duration::from_millis(50);

/// Counts how much of a pool is shown: all of what never goes away, or nothing before it was there for the first time.
#[derive(Clone)]
pub struct Whole {
    /// What never goes away.
    lasting: BTreeSet<String>,
    /// Whether it was seen already.
    seen: bool,
}

impl Whole {
    /// What never goes away is what there is now.
    pub fn new(view: &View, pool: &str, seen: bool) -> Self {
        let lasting = view.objects.iter().filter(|(_, object)| object["$pool"] == pool && object["type"] != "task");
        Self { lasting: lasting.map(|(id, _)| id.clone()).collect(), seen }
    }

    /// Looks at what is shown; `live` when the pool has to be there.
    fn look(&mut self, shown: impl Fn(&str) -> bool, live: bool) -> Result<()> {
        let count = self.lasting.iter().filter(|id| shown(id)).count();
        ensure!(count == self.lasting.len() || count == 0, "{count} of {} objects are shown", self.lasting.len());
        self.seen |= count > 0;
        ensure!(count > 0 || !(self.seen || live), "nothing is shown");
        Ok(())
    }

    /// Looks at what a listener was told, step by step.
    pub fn heard(mut self, told: &[Value]) -> Result<()> {
        let mut shown = if self.seen { self.lasting.clone() } else { BTreeSet::new() };
        for note in told.iter().filter(|note| note["method"] == "all") {
            let items = note["params"]["items"].as_object().context("items")?;
            for id in items.keys() {
                match note["params"]["type"].as_str() {
                    Some("enter") => drop(shown.insert(id.clone())),
                    _ => drop(shown.remove(id)),
                }
            }
            self.look(|id| shown.contains(id), false)?;
        }
        Ok(())
    }
}

/// Somebody who lists the pool again and again.
pub struct Watcher {
    stop: watch::Sender<bool>,
    work: JoinHandle<Result<u32>>,
}

impl Watcher {
    pub async fn start(rig: &Rig, pool: &str, whole: Whole) -> Result<Self> {
        let client = rig.admin().await?;
        let (stop, stopped) = watch::channel(false);
        let (host, pool) = (rig.sim(0).host(), pool.to_owned());
        Ok(Self { stop, work: tokio::spawn(list(client, host, pool, whole, stopped)) })
    }

    /// Returns how often the pool was listed.
    pub async fn end(self) -> Result<u32> {
        self.stop.send_replace(true);
        self.work.await.context("the watcher broke")?
    }
}

async fn list(
    client: Client,
    host: String,
    pool: String,
    mut whole: Whole,
    mut stop: watch::Receiver<bool>,
) -> Result<u32> {
    let filter = json!({ "filter": { "$pool": pool } });
    let mut glance = tokio::time::interval(GLANCE);
    for count in 1.. {
        // First: what is live is listed afterwards.
        let servers = client.call("server.getAll", json!({})).await?;
        let live = servers.as_array().into_iter().flatten().any(|s| s["host"] == host && s["status"] == "connected");
        let listing = client.call("xo.getAllObjects", filter.clone()).await?;
        whole.look(|id| listing.get(id).is_some(), live).context("in a listing")?;
        tokio::select! {
            _ = stop.changed() => return Ok(count),
            _ = glance.tick() => {}
        }
    }
    Ok(0)
}
