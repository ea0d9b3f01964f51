//! The domain of a VM comes and goes: devices, consoles, memory and metrics with it.

use serde_json::json;

use super::{
    check::{asks, is_hvm},
    place::{memory, take_memory},
};
use crate::{clock, db::Db, model::NULL, tasks::object};

/// Makes the domain on the host: devices attached, consoles there, clocks set. `fresh` is a boot, not a resume.
pub fn boot(db: &mut Db, vm: &str, host: &str, state: &str, fresh: bool) {
    let hvm = db.text("VM", vm, "domain_type") == "hvm";
    for (i, vbd) in db.list("VM", vm, "VBDs").into_iter().enumerate() {
        // An empty drive is a device for HVM guests only.
        let attach = hvm || !db.flag("VBD", &vbd, "empty");
        let device = device_name(db, &vbd, hvm, i);
        db.update("VBD", &vbd, [("currently_attached", json!(attach)), ("device", json!(device))]);
    }
    for (class, set) in [("VIF", "VIFs"), ("VGPU", "VGPUs"), ("VUSB", "VUSBs")] {
        for device in db.list("VM", vm, set) {
            db.set(class, &device, "currently_attached", true);
        }
    }
    for vgpu in db.list("VM", vm, "VGPUs") {
        let group = db.text("VGPU", &vgpu, "GPU_group").to_owned();
        let here = db.list("GPU_group", &group, "PGPUs").into_iter().find(|p| db.text("PGPU", p, "host") == host);
        db.set("VGPU", &vgpu, "resident_on", here.unwrap_or_else(|| NULL.to_owned()));
    }
    let domid = db.domid();
    let metrics = db.text("VM", vm, "metrics").to_owned();
    let kind = db.text("VM", vm, "domain_type").to_owned();
    let mut of_boot = vec![
        ("memory_actual", json!(db.int("VM", vm, "memory_dynamic_max"))),
        ("VCPUs_number", json!(db.int("VM", vm, "VCPUs_at_startup"))),
        ("current_domain_type", json!(kind)),
        ("hvm", json!(kind == "hvm")),
    ];
    if fresh {
        // A resumed guest has been running since its boot.
        of_boot.extend([
            ("start_time", json!(clock::now())),
            ("nested_virt", json!(asks(db, vm, "nested-virt"))),
            ("nomigrate", json!(asks(db, vm, "nomigrate"))),
        ]);
    }
    db.update("VM_metrics", &metrics, of_boot);
    let bytes = memory(db, vm);
    take_memory(db, host, bytes);
    let fields = [
        ("power_state", json!(state)),
        ("resident_on", json!(host)),
        ("scheduled_to_be_resident_on", json!(NULL)),
        ("domid", json!(domid)),
    ];
    db.update("VM", vm, fields);
    new_consoles(db, vm);
}

/// The name the guest knows the disk by: what it had, else by the number, `hda` or `xvda`.
pub fn device_name(db: &Db, vbd: &str, hvm: bool, position: usize) -> String {
    let number = db.text("VBD", vbd, "userdevice").parse::<u8>().unwrap_or(u8::try_from(position).unwrap_or(0));
    let letter = char::from(b'a' + number % 26);
    match db.text("VBD", vbd, "device") {
        "" if hvm && number < 4 => format!("hd{letter}"),
        "" => format!("xvd{letter}"),
        kept => kept.to_owned(),
    }
}

/// Takes the domain away.
pub fn halt(db: &mut Db, vm: &str, state: &str) {
    let host = db.text("VM", vm, "resident_on").to_owned();
    if db.get("host", &host).is_some() {
        let bytes = memory(db, vm);
        take_memory(db, &host, -bytes);
    }
    for (class, set) in [("VBD", "VBDs"), ("VIF", "VIFs"), ("VGPU", "VGPUs"), ("VUSB", "VUSBs")] {
        for device in db.list("VM", vm, set) {
            detach(db, class, &device);
        }
    }
    for vgpu in db.list("VM", vm, "VGPUs") {
        db.update("VGPU", &vgpu, [("resident_on", json!(NULL)), ("scheduled_to_be_resident_on", json!(NULL))]);
    }
    for console in db.list("VM", vm, "consoles") {
        db.remove("console", &console);
    }
    if state == "Halted" {
        let metrics = db.text("VM", vm, "metrics").to_owned();
        db.set("VM_metrics", &metrics, "current_domain_type", "unspecified");
    }
    let mut guidances = db.list("VM", vm, "pending_guidances");
    guidances.retain(|g| g != "restart_vm" && g != "restart_device_model");
    let fields = [
        ("power_state", json!(state)),
        ("resident_on", json!(NULL)),
        ("scheduled_to_be_resident_on", json!(NULL)),
        ("domid", json!(-1)),
        ("requires_reboot", json!(false)),
        ("attached_PCIs", json!([])),
        ("pending_guidances", json!(guidances)),
    ];
    db.update("VM", vm, fields);
}

fn detach(db: &mut Db, class: &str, device: &str) {
    let mut fields = vec![("currently_attached", json!(false))];
    if class == "VBD" || class == "VIF" {
        fields.push(("reserved", json!(false)));
    }
    if class != "VGPU" {
        fields.push(("current_operations", json!({})));
    }
    fields.retain(|(field, value)| db.field(class, device, field) != value);
    if !fields.is_empty() {
        db.update(class, device, fields);
    }
}

/// The same guest in a new domain on another host: migration.
pub fn relocate(db: &mut Db, vm: &str, host: &str) {
    let memory = memory(db, vm);
    let from = db.text("VM", vm, "resident_on").to_owned();
    take_memory(db, &from, -memory);
    take_memory(db, host, memory);
    let domid = db.domid();
    let fields = [("resident_on", json!(host)), ("scheduled_to_be_resident_on", json!(NULL)), ("domid", json!(domid))];
    db.update("VM", vm, fields);
    new_consoles(db, vm);
}

fn new_consoles(db: &mut Db, vm: &str) {
    for console in db.list("VM", vm, "consoles") {
        db.remove("console", &console);
    }
    let address = db.text("host", db.text("VM", vm, "resident_on"), "address").to_owned();
    let protocols: &[&str] = if is_hvm(db, vm) { &["rfb"] } else { &["rfb", "vt100"] };
    for protocol in protocols {
        let uuid = db.uuid();
        let location = format!("https://{address}/console?uuid={uuid}");
        db.insert("console", object(json!({"uuid": uuid, "VM": vm, "protocol": protocol, "location": location})));
    }
}
