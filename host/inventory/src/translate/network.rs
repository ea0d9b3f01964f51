//! Networks, VIFs and PIFs.

use model::object::{Bond, Network, Pif, Vif};
use model::{Kind, Object, Refs};

use super::{Draft, Links, head, id};
use crate::reader::Reader;
use crate::record::Record;
use crate::slot::{Interest, List, Slot};
use crate::table::{Slots, Table};

pub(crate) struct NetworkLinks {
    pub(crate) pifs: List,
    pub(crate) vifs: List,
}

pub(crate) struct VifLinks {
    pub(crate) network: Option<Slot>,
    pub(crate) vm: Option<Slot>,
}

pub(crate) struct PifLinks {
    pub(crate) host: Option<Slot>,
    pub(crate) network: Option<Slot>,
    pub(crate) bond_master_of: List,
    metrics: Option<Slot>,
    bond_slave_of: Option<Slot>,
}

pub(crate) struct BondLinks {
    pub(crate) master: Option<Slot>,
    pub(crate) slaves: List,
}

pub(super) fn decode_network(record: Record<'_>, reader: &mut Reader<'_>) -> Draft {
    let purpose = |wanted: &str| Some(record.opt_list("purpose")?.any(|purpose| purpose == wanted));
    let network = Network {
        head: head(Kind::Network, reader),
        name_label: reader.text(record.str("name_label")),
        name_description: reader.text(record.str("name_description")),
        tags: reader.texts(record.list("tags")),
        automatic: record.flag("other_config", "automatic"),
        bridge: reader.text(record.str("bridge")),
        current_operations: reader.map(record, "current_operations"),
        default_is_locked: record.str("default_locking_mode") == "disabled",
        mtu: record.int("MTU"),
        other_config: reader.map(record, "other_config"),
        pifs: Refs::default(),
        vifs: Refs::default(),
        nbd: purpose("nbd"),
        insecure_nbd: purpose("insecure_nbd"),
        is_bonded: false,
    };
    let links = NetworkLinks {
        pifs: reader.list(record, "PIFs", Interest::Content),
        vifs: reader.list(record, "VIFs", Interest::Id),
    };
    Draft { object: Some(Object::Network(Box::new(network))), links: Links::Network(Box::new(links)) }
}

pub(super) fn resolve_network(table: &Table, slot: Slot, network: &mut Network, links: &NetworkLinks) {
    let on_network = |links: &Links, network: Slot| matches!(links, Links::Pif(pif) if pif.network == Some(network));
    let pifs = table.slots_of(slot, links.pifs, on_network);
    network.pifs = pifs.iter().map(|&pif| table.id(pif)).collect();
    network.vifs =
        table.list(slot, links.vifs, |links, network| matches!(links, Links::Vif(vif) if vif.network == Some(network)));
    network.is_bonded = pifs.iter().any(|&slot| match table.links(Some(slot)) {
        Some(Links::Pif(pif)) => is_bonded(table, slot, pif),
        _ => false,
    });
}

pub(super) fn decode_vif(record: Record<'_>, reader: &mut Reader<'_>) -> Draft {
    let rate_limited = record.str("qos_algorithm_type") == "ratelimit";
    let vif = Vif {
        head: head(Kind::Vif, reader),
        allowed_ipv4_addresses: reader.texts(record.list("ipv4_allowed")),
        allowed_ipv6_addresses: reader.texts(record.list("ipv6_allowed")),
        attached: record.bool("currently_attached"),
        device: reader.text(record.str("device")),
        locking_mode: reader.opt_text(record.opt_str("locking_mode")),
        mac: record.str("MAC").into(),
        mtu: record.int("MTU"),
        other_config: reader.map(record, "other_config"),
        tx_checksumming: !matches!(record.entry("other_config", "ethtool-tx"), Some("false" | "off")),
        rate_limit: if rate_limited { record.number("qos_algorithm_params", "kbps") } else { None },
        network: None,
        vm: None,
    };
    let links = VifLinks {
        network: reader.watch(record.reference("network"), Interest::Id),
        vm: reader.watch(record.reference("VM"), Interest::Id),
    };
    Draft { object: Some(Object::Vif(Box::new(vif))), links: Links::Vif(links) }
}

