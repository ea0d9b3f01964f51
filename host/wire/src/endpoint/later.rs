//! Routes that answer 501: content of disks and VMs, exports, imports, logs of hosts. They come with the data plane; this
//! list only gets shorter.

use crate::table::Verb;

/// A route that is documented and cannot be served yet.
#[derive(Clone, Copy, Debug)]
pub struct Later {
    /// HTTP method.
    pub verb: Verb,
    /// Path below the base.
    pub path: &'static str,
}

const fn later(verb: Verb, path: &'static str) -> Later {
    Later { verb, path }
}

/// Every such route.
pub const LATER: &[Later] = &[
    later(Verb::Get, "/hosts/{id}/audit.txt"),
    later(Verb::Get, "/hosts/{id}/logs.tgz"),
    later(Verb::Post, "/pools/{id}/vms"),
    later(Verb::Post, "/srs/{id}/vdis"),
    later(Verb::Get, "/vdi-snapshots/{id}.raw"),
    later(Verb::Get, "/vdi-snapshots/{id}.vhd"),
    later(Verb::Get, "/vdis/{id}.raw"),
    later(Verb::Put, "/vdis/{id}.raw"),
    later(Verb::Get, "/vdis/{id}.vhd"),
    later(Verb::Put, "/vdis/{id}.vhd"),
    later(Verb::Get, "/vm-snapshots/{id}.ova"),
    later(Verb::Get, "/vm-snapshots/{id}.xva"),
    later(Verb::Get, "/vm-templates/{id}.ova"),
    later(Verb::Get, "/vm-templates/{id}.xva"),
    later(Verb::Get, "/vms/{id}.ova"),
    later(Verb::Get, "/vms/{id}.xva"),
];
