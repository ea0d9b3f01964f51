//! What runs on a pool: VMs with disks, interfaces and metrics, their snapshots, and the templates they came from.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Making,
    hosts::FEATURES,
    pick,
    site::{Host, Site},
};
use crate::{
    model::{NEVER, NULL},
    record::Base,
};

const GIB: i64 = 1 << 30;

/// An operating system as its guest tools describe it, and the name of its disks' devices.
struct System {
    short: &'static str,
    cpus: i64,
    memory: i64,
    describe: fn() -> (Value, Value),
}

const SYSTEMS: [System; 4] = [
    System {
        short: "web",
        cpus: 2,
        memory: 4 * GIB,
        describe: || linux("Debian GNU/Linux 12 (bookworm)", "6.1.0-18-amd64", "debian", "12", "5"),
    },
    System {
        short: "db",
        cpus: 4,
        memory: 8 * GIB,
        describe: || linux("AlmaLinux 9.4 (Seafoam Ocelot)", "5.14.0-427.el9.x86_64", "almalinux", "9", "4"),
    },
    System {
        short: "app",
        cpus: 2,
        memory: 2 * GIB,
        describe: || linux("Ubuntu 22.04.4 LTS", "5.15.0-105-generic", "ubuntu", "22", "04"),
    },
    System {
        short: "win",
        cpus: 4,
        memory: 8 * GIB,
        describe: || {
            (
                json!({"name": "Microsoft Windows Server 2022 Standard|C:\\Windows|\\Device\\Harddisk0\\Partition2", "distro": "windows",
                    "major": "10", "minor": "0", "spmajor": "0", "spminor": "0"}),
                json!({"major": "9", "minor": "3", "micro": "1", "build": "27", "xenbus": "XenServer 9.1.9.105 ", "xenvbd": "XenServer 9.1.8.79 ",
                    "xenvif": "XenServer 9.1.12.101 ", "xennet": "XenServer 9.1.5.49 ", "xeniface": "XenServer 9.1.10.87 "}),
            )
        },
    },
];

fn linux(name: &str, kernel: &str, distro: &str, major: &str, minor: &str) -> (Value, Value) {
    (
        json!({"name": name, "uname": kernel, "distro": distro, "major": major, "minor": minor}),
        json!({"major": "7", "minor": "30", "micro": "0", "build": "12"}),
    )
}

/// What a VM is doing.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Tools,
    NoTools,
    Paused,
    Halted,
    Suspended,
}

/// Three in four run; one of twenty has no tools.
const MIX: [State; 20] = {
    let mut mix = [State::Tools; 20];
    mix[4] = State::Halted;
    mix[7] = State::Halted;
    mix[9] = State::NoTools;
    mix[12] = State::Halted;
    mix[15] = State::Paused;
    mix[18] = State::Suspended;
    mix
};

impl State {
    fn power(self) -> &'static str {
        match self {
            Self::Tools | Self::NoTools => "Running",
            Self::Paused => "Paused",
            Self::Halted => "Halted",
            Self::Suspended => "Suspended",
        }
    }

    fn resident(self) -> bool {
        !matches!(self, Self::Halted | Self::Suspended)
    }
}

/// Everything a VM's parts have in common, by what they belong to.
struct Bases {
    /// By system, then by state.
    vms: Vec<Vec<(State, Arc<Base>)>>,
    metrics: Vec<Arc<Base>>,
    guests: Vec<Arc<Base>>,
    /// Attached, detached.
    vbds: [Arc<Base>; 2],
    vifs: [Arc<Base>; 2],
    vdi: Arc<Base>,
    console: Arc<Base>,
}

const RESTRICTIONS: &str = "<restrictions><restriction field=\"memory-static-max\" max=\"137438953472\"/><restriction field=\"vcpus-max\" max=\"32\"/>\
    <restriction property=\"number-of-vbds\" max=\"255\"/><restriction property=\"number-of-vifs\" max=\"7\"/></restrictions>";

