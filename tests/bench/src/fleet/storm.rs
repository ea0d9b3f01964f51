//! Changes at a steady rate, and subscribers that see when each arrives and whether one is missing.
//!
//! A change writes `bench:<vm>:<serial>:<microseconds>` into a VM's description. XAPI may fold changes of one VM into one
//! event, so what has to arrive at every subscriber is the last serial of each VM that it may see, and nothing of others.
//! Serials go on from one storm to the next: a state that is equal to the one before is no change, and nobody is told.
//! (The simulator's own storm numbers the changes of each pool apart; to tell those of several pools from each other, each
//! of a hundred subscribers would have to parse every notification, on the processor that is measured.)

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::future::try_join_all;
use memchr::memmem;
use serde_json::json;
use tokio::sync::watch;
use xapi_sim::Sim;

use super::load::{Question, quantile};
use super::raw::Protocol;

/// How often changes are made: each time a slice of the rate.
const TICK: Duration = Duration::from_millis(5);

/// How long the last change may take to everybody.
const LIMIT: Duration = Duration::from_secs(30);

/// The last serial that was given.
static SERIAL: AtomicU64 = AtomicU64::new(0);

/// What is looked for in a notification.
const MARK: &[u8] = b"bench:";

/// What came of it.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Milliseconds from change to the last byte read, the middle.
    pub p50: f64,
    /// 95 of 100 were not longer.
    pub p95: f64,
    /// 99 of 100 were not longer.
    pub p99: f64,
    /// Changes that were made.
    pub made: u64,
    /// Last states of VMs that never came, over all subscribers.
    pub lost: u64,
    /// States that came to subscribers who may not see the VM.
    pub leaked: u64,
    /// Changes per second that were really made.
    pub rate: f64,
}

/// Somebody who listens.
#[derive(Clone, Debug)]
pub struct Subscriber {
    /// Whose name it is in.
    pub token: String,
    /// The VMs that it may see, by their place among the targets; none for all.
    pub sees: Option<HashSet<u32>>,
}

impl Subscriber {
    /// Returns the VMs that it may see, in order.
    pub fn sorted(&self) -> Vec<u32> {
        let mut all: Vec<u32> = self.sees.iter().flatten().copied().collect();
        all.sort_unstable();
        all
    }

    fn may_see(&self, vm: u32) -> bool {
        self.sees.as_ref().is_none_or(|sees| sees.contains(&vm))
    }
}

/// The VMs to change: simulator and reference.
pub struct Targets(Vec<(Sim, String)>);

impl Targets {
    /// Takes the VMs that are neither templates nor snapshots nor control domains, pool by pool in turn.
    pub fn of(sims: &[Sim]) -> Self {
        let flag = |vm: &serde_json::Value, name: &str| vm[name] == true;
        let mut each: Vec<Vec<(Sim, String)>> = Vec::new();
        for sim in sims {
            let real = sim.records("VM").into_iter().filter(|(_, vm)| {
                !flag(vm, "is_a_template") && !flag(vm, "is_a_snapshot") && !flag(vm, "is_control_domain")
            });
            each.push(real.map(|(reference, _)| (sim.clone(), reference)).collect());
        }
        let longest = each.iter().map(Vec::len).max().unwrap_or(0);
        let mixed = (0..longest).flat_map(|at| each.iter().filter_map(move |pool| pool.get(at).cloned()));
        Self(mixed.collect())
    }

    /// Returns the public ids of the VMs; none if one has none.
    pub fn ids(&self) -> Option<Vec<String>> {
        let id = |(sim, reference): &(Sim, String)| Some(sim.record("VM", reference)?["uuid"].as_str()?.to_owned());
        self.0.iter().map(id).collect()
    }

    /// Makes changes with subscribers who see everything; see [`Targets::storm_to`].
    ///
    /// # Errors
    /// When a subscriber loses its connection.
    pub async fn storm(&self, address: &str, tokens: &[String], rate: u32, time: Duration) -> Result<Heard> {
        let all = tokens.iter().map(|token| Subscriber { token: token.clone(), sees: None }).collect::<Vec<_>>();
        self.storm_to(address, &all, rate, time).await
    }

