//! PIF: the interfaces of hosts.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::vif::is_mac;
use crate::{
    core::Ctx,
    db::Db,
    failure::{Failure, fail, handle_invalid},
    model::Record,
    tasks::object,
};

/// Answers the messages with effects.
pub async fn call(ctx: &Ctx, message: &str, args: &[Value]) -> Option<Result<Value, Failure>> {
    let text = |i: usize| args.get(i).and_then(Value::as_str).unwrap_or_default();
    if !["plug", "unplug", "forget", "destroy", "introduce", "scan", "reconfigure_ip", "reconfigure_ipv6"]
        .contains(&message)
        && message != "set_primary_address_type"
    {
        return None;
    }
    let class = if message == "introduce" || message == "scan" { "host" } else { "PIF" };
    if ctx.core.read(|db| db.get(class, text(0)).is_none()) {
        return Some(Err(handle_invalid(class, text(0))));
    }
    if let Err(failure) = ctx.work(ctx.core.options.delays.operation).await {
        return Some(Err(failure));
    }
    let done = ctx.core.write(|db| match message {
        "plug" => plug(db, text(0)),
        "unplug" => unplug(db, text(0)),
        "forget" => forget(db, text(0)),
        "destroy" => destroy(db, text(0)),
        "reconfigure_ip" => reconfigure(db, text(0), [text(1), text(2), text(3), text(4), text(5)]),
        "reconfigure_ipv6" => {
            let list = if text(2).is_empty() { json!([]) } else { json!([text(2)]) };
            let fields = [
                ("ipv6_configuration_mode", json!(text(1))),
                ("IPv6", list),
                ("ipv6_gateway", json!(text(3))),
                ("DNS", json!(text(4))),
            ];
            db.update("PIF", text(0), fields);
            Ok(())
        }
        "set_primary_address_type" => set_primary(db, text(0), text(1)),
        // There is no new hardware to find.
        _ => Ok(()),
    });
    if message == "introduce" {
        return Some(ctx.core.write(|db| introduce(db, text(0), text(1), text(2), args[3] == true)));
    }
    Some(done.map(|()| json!("")))
}

/// Adds an interface with its metrics.
pub fn insert(db: &mut Db, fields: Value) -> String {
    let metrics = db.insert("PIF_metrics", object(json!({"carrier": true, "speed": 1000, "duplex": true})));
    let mut fields: Record = object(fields);
    fields.insert("metrics", json!(metrics));
    db.insert("PIF", fields)
}

/// Removes an interface with its metrics.
pub fn remove(db: &mut Db, pif: &str) {
    let metrics = db.text("PIF", pif, "metrics").to_owned();
    db.remove("PIF_metrics", &metrics);
    db.remove("PIF", pif);
}

/// No VM on the host uses the network through the interface.
pub fn assert_unused(db: &Db, pif: &str) -> Result<(), Failure> {
    let (network, host) = (db.text("PIF", pif, "network"), db.text("PIF", pif, "host"));
    let used = db.list("network", network, "VIFs").into_iter().find(|vif| {
        db.flag("VIF", vif, "currently_attached") && db.text("VM", db.text("VIF", vif, "VM"), "resident_on") == host
    });
    used.map_or(Ok(()), |vif| Err(fail("VIF_IN_USE", [network, &vif])))
}

/// The host is not managed through it.
pub fn assert_not_management(db: &Db, pif: &str) -> Result<(), Failure> {
    if db.flag("PIF", pif, "management") { Err(fail("PIF_IS_MANAGEMENT_INTERFACE", [pif])) } else { Ok(()) }
}

fn managed(db: &Db, pif: &str) -> Result<(), Failure> {
    if db.flag("PIF", pif, "managed") { Ok(()) } else { Err(fail("PIF_UNMANAGED", [pif])) }
}

pub fn is_bonded(db: &Db, pif: &str) -> bool {
    db.get("Bond", db.text("PIF", pif, "bond_slave_of")).is_some()
}

fn plug(db: &mut Db, pif: &str) -> Result<(), Failure> {
    managed(db, pif)?;
    if is_bonded(db, pif) {
        return Err(fail("CANNOT_PLUG_BOND_SLAVE", [pif]));
    }
    for tunnel in db.list("PIF", pif, "tunnel_access_PIF_of") {
        let transport = db.text("tunnel", &tunnel, "transport_PIF").to_owned();
        if !has_address(db, &transport) {
            return Err(fail("TRANSPORT_PIF_NOT_CONFIGURED", [&transport]));
        }
        db.set_entry("tunnel", &tunnel, "status", "active", Some("true"));
    }
    attach(db, pif, true);
    Ok(())
}

