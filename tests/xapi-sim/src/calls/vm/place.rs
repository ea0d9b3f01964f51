//! Which host takes a VM: what it must see, what it must have, and the choice among those that would do.

use crate::{
    calls::objects::host,
    db::Db,
    failure::{Failure, fail, handle_invalid},
};

/// Room a VM takes on a host beside its memory.
const OVERHEAD: i64 = 4 << 20;

/// Bytes the VM takes on a host.
pub fn memory(db: &Db, vm: &str) -> i64 {
    need(db.int("VM", vm, "memory_dynamic_max"))
}

/// The same, for a VM with so much memory.
pub fn need(memory: i64) -> i64 {
    memory + OVERHEAD
}

/// Takes bytes of a host's free memory, or gives them back when negative.
pub fn take_memory(db: &mut Db, host: &str, bytes: i64) {
    let metrics = db.text("host", host, "metrics").to_owned();
    let left = db.int("host_metrics", &metrics, "memory_free") - bytes;
    db.set("host_metrics", &metrics, "memory_free", left);
}

/// Bytes that are free on a host.
pub fn free(db: &Db, host: &str) -> i64 {
    db.int("host_metrics", db.text("host", host, "metrics"), "memory_free")
}

/// Can the host run the VM? First the host itself, then what the VM needs there; memory only when asked, and last.
pub fn boots_here(db: &Db, vm: &str, host: &str, with_memory: bool) -> Result<(), Failure> {
    if db.get("host", host).is_none() {
        return Err(handle_invalid("host", host));
    } else if !host::is_live(db, host) {
        return Err(fail("HOST_NOT_LIVE", []));
    } else if !db.flag("host", host, "enabled") {
        return Err(fail("HOST_DISABLED", [host]));
    }
    for vbd in db.list("VM", vm, "VBDs") {
        let sr = db.text("VDI", db.text("VBD", &vbd, "VDI"), "SR");
        if !sees_sr(db, host, sr) {
            return Err(fail("VM_REQUIRES_SR", [vm, sr]));
        }
    }
    for vif in db.list("VM", vm, "VIFs") {
        let network = db.text("VIF", &vif, "network");
        if !sees_network(db, host, network) {
            return Err(fail("VM_REQUIRES_NETWORK", [vm, network]));
        }
    }
    let need = memory(db, vm);
    if with_memory && free(db, host) < need {
        return Err(fail("HOST_NOT_ENOUGH_FREE_MEMORY", [&need.to_string(), &free(db, host).to_string()]));
    }
    Ok(())
}

/// Is the SR plugged on the host? No SR (an empty drive, a dangling reference) asks for nothing.
pub fn sees_sr(db: &Db, host: &str, sr: &str) -> bool {
    let plugged = |pbd: &String| db.flag("PBD", pbd, "currently_attached") && db.text("PBD", pbd, "host") == host;
    db.get("SR", sr).is_none() || db.list("SR", sr, "PBDs").iter().any(plugged)
}

/// Has the host an interface on the network? A network without any is internal: every host makes it when needed.
pub fn sees_network(db: &Db, host: &str, network: &str) -> bool {
    let pifs = db.list("network", network, "PIFs");
    pifs.is_empty() || pifs.iter().any(|pif| db.text("PIF", pif, "host") == host)
}

/// Chooses the host for an operation of the host (`vm_start`, `vm_resume`, `vm_migrate`): the one asked for, else the VM's
/// affinity, else the one with most room.
pub fn place(db: &Db, vm: &str, asked: Option<&str>, operation: &str) -> Result<String, Failure> {
    if let Some(host) = asked {
        boots_here(db, vm, host, true)?;
        host::free_for(db, host, operation)?;
        return Ok(host.to_owned());
    }
    let fits = |h: &&str| boots_here(db, vm, h, false).is_ok() && host::free_for(db, h, operation).is_ok();
    let mut hosts: Vec<&str> = db.rows("host").map(|(r, _)| &**r).filter(fits).collect();
    let affinity = db.text("VM", vm, "affinity");
    hosts.sort_by_key(|h| (*h != affinity, -free(db, h)));
    let need = memory(db, vm);
    match hosts.iter().find(|h| free(db, h) >= need) {
        Some(host) => Ok((*host).to_owned()),
        None if db.count("host") == 1 && !hosts.is_empty() => {
            Err(fail("HOST_NOT_ENOUGH_FREE_MEMORY", [&need.to_string(), &free(db, hosts[0]).to_string()]))
        }
        None => Err(fail("NO_HOSTS_AVAILABLE", [])),
    }
}

/// The hosts that could run the VM, whatever room they have now.
pub fn possible_hosts(db: &Db, vm: &str) -> Vec<String> {
    let fits = db.rows("host").filter(|(host, _)| boots_here(db, vm, host, false).is_ok());
    fits.map(|(host, _)| host.to_string()).collect()
}

/// Could the VM run on any host? All it needs must be shared by all.
pub fn assert_agile(db: &Db, vm: &str) -> Result<(), Failure> {
    for vbd in db.list("VM", vm, "VBDs") {
        let sr = db.text("VDI", db.text("VBD", &vbd, "VDI"), "SR");
        if db.get("SR", sr).is_some() && !db.flag("SR", sr, "shared") {
            return Err(fail("HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED", [sr]));
        }
    }
    for vif in db.list("VM", vm, "VIFs") {
        let network = db.text("VIF", &vif, "network");
        if db.rows("host").any(|(host, _)| !sees_network(db, host, network)) {
            return Err(fail("HA_CONSTRAINT_VIOLATION_NETWORK_NOT_SHARED", [network]));
        }
    }
    Ok(())
}
