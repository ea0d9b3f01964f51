//! The pool: members that leave, the master's role, availability, VLANs on every host.

use serde_json::{Value, json};

use super::{host, links, pif};
use crate::{
    core::Ctx,
    db::Db,
    failure::{Failure, fail, handle_invalid},
    tasks::object,
};

/// Answers the messages with effects.
pub async fn call(ctx: &Ctx, message: &str, args: &[Value]) -> Option<Result<Value, Failure>> {
    let text = |i: usize| args.get(i).and_then(Value::as_str).unwrap_or_default();
    let int = |i: usize| args.get(i).and_then(Value::as_i64).unwrap_or_default();
    let list = |i: usize| -> Vec<String> {
        let items = args.get(i).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(|v| v.as_str().map(str::to_owned)).collect()
    };
    let work = || ctx.work(ctx.core.options.delays.operation);
    Some(match message {
        "sync_database" => Ok(json!("")),
        "join" | "join_force" => ctx.core.read(|db| refuse_to_join(db, message == "join_force")),
        "eject" => match work().await {
            Ok(()) => ctx.core.write(|db| eject(db, text(0))),
            Err(failure) => Err(failure),
        },
        "designate_new_master" => match work().await {
            Ok(()) => designate(ctx, text(0)),
            Err(failure) => Err(failure),
        },
        "enable_ha" => match work().await {
            Ok(()) => ctx.core.write(|db| enable_ha(db, &list(0), &args[1])),
            Err(failure) => Err(failure),
        },
        "disable_ha" => ctx.core.write(disable_ha),
        "create_VLAN_from_PIF" | "create_VLAN" => match work().await {
            Ok(()) => ctx.core.write(|db| create_vlans(db, message, text(0), text(1), int(2))),
            Err(failure) => Err(failure),
        },
        "management_reconfigure" => ctx.core.write(|db| manage_by(db, text(0))),
        _ => return None,
    })
}

fn assert_ha_off(db: &Db) -> Result<(), Failure> {
    if db.flag("pool", db.pool(), "ha_enabled") { Err(fail("HA_IS_ENABLED", [])) } else { Ok(()) }
}

/// `pool.join` is called on the joiner, which is this host: what it may not have is found here. There is no other master to
/// go to, so a joiner without fault finds nobody.
fn refuse_to_join(db: &Db, force: bool) -> Result<Value, Failure> {
    let any = |class: &str, found: &dyn Fn(&str) -> bool| db.rows(class).any(|(r, _)| found(r));
    let code = if db.count("host") > 1 {
        "JOINING_HOST_CANNOT_BE_MASTER_OF_OTHER_HOSTS"
    } else if any("SR", &|sr| db.flag("SR", sr, "shared") && !db.flag("SR", sr, "is_tools_sr") && !force) {
        "JOINING_HOST_CANNOT_CONTAIN_SHARED_SRS"
    } else if any("VM", &|vm| {
        !db.flag("VM", vm, "is_control_domain") && ["Running", "Paused"].contains(&db.text("VM", vm, "power_state"))
    }) {
        "JOINING_HOST_CANNOT_HAVE_RUNNING_VMS"
    } else if any("VM", &|vm| db.field("VM", vm, "current_operations").as_object().is_some_and(|o| !o.is_empty())) {
        "JOINING_HOST_CANNOT_HAVE_VMS_WITH_CURRENT_OPERATIONS"
    } else if db.count("Bond") > 0 {
        "POOL_JOINING_HOST_HAS_BONDS"
    } else if db.count("tunnel") > 0 {
        "POOL_JOINING_HOST_HAS_TUNNELS"
    } else {
        "JOINING_HOST_CONNECTION_FAILED"
    };
    Err(fail(code, []))
}

/// The host leaves with all that is its own.
fn eject(db: &mut Db, host: &str) -> Result<Value, Failure> {
    if db.get("host", host).is_none() {
        return Err(handle_invalid("host", host));
    }
    assert_ha_off(db)?;
    if host::is_master(db, host) {
        return Err(fail("OPERATION_NOT_ALLOWED", ["the master cannot be ejected"]));
    } else if !host::guests(db, host).is_empty() {
        return Err(fail("OPERATION_NOT_ALLOWED", ["the host has running VMs"]));
    }
    host::remove(db, host);
    Ok(json!(""))
}

