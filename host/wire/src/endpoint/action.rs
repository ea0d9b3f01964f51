//! Actions: what takes time and becomes a task.

use super::Given::Flag;
use super::{Endpoint, action};

pub(super) const LINES: &[Endpoint] = &[
    action("/hosts/{id}/actions/clean_reboot", "host.restart", "clean reboot host"),
    action("/hosts/{id}/actions/clean_shutdown", "host.stop", "clean shutdown host"),
    action("/hosts/{id}/actions/detach", "host.detach", "detach host"),
    action("/hosts/{id}/actions/disable", "host.takeOut", "disable host").takes(&[
        "evacuate",
        "vmIdsToForceMigrate",
        "force",
        "autoEnable",
    ]),
    action("/hosts/{id}/actions/emergency_shutdown", "host.emergencyShutdownHost", "emergency shutdown host")
        .named(&[("id", "host")]),
    action("/hosts/{id}/actions/enable", "host.enable", "enable host"),
    action("/hosts/{id}/actions/forget", "host.forget", "forget host"),
    action("/hosts/{id}/actions/management_reconfigure", "host.managementReconfigure", "reconfigure management")
        .takes(&["pif"]),
    action("/hosts/{id}/actions/restart_toolstack", "host.restartAgent", "restart toolstack"),
    action("/hosts/{id}/actions/scan_pifs", "host.scanPifs", "scan PIFs"),
    action("/hosts/{id}/actions/smart_reboot", "host.restart", "smart reboot host")
        .given(&[("suspendResidentVms", Flag(true))]),
    action("/hosts/{id}/actions/start", "host.start", "start host"),
    action("/pbds/{id}/actions/plug", "pbd.connect", "plug PBD"),
    action("/pbds/{id}/actions/unplug", "pbd.disconnect", "unplug PBD"),
    action("/pools/{id}/actions/add_host", "pool.addHost", "add host").takes(&["host", "force"]),
    action("/pools/{id}/actions/create_bonded_network", "network.createBonded", "create bonded network")
        .takes(&["name", "pifs", "bondMode", "description", "mtu"])
        .named(&[("id", "pool"), ("pifIds", "pifs")])
        .creates("networks"),
    action("/pools/{id}/actions/create_internal_network", "network.create", "create internal network")
        .takes(&["name", "description", "mtu", "nbd"])
        .named(&[("id", "pool")])
        .creates("networks"),
    action("/pools/{id}/actions/create_network", "network.create", "create network")
        .takes(&["name", "pif", "vlan", "description", "mtu", "nbd"])
        .named(&[("id", "pool")])
        .must(&["pif", "vlan"])
        .creates("networks"),
    action("/pools/{id}/actions/create_vm", "pool.createVm", "create VM")
        .takes(&[
            "name_label",
            "template",
            "name_description",
            "cpus",
            "memory",
            "boot",
            "clone",
            "autoPoweron",
            "affinity",
            "high_availability",
            "vdis",
            "vifs",
            "install",
            "cloud_config",
            "network_config",
            "destroy_cloud_config_vdi",
            "hvmBootFirmware",
            "secureBoot",
            "createVtpm",
            "copyHostBiosStrings",
            "gpuGroup",
            "vgpuType",
        ])
        .creates("vms"),
    action("/pools/{id}/actions/emergency_shutdown", "pool.emergencyShutdown", "emergency shutdown pool"),
    action("/pools/{id}/actions/management_reconfigure", "pool.managementReconfigure", "reconfigure management")
        .takes(&["network"]),
    action("/servers/{id}/actions/connect", "server.enable", "connect server"),
    action("/servers/{id}/actions/disconnect", "server.disable", "disconnect server"),
    action("/srs/{id}/actions/forget", "sr.forget", "forget SR"),
    action("/srs/{id}/actions/reclaim_space", "sr.reclaimSpace", "reclaim space of SR"),
    action("/srs/{id}/actions/scan", "sr.scan", "scan SR"),
    action("/tasks/{id}/actions/abort", "task.abort", "abort task"),
    action("/vbds/{id}/actions/connect", "vbd.connect", "connect VBD"),
    action("/vbds/{id}/actions/disconnect", "vbd.disconnect", "disconnect VBD"),
    action("/vdis/{id}/actions/migrate", "vdi.migrate", "migrate VDI")
        .takes(&["sr_id"])
        .named(&[("srId", "sr_id")])
        .creates("vdis"),
    action("/vifs/{id}/actions/connect", "vif.connect", "connect VIF"),
    action("/vifs/{id}/actions/disconnect", "vif.disconnect", "disconnect VIF"),
    action("/vms/{id}/actions/clean_reboot", "vm.restart", "clean reboot VM"),
    action("/vms/{id}/actions/clean_shutdown", "vm.stop", "clean shutdown VM"),
    action("/vms/{id}/actions/clone", "vm.cloneOrCopy", "clone VM")
        .takes(&["name_label", "fast", "srId", "compress"])
        .creates("vms"),
    action("/vms/{id}/actions/hard_reboot", "vm.restart", "hard reboot VM").given(&[("force", Flag(true))]),
    action("/vms/{id}/actions/hard_shutdown", "vm.stop", "hard shutdown VM").given(&[("force", Flag(true))]),
    action("/vms/{id}/actions/migrate", "vm.migrate", "migrate VM")
        .takes(&["targetHost", "sr", "mapVdisSrs", "mapVifsNetworks", "migrationNetwork"])
        .named(&[
            ("id", "vm"),
            ("hostId", "targetHost"),
            ("srId", "sr"),
            ("srIdByVdiId", "mapVdisSrs"),
            ("networkIdByVifId", "mapVifsNetworks"),
            ("migrationNetworkId", "migrationNetwork"),
        ]),
    action("/vms/{id}/actions/pause", "vm.pause", "pause VM"),
    action("/vms/{id}/actions/resume", "vm.resume", "resume VM"),
    action("/vms/{id}/actions/revert_snapshot", "vm.revertTo", "revert VM").takes(&["snapshotId", "snapshotBefore"]),
    action("/vms/{id}/actions/snapshot", "vm.snapshot", "snapshot VM")
        .takes(&["name"])
        .named(&[("name_label", "name")])
        .creates("vm-snapshots"),
    action("/vms/{id}/actions/start", "vm.start", "start VM").takes(&["host"]).named(&[("hostId", "host")]),
    action("/vms/{id}/actions/suspend", "vm.suspend", "suspend VM"),
    action("/vms/{id}/actions/unpause", "vm.unpause", "unpause VM"),
];
