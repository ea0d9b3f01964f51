//! Slows down guessing: after a failure, the same name from the same address has to wait.

use std::collections::HashMap;
use std::net::IpAddr;

use model::Millis;
use parking_lot::Mutex;

/// Milliseconds between a failure and the next try, as in Xen Orchestra.
const DELAY: Millis = 2_000;

/// Beyond this many, entries that no longer matter are dropped: a flood of names must not fill the memory.
const ENTRIES: usize = 10_000;

/// When which name last failed from where.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<HashMap<(String, Option<IpAddr>), Millis>>);

impl Throttle {
    /// Returns whether a try is allowed now.
    pub(crate) fn allows(&self, name: &str, address: Option<IpAddr>, now: Millis) -> bool {
        let failed = self.0.lock().get(&(name.to_lowercase(), address)).copied();
        failed.is_none_or(|at| now.saturating_sub(at) >= DELAY)
    }

    /// Remembers a failure.
    pub(crate) fn failed(&self, name: &str, address: Option<IpAddr>, now: Millis) {
        let mut entries = self.0.lock();
        if entries.len() >= ENTRIES {
            entries.retain(|_, at| now.saturating_sub(*at) < DELAY);
            if entries.len() >= ENTRIES {
                entries.clear();
            }
        }
        entries.insert((name.to_lowercase(), address), now);
    }

    /// Forgets the failures of a name that has just signed in.
    pub(crate) fn succeeded(&self, name: &str, address: Option<IpAddr>) {
        self.0.lock().remove(&(name.to_lowercase(), address));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_costs_two_seconds_for_that_name_and_address() {
        let (throttle, here) = (Throttle::default(), Some(IpAddr::from([127, 0, 0, 1])));
        throttle.failed("Alice", here, 10_000);
        assert!(!throttle.allows("alice", here, 11_999));
        assert!(throttle.allows("alice", None, 11_999));
        assert!(throttle.allows("bob", here, 11_999));
        assert!(throttle.allows("alice", here, 12_000));
        throttle.failed("alice", here, 12_000);
        throttle.succeeded("ALICE", here);
        assert!(throttle.allows("alice", here, 12_001));
    }
}
