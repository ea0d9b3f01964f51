//! VMs that move: inside the pool with `pool_migrate`, with their disks with `migrate_send`, which also leads to other pools.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    check::{check, check_as},
    copy,
    domain::relocate,
    leave,
    place::{boots_here, place, sees_network, sees_sr},
    power::unschedule,
};
use crate::{
    calls::objects::{allowed, frame, frame::Marks, host, messages::alert, vdi},
    core::Ctx,
    db::Db,
    failure::{Failure, fail, handle_invalid},
};

/// `VM.pool_migrate`: to another host of the pool, in a new domain there.
pub async fn within_pool(ctx: &Ctx, vm: &str, host: &str, options: &Value) -> Result<(), Failure> {
    let strict = options["force"] != "true";
    let ready = |db: &mut Db, marks: &mut Marks| {
        check_as(db, vm, "pool_migrate", strict)?;
        marks.add("VM", vm, "pool_migrate");
        let host = place(db, vm, Some(host), "vm_migrate")?;
        marks.add("host", &host, "vm_migrate");
        db.set("VM", vm, "scheduled_to_be_resident_on", host.clone());
        Ok(host)
    };
    let effect = |db: &mut Db, host: String| {
        relocate(db, vm, &host);
        alert(db, "VM_MIGRATED", vm);
        Ok(())
    };
    let out = frame::operate(ctx, ctx.core.options.delays.operation, ready, effect).await;
    if out.is_err() {
        ctx.core.write(|db| unschedule(db, vm));
    }
    out
}

/// What `VM.migrate_send` was asked for.
pub struct Send {
    pub host: String,
    /// Where that host listens to others like it, and as whom.
    pub url: String,
    pub session: String,
    /// VDI to SR.
    pub disks: BTreeMap<String, String>,
    /// VIF to network.
    pub interfaces: BTreeMap<String, String>,
    pub copy: bool,
    pub strict: bool,
}

impl Send {
    /// Reads the parameters after the VM: dest, live, vdi_map, vif_map, options.
    pub fn read(args: &[Value]) -> Self {
        let map = |i: usize| {
            let pairs = args.get(i).and_then(Value::as_object).into_iter().flatten();
            pairs.filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect()
        };
        let options: BTreeMap<String, String> = map(5);
        let option = |key: &str| options.get(key).is_some_and(|v| v == "true");
        let mut ticket: BTreeMap<String, String> = map(1);
        let mut of_ticket = |key: &str| ticket.remove(key).unwrap_or_default();
        Self {
            host: of_ticket("host"),
            url: of_ticket("xenops"),
            session: of_ticket("session_id"),
            disks: map(3),
            interfaces: map(4),
            copy: option("copy"),
            strict: !option("force"),
        }
    }

    /// Would it go within the pool?
    fn check(&self, db: &Db, vm: &str) -> Result<(), Failure> {
        check_as(db, vm, "migrate_send", self.strict)?;
        let halted = db.text("VM", vm, "power_state") == "Halted";
        if self.copy && !halted {
            return Err(fail("VM_BAD_POWER_STATE", [vm, "halted", &db.text("VM", vm, "power_state").to_lowercase()]));
        }
        for (disk, sr) in &self.disks {
            for (class, object) in [("VDI", disk), ("SR", sr)] {
                if db.get(class, object).is_none() {
                    return Err(handle_invalid(class, object));
                }
            }
            if !sees_sr(db, &self.host, sr) {
                return Err(fail("VM_REQUIRES_SR", [vm, sr]));
            }
        }
        for (vif, network) in &self.interfaces {
            for (class, object) in [("VIF", vif), ("network", network)] {
                if db.get(class, object).is_none() {
                    return Err(handle_invalid(class, object));
                }
            }
            if !sees_network(db, &self.host, network) {
                return Err(fail("VM_REQUIRES_NETWORK", [vm, network]));
            }
        }
        // What stays where it is must be seen from there. A drive's disk is left behind, it needs no place.
        for vbd in db.list("VM", vm, "VBDs") {
            let disk = db.text("VBD", &vbd, "VDI");
            let moves = db.text("VBD", &vbd, "type") == "Disk" && !self.disks.contains_key(disk);
            if moves && db.get("VDI", disk).is_some() && !sees_sr(db, &self.host, db.text("VDI", disk, "SR")) {
                return Err(fail("VDI_NOT_IN_MAP", [disk]));
            }
        }
        if db.text("VM", vm, "power_state") == "Running" && !host::is_live(db, &self.host) {
            return Err(fail("HOST_NOT_LIVE", []));
        }
        Ok(())
    }
}

