//! Learns from the stream who belongs to the pool: addresses from hosts, fingerprints from certificates.
//!
//! Fingerprints are only believed when the master they come from was verified itself. Hosts that are older than the
//! class `Certificate` are asked for theirs by a call, once per picture, through the master.

use std::collections::HashMap;
use std::time::Duration;

use crate::events::{Delta, Event};
use crate::member::{Member, Roster};
use crate::{Connection, Target, Tls, Value, tls};

/// What is known of the hosts of a pool.
#[derive(Default)]
pub(crate) struct Tracker {
    now: Hosts,
    /// What a picture that is not complete has brought.
    next: Hosts,
    /// Whether the master was verified.
    trusted: bool,
}

#[derive(Default)]
struct Hosts {
    /// Addresses by reference.
    addresses: HashMap<Box<str>, Box<str>>,
    /// Host and fingerprint by the certificate's reference.
    certificates: HashMap<Box<str>, (Box<str>, String)>,
    master: Option<Box<str>>,
}

impl Tracker {
    pub(crate) fn new(target: &Target) -> Self {
        let secure = target.base().is_ok_and(|base| base.scheme() == "https");
        Self { trusted: secure && target.tls != Tls::AllowUnauthorized, ..Self::default() }
    }

    /// Looks at an event, and returns whether something about members may be different now.
    pub(crate) fn see(&mut self, event: &Event) -> bool {
        match event {
            Event::Init => self.next = Hosts::default(),
            Event::InitApply { class, reference, record } => {
                self.next.apply(class, reference, record);
            }
            Event::InitDone => {
                self.now = std::mem::take(&mut self.next);
                return true;
            }
            Event::Batch(deltas) => {
                return deltas.iter().fold(false, |changed, delta| {
                    changed
                        | match delta {
                            Delta::Apply { class, reference, record } => self.now.apply(class, reference, record),
                            Delta::Delete { class, reference } => self.now.remove(class, reference),
                        }
                });
            }
            _ => {}
        }
        false
    }

    /// Returns the master's address.
    pub(crate) fn master(&self) -> Option<&str> {
        self.now.addresses.get(self.now.master.as_ref()?).map(|address| &**address)
    }

    /// Brings the roster up to date, and returns whether it was not. Without a host it stays: not all readers ask for them.
    pub(crate) fn tell(&self, roster: &Roster) -> bool {
        if self.now.addresses.is_empty() {
            return false;
        }
        let known = roster.members();
        let fingerprint = |host: &str, address: &str| {
            let told = self.now.certificates.values().find(|(of, _)| **of == *host).map(|(_, print)| print.clone());
            // Asked for earlier, because the pool is too old to tell.
            let asked = || known.iter().find(|member| member.address == address)?.fingerprint.clone();
            told.or_else(asked).filter(|_| self.trusted)
        };
        let members = self.now.addresses.iter().filter(|(_, address)| !address.is_empty());
        let mut members: Vec<Member> = members
            .map(|(host, address)| Member { address: address.to_string(), fingerprint: fingerprint(host, address) })
            .collect();
        members.sort();
        members.dedup_by(|one, other| one.address == other.address);
        let silent = self
            .now
            .addresses
            .iter()
            .filter(|(host, _)| self.trusted && self.now.certificates.values().all(|(of, _)| *of != **host));
        roster.ask_for(silent.map(|(host, address)| (host.clone(), address.to_string())).collect());
        roster.set(&members)
    }
}

/// The fields that [`Hosts`] reads.
pub(crate) const OWN_FIELDS: &[&str] = &["address", "fingerprint", "fingerprint_sha256", "host", "master", "type"];

impl Hosts {
    fn apply(&mut self, class: &str, reference: &str, record: &Value) -> bool {
        let text = |name: &str| record.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        match class {
            "host" => {
                let address = text("address").unwrap_or_default();
                let old = self.addresses.insert(reference.into(), address.into());
                old.as_deref() != Some(address)
            }
            // Other types are not shown to clients: `ca`, and `host_internal` between hosts.
            "Certificate" if text("type").is_none_or(|kind| kind == "host") => {
                let print = text("fingerprint_sha256").or_else(|| text("fingerprint")).and_then(tls::normalise);
                let (Some(host), Some(print)) = (text("host"), print) else { return self.remove(class, reference) };
                let new = (host.into(), print);
                let changed = self.certificates.get(reference) != Some(&new);
                if changed {
                    self.certificates.insert(reference.into(), new);
                }
                changed
            }
            "pool" => {
                let master = text("master").map(Box::from);
                let changed = self.master != master;
                self.master = master;
                changed
            }
            _ => false,
        }
    }

