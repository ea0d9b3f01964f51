//! Watches how plugins behave: circuit breakers, queues and health, for each instance.
//!
//! ```text
//!             5 failures in 60 s                 pause is over
//!   closed ------------------------> open ---------------------> half-open (one call at a time)
//!     ^                               ^                             |   |
//!     |                               '--- it fails: pause doubled -'   |
//!     '------------------------------------------ it answers ----------'
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};

use crate::CallError;

use model::Millis;
use serde::Serialize;

/// State of a circuit breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Breaker {
    /// Calls go through.
    #[default]
    Closed,
    /// Calls are refused.
    Open {
        /// When one call will be let through.
        retry_at: Millis,
    },
    /// One call is let through, to see.
    HalfOpen,
}

/// The last failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastError {
    /// "trap", "cpu", "memory", "timeout", "result-too-large", "plugin"...
    pub kind: String,
    /// The plugin's code, else "plugin.<kind>".
    pub code: String,
    /// For people.
    pub message: String,
    /// When.
    pub at: Millis,
}

/// Failures within [`WINDOW`] that open the breaker.
const FAILURES: usize = 5;
const WINDOW: Millis = 60_000;
/// First pause of an open breaker, and the longest.
const PAUSE: Millis = 30_000;
const PAUSE_MAX: Millis = 600_000;

/// Calls of one instance that run at once.
pub(crate) const IN_FLIGHT: usize = 4;
/// Calls of one instance that wait for their turn: at 4 in flight and 100 ms each, the last waits less than 2 s.
pub(crate) const WAITING: u64 = 64;

/// Host calls remembered for the instance's page.
const RING: usize = 1_000;

/// One circuit breaker. Pure: time comes in.
#[derive(Debug, Default)]
pub(crate) struct Circuit {
    failures: VecDeque<Millis>,
    open_until: Option<Millis>,
    pause: Millis,
    probing: bool,
}

impl Circuit {
    /// Lets a call through, or says when to come back. `Ok(true)` = this call is the one that decides.
    pub(crate) fn admit(&mut self, now: Millis) -> Result<bool, Millis> {
        match self.open_until {
            None => Ok(false),
            Some(until) if now < until => Err(until),
            Some(_) if self.probing => Err(now + 1_000),
            Some(_) => {
                self.probing = true;
                Ok(true)
            }
        }
    }

    /// The plugin answered.
    pub(crate) fn answered(&mut self, probe: bool) {
        if probe {
            *self = Self::default();
        }
    }

    /// The plugin misbehaved. Returns whether the breaker opened by this.
    pub(crate) fn failed(&mut self, now: Millis, probe: bool) -> bool {
        if self.open_until.is_some() {
            // A call that was under way when the breaker opened says nothing new; the probe does.
            if probe {
                self.pause = (self.pause * 2).min(PAUSE_MAX);
                self.open_until = Some(now + self.pause);
                self.probing = false;
            }
            return probe;
        }
        self.failures.push_back(now);
        while self.failures.front().is_some_and(|at| now.saturating_sub(*at) > WINDOW) {
            self.failures.pop_front();
        }
        if self.failures.len() < FAILURES {
            return false;
        }
        self.failures.clear();
        self.pause = PAUSE;
        self.open_until = Some(now + PAUSE);
        true
    }

    /// The call ended without saying anything about the plugin: its caller went away, or there was no room.
    pub(crate) fn abandoned(&mut self, probe: bool) {
        if probe {
            self.probing = false;
        }
    }

    fn view(&self, now: Millis) -> Breaker {
        match self.open_until {
            None => Breaker::Closed,
            Some(retry_at) if now < retry_at => Breaker::Open { retry_at },
            Some(_) => Breaker::HalfOpen,
        }
    }
}

/// A call of a host function, as the instance's page lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HostCall {
    /// When it ended.
    pub at: Millis,
    /// Id of the plugin call it belongs to.
    pub call: String,
    /// Interface and function, such as "kv.set".
    pub function: String,
    /// The right it needed.
    pub capability: Option<String>,
    /// "ok", or the code of the error.
    pub outcome: String,
}

#[derive(Debug, Default)]
struct Ledger {
    circuits: BTreeMap<String, Circuit>,
    health: Health,
    recent: VecDeque<HostCall>,
}