fn attach(db: &mut Db, pif: &str, on: bool) {
    if db.flag("PIF", pif, "currently_attached") != on {
        db.set("PIF", pif, "currently_attached", on);
    }
}

fn unplug(db: &mut Db, pif: &str) -> Result<(), Failure> {
    managed(db, pif)?;
    assert_not_management(db, pif)?;
    if db.flag("PIF", pif, "disallow_unplug") {
        return Err(fail("PIF_DOES_NOT_ALLOW_UNPLUG", [pif]));
    }
    assert_unused(db, pif)?;
    for tunnel in db.list("PIF", pif, "tunnel_access_PIF_of") {
        db.set_entry("tunnel", &tunnel, "status", "active", Some("false"));
    }
    attach(db, pif, false);
    Ok(())
}

/// Only hardware can be forgotten, and only when nothing stands on it.
fn forget(db: &mut Db, pif: &str) -> Result<(), Failure> {
    if !db.flag("PIF", pif, "physical") {
        return Err(fail("PIF_IS_NOT_PHYSICAL", [pif]));
    } else if is_bonded(db, pif) {
        return Err(fail("PIF_ALREADY_BONDED", [pif]));
    }
    assert_not_management(db, pif)?;
    for (set, code) in
        [("VLAN_slave_of", "PIF_VLAN_STILL_EXISTS"), ("tunnel_transport_PIF_of", "PIF_TUNNEL_STILL_EXISTS")]
    {
        if !db.list("PIF", pif, set).is_empty() {
            return Err(fail(code, [pif]));
        }
    }
    assert_unused(db, pif)?;
    remove(db, pif);
    Ok(())
}

/// The old way to remove a VLAN.
fn destroy(db: &mut Db, pif: &str) -> Result<(), Failure> {
    let vlan = db.text("PIF", pif, "VLAN_master_of").to_owned();
    if db.get("VLAN", &vlan).is_none() {
        return Err(fail("PIF_IS_PHYSICAL", [pif]));
    }
    super::links::destroy_vlan(db, &vlan)
}

fn introduce(db: &mut Db, host: &str, mac: &str, device: &str, managed: bool) -> Result<Value, Failure> {
    if !is_mac(mac) {
        return Err(fail("MAC_INVALID", [mac]));
    }
    let same = db
        .list("host", host, "PIFs")
        .into_iter()
        .find(|pif| db.flag("PIF", pif, "physical") && db.text("PIF", pif, "MAC").eq_ignore_ascii_case(mac));
    if same.is_some() {
        return Err(fail("MAC_STILL_EXISTS", [mac]));
    }
    let bridge = format!("xenbr{}", device.trim_start_matches(|c: char| !c.is_ascii_digit()));
    let known = db.rows("network").find(|(_, network)| network["bridge"] == *bridge).map(|(r, _)| r.to_string());
    let network = known.unwrap_or_else(|| {
        let label = format!("Pool-wide network associated with {device}");
        db.insert("network", object(json!({"name_label": label, "bridge": bridge, "MTU": 1500})))
    });
    let fields = json!({
        "host": host, "network": network, "device": device, "MAC": mac, "MTU": 1500, "VLAN": -1, "physical": true,
        "managed": managed, "currently_attached": false, "ip_configuration_mode": "None",
    });
    Ok(json!(insert(db, fields)))
}

fn has_address(db: &Db, pif: &str) -> bool {
    db.text("PIF", pif, "ip_configuration_mode") != "None" || db.text("PIF", pif, "ipv6_configuration_mode") != "None"
}