/// `VM.assert_can_migrate`: would it go? Interfaces change their network only on the way to another pool.
pub async fn would_go(ctx: &Ctx, vm: &str, request: &Send) -> Result<(), Failure> {
    if !stays(ctx, request) {
        return leave::check(ctx, vm, request).await;
    }
    ctx.core.read(|db| request.check(db, vm))?;
    match request.interfaces.is_empty() {
        true => Ok(()),
        false => Err(fail("OPERATION_NOT_ALLOWED", ["interfaces keep their networks within a pool"])),
    }
}

/// Is the host one of this pool?
fn stays(ctx: &Ctx, request: &Send) -> bool {
    ctx.core.read(|db| db.get("host", &request.host).is_some())
}

/// `VM.migrate_send`: disks to the SRs of the map, interfaces to the networks of the map, a running VM to the host; answers the VM.
pub async fn send(ctx: &Ctx, vm: &str, request: Send) -> Result<Value, Failure> {
    if !stays(ctx, &request) {
        return leave::send(ctx, vm, &request).await;
    }
    let ready = |db: &mut Db, marks: &mut Marks| {
        request.check(db, vm)?;
        marks.add("VM", vm, "migrate_send");
        if db.text("VM", vm, "resident_on") != request.host && db.text("VM", vm, "power_state") == "Running" {
            host::free_for(db, &request.host, "vm_migrate")?;
            marks.add("host", &request.host, "vm_migrate");
            db.set("VM", vm, "scheduled_to_be_resident_on", request.host.clone());
        }
        Ok(())
    };
    let effect = |db: &mut Db, ()| {
        let moved = if request.copy {
            let name = db.text("VM", vm, "name_label").to_owned();
            copy::duplicate(db, vm, &name, &copy::Kind::Copy(None), &[])
        } else {
            vm.to_owned()
        };
        for vbd in db.list("VM", &moved, "VBDs") {
            let disk = db.text("VBD", &vbd, "VDI").to_owned();
            // A copy has disks of its own by now; the map speaks of the source's.
            let number = db.text("VBD", &vbd, "userdevice").to_owned();
            let source = db.list("VM", vm, "VBDs").into_iter().find(|v| db.text("VBD", v, "userdevice") == number);
            let source = source.map(|v| db.text("VBD", &v, "VDI").to_owned()).unwrap_or_default();
            let asked = request.disks.get(if request.copy { &source } else { &disk });
            if let Some(sr) = asked.filter(|sr| *sr != db.text("VDI", &disk, "SR")).cloned() {
                vdi::relocate(db, &disk, &sr);
            }
        }
        for (vif, network) in request.interfaces.iter().filter(|_| !request.copy) {
            db.set("VIF", vif, "network", network.clone());
        }
        if db.text("VM", &moved, "power_state") == "Running" && db.text("VM", &moved, "resident_on") != request.host {
            relocate(db, &moved, &request.host);
        } else {
            unschedule(db, &moved);
        }
        alert(db, "VM_MIGRATED", &moved);
        allowed::settle(db, "VM", &moved);
        Ok(json!(moved))
    };
    let out = frame::operate(ctx, ctx.core.options.delays.operation, ready, effect).await;
    if out.is_err() {
        ctx.core.write(|db| unschedule(db, vm));
    }
    out
}

/// Why the VM could not leave its host in an evacuation; the host it would go to.
pub fn evacuation(db: &Db, vm: &str) -> Result<String, Failure> {
    check(db, vm, "pool_migrate")?;
    if db.list("VM", vm, "VIFs").iter().any(|vif| db.get("PCI", db.text("VIF", vif, "reserved_pci")).is_some()) {
        return Err(fail("VM_HAS_SRIOV_VIF", [vm]));
    }
    let from = db.text("VM", vm, "resident_on");
    let hosts = db.rows("host").map(|(r, _)| &**r).filter(|h| *h != from);
    let fits = |h: &&str| boots_here(db, vm, h, true).is_ok() && host::free_for(db, h, "vm_migrate").is_ok();
    hosts.into_iter().find(fits).map(str::to_owned).ok_or_else(|| fail("NO_HOSTS_AVAILABLE", []))
}
