//! Connections to servers: resolve once, look at every address, connect to exactly one that passed.
//!
//! Names lie: a granted name may resolve to this machine, to the cloud's metadata service, or to something else a minute later.
//! So the address that was looked at is the address that is used, and the name is only used for TLS after that.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{ErrorKind, PluginError, Services};

/// Connections of one call.
pub(crate) const PER_CALL: usize = 16;

/// Connections of all plugins: well below the 1,024 file descriptors that a service gets by default, at two for each.
const PROCESS_WIDE: usize = 256;
static CONNECTIONS: Semaphore = Semaphore::const_new(PROCESS_WIDE);

/// Names that are looked up at once. A look-up holds a thread that nobody can interrupt.
static LOOKUPS: Semaphore = Semaphore::const_new(16);

/// A share of the process-wide limit; given back when dropped.
pub(crate) type Share = SemaphorePermit<'static>;

/// Takes a share of the process-wide limit.
pub(crate) fn share() -> Result<Share, PluginError> {
    let full = || {
        PluginError::new(ErrorKind::Exhausted, "connect.limit", "too many connections of plugins are open; try again")
    };
    CONNECTIONS.try_acquire().map_err(|_| full())
}

/// What a grant must say before an address may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Nothing more.
    Open,
    /// This word in the option `addresses`.
    Named(&'static str),
    /// Never.
    Never,
}

fn class(address: IpAddr) -> Class {
    match address {
        IpAddr::V4(v4) => class_v4(v4),
        IpAddr::V6(v6) => match embedded(v6) {
            Some(v4) => class_v4(v4),
            None if v6.is_loopback() => Class::Named("loopback"),
            None if v6.is_unicast_link_local() => Class::Named("link-local"),
            None if v6.is_unspecified() || v6.is_multicast() => Class::Never,
            None => Class::Open,
        },
    }
}

fn class_v4(address: Ipv4Addr) -> Class {
    if address.is_loopback() {
        Class::Named("loopback")
    } else if address.is_link_local() {
        Class::Named("link-local")
    } else if address.octets()[0] == 0 || address.is_multicast() || address.octets()[0] >= 240 {
        Class::Never
    } else {
        Class::Open
    }
}

/// IPv4 in IPv6 clothes: mapped, compatible, and through NAT64.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = address.segments();
    let low = Ipv4Addr::from(u32::from(s[6]) << 16 | u32::from(s[7]));
    match s {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(low),
        [0, 0, 0, 0, 0, 0, ..] if u32::from(low) > 0xffff => Some(low),
        _ => None,
    }
}

/// Where to connect, and what the grant allows.
pub(crate) struct Target<'a> {
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    /// Words of the grant's option `addresses`.
    pub(crate) addresses: &'a [String],
    /// Time for each step.
    pub(crate) step: Duration,
}

impl Target<'_> {
    fn unavailable(&self, code: &str, what: &str) -> PluginError {
        let Self { host, port, .. } = self;
        PluginError::new(ErrorKind::Unavailable, code, format!("{host}:{port}: {what}")).param(format!("{host}:{port}"))
    }

    /// Connects. The answer names the address, for the log.
    pub(crate) async fn connect(&self, services: &dyn Services) -> Result<(TcpStream, SocketAddr), PluginError> {
        let mut last = None;
        for address in self.resolve(services).await? {
            match tokio::time::timeout(self.step, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    let _ = stream.set_nodelay(true);
                    return Ok((stream, address));
                }
                Ok(Err(error)) => last = Some(self.connect_error(&error)),
                Err(_) => {
                    let what =
                        format!("no answer within {} ms; check address, port and firewall", self.step.as_millis());
                    last = Some(self.unavailable("connect.timeout", &what));
                }
            }
        }
        Err(last.unwrap_or_else(|| self.unavailable("connect.dns", "the name has no address")))
    }

    /// Returns the addresses that may be used; an error if there are some and none may.
    async fn resolve(&self, services: &dyn Services) -> Result<Vec<SocketAddr>, PluginError> {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let found = match host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, self.port)],
            Err(_) => {
                let lookup = async {
                    let _turn = LOOKUPS.acquire().await;
                    tokio::net::lookup_host((host, self.port)).await.map(Iterator::collect::<Vec<_>>)
                };
                match tokio::time::timeout(self.step, lookup).await {
                    Ok(Ok(found)) => found,
                    Ok(Err(_)) => {
                        return Err(
                            self.unavailable("connect.dns", "the name cannot be resolved; check its spelling and DNS")
                        );
                    }
                    Err(_) => return Err(self.unavailable("connect.dns", "the name server did not answer in time")),
                }
            }
        };
        let (mut usable, mut refused) = (vec![], None);
        for address in found.into_iter().take(16) {
            match self.refuses(services, address) {
                None => usable.push(address),
                Some(error) => refused = Some(error),
            }
        }
        match (usable.is_empty(), refused) {
            (true, Some(error)) => Err(error),
            _ => Ok(usable),
        }
    }

    fn refuses(&self, services: &dyn Services, address: SocketAddr) -> Option<PluginError> {
        let named = match class(address.ip()) {
            Class::Never => {
                let message = format!("{} is at {}, which is not the address of a server", self.host, address.ip());
                return Some(PluginError::new(ErrorKind::Denied, "address.refused", message));
            }
            Class::Named(word) => Some(word),
            Class::Open => None,
        };
        let words = [named, services.address_class(address)];
        let missing = words.into_iter().flatten().find(|word| !self.addresses.iter().any(|allowed| allowed == word))?;
        let message = format!(
            "{} is at {} ({missing}); the grant must say so: option addresses with {missing:?}",
            self.host,
            address.ip()
        );
        Some(PluginError::new(ErrorKind::Denied, "grant.address", message).param(missing))
    }

    fn connect_error(&self, error: &io::Error) -> PluginError {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => {
                self.unavailable("connect.refused", "nothing listens there; check the port, and that the server runs")
            }
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                self.unavailable("connect.unreachable", "there is no route to it; check the network")
            }
            _ => self.unavailable("connect.failed", &error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_addresses() {
        let (loopback, link) = (Class::Named("loopback"), Class::Named("link-local"));
        for (address, expected) in [
            ("192.0.2.1", Class::Open),
            ("10.0.0.1", Class::Open),
            ("127.0.0.1", loopback),
            ("127.255.0.9", loopback),
            ("::1", loopback),
            ("::ffff:127.0.0.1", loopback),
            ("::127.0.0.1", loopback),
            ("64:ff9b::7f00:1", loopback),
            ("169.254.169.254", link),
            ("::ffff:169.254.169.254", link),
            ("fe80::1", link),
            ("0.0.0.0", Class::Never),
            ("0.1.2.3", Class::Never),
            ("::", Class::Never),
            ("::ffff:0.0.0.0", Class::Never),
            ("224.0.0.1", Class::Never),
            ("255.255.255.255", Class::Never),
            ("ff02::1", Class::Never),
            ("2001:db8::1", Class::Open),
        ] {
            assert_eq!(class(address.parse().unwrap()), expected, "{address}");
        }
    }
}
