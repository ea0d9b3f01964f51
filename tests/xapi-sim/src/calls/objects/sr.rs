//! SR: made, introduced, probed, scanned, forgotten, destroyed.

use serde_json::{Value, json};

use super::{
    allowed,
    frame::{self, Marks, exclusive},
    sm, vdi,
};
use crate::{
    core::Ctx,
    db::Db,
    failure::{Failure, fail, handle_invalid},
    tasks::object,
};

/// What an SR holds when nobody said: 256 GiB.
const SIZE: i64 = 256 << 30;
/// What allowed_operations may list: the order of the recorded pools.
const LISTED: [&str; 22] = [
    "scan",
    "destroy",
    "forget",
    "plug",
    "unplug",
    "update",
    "vdi_create",
    "vdi_introduce",
    "vdi_destroy",
    "vdi_resize",
    "vdi_clone",
    "vdi_snapshot",
    "vdi_mirror",
    "vdi_enable_cbt",
    "vdi_disable_cbt",
    "vdi_data_destroy",
    "vdi_list_changed_blocks",
    "vdi_set_on_boot",
    "vdi_revert",
    "vdi_generate_config",
    "pbd_create",
    "pbd_destroy",
];

/// The driver's feature behind an operation; clones need none of the SR (a copy would do).
fn feature(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "update" => "SR_UPDATE",
        "vdi_create" => "VDI_CREATE",
        "vdi_introduce" => "VDI_INTRODUCE",
        "vdi_destroy" => "VDI_DELETE",
        "vdi_resize" => "VDI_RESIZE",
        "vdi_snapshot" => "VDI_SNAPSHOT",
        "vdi_mirror" => "VDI_MIRROR",
        "vdi_enable_cbt" | "vdi_disable_cbt" | "vdi_data_destroy" | "vdi_list_changed_blocks" => "VDI_CONFIG_CBT",
        "vdi_set_on_boot" => "VDI_RESET_ON_BOOT",
        "vdi_revert" => "VDI_REVERT",
        "vdi_generate_config" => "VDI_GENERATE_CONFIG",
        _ => return None,
    })
}

/// Does any host reach it?
pub fn is_plugged(db: &Db, sr: &str) -> bool {
    db.list("SR", sr, "PBDs").iter().any(|pbd| db.flag("PBD", pbd, "currently_attached"))
}

/// May this operation run on the SR now? What ends an SR runs alone; in which order it finds PBDs, disks and its own
/// indestructibility is as the facts list them.
pub fn check(db: &Db, sr: &str, operation: &str) -> Result<(), Failure> {
    if db.get("SR", sr).is_none() {
        return Err(handle_invalid("SR", sr));
    }
    let ends = |operation: &str| ["destroy", "forget"].contains(&operation);
    exclusive(db, "SR", sr, |running| !ends(operation) && !ends(running))?;
    if feature(operation).is_some_and(|f| !sm::has_feature(db, sr, f)) {
        return Err(fail("SR_OPERATION_NOT_SUPPORTED", [sr]));
    }
    if ends(operation) && is_plugged(db, sr) {
        return Err(fail("SR_HAS_PBD", [sr]));
    }
    if operation == "destroy" {
        if db.list("SR", sr, "PBDs").is_empty() {
            return Err(fail("SR_HAS_NO_PBDS", [sr]));
        } else if db.list("SR", sr, "VDIs").iter().any(|vdi| db.flag("VDI", vdi, "managed")) {
            return Err(fail("SR_NOT_EMPTY", []));
        } else if db.field("SR", sr, "other_config")["indestructible"] == "true" {
            return Err(fail("SR_INDESTRUCTIBLE", [sr]));
        }
    }
    let by_driver = operation == "scan" || operation == "update" || operation.starts_with("vdi_");
    if by_driver && operation != "vdi_introduce" && !is_plugged(db, sr) {
        return Err(fail("SR_HAS_NO_PBDS", [sr]));
    }
    Ok(())
}

/// Returns what allowed_operations must list.
pub fn allowed(db: &Db, sr: &str) -> Vec<&'static str> {
    LISTED.into_iter().filter(|operation| check(db, sr, operation).is_ok()).collect()
}

