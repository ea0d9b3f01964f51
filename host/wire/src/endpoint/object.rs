//! What belongs to an object: its alarms, messages, tasks, disks.

use super::Given::Text;
use super::{Endpoint, get};

macro_rules! of_objects {
    ($($collection:literal: $kind:literal,)*) => {
        &[$(
            get(concat!("/", $collection, "/{id}/alarms"), "object.alarms").given(&[("kind", Text($kind))]),
            get(concat!("/", $collection, "/{id}/messages"), "object.messages").given(&[("kind", Text($kind))]),
            get(concat!("/", $collection, "/{id}/tasks"), "object.tasks").given(&[("kind", Text($kind))]),
        )*
            get("/vm-controllers/{id}/vdis", "object.vdis").given(&[("kind", Text("VM-controller"))]),
            get("/vm-snapshots/{id}/vdis", "object.vdis").given(&[("kind", Text("VM-snapshot"))]),
            get("/vm-templates/{id}/vdis", "object.vdis").given(&[("kind", Text("VM-template"))]),
            get("/vms/{id}/vdis", "object.vdis").given(&[("kind", Text("VM"))]),
        ]
    };
}

pub(super) const LINES: &[Endpoint] = of_objects! {
    "hosts": "host",
    "networks": "network",
    "pifs": "PIF",
    "pools": "pool",
    "srs": "SR",
    "vbds": "VBD",
    "vdi-snapshots": "VDI-snapshot",
    "vdis": "VDI",
    "vifs": "VIF",
    "vm-controllers": "VM-controller",
    "vm-snapshots": "VM-snapshot",
    "vm-templates": "VM-template",
    "vms": "VM",
};