    fn remove(&mut self, class: &str, reference: &str) -> bool {
        match class {
            "host" => self.addresses.remove(reference).is_some(),
            "Certificate" => self.certificates.remove(reference).is_some(),
            _ => false,
        }
    }
}

/// Asks the master for the certificates of hosts that have no record of one.
pub(crate) async fn ask(connection: &Connection, limit: Duration) {
    let roster = connection.roster();
    for (host, address) in roster.take_silent() {
        // Old hosts are asked one after the other: they are few, and it happens once per picture.
        match connection.call_once("host.get_server_certificate", vec![(&*host).into()], limit).await {
            Ok(Value::String(pem)) => match tls::fingerprint_of_pem(&pem) {
                Some(print) => roster.learn(&address, print),
                None => tracing::debug!(host = address, "the pool's word on a member's certificate is none"),
            },
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(host = address, error = %error.chain(), "a member's certificate is not known");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use model::Secret;

    use super::*;

    fn target(host: &str, tls: Tls) -> Target {
        Target {
            host: host.to_owned(),
            username: "root".to_owned(),
            password: Secret::new("pw"),
            tls,
            http_proxy: None,
            read_only: false,
            members: vec![],
        }
    }

    fn record(class: &str, reference: &str, fields: &[(&str, &str)]) -> Event {
        let record = Value::record(fields.iter().copied());
        Event::InitApply { class: class.into(), reference: reference.into(), record }
    }

    fn told(roster: &Roster) -> Vec<String> {
        let members = roster.members().into_iter();
        members.map(|member| format!("{} {}", member.address, &member.fingerprint.unwrap_or_default())).collect()
    }

    #[test]
    fn members_and_pins_follow_the_pool() {
        let (one, two) = (["aa"; 32].join(":"), ["bb"; 32].join(":"));
        for (target, trusted) in [
            (target("xen1", Tls::Pin("cc".repeat(32))), true),
            (target("xen1", Tls::Verify), true),
            (target("xen1", Tls::AllowUnauthorized), false),
            (target("http://xen1", Tls::Verify), false),
        ] {
            let (mut tracker, roster) = (Tracker::new(&target), Roster::default());
            let pin = |print: &str| if trusted { print.to_owned() } else { String::new() };
            for event in [
                Event::Init,
                record("pool", "p", &[("master", "h2")]),
                record("host", "h1", &[("address", "10.0.0.1")]),
                record("host", "h2", &[("address", "10.0.0.2")]),
                record("Certificate", "c0", &[("host", "h1"), ("type", "host_internal"), ("fingerprint", &two)]),
                record("Certificate", "c1", &[("host", "h1"), ("type", "host"), ("fingerprint", &one.to_uppercase())]),
            ] {
                assert!(!tracker.see(&event), "not before the picture is complete");
            }
            assert!(tracker.see(&Event::InitDone));
            assert!(tracker.tell(&roster) && !tracker.tell(&roster));
            assert_eq!(told(&roster), [format!("10.0.0.1 {}", pin(&one)), "10.0.0.2 ".to_owned()]);
            assert_eq!(tracker.master(), Some("10.0.0.2"));
            assert_eq!(roster.take_silent().len(), usize::from(trusted), "the other one has a record");

            roster.learn("10.0.0.2", two.clone());
            let fields = [("host", "h1"), ("type", "host"), ("fingerprint_sha256", two.as_str()), ("fingerprint", "")];
            let changed = vec![
                Delta::Apply { class: "Certificate".into(), reference: "c1".into(), record: Value::record(fields) },
                Delta::Delete { class: "VM".into(), reference: "v".into() },
            ];
            assert!(tracker.see(&Event::Batch(changed)));
            tracker.tell(&roster);
            assert_eq!(told(&roster), [format!("10.0.0.1 {}", pin(&two)), format!("10.0.0.2 {}", pin(&two))]);

            let gone = Delta::Delete { class: "host".into(), reference: "h2".into() };
            assert!(tracker.see(&Event::Batch(vec![gone])));
            tracker.tell(&roster);
            assert_eq!(told(&roster), [format!("10.0.0.1 {}", pin(&two))]);

            // A picture that breaks off changes nothing.
            tracker.see(&Event::Init);
            assert!(!tracker.tell(&roster));
        }
    }
}
