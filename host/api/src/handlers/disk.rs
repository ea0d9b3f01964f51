//! Disks and their places in VMs.

use super::{Call, Handler, list, one};

handlers! {
    "vbd.get" => |call| one(&call, "VBD");
    "vbd.list" => |call| list(&call, "vbds");
    "vdi-snapshot.get" => |call| one(&call, "VDI-snapshot");
    "vdi-snapshot.list" => |call| list(&call, "vdi-snapshots");
    "vdi.get" => |call| one(&call, "VDI");
    "vdi.list" => |call| list(&call, "vdis");
}