/// What is known about one instance. It outlives generations of its plugin.
#[derive(Debug)]
pub(crate) struct Watch {
    ledger: Mutex<Ledger>,
    pub(crate) slots: Arc<Semaphore>,
    waiting: AtomicU64,
    host_calls: AtomicU64,
    pub(crate) log: crate::log::LogGate,
    pub(crate) reactivate: AtomicBool,
    /// Counts cancellations; calls watch it.
    cancelled: watch::Sender<u64>,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            ledger: Mutex::default(),
            slots: Arc::new(Semaphore::new(IN_FLIGHT)),
            waiting: AtomicU64::new(0),
            host_calls: AtomicU64::new(0),
            log: crate::log::LogGate::default(),
            reactivate: AtomicBool::new(false),
            cancelled: watch::Sender::new(0),
        }
    }
}

/// What a call used.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Used {
    pub(crate) memory: u64,
    pub(crate) cpu_ms: u64,
    pub(crate) wall: Duration,
}

impl Watch {
    /// Asks the breaker of a role; `Ok(true)` = this call is the probe.
    pub(crate) fn admit(&self, role: &str, now: Millis) -> Result<bool, CallError> {
        let mut ledger = self.ledger.lock();
        let circuit = ledger.circuits.entry(role.to_owned()).or_default();
        circuit.admit(now).map_err(|retry_at| CallError::BreakerOpen { retry_at })
    }

    /// The call never got to say anything.
    pub(crate) fn abandoned(&self, role: &str, probe: bool) {
        if let Some(circuit) = self.ledger.lock().circuits.get_mut(role) {
            circuit.abandoned(probe);
        }
    }

    /// Takes the end of a call. Returns whether the breaker opened by it.
    pub(crate) fn ended(&self, role: &str, probe: bool, now: Millis, used: Used, error: Option<&CallError>) -> bool {
        let mut ledger = self.ledger.lock();
        let Ledger { circuits, health, .. } = &mut *ledger;
        let circuit = circuits.entry(role.to_owned()).or_default();
        health.calls += 1;
        health.memory_high_water = health.memory_high_water.max(used.memory);
        health.cpu_high_water_ms = health.cpu_high_water_ms.max(used.cpu_ms);
        let wall = u64::try_from(used.wall.as_millis()).unwrap_or(u64::MAX);
        health.wall_high_water_ms = health.wall_high_water_ms.max(wall);
        let Some(error) = error else {
            circuit.answered(probe);
            return false;
        };
        // A plugin's own words may be megabytes long.
        let message = crate::log::cut(&error.to_string(), 2_048).to_owned();
        let code = crate::log::cut(&error.code(), 200).to_owned();
        health.last_error = Some(LastError { kind: error.kind().to_owned(), code, message, at: now });
        if error.is_misbehaviour() {
            health.failures += 1;
            return circuit.failed(now, probe);
        }
        match error {
            CallError::Plugin(_) => circuit.answered(probe),
            _ => circuit.abandoned(probe),
        }
        false
    }

    /// Takes the end of a call of a host function.
    pub(crate) fn host_call(&self, call: HostCall, denied: bool, counted: bool) {
        let mut ledger = self.ledger.lock();
        ledger.health.denied += u64::from(denied);
        if let Some(capability) = call.capability.as_ref().filter(|_| counted) {
            // Rights that are counted are few: each was given by hand. The cap holds for stars.
            if ledger.health.counted.len() < 256 || ledger.health.counted.contains_key(capability) {
                *ledger.health.counted.entry(capability.clone()).or_default() += 1;
            }
        }
        if ledger.recent.len() == RING {
            ledger.recent.pop_front();
        }
        ledger.recent.push_back(call);
    }

    pub(crate) fn count_host_call(&self) {
        self.host_calls.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn recent(&self) -> Vec<HostCall> {
        self.ledger.lock().recent.iter().cloned().collect()
    }

    /// Takes a place in the queue, if there is one; it is given back when the answer is dropped.
    pub(crate) fn queue(&self) -> Option<Place<'_>> {
        let place = Place(&self.waiting);
        (self.waiting.fetch_add(1, Ordering::Relaxed) < WAITING).then_some(place)
    }

    pub(crate) fn health(&self, now: Millis) -> Health {
        let ledger = self.ledger.lock();
        let mut health = ledger.health.clone();
        health.breakers = ledger.circuits.iter().map(|(role, circuit)| (role.clone(), circuit.view(now))).collect();
        health.in_flight = (IN_FLIGHT - self.slots.available_permits().min(IN_FLIGHT)) as u64;
        health.waiting = self.waiting.load(Ordering::Relaxed);
        health.host_calls = self.host_calls.load(Ordering::Relaxed);
        health.log_dropped = self.log.dropped();
        health
    }

