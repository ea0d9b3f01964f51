//! Actions: what takes time and becomes a task.

use super::Given::Flag;
use super::{Endpoint, action};

pub(super) const LINES: &[Endpoint] = &[
    action("/servers/{id}/actions/connect", "server.enable", "connect server"),
    action("/servers/{id}/actions/disconnect", "server.disable", "disconnect server"),
    action("/tasks/{id}/actions/abort", "task.abort", "abort task"),
    action("/vms/{id}/actions/clean_reboot", "vm.restart", "clean reboot VM"),
    action("/vms/{id}/actions/clean_shutdown", "vm.stop", "clean shutdown VM"),
    action("/vms/{id}/actions/hard_reboot", "vm.restart", "hard reboot VM").given(&[("force", Flag(true))]),
    action("/vms/{id}/actions/hard_shutdown", "vm.stop", "hard shutdown VM").given(&[("force", Flag(true))]),
    action("/vms/{id}/actions/start", "vm.start", "start VM").takes(&["host"]).named(&[("hostId", "host")]),
];
