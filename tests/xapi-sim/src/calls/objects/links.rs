//! What is built on interfaces: VLANs, bonds, tunnels.

use serde_json::{Value, json};

use super::pif::{self, assert_first, assert_not_management, assert_unused, is_bonded, move_address};
use crate::{
    core::Ctx,
    db::Db,
    failure::{Failure, fail, handle_invalid},
    model::NULL,
    tasks::object,
};

/// Answers the messages of the three classes that do more than their fields say.
pub async fn call(ctx: &Ctx, class: &str, message: &str, args: &[Value]) -> Option<Result<Value, Failure>> {
    let text = |i: usize| args.get(i).and_then(Value::as_str).unwrap_or_default();
    let int = |i: usize| args.get(i).and_then(Value::as_i64).unwrap_or_default();
    if !["create", "destroy", "set_mode", "set_property"].contains(&message) {
        return None;
    }
    if message != "create" && ctx.core.read(|db| db.get(class, text(0)).is_none()) {
        return Some(Err(handle_invalid(class, text(0))));
    }
    if let Err(failure) = ctx.work(ctx.core.options.delays.operation).await {
        return Some(Err(failure));
    }
    Some(ctx.core.write(|db| match (class, message) {
        ("VLAN", "create") => create_vlan(db, text(0), int(1), text(2)).map(|vlan| json!(vlan)),
        ("VLAN", "destroy") => destroy_vlan(db, text(0)).map(|()| json!("")),
        ("Bond", "create") => create_bond(db, args),
        ("Bond", "destroy") => destroy_bond(db, text(0)),
        ("Bond", "set_mode") => {
            db.set("Bond", text(0), "mode", text(1));
            Ok(json!(""))
        }
        ("Bond", "set_property") => {
            db.set_entry("Bond", text(0), "properties", text(1), Some(text(2)));
            Ok(json!(""))
        }
        ("tunnel", "create") => create_tunnel(db, text(0), text(1), text(2)),
        ("tunnel", "destroy") => destroy_tunnel(db, text(0)),
        _ => Err(fail("NOT_IMPLEMENTED", [&format!("{class}.{message}")])),
    }))
}

/// Can a VLAN with this tag stand on this interface?
pub fn check_vlan(db: &Db, tagged: &str, tag: i64, network: &str) -> Result<(), Failure> {
    if db.get("PIF", tagged).is_none() {
        return Err(handle_invalid("PIF", tagged));
    } else if !(1..=4094).contains(&tag) {
        return Err(fail("VLAN_TAG_INVALID", [&tag.to_string()]));
    } else if db.int("PIF", tagged, "VLAN") >= 0 {
        return Err(fail("PIF_IS_VLAN", [tagged]));
    } else if is_bonded(db, tagged) {
        return Err(fail("CANNOT_ADD_VLAN_TO_BOND_SLAVE", [tagged]));
    } else if !db.list("PIF", tagged, "tunnel_access_PIF_of").is_empty() {
        return Err(fail("IS_TUNNEL_ACCESS_PIF", [tagged]));
    }
    let same = db.list("PIF", tagged, "VLAN_slave_of").into_iter().find(|vlan| db.int("VLAN", vlan, "tag") == tag);
    if let Some(vlan) = same {
        return Err(fail("PIF_VLAN_EXISTS", [db.text("VLAN", &vlan, "untagged_PIF")]));
    }
    assert_first(db, network, db.text("PIF", tagged, "host"))
}

