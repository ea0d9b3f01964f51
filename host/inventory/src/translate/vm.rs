//! VMs, templates, snapshots, control domains.

use std::sync::LazyLock;

use model::object::{GuestAgent, Memory, PowerState, SnapshotInfo, TemplateDisk, TemplateInfo, Vcpus, Vm, XenTools};
use model::{Kind, Object, ObjectId, Packed, Refs, Text};
use serde_json::{Value as Json, json};

use super::vulnerable::Drivers;
use super::{Draft, GuestMetrics, Links, VmMetrics, disk_host, head, id, xml};
use crate::reader::Reader;
use crate::record::{Record, seconds, version_at_least};
use crate::slot::{Interest, List, Slot};
use crate::table::Table;

/// From this platform version of the master on, nested virtualisation has a setting of its own.
const NESTED_VIRT_SINCE: &[u32] = &[3, 4];

/// `platform.device_id` of Windows guests with the vendor's PV drivers.
const WINDOWS_DEVICE: &str = "0002";

pub(crate) struct VmLinks {
    pub(crate) resident_on: Option<Slot>,
    pub(crate) snapshots: List,
    pub(crate) vifs: List,
    pub(crate) vbds: List,
    /// Of templates.
    pub(crate) template: Option<Box<TemplateInfo>>,
    snapshot_of: Option<Slot>,
    affinity: Option<Slot>,
    metrics: Option<Slot>,
    guest_metrics: Option<Slot>,
    parent: Option<Slot>,
    suspend_sr: Option<Slot>,
    suspend_vdi: Option<Slot>,
    vtpms: List,
    vgpus: List,
    /// Task and what it does.
    operations: Box<[(Slot, Text)]>,
    snapshot_time: Option<i64>,
    vcpus_at_startup: i64,
    is_control_domain: bool,
    is_a_snapshot: bool,
    is_a_template: bool,
    nested_virt: bool,
    is_windows: bool,
}

pub(super) fn decode(record: Record<'_>, reader: &mut Reader<'_>) -> Draft {
    let platform = |key: &str| record.flag("platform", key);
    let mode = virtualization_mode(record);
    let hvm = mode == "hvm";
    // Carries a seed for MAC addresses, so no two VMs have the same; but it seldom changes.
    let last = reader.last();
    let last = last.as_deref().and_then(Object::as_vm);
    let other = reader.own_map(record, "other_config", last.map(|last| &last.other));
    let creation = match last {
        Some(last) if last.other == other => last.creation.clone(),
        _ => creation(record),
    };
    let mut vm = Vm {
        head: head(Kind::Vm, reader),
        name_label: record.str("name_label").into(),
        name_description: reader.text(record.str("name_description")),
        tags: reader.texts(record.list("tags")),
        power_state: PowerState::from(record.opt_str("power_state").unwrap_or("Halted")),
        auto_poweron: record.flag("other_config", "auto_poweron"),
        bios_strings: reader.map(record, "bios_strings"),
        blocked_operations: reader.map(record, "blocked_operations"),
        boot: reader.map(record, "HVM_boot_params"),
        xenstore_data: reader.map(record, "xenstore_data"),
        other,
        cpus: Vcpus { max: record.int("VCPUs_max"), number: 0 },
        creation,
        exp_nested_hvm: platform("exp-nested-hvm"),
        viridian: platform("viridian"),
        secure_boot: platform("secureboot"),
        needs_vtpm: platform("vtpm"),
        high_availability: reader.text(record.str("ha_restart_priority")),
        is_firmware_supported: is_firmware_supported(record),
        memory: Memory {
            dynamic: [record.int("memory_dynamic_min"), record.int("memory_dynamic_max")],
            fixed: [record.int("memory_static_min"), record.int("memory_static_max")],
            size: 0,
            usage: None,
        },
        has_vendor_device: record.bool("has_vendor_device"),
        start_delay: record.int("start_delay"),
        virtualization_mode: reader.text(mode),
        vga: hvm.then(|| reader.text(record.entry("platform", "vga").unwrap_or("cirrus"))),
        videoram: hvm.then(|| record.number("platform", "videoram").unwrap_or(4)),
        cores_per_socket: record.number("platform", "cores-per-socket"),
        // All of these depend on other records and are filled in by `resolve`.
        addresses: Packed::empty(),
        main_ip_address: None,
        current_operations: Packed::empty(),
        is_nested_virt_enabled: false,
        vulnerabilities: None,
        install_time: None,
        start_time: None,
        os_version: None,
        snapshots: Refs::default(),
        vifs: Refs::default(),
        vbds: Refs::default(),
        xen_tools: XenTools::Unknown,
        guest_agent: None,
        container: None,
        more: None,
    };
    vm.edit_rare(|rare| {
        rare.attached_pcis = record.entry("other_config", "pci").map(|pci| reader.texts(pci_ids(pci)));
        rare.docker = docker(record);
        rare.notes = reader.opt_text(record.entry("other_config", "xo:notes"));
        rare.resource_set = resource_set(record).map(|set| reader.text(&set));
        rare.nic_type = reader.opt_text(record.entry("platform", "nic_type"));
        rare.cpu_cap = record.number("VCPUs_params", "cap");
        rare.cpu_weight = record.number("VCPUs_params", "weight");
        rare.cpu_mask = record.entry("VCPUs_params", "mask").map(numbers);
        rare.pv_args = if hvm { None } else { reader.opt_text(record.opt_str("PV_args")) };
    });
    let links = links(record, reader);
    Draft { object: Some(Object::Vm(Box::new(vm))), links: Links::Vm(Box::new(links)) }
}

