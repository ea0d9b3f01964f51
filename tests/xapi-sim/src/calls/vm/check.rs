//! May this operation run on this VM now? The order of the checks decides which error a client sees.
//!
//! The facts leave a few things open; what is done here about them is said where it is done.

use serde_json::Value;

use crate::{
    calls::objects::frame::exclusive,
    db::Db,
    failure::{Failure, fail, handle_invalid},
    model::model,
};

/// Operations that are never listed in allowed_operations, though they may be called.
const NEVER_LISTED: [&str; 20] = [
    "create_template",
    "power_state_reset",
    "csvm",
    "get_boot_record",
    "send_sysrq",
    "send_trigger",
    "query_services",
    "shutdown",
    "call_plugin",
    "changing_memory_live",
    "awaiting_memory_live",
    "changing_memory_limits",
    "changing_shadow_memory_live",
    "changing_VCPUs",
    "assert_operation_valid",
    "data_source_op",
    "update_allowed_operations",
    "import",
    "reverting",
    "snapshot_with_quiesce",
];
const TEMPLATE: [&str; 13] = [
    "changing_dynamic_range",
    "changing_static_range",
    "changing_shadow_memory",
    "changing_NVRAM",
    "changing_memory_limits",
    "changing_VCPUs",
    "clone",
    "copy",
    "export",
    "metadata_export",
    "provision",
    "create_template",
    "update_allowed_operations",
];
const SNAPSHOT: [&str; 9] = [
    "revert",
    "clone",
    "copy",
    "export",
    "destroy",
    "metadata_export",
    "hard_shutdown",
    "create_template",
    "update_allowed_operations",
];
/// Which "memory operations" a control domain allows is open: those that are no setter of a whole range.
const CONTROL_DOMAIN: [&str; 10] = [
    "start",
    "start_on",
    "destroy",
    "metadata_export",
    "changing_dynamic_range",
    "changing_static_range",
    "changing_VCPUs",
    "changing_memory_live",
    "awaiting_memory_live",
    "data_source_op",
];
/// What goes on while the hosts of a pool are upgraded one by one. The facts name the error, not the operations: these are the
/// ones an upgrade itself and its VMs cannot do without.
const DURING_UPGRADE: [&str; 21] = [
    "start",
    "start_on",
    "pause",
    "unpause",
    "suspend",
    "resume",
    "resume_on",
    "clean_shutdown",
    "clean_reboot",
    "hard_shutdown",
    "hard_reboot",
    "shutdown",
    "pool_migrate",
    "power_state_reset",
    "changing_memory_live",
    "awaiting_memory_live",
    "changing_memory_limits",
    "changing_static_range",
    "changing_dynamic_range",
    "assert_operation_valid",
    "update_allowed_operations",
];

/// The power states an operation may start from; `None` when all will do. The order is that of error texts, which is known for
/// hard_shutdown; that of the other lists is open.
fn states(db: &Db, vm: &str, operation: &str) -> Option<&'static [&'static str]> {
    Some(match operation {
        "start"
        | "start_on"
        | "provision"
        | "make_into_template"
        | "changing_shadow_memory"
        | "changing_NVRAM"
        | "create_vtpm"
        | "changing_memory_limits"
        | "changing_VCPUs" => &["Halted"],
        // A running control domain lists it too.
        "changing_static_range" if db.flag("VM", vm, "is_control_domain") => &["Halted", "Running"],
        "changing_static_range" => &["Halted"],
        "changing_dynamic_range" => &["Halted", "Running"],
        "unpause" => &["Paused"],
        "resume" | "resume_on" | "csvm" => &["Suspended"],
        "pause"
        | "suspend"
        | "clean_shutdown"
        | "clean_reboot"
        | "pool_migrate"
        | "changing_VCPUs_live"
        | "changing_memory_live"
        | "call_plugin"
        | "send_sysrq"
        | "send_trigger"
        | "data_source_op"
        | "sysprep" => &["Running"],
        "clone" | "copy" => {
            let pool = db.rows("pool").next().map(|(_, p)| p["other_config"]["allow_clone_suspended_vm"] == "true");
            match db.flag("VM", vm, "is_a_snapshot") || pool == Some(true) {
                true => &["Halted", "Suspended"],
                false => &["Halted"],
            }
        }
        "destroy" | "export" | "create_template" => &["Halted", "Suspended"],
        "hard_reboot" => &["Paused", "Running"],
        "hard_shutdown" | "checkpoint" | "shutdown" => &["Paused", "Suspended", "Running"],
        "migrate_send" => &["Halted", "Suspended", "Running"],
        _ => return None,
    })
}