/// `VLAN.create(tagged_PIF, tag, network)`: a new interface carries the tag.
pub fn create_vlan(db: &mut Db, tagged: &str, tag: i64, network: &str) -> Result<String, Failure> {
    check_vlan(db, tagged, tag, network)?;
    let vlan = db.reference();
    let of = |field: &str| db.field("PIF", tagged, field).clone();
    let fields = json!({
        "host": of("host"), "network": network, "device": of("device"), "MAC": of("MAC"), "MTU": of("MTU"), "VLAN": tag,
        "physical": false, "currently_attached": of("currently_attached"), "ip_configuration_mode": "None",
        "VLAN_master_of": vlan, "managed": true,
    });
    let untagged = pif::insert(db, fields);
    let fields = json!({"tagged_PIF": tagged, "untagged_PIF": untagged, "tag": tag});
    db.insert_as("VLAN", &vlan, object(fields));
    Ok(vlan)
}

/// The interface goes with its VLAN.
pub fn destroy_vlan(db: &mut Db, vlan: &str) -> Result<(), Failure> {
    let untagged = db.text("VLAN", vlan, "untagged_PIF").to_owned();
    assert_not_management(db, &untagged)?;
    assert_unused(db, &untagged)?;
    db.remove("VLAN", vlan);
    pif::remove(db, &untagged);
    Ok(())
}

/// `Bond.create(network, members, MAC, mode, properties)`: several interfaces as one.
fn create_bond(db: &mut Db, args: &[Value]) -> Result<Value, Failure> {
    let text = |i: usize| args.get(i).and_then(Value::as_str).unwrap_or_default();
    let members: Vec<&str> = args[1].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if members.len() < 2 {
        return Err(fail("PIF_BOND_NEEDS_MORE_MEMBERS", []));
    }
    for member in &members {
        if db.get("PIF", member).is_none() {
            return Err(handle_invalid("PIF", member));
        } else if is_bonded(db, member) {
            return Err(fail("PIF_ALREADY_BONDED", [member]));
        } else if db.int("PIF", member, "VLAN") >= 0 {
            return Err(fail("PIF_IS_VLAN", [member]));
        } else if !db.list("PIF", member, "tunnel_access_PIF_of").is_empty() {
            return Err(fail("IS_TUNNEL_ACCESS_PIF", [member]));
        }
    }
    let host = db.text("PIF", members[0], "host").to_owned();
    if members.iter().any(|member| db.text("PIF", member, "host") != host) {
        return Err(fail("PIF_CANNOT_BOND_CROSS_HOST", []));
    }
    assert_first(db, text(0), &host)?;
    // The one that manages the host decides addresses, and the MAC unless one was given; else the first.
    let primary = members.iter().find(|m| db.flag("PIF", m, "management")).unwrap_or(&members[0]).to_owned();
    let mac = if text(2).is_empty() { db.text("PIF", primary, "MAC") } else { text(2) }.to_owned();
    let names: Vec<String> =
        db.list("host", &host, "PIFs").iter().map(|p| db.text("PIF", p, "device").to_owned()).collect();
    let device = (0..).map(|n| format!("bond{n}")).find(|name| !names.contains(name)).unwrap_or_default();
    let bond = db.reference();
    let fields = json!({
        "host": host, "network": text(0), "device": device, "MAC": mac, "MTU": db.field("PIF", primary, "MTU"), "VLAN": -1,
        "physical": false, "currently_attached": true, "managed": true, "bond_slave_of": NULL,
    });
    let master = pif::insert(db, fields);
    let carriers = members.iter().filter(|m| db.flag("PIF_metrics", db.text("PIF", m, "metrics"), "carrier")).count();
    let fields = json!({
        "master": master, "primary_slave": primary, "mode": text(3), "properties": args[4], "links_up": carriers,
    });
    db.insert_as("Bond", &bond, object(fields));
    move_address(db, primary, &master);
    for member in &members {
        move_users(db, member, &master, &host);
        let fields = [
            ("bond_slave_of", json!(bond)),
            ("ip_configuration_mode", json!("None")),
            ("IP", json!("")),
            ("management", json!(false)),
            ("currently_attached", json!(true)),
        ];
        db.update("PIF", member, fields);
    }
    Ok(json!(bond))
}