/// Answers the messages with effects.
pub async fn call(ctx: &Ctx, message: &str, args: &[Value]) -> Option<Result<Value, Failure>> {
    let text = |i: usize| args.get(i).and_then(Value::as_str).unwrap_or_default();
    let sr = text(0);
    Some(match message {
        "create" => create(ctx, args).await,
        "introduce" => introduce(ctx, args),
        "probe" => probe(ctx, text(0), &args[1], text(2)).await,
        "probe_ext" => probe(ctx, text(0), &args[1], text(2)).await.map(|_| json!([])),
        "scan" | "update" => operate(ctx, sr, message, |db| scan(db, sr)).await,
        "forget" | "destroy" => operate(ctx, sr, message, |db| remove(db, sr)).await,
        _ => return None,
    })
}

async fn operate(ctx: &Ctx, sr: &str, operation: &str, effect: impl FnOnce(&mut Db)) -> Result<Value, Failure> {
    let ready = |db: &mut Db, marks: &mut Marks| {
        check(db, sr, operation)?;
        marks.add("SR", sr, operation);
        Ok(())
    };
    let effect = |db: &mut Db, ()| {
        effect(db);
        Ok(json!(""))
    };
    frame::operate(ctx, ctx.core.options.delays.operation, ready, effect).await
}

/// `SR.create(host, device_config, physical_size, name, description, type, content_type, shared, sm_config)`
async fn create(ctx: &Ctx, args: &[Value]) -> Result<Value, Failure> {
    let text = |i: usize| args.get(i).and_then(Value::as_str).unwrap_or_default();
    let (host, kind, shared) = (text(0), text(5), args[7] == true);
    let ready = |db: &mut Db, _: &mut Marks| {
        if db.get("host", host).is_none() {
            return Err(handle_invalid("host", host));
        }
        if sm::is_known(db, kind) { Ok(()) } else { Err(fail("SR_UNKNOWN_DRIVER", [kind])) }
    };
    let effect = |db: &mut Db, ()| {
        let size = args[2].as_i64().filter(|size| *size > 0).unwrap_or(SIZE);
        let fields = json!({
            "name_label": text(3), "name_description": text(4), "type": kind, "content_type": text(6), "shared": shared,
            "sm_config": args[8], "physical_size": size,
        });
        let sr = db.insert("SR", object(fields));
        let all: Vec<String> = db.rows("host").map(|(r, _)| r.to_string()).collect();
        for host in all.iter().filter(|h| shared || *h == host) {
            let pbd = json!({"SR": sr, "host": host, "device_config": args[1], "currently_attached": true});
            db.insert("PBD", object(pbd));
        }
        allowed::settle(db, "SR", &sr);
        Ok(json!(sr))
    };
    frame::operate(ctx, ctx.core.options.delays.operation, ready, effect).await
}

/// `SR.introduce(uuid, name, description, type, content_type, shared, sm_config)`: the record of an SR that exists.
fn introduce(ctx: &Ctx, args: &[Value]) -> Result<Value, Failure> {
    let text = |i: usize| args.get(i).and_then(Value::as_str).unwrap_or_default();
    ctx.core.write(|db| {
        if db.by_uuid("SR", text(0)).is_some() {
            return Err(fail("SR_UUID_EXISTS", [text(0)]));
        } else if !sm::is_known(db, text(3)) {
            return Err(fail("SR_UNKNOWN_DRIVER", [text(3)]));
        }
        let fields = json!({
            "uuid": text(0), "name_label": text(1), "name_description": text(2), "type": text(3), "content_type": text(4),
            "shared": args[5], "sm_config": args[6], "physical_size": SIZE,
        });
        let sr = db.insert("SR", object(fields));
        allowed::settle(db, "SR", &sr);
        Ok(json!(sr))
    })
}