    pub(crate) fn reset(&self) {
        let mut ledger = self.ledger.lock();
        ledger.circuits.clear();
        ledger.health.last_error = None;
    }

    pub(crate) fn cancel(&self) {
        self.cancelled.send_modify(|count| *count += 1);
    }

    pub(crate) fn cancellations(&self) -> watch::Receiver<u64> {
        self.cancelled.subscribe()
    }
}

/// A place in the queue of an instance.
pub(crate) struct Place<'a>(&'a AtomicU64);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How a plugin instance is doing since it was loaded or reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// Circuit breaker of each role that was called.
    pub breakers: BTreeMap<String, Breaker>,
    /// The last failure.
    pub last_error: Option<LastError>,
    /// Calls so far.
    pub calls: u64,
    /// Calls that gave no answer; a plugin's own errors are answers.
    pub failures: u64,
    /// Calls running now.
    pub in_flight: u64,
    /// Calls that wait now.
    pub waiting: u64,
    /// Most bytes of linear memory that a call used.
    pub memory_high_water: u64,
    /// Most milliseconds of processor time that a call used, in steps of 10.
    pub cpu_high_water_ms: u64,
    /// Longest call, milliseconds of wall clock.
    pub wall_high_water_ms: u64,
    /// Calls of host functions so far.
    pub host_calls: u64,
    /// Host calls that were denied.
    pub denied: u64,
    /// Uses of grants in mode `count`, by capability.
    pub counted: BTreeMap<String, u64>,
    /// Log lines dropped because there were too many.
    pub log_dropped: u64,
    /// Milliseconds that compiling took; None = the compiled code came from the cache.
    pub compile_ms: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_after_five_failures_in_a_minute_and_doubles() {
        let mut circuit = Circuit::default();
        for at in [0, 1_000, 2_000, 3_000] {
            assert!(!circuit.failed(at, false));
        }
        assert!(!circuit.failed(60_500, false), "the first has aged out");
        assert_eq!(circuit.admit(60_500), Ok(false));
        assert!(circuit.failed(60_600, false));
        assert_eq!(circuit.view(60_600), Breaker::Open { retry_at: 90_600 });
        assert_eq!(circuit.admit(70_000), Err(90_600));
        assert!(!circuit.failed(70_000, false), "a straggler does not prolong it");

        let (mut now, mut pauses) = (90_600, vec![]);
        for _ in 0..6 {
            assert_eq!(circuit.view(now), Breaker::HalfOpen);
            assert_eq!(circuit.admit(now), Ok(true));
            assert_eq!(circuit.admit(now), Err(now + 1_000), "one at a time");
            assert!(circuit.failed(now, true));
            let Breaker::Open { retry_at } = circuit.view(now) else { panic!("must be open") };
            pauses.push((retry_at - now) / 1_000);
            now = retry_at;
        }
        assert_eq!(pauses, [60, 120, 240, 480, 600, 600]);

        assert_eq!(circuit.admit(now), Ok(true));
        circuit.abandoned(true);
        assert_eq!(circuit.admit(now), Ok(true), "an abandoned probe leaves room for another");
        circuit.answered(true);
        assert_eq!(circuit.view(now), Breaker::Closed);
        assert_eq!(circuit.pause, 0);
    }

    #[test]
    fn a_plugins_own_error_is_an_answer() {
        let watch = Watch::default();
        let error = CallError::Plugin(crate::PluginError::new(crate::ErrorKind::Upstream, "ldap.busy", "busy"));
        for _ in 0..20 {
            assert!(!watch.ended("r", false, 0, Used::default(), Some(&error)));
        }
        assert_eq!(watch.admit("r", 0), Ok(false));
        let health = watch.health(0);
        assert_eq!((health.calls, health.failures), (20, 0));
        assert_eq!(health.last_error.unwrap().code, "ldap.busy");
    }

    #[test]
    fn the_queue_is_bounded() {
        let watch = Watch::default();
        let places: Vec<_> = (0..WAITING).map(|_| watch.queue().unwrap()).collect();
        assert!(watch.queue().is_none());
        drop(places);
        assert!(watch.queue().is_some());
        assert_eq!(watch.health(0).waiting, 0);
    }
}
