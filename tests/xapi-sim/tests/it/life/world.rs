//! The pool of the tables: two hosts, storage of four kinds, three networks, and a VM with everything.

use std::{sync::LazyLock, time::Duration};

use serde_json::{Value, json};
use xapi_sim::{Delays, Dump, Options};

use crate::client::Client;

/// The data model, as the simulator has it.
pub static MODEL: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../data/datamodel.json")).expect("it is JSON"));

/// Is it a field that clients see?
pub fn visible(class: &str, field: &str) -> bool {
    let field = &MODEL["classes"][class]["fields"][field];
    !field.is_null() && field["internal"] != true
}

/// The reference with this name.
pub fn r(name: &str) -> String {
    format!("OpaqueRef:{name}")
}

const GIB: i64 = 1 << 30;

/// Everything takes no time, and nothing waits for what is in its way.
pub fn options() -> Options {
    let delays = Delays {
        operation: Duration::ZERO,
        guest_tools: Duration::from_secs(3600),
        busy_limit: Duration::ZERO,
        event_before: Duration::ZERO,
        power_off: Duration::ZERO,
        boot: Duration::ZERO,
        ..Delays::default()
    };
    Options { dump: Dump::Json(Box::new(dump())), delays, ..Options::default() }
}

fn features(names: &str) -> Value {
    Value::Object(names.split(' ').map(|name| (name.to_owned(), json!(1))).collect())
}

fn vm(name: &str, more: Value) -> (String, Value) {
    let mut vm = json!({
        "uuid": format!("uuid-{name}"), "name_label": name, "power_state": "Halted", "domid": -1, "domain_type": "hvm",
        "HVM_boot_policy": "BIOS order", "metrics": r(&format!("{name}.metrics")), "memory_static_max": GIB,
        "memory_dynamic_max": GIB, "memory_dynamic_min": GIB, "memory_static_min": GIB / 2, "VCPUs_max": 2,
        "VCPUs_at_startup": 1, "other_config": {"mac_seed": "seed"}, "generation_id": "1:2", "tags": ["t"],
    });
    for (field, value) in more.as_object().into_iter().flatten() {
        vm[field] = value.clone();
    }
    (r(name), vm)
}