/// May they run at the same time? Two snapshots at once are open: the second waits.
fn combine(new: &str, running: &str) -> bool {
    const COPIES: [&str; 3] = ["clone", "copy", "export"];
    const SNAPSHOTS: [&str; 2] = ["snapshot", "checkpoint"];
    match new {
        "hard_shutdown" => running != "hard_shutdown",
        "hard_reboot" => !running.starts_with("hard_"),
        "metadata_export" | "clean_shutdown" | "clean_reboot" if running == "migrate_send" => true,
        _ => {
            COPIES.contains(&new) && COPIES.contains(&running)
                || new != running && SNAPSHOTS.contains(&new) && SNAPSHOTS.contains(&running)
        }
    }
}

/// Is it one of the product's own templates?
pub fn is_default_template(db: &Db, vm: &str) -> bool {
    db.flag("VM", vm, "is_default_template")
        || db.flag("VM", vm, "is_a_template") && db.field("VM", vm, "other_config")["default_template"] == "true"
}

/// Does the guest need Xen drivers before it can be talked to?
pub fn is_hvm(db: &Db, vm: &str) -> bool {
    let current = db.text("VM_metrics", db.text("VM", vm, "metrics"), "current_domain_type");
    let wanted = db.text("VM", vm, "domain_type");
    match [current, wanted].into_iter().find(|t| !matches!(*t, "" | "unspecified")) {
        Some(kind) => kind == "hvm",
        None => !db.text("VM", vm, "HVM_boot_policy").is_empty(),
    }
}

/// Are the drivers of Xen in the guest? They imply every feature.
pub fn has_drivers(db: &Db, vm: &str) -> bool {
    let version = db.field("VM_guest_metrics", db.text("VM", vm, "guest_metrics"), "PV_drivers_version");
    version["major"].is_string() && version["minor"].is_string()
}

/// Has the guest said that it can do this?
fn has_feature(db: &Db, vm: &str, features: &[&str]) -> bool {
    if has_drivers(db, vm) {
        return true;
    }
    let metrics = db.text("VM", vm, "guest_metrics");
    let other = db.field("VM_guest_metrics", metrics, "other");
    features.iter().any(|f| other[*f] == "1")
}

/// Checks in XAPI's order; the first that fails is the error.
pub fn check(db: &Db, vm: &str, operation: &str) -> Result<(), Failure> {
    check_as(db, vm, operation, true)
}

/// The same; a migration that was asked for with `force` is not strict about what the guest says of itself.
pub fn check_as(db: &Db, vm: &str, operation: &str, strict: bool) -> Result<(), Failure> {
    let record = db.get("VM", vm).ok_or_else(|| handle_invalid("VM", vm))?;
    let flag = |field: &str| record.get(field).and_then(Value::as_bool).unwrap_or_default();
    let state = record["power_state"].as_str().unwrap_or_default();
    let live = matches!(state, "Running" | "Paused");
    let is = |operations: &[&str]| operations.contains(&operation);

    if let Some(reason) = record["blocked_operations"][operation].as_str() {
        return Err(fail("OPERATION_BLOCKED", [vm, reason]));
    }
    if let Some(from) = states(db, vm, operation)
        && !from.contains(&state)
    {
        let expected = from.join(", ").to_lowercase();
        return Err(fail("VM_BAD_POWER_STATE", [vm, &expected, &state.to_lowercase()]));
    }
    exclusive(db, "VM", vm, |running| combine(operation, running))?;
    let (template, snapshot) = (flag("is_a_template"), flag("is_a_snapshot"));
    let own_template = is(&["destroy", "migrate_send"]) && !is_default_template(db, vm);
    if template && !snapshot && !is(&TEMPLATE) && !own_template {
        return Err(fail("VM_IS_TEMPLATE", [vm, operation]));
    }
    if snapshot && !is(&SNAPSHOT) {
        return Err(fail("VM_IS_SNAPSHOT", [vm, operation]));
    }
    if operation == "provision" && !template {
        return Err(fail("PROVISION_ONLY_ALLOWED_ON_TEMPLATE", []));
    }
    if operation == "revert" && !snapshot {
        return Err(fail("REVERT_ONLY_ALLOWED_ON_SNAPSHOT", []));
    }
    let moving = is(&["suspend", "checkpoint", "pool_migrate", "migrate_send"]);
    if strict && moving && (says(db, vm, "nested_virt", "nested-virt") || says(db, vm, "nomigrate", "nomigrate")) {
        return Err(fail("VM_IS_IMMOBILE", [vm]));
    }
    if strict && operation == "changing_dynamic_range" && says(db, vm, "nested_virt", "nested-virt") {
        return Err(fail("VM_IS_USING_NESTED_VIRT", [vm]));
    }
    if flag("is_control_domain") {
        let first = is_first_domain(db, vm) && is(&["destroy", "changing_VCPUs"]);
        if first || !is(&CONTROL_DOMAIN) {
            return Err(fail("OPERATION_NOT_ALLOWED", ["This operation is not allowed on dom0"]));
        }
    }
    if strict && live && is_hvm(db, vm) {
        check_features(db, vm, operation, moving)?;
    }
    check_devices(db, vm, operation, state)?;
    if operation == "make_into_template" && db.get("VM_appliance", db.text("VM", vm, "appliance")).is_some() {
        return Err(fail("VM_IS_PART_OF_AN_APPLIANCE", [vm, record["appliance"].as_str().unwrap_or_default()]));
    }
    if upgrading(db) && !is(&DURING_UPGRADE) {
        return Err(fail("NOT_SUPPORTED_DURING_UPGRADE", []));
    }
    if operation == "create_vtpm" && !db.list("VM", vm, "VTPMs").is_empty() {
        return Err(fail("VTPM_MAX_AMOUNT_REACHED", ["1"]));
    }
    Ok(())
}

