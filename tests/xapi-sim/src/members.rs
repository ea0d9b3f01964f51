//! A pool whose members each have a listener: who is where, who is the master, and what happens when one dies.

use std::{io, net::SocketAddr, sync::Arc};

use anyhow::{Context, ensure};
use serde_json::json;
use tokio_rustls::TlsAcceptor;

use crate::{
    Members, Options,
    core::Core,
    db::Db,
    seat::Seat,
    server::{self, Door},
    sim::Sim,
    tls::Identity,
};

/// How often a port that all members can have is looked for.
const TRIES: usize = 50;

/// One listener of a running pool.
pub(crate) struct Listener {
    /// As in `Seat`.
    pub host: Option<String>,
    pub door: Door,
    pub identity: Option<Arc<Identity>>,
}

/// A member as clients can reach it.
#[derive(Clone, Debug)]
pub struct Member {
    /// Reference of its host.
    pub host: String,
    /// `host.address`, as HOST_IS_SLAVE names it.
    pub address: String,
    /// `http(s)://ip:port` of its listener.
    pub url: String,
    /// SHA-256 of its certificate as lower-case hex with colons; `None` without TLS.
    pub fingerprint: Option<String>,
    /// Is it the master now?
    pub master: bool,
}

/// Opens the listeners of a pool, the master's first, and writes where they are into the hosts' records.
pub(crate) async fn open(core: &Arc<Core>) -> anyhow::Result<Vec<Listener>> {
    let options = &core.options;
    let hosts: Vec<String> = core.read(|db| {
        let master = db.master();
        let others = db.rows("host").map(|(r, _)| r.to_string()).filter(|h| h != master);
        std::iter::once(master.to_owned()).chain(others).collect()
    });
    let seats: Vec<Option<String>> = match options.members {
        Members::One => vec![None],
        _ => hosts.iter().cloned().map(Some).collect(),
    };
    let mut tries = 0;
    let doors = loop {
        match open_doors(core, options, &seats).await {
            Ok(doors) => break doors,
            // Somebody has this port on one of the addresses: take another.
            Err(error) if options.listen.port() == 0 && tries < TRIES && error.kind() == io::ErrorKind::AddrInUse => {
                tries += 1
            }
            Err(error) => return Err(error).with_context(|| format!("listen on {}", options.listen)),
        }
    };
    if let Some((door, _)) = doors.first() {
        // It was empty: a core is opened once.
        let _ = core.front.set(door.address);
    }
    let mut listeners = Vec::new();
    for (number, (host, (door, identity))) in seats.into_iter().zip(doors).enumerate() {
        if let Some(host) = &host {
            core.places.lock().insert(host.clone(), door.address);
            let address = match options.members {
                Members::Ports => door.address.to_string(),
                _ => door.address.ip().to_string(),
            };
            core.write(|db| move_host(db, host, &address));
        }
        if let Some(identity) = &identity {
            core.identities.lock().insert(hosts[number].clone(), identity.clone());
            let print = identity.fingerprint();
            core.write(|db| write_certificate(db, &hosts[number], &print));
        }
        listeners.push(Listener { host, door, identity });
    }
    Ok(listeners)
}

async fn open_doors(
    core: &Arc<Core>,
    options: &Options,
    seats: &[Option<String>],
) -> io::Result<Vec<(Door, Option<Arc<Identity>>)>> {
    let mut doors: Vec<(Door, Option<Arc<Identity>>)> = Vec::new();
    for (number, host) in seats.iter().enumerate() {
        let first = doors.first().map(|(door, _)| door.address);
        let address = match (options.members, first) {
            (Members::Loopback, Some(first)) => beside(first, number),
            (_, Some(first)) => SocketAddr::new(first.ip(), 0),
            (_, None) => options.listen,
        };
        let folder = options.certificate_folder.as_ref();
        let folder = folder.map(|f| if number == 0 { f.clone() } else { f.join(format!("member-{number}")) });
        let identity = match options.tls {
            true => Some(Identity::new(folder.as_deref()).map_err(io::Error::other)?),
            false => None,
        };
        let tls = identity.as_ref().map(|i| i.server_config()).transpose().map_err(io::Error::other)?;
        let tls = tls.map(TlsAcceptor::from);
        let seat = Arc::new(Seat { core: core.clone(), host: host.clone() });
        let door = Door::open(address, move |stream| server::serve(seat.clone(), tls.clone(), stream)).await?;
        doors.push((door, identity));
    }
    Ok(doors)
}

/// The whole of 127.0.0.0/8 is this machine: the following addresses, with the same port.
fn beside(first: SocketAddr, number: usize) -> SocketAddr {
    let SocketAddr::V4(v4) = first else { return SocketAddr::new(first.ip(), 0) };
    let next = u32::from(*v4.ip()).wrapping_add(u32::try_from(number).unwrap_or(0));
    SocketAddr::from((std::net::Ipv4Addr::from(next), first.port()))
}