/// Another host is the master from now on; everybody has to find it.
fn designate(ctx: &Ctx, host: &str) -> Result<Value, Failure> {
    let moved = ctx.core.write(|db| {
        if db.get("host", host).is_none() {
            return Err(handle_invalid("host", host));
        }
        assert_ha_off(db)?;
        if host::is_master(db, host) {
            return Ok(false);
        } else if !host::is_live(db, host) {
            return Err(fail("HOST_OFFLINE", [host]));
        }
        let pool = db.pool().to_owned();
        db.set("pool", &pool, "master", host);
        Ok(true)
    })?;
    if moved {
        ctx.core.restart_wanted.notify_one();
    }
    Ok(json!(""))
}

/// Availability needs a disk on storage that all hosts share.
fn enable_ha(db: &mut Db, srs: &[String], configuration: &Value) -> Result<Value, Failure> {
    assert_ha_off(db)?;
    let shared: Vec<String> =
        db.rows("SR").filter(|(_, sr)| sr["shared"] == true).map(|(r, _)| r.to_string()).collect();
    for sr in srs {
        if db.get("SR", sr).is_none() {
            return Err(handle_invalid("SR", sr));
        } else if !shared.contains(sr) {
            return Err(fail("HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED", [sr]));
        }
    }
    let usable =
        shared.into_iter().find(|sr| srs.contains(sr) || srs.is_empty() && db.text("SR", sr, "content_type") != "iso");
    let Some(sr) = usable else { return Err(fail("CANNOT_CREATE_STATE_FILE", [])) };
    let fields = json!({"SR": sr, "name_label": "HA statefile", "virtual_size": 4 << 20, "type": "ha_statefile"});
    let disk = super::vdi::make(db, object(fields));
    let fields =
        [("ha_enabled", json!(true)), ("ha_statefiles", json!([disk])), ("ha_configuration", configuration.clone())];
    let pool = db.pool().to_owned();
    db.update("pool", &pool, fields);
    Ok(json!(""))
}

fn disable_ha(db: &mut Db) -> Result<Value, Failure> {
    let pool = db.pool().to_owned();
    if !db.flag("pool", &pool, "ha_enabled") {
        return Err(fail("HA_NOT_ENABLED", []));
    }
    let files = db.list("pool", &pool, "ha_statefiles");
    db.update("pool", &pool, [("ha_enabled", json!(false)), ("ha_statefiles", json!([]))]);
    for file in files {
        super::vdi::erase(db, &file);
    }
    Ok(json!(""))
}

/// A VLAN on every host, over the interfaces of one network (or of one device name). All are checked before the first is made.
fn create_vlans(db: &mut Db, message: &str, pif: &str, network: &str, tag: i64) -> Result<Value, Failure> {
    let tagged: Vec<String> = if message == "create_VLAN" {
        let rows = db.rows("PIF").filter(|(_, p)| p["device"] == pif && p["VLAN"] == -1 && p["physical"] == true);
        rows.map(|(r, _)| r.to_string()).collect()
    } else {
        if db.get("PIF", pif).is_none() {
            return Err(handle_invalid("PIF", pif));
        }
        // The one that was named is checked first: its error is the one to hear.
        links::check_vlan(db, pif, tag, network)?;
        let device = db.text("PIF", pif, "device");
        let mates = db.list("network", db.text("PIF", pif, "network"), "PIFs");
        mates.into_iter().filter(|p| db.text("PIF", p, "device") == device).collect()
    };
    for tagged in &tagged {
        links::check_vlan(db, tagged, tag, network)?;
    }
    let mut made = Vec::new();
    for tagged in tagged {
        let vlan = links::create_vlan(db, &tagged, tag, network)?;
        made.push(json!(db.text("VLAN", &vlan, "untagged_PIF")));
    }
    Ok(Value::Array(made))
}

/// Every host is managed through its interface on the network.
fn manage_by(db: &mut Db, network: &str) -> Result<Value, Failure> {
    assert_ha_off(db)?;
    let hosts: Vec<String> = db.rows("host").map(|(r, _)| r.to_string()).collect();
    let mut pifs = Vec::new();
    for host in &hosts {
        pifs.push(pif::on(db, network, host).ok_or_else(|| fail("PIF_NOT_PRESENT", [host, network]))?);
    }
    for pif in pifs {
        pif::manage_by(db, &pif)?;
    }
    Ok(json!(""))
}
