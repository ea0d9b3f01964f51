//! The members of a pool that we know, and which of them may be talked to.
//!
//! A pool tells the addresses of its members, and newer ones their certificates too. What the verified master says is
//! believed and kept, so that the pool is found again when the entry's host is dead. Name, password and session go to a
//! host only when it is the entry itself or such a member, with a certificate that passes ([`Target::towards`]).

use std::sync::Arc;

use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

use crate::{Target, Tls};

/// A host of a pool, as its master knows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Member {
    /// Its management address as in `host.address`: a name or an address, IPv6 without brackets.
    pub address: String,
    /// SHA-256 of its certificate as `ab:cd:...`, if the master told it over a verified line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// What is known about the members of one pool, shared by the stream and its connections. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roster(Arc<RwLock<Known>>);

#[derive(Debug, Default)]
struct Known {
    members: Vec<Member>,
    /// The address of the host that the entry leads to. Behind a NAT the entry works and this address does not.
    entry: Option<String>,
    /// Hosts whose certificate the pool has to be asked for, with their addresses.
    silent: Vec<(Box<str>, String)>,
}

impl Roster {
    pub(crate) fn new(members: Vec<Member>) -> Self {
        Self(Arc::new(RwLock::new(Known { members, ..Known::default() })))
    }

    /// Replaces what is known, and returns whether it was different.
    pub(crate) fn set(&self, members: &[Member]) -> bool {
        let mut known = self.0.write();
        let changed = known.members != members;
        if changed {
            known.members = members.to_vec();
        }
        changed
    }

    /// Remembers the certificate of a member.
    pub(crate) fn learn(&self, address: &str, fingerprint: String) {
        let mut known = self.0.write();
        if let Some(member) = known.members.iter_mut().find(|member| member.address == address) {
            member.fingerprint = Some(fingerprint);
        }
    }

    /// Remembers hosts whose certificate the pool has to be asked for.
    pub(crate) fn ask_for(&self, hosts: Vec<(Box<str>, String)>) {
        self.0.write().silent = hosts;
    }

    pub(crate) fn take_silent(&self) -> Vec<(Box<str>, String)> {
        std::mem::take(&mut self.0.write().silent)
    }

    /// Remembers which member the entry leads to.
    pub(crate) fn set_entry(&self, address: &str) {
        let mut known = self.0.write();
        if known.entry.as_deref() != Some(address) {
            known.entry = Some(address.to_owned());
        }
    }

    pub(crate) fn members(&self) -> Vec<Member> {
        self.0.read().members.clone()
    }

    /// Returns how to reach the member with this address.
    ///
    /// # Errors
    /// Why it may not be talked to.
    pub(crate) fn find(&self, entry: &Target, address: &str) -> Result<Target, &'static str> {
        let known = self.0.read();
        if known.entry.as_deref() == Some(address) || entry.is_at(address) {
            return Ok(entry.clone());
        }
        let member = known.members.iter().find(|member| same(&member.address, address));
        entry.towards(member.ok_or("it is not known as a member of the pool")?)
    }
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

impl Target {
    /// Returns the same account at another member. Scheme and port are the entry's.
    ///
    /// # Errors
    /// Why that member may not be talked to.
    pub(crate) fn towards(&self, member: &Member) -> Result<Self, &'static str> {
        let base = self.base().map_err(|_| "the entry has no proper address")?;
        let address = member.address.trim();
        if address.is_empty() {
            return Err("its address is not known");
        }
        let host = match (address.matches(':').count(), base.port()) {
            // A port of its own: no real host says so, but fleets on one machine do.
            (1, _) => address.to_owned(),
            (0, Some(port)) => format!("{address}:{port}"),
            (0, None) => address.to_owned(),
            (_, Some(port)) => format!("[{address}]:{port}"),
            (_, None) => format!("[{address}]"),
        };
        let host = format!("{}://{host}", base.scheme());
        let tls = match &self.tls {
            Tls::Pin(_) if base.scheme() == "https" => {
                Tls::Pin(member.fingerprint.clone().ok_or("its certificate is not known")?)
            }
            // The system's authorities vouch for it as for the entry; or nobody has to.
            policy => policy.clone(),
        };
        let target = Self { host, tls, ..self.clone() };
        target.base().map_err(|_| "its address makes no sense")?;
        Ok(target)
    }

    /// Returns whether the entry itself names this address.
    pub(crate) fn is_at(&self, address: &str) -> bool {
        let Ok(base) = self.base() else { return false };
        let host = base.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let with_port = base.port_or_known_default().map(|port| format!("{host}:{port}"));
        same(host, address) || with_port.is_some_and(|host| same(&host, address))
    }
}

#[cfg(test)]
mod tests {
    use model::Secret;

    use super::*;

    fn entry(host: &str, tls: Tls) -> Target {
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

    #[test]
    fn members_are_reached_like_the_entry_and_only_when_they_can_be_trusted() {
        let pin = || Tls::Pin("aa".repeat(32));
        let (known, unknown) = (Some("bb".repeat(32)), None);
        for (host, tls, address, fingerprint, expected) in [
            ("xen1", pin(), "10.0.0.2", &known, Some("https://10.0.0.2")),
            ("xen1", pin(), "10.0.0.2", &unknown, None),
            ("xen1:8443", pin(), "10.0.0.2", &known, Some("https://10.0.0.2:8443")),
            ("xen1:8443", pin(), "fe80::2", &known, Some("https://[fe80::2]:8443")),
            ("xen1", pin(), "fe80::2", &known, Some("https://[fe80::2]")),
            ("xen1:8443", pin(), "10.0.0.2:9443", &known, Some("https://10.0.0.2:9443")),
            ("http://xen1:8080", pin(), "10.0.0.2", &unknown, Some("http://10.0.0.2:8080")),
            ("xen1", Tls::Verify, "xen2", &unknown, Some("https://xen2")),
            ("xen1", Tls::AllowUnauthorized, "xen2", &unknown, Some("https://xen2")),
            ("xen1", Tls::Verify, "", &unknown, None),
            ("xen1", Tls::Verify, "me@xen2", &unknown, None),
            ("xen1", Tls::Verify, "xen2/path", &unknown, None),
        ] {
            let member = Member { address: address.to_owned(), fingerprint: fingerprint.clone() };
            let got = entry(host, tls.clone()).towards(&member);
            assert_eq!(got.as_ref().ok().map(|target| &*target.host), expected, "{host} {address}: {got:?}");
            if let (Ok(got), Tls::Pin(_), Some(pin)) = (&got, &tls, fingerprint) {
                assert_eq!(got.tls, Tls::Pin(pin.clone()), "the member's own pin");
            }
        }
    }

    #[test]
    fn the_roster_finds_the_entry_by_any_of_its_names() {
        let roster = Roster::new(vec![Member { address: "10.0.0.2".to_owned(), fingerprint: None }]);
        let entry = entry("public.example:4443", Tls::Pin("aa".repeat(32)));
        assert!(roster.find(&entry, "10.0.0.1").is_err(), "never heard of");
        assert!(roster.find(&entry, "10.0.0.2").is_err(), "known, but not its certificate");
        assert_eq!(roster.find(&entry, "public.example").map(|target| target.host), Ok(entry.host.clone()));
        roster.set_entry("10.0.0.1");
        assert_eq!(roster.find(&entry, "10.0.0.1").map(|target| target.host), Ok(entry.host.clone()));
    }
}
