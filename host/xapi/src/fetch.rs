//! Gets what XAPI's HTTP handlers offer, such as statistics, from the member that has it, and sends what they take.
//!
//! The session goes along as a cookie, to members that may be trusted only. A redirect is followed under the same rule.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Url;

use crate::member::Roster;
use crate::transport::{Incoming, Transport};
use crate::{Connection, Error, Tls, Value};

/// How often a handler may send us on. One is the rule: to the host of a VM or of a storage.
const HOPS: usize = 3;

/// Where a redirect leads.
#[derive(Debug, PartialEq)]
enum Onward {
    /// The same host.
    Here(String),
    /// Another member, by its address.
    Member(String, String),
}

impl Connection {
    /// Gets a path with its query, such as `/rrd_updates?start=0&host=true`, from a member (its address as in
    /// `host.address`), or from the master we talk to. The session is added here.
    ///
    /// # Errors
    /// [`Error::Stranger`] when it leads to a host that is not a known member with a known certificate;
    /// [`Error::Status`] for what is not a success; [`Error::Protocol`] when there are more than `max_bytes`;
    /// [`Error::Timeout`] when not all of it came within `limit`.
    pub async fn fetch(
        &self,
        member: Option<&str>,
        path_and_query: &str,
        limit: Duration,
        max_bytes: usize,
    ) -> Result<Bytes, Error> {
        // Without the query, which is long and may hold more than a log should.
        let name = format!("GET {}", path_and_query.split('?').next().unwrap_or_default());
        let work = self.fetch_along(&name, member, path_and_query, max_bytes);
        match tokio::time::timeout(limit, work).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::Timeout { doing: name.clone(), after: limit }),
        }
    }

    /// Puts bytes to a path with its query, such as `/import_raw_vdi?vdi=...&format=raw`, on a member or on the master, and
    /// waits until the pool says that it is done: the status of the answer says nothing, the task does.
    ///
    /// # Errors
    /// As [`Connection::fetch`], and what the task ended with.
    pub async fn upload(
        &self,
        member: Option<&str>,
        path_and_query: &str,
        body: Bytes,
        limit: Duration,
    ) -> Result<Value, Error> {
        let name = format!("PUT {}", path_and_query.split('?').next().unwrap_or_default());
        let task = self.open_task(&name).await?.cancel_on_drop();
        let work = async {
            let way = match member {
                Some(address) => self.way_to(address).await?,
                None => self.transport().clone(),
            };
            let sent = self.put_along(&name, way, format!("{path_and_query}&task_id={}", task.reference()), body).await;
            match sent {
                // The reason is on the task, if there is one at all.
                Err(Error::Unreachable { .. }) | Ok(()) => task.wait().await,
                Err(error) => Err(error),
            }
        };
        match tokio::time::timeout(limit, work).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::Timeout { doing: name.clone(), after: limit }),
        }
    }

    async fn put_along(&self, name: &str, mut way: Transport, mut path: String, body: Bytes) -> Result<(), Error> {
        let mut hops = 0;
        loop {
            let cookie = format!("session_id={}", self.session()?.expose());
            let incoming = way.put(&path, name, cookie, body.clone()).await?;
            match incoming.status() {
                200..=299 => return incoming.whole().await.map(drop),
                301 | 302 | 303 | 307 | 308 if hops < HOPS => {
                    hops += 1;
                    match onward(way.base(), &incoming, name)? {
                        Onward::Here(next) => path = next,
                        Onward::Member(address, next) => {
                            way = self.way_to(&address).await?;
                            path = next;
                        }
                    }
                }
                status => return Err(Error::Status { method: name.to_owned(), status }),
            }
        }
    }

    async fn fetch_along(&self, name: &str, member: Option<&str>, path: &str, max: usize) -> Result<Bytes, Error> {
        let mut way = match member {
            Some(address) => self.way_to(address).await?,
            None => self.transport().clone(),
        };
        let mut path = path.to_owned();
        let (mut hops, mut renewed) = (0, false);
        loop {
            let epoch = self.epoch();
            let cookie = format!("session_id={}", self.session()?.expose());
            let incoming = way.get(&path, name, cookie, max).await?;
            match incoming.status() {
                200..=299 => return incoming.whole().await,
                301 | 302 | 303 | 307 | 308 if hops < HOPS => {
                    hops += 1;
                    match onward(way.base(), &incoming, name)? {
                        Onward::Here(next) => path = next,
                        Onward::Member(address, next) => {
                            way = self.way_to(&address).await?;
                            path = next;
                        }
                    }
                }
                401 if !renewed => {
                    renewed = true;
                    self.renew(epoch).await?;
                }
                status => return Err(Error::Status { method: name.to_owned(), status }),
            }
        }
    }

    /// Returns the way to a member.
    async fn way_to(&self, address: &str) -> Result<Transport, Error> {
        if self.address().as_deref() == Some(address) {
            return Ok(self.transport().clone());
        }
        let (entry, roster): (_, &Roster) = (self.target(), self.roster());
        let target =
            roster.find(entry, address).map_err(|reason| Error::Stranger { host: address.to_owned(), reason })?;
        // The pin belongs to the key: a way that was made for another certificate is not taken.
        let key = (
            target.host.clone(),
            match &target.tls {
                Tls::Pin(pin) => Some(pin.clone()),
                _ => None,
            },
        );
        if let Some(way) = self.ways().lock().get(&key) {
            return Ok(way.clone());
        }
        let way = Transport::new(&target, self.timeouts()).await?;
        let mut ways = self.ways().lock();
        ways.retain(|(host, _), _| *host != key.0);
        Ok(ways.entry(key).or_insert(way).clone())
    }
}

