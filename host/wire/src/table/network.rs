//! Networks and network cards.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    one("network.get", "/networks/{id}", "Returns a network."),
    list("network.list", "/networks", "Lists networks."),
    one("pif.get", "/pifs/{id}", "Returns a network card of a host."),
    list("pif.list", "/pifs", "Lists network cards of hosts."),
    one("vif.get", "/vifs/{id}", "Returns a network card of a VM."),
    list("vif.list", "/vifs", "Lists network cards of VMs."),
];