fn vm_fields(system: &System, power: &str) -> Value {
    json!({
        "power_state": power, "is_a_template": false, "memory_overhead": 20_971_520, "memory_target": system.memory,
        "memory_static_max": system.memory, "memory_dynamic_max": system.memory, "memory_dynamic_min": system.memory,
        "memory_static_min": GIB / 2, "VCPUs_max": system.cpus, "VCPUs_at_startup": system.cpus, "VCPUs_params": {"weight": "256"},
        "actions_after_shutdown": "destroy", "actions_after_reboot": "restart", "actions_after_crash": "restart",
        "HVM_boot_policy": "BIOS order", "HVM_boot_params": {"order": "cdn", "firmware": "uefi"}, "domain_type": "hvm",
        "platform": {"timeoffset": "0", "device-model": "qemu-upstream-uefi", "secureboot": "false", "hpet": "true", "nx": "true",
            "pae": "true", "apic": "true", "viridian": if system.short == "win" { "true" } else { "false" }, "acpi": "1",
            "cores-per-socket": "2", "vga": "std", "videoram": "8", "device_id": "0001"},
        "recommendations": RESTRICTIONS, "xenstore_data": {"vm-data": "", "vm-data/mmio-hole-size": "268435456"},
        "bios_strings": {"bios-vendor": "Xen", "bios-version": "", "system-manufacturer": "Xen", "system-product-name": "HVM domU",
            "system-version": "", "system-serial-number": "", "baseboard-manufacturer": "", "baseboard-product-name": "",
            "baseboard-version": "", "baseboard-serial-number": "", "baseboard-asset-tag": "", "baseboard-location-in-chassis": "",
            "enclosure-asset-tag": "", "hp-rombios": "", "oem-1": "Xen", "oem-2": "MS_VM_CERT/SHA1/bdbeb6e0a816d43fa6d3fe8aaef04c2bad9d3e3d"},
        "last_boot_CPU_flags": {"vendor": "GenuineIntel", "features": FEATURES}, "hardware_platform_version": 0,
        "has_vendor_device": system.short == "win", "NVRAM": {}, "domid": -1, "user_version": 1,
    })
}

impl Making {
    pub fn vms(&mut self, site: &Site) {
        let bases = self.bases();
        let mut made = Vec::new();
        for number in 0..self.fleet.vms {
            made.push(self.vm(number, site, &bases));
        }
        for number in 0..self.fleet.snapshots.min(made.len() * 100) {
            let of = number % made.len();
            self.snapshot(number, of, &made[of], site);
        }
        self.templates();
    }

    fn bases(&self) -> Bases {
        let states = [State::Tools, State::NoTools, State::Paused, State::Halted, State::Suspended];
        let vm = |system: &System, state: State| self.base("VM", vm_fields(system, state.power()));
        let metrics = |system: &System| {
            self.base("VM_metrics", json!({
                "memory_actual": system.memory, "VCPUs_number": system.cpus, "hvm": true, "current_domain_type": "hvm",
                "start_time": "20260801T06:00:00Z", "install_time": "20260105T09:30:00Z", "last_updated": "19700101T00:00:00Z",
                "VCPUs_utilisation": {"0": 0.0},
            }))
        };
        let guest = |system: &System| {
            let (os, drivers) = (system.describe)();
            self.base("VM_guest_metrics", json!({
                "os_version": os, "PV_drivers_version": drivers, "PV_drivers_up_to_date": true, "PV_drivers_detected": true, "live": true,
                "other": {"feature-shutdown": "1", "feature-suspend": "1", "feature-reboot": "1", "feature-poweroff": "1",
                    "feature-vcpu-hotplug": "1", "feature-balloon": "1", "feature-static-ip-setting": "1", "has-vendor-device": "0",
                    "platform-feature-multiprocessor-suspend": "1", "platform-feature-xs_reset_watches": "1", "data-ts": "1"},
                "can_use_hotplug_vbd": "yes", "can_use_hotplug_vif": "yes", "last_updated": "20260820T10:00:00Z",
            }))
        };
        let attached = |class: &str, common: Value| {
            [true, false].map(|on| {
                let mut fields = common.clone();
                fields["currently_attached"] = json!(on);
                self.base(class, fields)
            })
        };
        let disk =
            json!({"mode": "RW", "type": "Disk", "unpluggable": true, "empty": false, "other_config": {"owner": ""}});
        let interface = json!({"MTU": 1500, "MAC_autogenerated": true, "device": "0", "locking_mode": "network_default", "other_config": {}});
        Bases {
            vms: SYSTEMS.iter().map(|s| states.iter().map(|state| (*state, vm(s, *state))).collect()).collect(),
            metrics: SYSTEMS.iter().map(metrics).collect(),
            guests: SYSTEMS.iter().map(guest).collect(),
            vbds: attached("VBD", disk),
            vifs: attached("VIF", interface),
            vdi: self.base("VDI", vdi_fields()),
            console: self.base("console", json!({"protocol": "rfb"})),
        }
    }