/// What is at the place that `device_config` names? The driver asks for what is missing with an error that lists the choices.
/// The texts of these lists differ from driver to driver and are not recorded; their codes are.
async fn probe(ctx: &Ctx, host: &str, config: &Value, kind: &str) -> Result<Value, Failure> {
    ctx.work(ctx.core.options.delays.operation).await?;
    ctx.core.read(|db| {
        if db.get("host", host).is_none() {
            return Err(handle_invalid("host", host));
        } else if !sm::is_known(db, kind) {
            return Err(fail("SR_UNKNOWN_DRIVER", [kind]));
        } else if db.count("SM") > 0 && !probes(db, kind) {
            return Err(fail("SR_OPERATION_NOT_SUPPORTED", [kind]));
        }
        let has = |key: &str| config[key].as_str().is_some_and(|v| !v.is_empty());
        let at = |key: &str| config[key].as_str().unwrap_or_default().to_owned();
        let ask = |code: &str, text: &str, list: &str| Err(fail(code, ["", text, list]));
        match kind {
            "nfs" if !has("server") => ask("SR_BACKEND_FAILURE_102", "The request is missing the server", ""),
            "nfs" if !has("serverpath") => {
                let list = "<nfs-exports><Export><Target>SERVER</Target><Path>/export</Path><Accesslist>*</Accesslist></Export></nfs-exports>";
                ask(
                    "SR_BACKEND_FAILURE_101",
                    "The request is missing the serverpath parameter",
                    &list.replace("SERVER", &at("server")),
                )
            }
            "lvmoiscsi" | "iscsi" if !has("target") => {
                ask("SR_BACKEND_FAILURE_95", "The request is missing the target parameter", "")
            }
            "lvmoiscsi" | "iscsi" if !has("targetIQN") => {
                let list = "<iscsi-target-iqns><TGT><Index>0</Index><IPAddress>TARGET</IPAddress><TargetIQN>iqn.2010-01.example:disks</TargetIQN></TGT></iscsi-target-iqns>";
                ask(
                    "SR_BACKEND_FAILURE_96",
                    "The request is missing or has an incorrect target IQN parameter",
                    &list.replace("TARGET", &at("target")),
                )
            }
            "lvmoiscsi" | "lvmohba" | "iscsi" if !has("SCSIid") => {
                let list = "<iscsi-target><LUN><vendor>EXAMPLE</vendor><LUNid>0</LUNid><size>274877906944</size><SCSIid>36000000000000001</SCSIid></LUN></iscsi-target>";
                ask("SR_BACKEND_FAILURE_107", "The SCSIid parameter is missing or incorrect", list)
            }
            "lvm" | "ext" if !has("device") => {
                ask("SR_BACKEND_FAILURE_90", "The request is missing the device parameter", "")
            }
            _ => {
                // SRs that are already known at this place.
                let known = db.rows("PBD").filter(|(_, pbd)| pbd["device_config"] == *config);
                let uuids = known.map(|(_, pbd)| db.text("SR", pbd["SR"].as_str().unwrap_or_default(), "uuid").to_owned());
                let list: String = uuids.map(|uuid| format!("<SR><UUID>{uuid}</UUID></SR>")).collect();
                Ok(json!(format!("<?xml version=\"1.0\" ?><SRlist>{list}</SRlist>")))
            }
        }
    })
}

fn probes(db: &Db, kind: &str) -> bool {
    db.rows("SM").filter(|(_, sm)| sm["type"] == kind).any(|(_, sm)| {
        sm["features"].get("SR_PROBE").is_some()
            || sm["capabilities"].as_array().is_some_and(|c| c.iter().any(|c| c == "SR_PROBE"))
    })
}

/// Hidden parents without children go, sizes are summed up anew.
fn scan(db: &mut Db, sr: &str) {
    loop {
        let disks = db.list("SR", sr, "VDIs");
        let parents: Vec<String> = disks
            .iter()
            .filter_map(|d| db.field("VDI", d, "sm_config")["vhd-parent"].as_str().map(str::to_owned))
            .collect();
        let lonely = disks.iter().find(|d| {
            !db.flag("VDI", d, "managed")
                && sm::is_vhd(db, sr)
                && !parents.iter().any(|p| p == db.text("VDI", d, "uuid"))
        });
        let Some(lonely) = lonely.cloned() else { break };
        vdi::erase(db, &lonely);
    }
    let total: i64 = db.list("SR", sr, "VDIs").iter().map(|d| db.int("VDI", d, "virtual_size")).sum();
    db.set("SR", sr, "virtual_allocation", total);
}

fn remove(db: &mut Db, sr: &str) {
    for (class, set) in [("VDI", "VDIs"), ("PBD", "PBDs")] {
        for member in db.list("SR", sr, set) {
            db.remove(class, &member);
        }
    }
    db.remove("SR", sr);
}
