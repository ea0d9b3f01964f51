//! Actions: what takes time and becomes a task.

use super::Given::Flag;
use super::{Endpoint, action};

pub(super) const LINES: &[Endpoint] = &[
    action("/pools/{id}/actions/create_bonded_network", "network.createBonded", "create bonded network")
        .takes(&["name", "pifs", "bondMode", "description", "mtu"])
        .named(&[("id", "pool"), ("pifIds", "pifs")])
        .creates("networks"),
    action("/pools/{id}/actions/create_internal_network", "network.create", "create internal network")
        .takes(&["name", "description", "mtu", "nbd"])
        .named(&[("id", "pool")])
        .creates("networks"),
    action("/pools/{id}/actions/create_network", "network.create", "create network")
        .takes(&["name", "pif", "vlan", "description", "mtu", "nbd"])
        .named(&[("id", "pool")])
        .must(&["pif", "vlan"])
        .creates("networks"),
    action("/servers/{id}/actions/connect", "server.enable", "connect server"),
    action("/servers/{id}/actions/disconnect", "server.disable", "disconnect server"),
    action("/tasks/{id}/actions/abort", "task.abort", "abort task"),
    action("/vbds/{id}/actions/connect", "vbd.connect", "connect VBD"),
    action("/vbds/{id}/actions/disconnect", "vbd.disconnect", "disconnect VBD"),
    action("/vdis/{id}/actions/migrate", "vdi.migrate", "migrate VDI")
        .takes(&["sr_id"])
        .named(&[("srId", "sr_id")])
        .creates("vdis"),
    action("/vifs/{id}/actions/connect", "vif.connect", "connect VIF"),
    action("/vifs/{id}/actions/disconnect", "vif.disconnect", "disconnect VIF"),
    action("/vms/{id}/actions/clean_reboot", "vm.restart", "clean reboot VM"),
    action("/vms/{id}/actions/clean_shutdown", "vm.stop", "clean shutdown VM"),
    action("/vms/{id}/actions/hard_reboot", "vm.restart", "hard reboot VM").given(&[("force", Flag(true))]),
    action("/vms/{id}/actions/hard_shutdown", "vm.stop", "hard shutdown VM").given(&[("force", Flag(true))]),
    action("/vms/{id}/actions/pause", "vm.pause", "pause VM"),
    action("/vms/{id}/actions/resume", "vm.resume", "resume VM"),
    action("/vms/{id}/actions/start", "vm.start", "start VM").takes(&["host"]).named(&[("hostId", "host")]),
    action("/vms/{id}/actions/suspend", "vm.suspend", "suspend VM"),
    action("/vms/{id}/actions/unpause", "vm.unpause", "unpause VM"),
];
