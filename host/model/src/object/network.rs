//! Networks and the cards on both ends: VIFs of VMs, PIFs of hosts.

use super::entries::Entries;
use super::{Head, Packed, Refs, Text};
use crate::ObjectId;

/// A network.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct Network {
    pub head: Head,
    pub name_label: Text,
    pub name_description: Text,
    pub tags: Box<[Text]>,
    pub automatic: bool,
    pub bridge: Text,
    pub current_operations: Packed,
    pub default_is_locked: bool,
    pub mtu: i64,
    pub other_config: Packed,
    pub pifs: Refs,
    pub vifs: Refs,
    pub nbd: Option<bool>,
    pub insecure_nbd: Option<bool>,
    pub is_bonded: bool,
}

impl Network {
    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        self.head.shape(out)?;
        out.put("name_label", &self.name_label)?;
        out.put("name_description", &self.name_description)?;
        out.put("tags", &self.tags)?;
        out.put("automatic", &self.automatic)?;
        out.put("bridge", &self.bridge)?;
        out.put("current_operations", &self.current_operations)?;
        out.put("defaultIsLocked", &self.default_is_locked)?;
        out.put("MTU", &self.mtu)?;
        out.put("other_config", &self.other_config)?;
        out.put("PIFs", &self.pifs)?;
        out.put("VIFs", &self.vifs)?;
        out.opt("nbd", &self.nbd)?;
        out.opt("insecureNbd", &self.insecure_nbd)?;
        out.put("isBonded", &self.is_bonded)
    }
}

/// A network card of a VM.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct Vif {
    pub head: Head,
    pub allowed_ipv4_addresses: Box<[Text]>,
    pub allowed_ipv6_addresses: Box<[Text]>,
    pub attached: bool,
    pub device: Text,
    pub locking_mode: Option<Text>,
    pub mac: Text,
    pub mtu: i64,
    pub other_config: Packed,
    pub tx_checksumming: bool,
    /// In kB/s.
    pub rate_limit: Option<i64>,
    pub network: Option<ObjectId>,
    pub vm: Option<ObjectId>,
}

impl Vif {
    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        self.head.shape(out)?;
        out.put("allowedIpv4Addresses", &self.allowed_ipv4_addresses)?;
        out.put("allowedIpv6Addresses", &self.allowed_ipv6_addresses)?;
        out.put("attached", &self.attached)?;
        out.put("device", &self.device)?;
        out.opt("lockingMode", &self.locking_mode)?;
        out.put("MAC", &self.mac)?;
        out.put("MTU", &self.mtu)?;
        out.put("other_config", &self.other_config)?;
        out.put("txChecksumming", &self.tx_checksumming)?;
        out.opt("rateLimit", &self.rate_limit)?;
        out.opt("$network", &self.network)?;
        out.opt("$VM", &self.vm)
    }
}

/// A network card, bond or VLAN of a host.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct Pif {
    pub head: Head,
    pub attached: bool,
    pub is_bond_master: bool,
    pub is_bond_slave: bool,
    pub bond_master: Option<ObjectId>,
    pub bond_slaves: Option<Refs>,
    pub device: Text,
    pub device_name: Option<Text>,
    pub dns: Text,
    pub gateway: Text,
    pub ip: Text,
    pub ipv6: Box<[Text]>,
    pub netmask: Text,
    pub mac: Text,
    pub mode: Option<Text>,
    pub ipv6_mode: Option<Text>,
    pub primary_address_type: Option<Text>,
    pub disallow_unplug: bool,
    pub management: bool,
    pub physical: bool,
    pub carrier: bool,
    pub mtu: i64,
    /// -1 when untagged.
    pub vlan: i64,
    /// In Mbit/s.
    pub speed: Option<i64>,
    pub host: Option<ObjectId>,
    pub network: Option<ObjectId>,
}

impl Pif {
    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        self.head.shape(out)?;
        out.put("attached", &self.attached)?;
        out.put("isBondMaster", &self.is_bond_master)?;
        out.put("isBondSlave", &self.is_bond_slave)?;
        out.opt("bondMaster", &self.bond_master)?;
        out.opt("bondSlaves", &self.bond_slaves)?;
        out.put("device", &self.device)?;
        out.opt("deviceName", &self.device_name)?;
        out.put("dns", &self.dns)?;
        out.put("gateway", &self.gateway)?;
        out.put("ip", &self.ip)?;
        out.put("ipv6", &self.ipv6)?;
        out.put("netmask", &self.netmask)?;
        out.put("mac", &self.mac)?;
        out.opt("mode", &self.mode)?;
        out.opt("ipv6Mode", &self.ipv6_mode)?;
        out.opt("primaryAddressType", &self.primary_address_type)?;
        out.put("disallowUnplug", &self.disallow_unplug)?;
        out.put("management", &self.management)?;
        out.put("physical", &self.physical)?;
        out.put("carrier", &self.carrier)?;
        out.put("mtu", &self.mtu)?;
        out.put("vlan", &self.vlan)?;
        out.opt("speed", &self.speed)?;
        out.opt("$host", &self.host)?;
        out.opt("$network", &self.network)
    }
}

/// A bond of PIFs.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct Bond {
    pub head: Head,
    /// The PIF that stands for the bond.
    pub master: Option<ObjectId>,
    /// "balance-slb", "active-backup" or "lacp"; absent before 6.0.
    pub mode: Option<Text>,
}

impl Bond {
    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        self.head.shape(out)?;
        out.opt("master", &self.master)?;
        out.opt("mode", &self.mode)
    }
}
