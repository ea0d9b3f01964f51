//! May this operation run on this disk now? In XAPI's order: upgrade, other operations, attachment, drives at work, what the
//! storage can do, type, tracking of changed blocks, then the rules of the operation itself.

use super::{frame::exclusive, sm, sr};
use crate::{
    calls::vm,
    db::Db,
    failure::{Failure, fail, handle_invalid},
};

/// What allowed_operations may list. `blocked` could be too; what it stands for is open, so it never is.
const LISTED: [&str; 9] =
    ["clone", "copy", "resize", "resize_online", "snapshot", "destroy", "forget", "update", "generate_config"];
/// What runs while a guest writes to the disk.
const LIVE: [&str; 8] =
    ["snapshot", "resize_online", "clone", "enable_cbt", "disable_cbt", "data_destroy", "mirror", "revert_to"];

/// The driver's feature behind an operation.
fn feature(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "clone" => "VDI_CLONE",
        "snapshot" => "VDI_SNAPSHOT",
        "resize" => "VDI_RESIZE",
        "resize_online" => "VDI_RESIZE_ONLINE",
        "destroy" => "VDI_DELETE",
        "update" => "VDI_UPDATE",
        "generate_config" => "VDI_GENERATE_CONFIG",
        "mirror" => "VDI_MIRROR",
        "enable_cbt" | "disable_cbt" | "data_destroy" | "list_changed_blocks" => "VDI_CONFIG_CBT",
        "set_on_boot" => "VDI_RESET_ON_BOOT",
        "revert_to" => "VDI_REVERT",
        _ => return None,
    })
}

/// Checks in order; the first that fails is the error.
pub fn check(db: &Db, disk: &str, operation: &str) -> Result<(), Failure> {
    let record = db.get("VDI", disk).ok_or_else(|| handle_invalid("VDI", disk))?;
    let sr = record["SR"].as_str().unwrap_or_default();
    let kind = record["type"].as_str().unwrap_or_default();
    let is = |operations: &[&str]| operations.contains(&operation);
    if vm::upgrading(db) {
        return Err(fail("NOT_SUPPORTED_DURING_UPGRADE", []));
    }
    // A running copy keeps nothing else away, but what would take the disk from under it counts as use of it.
    exclusive(db, "VDI", disk, |running| running == "copy")?;
    let copied = record["current_operations"].as_object().is_some_and(|o| !o.is_empty());
    if copied && is(&["destroy", "forget", "resize", "data_destroy"]) {
        return Err(fail("VDI_IN_USE", [disk, operation]));
    }
    let attached = |mode: Option<&str>| {
        db.list("VDI", disk, "VBDs").iter().any(|vbd| {
            db.flag("VBD", vbd, "currently_attached") && mode.is_none_or(|m| db.text("VBD", vbd, "mode") == m)
        })
    };
    let in_the_way = match operation {
        _ if LIVE.contains(&operation) => false,
        "copy" => attached(Some("RW")),
        _ => attached(None),
    };
    if in_the_way {
        return Err(fail("VDI_IN_USE", [disk, operation]));
    }
    for vbd in db.list("VDI", disk, "VBDs") {
        exclusive(db, "VBD", &vbd, |_| false)?;
    }
    // A rule of destroy alone, but no driver of such devices has the feature that is asked for next: nobody would see it there.
    if operation == "destroy" && db.text("SR", sr, "type") == "udev" {
        return Err(fail("VDI_IS_A_PHYSICAL_DEVICE", [disk]));
    }
    if feature(operation).is_some_and(|f| !sm::has_feature(db, sr, f)) {
        return Err(fail("SR_OPERATION_NOT_SUPPORTED", [sr]));
    }
    if kind == "cbt_metadata" && is(&["clone", "copy", "resize", "resize_online", "snapshot", "mirror", "enable_cbt"]) {
        return Err(fail("VDI_INCOMPATIBLE_TYPE", [disk, kind]));
    }
    if record["cbt_enabled"] == true && is(&["mirror", "set_on_boot"]) {
        return Err(fail("VDI_CBT_ENABLED", [disk]));
    }
    own_rules(db, disk, sr, kind, operation)
}

fn own_rules(db: &Db, disk: &str, sr: &str, kind: &str, operation: &str) -> Result<(), Failure> {
    let is = |operations: &[&str]| operations.contains(&operation);
    if operation == "destroy" {
        if db.flag("SR", sr, "is_tools_sr") {
            return Err(fail("SR_OPERATION_NOT_SUPPORTED", [sr]));
        } else if kind == "rrd" {
            return Err(fail("VDI_HAS_RRDS", [disk]));
        } else if ["ha_statefile", "redo_log"].contains(&kind) && db.rows("pool").any(|(_, p)| p["ha_enabled"] == true)
        {
            return Err(fail("HA_IS_ENABLED", []));
        }
    }
    if is(&["snapshot", "clone"]) {
        if db.flag("VDI", disk, "sharable") {
            return Err(fail("VDI_IS_SHARABLE", [disk]));
        } else if db.text("VDI", disk, "on_boot") == "reset" {
            return Err(fail("VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION", []));
        }
    }
    if operation == "data_destroy" && !(db.flag("VDI", disk, "is_a_snapshot") && db.flag("VDI", disk, "cbt_enabled")) {
        return Err(fail("VDI_NO_CBT_METADATA", [disk]));
    }
    if operation == "enable_cbt" && db.flag("VDI", disk, "is_a_snapshot") {
        return Err(fail("OPERATION_NOT_ALLOWED", ["the disk is a snapshot"]));
    }
    // To forget is the database's own business; all else needs a host that reaches the storage.
    if operation != "forget" && !sr::is_plugged(db, sr) {
        return Err(fail("SR_HAS_NO_PBDS", [sr]));
    }
    Ok(())
}

/// Returns what allowed_operations must list.
pub fn allowed(db: &Db, disk: &str) -> Vec<&'static str> {
    LISTED.into_iter().filter(|operation| check(db, disk, operation).is_ok()).collect()
}
