//! What is made, changed and deleted at once: objects of pools, their tags.

use super::{Endpoint, create, delete, patch, put};

macro_rules! tags {
    ($($collection:literal,)*) => {
        &[$(
            put(concat!("/", $collection, "/{id}/tags/{tag}"), "tag.add"),
            delete(concat!("/", $collection, "/{id}/tags/{tag}"), "tag.remove"),
        )*]
    };
}

pub(super) const TAGS: &[Endpoint] = tags! {
    "hosts",
    "networks",
    "pools",
    "srs",
    "vdi-snapshots",
    "vdis",
    "vm-controllers",
    "vm-snapshots",
    "vm-templates",
    "vms",
};

pub(super) const LINES: &[Endpoint] = &[
    delete("/networks/{id}", "network.delete"),
    delete("/srs/{id}", "sr.destroy"),
    delete("/vbds/{id}", "vbd.delete"),
    delete("/vdi-snapshots/{id}", "vdi.delete"),
    create("/srs", "sr.create", "srs"),
    create("/vbds", "vbd.create", "vbds"),
    create("/vdis", "vdi.create", "vdis"),
    patch("/vdis/{id}", "vdi.set").takes(&["name_label", "name_description", "size"]),
    delete("/vdis/{id}", "vdi.delete"),
    create("/vifs", "vif.create", "vifs"),
    patch("/vifs/{id}", "vif.set").takes(&[
        "allowedIpv4Addresses",
        "allowedIpv6Addresses",
        "lockingMode",
        "rateLimit",
        "txChecksumming",
    ]),
    delete("/vifs/{id}", "vif.delete"),
    delete("/vm-snapshots/{id}", "vm.delete"),
    delete("/vm-templates/{id}", "vm.delete"),
    delete("/vms/{id}", "vm.delete"),
    put("/vms/{id}/stats/data_source/{data_source}", "vm.addDataSource").named(&[("data_source", "dataSource")]),
    delete("/vms/{id}/stats/data_source/{data_source}", "vm.removeDataSource").named(&[("data_source", "dataSource")]),
    patch("/vms/{id}", "vm.set")
        .takes(&[
            "name_label",
            "name_description",
            "notes",
            "auto_poweron",
            "high_availability",
            "CPUs",
            "cpusMax",
            "memory",
            "memoryMin",
            "memoryMax",
            "memoryStaticMax",
            "PV_args",
            "affinityHost",
            "cpuWeight",
            "cpuCap",
            "startDelay",
            "tags",
            "blockedOperations",
            "coresPerSocket",
            "cpuMask",
            "creation",
            "expNestedHvm",
            "hasVendorDevice",
            "hvmBootFirmware",
            "nestedVirt",
            "nicType",
            "resourceSet",
            "secureBoot",
            "share",
            "suspendSr",
            "uefiMode",
            "vga",
            "videoram",
            "viridian",
            "virtualizationMode",
            "xenStoreData",
        ])
        .named(&[
            ("nameLabel", "name_label"),
            ("nameDescription", "name_description"),
            ("autoPoweron", "auto_poweron"),
            ("highAvailability", "high_availability"),
            ("cpus", "CPUs"),
            ("cpusStaticMax", "cpusMax"),
        ]),
];
