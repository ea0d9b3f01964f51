//! VMs, snapshots, templates, control domains.

use super::*;

/// What can be changed about a VM.
const SET: &[Param] = &[
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
    Param::opt("cpuMask", List(&Int)),
    Param::opt("vga", Str),
    Param::opt("videoram", Int),
    Param::opt("coresPerSocket", Or(&[Str, Num, Null])),
    Param::opt("hasVendorDevice", Bool),
    Param::opt("expNestedHvm", Bool),
    Param::opt("nestedVirt", Bool),
    Param::opt("resourceSet", Or(&[Text, Null])),
    Param::opt("share", Bool),
    Param::opt("secureBoot", Bool),
    Param::opt("nicType", Or(&[Text, Null])),
    Param::opt("hvmBootFirmware", Or(&[Text, Null])),
    Param::opt("virtualizationMode", Str),
    Param::opt("viridian", Bool),
    Param::opt("blockedOperations", MapOf(&Or(&[Bool, Null, Text]))),
    Param::opt("creation", Record(&[Param::opt("user", Str)])),
    Param::opt("suspendSr", Or(&[Text, Null])),
    Param::opt("uefiMode", Word(&["setup", "user"])),
    Param::opt("xenStoreData", Or(&[MapOf(&Or(&[Text, Null])), Null])),
];

const RESTARTING: &[Param] = &with::<{ SET.len() + 1 }>(SET, Param::opt("force", Bool));

/// Returns the parameters and one more.
const fn with<const N: usize>(params: &[Param], more: Param) -> [Param; N] {
    let mut all = [more; N];
    let mut place = 0;
    while place < params.len() {
        all[place] = params[place];
        place += 1;
    }
    all
}

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
    change("vm.set", SignedIn, Params::Fields(SET), "Changes a VM.").on(VM_SET),
    change("vm.setAndRestart", SignedIn, Params::Fields(RESTARTING), "Stops a VM, changes it and starts it again.")
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
    .on(&[object("host", &["host"], Level::Operate), object("id", &["VM"], Level::Operate)]),
    read("vm.stats", SignedIn, STATS, "Returns the curves of a running VM.")
        .on(&[object("id", &["VM", "VM-controller", "VM-snapshot"], Level::View)])
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
