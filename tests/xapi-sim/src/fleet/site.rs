//! What a pool consists of before anything runs: hosts with their control domains, networks, storage, drivers and roles.

use serde_json::{Value, json};

use super::{
    Making,
    hosts::{CPUS, FEATURES},
    pick,
};
use crate::clock;

/// References the VMs need.
pub struct Site {
    pub hosts: Vec<Host>,
    /// The networks VMs are on.
    pub networks: Vec<String>,
    /// Shared storage for disks.
    pub shared: Vec<String>,
}

pub struct Host {
    pub reference: String,
    pub address: String,
    pub local: String,
}

const GIB: i64 = 1 << 30;
const ROLES: [&str; 7] =
    ["pool-admin", "pool-operator", "vm-power-admin", "vm-admin", "vm-operator", "read-only", "client-cert"];
/// Storage drivers with what they can do.
const DRIVERS: [(&str, &[&str]); 4] = [
    (
        "ext",
        &[
            "SR_PROBE",
            "SR_UPDATE",
            "VDI_CREATE",
            "VDI_DELETE",
            "VDI_ATTACH",
            "VDI_DETACH",
            "VDI_RESIZE",
            "VDI_CLONE",
            "VDI_SNAPSHOT",
            "VDI_GENERATE_CONFIG",
            "VDI_MIRROR",
            "VDI_CONFIG_CBT",
        ],
    ),
    (
        "nfs",
        &[
            "SR_PROBE",
            "SR_UPDATE",
            "SR_CACHING",
            "VDI_CREATE",
            "VDI_DELETE",
            "VDI_ATTACH",
            "VDI_DETACH",
            "VDI_RESIZE",
            "VDI_CLONE",
            "VDI_SNAPSHOT",
            "VDI_GENERATE_CONFIG",
            "VDI_MIRROR",
            "VDI_CONFIG_CBT",
        ],
    ),
    (
        "lvmoiscsi",
        &[
            "SR_PROBE",
            "SR_UPDATE",
            "SR_TRIM",
            "VDI_CREATE",
            "VDI_DELETE",
            "VDI_ATTACH",
            "VDI_DETACH",
            "VDI_RESIZE",
            "VDI_CLONE",
            "VDI_SNAPSHOT",
            "VDI_GENERATE_CONFIG",
            "VDI_MIRROR",
            "VDI_CONFIG_CBT",
        ],
    ),
    ("iso", &["VDI_ATTACH", "VDI_DETACH", "VDI_CREATE", "VDI_DELETE"]),
];

impl Making {
    pub fn site(&mut self) -> Site {
        let pool = self.db.reference();
        let hosts = self.hosts();
        let networks = self.networks(&hosts);
        let shared = self.storage(&hosts);
        self.pool_record(&pool, &hosts, &shared);
        self.small_things();
        self.messages(&hosts);
        Site { hosts, networks, shared }
    }

    fn pool_record(&mut self, reference: &str, hosts: &[Host], shared: &[String]) {
        let restrictions: serde_json::Map<String, Value> = [
            "vswitch_controller",
            "lab",
            "stage",
            "storagelink",
            "web_selfservice",
            "vlan",
            "qos",
            "pooling",
            "wlb",
            "rbac",
            "dmc",
            "checkpoint",
            "cpu_masking",
            "connection",
            "vmpr",
            "intellicache",
            "gpu",
            "dr",
            "vif_locking",
            "storage_xen_motion",
            "vgpu",
            "ssl_legacy_switch",
            "live_patching",
            "igmp_snooping",
            "rpu",
            "pool_size",
            "cbt",
            "usb_passthrough",
            "network_sriov",
            "corosync",
            "zstd_export",
            "pool_secret_rotation",
            "certificate_verification",
            "updates",
        ]
        .into_iter()
        .map(|name| (format!("restrict_{name}"), json!("false")))
        .collect();
        let base = self.base("pool", json!({ "restrictions": restrictions }));
        let number = self.pool + 1;
        let storage = pick(shared, 0).to_owned();
        let cpus = (CPUS * hosts.len()).to_string();
        let cpu_info = json!({"cpu_count": cpus, "socket_count": hosts.len().to_string(), "vendor": "GenuineIntel",
            "features_hvm": FEATURES, "features_pv": FEATURES, "features_hvm_host": FEATURES, "features_pv_host": FEATURES});
        self.put_as(
            "pool",
            &base,
            reference,
            [
                ("name_label", json!(format!("Pool {number:02}"))),
                ("name_description", json!(format!("Site {number}, rack {}", number % 7))),
                ("master", json!(hosts[0].reference)),
                ("default_SR", json!(storage)),
                ("suspend_image_SR", json!(storage)),
                ("crash_dump_SR", json!(storage)),
                ("cpu_info", cpu_info),
                (
                    "other_config",
                    json!({"memory-ratio-hvm": "0.25", "memory-ratio-pv": "0.25", "auto_poweron": "true"}),
                ),
                ("ha_cluster_stack", json!("xhad")),
                ("policy_no_vendor_device", json!(false)),
                ("tls_verification_enabled", json!(true)),
                ("coordinator_bias", json!(true)),
            ],
        );
    }

