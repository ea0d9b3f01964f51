//! What a storage driver can do, by the SM record of its type.

use crate::db::Db;

/// Drivers whose disks are VHD files or volumes: snapshots and clones of theirs share a hidden parent.
const VHD: [&str; 7] = ["lvm", "lvmoiscsi", "lvmohba", "ext", "nfs", "smb", "file"];

/// Can the SR's driver do it? Old hosts list capabilities, newer ones map features to versions. Of a driver without a record
/// (composed pools may have none) nothing is known, so it may all be.
pub fn has_feature(db: &Db, sr: &str, feature: &str) -> bool {
    let kind = db.text("SR", sr, "type");
    let Some((_, driver)) = db.rows("SM").find(|(_, sm)| sm["type"] == kind) else { return true };
    let features = driver["features"].as_object();
    let capabilities = driver["capabilities"].as_array();
    match (features, capabilities) {
        (Some(features), _) if !features.is_empty() => features.contains_key(feature),
        (_, Some(capabilities)) if !capabilities.is_empty() => capabilities.iter().any(|c| c == feature),
        _ => true,
    }
}

/// Is there a driver of this type? Without any record all are taken as known.
pub fn is_known(db: &Db, kind: &str) -> bool {
    db.count("SM") == 0 || db.rows("SM").any(|(_, sm)| sm["type"] == kind)
}

/// Do snapshots and clones on the SR share a hidden parent?
pub fn is_vhd(db: &Db, sr: &str) -> bool {
    VHD.contains(&db.text("SR", sr, "type"))
}
