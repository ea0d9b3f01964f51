//! Every property of every kind, one line each: record, property, what clients get (`-` is absent).

use std::collections::BTreeSet;

use model::Kind;
use serde_json::Value as Json;

use super::support::{connected, modern, public, recorded};

/// What all objects have.
const COMMON: &str = "id type uuid $pool $poolId _xapiRef";

/// The public properties of each kind.
const PROPERTIES: &[(&str, &str)] = &[
    (
        "pool",
        "auto_poweron crashDumpSr suspendSr default_SR current_operations HA_enabled haRebootVmOnInternalShutdown haSrs
         master tags name_description name_label migrationCompression otherConfig cpus zstdSupported vtpmSupported
         platform_version",
    ),
    (
        "host",
        "CPUs cpus address hostname bios_strings license_params license_server logging name_label name_description tags
         build version productBrand chipset_info enabled controlDomain current_operations iscsiIqn zstdSupported
         license_expiry memory multipathing otherConfig patches supplementalPacks powerOnMode power_state residentVms
         startTime agentStartTime rebootRequired hvmCapable certificates PIFs $PIFs PCIs $PCIs PGPUs $PGPUs $PBDs",
    ),
    (
        "VM",
        "addresses mainIpAddress affinityHost attachedPcis auto_poweron bios_strings blockedOperations boot xenStoreData
         other tags name_label name_description power_state CPUs creation current_operations docker expNestedHvm
         isNestedVirtEnabled viridian secureBoot needsVtpm vulnerabilities high_availability isFirmwareSupported memory
         installTime startTime notes os_version parent hasVendorDevice resourceSet snapshots startDelay suspendSr VIFs
         VTPMs $VBDs VGPUs $VGPUs virtualizationMode xenTools managementAgentDetected pvDriversDetected
         pvDriversVersion pvDriversUpToDate $container nicType vga videoram coresPerSocket cpuCap cpuWeight cpuMask
         PV_args snapshot_time $snapshot_of suspendVdi isDefaultTemplate template_info",
    ),
    (
        "SR",
        "content_type name_label name_description tags other_config sm_config current_operations SR_type size
         physical_usage usage allocationStrategy inMaintenanceMode shared VDIs $PBDs $container",
    ),
    (
        "VDI",
        "cbt_enabled missing name_label name_description tags other_config current_operations parent image_format size
         usage VDI_type snapshots $SR $VBDs snapshot_time $snapshot_of chainPhysicalUsage",
    ),
    ("VBD", "attached bootable device is_cd_drive position read_only VDI VM"),
    (
        "VIF",
        "allowedIpv4Addresses allowedIpv6Addresses device lockingMode MAC other_config MTU attached txChecksumming
         rateLimit $network $VM",
    ),
    (
        "network",
        "automatic bridge name_label name_description tags other_config current_operations defaultIsLocked MTU PIFs VIFs
         nbd insecureNbd isBonded",
    ),
    ("PBD", "attached host SR device_config otherConfig"),
    (
        "PIF",
        "attached isBondMaster isBondSlave bondMaster bondSlaves device deviceName dns gateway ip ipv6 netmask mac mode
         ipv6Mode primaryAddressType disallowUnplug management physical carrier mtu vlan speed $host $network",
    ),
    ("Bond", "master mode"),
    (
        "SM",
        "name_label name_description SM_type configuration vendor features driver_filename required_cluster_stack
         supported_image_formats",
    ),
    ("message", "body name time $object"),
    (
        "task",
        "allowedOperations created finished current_operations name_label name_description progress result status xapiRef
         applies_to $host",
    ),
    ("host_patch", "applied enforceHomogeneity description name pool_patch size guidance time $host"),
    ("pool_patch", "dataUuid description guidance name size $host_patches"),
    ("PCI", "class_name device_name pci_id $host"),
    (
        "PGPU",
        "dom0Access enabledVgpuTypes gpuGroup isSystemDisplayDevice pci supportedVgpuMaxCapcities supportedVgpuTypes host
         $host vgpus $vgpus",
    ),
    (
        "GPU_group",
        "allocation enabledVgpuTypes gpuTypes name_label name_description otherConfig pgpus supportedVgpuTypes vgpus",
    ),
    ("VGPU", "currentlyAttached device gpuGroup otherConfig resident_on vgpuType vm"),
    (
        "VGPU_type",
        "experimental framebufferSize gpuGroups maxHeads maxResolutionX maxResolutionY modelName pgpus vendorName vgpus",
    ),
    ("VTPM", "vm"),
    ("PUSB", "description host passthroughEnabled speed usbGroup vendorId version"),
    ("VUSB", "vm currentlyAttached usbGroup"),
    ("USB_group", "PUSBs VUSBs"),
];

