//! Networks and network cards.

use super::*;

const NETWORK: &[Object] = &[object("id", &["network"], Level::Administrate)];
const POOL: &[Object] = &[object("pool", &["pool"], Level::Administrate), object("pif", &["PIF"], Level::Administrate)];
const BONDED: &[Object] =
    &[object("pool", &["pool"], Level::Administrate), object("pifs", &["PIF"], Level::Administrate)];
const VIF_OPERATE: &[Object] = &[object("id", &["VIF"], Level::Operate)];
const LOCKING_MODES: &[&str] = &["disabled", "locked", "network_default", "unlocked"];
const BOND_MODES: &[&str] = &["balance-slb", "active-backup", "lacp"];

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    change(
        "network.create",
        SignedIn,
        Params::Fields(&[
            Param::req("pool", Str),
            Param::req("name", Str),
            Param::opt("nbd", Bool),
            Param::opt("description", Text),
            Param::opt("pif", Str),
            Param::opt("mtu", Int),
            Param::opt("vlan", Int),
        ]),
        "Makes a network, on a VLAN of a card if one is named; returns its id.",
    )
    .on(POOL),
    change(
        "network.createBonded",
        SignedIn,
        Params::Fields(&[
            Param::req("pool", Str),
            Param::req("name", Str),
            Param::opt("description", Text),
            Param::req("pifs", List(&Str)),
            Param::opt("mtu", Int),
            Param::req("bondMode", Word(BOND_MODES)),
        ]),
        "Makes a network on a bond of cards, on every host; returns the pool's record of it.",
    )
    .on(BONDED),
    change("network.delete", SignedIn, Params::Fields(ID), "Deletes a network with its VLANs, bonds and tunnels.")
        .on(NETWORK),
    read("network.getBondModes", SignedIn, Params::Any, "Lists the ways cards can be bonded."),
    change(
        "network.set",
        SignedIn,
        Params::Fields(&[
            Param::opt("automatic", Bool),
            Param::opt("defaultIsLocked", Bool),
            Param::req("id", Str),
            Param::opt("mtu", Int),
            Param::opt("name_description", Text),
            Param::opt("name_label", Str),
            Param::opt("nbd", Bool),
        ]),
        "Changes a network.",
    )
    .on(NETWORK),
    change("vif.connect", SignedIn, Params::Fields(ID), "Plugs a network card into its running VM.").on(VIF_OPERATE),
    change("vif.delete", SignedIn, Params::Fields(ID), "Takes a network card out of its VM.").on(&[object(
        "id",
        &["VIF"],
        Level::Administrate,
    )]),
    change("vif.disconnect", SignedIn, Params::Fields(ID), "Unplugs a network card from its running VM.")
        .on(VIF_OPERATE),
    read("vif.getLockingModeValues", SignedIn, Params::Any, "Lists the locking modes of network cards."),
    change(
        "vif.set",
        SignedIn,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("network", Str),
            Param::opt("mac", Str),
            Param::opt("allowedIpv4Addresses", List(&Str)),
            Param::opt("allowedIpv6Addresses", List(&Str)),
            Param::opt("attached", Bool),
            Param::opt("lockingMode", Word(LOCKING_MODES)),
            Param::opt("rateLimit", Or(&[Num, Null])),
            Param::opt("resourceSet", Str),
            Param::opt("txChecksumming", Bool),
        ]),
        "Changes a network card; returns its id, which is another one when network or address changed.",
    )
    .on(&[object("id", &["VIF"], Level::Operate), offered("network", &["network"], Level::Operate)]),
    one("network.get", "/networks/{id}", "Returns a network."),
    list("network.list", "/networks", "Lists networks."),
    one("pif.get", "/pifs/{id}", "Returns a network card of a host."),
    list("pif.list", "/pifs", "Lists network cards of hosts."),
    one("vif.get", "/vifs/{id}", "Returns a network card of a VM."),
    list("vif.list", "/vifs", "Lists network cards of VMs."),
];
