//! Hosts: enabled, emptied, rebooted, powered on, taken out.

use serde_json::{Value, json};

use super::{
    allowed, evacuate,
    frame::{self, Marks, exclusive},
};
use crate::{
    calls::vm,
    clock,
    core::Ctx,
    db::Db,
    failure::{Failure, fail, handle_invalid},
    model::model,
};

/// Operations that bring VMs to a host.
const BRING: [&str; 4] = ["provision", "vm_start", "vm_resume", "vm_migrate"];
/// Operations that take them away. That two of these exclude each other is not said, but one machine goes down once.
const REMOVE: [&str; 4] = ["evacuate", "reboot", "shutdown", "apply_updates"];
/// What must be done before a host may take VMs again.
const MANDATORY: [&str; 2] = ["reboot_host", "restart_toolstack"];

/// Does its toolstack answer?
pub fn is_live(db: &Db, host: &str) -> bool {
    db.flag("host_metrics", db.text("host", host, "metrics"), "live")
}

/// Is it the host that this database lives on?
pub fn is_master(db: &Db, host: &str) -> bool {
    db.master() == host
}

fn combine(new: &str, running: &str) -> bool {
    let of = |kind: &[&str], operation: &str| kind.contains(&operation);
    match new {
        _ if of(&BRING, new) => !of(&REMOVE, running),
        _ if of(&REMOVE, new) => !of(&BRING, running) && !of(&REMOVE, running),
        "enable" => !["reboot", "shutdown"].contains(&running),
        _ => new != running,
    }
}

/// Is nothing in the way of this operation on the host?
pub fn free_for(db: &Db, host: &str, operation: &str) -> Result<(), Failure> {
    exclusive(db, "host", host, |running| combine(operation, running))
}

/// May this operation run on the host now?
pub fn check(db: &Db, host: &str, operation: &str) -> Result<(), Failure> {
    if db.get("host", host).is_none() {
        return Err(handle_invalid("host", host));
    }
    match (operation == "power_on", is_live(db, host)) {
        (true, true) => return Err(fail("HOST_IS_LIVE", [host])),
        (true, false) if db.text("host", host, "power_on_mode").is_empty() => {
            return Err(fail("HOST_POWER_ON_MODE_DISABLED", []));
        }
        (false, false) => return Err(fail("HOST_OFFLINE", [host])),
        _ => {}
    }
    if ["reboot", "shutdown", "apply_updates"].contains(&operation) && db.flag("host", host, "enabled") {
        return Err(fail("HOST_NOT_DISABLED", []));
    }
    free_for(db, host, operation)
}

/// Returns what allowed_operations must list.
pub fn allowed(db: &Db, host: &str) -> Vec<&'static str> {
    let all = model().enums["host_allowed_operations"].iter().map(String::as_str);
    all.filter(|operation| check(db, host, operation).is_ok()).collect()
}

/// The VMs that run there, without the host's own domain.
pub fn guests(db: &Db, host: &str) -> Vec<String> {
    let mut guests = db.list("host", host, "resident_VMs");
    guests.retain(|vm| !db.flag("VM", vm, "is_control_domain"));
    guests
}