fn links(record: Record<'_>, reader: &mut Reader<'_>) -> VmLinks {
    let is_a_template = record.bool("is_a_template");
    let operations = record.pairs("current_operations");
    let operations = operations
        .filter_map(|(task, operation)| Some((reader.watch(Some(task), Interest::Id)?, reader.text(operation))))
        .collect();
    VmLinks {
        resident_on: reader.watch(record.reference("resident_on"), Interest::Id),
        snapshots: reader.list(record, "snapshots", Interest::Id),
        vifs: reader.list(record, "VIFs", Interest::Id),
        vbds: reader.list(record, "VBDs", Interest::Content),
        template: is_a_template.then(|| Box::new(template_info(record, reader))),
        snapshot_of: reader.watch(record.reference("snapshot_of"), Interest::Id),
        affinity: reader.watch(record.reference("affinity"), Interest::Id),
        metrics: reader.watch(record.reference("metrics"), Interest::Content),
        guest_metrics: reader.watch(record.reference("guest_metrics"), Interest::Content),
        parent: reader.watch(record.reference("parent"), Interest::Id),
        suspend_sr: reader.watch(record.reference("suspend_SR"), Interest::Id),
        suspend_vdi: reader.watch(record.reference("suspend_VDI"), Interest::Id),
        vtpms: reader.watch_all(record.list("VTPMs"), Interest::Id),
        vgpus: reader.watch_all(record.list("VGPUs"), Interest::Id),
        operations,
        snapshot_time: record.opt_str("snapshot_time").and_then(seconds),
        vcpus_at_startup: record.int("VCPUs_at_startup"),
        is_control_domain: record.bool("is_control_domain"),
        is_a_snapshot: record.bool("is_a_snapshot"),
        is_a_template,
        nested_virt: record.flag("platform", "nested-virt"),
        is_windows: record.entry("platform", "device_id") == Some(WINDOWS_DEVICE),
    }
}

fn virtualization_mode<'a>(record: Record<'a>) -> &'a str {
    match record.str("domain_type") {
        "" | "unspecified" if record.str("HVM_boot_policy").is_empty() => "pv",
        "" | "unspecified" => "hvm",
        mode => mode,
    }
}

/// `0/0000:00:02.0,0/0000:00:03.0`: what stands behind the slash.
fn pci_ids(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').filter_map(|item| item.split('/').nth(1))
}

fn numbers(list: &str) -> Box<[i64]> {
    list.split(',').filter_map(|item| item.trim().parse().ok()).collect()
}

/// Returns who made the VM, when and of what: the part `creation` of the JSON under `xo:<first 8 of the UUID>`. Copies
/// of a VM have another UUID, so they do not inherit it.
fn creation(record: Record<'_>) -> Option<Packed> {
    let key = format!("xo:{}", record.str("uuid").get(..8)?);
    let data: Json = serde_json::from_str(record.entry("other_config", &key)?).ok()?;
    data.get("creation").filter(|creation| creation.is_object()).map(Packed::value)
}

fn resource_set(record: Record<'_>) -> Option<String> {
    serde_json::from_str(record.entry("other_config", "xo:resource_set")?).ok()
}

