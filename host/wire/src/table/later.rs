//! What is answered "not implemented": it needs the data plane, which moves whole disks and VMs. The list only shrinks.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    read(
        "disk.exportContent",
        SignedIn,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("format", Word(&["vmdk", "vhd", "qcow2"])),
            Param::opt("preferNbd", Bool),
            Param::opt("nbdConcurrency", Num),
        ]),
        "Returns an address that gives a disk.",
    )
    .on(&[object("id", &["VDI", "VDI-snapshot"], Level::View)]),
    change(
        "disk.import",
        SignedIn,
        Params::Fields(&[
            Param::opt("description", Text),
            Param::req("name", Str),
            Param::req("sr", Str),
            Param::opt("url", Str),
            Param::req("type", Str),
            Param::opt("vmdkData", MapOf(&Any)),
        ]),
        "Returns an address that takes a disk.",
    )
    .on(&[object("sr", &["SR"], Level::Administrate)]),
    change(
        "disk.importContent",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::opt("format", Str)]),
        "Returns an address that takes the content of a disk.",
    )
    .on(&[object("id", &["VDI"], Level::Operate)]),
    read("host.getSystemStatus", SignedIn, Params::Fields(ID), "Returns an address that gives a report.")
        .on(&[object("id", &["host"], Level::Administrate)]),
    change(
        "host.installSupplementalPack",
        // It runs as root on the host, which no role on an object covers.
        Admin,
        Params::Fields(&[Param::req("host", Str)]),
        "Returns an address that takes a pack.",
    )
    .on(&[object("host", &["host"], Level::Administrate)]),
    read(
        "pool.getSystemStatuses",
        SignedIn,
        Params::Fields(ID),
        "Returns an address that gives the reports of all hosts.",
    )
    .on(&[object("id", &["pool"], Level::Administrate)]),
    change(
        "pool.installSupplementalPack",
        Admin,
        Params::Fields(&[Param::req("pool", Str)]),
        "Returns an address that takes a pack.",
    )
    .on(&[object("pool", &["pool"], Level::Administrate)]),
    read(
        "vm.export",
        SignedIn,
        Params::Fields(&[
            Param::req("vm", Str),
            Param::opt("compress", Or(&[Bool, Str])),
            Param::opt("format", Word(&["xva", "ova"])),
        ]),
        "Returns an address that gives a VM.",
    )
    .on(&[object("vm", &["VM", "VM-snapshot"], Level::Administrate)]),
    change(
        "vm.import",
        SignedIn,
        Params::Fields(&[
            Param::opt("data", MapOf(&Any)),
            Param::opt("type", Str),
            Param::req("sr", Str),
            Param::opt("url", Str),
        ]),
        "Returns an address that takes a VM.",
    )
    .on(&[object("sr", &["SR"], Level::Administrate)]),
];

/// Returns the names of the operations that nobody serves yet; rights and parameters are checked all the same.
pub fn later() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|operation| operation.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_only_shrinks() {
        // Who serves one of them takes it out here, too; nobody adds one.
        let known = [
            "disk.exportContent",
            "disk.import",
            "disk.importContent",
            "host.getSystemStatus",
            "host.installSupplementalPack",
            "pool.getSystemStatuses",
            "pool.installSupplementalPack",
            "vm.export",
            "vm.import",
        ];
        assert_eq!(later().collect::<Vec<_>>(), known);
    }
}