/// Answers the messages with effects or computed results.
pub async fn call(ctx: &Ctx, message: &str, args: &[Value]) -> Option<Result<Value, Failure>> {
    let text = |i: usize| args.get(i).and_then(Value::as_str).unwrap_or_default();
    let host = text(0);
    let number = |i: usize| args.get(i).and_then(Value::as_u64).unwrap_or_default();
    let done = match message {
        "disable" => disable(ctx, host, args.get(1) != Some(&json!(false))),
        "enable" => enable(ctx, host),
        "evacuate" => evacuate::evacuate(ctx, host, usize::try_from(number(2)).unwrap_or(0)).await,
        "assert_can_evacuate" => exists(ctx, host).and_then(|()| ctx.core.read(|db| evacuate::assert(db, host))),
        "get_vms_which_prevent_evacuation" => {
            let found = || ctx.core.read(|db| evacuate::obstacles(db, host));
            return Some(exists(ctx, host).map(|()| {
                Value::Object(found().into_iter().map(|(vm, failure)| (vm, json!(failure.description()))).collect())
            }));
        }
        "get_uncooperative_resident_VMs" => return Some(exists(ctx, host).map(|()| json!([]))),
        "reboot" | "shutdown" => super::machine::take_down(ctx, host, message).await,
        "power_on" => super::machine::power_on(ctx, host).await,
        "declare_dead" => ctx.core.write(|db| declare_dead(db, host)),
        "destroy" => ctx.core.write(|db| destroy(db, host)),
        "migrate_receive" => return Some(exists(ctx, host).map(|()| receive(ctx, host))),
        "get_servertime" | "get_server_localtime" => return Some(exists(ctx, host).map(|()| json!(clock::now()))),
        "compute_free_memory" => {
            let free = |db: &Db| db.field("host_metrics", db.text("host", host, "metrics"), "memory_free").clone();
            return Some(exists(ctx, host).map(|()| ctx.core.read(free)));
        }
        "compute_memory_overhead" => {
            return Some(
                exists(ctx, host).map(|()| ctx.core.read(|db| db.field("host", host, "memory_overhead").clone())),
            );
        }
        "is_in_emergency_mode" => return Some(Ok(json!(false))),
        "get_management_interface" => {
            let pifs = ctx
                .core
                .read(|db| db.list("host", host, "PIFs").into_iter().find(|pif| db.flag("PIF", pif, "management")));
            return Some(pifs.map(|pif| json!(pif)).ok_or_else(|| fail("HOST_HAS_NO_MANAGEMENT_IP", [])));
        }
        "management_reconfigure" => ctx.core.write(|db| super::pif::manage_by(db, host)),
        "set_power_on_mode" => {
            let fields = [("power_on_mode", json!(text(1))), ("power_on_config", args[2].clone())];
            set(ctx, host, fields)
        }
        "set_hostname_live" => set(ctx, host, [("hostname", json!(text(1)))]),
        "set_iscsi_iqn" => ctx.core.write(|db| with_copy(db, host, "iscsi_iqn", args[1].clone(), text(1))),
        "set_multipathing" => {
            let on = args[1] == true;
            let copy = on.to_string();
            ctx.core.write(|db| with_copy(db, host, "multipathing", json!(on), &copy))
        }
        // The log daemon reads `logging` anew; nothing of that is seen from outside.
        "syslog_reconfigure" => ctx.core.read(|db| match db.get("host", host) {
            Some(_) => Ok(()),
            None => Err(handle_invalid("host", host)),
        }),
        _ => return None,
    };
    Some(done.map(|()| json!("")))
}

fn exists(ctx: &Ctx, host: &str) -> Result<(), Failure> {
    if ctx.core.read(|db| db.get("host", host).is_some()) { Ok(()) } else { Err(handle_invalid("host", host)) }
}

fn set<const N: usize>(ctx: &Ctx, host: &str, fields: [(&str, Value); N]) -> Result<(), Failure> {
    let done = ctx.core.write(|db| {
        let done = db.update("host", host, fields);
        allowed::refresh(db, "host", host);
        done
    });
    if done { Ok(()) } else { Err(handle_invalid("host", host)) }
}

/// A field that older clients look for in other_config.
fn with_copy(db: &mut Db, host: &str, field: &str, value: Value, copy: &str) -> Result<(), Failure> {
    if !db.set("host", host, field, value) {
        return Err(handle_invalid("host", host));
    }
    db.set_entry("host", host, "other_config", field, Some(copy));
    Ok(())
}

/// No new VMs from now on; what runs stays. `again` says whether it enables itself after a reboot.
fn disable(ctx: &Ctx, host: &str, again: bool) -> Result<(), Failure> {
    exists(ctx, host)?;
    let mut stay = ctx.core.stay_disabled.lock();
    if again {
        stay.remove(host)
    } else {
        stay.insert(host.to_owned())
    };
    drop(stay);
    ctx.core.write(|db| set_enabled(db, host, false));
    Ok(())
}

pub fn set_enabled(db: &mut Db, host: &str, enabled: bool) {
    if db.flag("host", host, "enabled") != enabled {
        db.set("host", host, "enabled", enabled);
    }
    allowed::refresh(db, "host", host);
}