/// The pool's records.
pub fn dump() -> Value {
    let host = |name: &str, address: &str| {
        json!({
            "uuid": format!("uuid-{name}"), "name_label": name, "hostname": name, "address": address, "enabled": true,
            "metrics": r(&format!("{name}.metrics")), "control_domain": r(&format!("{name}.dom0")),
            "other_config": {"agent_start_time": "1.", "boot_time": "1."},
        })
    };
    let metrics = json!({"memory_total": 64 * GIB, "memory_free": 32 * GIB, "live": true});
    let sr = |kind: &str, content: &str, shared: bool| {
        json!({
            "uuid": format!("uuid-{kind}"), "name_label": kind, "type": kind, "content_type": content, "shared": shared,
            "physical_size": 100 * GIB, "physical_utilisation": 10 * GIB, "virtual_allocation": 10 * GIB,
        })
    };
    let pbd = |host: &str, sr: &str| json!({"host": r(host), "SR": r(sr), "currently_attached": true, "device_config": {"d": sr}});
    let vdi = |name: &str, sr: &str| {
        json!({
            "uuid": format!("uuid-{name}"), "name_label": name, "SR": r(sr), "virtual_size": GIB, "physical_utilisation": GIB / 2,
            "type": "user", "managed": true, "location": name, "sm_config": {},
        })
    };
    let disk = |vm: &str, vdi: &str, number: &str| json!({"VM": r(vm), "VDI": r(vdi), "userdevice": number, "type": "Disk", "mode": "RW", "bootable": number == "0", "unpluggable": true});
    let drive =
        json!({"VM": r("vm"), "userdevice": "3", "type": "CD", "mode": "RO", "empty": true, "unpluggable": true});
    let vif = |vm: &str, network: &str, device: &str| json!({"VM": r(vm), "network": r(network), "device": device, "MAC": format!("02:00:00:00:00:0{device}"), "MTU": 1500});
    let network = |bridge: &str| json!({"name_label": bridge, "bridge": bridge, "MTU": 1500});
    let pif = |host: &str, network: &str, device: &str, address: Option<&str>| {
        json!({
            "host": r(host), "network": r(network), "device": device, "MAC": format!("02:00:00:01:0{}:0{}", &host[1..], &device[3..]),
            "VLAN": -1, "MTU": 1500, "physical": true, "managed": true, "currently_attached": true, "metrics": r(&format!("{host}.{device}.metrics")),
            "management": address.is_some(), "ip_configuration_mode": if address.is_some() { "Static" } else { "None" },
            "IP": address.unwrap_or_default(), "ipv6_configuration_mode": "None",
        })
    };
    let all = "VDI_CREATE VDI_DELETE VDI_CLONE VDI_SNAPSHOT VDI_RESIZE VDI_RESIZE_ONLINE VDI_UPDATE VDI_INTRODUCE VDI_GENERATE_CONFIG \
               VDI_MIRROR VDI_CONFIG_CBT VDI_RESET_ON_BOOT SR_UPDATE SR_PROBE";
    let dom0 = |host: &str| {
        let more = json!({
            "is_control_domain": true, "power_state": "Running", "domid": 0, "resident_on": r(host), "domain_type": "pv",
            "HVM_boot_policy": "",
        });
        vm(&format!("{host}.dom0"), more)
    };
    let template = json!({"is_a_template": true});
    let product = json!({"is_a_template": true, "is_default_template": true});
    let vms = [
        vm("vm", json!({"guest_metrics": r("vm.tools"), "suspend_SR": r("nfs")})),
        vm("bare", json!({})),
        vm("template", template),
        vm("product", product),
        dom0("h1"),
        dom0("h2"),
    ];
    let tools = json!({
        "PV_drivers_version": {"major": "9", "minor": "3", "micro": "0", "build": "1"}, "PV_drivers_detected": true, "live": true,
        "can_use_hotplug_vbd": "yes", "can_use_hotplug_vif": "yes", "other": {"feature-suspend": "1"},
    });
    let of_vm = json!({"current_domain_type": "unspecified"});
    json!({
        "pool": {r("pool"): {"uuid": "uuid-pool", "master": r("h1"), "default_SR": r("nfs"), "suspend_image_SR": r("nfs")}},
        "host": {r("h1"): host("h1", "10.0.0.1"), r("h2"): host("h2", "10.0.0.2")},
        "host_metrics": {r("h1.metrics"): metrics, r("h2.metrics"): metrics},
        "SM": {
            r("sm.nfs"): {"type": "nfs", "features": features(all)},
            r("sm.lvm"): {"type": "lvm", "features": features("VDI_CREATE VDI_DELETE VDI_CLONE VDI_SNAPSHOT VDI_RESIZE VDI_REVERT SR_UPDATE SR_PROBE")},
            r("sm.iso"): {"type": "iso", "features": features("VDI_ATTACH")},
            r("sm.udev"): {"type": "udev", "features": features("VDI_INTRODUCE VDI_UPDATE")},
        },
        "SR": {
            r("nfs"): sr("nfs", "user", true), r("lvm"): sr("lvm", "user", false), r("iso"): sr("iso", "iso", true),
            r("udev"): sr("udev", "disk", false),
        },
        "PBD": {
            r("h1.nfs"): pbd("h1", "nfs"), r("h2.nfs"): pbd("h2", "nfs"), r("h1.lvm"): pbd("h1", "lvm"), r("h1.iso"): pbd("h1", "iso"),
            r("h2.iso"): pbd("h2", "iso"), r("h1.udev"): pbd("h1", "udev"),
        },
        "VDI": {
            r("system"): vdi("system", "nfs"), r("spare"): vdi("spare", "nfs"), r("local"): vdi("local", "lvm"),
            r("image"): vdi("image", "iso"), r("stick"): vdi("stick", "udev"), r("bare.disk"): vdi("bare.disk", "nfs"),
        },
        "VM": vms.into_iter().collect::<serde_json::Map<_, _>>(),
        "VM_metrics": {
            r("vm.metrics"): of_vm, r("bare.metrics"): of_vm, r("template.metrics"): of_vm, r("product.metrics"): of_vm,
            r("h1.dom0.metrics"): of_vm, r("h2.dom0.metrics"): of_vm,
        },
        "VM_guest_metrics": {r("vm.tools"): tools},
        "VBD": {r("vm.0"): disk("vm", "system", "0"), r("vm.cd"): drive, r("bare.0"): disk("bare", "bare.disk", "0")},
        "VIF": {r("vm.eth0"): vif("vm", "net0", "0")},
        "network": {r("net0"): network("xenbr0"), r("net1"): network("xenbr1"), r("inner"): network("xapi0")},
        "PIF": {
            r("h1.eth0"): pif("h1", "net0", "eth0", Some("10.0.0.1")), r("h2.eth0"): pif("h2", "net0", "eth0", Some("10.0.0.2")),
            r("h1.eth1"): pif("h1", "net1", "eth1", None), r("h2.eth1"): pif("h2", "net1", "eth1", None),
        },
        "PIF_metrics": {
            r("h1.eth0.metrics"): {"carrier": true}, r("h2.eth0.metrics"): {"carrier": true}, r("h1.eth1.metrics"): {"carrier": true},
            r("h2.eth1.metrics"): {"carrier": true},
        },
    })
}

/// A client of a fresh pool.
pub async fn start() -> Client {
    Client::start(options()).await.expect("the pool starts")
}

/// Brings a VM to a power state by the verbs.
pub async fn bring(client: &Client, vm: &str, state: &str) -> anyhow::Result<()> {
    let verbs: &[(&str, Value)] = match state {
        "Paused" => &[("start", json!([vm, true, false]))],
        "Running" => &[("start", json!([vm, false, false]))],
        "Suspended" => &[("start", json!([vm, false, false])), ("suspend", json!([vm]))],
        _ => &[],
    };
    for (verb, params) in verbs {
        client.call(&format!("VM.{verb}"), params.clone()).await?;
        // The tools report when the test says so.
        if *verb == "start" {
            report(client, vm)?;
        }
    }
    assert_eq!(client.sim.record("VM", vm).expect("the VM")["power_state"], state);
    Ok(())
}

/// The guest's tools are there again after a start.
pub fn report(client: &Client, vm: &str) -> anyhow::Result<()> {
    if vm != r("vm") {
        return Ok(());
    }
    let tools = dump()["VM_guest_metrics"][r("vm.tools")].clone();
    let tools = client.sim.insert("VM_guest_metrics", tools)?;
    client.sim.set("VM", vm, "guest_metrics", json!(tools))
}

/// The list in a field, sorted.
pub fn list(record: &Value, field: &str) -> Vec<String> {
    let mut list: Vec<String> =
        record[field].as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect();
    list.sort();
    list
}