fn docker(record: Record<'_>) -> Option<Packed> {
    let enabled = record.entry("other_config", "xscontainer-monitor")?.eq_ignore_ascii_case("true");
    if !enabled {
        return Some(Packed::value(&json!({"enabled": false})));
    }
    let part = |name: &str| Some(xml::tree(record.entry("other_config", name)?)?.get_mut(name)?.take());
    let process = part("docker_ps");
    let containers = match process.as_ref().and_then(|process| process.get("item")) {
        Some(Json::Array(items)) => items.clone(),
        Some(item) => vec![item.clone()],
        None => Vec::new(),
    };
    let mut docker = json!({"enabled": true, "containers": containers});
    for (name, value) in [("info", part("docker_info")), ("process", process), ("version", part("docker_version"))] {
        if let Some(value) = value {
            docker[name] = value;
        }
    }
    Some(Packed::value(&docker))
}

/// The recommendations may say of a firmware that it does not work: `supports-uefi` = `no`.
fn is_firmware_supported(record: Record<'_>) -> bool {
    let recommendations = record.str("recommendations");
    // Nearly all VMs say nothing about it; that is not worth a parser.
    if !recommendations.contains("supports-") {
        return true;
    }
    let firmware = record.entry("HVM_boot_params", "firmware").unwrap_or("bios");
    let field = format!("supports-{firmware}");
    let restrictions = xml::elements(recommendations, "restriction");
    let own = restrictions.iter().find(|restriction| xml::attribute(restriction, "field") == Some(&field));
    own.and_then(|restriction| xml::attribute(restriction, "value")) != Some("no")
}

fn template_info(record: Record<'_>, reader: &mut Reader<'_>) -> TemplateInfo {
    let other = |key: &str| record.entry("other_config", key);
    let disks = xml::elements(other("disks").unwrap_or_default(), "disk");
    let disks = disks.iter().map(|disk| {
        let text = |name| xml::attribute(disk, name).unwrap_or_default();
        TemplateDisk {
            bootable: text("bootable") == "true",
            device: reader.text(text("device")),
            size: text("size").parse().unwrap_or_default(),
            disk_type: reader.text(text("type")),
            sr: reader.text(text("sr")),
        }
    });
    let disks = disks.collect();
    let methods = other("install-methods").unwrap_or_default().split(',').map(str::trim);
    TemplateInfo {
        disks,
        arch: reader.opt_text(other("install-arch")),
        install_methods: reader.texts(methods.filter(|method| !method.is_empty())),
        install_repository: reader.opt_text(other("install-repository")),
        // Releases from 7.2 on have a field for it, older ones a flag; a snapshot of a default template is none.
        is_default: (record.bool("is_default_template") || other("default_template") == Some("true"))
            && !record.bool("is_a_snapshot"),
    }
}

pub(super) fn resolve(table: &Table, slot: Slot, vm: &mut Vm, links: &VmLinks) {
    let metrics = match table.links(links.metrics) {
        Some(Links::VmMetrics(metrics)) => Some(&**metrics),
        _ => None,
    };
    let guest = match table.links(links.guest_metrics) {
        Some(Links::GuestMetrics(guest)) => Some(&**guest),
        _ => None,
    };
    let running = vm.power_state.is_running();
    resolve_kind(table, slot, vm, links);
    resolve_lists(table, slot, vm, links);
    resolve_state(vm, running, metrics, guest, links);

    vm.container = container(table, slot, links);
    let has_setting = table.master_version().is_some_and(|version| version_at_least(version, NESTED_VIRT_SINCE));
    vm.is_nested_virt_enabled = if has_setting { links.nested_virt } else { vm.exp_nested_hvm };
    vm.vulnerabilities = (vm.head.kind == Kind::Vm).then(|| vulnerabilities(links, running, guest));
}

fn resolve_kind(table: &Table, slot: Slot, vm: &mut Vm, links: &VmLinks) {
    let of = id(table, links.snapshot_of);
    vm.head.kind = if links.is_control_domain {
        Kind::VmController
    } else if links.is_a_snapshot || of.is_some() {
        Kind::VmSnapshot
    } else if links.is_a_template {
        Kind::VmTemplate
    } else {
        Kind::Vm
    };
    let kind = vm.head.kind;
    vm.edit_rare(|rare| {
        rare.snapshot = (kind == Kind::VmSnapshot).then(|| SnapshotInfo {
            time: links.snapshot_time,
            of,
            suspend_vdi: id(table, links.suspend_vdi),
        });
        rare.template = links.template.as_deref().filter(|_| kind == Kind::VmTemplate).cloned();
        rare.affinity_host = id(table, links.affinity);
        rare.parent = id(table, links.parent);
        rare.suspend_sr = id(table, links.suspend_sr);
        rare.vtpms = table.known(slot, links.vtpms);
        rare.vgpus = table.known(slot, links.vgpus);
    });
}