#[rustfmt::skip]
const EXPECTED: &[(&str, &str, &str)] = &[
    ("pool", "id", r#""pool-uuid""#),
    ("pool", "type", r#""pool""#),
    ("pool", "uuid", r#""pool-uuid""#),
    ("pool", "$pool", r#""pool-uuid""#),
    ("pool", "$poolId", r#""pool-uuid""#),
    ("pool", "_xapiRef", r#""OpaqueRef:pool""#),
    ("pool", "auto_poweron", "true"),
    ("pool", "crashDumpSr", "-"),
    ("pool", "suspendSr", r#""nfs-uuid""#),
    ("pool", "default_SR", r#""nfs-uuid""#),
    ("pool", "current_operations", r#"{"OpaqueRef:task":"ha_enable"}"#),
    ("pool", "HA_enabled", "true"),
    ("pool", "haRebootVmOnInternalShutdown", "false"),
    ("pool", "haSrs", r#"["nfs-uuid"]"#),
    ("pool", "master", r#""host1-uuid""#),
    ("pool", "tags", r#"["eu"]"#),
    ("pool", "name_description", r#""The pool""#),
    ("pool", "name_label", r#""alpha""#),
    ("pool", "migrationCompression", "true"),
    ("pool", "otherConfig", r#"{"auto_poweron":"true"}"#),
    ("pool", "cpus", r#"{"cores":32,"sockets":2}"#),
    ("pool", "zstdSupported", "true"),
    ("pool", "vtpmSupported", "false"),
    ("pool", "platform_version", r#""3.4.0""#),

    ("host1", "type", r#""host""#),
    ("host1", "$pool", r#""pool-uuid""#),
    ("host1", "CPUs", r#"{"cpu_count":"16","socket_count":"1","vendor":"GenuineIntel"}"#),
    ("host1", "cpus", r#"{"cores":16,"sockets":1}"#),
    ("host2", "cpus", "{}"),
    ("host1", "address", r#""10.0.0.1""#),
    ("host1", "hostname", r#""alpha.example""#),
    ("host1", "bios_strings", r#"{"system-manufacturer":"Example"}"#),
    ("host1", "license_params", r#"{"expiry":"20380118T03:14:07Z","restrict_zstd_export":"false"}"#),
    ("host1", "license_server", r#"{"address":"localhost","port":"27000"}"#),
    ("host1", "logging", r#"{"syslog_destination":"10.0.0.9"}"#),
    ("host1", "name_label", r#""alpha""#),
    ("host1", "name_description", r#""First""#),
    ("host1", "tags", r#"["rack1"]"#),
    ("host1", "build", r#""cloud""#),
    ("host2", "build", "-"),
    ("host1", "version", r#""8.3.0""#),
    ("host1", "productBrand", r#""XCP-ng""#),
    ("host1", "chipset_info", r#"{"iommu":true}"#),
    ("host2", "chipset_info", "{}"),
    ("host1", "enabled", "true"),
    ("host1", "controlDomain", r#""dom0-uuid""#),
    ("host2", "controlDomain", "-"),
    ("host2", "current_operations", r#"{"OpaqueRef:task":"evacuate"}"#),
    ("host1", "iscsiIqn", r#""iqn.2026-08.example:alpha""#),
    ("host2", "iscsiIqn", r#""iqn.old""#),
    ("host1", "zstdSupported", "true"),
    ("host1", "license_expiry", "2147397247"),
    ("host2", "license_expiry", "null"),
    ("host1", "memory", r#"{"usage":33285996544,"size":34359738368}"#),
    ("host2", "memory", r#"{"usage":0,"size":0,"total":0}"#),
    ("host1", "multipathing", "true"),
    ("host2", "otherConfig", r#"{"iscsi_iqn":"iqn.old"}"#),
    ("host1", "patches", r#"["patch-uuid"]"#),
    ("host1", "supplementalPacks", r#"[{"author":"vendor","description":"Extra pack","guidance":["restartHost"],"hosts":["host1-uuid"],"name":"extra","size":7,"vdi":"disk-uuid","version":"1.2"}]"#),
    ("host2", "supplementalPacks", r#"[{"author":"xs","description":"Base Pack","name":"main","version":"7.0.0"}]"#),
    ("host1", "powerOnMode", r#""wake-on-lan""#),
    ("host1", "power_state", r#""Running""#),
    ("host2", "power_state", r#""Unknown""#),
    ("host1", "residentVms", r#"["dom0-uuid","12345678-aaaa-4aaa-8aaa-aaaaaaaaaaaa"]"#),
    ("host1", "startTime", "1724320800"),
    ("host2", "startTime", "null"),
    ("host1", "agentStartTime", "1724320860"),
    ("host1", "rebootRequired", "true"),
    ("host2", "rebootRequired", "true"),
    ("host1", "hvmCapable", "true"),
    ("host2", "hvmCapable", "false"),
    ("host1", "certificates", r#"[{"fingerprint":"AB:CD","notAfter":1727179200}]"#),
    ("host2", "certificates", "-"),
    ("host1", "PIFs", r#"["eth0-uuid","eth1-uuid","bond0-uuid"]"#),
    ("host1", "$PIFs", r#"["eth0-uuid","eth1-uuid","bond0-uuid"]"#),
    ("host1", "PCIs", r#"["pci-uuid"]"#),
    ("host1", "$PCIs", r#"["pci-uuid"]"#),
    ("host1", "PGPUs", r#"["pgpu-uuid"]"#),
    ("host1", "$PGPUs", r#"["pgpu-uuid"]"#),
    ("host1", "$PBDs", r#"["pbd-local-uuid","pbd-nfs1-uuid"]"#),

    ("win", "id", r#""12345678-aaaa-4aaa-8aaa-aaaaaaaaaaaa""#),
    ("win", "type", r#""VM""#),
    ("snap", "type", r#""VM-snapshot""#),
    ("orphan", "type", r#""VM-snapshot""#),
    ("tpl", "type", r#""VM-template""#),
    ("dom0", "type", r#""VM-controller""#),
    ("tpl", "id", r#""pool-uuid-tpl-uuid""#),
    ("tpl", "uuid", r#""tpl-uuid""#),
    ("tpl2", "id", r#""tpl2-uuid""#),
    ("win", "addresses", r#"{"0/ipv4/0":"10.0.0.50","0/ipv6/0":"fe80::1"}"#),
    ("linux", "addresses", "{}"),
    ("win", "mainIpAddress", r#""10.0.0.50""#),
    ("linux", "mainIpAddress", "-"),
    ("win", "affinityHost", r#""host2-uuid""#),
    ("linux", "affinityHost", "-"),
    ("win", "attachedPcis", r#"["0000:03:00.0","0000:04:00.0"]"#),
    ("linux", "attachedPcis", "-"),
    ("win", "auto_poweron", "true"),
    ("win", "bios_strings", r#"{"bios-vendor":"Xen"}"#),
    ("win", "blockedOperations", r#"{"destroy":"true"}"#),
    ("win", "boot", r#"{"firmware":"uefi","order":"cd"}"#),
    ("win", "xenStoreData", r#"{"vm-data":""}"#),
    ("linux", "other", r#"{"xo:resource_set":"not json"}"#),
    ("win", "tags", r#"["prod","web"]"#),
    ("win", "name_label", r#""win""#),
    ("win", "name_description", r#""Windows""#),
    ("win", "power_state", r#""Running""#),
    ("win", "CPUs", r#"{"max":8,"number":3}"#),
    ("linux", "CPUs", r#"{"max":2,"number":1}"#),
    ("dom0", "CPUs", r#"{"max":2,"number":1}"#),
    ("win", "creation", r#"{"date":"2024-01-01","template":"tpl","user":"u"}"#),
    ("linux", "creation", "-"),
    ("win", "current_operations", r#"{"task-uuid":"clean_reboot"}"#),
    ("win", "docker", r#"{"enabled":true,"containers":[{"entry":{"id":"c1"}}],"process":{"item":{"entry":{"id":"c1"}}},"version":{"Version":"1.9"}}"#),
    ("linux", "docker", "-"),
    ("win", "expNestedHvm", "false"),
    ("win", "isNestedVirtEnabled", "true"),
    ("linux", "isNestedVirtEnabled", "false"),
    ("win", "viridian", "true"),
    ("win", "secureBoot", "true"),
    ("win", "needsVtpm", "true"),
    ("win", "vulnerabilities", r#"{"xsa468":{"reason":"pv-driver-version-vulnerable","driver":"xenbus","version":"9.1.9.105"}}"#),
    ("linux", "vulnerabilities", r#"{"xsa468":false}"#),
    ("snap", "vulnerabilities", "-"),
    ("win", "high_availability", r#""restart""#),
    ("win", "isFirmwareSupported", "false"),
    ("linux", "isFirmwareSupported", "true"),
    ("win", "memory", r#"{"dynamic":[2147483648,4294967296],"static":[1073741824,8589934592],"size":4000,"usage":1000}"#),
    ("linux", "memory", r#"{"dynamic":[2,3],"static":[1,4],"size":3}"#),
    ("dom0", "memory", r#"{"dynamic":[2,3],"static":[1,4],"size":100}"#),
    ("win", "installTime", "null"),
    ("linux", "installTime", "-"),
    ("win", "startTime", "1727179200"),
    ("linux", "startTime", "-"),
    ("win", "notes", r#""mind the step""#),
    ("linux", "notes", "-"),
    ("win", "os_version", r#"{"name":"Windows Server","distro":"windows"}"#),
    ("linux", "os_version", "null"),
    ("win", "parent", r#""snap-uuid""#),
    ("linux", "parent", "-"),
    ("win", "hasVendorDevice", "true"),
    ("win", "resourceSet", r#""set-1""#),
    ("linux", "resourceSet", "-"),
    ("win", "snapshots", r#"["snap-uuid"]"#),
    ("win", "startDelay", "30"),
    ("win", "suspendSr", r#""nfs-uuid""#),
    ("linux", "suspendSr", "-"),
    ("win", "VIFs", r#"["vif-uuid"]"#),
    ("win", "VTPMs", r#"["vtpm-uuid"]"#),
    ("win", "$VBDs", r#"["vbd-uuid","cd-uuid"]"#),
    ("win", "VGPUs", r#"["vgpu-uuid"]"#),
    ("win", "$VGPUs", r#"["vgpu-uuid"]"#),
    ("win", "virtualizationMode", r#""hvm""#),
    ("linux", "virtualizationMode", r#""pv""#),
    ("win", "xenTools", r#"{"major":9,"minor":4,"version":9.4}"#),
    ("linux", "xenTools", "-"),
    ("dom0", "xenTools", "false"),
    ("win", "managementAgentDetected", "true"),
    ("dom0", "managementAgentDetected", "-"),
    ("win", "pvDriversDetected", "true"),
    ("win", "pvDriversVersion", r#""9.4.0-146""#),
    ("win", "pvDriversUpToDate", "true"),
    ("win", "$container", r#""host1-uuid""#),
    ("linux", "$container", r#""host2-uuid""#),
    ("snap", "$container", r#""pool-uuid""#),
    ("win", "nicType", r#""e1000""#),
    ("linux", "nicType", "-"),
    ("win", "vga", r#""std""#),
    ("tpl", "vga", r#""cirrus""#),
    ("linux", "vga", "-"),
    ("win", "videoram", "16"),
    ("tpl", "videoram", "4"),
    ("linux", "videoram", "-"),
    ("win", "coresPerSocket", "2"),
    ("linux", "coresPerSocket", "-"),
    ("win", "cpuCap", "50"),
    ("win", "cpuWeight", "512"),
    ("win", "cpuMask", "[0,2,3]"),
    ("linux", "cpuMask", "-"),
    ("win", "PV_args", "-"),
    ("linux", "PV_args", r#""quiet""#),
    ("snap", "snapshot_time", "1727179200"),
    ("orphan", "snapshot_time", "null"),
    ("win", "snapshot_time", "-"),
    ("snap", "$snapshot_of", r#""12345678-aaaa-4aaa-8aaa-aaaaaaaaaaaa""#),
    ("orphan", "$snapshot_of", "-"),
    ("snap", "suspendVdi", r#""disk-uuid""#),
    ("orphan", "suspendVdi", "-"),
    ("tpl", "isDefaultTemplate", "true"),
    ("tpl2", "isDefaultTemplate", "false"),
    ("win", "isDefaultTemplate", "-"),
    ("tpl", "template_info", r#"{"arch":"x86_64","disks":[{"bootable":true,"device":"0","size":10737418240,"type":"system","SR":""}],"install_methods":["cdrom","http"],"install_repository":"http://example"}"#),
    ("tpl2", "template_info", r#"{"disks":[],"install_methods":[]}"#),
    ("snap", "template_info", "-"),

    ("local", "type", r#""SR""#),
    ("local", "content_type", r#""user""#),
    ("local", "name_label", r#""Local""#),
    ("local", "name_description", r#""Local storage""#),
    ("local", "tags", r#"["fast"]"#),
    ("local", "other_config", r#"{"xo:maintenanceState":"{}"}"#),
    ("local", "sm_config", r#"{"devserial":"x"}"#),
    ("local", "current_operations", r#"{"OpaqueRef:task":"scan"}"#),
    ("local", "SR_type", r#""ext""#),
    ("local", "size", "1000"),
    ("local", "physical_usage", "600"),
    ("local", "usage", "900"),
    ("local", "allocationStrategy", r#""thin""#),
    ("lvm", "allocationStrategy", r#""thick""#),
    ("linstor", "allocationStrategy", r#""thin""#),
    ("iso", "allocationStrategy", "-"),
    ("local", "inMaintenanceMode", "true"),
    ("nfs", "inMaintenanceMode", "false"),
    ("nfs", "shared", "true"),
    ("nfs", "VDIs", r#"["disk-uuid","disk-snap-uuid","base-uuid"]"#),
    ("nfs", "$PBDs", r#"["pbd-nfs1-uuid"]"#),
    ("local", "$container", r#""host2-uuid""#),
    ("nfs", "$container", r#""pool-uuid""#),

    ("disk", "type", r#""VDI""#),
    ("disk-snap", "type", r#""VDI-snapshot""#),
    ("base", "type", r#""VDI-unmanaged""#),
    ("disk", "cbt_enabled", "true"),
    ("local-disk", "missing", "true"),
    ("disk", "name_label", r#""disk""#),
    ("disk", "name_description", r#""System disk""#),
    ("disk", "tags", r#"["sys"]"#),
    ("disk", "other_config", r#"{"k":"v"}"#),
    ("disk", "current_operations", r#"{"OpaqueRef:task":"resize"}"#),
    ("disk", "parent", r#""base-uuid""#),
    ("base", "parent", "-"),
    ("disk", "image_format", r#""vhd""#),
    ("base", "image_format", "-"),
    ("disk", "size", "10737418240"),
    ("disk", "usage", "300"),
    ("disk", "VDI_type", r#""user""#),
    ("disk", "snapshots", r#"["disk-snap-uuid"]"#),
    ("disk", "$SR", r#""nfs-uuid""#),
    ("disk", "$VBDs", r#"["vbd-uuid"]"#),
    ("disk-snap", "snapshot_time", "1727179200"),
    ("disk", "snapshot_time", "-"),
    ("disk-snap", "$snapshot_of", r#""disk-uuid""#),
    ("disk", "chainPhysicalUsage", "1000"),
    ("disk-snap", "chainPhysicalUsage", "-"),
    ("base", "chainPhysicalUsage", "-"),

    ("vbd", "type", r#""VBD""#),
    ("vbd", "attached", "true"),
    ("vbd", "bootable", "true"),
    ("vbd", "device", r#""xvda""#),
    ("cd", "device", "null"),
    ("cd", "is_cd_drive", "true"),
    ("cd", "position", r#""3""#),
    ("cd", "read_only", "true"),
    ("vbd", "VDI", r#""disk-uuid""#),
    ("empty", "VDI", "-"),
    ("vbd", "VM", r#""12345678-aaaa-4aaa-8aaa-aaaaaaaaaaaa""#),

    ("vif", "type", r#""VIF""#),
    ("vif", "allowedIpv4Addresses", r#"["10.0.0.50"]"#),
    ("vif", "allowedIpv6Addresses", r#"["fe80::1"]"#),
    ("vif", "device", r#""0""#),
    ("vif", "lockingMode", r#""locked""#),
    ("vif", "MAC", r#""aa:bb:cc:00:00:01""#),
    ("vif", "other_config", r#"{"ethtool-tx":"off"}"#),
    ("vif2", "MTU", "9000"),
    ("vif", "attached", "true"),
    ("vif", "txChecksumming", "false"),
    ("vif2", "txChecksumming", "true"),
    ("vif", "rateLimit", "1024"),
    ("vif2", "rateLimit", "-"),
    ("vif", "$network", r#""net-uuid""#),
    ("vif", "$VM", r#""12345678-aaaa-4aaa-8aaa-aaaaaaaaaaaa""#),

    ("net", "type", r#""network""#),
    ("net", "automatic", "true"),
    ("net", "bridge", r#""xenbr0""#),
    ("net", "name_label", r#""LAN""#),
    ("net", "name_description", r#""Office""#),
    ("net", "tags", r#"["lan"]"#),
    ("net", "other_config", r#"{"automatic":"true"}"#),
    ("net", "current_operations", r#"{"OpaqueRef:task":"attaching"}"#),
    ("net", "defaultIsLocked", "true"),
    ("net2", "defaultIsLocked", "false"),
    ("net", "MTU", "1500"),
    ("net", "PIFs", r#"["bond0-uuid"]"#),
    ("net", "VIFs", r#"["vif-uuid"]"#),
    // The record of net2 has neither list, as in old releases: both are made of who points at it.
    ("net2", "PIFs", r#"["vlan5-uuid"]"#),
    ("net2", "VIFs", r#"["vif2-uuid"]"#),
    ("net", "nbd", "true"),
    ("net2", "nbd", "-"),
    ("net", "insecureNbd", "false"),
    ("net", "isBonded", "true"),
    ("net2", "isBonded", "false"),

    ("pbd-nfs1", "type", r#""PBD""#),
    ("pbd-iso", "attached", "false"),
    ("pbd-nfs1", "host", r#""host1-uuid""#),
    ("pbd-nfs1", "SR", r#""nfs-uuid""#),
    ("pbd-nfs1", "device_config", r#"{"cifspassword":"* obfuscated *","chappassword_secret":"* obfuscated *","server":"10.0.0.8"}"#),
    ("pbd-local", "otherConfig", r#"{"x":"y"}"#),

    ("bond0", "type", r#""PIF""#),
    ("bond0", "attached", "true"),
    ("bond0", "isBondMaster", "true"),
    ("bond0", "isBondSlave", "false"),
    ("eth0", "isBondSlave", "true"),
    ("eth0", "bondMaster", r#""bond0-uuid""#),
    ("bond0", "bondMaster", "-"),
    ("bond0", "bondSlaves", r#"["eth0-uuid","eth1-uuid"]"#),
    ("eth0", "bondSlaves", "-"),
    ("bond0", "device", r#""bond0""#),
    ("bond0", "deviceName", r#""Example 10G""#),
    ("eth0", "deviceName", "-"),
    ("bond0", "dns", r#""10.0.0.53""#),
    ("bond0", "gateway", r#""10.0.0.254""#),
    ("bond0", "ip", r#""10.0.0.1""#),
    ("bond0", "ipv6", r#"["fe80::2"]"#),
    ("bond0", "netmask", r#""255.0.0.0""#),
    ("bond0", "mac", r#""00:00:00:00:00:00""#),
    ("bond0", "mode", r#""Static""#),
    ("bond0", "ipv6Mode", r#""Autoconf""#),
    ("bond0", "primaryAddressType", r#""IPv4""#),
    ("bond0", "disallowUnplug", "true"),
    ("bond0", "management", "true"),
    ("eth0", "physical", "true"),
    ("bond0", "carrier", "true"),
    ("eth0", "carrier", "false"),
    ("bond0", "mtu", "1500"),
    ("vlan5", "vlan", "5"),
    ("eth0", "vlan", "-1"),
    ("bond0", "speed", "10000"),
    ("eth0", "speed", "-"),
    ("bond0", "$host", r#""host1-uuid""#),
    ("bond0", "$network", r#""net-uuid""#),
    ("eth0", "$network", "-"),

    ("bond", "type", r#""bond""#),
    ("bond", "master", r#""bond0-uuid""#),
    ("bond", "mode", r#""balance-slb""#),

    ("sm", "type", r#""SM""#),
    ("sm", "name_label", r#""NFS VHD""#),
    ("sm", "name_description", r#""Stores disks as VHD files""#),
    ("sm", "SM_type", r#""nfs""#),
    ("sm", "configuration", r#"{"server":"hostname"}"#),
    ("sm", "vendor", r#""Example""#),
    ("sm", "features", r#"{"SR_PROBE":1,"VDI_CREATE":2}"#),
    ("sm-old", "features", "{}"),
    ("sm", "driver_filename", r#""/opt/xensource/sm/NFSSR""#),
    ("sm", "required_cluster_stack", r#"["corosync"]"#),
    ("sm", "supported_image_formats", r#"["vhd","qcow2"]"#),
    ("sm-old", "supported_image_formats", "[]"),

    ("message", "type", r#""message""#),
    ("message", "id", r#""message-uuid""#),
    ("message", "body", r#""<message>\"quoted\"</message>""#),
    ("message", "name", r#""VM_STARTED""#),
    ("message", "time", "1727179200"),
    ("message-gone", "time", "null"),
    ("message", "$object", r#""12345678-aaaa-4aaa-8aaa-aaaaaaaaaaaa""#),
    ("message-gone", "$object", r#""long-gone""#),

    ("task", "type", r#""task""#),
    ("task", "allowedOperations", r#"["cancel"]"#),
    ("task", "created", "1727179200"),
    ("task", "finished", "null"),
    ("task-done", "finished", "1727179200"),
    ("task", "current_operations", r#"{"OpaqueRef:task":"cancel"}"#),
    ("task", "name_label", r#""Async.VM.clean_reboot""#),
    ("task", "name_description", r#""Rebooting""#),
    ("task", "progress", "0.25"),
    ("task-done", "progress", "1"),
    ("task-done", "result", r#""<value></value>""#),
    ("task", "status", r#""pending""#),
    ("task", "xapiRef", r#""OpaqueRef:task""#),
    ("task", "applies_to", r#""12345678-aaaa-4aaa-8aaa-aaaaaaaaaaaa""#),
    ("task-done", "applies_to", "-"),
    ("task", "$host", r#""host1-uuid""#),
    ("task-done", "$host", "-"),

    ("patch", "type", r#""patch""#),
    ("patch", "applied", "true"),
    ("patch", "enforceHomogeneity", "true"),
    ("patch-alone", "enforceHomogeneity", "false"),
    ("patch", "description", r#""Hotfix""#),
    ("patch-alone", "description", r#""Nobody knows it""#),
    ("patch", "name", r#""XS65E001""#),
    ("patch-alone", "name", r#""alone""#),
    ("patch", "pool_patch", r#""OpaqueRef:poolpatch""#),
    ("patch-alone", "pool_patch", "-"),
    ("patch", "size", "2720"),
    ("patch", "guidance", r#"["restartHost"]"#),
    ("patch", "time", "1727179200"),
    ("patch-alone", "time", "null"),
    ("patch", "$host", r#""host1-uuid""#),

    ("poolpatch", "type", r#""pool_patch""#),
    ("poolpatch", "id", r#""OpaqueRef:poolpatch""#),
    ("poolpatch", "uuid", r#""OpaqueRef:poolpatch""#),
    ("poolpatch", "dataUuid", r#""file-uuid""#),
    ("poolpatch", "description", r#""Hotfix""#),
    ("poolpatch", "guidance", r#"["restartHost"]"#),
    ("poolpatch", "name", r#""XS65E001""#),
    ("poolpatch", "size", "2720"),
    ("poolpatch", "$host_patches", r#"["patch-uuid"]"#),

    ("pci", "type", r#""PCI""#),
    ("pci", "class_name", r#""Display controller""#),
    ("pci", "device_name", r#""Example GPU""#),
    ("pci", "pci_id", r#""0000:04:00.0""#),
    ("pci", "$host", r#""host1-uuid""#),

    ("pgpu", "type", r#""PGPU""#),
    ("pgpu", "dom0Access", r#""enabled""#),
    ("pgpu", "enabledVgpuTypes", r#"["vgputype-uuid"]"#),
    ("pgpu-old", "enabledVgpuTypes", "-"),
    ("pgpu", "gpuGroup", r#""gpugroup-uuid""#),
    ("pgpu-old", "gpuGroup", "-"),
    ("pgpu", "isSystemDisplayDevice", "true"),
    ("pgpu", "pci", r#""pci-uuid""#),
    ("pgpu", "supportedVgpuMaxCapcities", r#"{"vgputype-uuid":4}"#),
    ("pgpu", "supportedVgpuTypes", r#"["vgputype-uuid",null]"#),
    ("pgpu", "host", r#""host1-uuid""#),
    ("pgpu", "$host", r#""host1-uuid""#),
    ("pgpu", "vgpus", r#"["vgpu-uuid"]"#),
    ("pgpu", "$vgpus", r#"["vgpu-uuid"]"#),

    ("gpugroup", "type", r#""gpuGroup""#),
    ("gpugroup", "allocation", r#""depth_first""#),
    ("gpugroup", "enabledVgpuTypes", r#"["vgputype-uuid"]"#),
    ("gpugroup", "gpuTypes", r#"["10de/0ff2"]"#),
    ("gpugroup", "name_label", r#""Group of Example GPUs""#),
    ("gpugroup", "name_description", r#""All of them""#),
    ("gpugroup", "otherConfig", r#"{"g":"h"}"#),
    ("gpugroup", "pgpus", r#"["pgpu-uuid"]"#),
    ("gpugroup", "supportedVgpuTypes", r#"["vgputype-uuid"]"#),
    ("gpugroup", "vgpus", r#"["vgpu-uuid"]"#),

    ("vgpu", "type", r#""vgpu""#),
    ("vgpu", "currentlyAttached", "true"),
    ("vgpu", "device", r#""0""#),
    ("vgpu", "gpuGroup", r#""gpugroup-uuid""#),
    ("vgpu", "otherConfig", r#"{"i":"j"}"#),
    ("vgpu", "resident_on", r#""pgpu-uuid""#),
    ("vgpu", "vgpuType", r#""vgputype-uuid""#),
    ("vgpu", "vm", r#""12345678-aaaa-4aaa-8aaa-aaaaaaaaaaaa""#),

    ("vgputype", "type", r#""vgpuType""#),
    ("vgputype", "experimental", "true"),
    ("vgputype", "framebufferSize", "939524096"),
    ("vgputype", "gpuGroups", r#"["gpugroup-uuid"]"#),
    ("vgputype", "maxHeads", "2"),
    ("vgputype", "maxResolutionX", "2560"),
    ("vgputype", "maxResolutionY", "1600"),
    ("vgputype", "modelName", r#""GRID X1""#),
    ("vgputype", "pgpus", r#"["pgpu-uuid"]"#),
    ("vgputype", "vendorName", r#""Example""#),
    ("vgputype", "vgpus", r#"["vgpu-uuid"]"#),

    ("vtpm", "type", r#""VTPM""#),
    ("vtpm", "vm", r#""12345678-aaaa-4aaa-8aaa-aaaaaaaaaaaa""#),

    ("pusb", "type", r#""PUSB""#),
    ("pusb", "description", r#""SanDisk Corp. - Ultra""#),
    ("pusb", "host", r#""host1-uuid""#),
    ("pusb", "passthroughEnabled", "true"),
    ("pusb", "speed", "480"),
    ("pusb-old", "speed", "-"),
    ("pusb", "usbGroup", r#""usbgroup-uuid""#),
    ("pusb-old", "usbGroup", "-"),
    ("pusb", "vendorId", r#""0781""#),
    ("pusb", "version", r#""2.10""#),

    ("vusb", "type", r#""VUSB""#),
    ("vusb", "vm", r#""12345678-aaaa-4aaa-8aaa-aaaaaaaaaaaa""#),
    ("vusb", "currentlyAttached", "true"),
    ("vusb", "usbGroup", r#""usbgroup-uuid""#),

    ("usbgroup", "type", r#""USB_group""#),
    ("usbgroup", "PUSBs", r#"["pusb-uuid"]"#),
    ("usbgroup", "VUSBs", r#"["vusb-uuid"]"#),
];

#[test]
fn properties_are_as_upstream_has_them() {
    let (inventory, _writer) = connected(&modern());
    let snapshot = inventory.snapshot();
    let mut wrong = Vec::new();
    for (name, property, expected) in EXPECTED {
        let object = public(&snapshot, name);
        let expected: Option<Json> = (*expected != "-").then(|| serde_json::from_str(expected).expect(expected));
        if object.get(property) != expected.as_ref() {
            wrong.push(format!("{name}.{property}: {:?}, expected {expected:?}", object.get(property)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn family(kind: Kind) -> &'static str {
    kind.class()
}

fn properties_of(class: &str) -> BTreeSet<&'static str> {
    let own = PROPERTIES.iter().find(|(name, _)| *name == class).expect("the class is in the table").1;
    own.split_whitespace().collect()
}

#[test]
fn every_kind_is_there() {
    let (inventory, _writer) = connected(&modern());
    for &kind in Kind::ALL {
        assert!(inventory.snapshot().count(kind) > 0, "no {kind} in the fixture");
        assert!(PROPERTIES.iter().any(|(class, _)| *class == kind.class()), "no properties of {kind}");
    }
    assert_eq!(Kind::ALL.len(), 30);
}

#[test]
fn every_property_has_a_line() {
    let (inventory, _writer) = connected(&modern());
    let snapshot = inventory.snapshot();
    for (class, _) in PROPERTIES {
        for property in properties_of(class) {
            let tested = EXPECTED.iter().any(|(name, tested, expected)| {
                let object = snapshot.by_ref(&format!("OpaqueRef:{name}")).expect("the record is in the fixture");
                *tested == property
                    && family(object.kind()) == *class
                    && (*expected != "-" || property == "crashDumpSr")
            });
            assert!(tested, "{class}.{property} has no line");
        }
    }
}

#[test]
fn nothing_else_is_shown() {
    let dumps = ["xs56-singlehost-8vms-15snaps", "xs56fp1-pool2-bonds-vlans-tunnels", "xs61-pool2-snapshots"];
    for pool in dumps.iter().map(|name| recorded(name)).chain([modern()]) {
        let (inventory, _writer) = connected(&pool);
        for object in inventory.snapshot().iter() {
            let mut allowed = properties_of(family(object.kind()));
            allowed.extend(COMMON.split(' '));
            let value: Json = serde_json::from_str(&object.to_json()).expect("objects are JSON");
            for property in value.as_object().expect("an object").keys() {
                assert!(allowed.contains(property.as_str()), "{} has {property}", object.kind());
            }
        }
    }
}

#[test]
fn numbers_are_whole() {
    let (inventory, _writer) = connected(&modern());
    for object in inventory.snapshot().iter() {
        check(&serde_json::from_str(&object.to_json()).expect("objects are JSON"), "");
    }

    fn check(value: &Json, path: &str) {
        match value {
            // `9.4` is upstream's way to write a version; a task's progress is a fraction.
            Json::Number(number) => {
                assert!(
                    number.is_i64() || path.ends_with("xenTools/version") || path == "/progress",
                    "{path}: {number}"
                );
            }
            Json::Array(items) => items.iter().for_each(|item| check(item, path)),
            Json::Object(members) => members.iter().for_each(|(name, value)| check(value, &format!("{path}/{name}"))),
            _ => {}
        }
    }
}