/// Gives a host another address, its management interface and its consoles too.
fn move_host(db: &mut Db, host: &str, address: &str) {
    let before = db.text("host", host, "address").to_owned();
    db.set("host", host, "address", address);
    for pif in db.list("host", host, "PIFs") {
        if db.flag("PIF", &pif, "management") {
            db.set("PIF", &pif, "IP", address.split(':').next().unwrap_or_default());
        }
    }
    let (old, new) = (format!("https://{before}/"), format!("https://{address}/"));
    for vm in db.list("host", host, "resident_VMs") {
        for console in db.list("VM", &vm, "consoles") {
            let location = db.text("console", &console, "location").replace(&old, &new);
            db.set("console", &console, "location", location);
        }
    }
}

/// Writes what a host's certificate is into the pool's database, where clients find the members' fingerprints.
fn write_certificate(db: &mut Db, host: &str, print: &str) {
    let print = json!(print.to_uppercase());
    let known =
        db.rows("Certificate").find(|(_, c)| c["host"] == *host && c["type"] == "host").map(|(r, _)| r.to_string());
    let fields = [("fingerprint", print.clone()), ("fingerprint_sha256", print)];
    match known {
        Some(known) => {
            db.update("Certificate", &known, fields);
        }
        None => {
            let mut record: crate::model::Record = fields.into_iter().collect();
            record.extend([("host", json!(host)), ("type", json!("host"))]);
            db.insert("Certificate", record);
        }
    }
}

impl Sim {
    /// Returns the members that have a listener, in the order of the pool: the master at start first. Empty with `Members::One`.
    pub fn members(&self) -> Vec<Member> {
        let core = &self.0.core;
        let master = core.read(|db| db.master().to_owned());
        let with_host = self.0.listeners.iter().filter_map(|l| Some((l.host.clone()?, l)));
        let member = |(host, listener): (String, &Listener)| Member {
            address: core.read(|db| db.text("host", &host, "address").to_owned()),
            url: self.url_of(listener),
            fingerprint: listener.identity.as_ref().map(|i| i.fingerprint()),
            master: host == master,
            host,
        };
        with_host.map(member).collect()
    }

    fn listener(&self, host: &str) -> anyhow::Result<&Listener> {
        let found = self.0.listeners.iter().find(|l| l.host.as_deref() == Some(host));
        found.with_context(|| format!("{host} is no member with a listener"))
    }

    /// The master dies; this host has its database and is the master now. Sessions, tasks and all connections are lost.
    pub async fn fail_over(&self, host: &str) -> anyhow::Result<()> {
        self.listener(host)?;
        let old = self.0.core.read(|db| db.master().to_owned());
        ensure!(old != host, "{host} is the master already");
        self.take_over(host);
        self.kill_member(&old).await
    }

    /// This host becomes the master and the old one a slave. Sessions, tasks and all connections are lost.
    pub fn designate_master(&self, host: &str) -> anyhow::Result<()> {
        self.listener(host)?;
        self.take_over(host);
        Ok(())
    }

    fn take_over(&self, host: &str) {
        self.0.core.write(|db| {
            let pool = db.pool().to_owned();
            db.set("pool", &pool, "master", host)
        });
        self.restart();
    }

    /// A member dies: nobody answers on its address, and the pool knows it (`host_metrics.live` is false).
    pub async fn kill_member(&self, host: &str) -> anyhow::Result<()> {
        let listener = self.listener(host)?;
        listener.door.listen(false).await;
        listener.door.cut();
        self.set_live(host, false)
    }

    /// A member is back: a slave, unless it is still named master.
    pub async fn revive_member(&self, host: &str) -> anyhow::Result<()> {
        self.listener(host)?.door.listen(true).await;
        self.set_live(host, true)
    }

    /// Says of a host whether it is alive, as the heartbeat does.
    pub fn set_live(&self, host: &str, live: bool) -> anyhow::Result<()> {
        let metrics = self.0.core.read(|db| db.text("host", host, "metrics").to_owned());
        self.set("host_metrics", &metrics, "live", json!(live))
    }

    /// A member presents another certificate from now on; returns its fingerprint, `None` without TLS. The pool's records follow.
    pub fn swap_certificate_of(&self, host: &str) -> anyhow::Result<Option<String>> {
        let listener = self.listener(host)?;
        Ok(self.swap(listener))
    }

    pub(crate) fn swap(&self, listener: &Listener) -> Option<String> {
        let print = listener.identity.as_ref()?.swap().ok()?;
        let core = &self.0.core;
        let host = listener.host.clone().unwrap_or_else(|| core.read(|db| db.master().to_owned()));
        core.write(|db| write_certificate(db, &host, &print));
        Some(print)
    }
}
