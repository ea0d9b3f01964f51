//! Pools of the years 2010 to 2013 translate without surprises.

use std::fmt::Write;

use expect_test::{Expect, expect};
use model::Kind;
use serde_json::Value as Json;

use super::support::{connected, load, recorded};

fn counts(name: &str, expected: &Expect) {
    let (inventory, _writer) = connected(&recorded(name));
    let snapshot = inventory.snapshot();
    let mut text = String::new();
    for &kind in Kind::ALL {
        assert_eq!(snapshot.of_kind(kind).count(), snapshot.count(kind));
        writeln!(text, "{kind} {}", snapshot.count(kind)).expect("writes to a string");
    }
    assert_eq!(snapshot.iter().count(), snapshot.len());
    expected.assert_eq(&text);
}

#[test]
fn single_host_with_snapshots() {
    counts("xs56-singlehost-8vms-15snaps", &expect![[r#"
        pool 1
        host 1
        VM 8
        VM-template 49
        VM-snapshot 15
        VM-controller 1
        SR 9
        VDI 157
        VDI-snapshot 20
        VDI-unmanaged 19
        VBD 56
        VIF 27
        network 4
        PBD 9
        PIF 3
    "#]]);
}

#[test]
fn pool_of_two_with_bonds() {
    counts("xs56fp1-pool2-bonds-vlans-tunnels", &expect![[r#"
        pool 1
        host 2
        VM 4
        VM-template 87
        VM-snapshot 1
        VM-controller 2
        SR 10
        VDI 149
        VDI-snapshot 0
        VDI-unmanaged 0
        VBD 17
        VIF 18
        network 11
        PBD 14
        PIF 16
    "#]]);
}

#[test]
fn pool_of_two_with_checkpoints() {
    counts("xs61-pool2-snapshots", &expect![[r#"
        pool 1
        host 2
        VM 2
        VM-template 61
        VM-snapshot 5
        VM-controller 2
        SR 8
        VDI 6
        VDI-snapshot 7
        VDI-unmanaged 5
        VBD 14
        VIF 7
        network 3
        PBD 10
        PIF 4
    "#]]);
}

fn whole(dump: &str, kind: Kind, name: &str, expected: &Expect) {
    let (inventory, _writer) = connected(&recorded(dump));
    let snapshot = inventory.snapshot();
    let object = snapshot.of_kind(kind).find(|object| object.name_label() == name).expect("is in the dump");
    let value: Json = serde_json::from_str(&object.to_json()).expect("objects are JSON");
    expected.assert_eq(&format!("{value:#}\n"));
}

#[test]
fn a_whole_vm() {
    whole("xs56-singlehost-8vms-15snaps", Kind::Vm, "CCNET", &expect![[r#"
        {
          "$VBDs": [
            "7b41b063-8ed2-0511-67e6-4bad30d92a49",
            "b32f41dc-e1ad-d38b-da8d-3369fa402d14",
            "c8d6b751-d797-ed84-0639-dbe51e07e3eb"
          ],
          "$VGPUs": [],
          "$container": "a8307187-833b-43df-bb90-6c7d4a918e2f",
          "$pool": "a9855962-beac-0154-dac8-f1d89ca40581",
          "$poolId": "a9855962-beac-0154-dac8-f1d89ca40581",
          "CPUs": {
            "max": 4,
            "number": 4
          },
          "VGPUs": [],
          "VIFs": [
            "d706cf10-99a2-977c-4de6-a57faee2cb49",
            "6661d73a-880a-b0f2-ee09-c6e8dd14bd7f"
          ],
          "VTPMs": [],
          "_xapiRef": "OpaqueRef:1281ec1a-c21f-17e9-d581-cac9b2959b9b",
          "addresses": {
            "0/ipv4/0": "10.80.228.32",
            "1/ipv4/0": "169.254.251.68"
          },
          "affinityHost": "a8307187-833b-43df-bb90-6c7d4a918e2f",
          "auto_poweron": true,
          "bios_strings": {
            "bios-vendor": "Xen",
            "bios-version": "",
            "hp-rombios": "",
            "oem-1": "Xen",
            "oem-2": "MS_VM_CERT/SHA1/bdbeb6e0a816d43fa6d3fe8aaef04c2bad9d3e3d",
            "system-manufacturer": "Xen",
            "system-product-name": "HVM domU",
            "system-serial-number": "",
            "system-version": ""
          },
          "blockedOperations": {},
          "boot": {
            "order": "dc"
          },
          "cpuWeight": 4096,
          "current_operations": {},
          "expNestedHvm": false,
          "hasVendorDevice": false,
          "high_availability": "best-effort",
          "id": "a196096b-88b5-0836-ea2f-96253e6c03fb",
          "installTime": 1296480335,
          "isFirmwareSupported": true,
          "isNestedVirtEnabled": false,
          "mainIpAddress": "10.80.228.32",
          "managementAgentDetected": true,
          "memory": {
            "dynamic": [
              1610612736,
              1610612736
            ],
            "size": 1610526720,
            "static": [
              536870912,
              1610612736
            ]
          },
          "name_description": "Build system for .NET. Javier Alvarez-Valle",
          "name_label": "CCNET",
          "needsVtpm": false,
          "os_version": {
            "distro": "windows",
            "major": "6",
            "minor": "0",
            "name": "Microsoft® Windows Server® 2008 Enterprise |C:\\Windows|\\Device\\Harddisk0\\Partition1",
            "spmajor": "2",
            "spminor": "0"
          },
          "other": {
            "auto_poweron": "true",
            "install-methods": "cdrom",
            "last_shutdown_action": "Destroy",
            "last_shutdown_initiator": "internal",
            "last_shutdown_reason": "halted",
            "last_shutdown_time": "20110526T14:04:32Z",
            "mac_seed": "d0e172f6-ee22-2d16-eb11-70750ae50241"
          },
          "parent": "fb29f2c4-71a8-94cd-acb0-9a572e6a85fd",
          "power_state": "Running",
          "pvDriversDetected": true,
          "pvDriversUpToDate": true,
          "pvDriversVersion": "5.6.100-39215",
          "secureBoot": false,
          "snapshots": [
            "fb29f2c4-71a8-94cd-acb0-9a572e6a85fd",
            "20df985e-05c8-100b-a737-c099a8917339"
          ],
          "startDelay": 0,
          "startTime": 1306418714,
          "tags": [
            "Javier"
          ],
          "type": "VM",
          "uuid": "a196096b-88b5-0836-ea2f-96253e6c03fb",
          "vga": "cirrus",
          "videoram": 4,
          "viridian": true,
          "virtualizationMode": "hvm",
          "vulnerabilities": {
            "xsa468": false
          },
          "xenStoreData": {},
          "xenTools": {
            "major": 5,
            "minor": 6,
            "version": 5.6
          }
        }
    "#]]);
}

#[test]
fn a_whole_snapshot() {
    whole("xs61-pool2-snapshots", Kind::VmSnapshot, "localsnap2full", &expect![[r#"
        {
          "$VBDs": [
            "5f4647db-b1d1-927f-d813-afc35a8d771f",
            "d7f0ee20-0d25-12b3-7741-dc359b33ce16"
          ],
          "$VGPUs": [],
          "$container": "b4c0d08a-3e59-4fcb-918b-52dced6141cf",
          "$pool": "47f281c2-a543-9796-72f0-8f4af2d98d47",
          "$poolId": "47f281c2-a543-9796-72f0-8f4af2d98d47",
          "$snapshot_of": "686a447a-ccd9-8873-0460-49ca8125db5b",
          "CPUs": {
            "max": 1,
            "number": 1
          },
          "PV_args": "",
          "VGPUs": [],
          "VIFs": [
            "8a3444de-0c54-ab42-6e93-f8e3ad62501e"
          ],
          "VTPMs": [],
          "_xapiRef": "OpaqueRef:2b03a037-5bd4-0d5f-7724-3ad08fdf7852",
          "addresses": {
            "0/ipv4/0": "10.80.237.197",
            "0/ipv6/0": "fe80::4443:fbff:fe89:cf97"
          },
          "affinityHost": "b4c0d08a-3e59-4fcb-918b-52dced6141cf",
          "auto_poweron": false,
          "bios_strings": {
            "bios-vendor": "Xen",
            "bios-version": "",
            "hp-rombios": "",
            "oem-1": "Xen",
            "oem-2": "MS_VM_CERT/SHA1/bdbeb6e0a816d43fa6d3fe8aaef04c2bad9d3e3d",
            "system-manufacturer": "Xen",
            "system-product-name": "HVM domU",
            "system-serial-number": "",
            "system-version": ""
          },
          "blockedOperations": {},
          "boot": {},
          "current_operations": {},
          "expNestedHvm": false,
          "hasVendorDevice": false,
          "high_availability": "",
          "id": "05eb70a9-c4aa-d3f9-7e18-42509684d047",
          "installTime": null,
          "isFirmwareSupported": true,
          "isNestedVirtEnabled": false,
          "mainIpAddress": "10.80.237.197",
          "memory": {
            "dynamic": [
              671088640,
              671088640
            ],
            "size": 671088640,
            "static": [
              33554432,
              671088640
            ]
          },
          "name_description": "",
          "name_label": "localsnap2full",
          "needsVtpm": false,
          "os_version": {
            "distro": "centos",
            "major": "5",
            "minor": "7",
            "name": "CentOS release 5.7 (Final)",
            "uname": "2.6.18-274.7.1.el5xen"
          },
          "other": {
            "import_task": "OpaqueRef:a9dccb6f-61f8-1c18-1aa7-d775f063ca29",
            "last_shutdown_action": "Destroy",
            "last_shutdown_initiator": "external",
            "last_shutdown_reason": "halted",
            "last_shutdown_time": "20101220T17:08:27Z",
            "mac_seed": "08a51ff9-0538-5c4f-944c-f43f58e23a14",
            "vgpu_pci": ""
          },
          "parent": "849a7376-97b6-5ddc-c9b3-55c6d86d8c72",
          "power_state": "Suspended",
          "secureBoot": false,
          "snapshot_time": 1357143792,
          "snapshots": [],
          "startDelay": 0,
          "startTime": null,
          "suspendVdi": "67c1945a-a59d-4024-902a-82eb6d000a35",
          "tags": [],
          "type": "VM-snapshot",
          "uuid": "05eb70a9-c4aa-d3f9-7e18-42509684d047",
          "viridian": true,
          "virtualizationMode": "pv",
          "xenStoreData": {
            "vm-data": ""
          }
        }
    "#]]);
}

#[test]
fn a_whole_host() {
    whole("xs61-pool2-snapshots", Kind::Host, "dt23", &expect![[r#"
        {
          "$PBDs": [
            "f48000a0-762d-d5e6-a6e5-4758a4427317",
            "ead69c08-d897-7d71-16c4-5e78724303ef",
            "03523b36-5812-2723-c7c8-7a7b111fde5d",
            "35766fa1-164c-1a12-952d-d633085a94a7",
            "b4c669f4-17f7-2a7b-79ca-db01bc710da3"
          ],
          "$PCIs": [
            "fb889a2b-341d-17bc-505a-51c6c0bf64ed"
          ],
          "$PGPUs": [
            "3e4dc9f3-edd3-0a46-e8f7-1458e635fd48"
          ],
          "$PIFs": [
            "f7973166-2858-fcd1-49ab-4ccf9114344d",
            "e991148e-dbdf-56ae-1680-fa0bc93634dd"
          ],
          "$pool": "47f281c2-a543-9796-72f0-8f4af2d98d47",
          "$poolId": "47f281c2-a543-9796-72f0-8f4af2d98d47",
          "CPUs": {
            "cpu_count": "8",
            "family": "6",
            "features": "0098e3fd-bfebfbff-00000001-28100800",
            "features_after_reboot": "0098e3fd-bfebfbff-00000001-28100800",
            "flags": "fpu de tsc msr pae mce cx8 apic sep mtrr mca cmov pat clflush acpi mmx fxsr sse sse2 ss ht nx constant_tsc nonstop_tsc aperfmperf pni vmx est ssse3 sse4_1 sse4_2 popcnt hypervisor ida tpr_shadow vnmi flexpriority ept vpid",
            "maskable": "full",
            "model": "30",
            "modelname": "Intel(R) Xeon(R) CPU           X3450  @ 2.67GHz",
            "physical_features": "0098e3fd-bfebfbff-00000001-28100800",
            "speed": "2660.088",
            "stepping": "5",
            "vendor": "GenuineIntel"
          },
          "PCIs": [
            "fb889a2b-341d-17bc-505a-51c6c0bf64ed"
          ],
          "PGPUs": [
            "3e4dc9f3-edd3-0a46-e8f7-1458e635fd48"
          ],
          "PIFs": [
            "f7973166-2858-fcd1-49ab-4ccf9114344d",
            "e991148e-dbdf-56ae-1680-fa0bc93634dd"
          ],
          "_xapiRef": "OpaqueRef:492b0df7-b730-5857-6b8a-7beb9fbe3f53",
          "address": "10.80.227.184",
          "agentStartTime": 1357143466,
          "bios_strings": {
            "bios-vendor": "Dell Inc.",
            "bios-version": "1.1.5",
            "hp-rombios": "",
            "oem-1": "Xen",
            "oem-2": "MS_VM_CERT/SHA1/bdbeb6e0a816d43fa6d3fe8aaef04c2bad9d3e3d",
            "oem-3": "Dell System",
            "oem-4": "5[0000]",
            "system-manufacturer": "Dell Inc.",
            "system-product-name": "PowerEdge R310",
            "system-serial-number": "8B44V4J",
            "system-version": ""
          },
          "build": "59235c",
          "chipset_info": {
            "iommu": true
          },
          "cpus": {
            "cores": 8
          },
          "current_operations": {},
          "enabled": true,
          "hostname": "dt23",
          "hvmCapable": true,
          "id": "79f46fd0-be8b-4de1-b299-c19a1b8f69e9",
          "iscsiIqn": "iqn.2013-01.com.xensource.uk:4121bda3",
          "license_expiry": 1893456000,
          "license_params": {
            "address1": "",
            "address2": "",
            "city": "",
            "company": "",
            "country": "",
            "enable_xha": "true",
            "expiry": "20300101T00:00:00Z",
            "grace": "no",
            "name": "",
            "platform_filter": "false",
            "postalcode": "",
            "productcode": "",
            "regular_nag_dialog": "false",
            "restrict_checkpoint": "false",
            "restrict_connection": "false",
            "restrict_cpu_masking": "false",
            "restrict_dmc": "false",
            "restrict_dr": "false",
            "restrict_email_alerting": "false",
            "restrict_equalogic": "false",
            "restrict_gpu": "false",
            "restrict_historical_performance": "false",
            "restrict_intellicache": "false",
            "restrict_lab": "false",
            "restrict_marathon": "false",
            "restrict_netapp": "false",
            "restrict_pool_attached_storage": "false",
            "restrict_pooling": "false",
            "restrict_qos": "false",
            "restrict_rbac": "false",
            "restrict_stage": "false",
            "restrict_storage_xen_motion": "false",
            "restrict_storagelink": "false",
            "restrict_storagelink_site_recovery": "false",
            "restrict_vif_locking": "false",
            "restrict_vlan": "false",
            "restrict_vmpr": "false",
            "restrict_vswitch_controller": "false",
            "restrict_web_selfservice": "false",
            "restrict_web_selfservice_manager": "false",
            "restrict_wlb": "false",
            "serialnumber": "",
            "sku_marketing_name": "Citrix XenServer Platinum Edition",
            "sku_type": "platinum",
            "sockets": "1",
            "state": "",
            "version": "6.1.0"
          },
          "license_server": {
            "address": "license-server",
            "port": "27000"
          },
          "logging": {},
          "memory": {
            "size": 8589934592,
            "usage": 975028224
          },
          "multipathing": false,
          "name_description": "Default install of XenServer",
          "name_label": "dt23",
          "otherConfig": {
            "agent_start_time": "1357143466.",
            "boot_time": "1357135904.",
            "iscsi_iqn": "iqn.2013-01.com.xensource.uk:4121bda3"
          },
          "patches": [],
          "powerOnMode": "",
          "power_state": "Running",
          "productBrand": "XenServer",
          "rebootRequired": false,
          "residentVms": [
            "824e744e-06a4-4c6e-99fd-625643c6e2d6"
          ],
          "startTime": 1357135904,
          "supplementalPacks": [
            {
              "author": "xs",
              "description": "Linux Pack",
              "name": "linux",
              "version": "6.1.0"
            },
            {
              "author": "xcp",
              "description": "Base Pack",
              "name": "main",
              "version": "1.6.10"
            },
            {
              "author": "xs",
              "description": "XenServer Pack",
              "name": "main",
              "version": "6.1.0"
            },
            {
              "author": "xs",
              "description": "XenServer Transfer VM",
              "name": "xenserver-transfer-vm",
              "version": "6.1.0"
            }
          ],
          "tags": [],
          "type": "host",
          "uuid": "79f46fd0-be8b-4de1-b299-c19a1b8f69e9",
          "version": "6.1.0",
          "zstdSupported": false
        }
    "#]]);
}

#[test]
fn a_whole_pool() {
    whole("xs56-singlehost-8vms-15snaps", Kind::Pool, "GUI team permanent 5.6 FP1 (Cowley)", &expect![[r#"
        {
          "$pool": "a9855962-beac-0154-dac8-f1d89ca40581",
          "$poolId": "a9855962-beac-0154-dac8-f1d89ca40581",
          "HA_enabled": false,
          "_xapiRef": "OpaqueRef:7b666823-e71c-ff68-0186-937de839fd72",
          "auto_poweron": false,
          "cpus": {},
          "crashDumpSr": "685e51bb-1e45-f992-ffc7-5c8ff7067c13",
          "current_operations": {},
          "default_SR": "685e51bb-1e45-f992-ffc7-5c8ff7067c13",
          "haRebootVmOnInternalShutdown": true,
          "haSrs": [],
          "id": "a9855962-beac-0154-dac8-f1d89ca40581",
          "master": "a8307187-833b-43df-bb90-6c7d4a918e2f",
          "name_description": "",
          "name_label": "GUI team permanent 5.6 FP1 (Cowley)",
          "otherConfig": {
            "EMPTY_FOLDERS": "",
            "cpuid_feature_mask": "ffffff7f-ffffffff-ffffffff-ffffffff",
            "memory-ratio-hvm": "0.25",
            "memory-ratio-pv": "0.25",
            "storagelink_host": "10.80.238.220",
            "storagelink_password_secret": "02b1f16f-ca2c-4c0c-f41e-0b07582fb806",
            "storagelink_user": "admin"
          },
          "suspendSr": "685e51bb-1e45-f992-ffc7-5c8ff7067c13",
          "tags": [],
          "type": "pool",
          "uuid": "a9855962-beac-0154-dac8-f1d89ca40581",
          "vtpmSupported": false,
          "zstdSupported": false
        }
    "#]]);
}

#[test]
fn a_whole_sr() {
    whole("xs61-pool2-snapshots", Kind::Sr, "Local storage", &expect![[r#"
        {
          "$PBDs": [
            "f48000a0-762d-d5e6-a6e5-4758a4427317"
          ],
          "$container": "79f46fd0-be8b-4de1-b299-c19a1b8f69e9",
          "$pool": "47f281c2-a543-9796-72f0-8f4af2d98d47",
          "$poolId": "47f281c2-a543-9796-72f0-8f4af2d98d47",
          "SR_type": "lvm",
          "VDIs": [],
          "_xapiRef": "OpaqueRef:70cfeeca-a817-7138-6c2e-f2f4d3fe7bc3",
          "allocationStrategy": "thick",
          "content_type": "user",
          "current_operations": {},
          "id": "b35b9c60-004b-cfee-a383-8e6a0db87ff0",
          "inMaintenanceMode": false,
          "name_description": "",
          "name_label": "Local storage",
          "other_config": {
            "i18n-key": "local-storage",
            "i18n-original-value-name_label": "Local storage"
          },
          "physical_usage": 4194304,
          "shared": false,
          "size": 241394778112,
          "sm_config": {
            "allocation": "thick",
            "devserial": "scsi-SATA_WDC_WD2502ABYS-_WD-WCAT1F706509",
            "use_vhd": "true"
          },
          "tags": [],
          "type": "SR",
          "usage": 0,
          "uuid": "b35b9c60-004b-cfee-a383-8e6a0db87ff0"
        }
    "#]]);
}

#[test]
fn references_lead_to_objects() {
    for name in ["xs56-singlehost-8vms-15snaps", "xs56fp1-pool2-bonds-vlans-tunnels", "xs61-pool2-snapshots"] {
        let (inventory, _writer) = connected(&recorded(name));
        let snapshot = inventory.snapshot();
        for object in snapshot.iter() {
            assert_eq!(snapshot.get(object.id().as_str()).map(|found| found.id()), Some(object.id()));
            assert_eq!(snapshot.by_ref(object.reference()).map(|found| found.id()), Some(object.id()));
            for field in ["$VBDs", "VIFs", "VDIs", "$PBDs", "PIFs", "residentVms", "snapshots"] {
                let ids = object.field(field).and_then(|list| list.as_array().cloned()).unwrap_or_default();
                for id in ids.iter().filter_map(Json::as_str) {
                    assert!(snapshot.get(id).is_some(), "{field} of {}: {id}", object.id());
                }
            }
            let json = object.to_json();
            assert!(!json.contains("\"OpaqueRef:NULL\"") || object.as_vm().is_some(), "{json}");
        }
    }
}

#[test]
fn a_second_reading_is_silent() {
    for name in ["xs56-singlehost-8vms-15snaps", "xs56fp1-pool2-bonds-vlans-tunnels", "xs61-pool2-snapshots"] {
        let pool = recorded(name);
        let (inventory, mut writer) = connected(&pool);
        let before = inventory.snapshot();
        load(&mut writer, &pool).expect("loads again");
        let after = inventory.snapshot();
        assert_eq!(after.revision(), before.revision());
        let shared = before.iter().zip(after.iter()).all(|(before, after)| std::sync::Arc::ptr_eq(before, after));
        assert!(shared, "equal objects keep their allocation");
    }
}