    /// Makes `rate` changes per second for `time`, with these subscribers, and returns what they heard.
    ///
    /// # Errors
    /// When a subscriber loses its connection.
    pub async fn storm_to(&self, address: &str, listening: &[Subscriber], rate: u32, time: Duration) -> Result<Heard> {
        let origin = Instant::now();
        // None while changes are made, then the last serial of each VM.
        let (done, last) = watch::channel(None::<Arc<HashMap<u32, u64>>>);
        let mut subscribers = Vec::new();
        for subscriber in listening {
            // Any call will do for signing in; notifications come by themselves.
            let question = Question::call(&subscriber.token, "system.getVersion", &json!({}));
            let mut conn = question.connect(address).await?;
            let (mut last, subscriber) = (last.clone(), subscriber.clone());
            subscribers.push(tokio::spawn(async move {
                let (mut seen, mut waits, mut text) = (HashMap::<u32, u64>::new(), Vec::<f64>::new(), Vec::new());
                let mut leaked = 0;
                loop {
                    text.clear();
                    let message = tokio::select! {
                        message = conn.answer(Protocol::WebSocket, Some(&mut text)) => Some(message),
                        // Drops the other future in the middle of a message, perhaps; but nothing is read after that.
                        () = over(&mut last, &subscriber, &seen) => None,
                    };
                    match message {
                        Some(message) => message.context("a subscriber was dropped")?,
                        None => break,
                    };
                    let now = origin.elapsed().as_micros() as u64;
                    for (vm, serial, made) in marks(&text) {
                        leaked += u64::from(!subscriber.may_see(vm));
                        waits.push(now.saturating_sub(made) as f64 / 1e3);
                        let known = seen.entry(vm).or_default();
                        *known = serial.max(*known);
                    }
                }
                anyhow::Ok((missing(last.borrow().as_deref(), &subscriber, &seen), leaked, waits))
            }));
        }
        let begin = Instant::now();
        let made = self.make(rate, time, origin).await?;
        let took = begin.elapsed();
        let finals = Arc::new(made.finals);
        done.send_replace(Some(finals));
        let (mut waits, mut lost, mut leaked) = (Vec::new(), 0, 0);
        for outcome in try_join_all(subscribers).await.context("a subscriber failed")? {
            let (missed, strange, its) = outcome?;
            lost += missed;
            leaked += strange;
            waits.extend(its);
        }
        waits.sort_by(f64::total_cmp);
        let at = |share| quantile(&waits, share);
        let rate = made.count as f64 / took.as_secs_f64();
        Ok(Heard { p50: at(0.5), p95: at(0.95), p99: at(0.99), made: made.count, lost, leaked, rate })
    }

    async fn make(&self, rate: u32, time: Duration, origin: Instant) -> Result<Made> {
        let mut made = Made { count: 0, finals: HashMap::new() };
        let begin = Instant::now();
        let mut tick = tokio::time::interval(TICK);
        while begin.elapsed() < time {
            tick.tick().await;
            let due = (begin.elapsed().as_secs_f64() * f64::from(rate)) as u64;
            while made.count < due {
                made.count += 1;
                let vm = made.count as usize % self.0.len();
                let (sim, reference) = &self.0[vm];
                let serial = SERIAL.fetch_add(1, Ordering::Relaxed) + 1;
                let text = format!("bench:{vm}:{serial}:{}", origin.elapsed().as_micros());
                sim.set("VM", reference, "name_description", json!(text))?;
                made.finals.insert(vm as u32, serial);
            }
        }
        Ok(made)
    }
}

struct Made {
    count: u64,
    finals: HashMap<u32, u64>,
}

/// Waits until the storm is over and nothing more is to come: all is there, or nothing came for long.
async fn over(
    last: &mut watch::Receiver<Option<Arc<HashMap<u32, u64>>>>,
    subscriber: &Subscriber,
    seen: &HashMap<u32, u64>,
) {
    let complete = match last.wait_for(Option::is_some).await {
        Ok(last) => missing(last.as_deref(), subscriber, seen) == 0,
        Err(_) => true,
    };
    if !complete {
        tokio::time::sleep(LIMIT).await;
    }
}

fn missing(last: Option<&HashMap<u32, u64>>, subscriber: &Subscriber, seen: &HashMap<u32, u64>) -> u64 {
    let its = last.into_iter().flatten().filter(|(vm, _)| subscriber.may_see(**vm));
    its.filter(|(vm, serial)| seen.get(vm) != Some(serial)).count() as u64
}

/// Returns the (vm, serial, microseconds) in a notification.
fn marks(text: &[u8]) -> impl Iterator<Item = (u32, u64, u64)> {
    memmem::find_iter(text, MARK).filter_map(|at| {
        let rest = &text[at + MARK.len()..];
        let end = rest.iter().position(|&byte| byte == b'"')?;
        let mut parts = std::str::from_utf8(&rest[..end]).ok()?.split(':').map(|part| part.parse::<u64>().ok());
        Some((u32::try_from(parts.next()??).ok()?, parts.next()??, parts.next()??))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_and_gaps_are_seen() {
        let text = br#"{"a":{"name_description":"bench:7:12:99"},"b":"bench:x:1:1","c":"bench:8:13:100"}"#;
        assert_eq!(marks(text).collect::<Vec<_>>(), [(7, 12, 99), (8, 13, 100)]);
        let last = HashMap::from([(7, 12), (8, 14)]);
        let (old, new) = (HashMap::from([(7, 12), (8, 13)]), HashMap::from([(7, 12), (8, 14), (9, 1)]));
        let mut who = Subscriber { token: String::new(), sees: None };
        assert_eq!(missing(Some(&last), &who, &old), 1);
        assert_eq!(missing(Some(&last), &who, &new), 0);
        who.sees = Some(HashSet::from([7]));
        assert_eq!(missing(Some(&last), &who, &old), 0);
        assert!(who.may_see(7) && !who.may_see(8));
    }
}
