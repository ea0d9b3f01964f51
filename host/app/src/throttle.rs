//! Slows down guessing: after a failure the same name from the same address waits, and neither one address nor one name
//! has many failures in a row, however they are spread over names and addresses.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use model::{Millis, UserId};
use parking_lot::Mutex;

/// Milliseconds between a failure and the next try of the same name from the same address, as in Xen Orchestra.
const DELAY: Millis = 2_000;

/// Failures of one address with any names, and the time that takes one off: a team behind one proxy mistypes less.
const OF_ADDRESS: Limit = Limit { failures: 30, forgiven_each: 2_000 };

/// Failures of one name from any addresses. Addresses from which the name has signed in go on.
const OF_NAME: Limit = Limit { failures: 20, forgiven_each: 5_000 };

/// Failures of one account with its one-time password. A code is one of a million, three are good at any time, and who gets
/// here knows the password.
const OF_CODE: Limit = Limit { failures: 5, forgiven_each: 60_000 };

/// Beyond this many, entries that no longer matter are dropped, and then the older half: a flood of names must not fill
/// the memory.
const ENTRIES: usize = 10_000;

struct Limit {
    failures: u64,
    forgiven_each: Millis,
}

impl Limit {
    /// Returns whether another try is allowed; the number of failures, as if all were at one time, is what is kept.
    fn allows(&self, full_until: Option<&Millis>, now: Millis) -> bool {
        full_until.is_none_or(|until| until.saturating_sub(now) < self.failures * self.forgiven_each)
    }

    /// Adds a failure: each is forgiven after the one before it.
    fn fail<K: Hash + Eq>(&self, entries: &mut HashMap<K, Millis>, key: K, now: Millis) {
        make_room(entries, |until| *until > now);
        let until = entries.entry(key).or_default();
        *until = (*until).max(now) + self.forgiven_each;
    }
}

fn make_room<K: Hash + Eq>(entries: &mut HashMap<K, Millis>, matters: impl Fn(&Millis) -> bool) {
    if entries.len() < ENTRIES {
        return;
    }
    entries.retain(|_, at| matters(at));
    if entries.len() >= ENTRIES {
        let mut times: Vec<Millis> = entries.values().copied().collect();
        let (_, median, _) = times.select_nth_unstable(ENTRIES / 2);
        let median = *median;
        entries.retain(|_, at| *at > median);
    }
}

/// A name and where it is used from.
type Pair = (String, Option<IpAddr>);

#[derive(Default)]
struct Entries {
    /// When which name last failed from where.
    failed: HashMap<Pair, Millis>,
    /// When which name last signed in from where.
    known: HashMap<Pair, Millis>,
    /// When the failures of an address, a name, an account's codes are forgiven.
    addresses: HashMap<IpAddr, Millis>,
    names: HashMap<String, Millis>,
    codes: HashMap<UserId, Millis>,
}

/// What is remembered of failures.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<Entries>);

/// Returns what stands for an address: who has one of IPv6 has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        address => address,
    }
}

fn pair(name: &str, address: Option<IpAddr>) -> Pair {
    (name.to_lowercase(), address.map(network))
}

impl Throttle {
    /// Returns whether a try is allowed now.
    pub(crate) fn allows(&self, name: &str, address: Option<IpAddr>, now: Millis) -> bool {
        let (pair, entries) = (pair(name, address), self.0.lock());
        let waits = entries.failed.get(&pair).is_some_and(|at| now.saturating_sub(*at) < DELAY);
        let address = pair.1.and_then(|address| entries.addresses.get(&address));
        let by_name = entries.known.contains_key(&pair) || OF_NAME.allows(entries.names.get(&pair.0), now);
        !waits && OF_ADDRESS.allows(address, now) && by_name
    }

    /// Remembers a failure.
    pub(crate) fn failed(&self, name: &str, address: Option<IpAddr>, now: Millis) {
        let (pair, mut entries) = (pair(name, address), self.0.lock());
        if let Some(address) = pair.1 {
            OF_ADDRESS.fail(&mut entries.addresses, address, now);
        }
        if !entries.known.contains_key(&pair) {
            OF_NAME.fail(&mut entries.names, pair.0.clone(), now);
        }
        make_room(&mut entries.failed, |at| now.saturating_sub(*at) < DELAY);
        entries.failed.insert(pair, now);
    }