    fn vm(&mut self, number: usize, site: &Site, bases: &Bases) -> Made {
        let (at, state) = (number % SYSTEMS.len(), MIX[number % MIX.len()]);
        let system = &SYSTEMS[at];
        let host = &site.hosts[number % site.hosts.len()];
        let (vm, uuid) = (self.db.reference(), self.db.uuid());
        let on = state.resident();
        let detached = usize::from(!on);

        let metrics = self.put("VM_metrics", &bases.metrics[at], []);
        let guest = if matches!(state, State::NoTools) || number % MIX.len() == 7 {
            NULL.to_owned()
        } else {
            let (pool, high, low) = (self.pool % 200, number / 250, number % 250 + 2);
            let networks = json!({"0/ip": format!("172.{}.{high}.{low}", 16 + pool % 16), "0/ipv4/0": format!("172.{}.{high}.{low}", 16 + pool % 16),
                "0/ipv6/0": format!("fe80::d4a:{pool:x}ff:fe{:02x}:{:04x}", high % 256, low)});
            self.put("VM_guest_metrics", &bases.guests[at], [("networks", networks)])
        };
        let suspended = match state {
            State::Suspended => self.disk(&bases.vdi, "Suspend image", "suspend", system.memory, pick(&site.shared, 0)),
            _ => NULL.to_owned(),
        };
        if state.resident() {
            self.console(&vm, host, &bases.console);
        }
        let seed = self.db.uuid();
        let base = &bases.vms[at].iter().find(|(s, _)| *s == state).expect("every state has one").1;
        let tags = match number % 5 {
            0 => json!(["production"]),
            1 => json!(["backup", "production"]),
            _ => json!([]),
        };
        self.put_as("VM", base, &vm, [
            ("uuid", json!(uuid)),
            ("name_label", json!(format!("{}-{:02}-{number:05}", system.short, self.pool + 1))),
            ("name_description", json!(if number.is_multiple_of(3) { format!("Customer {}, tier {}", number % 97, number % 4) } else { String::new() })),
            ("resident_on", json!(if on { host.reference.as_str() } else { NULL })),
            ("affinity", json!(host.reference)),
            ("domid", json!(if on { number as i64 / site.hosts.len() as i64 + 1 } else { -1 })),
            ("metrics", json!(metrics)),
            ("guest_metrics", json!(guest)),
            ("suspend_VDI", json!(suspended)),
            ("tags", tags),
            ("other_config", json!({"mac_seed": seed, "base_template_name": "Other install media", "import_task": "OpaqueRef:NULL",
                "auto_poweron": if number.is_multiple_of(4) { "true" } else { "false" }})),
        ]);
        let mut disks = Vec::new();
        for position in 0..2 {
            // The second disk of every fourth VM is on its host's own storage.
            let sr = if position == 1 && number % 4 == 3 {
                host.local.clone()
            } else {
                pick(&site.shared, number + position).to_owned()
            };
            let label = format!("{}-{number:05} disk {position}", system.short);
            let vdi = self.disk(
                &bases.vdi,
                &label,
                if position == 0 { "system" } else { "user" },
                (20 + 40 * position as i64) * GIB,
                &sr,
            );
            self.put(
                "VBD",
                &bases.vbds[detached],
                [
                    ("VM", json!(vm)),
                    ("VDI", json!(vdi)),
                    ("userdevice", json!(position.to_string())),
                    ("device", json!(["xvda", "xvdb"][position])),
                    ("bootable", json!(position == 0)),
                ],
            );
            disks.push((vdi, sr));
        }
        let network = pick(&site.networks, number).to_owned();
        let mac = self.mac();
        self.put("VIF", &bases.vifs[detached], [("VM", json!(vm)), ("network", json!(network)), ("MAC", json!(mac))]);
        Made { vm, disks, network, mac }
    }

    fn mac(&mut self) -> String {
        let [a, b, c] = self.db.bytes::<3>();
        format!("00:16:3e:{a:02x}:{b:02x}:{c:02x}")
    }

    fn console(&mut self, vm: &str, host: &Host, base: &Arc<Base>) {
        let uuid = self.db.uuid();
        self.put(
            "console",
            base,
            [
                ("location", json!(format!("https://{}/console?uuid={uuid}", host.address))),
                ("VM", json!(vm)),
                ("uuid", json!(uuid)),
            ],
        );
    }

    fn disk(&mut self, base: &Arc<Base>, label: &str, kind: &str, size: i64, sr: &str) -> String {
        let uuid = self.db.uuid();
        let used = size / 10 * (2 + (uuid.as_bytes()[0] % 7) as i64);
        self.put(
            "VDI",
            base,
            [
                ("name_label", json!(label)),
                ("location", json!(uuid)),
                ("uuid", json!(uuid)),
                ("SR", json!(sr)),
                ("type", json!(kind)),
                ("virtual_size", json!(size)),
                ("physical_utilisation", json!(used)),
            ],
        )
    }

