//! VMs, snapshots, templates, control domains.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    one("vm-controller.get", "/vm-controllers/{id}", "Returns a control domain."),
    list("vm-controller.list", "/vm-controllers", "Lists control domains."),
    one("vm-snapshot.get", "/vm-snapshots/{id}", "Returns a snapshot of a VM."),
    list("vm-snapshot.list", "/vm-snapshots", "Lists snapshots of VMs."),
    one("vm-template.get", "/vm-templates/{id}", "Returns a template."),
    list("vm-template.list", "/vm-templates", "Lists templates."),
    one("vm.get", "/vms/{id}", "Returns a VM."),
    list("vm.list", "/vms", "Lists VMs."),
    change("vm.pause", SignedIn, Params::Fields(ID), "Stops a running VM in memory.").on(VM_OPERATE),
    change(
        "vm.restart",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::opt("force", Bool), Param::opt("bypassBlockedOperation", Bool)]),
        "Reboots a VM: cleanly, or hard with `force`.",
    )
    .on(VM_OPERATE),
    change("vm.resume", SignedIn, Params::Fields(ID), "Brings a suspended VM back.").on(VM_OPERATE),
    change(
        "vm.set",
        SignedIn,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("name_label", Str),
            Param::opt("name_description", Text),
            Param::opt("notes", Or(&[Text, Null])),
            Param::opt("auto_poweron", Bool),
            Param::opt("high_availability", Word(&["best-effort", "restart", ""])),
            Param::opt("CPUs", Int),
            Param::opt("cpusMax", SIZE),
            Param::opt("memory", SIZE),
            Param::opt("memoryMin", SIZE),
            Param::opt("memoryMax", SIZE),
            Param::opt("memoryStaticMax", SIZE),
            Param::opt("PV_args", Text),
            Param::opt("affinityHost", Or(&[Text, Null])),
            Param::opt("cpuWeight", Or(&[Int, Null])),
            Param::opt("cpuCap", Or(&[Int, Null])),
            Param::opt("startDelay", Int),
            Param::opt("tags", List(&Str)),
        ]),
        "Changes a VM.",
    )
    .on(VM_SET),
    change(
        "vm.start",
        SignedIn,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("force", Bool),
            Param::opt("host", Str),
            Param::opt("bypassMacAddressesCheck", Bool),
        ]),
        "Starts a VM; `force` starts one whose start is blocked.",
    )
    .on(&[
        Object { param: "host", kinds: &["host"], level: Level::Operate },
        Object { param: "id", kinds: &["VM"], level: Level::Operate },
    ]),
    read("vm.stats", SignedIn, STATS, "Returns the curves of a running VM.")
        .on(&[Object { param: "id", kinds: &["VM", "VM-controller", "VM-snapshot"], level: Level::View }])
        .rest(Verb::Get, "/vms/{id}/stats"),
    change(
        "vm.stop",
        SignedIn,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("force", Bool),
            Param::opt("forceShutdownDelay", Num),
            Param::opt("bypassBlockedOperation", Bool),
        ]),
        "Shuts a VM down: cleanly, or hard with `force`.",
    )
    .on(VM_OPERATE),
    change("vm.suspend", SignedIn, Params::Fields(ID), "Saves a running VM to disk.").on(VM_OPERATE),
    change("vm.unpause", SignedIn, Params::Fields(ID), "Lets a paused VM go on.").on(VM_OPERATE),
];