/// Is a rolling upgrade of the pool under way?
pub fn upgrading(db: &Db) -> bool {
    db.rows("pool").any(|(_, pool)| !pool["other_config"]["rolling_upgrade_in_progress"].is_null())
}

/// What the metrics say of the last boot; without metrics, what the platform keys ask for.
fn says(db: &Db, vm: &str, field: &str, key: &str) -> bool {
    match db.get("VM_metrics", db.text("VM", vm, "metrics")) {
        Some(metrics) => metrics[field] == true,
        None => asks(db, vm, key),
    }
}

/// Does a platform key ask for it?
pub fn asks(db: &Db, vm: &str, key: &str) -> bool {
    matches!(db.field("VM", vm, "platform")[key].as_str(), Some("true" | "1"))
}

/// Is it the domain that a host's toolstack runs in (and not another control domain)?
fn is_first_domain(db: &Db, vm: &str) -> bool {
    db.int("VM", vm, "domid") == 0 || db.text("host", db.text("VM", vm, "resident_on"), "control_domain") == vm
}

/// A live HVM guest must have said that it can do this, by its drivers or by its features.
fn check_features(db: &Db, vm: &str, operation: &str, moving: bool) -> Result<(), Failure> {
    let needs: &[&str] = match operation {
        "clean_shutdown" => &["feature-shutdown", "feature-poweroff"],
        "clean_reboot" => &["feature-shutdown", "feature-reboot"],
        "changing_VCPUs_live" => &["feature-vcpu-hotplug"],
        _ if moving => &["feature-suspend"],
        _ => return Ok(()),
    };
    if !has_feature(db, vm, needs) {
        return Err(fail("VM_LACKS_FEATURE", [vm]));
    }
    let guest = db.field("VM_guest_metrics", db.text("VM", vm, "guest_metrics"), "other");
    match guest["data-cant-suspend-reason"].as_str() {
        Some(reason) if moving => Err(fail("VM_NON_SUSPENDABLE", [vm, reason])),
        _ => Ok(()),
    }
}

/// Disks that reset on boot and devices of the host keep a VM from being stored or moved. A halted VM holds no device of a
/// host, but its virtual USB devices count whenever they are there: which of them are "attached" is open.
fn check_devices(db: &Db, vm: &str, operation: &str, state: &str) -> Result<(), Failure> {
    let is = |operations: &[&str]| operations.contains(&operation);
    let disks: Vec<String> = db.list("VM", vm, "VBDs").iter().map(|v| db.text("VBD", v, "VDI").to_owned()).collect();
    let resets = |disk: &String| db.text("VDI", disk, "on_boot") == "reset";
    let cached = |disk: &String| resets(disk) && db.flag("VDI", disk, "allow_caching");
    if is(&["snapshot", "suspend", "checkpoint"]) && disks.iter().any(resets)
        || operation == "pool_migrate" && disks.iter().any(cached)
    {
        return Err(fail("VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION", []));
    }
    let moving = is(&["suspend", "checkpoint", "pool_migrate", "migrate_send"]);
    if moving && !db.list("VM", vm, "attached_PCIs").is_empty() {
        return Err(fail("VM_HAS_PCI_ATTACHED", [vm]));
    }
    // What can be suspended says so by having something to be compatible with.
    let stays = |vgpu: &String| {
        db.field("VGPU", vgpu, "compatibility_metadata").as_object().is_none_or(serde_json::Map::is_empty)
    };
    if moving && state != "Halted" && db.list("VM", vm, "VGPUs").iter().any(stays) {
        return Err(fail("VM_HAS_VGPU", [vm]));
    }
    if (moving || operation == "snapshot") && !db.list("VM", vm, "VUSBs").is_empty() {
        return Err(fail("VM_HAS_VUSBS", [vm]));
    }
    Ok(())
}

/// Returns what allowed_operations must list.
pub fn allowed(db: &Db, vm: &str) -> Vec<&'static str> {
    let all = model().enums["vm_operations"].iter().map(String::as_str);
    all.filter(|op| !NEVER_LISTED.contains(op) && check(db, vm, op).is_ok()).collect()
}
