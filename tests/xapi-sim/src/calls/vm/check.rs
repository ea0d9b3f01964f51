//! May this operation run on this VM now? The order of the checks decides which error a client sees.

use serde_json::{Value, json};

use crate::{
    db::Db,
    failure::{Failure, fail, handle_invalid},
    model::{NULL, model},
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
const CONTROL_DOMAIN: [&str; 8] = [
    "start",
    "start_on",
    "metadata_export",
    "changing_dynamic_range",
    "changing_static_range",
    "changing_memory_live",
    "awaiting_memory_live",
    "data_source_op",
];
/// What the control domain lists, whatever its power state says.
const CONTROL_DOMAIN_LISTED: [&str; 3] = ["changing_dynamic_range", "changing_static_range", "metadata_export"];

/// The power states an operation may start from; `None` when all will do. The order is that of error texts.
fn states(db: &Db, vm: &str, operation: &str) -> Option<&'static [&'static str]> {
    Some(match operation {
        "start"
        | "start_on"
        | "provision"
        | "make_into_template"
        | "changing_shadow_memory"
        | "changing_NVRAM"
        | "create_vtpm"
        | "changing_static_range"
        | "changing_memory_limits"
        | "changing_VCPUs" => &["Halted"],
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

/// May they run at the same time?
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
fn is_hvm(db: &Db, vm: &str) -> bool {
    let current = db.text("VM_metrics", db.text("VM", vm, "metrics"), "current_domain_type");
    let wanted = db.text("VM", vm, "domain_type");
    match [current, wanted].into_iter().find(|t| !matches!(*t, "" | "unspecified")) {
        Some(kind) => kind == "hvm",
        None => !db.text("VM", vm, "HVM_boot_policy").is_empty(),
    }
}

/// Has the guest said that it can do this?
fn has_feature(db: &Db, vm: &str, features: &[&str]) -> bool {
    let metrics = db.text("VM", vm, "guest_metrics");
    let version = db.field("VM_guest_metrics", metrics, "PV_drivers_version");
    if version["major"].is_string() && version["minor"].is_string() {
        return true;
    }
    let other = db.field("VM_guest_metrics", metrics, "other");
    features.iter().any(|f| other[*f] == "1")
}

/// Checks in XAPI's order; the first that fails is the error.
pub fn check(db: &Db, vm: &str, operation: &str) -> Result<(), Failure> {
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
    for (task, other) in record["current_operations"].as_object().into_iter().flatten() {
        let other = other.as_str().unwrap_or_default();
        if !combine(operation, other) {
            return Err(fail("OTHER_OPERATION_IN_PROGRESS", ["VM", vm, other, task]));
        }
    }
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
    let metrics = db.text("VM", vm, "metrics");
    let nested = db.flag("VM_metrics", metrics, "nested_virt");
    let moving = is(&["suspend", "checkpoint", "pool_migrate", "migrate_send"]);
    if live && moving && (nested || db.flag("VM_metrics", metrics, "nomigrate")) {
        return Err(fail("VM_IS_IMMOBILE", [vm]));
    }
    if live && nested && operation == "changing_dynamic_range" {
        return Err(fail("VM_IS_USING_NESTED_VIRT", [vm]));
    }
    if flag("is_control_domain") && !is(&CONTROL_DOMAIN) {
        return Err(fail("OPERATION_NOT_ALLOWED", ["This operation is not allowed on dom0"]));
    }
    if live && is_hvm(db, vm) {
        check_features(db, vm, operation, moving)?;
    }
    check_devices(db, vm, operation, moving && live)?;
    if operation == "make_into_template" && record["appliance"] != NULL {
        return Err(fail("VM_IS_PART_OF_AN_APPLIANCE", [vm, record["appliance"].as_str().unwrap_or_default()]));
    }
    if operation == "create_vtpm" && !db.list("VM", vm, "VTPMs").is_empty() {
        return Err(fail("VTPM_MAX_AMOUNT_REACHED", ["1"]));
    }
    Ok(())
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

/// Disks that reset on boot and devices of the host keep a VM from being stored or moved.
fn check_devices(db: &Db, vm: &str, operation: &str, moving: bool) -> Result<(), Failure> {
    let resets = |vbd: &String| db.text("VDI", db.text("VBD", vbd, "VDI"), "on_boot") == "reset";
    if ["snapshot", "suspend", "checkpoint"].contains(&operation) && db.list("VM", vm, "VBDs").iter().any(resets) {
        return Err(fail("VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION", []));
    }
    for (field, code) in [("attached_PCIs", "VM_HAS_PCI_ATTACHED"), ("VGPUs", "VM_HAS_VGPU"), ("VUSBs", "VM_HAS_VUSBS")]
    {
        let counts = moving || field == "VUSBs" && operation == "snapshot";
        if counts && !db.list("VM", vm, field).is_empty() {
            return Err(fail(code, [vm]));
        }
    }
    Ok(())
}

/// Returns what allowed_operations must list.
pub fn allowed(db: &Db, vm: &str) -> Vec<&'static str> {
    if db.flag("VM", vm, "is_control_domain") {
        return CONTROL_DOMAIN_LISTED.to_vec();
    }
    let all = model().enums["vm_operations"].iter().map(String::as_str);
    all.filter(|op| !NEVER_LISTED.contains(op) && check(db, vm, op).is_ok()).collect()
}

/// Writes allowed_operations anew where it differs.
pub fn recompute(db: &mut Db, vm: &str) {
    let allowed = json!(allowed(db, vm));
    if *db.field("VM", vm, "allowed_operations") != allowed {
        db.set("VM", vm, "allowed_operations", allowed);
    }
}