fn resolve_lists(table: &Table, slot: Slot, vm: &mut Vm, links: &VmLinks) {
    vm.snapshots =
        table.list(slot, links.snapshots, |links, of| matches!(links, Links::Vm(vm) if vm.snapshot_of == Some(of)));
    vm.vifs = table.list(slot, links.vifs, |links, of| matches!(links, Links::Vif(vif) if vif.vm == Some(of)));
    vm.vbds = table.list(slot, links.vbds, is_vbd_of);
    let operations: Vec<(ObjectId, &Text)> =
        links.operations.iter().filter_map(|(task, operation)| Some((table.id(*task)?, operation))).collect();
    vm.current_operations = Packed::map(operations.iter().map(|(task, operation)| (task.as_str(), &***operation)));
}

fn is_vbd_of(links: &Links, vm: Slot) -> bool {
    matches!(links, Links::Vbd(vbd) if vbd.vm == Some(vm))
}

fn resolve_state(
    vm: &mut Vm,
    running: bool,
    metrics: Option<&VmMetrics>,
    guest: Option<&GuestMetrics>,
    links: &VmLinks,
) {
    vm.install_time = metrics.map(|metrics| metrics.install_time);
    vm.start_time = metrics.map(|metrics| metrics.start_time);
    vm.addresses = guest.map_or_else(Packed::empty, |guest| guest.addresses.clone());
    vm.main_ip_address = guest.and_then(|guest| guest.main_ip.clone());
    vm.os_version = guest.map(|guest| guest.os_version.clone());
    vm.xen_tools = if running && metrics.is_some() { tools(guest) } else { XenTools::Unknown };
    let has_tools = matches!(vm.xen_tools, XenTools::Version { .. });
    let now = metrics.and_then(|metrics| metrics.vcpus).filter(|_| running && has_tools);
    vm.cpus.number = now.unwrap_or(links.vcpus_at_startup);
    vm.guest_agent = guest.filter(|_| running && metrics.is_some()).map(agent);

    let dynamic_max = vm.memory.dynamic[1];
    let said = guest.filter(|_| running).and_then(|guest| Some((guest.memory_used?, guest.memory_total?)));
    (vm.memory.size, vm.memory.usage) = match (said, metrics) {
        (Some((used, total)), _) => (total, Some(used)),
        (None, Some(metrics)) if running => (metrics.memory.unwrap_or(dynamic_max), None),
        _ => (dynamic_max, None),
    };
}

fn tools(guest: Option<&GuestMetrics>) -> XenTools {
    let version = guest.and_then(|guest| {
        let (major, minor) = (guest.major.as_deref()?, guest.minor.as_deref()?);
        Some(XenTools::Version { major: major.parse().ok()?, minor: minor.parse().ok()? })
    });
    version.unwrap_or(XenTools::Missing)
}

fn agent(guest: &GuestMetrics) -> GuestAgent {
    let has_version = guest.drivers_version.is_some();
    GuestAgent {
        agent_detected: has_version || guest.static_ip_setting,
        drivers_detected: guest.drivers_detected || has_version,
        drivers_version: guest.drivers_version.clone(),
        drivers_up_to_date: guest.drivers_up_to_date,
    }
}

fn container(table: &Table, slot: Slot, links: &VmLinks) -> Option<ObjectId> {
    let host = id(table, links.resident_on);
    let local = || table.slots_of(slot, links.vbds, is_vbd_of).into_iter().find_map(|vbd| disk_host(table, vbd));
    host.or_else(local).or_else(|| table.pool_id().cloned())
}

fn vulnerabilities(links: &VmLinks, running: bool, guest: Option<&GuestMetrics>) -> Packed {
    static NONE: LazyLock<Packed> = LazyLock::new(|| Packed::value(&json!({"xsa468": false})));
    let verdict = match guest.map(|guest| &guest.drivers) {
        _ if !links.is_windows => return NONE.clone(),
        Some(Drivers::Vulnerable(hole)) => {
            json!({"reason": "pv-driver-version-vulnerable", "driver": hole.driver, "version": hole.version})
        }
        Some(Drivers::Unknown) | None if running => json!({"reason": "no-pv-drivers-detected"}),
        // A halted guest says nothing; that is no reason to warn.
        Some(Drivers::Fine | Drivers::Unknown) | None => return NONE.clone(),
    };
    Packed::value(&json!({"xsa468": verdict}))
}