/// Reads a redirect.
fn onward(base: &Url, incoming: &Incoming, name: &str) -> Result<Onward, Error> {
    let bad = |reason: &str| Error::Protocol { method: name.to_owned(), reason: reason.to_owned() };
    let location = Some(incoming.location()).filter(|location| !location.is_empty());
    let url = location.and_then(|location| base.join(location).ok()).ok_or_else(|| bad("a redirect to nowhere"))?;
    read_redirect(base, &url).ok_or_else(|| bad("a redirect away from https"))
}

fn read_redirect(base: &Url, url: &Url) -> Option<Onward> {
    if url.scheme() != base.scheme() {
        return None;
    }
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    if url.origin() == base.origin() {
        return Some(Onward::Here(path));
    }
    let host = url.host_str()?.trim_matches(['[', ']']);
    let address = match url.port() {
        Some(port) if url.port() != base.port() => format!("{host}:{port}"),
        _ => host.to_owned(),
    };
    Some(Onward::Member(address, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects() {
        let member = |address: &str, path: &str| Some(Onward::Member(address.to_owned(), path.to_owned()));
        for (base, location, expected) in [
            ("https://xen1", "/vm_rrd?uuid=1", Some(Onward::Here("/vm_rrd?uuid=1".to_owned()))),
            ("https://xen1", "https://xen1/vm_rrd", Some(Onward::Here("/vm_rrd".to_owned()))),
            ("https://xen1", "https://10.0.0.2/vm_rrd?uuid=1", member("10.0.0.2", "/vm_rrd?uuid=1")),
            ("https://xen1:8443", "https://10.0.0.2:8443/x", member("10.0.0.2", "/x")),
            ("https://xen1", "https://10.0.0.2:8443/x", member("10.0.0.2:8443", "/x")),
            ("https://xen1", "https://[fe80::2]/x", member("fe80::2", "/x")),
            ("https://xen1", "http://xen1/x", None),
        ] {
            let base = Url::parse(base).expect("an address");
            let url = base.join(location).expect("an address");
            assert_eq!(read_redirect(&base, &url), expected, "{location}");
        }
    }
}