fn enable(ctx: &Ctx, host: &str) -> Result<(), Failure> {
    ctx.core.write(|db| {
        if db.get("host", host).is_none() {
            return Err(handle_invalid("host", host));
        } else if !is_live(db, host) {
            return Err(fail("HOST_OFFLINE", [host]));
        } else if free_for(db, host, "enable").is_err() {
            return Err(fail("HOST_DISABLED_UNTIL_REBOOT", [host]));
        } else if db.list("host", host, "pending_guidances").iter().any(|g| MANDATORY.contains(&g.as_str())) {
            return Err(fail("HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY", [host]));
        }
        set_enabled(db, host, true);
        Ok(())
    })?;
    ctx.core.stay_disabled.lock().remove(host);
    Ok(())
}

/// Somebody looked and it is off: its VMs are not running, whatever they last said.
fn declare_dead(db: &mut Db, host: &str) -> Result<(), Failure> {
    if db.get("host", host).is_none() {
        return Err(handle_invalid("host", host));
    }
    for guest in guests(db, host) {
        vm::halt(db, &guest, "Halted");
        allowed::settle(db, "VM", &guest);
    }
    let metrics = db.text("host", host, "metrics").to_owned();
    db.set("host_metrics", &metrics, "live", false);
    allowed::refresh(db, "host", host);
    Ok(())
}

/// The record of a host that is gone for good.
fn destroy(db: &mut Db, host: &str) -> Result<(), Failure> {
    if db.get("host", host).is_none() {
        return Err(handle_invalid("host", host));
    } else if is_master(db, host) {
        return Err(fail("HOST_CANNOT_DESTROY_SELF", [host]));
    } else if is_live(db, host) {
        return Err(fail("HOST_IS_LIVE", [host]));
    } else if !guests(db, host).is_empty() {
        return Err(fail("HOST_HAS_RESIDENT_VMS", [host]));
    }
    remove(db, host);
    Ok(())
}

/// Removes a host with all that is a part of it: its own domain, interfaces, plugs and the SRs only it reached.
pub fn remove(db: &mut Db, host: &str) {
    for domain in db.list("host", host, "resident_VMs") {
        vm::remove(db, &domain);
    }
    for pbd in db.list("host", host, "PBDs") {
        let sr = db.text("PBD", &pbd, "SR").to_owned();
        db.remove("PBD", &pbd);
        if !db.flag("SR", &sr, "shared") && db.list("SR", &sr, "PBDs").is_empty() {
            for disk in db.list("SR", &sr, "VDIs") {
                db.remove("VDI", &disk);
            }
            db.remove("SR", &sr);
        }
    }
    for pif in db.list("host", host, "PIFs") {
        super::pif::remove(db, &pif);
    }
    for (class, set) in [("host_cpu", "host_CPUs"), ("PGPU", "PGPUs"), ("PCI", "PCIs"), ("PUSB", "PUSBs")] {
        for part in db.list("host", host, set) {
            db.remove(class, &part);
        }
    }
    let metrics = db.text("host", host, "metrics").to_owned();
    db.remove("host_metrics", &metrics);
    db.remove("host", host);
}

/// Where a migration to this host knocks. Real hosts name their address alone; ours have ports, and some have no TLS.
fn receive(ctx: &Ctx, host: &str) -> Value {
    let (session, core) = (&ctx.session, &ctx.core);
    let scheme = if core.options.tls { "https" } else { "http" };
    let url = |host: &str| {
        let own = core.places.lock().get(host).copied();
        let listener = own.or_else(|| core.front.get().copied()).map(|place| place.to_string());
        format!("{scheme}://{}", listener.unwrap_or_default())
    };
    let (here, master) = (url(host), url(&core.read(|db| db.master().to_owned())));
    json!({
        "host": host,
        "session_id": session,
        "SM": format!("{here}/services/SM?session_id={session}"),
        "xenops": format!("{here}/services/xenops?session_id={session}"),
        "master": format!("{master}/"),
    })
}

/// Runs an operation of a host.
pub async fn operate<T>(
    ctx: &Ctx,
    host: &str,
    operation: &str,
    effect: impl FnOnce(&mut Db) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let ready = |db: &mut Db, marks: &mut Marks| {
        check(db, host, operation)?;
        marks.add("host", host, operation);
        Ok(())
    };
    frame::operate(ctx, ctx.core.options.delays.operation, ready, |db, ()| effect(db)).await
}