    fn snapshot(&mut self, number: usize, of: usize, made: &Made, site: &Site) {
        let system = &SYSTEMS[of % SYSTEMS.len()];
        let mut fields = vm_fields(system, "Halted");
        for (name, value) in [
            ("is_a_template", json!(true)),
            ("is_a_snapshot", json!(true)),
            ("snapshot_info", json!({"power-state-at-snapshot": "Running", "disk-snapshot-type": "crash_consistent"})),
        ] {
            fields[name] = value;
        }
        let base = self.base("VM", fields);
        let time = json!(format!("202608{:02}T02:00:00Z", 1 + number % 20));
        let metrics = self.base(
            "VM_metrics",
            json!({"install_time": "20260105T09:30:00Z", "start_time": NEVER, "current_domain_type": "unspecified"}),
        );
        let metrics = self.put("VM_metrics", &metrics, []);
        let vm = self.put(
            "VM",
            &base,
            [
                ("name_label", json!(format!("nightly {number}"))),
                ("snapshot_of", json!(made.vm)),
                ("snapshot_time", time.clone()),
                ("affinity", json!(site.hosts[of % site.hosts.len()].reference)),
                ("metrics", json!(metrics)),
                (
                    "snapshot_metadata",
                    json!(format!(
                        "(('uuid' '{}') ('power_state' 'Running') ('name__label' 'nightly'))",
                        self.db.text("VM", &made.vm, "uuid")
                    )),
                ),
            ],
        );
        self.db.set("VM", &made.vm, "parent", vm.clone());
        let disk = self.base("VDI", vdi_fields());
        let vbd = self.base("VBD", json!({"mode": "RW", "type": "Disk", "other_config": {"owner": ""}}));
        for (position, (vdi, sr)) in made.disks.iter().enumerate() {
            let label = self.db.text("VDI", vdi, "name_label").to_owned();
            let copy = self.disk(&disk, &label, self.kind(vdi), self.db.int("VDI", vdi, "virtual_size"), sr);
            self.db.update(
                "VDI",
                &copy,
                [("is_a_snapshot", json!(true)), ("snapshot_of", json!(vdi)), ("snapshot_time", time.clone())],
            );
            self.put(
                "VBD",
                &vbd,
                [
                    ("VM", json!(vm)),
                    ("VDI", json!(copy)),
                    ("userdevice", json!(position.to_string())),
                    ("bootable", json!(position == 0)),
                ],
            );
        }
        let vif = self.base("VIF", json!({"MTU": 1500, "device": "0"}));
        self.put("VIF", &vif, [("VM", json!(vm)), ("network", json!(made.network)), ("MAC", json!(made.mac))]);
    }

    fn kind(&self, vdi: &str) -> &'static str {
        if self.db.text("VDI", vdi, "type") == "system" { "system" } else { "user" }
    }

    /// Default templates have the same uuids in all pools.
    fn templates(&mut self) {
        for number in 0..self.fleet.templates {
            let mut fields = vm_fields(&SYSTEMS[number % SYSTEMS.len()], "Halted");
            for (name, value) in [("is_a_template", json!(true)), ("is_default_template", json!(true))] {
                fields[name] = value;
            }
            let base = self.base("VM", fields);
            let disks = format!(
                "<provision><disk device=\"0\" size=\"{}\" sr=\"\" bootable=\"true\" type=\"system\"/></provision>",
                (10 + number as i64) * GIB
            );
            self.put("VM", &base, [
                ("uuid", json!(format!("7a1b0000-0000-4000-8000-{number:012x}"))),
                ("name_label", json!(format!("{} {}", ["Debian", "AlmaLinux", "Ubuntu", "Windows Server"][number % 4], 10 + number))),
                ("other_config", json!({"default_template": "true", "install-methods": "cdrom,nfs,http,ftp", "linux_template": "true", "disks": disks})),
                ("reference_label", json!(format!("template-{number}"))),
            ]);
        }
    }
}

/// A VM and what its snapshots repeat.
struct Made {
    vm: String,
    /// With the storage each is on.
    disks: Vec<(String, String)>,
    network: String,
    mac: String,
}

fn vdi_fields() -> Value {
    json!({
        "name_description": "", "read_only": false, "sharable": false, "managed": true, "sm_config": {"vdi_type": "vhd", "image-format": "vhd"},
        "other_config": {}, "parent": NULL,
    })
}