/// Mode, address, mask, gateway, name servers. An address by DHCP is the one it had: there is no server here to give another.
fn reconfigure(db: &mut Db, pif: &str, [mode, ip, mask, gateway, dns]: [&str; 5]) -> Result<(), Failure> {
    managed(db, pif)?;
    if is_bonded(db, pif) {
        return Err(fail("CANNOT_CHANGE_PIF_PROPERTIES", [pif]));
    }
    if mode == "None" && db.flag("PIF", pif, "management") {
        return Err(fail("PIF_IS_MANAGEMENT_INTERFACE", [pif]));
    }
    if mode == "Static" {
        for (name, value, needed) in [("IP", ip, true), ("netmask", mask, true), ("gateway", gateway, false)] {
            if (needed || !value.is_empty()) && value.parse::<IpAddr>().is_err() {
                return Err(fail("INVALID_IP_ADDRESS_SPECIFIED", [name]));
            }
        }
    }
    let mut fields = vec![("ip_configuration_mode", json!(mode))];
    if mode != "DHCP" {
        fields.extend([("IP", json!(ip)), ("netmask", json!(mask)), ("gateway", json!(gateway)), ("DNS", json!(dns))]);
    }
    db.update("PIF", pif, fields);
    if db.flag("PIF", pif, "management") && mode == "Static" {
        let host = db.text("PIF", pif, "host").to_owned();
        db.set("host", &host, "address", ip);
    }
    Ok(())
}

fn set_primary(db: &mut Db, pif: &str, kind: &str) -> Result<(), Failure> {
    let field = if kind == "IPv6" { "ipv6_configuration_mode" } else { "ip_configuration_mode" };
    if db.flag("PIF", pif, "management") && db.text("PIF", pif, field) == "None" {
        let code =
            if kind == "IPv6" { "PIF_HAS_NO_V6_NETWORK_CONFIGURATION" } else { "PIF_HAS_NO_NETWORK_CONFIGURATION" };
        return Err(fail(code, [pif]));
    }
    db.set("PIF", pif, "primary_address_type", kind);
    Ok(())
}

/// `host.management_reconfigure(pif)`: the host is managed through another interface from now on.
pub fn manage_by(db: &mut Db, pif: &str) -> Result<(), Failure> {
    if db.get("PIF", pif).is_none() {
        return Err(handle_invalid("PIF", pif));
    } else if is_bonded(db, pif) {
        return Err(fail("CANNOT_PLUG_BOND_SLAVE", [pif]));
    } else if !has_address(db, pif) {
        return Err(fail("PIF_HAS_NO_NETWORK_CONFIGURATION", [pif]));
    }
    let host = db.text("PIF", pif, "host").to_owned();
    for other in db.list("host", &host, "PIFs") {
        let management = other == pif;
        if db.flag("PIF", &other, "management") != management {
            db.set("PIF", &other, "management", management);
        }
    }
    attach(db, pif, true);
    let address = db.text("PIF", pif, "IP").to_owned();
    if !address.is_empty() {
        db.set("host", &host, "address", address);
    }
    Ok(())
}

/// The interface of a host on a network, or none.
pub fn on(db: &Db, network: &str, host: &str) -> Option<String> {
    db.list("network", network, "PIFs").into_iter().find(|pif| db.text("PIF", pif, "host") == host)
}

/// A new interface on the network would be the host's first there.
pub fn assert_first(db: &Db, network: &str, host: &str) -> Result<(), Failure> {
    if db.get("network", network).is_none() {
        return Err(handle_invalid("network", network));
    }
    on(db, network, host).map_or(Ok(()), |pif| Err(fail("NETWORK_ALREADY_CONNECTED", [host, &pif])))
}

/// Fields by which an interface is reached; they move as one.
const ADDRESS: [&str; 10] = [
    "ip_configuration_mode",
    "IP",
    "netmask",
    "gateway",
    "DNS",
    "ipv6_configuration_mode",
    "IPv6",
    "ipv6_gateway",
    "primary_address_type",
    "management",
];

/// Moves addresses and management from one interface to the other.
pub fn move_address(db: &mut Db, from: &str, to: &str) {
    let fields: Vec<(&str, Value)> =
        ADDRESS.iter().map(|field| (*field, db.field("PIF", from, field).clone())).collect();
    db.update("PIF", to, fields);
    let empty = [
        ("ip_configuration_mode", json!("None")),
        ("IP", json!("")),
        ("netmask", json!("")),
        ("gateway", json!("")),
        ("DNS", json!("")),
        ("ipv6_configuration_mode", json!("None")),
        ("IPv6", json!([])),
        ("ipv6_gateway", json!("")),
        ("management", json!(false)),
    ];
    db.update("PIF", from, empty);
}
