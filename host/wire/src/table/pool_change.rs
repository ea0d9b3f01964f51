//! What can be changed about pools and the cards of their hosts.

use super::*;

const PIF: &[Object] = &[object("id", &["PIF"], Level::Administrate)];

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    change("pif.connect", SignedIn, Params::Fields(ID), "Brings a network card of a host up.").on(PIF),
    change("pif.delete", SignedIn, Params::Fields(ID), "Removes a VLAN or a card that is gone.").on(PIF),
    change("pif.disconnect", SignedIn, Params::Fields(ID), "Takes a network card of a host down.").on(PIF),
    change(
        "pif.editPif",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::req("vlan", Or(&[Int, Str]))]),
        "Gives a VLAN another tag.",
    )
    .on(PIF),
    read("pif.getIpv4ConfigurationModes", SignedIn, Params::Any, "Lists the ways to get IPv4 addresses."),
    read("pif.getIpv6ConfigurationModes", SignedIn, Params::Any, "Lists the ways to get IPv6 addresses."),
    change(
        "pif.reconfigureIp",
        SignedIn,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("mode", Str),
            Param::opt("ip", Text),
            Param::opt("netmask", Text),
            Param::opt("gateway", Text),
            Param::opt("dns", Text),
            Param::opt("ipv6", Text),
            Param::opt("ipv6Mode", Str),
        ]),
        "Says how a network card of a host gets its addresses.",
    )
    .on(PIF),
    change("pool.disableHa", SignedIn, Params::Fields(&[Param::req("pool", Str)]), "Ends high availability.")
        .on(&[object("pool", &["pool"], Level::Administrate)]),
    change(
        "pool.enableHa",
        SignedIn,
        Params::Fields(&[
            Param::req("pool", Str),
            Param::req("heartbeatSrs", List(&Str)),
            Param::req("configuration", MapOf(&Any)),
        ]),
        "Has the pool restart VMs of hosts that fail.",
    )
    .on(&[object("pool", &["pool"], Level::Administrate), object("heartbeatSrs", &["SR"], Level::Administrate)]),
    read(
        "pool.getLicenseState",
        SignedIn,
        Params::Fields(&[Param::req("pool", Str)]),
        "Returns what a pool says of its licence.",
    )
    .on(&[object("pool", &["pool"], Level::Administrate)]),
    read(
        "pool.listPoolsMatchingCriteria",
        SignedIn,
        Params::Fields(&[
            Param::opt("minAvailableHostMemory", Num),
            Param::opt("minAvailableSrSize", Num),
            Param::opt("minHostCpus", Num),
            Param::opt("minHostVersion", Str),
            Param::opt("poolNameRegExp", Str),
            Param::opt("srNameRegExp", Str),
        ]),
        "Lists the pools that have a host and an SR that fit.",
    ),
    change(
        "pool.managementReconfigure",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::req("network", Str)]),
        "Moves the management of a pool to a network.",
    )
    .on(&[object("id", &["pool"], Level::Administrate), object("network", &["network"], Level::Administrate)]),
    change(
        "pool.set",
        SignedIn,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("auto_poweron", Bool),
            Param::opt("name_label", Str),
            Param::opt("name_description", Text),
            Param::opt("backupNetwork", Or(&[Str, Null])),
            Param::opt("migrationCompression", Bool),
            Param::opt("migrationNetwork", Or(&[Str, Null])),
            Param::opt("suspendSr", Or(&[Str, Null])),
            Param::opt("crashDumpSr", Or(&[Str, Null])),
        ]),
        "Changes a pool.",
    )
    .on(&[
        object("id", &["pool"], Level::Administrate),
        object("suspendSr", &["SR"], Level::Administrate),
        object("crashDumpSr", &["SR"], Level::Administrate),
        object("backupNetwork", &["network"], Level::View),
        object("migrationNetwork", &["network"], Level::View),
    ]),
    change(
        "pool.setDefaultSr",
        SignedIn,
        Params::Fields(&[Param::req("sr", Str)]),
        "Makes an SR the one where disks go when nobody says.",
    )
    .on(&[object("sr", &["SR"], Level::Administrate)]),
    change(
        "pool.setPoolMaster",
        SignedIn,
        Params::Fields(&[Param::req("host", Str)]),
        "Makes a host the master of its pool.",
    )
    .on(&[object("host", &["host"], Level::Administrate)]),
];