    /// Forgets the failures of a name that has just signed in, and knows where from.
    pub(crate) fn succeeded(&self, name: &str, address: Option<IpAddr>, now: Millis) {
        let (pair, mut entries) = (pair(name, address), self.0.lock());
        entries.failed.remove(&pair);
        make_room(&mut entries.known, |_| true);
        entries.known.insert(pair, now);
    }

    /// Returns whether a one-time password of this account may be tried now.
    pub(crate) fn allows_code(&self, user: &UserId, now: Millis) -> bool {
        OF_CODE.allows(self.0.lock().codes.get(user), now)
    }

    /// Remembers a wrong one.
    pub(crate) fn failed_code(&self, user: &UserId, now: Millis) {
        OF_CODE.fail(&mut self.0.lock().codes, user.clone(), now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_000_000;

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn a_failure_costs_two_seconds_for_that_name_and_address() {
        let throttle = Throttle::default();
        throttle.failed("Alice", address(1), NOW);
        assert!(!throttle.allows("alice", address(1), NOW + 1_999));
        assert!(throttle.allows("alice", None, NOW + 1_999));
        assert!(throttle.allows("bob", address(1), NOW + 1_999));
        assert!(throttle.allows("alice", address(1), NOW + 2_000));
        throttle.failed("alice", address(1), NOW + 2_000);
        throttle.succeeded("ALICE", address(1), NOW + 2_000);
        assert!(throttle.allows("alice", address(1), NOW + 2_001));
    }

    /// Tries with all their might for a time; returns how many got through.
    fn storm(seconds: Millis, mut one: impl FnMut(u64, Millis) -> bool) -> u64 {
        (0..seconds * 100).map(|count| u64::from(one(count, NOW + count * 10))).sum()
    }

    #[test]
    fn one_address_gets_through_with_few_names() {
        let throttle = Throttle::default();
        let through = storm(60, |count, now| {
            let name = format!("user {count}");
            let allowed = throttle.allows(&name, address(1), now);
            if allowed {
                throttle.failed(&name, address(1), now);
            }
            allowed
        });
        assert_eq!(through, 60);
        assert!(throttle.allows("somebody", address(2), NOW));
        // Addresses of one network of IPv6 are one.
        let six = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        for count in 0..30 {
            throttle.failed(&format!("user {count}"), six(&format!("2001:db8::{count}")), NOW);
        }
        assert!(!throttle.allows("x", six("2001:db8::ffff"), NOW));
        assert!(throttle.allows("x", six("2001:db8:0:1::ffff"), NOW));
    }

    #[test]
    fn one_name_is_tried_from_few_addresses_and_its_owner_gets_in() {
        let throttle = Throttle::default();
        throttle.succeeded("alice", address(200), NOW - 1);
        let through = storm(60, |count, now| {
            let from = Some(IpAddr::from([10, 0, (count >> 8) as u8, count as u8]));
            let allowed = throttle.allows("alice", from, now);
            if allowed {
                throttle.failed("alice", from, now);
            }
            allowed
        });
        assert_eq!(through, 32);
        assert!(!throttle.allows("alice", address(201), NOW + 60_000));
        assert!(throttle.allows("alice", address(200), NOW + 60_000));
    }

    #[test]
    fn codes_are_few() {
        let (throttle, user) = (Throttle::default(), UserId::from("u"));
        let through = storm(120, |_, now| {
            let allowed = throttle.allows_code(&user, now);
            if allowed {
                throttle.failed_code(&user, now);
            }
            allowed
        });
        assert_eq!(through, 7);
        assert!(throttle.allows_code(&UserId::from("v"), NOW));
    }

    #[test]
    fn a_flood_of_names_keeps_the_memory_small_and_what_is_recent() {
        let throttle = Throttle::default();
        for count in 0..3 * ENTRIES as u64 {
            throttle.failed(&format!("user {count}"), None, NOW + count / 100);
        }
        let entries = throttle.0.lock();
        assert!(entries.failed.len() <= ENTRIES && entries.names.len() <= ENTRIES);
        assert!(entries.names.contains_key(&format!("user {}", 3 * ENTRIES - 1)));
    }
}
