//! The hosts of a made-up pool: what they say of themselves, their control domains, processors and own storage.

use serde_json::{Value, json};

use super::{Making, site::Host};

/// Processors of a host.
pub const CPUS: usize = 16;
const GIB: i64 = 1 << 30;

impl Making {
    /// Makes the hosts with what each has of its own.
    pub fn hosts(&mut self) -> Vec<Host> {
        let versions = self.db.release().versions();
        let software = json!({
            "product_version": versions.product, "product_version_text": &versions.product[..3],
            "product_version_text_short": &versions.product[..3], "platform_name": "XCP", "platform_version": versions.platform,
            "product_brand": versions.brand, "build_number": "release/ely/42", "git_id": "0", "hostname": "localhost",
            "date": "20260415T12:00:00Z", "dbv": "0.0.1", "xapi": versions.xapi, "xapi_build": format!("{}.3", versions.xapi),
            "xen": versions.xen, "linux": versions.linux, "network_backend": "openvswitch", "db_schema": "5.909",
            "xencenter_min": "2.21", "xencenter_max": "2.21",
        });
        let cpu = json!({
            "cpu_count": CPUS.to_string(), "socket_count": "1", "threads_per_core": "2", "vendor": "GenuineIntel",
            "speed": "2394.454", "modelname": "Intel(R) Xeon(R) Silver 4210R CPU @ 2.40GHz", "family": "6", "model": "85",
            "stepping": "7", "flags": FLAGS, "features": FEATURES, "features_pv": FEATURES, "features_hvm": FEATURES,
            "features_hvm_host": FEATURES, "features_pv_host": FEATURES,
        });
        let license: serde_json::Map<String, Value> = [
            "storage_xen_motion",
            "vgpu",
            "dr",
            "gpu",
            "rbac",
            "wlb",
            "checkpoint",
            "cpu_masking",
            "connection",
            "email_alerting",
            "vmpr",
            "pooling",
            "ha",
            "vlan",
            "qos",
            "zstd_export",
            "vtpm",
            "rpm",
            "live_patching",
            "cbt",
            "usb_passthrough",
        ]
        .into_iter()
        .map(|name| (format!("restrict_{name}"), json!("false")))
        .chain([
            ("sku_type".to_owned(), json!("free")),
            ("version".to_owned(), json!(versions.product)),
            ("expiry".to_owned(), json!("20380118T03:14:07Z")),
            ("grace".to_owned(), json!("no")),
            ("enable_xha".to_owned(), json!("true")),
        ])
        .collect();
        let bios = json!({
            "bios-vendor": "American Megatrends Inc.", "bios-version": "3.4", "system-manufacturer": "Supermicro",
            "system-product-name": "SYS-1029P-WTRT", "system-version": "0123456789", "system-serial-number": "A000000X0000000",
            "baseboard-manufacturer": "Supermicro", "baseboard-product-name": "X11DDW-NT", "baseboard-version": "1.02",
            "baseboard-serial-number": "ZM000S000000", "oem-1": "Xen", "oem-2": "MS_VM_CERT/SHA1/bdbeb6e0a816d43fa6d3fe8aaef04c2bad9d3e3d",
            "hp-rombios": "",
        });
        let base = self.base("host", json!({
            "name_description": "Default install", "memory_overhead": 1_610_612_736_i64, "API_version_major": versions.api.0,
            "API_version_minor": versions.api.1, "API_version_vendor": "XenSource",
            "API_version_vendor_implementation": {}, "enabled": true, "software_version": software, "cpu_info": cpu,
            "capabilities": ["xen-3.0-x86_64", "hvm-3.0-x86_32", "hvm-3.0-x86_32p", "hvm-3.0-x86_64"], "sched_policy": "credit",
            "supported_bootloaders": ["pygrub", "eliloader"], "license_params": license, "edition": "xcp-ng", "bios_strings": bios,
            "chipset_info": {"iommu": "true"}, "virtual_hardware_platform_versions": [0, 1, 2],
            "ssl_legacy": false,
            "editions": ["xcp-ng"], "tls_verification_enabled": true, "https_only": false, "multipathing": false,
            "last_software_update": "20260801T08:00:00Z", "cpu_configuration": {},
        }));
        let metrics = self.base(
            "host_metrics",
            json!({"memory_total": 256 * GIB, "live": true, "last_updated": "20260820T10:00:00Z"}),
        );
        let processor = self.base("host_cpu", json!({
            "vendor": "GenuineIntel", "speed": 2394, "modelname": "Intel(R) Xeon(R) Silver 4210R CPU @ 2.40GHz", "family": 6,
            "model": 85, "stepping": "7", "flags": FLAGS, "features": FEATURES, "utilisation": 0.0,
        }));
        let certificate = self.base(
            "Certificate",
            json!({"type": "host", "not_before": "20260101T00:00:00Z", "not_after": "20360101T00:00:00Z"}),
        );
        let dom0 = self.base("VM", dom0());
        let dom0_metrics = self
            .base("VM_metrics", json!({"memory_actual": 8 * GIB, "VCPUs_number": CPUS, "current_domain_type": "pv"}));
        let console = self.base("console", json!({}));
        let mut out = Vec::new();
        for number in 0..self.fleet.hosts {
            let (address, reference, control) = (self.address(number), self.db.reference(), self.db.reference());
            let label = format!("host-{:02}-{number:03}", self.pool + 1);
            let free = (96 + 5 * (number as i64 % 13)) * GIB + 123_456_512;
            let metrics = self.put("host_metrics", &metrics, [("memory_free", json!(free))]);
            let iqn = format!("iqn.2026-08.example:{label}");
            // Real maps of times end with a dot.
            let boot = 1_785_000_000 + 1_000 * number as i64;
            self.put_as("host", &base, &reference, [
                ("name_label", json!(label)),
                ("hostname", json!(label)),
                ("address", json!(address)),
                ("metrics", json!(metrics)),
                ("control_domain", json!(control)),
                ("iscsi_iqn", json!(iqn)),
                ("other_config", json!({
                    "boot_time": format!("{boot}."), "agent_start_time": format!("{}.", boot + 60), "iscsi_iqn": iqn,
                    "rpm_patch_installation_time": format!("{}.123", boot - 900),
                })),
            ]);
            for cpu in 0..CPUS {
                self.put("host_cpu", &processor, [("host", json!(reference)), ("number", json!(cpu))]);
            }
            let print: Vec<String> = self.db.bytes::<32>().iter().map(|b| format!("{b:02X}")).collect();
            let print = print.join(":");
            self.put(
                "Certificate",
                &certificate,
                [("host", json!(reference)), ("fingerprint", json!(print)), ("fingerprint_sha256", json!(print))],
            );
            let its_metrics = self.put("VM_metrics", &dom0_metrics, [("start_time", json!("20260725T17:20:00Z"))]);
            self.put_as(
                "VM",
                &dom0,
                &control,
                [
                    ("name_label", json!(format!("Control domain on host: {label}"))),
                    ("resident_on", json!(reference)),
                    ("affinity", json!(reference)),
                    ("metrics", json!(its_metrics)),
                ],
            );
            for protocol in ["rfb", "vt100"] {
                let uuid = self.db.uuid();
                self.put(
                    "console",
                    &console,
                    [
                        ("protocol", json!(protocol)),
                        ("location", json!(format!("https://{address}/console?uuid={uuid}"))),
                        ("VM", json!(control)),
                        ("uuid", json!(uuid)),
                    ],
                );
            }
            out.push(Host { reference, address, local: String::new() });
        }
        let local = self.base("SR", json!({
            "name_label": "Local storage", "type": "ext", "content_type": "user", "physical_size": 1_899 * GIB, "shared": false,
            "sm_config": {"devserial": "scsi-3600508b1001c3a1b"}, "other_config": {"i18n-key": "local-storage"},
        }));
        let pbd = self.base("PBD", json!({"currently_attached": true, "device_config": {"device": "/dev/disk/by-id/scsi-3600508b1001c3a1b-part3"}}));
        for (number, host) in out.iter_mut().enumerate() {
            let used = (200 + 31 * (number as i64 % 29)) * GIB;
            host.local = self.put(
                "SR",
                &local,
                [("physical_utilisation", json!(used)), ("virtual_allocation", json!(used * 2))],
            );
            self.put("PBD", &pbd, [("host", json!(host.reference)), ("SR", json!(host.local))]);
        }
        out
    }

