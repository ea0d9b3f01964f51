//! Hosts as machines: in and out of service, restarted, set up.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    change(
        "host.disable",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::opt("transient", Bool)]),
        "Lets no VM start on a host any more.",
    )
    .on(&[object("id", &["host"], Level::Administrate)]),
    change(
        "host.emergencyShutdownHost",
        SignedIn,
        Params::Fields(&[Param::req("host", Str)]),
        "Suspends the VMs of a host and shuts it down.",
    )
    .on(&[object("host", &["host"], Level::Administrate)]),
    change("host.enable", SignedIn, Params::Fields(ID), "Lets VMs start on a host again.").on(&[object(
        "id",
        &["host"],
        Level::Administrate,
    )]),
    change("host.forget", SignedIn, Params::Fields(ID), "Removes the record of a host that is gone for good.")
        .on(&[object("id", &["host"], Level::Administrate)]),
    read("host.getBiosInfo", SignedIn, Params::Fields(ID), "Returns what a host says of its firmware.").on(&[object(
        "id",
        &["host"],
        Level::Administrate,
    )]),
    read("host.getBlockdevices", SignedIn, Params::Fields(ID), "Returns the block devices of a host.").on(&[object(
        "id",
        &["host"],
        Level::Administrate,
    )]),
    read("host.getMdadmHealth", SignedIn, Params::Fields(ID), "Returns the state of the software RAID of a host.")
        .on(&[object("id", &["host"], Level::View)]),
    read(
        "host.getSchedulerGranularity",
        SignedIn,
        Params::Fields(ID),
        "Returns which processors a host shares out together.",
    )
    .on(&[object("id", &["host"], Level::View)]),
    read("host.getSmartctlHealth", SignedIn, Params::Fields(ID), "Returns how well the disks of a host are.")
        .on(&[object("id", &["host"], Level::View)]),
    read(
        "host.getSmartctlInformation",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::opt("deviceNames", List(&Str))]),
        "Returns what the disks of a host say of themselves.",
    )
    .on(&[object("id", &["host"], Level::View)]),
    change(
        "host.installCertificate",
        SignedIn,
        Params::Fields(&[
            Param::req("id", Str),
            Param::req("certificate", Str),
            Param::opt("chain", Text),
            Param::req("privateKey", Str),
        ]),
        "Gives a host another certificate.",
    )
    .on(&[object("id", &["host"], Level::Administrate)]),
    read(
        "host.isHostServerTimeConsistent",
        SignedIn,
        Params::Fields(&[Param::req("host", Str)]),
        "Tells whether the clock of a host agrees with ours.",
    )
    .on(&[object("host", &["host"], Level::View)]),
    read(
        "host.isHyperThreadingEnabled",
        SignedIn,
        Params::Fields(ID),
        "Tells whether the processors of a host run two threads each.",
    )
    .on(&[object("id", &["host"], Level::Administrate)]),
    change(
        "host.managementReconfigure",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::req("pif", Str)]),
        "Moves the management of a host to another card.",
    )
    .on(&[object("id", &["host"], Level::Administrate), object("pif", &["PIF"], Level::Administrate)]),
    change(
        "host.restart",
        SignedIn,
        Params::Fields(&[
            Param::opt("bypassBackupCheck", Bool),
            Param::opt("bypassBlockedSuspend", Bool),
            Param::opt("bypassCurrentVmCheck", Bool),
            Param::req("id", Str),
            Param::opt("force", Bool),
            Param::opt("suspendResidentVms", Bool),
            Param::opt("bypassVersionCheck", Bool),
        ]),
        "Restarts a host; its VMs are moved away before.",
    )
    .on(&[object("id", &["host"], Level::Operate)]),
    change(
        "host.restartAgent",
        SignedIn,
        Params::Fields(&[Param::opt("bypassBackupCheck", Bool), Param::req("id", Str)]),
        "Restarts the toolstack of a host.",
    )
    .on(&[object("id", &["host"], Level::Administrate)]),
    change(
        "host.restart_agent",
        SignedIn,
        Params::Fields(&[Param::opt("bypassBackupCheck", Bool), Param::req("id", Str)]),
        "Restarts the toolstack of a host.",
    )
    .on(&[object("id", &["host"], Level::Administrate)]),
    read(
        "host.isPubKeyTooShort",
        SignedIn,
        Params::Fields(ID),
        "Tells whether the key of a host is too short for today's clients.",
    )
    .on(&[object("id", &["host"], Level::View)]),
    change(
        "host.setControlDomainMemory",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::req("memory", Count)]),
        "Gives the control domain of a host, which is out of service, other memory in bytes, and restarts the host.",
    )
    .on(&[object("id", &["host"], Level::Administrate)]),
    change("host.scanPifs", SignedIn, Params::Fields(ID), "Looks for network cards.").on(&[object(
        "id",
        &["host"],
        Level::Administrate,
    )]),
    change(
        "host.set",
        SignedIn,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("iscsiIqn", Str),
            Param::opt("name_label", Str),
            Param::opt("name_description", Text),
            Param::opt("multipathing", Bool),
        ]),
        "Changes a host.",
    )
    .on(&[object("id", &["host"], Level::Administrate)]),
    change(
        "host.setMaintenanceMode",
        SignedIn,
        Params::Fields(&[
            Param::req("id", Str),
            Param::req("maintenance", Bool),
            Param::opt("vmsToForceMigrate", List(&Str)),
        ]),
        "Takes a host out of service, or back into it.",
    )
    .on(&[object("id", &["host"], Level::Administrate)]),
    change(
        "host.setRemoteSyslogHost",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::req("syslogDestination", Or(&[Str, Null]))]),
        "Says where a host sends its log; null keeps it at home.",
    )
    .on(&[object("id", &["host"], Level::Administrate)]),
    change(
        "host.setSchedulerGranularity",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::req("schedulerGranularity", Word(&["cpu", "core", "socket"]))]),
        "Says which processors a host shares out together.",
    )
    .on(&[object("id", &["host"], Level::Operate)]),
    change("host.start", SignedIn, Params::Fields(ID), "Switches a host on.").on(&[object(
        "id",
        &["host"],
        Level::Operate,
    )]),
    change(
        "host.stop",
        SignedIn,
        Params::Fields(&[
            Param::opt("bypassBackupCheck", Bool),
            Param::req("id", Str),
            Param::opt("bypassEvacuate", Bool),
        ]),
        "Shuts a host down; its VMs are moved away before.",
    )
    .on(&[object("id", &["host"], Level::Operate)]),
    read(
        "pci.getDom0AccessStatus",
        SignedIn,
        Params::Fields(ID),
        "Tells whether a PCI device is hidden from the control domain.",
    )
    .on(&[object("id", &["PCI"], Level::View)]),
    change("pusb.scan", SignedIn, Params::Fields(&[Param::req("host", Str)]), "Looks for USB devices.").on(&[object(
        "host",
        &["host"],
        Level::Operate,
    )]),
    change(
        "pusb.set",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::opt("enabled", Bool)]),
        "Says whether a USB device may be handed to a VM.",
    )
    .on(&[object("id", &["PUSB"], Level::Administrate)]),
    change(
        "vusb.create",
        SignedIn,
        Params::Fields(&[Param::req("vm", Str), Param::req("usbGroup", Str)]),
        "Gives a VM the USB devices of a group.",
    )
    .on(&[object("vm", &["VM"], Level::Administrate), object("usbGroup", &["USB_group"], Level::Administrate)]),
    change("vusb.destroy", SignedIn, Params::Fields(ID), "Takes a USB device away from a VM.").on(&[object(
        "id",
        &["VUSB"],
        Level::Administrate,
    )]),
    change("vusb.unplug", SignedIn, Params::Fields(ID), "Unplugs a USB device from a running VM.").on(&[object(
        "id",
        &["VUSB"],
        Level::Administrate,
    )]),
];
