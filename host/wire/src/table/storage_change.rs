//! Making, finding, connecting and leaving storage repositories.

use super::*;

const HOST: &[Object] = &[object("host", &["host"], Level::Administrate)];
const PBD: &[Object] = &[object("id", &["PBD"], Level::Administrate)];
const SR: &[Object] = &[object("id", &["SR"], Level::Administrate)];
const SR_OPERATE: &[Object] = &[object("id", &["SR"], Level::Operate)];
const FORMAT: Param = Param::opt("preferredImageFormat", Word(&["vhd", "qcow2", "vhd, qcow2", "qcow2, vhd"]));

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    change("pbd.connect", SignedIn, Params::Fields(ID), "Connects a host to an SR.").on(PBD),
    change("pbd.delete", SignedIn, Params::Fields(ID), "Removes a connection of a host to an SR.").on(PBD),
    change("pbd.disconnect", SignedIn, Params::Fields(ID), "Disconnects a host from an SR.").on(PBD),
    read(
        "sm.getFromSr",
        SignedIn,
        Params::Fields(&[Param::req("sr", Str)]),
        "Returns the record of the driver of an SR.",
    )
    .on(&[object("sr", &["SR"], Level::View)]),
    change("sr.connectAllPbds", SignedIn, Params::Fields(ID), "Connects every host to an SR.").on(SR),
    change(
        "sr.createExt",
        SignedIn,
        Params::Fields(&[
            Param::req("host", Str),
            Param::req("nameLabel", Str),
            Param::req("nameDescription", Text),
            Param::req("device", Str),
            FORMAT,
        ]),
        "Makes an SR on a local disk.",
    )
    .on(HOST),
    change(
        "sr.createHba",
        SignedIn,
        Params::Fields(&[
            Param::req("host", Str),
            Param::req("nameLabel", Str),
            Param::req("nameDescription", Text),
            Param::req("scsiId", Str),
            Param::opt("srUuid", Text),
            FORMAT,
        ]),
        "Makes an SR behind a host bus adapter.",
    )
    .on(HOST),
    change(
        "sr.createIscsi",
        SignedIn,
        Params::Fields(&[
            Param::req("host", Str),
            Param::req("nameLabel", Str),
            Param::req("nameDescription", Text),
            Param::req("target", Str),
            Param::opt("port", Int),
            Param::req("targetIqn", Str),
            Param::req("scsiId", Str),
            Param::opt("chapUser", Text),
            Param::opt("chapPassword", Text),
            Param::opt("srUuid", Text),
            FORMAT,
        ]),
        "Makes an SR on iSCSI.",
    )
    .on(HOST),
    change(
        "sr.createIso",
        SignedIn,
        Params::Fields(&[
            Param::req("host", Str),
            Param::req("nameLabel", Str),
            Param::req("nameDescription", Text),
            Param::req("path", Str),
            Param::req("type", Str),
            Param::opt("user", Text),
            Param::opt("password", Text),
            Param::opt("nfsVersion", Text),
            Param::opt("nfsOptions", Text),
            Param::opt("srUuid", Text),
        ]),
        "Makes an SR of discs.",
    )
    .on(HOST),
    change(
        "sr.createLvm",
        SignedIn,
        Params::Fields(&[
            Param::req("host", Str),
            Param::req("nameLabel", Str),
            Param::req("nameDescription", Text),
            Param::req("device", Str),
            FORMAT,
        ]),
        "Makes an SR of logical volumes on a local disk.",
    )
    .on(HOST),
    change(
        "sr.createNfs",
        SignedIn,
        Params::Fields(&[
            Param::req("host", Str),
            Param::req("nameLabel", Str),
            Param::req("nameDescription", Text),
            Param::req("server", Str),
            Param::req("serverPath", Str),
            Param::opt("nfsVersion", Text),
            Param::opt("nfsOptions", Text),
            Param::opt("srUuid", Text),
            FORMAT,
        ]),
        "Makes an SR on an NFS export.",
    )
    .on(HOST),
    change(
        "sr.createSmb",
        SignedIn,
        Params::Fields(&[
            Param::req("host", Str),
            Param::req("nameLabel", Str),
            Param::opt("nameDescription", Text),
            Param::req("server", Str),
            Param::opt("srUuid", Text),
            Param::opt("user", Text),
            Param::opt("password", Text),
            FORMAT,
        ]),
        "Makes an SR on an SMB share.",
    )
    .on(HOST),
    change(
        "sr.createZfs",
        SignedIn,
        Params::Fields(&[
            Param::req("host", Str),
            Param::req("nameLabel", Str),
            Param::req("nameDescription", Text),
            Param::req("location", Str),
            FORMAT,
        ]),
        "Makes an SR on a ZFS data set.",
    )
    .on(HOST),
    change("sr.destroy", SignedIn, Params::Fields(ID), "Destroys an SR and what is on it.").on(SR),
    change("sr.disableMaintenanceMode", Admin, Params::Fields(ID), "Takes an SR back into service.").on(SR_OPERATE),
    change(
        "sr.enableMaintenanceMode",
        Admin,
        Params::Fields(&[Param::req("id", Str), Param::opt("vmsToShutdown", List(&Str))]),
        "Takes an SR out of service; the VMs that use it are named and shut down.",
    )
    .on(SR_OPERATE),
    read(
        "sr.getAllUnhealthyVdiChainsLength",
        Admin,
        Params::Any,
        "Tells for each SR which disks stand on images that should be one with them, and on how many.",
    ),
    read("sr.getVdiChainsInfo", SignedIn, Params::Fields(ID), "Tells on how many images each disk of an SR stands.")
        .on(SR_OPERATE),
    change("sr.disconnectAllPbds", SignedIn, Params::Fields(ID), "Disconnects every host from an SR.").on(SR),
    change("sr.forget", SignedIn, Params::Fields(ID), "Leaves an SR; what is on it stays there.").on(SR),
    read(
        "sr.probeHba",
        SignedIn,
        Params::Fields(&[Param::req("host", Str)]),
        "Lists the disks behind host bus adapters.",
    )
    .on(HOST),
    read(
        "sr.probeHbaExists",
        SignedIn,
        Params::Fields(&[Param::req("host", Str), Param::req("scsiId", Str)]),
        "Lists the SRs that are there.",
    )
    .on(HOST),
    read(
        "sr.probeIscsiExists",
        SignedIn,
        Params::Fields(&[
            Param::req("host", Str),
            Param::req("target", Str),
            Param::opt("port", Int),
            Param::req("targetIqn", Str),
            Param::req("scsiId", Str),
            Param::opt("chapUser", Text),
            Param::opt("chapPassword", Text),
        ]),
        "Lists the SRs that are there.",
    )
    .on(HOST),
    read(
        "sr.probeIscsiIqns",
        SignedIn,
        Params::Fields(&[
            Param::req("host", Str),
            Param::req("target", Str),
            Param::opt("port", Int),
            Param::opt("chapUser", Text),
            Param::opt("chapPassword", Text),
        ]),
        "Lists the names of an iSCSI target.",
    )
    .on(HOST),
    read(
        "sr.probeIscsiLuns",
        SignedIn,
        Params::Fields(&[
            Param::req("host", Str),
            Param::req("target", Str),
            Param::opt("port", Int),
            Param::req("targetIqn", Str),
            Param::opt("chapUser", Text),
            Param::opt("chapPassword", Text),
        ]),
        "Lists the units of an iSCSI target.",
    )
    .on(HOST),
    read(
        "sr.probeNfs",
        SignedIn,
        Params::Fields(&[Param::req("host", Str), Param::opt("nfsVersion", Text), Param::req("server", Str)]),
        "Lists the exports of an NFS server.",
    )
    .on(HOST),
    read(
        "sr.probeNfsExists",
        SignedIn,
        Params::Fields(&[
            Param::req("host", Str),
            Param::opt("nfsVersion", Text),
            Param::req("server", Str),
            Param::req("serverPath", Str),
        ]),
        "Lists the SRs that are there.",
    )
    .on(HOST),
    read("sr.probeZfs", SignedIn, Params::Fields(&[Param::req("host", Str)]), "Lists the ZFS pools of a host.")
        .on(HOST),
    change(
        "sr.reclaimSpace",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::opt("bypassBackupCheck", Bool)]),
        "Gives the space of what was deleted back.",
    )
    .on(SR_OPERATE),
    change("sr.scan", SignedIn, Params::Fields(ID), "Reads anew what is on an SR.").on(SR_OPERATE),
    change(
        "sr.set",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::opt("name_label", Str), Param::opt("name_description", Text)]),
        "Changes an SR.",
    )
    .on(SR_OPERATE),
];
