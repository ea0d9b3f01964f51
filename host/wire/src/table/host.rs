//! Hosts and their devices.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    one("host.get", "/hosts/{id}", "Returns a host."),
    list("host.list", "/hosts", "Lists hosts."),
    read(
        "host.stats",
        SignedIn,
        Params::Fields(&[Param::req("host", Str), GRANULARITY]),
        "Returns the curves of a host.",
    )
    .on(&[object("host", &["host"], Level::View)])
    .rest(Verb::Get, "/hosts/{host}/stats"),
    one("pci.get", "/pcis/{id}", "Returns a PCI device."),
    list("pci.list", "/pcis", "Lists PCI devices."),
    one("pgpu.get", "/pgpus/{id}", "Returns a graphics card."),
    list("pgpu.list", "/pgpus", "Lists graphics cards."),
];