    fn address(&self, host: usize) -> String {
        format!("10.{}.{}.{}", 20 + self.pool % 200, host / 200, 10 + host % 200)
    }
}

fn dom0() -> Value {
    json!({
        "name_description": "The domain which manages physical devices and manages other domains", "power_state": "Running",
        "is_control_domain": true, "is_a_template": false, "memory_target": 8 * GIB, "memory_static_max": 8 * GIB, "memory_static_min": 8 * GIB,
        "memory_dynamic_max": 8 * GIB, "memory_dynamic_min": 8 * GIB, "VCPUs_max": CPUS, "VCPUs_at_startup": CPUS, "domid": 0,
        "domarch": "x64", "domain_type": "pv", "actions_after_shutdown": "destroy", "actions_after_reboot": "destroy",
        "actions_after_crash": "destroy",
        "other_config": {"storage_driver_domain": "OpaqueRef:NULL", "is_system_domain": "true",
            "perfmon": "<config><variable><name value=\"fs_usage\"/></variable><variable><name value=\"mem_usage\"/></variable></config>"},
        "last_booted_record": "", "platform": {}, "has_vendor_device": false,
    })
}

pub const FEATURES: &str =
    "1fcbfbff-f7fa3223-2d93fbff-00000523-00000001-000007ab-00000000-00000000-00001000-9c000400-00000000-00000000";
const FLAGS: &str = "fpu de tsc msr pae mce cx8 apic sep mca cmov pat clflush acpi mmx fxsr sse sse2 ht syscall nx lm constant_tsc \
    arch_perfmon rep_good nopl nonstop_tsc cpuid aperfmperf pni pclmulqdq monitor est ssse3 fma cx16 sse4_1 sse4_2 movbe popcnt aes \
    xsave avx f16c rdrand hypervisor lahf_lm abm 3dnowprefetch fsgsbase bmi1 hle avx2 bmi2 erms rtm rdseed adx clflushopt";