    /// Two wires and two VLANs on the second; returns what VMs are on.
    fn networks(&mut self, hosts: &[Host]) -> Vec<String> {
        let base = self.base("network", json!({}));
        let mut make = |label: &str, bridge: &str, other: Value| {
            self.put(
                "network",
                &base,
                [("name_label", json!(label)), ("bridge", json!(bridge)), ("other_config", other)],
            )
        };
        let wires = [0, 1].map(|n| {
            make(
                &format!("Pool-wide network associated with eth{n}"),
                &format!("xenbr{n}"),
                json!({"automatic": "true"}),
            )
        });
        let tags = [101, 102];
        let vlans = tags.map(|tag| make(&format!("VLAN {tag}"), &format!("xapi{}", tag - 100), json!({})));
        let lone = make("Private", "xapi3", json!({}));
        make(
            "Host internal management network",
            "xenapi",
            json!({"is_guest_installer_network": "true", "is_host_internal_management_network": "true", "ip_begin": "169.254.0.1",
                "ip_end": "169.254.255.254", "netmask": "255.255.0.0"}),
        );

        let physical = self.base(
            "PIF",
            json!({
                "MTU": 1500, "VLAN": -1, "physical": true, "currently_attached": true, "IPv6": [], "managed": true,
                "capabilities": ["sriov"], "properties": {"gro": "on"}, "igmp_snooping_status": "unknown",
            }),
        );
        let tagged =
            self.base("PIF", json!({"MTU": 1500, "physical": false, "currently_attached": true, "properties": {}}));
        let metrics = self.base("PIF_metrics", json!({
            "carrier": true, "vendor_id": "8086", "vendor_name": "Intel Corporation", "device_id": "37d2",
            "device_name": "Ethernet Connection X722 for 10GBASE-T", "speed": 10000, "duplex": true, "last_updated": "19700101T00:00:00Z",
        }));
        let vlan = self.base("VLAN", json!({}));
        for (number, host) in hosts.iter().enumerate() {
            let mut trunk = (String::new(), Value::Null);
            for (n, network) in wires.iter().enumerate() {
                let bus = json!(format!("0000:1a:00.{n}"));
                let of = self.put("PIF_metrics", &metrics, [("pci_bus_path", bus)]);
                let mac = json!(format!("ac:1f:6b:{:02x}:{number:02x}:{n:02x}", self.pool % 256));
                let common = [
                    ("host", json!(host.reference)),
                    ("network", json!(network)),
                    ("device", json!(format!("eth{n}"))),
                    ("MAC", mac.clone()),
                    ("metrics", json!(of)),
                ];
                let pif = self.put("PIF", &physical, common);
                if n == 0 {
                    let with_address = [
                        ("management", json!(true)),
                        ("ip_configuration_mode", json!("Static")),
                        ("IP", json!(host.address)),
                        ("netmask", json!("255.255.0.0")),
                        ("gateway", json!(format!("10.{}.0.1", 20 + self.pool % 200))),
                        ("DNS", json!("10.0.0.53")),
                    ];
                    self.db.update("PIF", &pif, with_address);
                }
                trunk = (pif, mac);
            }
            for (network, tag) in vlans.iter().zip(tags) {
                let (of, link) = (self.put("PIF_metrics", &metrics, []), self.db.reference());
                let untagged = self.put(
                    "PIF",
                    &tagged,
                    [
                        ("host", json!(host.reference)),
                        ("network", json!(network)),
                        ("device", json!("eth1")),
                        ("VLAN", json!(tag)),
                        ("MAC", trunk.1.clone()),
                        ("metrics", json!(of)),
                        ("VLAN_master_of", json!(link)),
                    ],
                );
                self.put_as(
                    "VLAN",
                    &vlan,
                    &link,
                    [("tagged_PIF", json!(trunk.0)), ("untagged_PIF", json!(untagged)), ("tag", json!(tag))],
                );
            }
        }
        let [a, b] = vlans;
        vec![wires[1].clone(), a, b, lone]
    }