pub(super) fn resolve_vif(table: &Table, vif: &mut Vif, links: &VifLinks) {
    vif.network = id(table, links.network);
    vif.vm = id(table, links.vm);
}

pub(super) fn decode_pif(record: Record<'_>, reader: &mut Reader<'_>) -> Draft {
    let links = PifLinks {
        host: reader.watch(record.reference("host"), Interest::Id),
        network: reader.watch(record.reference("network"), Interest::Id),
        bond_master_of: reader.list(record, "bond_master_of", Interest::Content),
        metrics: reader.watch(record.reference("metrics"), Interest::Content),
        bond_slave_of: reader.watch(record.reference("bond_slave_of"), Interest::Content),
    };
    let pif = Pif {
        head: head(Kind::Pif, reader),
        attached: record.bool("currently_attached"),
        is_bond_master: false,
        is_bond_slave: links.bond_slave_of.is_some(),
        bond_master: None,
        bond_slaves: None,
        device: reader.text(record.str("device")),
        device_name: None,
        dns: reader.text(record.str("DNS")),
        gateway: reader.text(record.str("gateway")),
        ip: reader.text(record.str("IP")),
        ipv6: reader.texts(record.list("IPv6")),
        netmask: reader.text(record.str("netmask")),
        mac: reader.text(record.str("MAC")),
        mode: reader.opt_text(record.opt_str("ip_configuration_mode")),
        ipv6_mode: reader.opt_text(record.opt_str("ipv6_configuration_mode")),
        primary_address_type: reader.opt_text(record.opt_str("primary_address_type")),
        disallow_unplug: record.bool("disallow_unplug"),
        management: record.bool("management"),
        physical: record.bool("physical"),
        carrier: false,
        mtu: record.int("MTU"),
        vlan: record.opt_int("VLAN").unwrap_or(-1),
        speed: None,
        host: None,
        network: None,
    };
    Draft { object: Some(Object::Pif(Box::new(pif))), links: Links::Pif(Box::new(links)) }
}

pub(super) fn resolve_pif(table: &Table, slot: Slot, pif: &mut Pif, links: &PifLinks) {
    pif.host = id(table, links.host);
    pif.network = id(table, links.network);
    let masters = masters(table, slot, links);
    pif.is_bond_master = !masters.is_empty();
    pif.bond_master = bond(table, links.bond_slave_of).and_then(|bond| id(table, bond.master));
    pif.bond_slaves = masters.first().and_then(|&slot| {
        let slaves = bond(table, Some(slot))?.slaves;
        Some(table.given(slot, slaves).map(|slave| table.id(slave)).collect())
    });
    let metrics = match table.links(links.metrics) {
        Some(Links::PifMetrics(metrics)) => Some(metrics),
        _ => None,
    };
    pif.device_name = metrics.and_then(|metrics| metrics.device_name.clone());
    pif.carrier = metrics.is_some_and(|metrics| metrics.carrier);
    pif.speed = metrics.and_then(|metrics| metrics.speed);
}

/// Returns whether the PIF is a bond or part of one.
pub(crate) fn is_bonded(table: &Table, slot: Slot, pif: &PifLinks) -> bool {
    pif.bond_slave_of.is_some() || !masters(table, slot, pif).is_empty()
}

fn masters(table: &Table, slot: Slot, pif: &PifLinks) -> Slots {
    table.slots_of(
        slot,
        pif.bond_master_of,
        |links, pif| matches!(links, Links::Bond(bond) if bond.master == Some(pif)),
    )
}

fn bond(table: &Table, slot: Option<Slot>) -> Option<&BondLinks> {
    match table.links(slot) {
        Some(Links::Bond(bond)) => Some(bond),
        _ => None,
    }
}

pub(super) fn decode_bond(record: Record<'_>, reader: &mut Reader<'_>) -> Draft {
    let bond = Bond { head: head(Kind::Bond, reader), master: None, mode: reader.opt_text(record.opt_str("mode")) };
    let links = BondLinks {
        master: reader.watch(record.reference("master"), Interest::Id),
        slaves: reader.watch_all(record.list("slaves"), Interest::Id),
    };
    Draft { object: Some(Object::from(bond)), links: Links::Bond(links) }
}