/// VLANs, tunnels and the interfaces of VMs go from one interface to the other. Of the VMs, those on the host and those that
/// are nowhere move; whose network a VM of another host keeps is open.
fn move_users(db: &mut Db, from: &str, to: &str, host: &str) {
    let device = db.text("PIF", to, "device").to_owned();
    for vlan in db.list("PIF", from, "VLAN_slave_of") {
        db.set("VLAN", &vlan, "tagged_PIF", to);
        let untagged = db.text("VLAN", &vlan, "untagged_PIF").to_owned();
        db.set("PIF", &untagged, "device", device.clone());
    }
    for tunnel in db.list("PIF", from, "tunnel_transport_PIF_of") {
        db.set("tunnel", &tunnel, "transport_PIF", to);
    }
    let (old, new) = (db.text("PIF", from, "network").to_owned(), db.text("PIF", to, "network").to_owned());
    for vif in db.list("network", &old, "VIFs") {
        let at = db.text("VM", db.text("VIF", &vif, "VM"), "resident_on");
        if at == host || at == NULL {
            db.set("VIF", &vif, "network", new.clone());
        }
    }
}

/// Everything goes back to the primary member.
fn destroy_bond(db: &mut Db, bond: &str) -> Result<Value, Failure> {
    let (master, primary) =
        (db.text("Bond", bond, "master").to_owned(), db.text("Bond", bond, "primary_slave").to_owned());
    let members = db.list("Bond", bond, "slaves");
    let primary = if members.contains(&primary) { primary } else { members.first().cloned().unwrap_or_default() };
    let host = db.text("PIF", &master, "host").to_owned();
    for member in &members {
        db.set("PIF", member, "bond_slave_of", NULL);
    }
    if db.get("PIF", &primary).is_some() {
        move_address(db, &master, &primary);
        move_users(db, &master, &primary, &host);
    }
    db.remove("Bond", bond);
    pif::remove(db, &master);
    Ok(json!(""))
}

/// `tunnel.create(transport_PIF, network, protocol)`: an interface whose packets travel inside those of another.
fn create_tunnel(db: &mut Db, transport: &str, network: &str, protocol: &str) -> Result<Value, Failure> {
    if db.get("PIF", transport).is_none() {
        return Err(handle_invalid("PIF", transport));
    } else if is_bonded(db, transport) {
        return Err(fail("CANNOT_ADD_TUNNEL_TO_BOND_SLAVE", [transport]));
    } else if !db.list("PIF", transport, "tunnel_access_PIF_of").is_empty() {
        return Err(fail("IS_TUNNEL_ACCESS_PIF", [transport]));
    }
    let host = db.text("PIF", transport, "host").to_owned();
    assert_first(db, network, &host)?;
    let names: Vec<String> =
        db.list("host", &host, "PIFs").iter().map(|p| db.text("PIF", p, "device").to_owned()).collect();
    let device = (0..).map(|n| format!("tunnel{n}")).find(|name| !names.contains(name)).unwrap_or_default();
    let mac = crate::calls::random_mac(db);
    let fields = json!({
        "host": host, "network": network, "device": device, "MAC": mac, "MTU": db.field("PIF", transport, "MTU"), "VLAN": -1,
        "physical": false, "currently_attached": false, "managed": true, "ip_configuration_mode": "None",
    });
    let access = pif::insert(db, fields);
    let fields = json!({
        "access_PIF": access, "transport_PIF": transport, "protocol": protocol, "status": {"active": "false"},
    });
    Ok(json!(db.insert("tunnel", object(fields))))
}

fn destroy_tunnel(db: &mut Db, tunnel: &str) -> Result<Value, Failure> {
    let access = db.text("tunnel", tunnel, "access_PIF").to_owned();
    assert_not_management(db, &access)?;
    assert_unused(db, &access)?;
    db.remove("tunnel", tunnel);
    pif::remove(db, &access);
    Ok(json!(""))
}