    /// Shared storage of three kinds, and ISO images; returns what disks go to.
    fn storage(&mut self, hosts: &[Host]) -> Vec<String> {
        let kinds = [
            (
                "iSCSI storage",
                "lvmoiscsi",
                "user",
                json!({"allocation": "thick", "use_vhd": "true", "multipathable": "true", "devserial": "scsi-36001405658e21dbd5445d4892db29bd4"}),
                json!({"target": "10.0.1.5", "targetIQN": "iqn.2004-04.com.example:storage", "SCSIid": "36001405658e21dbd5445d4892db29bd4", "port": "3260"}),
            ),
            (
                "NFS storage 1",
                "nfs",
                "user",
                json!({"nosubdir": "false"}),
                json!({"server": "10.0.1.6", "serverpath": "/export/xen1", "nfsversion": "3", "options": ""}),
            ),
            (
                "NFS storage 2",
                "nfs",
                "user",
                json!({"nosubdir": "false"}),
                json!({"server": "10.0.1.6", "serverpath": "/export/xen2", "nfsversion": "4", "options": ""}),
            ),
            (
                "ISO library",
                "iso",
                "iso",
                json!({"iso_type": "nfs_iso"}),
                json!({"location": "10.0.1.6:/export/iso", "type": "nfs_iso"}),
            ),
            (
                "Guest tools",
                "iso",
                "iso",
                json!({"xenserver_tools_sr": "true"}),
                json!({"location": "/opt/xensource/packages/iso", "legacy_mode": "true"}),
            ),
        ];
        let mut disks = Vec::new();
        for (number, (label, kind, content, config, device)) in kinds.into_iter().enumerate() {
            let tools = label == "Guest tools";
            let iso = content == "iso";
            let base = self.base("SR", json!({
                "name_label": label, "name_description": if iso { "" } else { "shared disks" }, "type": kind, "content_type": content,
                "shared": true, "sm_config": config, "is_tools_sr": tools, "physical_size": if iso { 500 * GIB } else { 40_000 * GIB },
                "other_config": if iso { json!({}) } else { json!({"auto-scan": "true"}) },
            }));
            let used = (if iso { 40 } else { 9_000 } + 701 * (number as i64)) * GIB;
            let sr =
                self.put("SR", &base, [("physical_utilisation", json!(used)), ("virtual_allocation", json!(used))]);
            let pbd = self.base("PBD", json!({"currently_attached": true, "device_config": device}));
            for host in hosts {
                self.put("PBD", &pbd, [("host", json!(host.reference)), ("SR", json!(sr))]);
            }
            if iso {
                let names: &[&str] = if tools {
                    &["guest-tools.iso"]
                } else {
                    &["debian-12.5.0-amd64-netinst.iso", "windows-server-2022.iso"]
                };
                let image = self.base(
                    "VDI",
                    json!({
                        "type": "user", "read_only": true, "managed": true, "sm_config": {}, "is_tools_iso": tools,
                    }),
                );
                for (n, name) in names.iter().enumerate() {
                    let size = 659_554_304 + 4_000_000_000 * n as i64;
                    self.put(
                        "VDI",
                        &image,
                        [
                            ("name_label", json!(name)),
                            ("location", json!(name)),
                            ("SR", json!(sr)),
                            ("virtual_size", json!(size)),
                            ("physical_utilisation", json!(size)),
                        ],
                    );
                }
            } else {
                disks.push(sr);
            }
        }
        disks
    }

    fn small_things(&mut self) {
        let role = self.base("role", json!({}));
        for name in ROLES {
            self.put(
                "role",
                &role,
                [("name_label", json!(name)), ("name_description", json!(format!("The role {name}")))],
            );
        }
        let user = self.base("user", json!({}));
        self.put("user", &user, [("short_name", json!("root")), ("fullname", json!("superuser"))]);
        let driver = self
            .base("SM", json!({"vendor": "XCP-ng", "copyright": "", "version": "3.0", "required_api_version": "1.0"}));
        for (kind, can) in DRIVERS {
            let features: serde_json::Map<String, Value> = can.iter().map(|f| ((*f).to_owned(), json!(1))).collect();
            self.put(
                "SM",
                &driver,
                [
                    ("type", json!(kind)),
                    ("name_label", json!(kind)),
                    ("capabilities", json!(can)),
                    ("features", json!(features)),
                    ("driver_filename", json!(format!("/opt/xensource/sm/{kind}SR"))),
                ],
            );
        }
    }

    fn messages(&mut self, hosts: &[Host]) {
        let base = self.base("message", json!({"name": "PBD_PLUG_FAILED_ON_SERVER_START", "priority": 3, "cls": "Host", "body": "A storage connection failed at start."}));
        for n in 0..self.fleet.messages {
            let host = self.db.text("host", &hosts[n % hosts.len()].reference, "uuid").to_owned();
            self.put(
                "message",
                &base,
                [("obj_uuid", json!(host)), ("timestamp", json!(format!("20260801T{:02}:00:00Z", n % 24)))],
            );
        }
        // Their dates are those of now: what a real host shows is never older than a day.
        let task = self.base(
            "task",
            json!({"status": "success", "progress": 1.0, "type": "<none/>", "result": "", "backtrace": "()"}),
        );
        for name in ["Async.SR.scan", "Async.VDI.copy"] {
            let now = json!(clock::now());
            self.put(
                "task",
                &task,
                [
                    ("name_label", json!(name)),
                    ("created", now.clone()),
                    ("finished", now),
                    ("resident_on", json!(hosts[0].reference)),
                ],
            );
        }
    }
}
