//! VDI: made, copied, resized, moved and taken away, with what that does to the SR and the chain of hidden parents.

use serde_json::{Value, json};

use super::{allowed, frame, sm, sr, vdi_check::check};
use crate::{
    calls::vm,
    clock,
    core::Ctx,
    db::Db,
    failure::{Failure, fail, handle_invalid},
    model::{NEVER, NULL, Record, model},
    tasks::object,
};

/// Disks grow in steps of 2 MiB.
const STEP: i64 = 2 << 20;
/// What a fresh clone or snapshot takes: a header and little else.
const THIN: i64 = 8 << 20;

/// Answers the messages with effects.
pub async fn call(ctx: &Ctx, message: &str, args: &[Value]) -> Option<Result<Value, Failure>> {
    let text = |i: usize| args.get(i).and_then(Value::as_str).unwrap_or_default();
    let disk = text(0);
    let on_sr = |operation: &'static str| ctx.core.read(|db| (db.text("VDI", disk, "SR").to_owned(), operation));
    Some(match message {
        "create" => create(ctx, args.first().cloned().unwrap_or_default()).await,
        "introduce" => introduce(ctx, args),
        "destroy" => {
            let done = operate(ctx, disk, "destroy", Some(on_sr("vdi_destroy")), |db| erase(db, disk)).await;
            done.map(|()| json!(""))
        }
        "forget" => operate(ctx, disk, "forget", None, |db| remove(db, disk)).await.map(|()| json!("")),
        "snapshot" | "clone" => {
            let (kind, name) =
                if message == "clone" { (Kind::Clone, "vdi_clone") } else { (Kind::Snapshot, "vdi_snapshot") };
            operate(ctx, disk, message, Some(on_sr(name)), |db| json!(duplicate(db, disk, &kind))).await
        }
        "copy" => copy(ctx, disk, text(1), text(3)).await,
        "resize" | "resize_online" => {
            resize(ctx, disk, message, args.get(1).and_then(Value::as_i64).unwrap_or_default()).await
        }
        "pool_migrate" => migrate(ctx, disk, text(1)).await,
        "update" => operate(ctx, disk, "update", None, |db| json!(db.touch("VDI", disk))).await.map(|_| json!("")),
        "set_on_boot" => {
            let value = text(1).to_owned();
            let change = |db: &mut Db| json!(db.set("VDI", disk, "on_boot", value));
            operate(ctx, disk, message, None, change).await.map(|_| json!(""))
        }
        "enable_cbt" | "disable_cbt" => {
            let change = |db: &mut Db| json!(db.set("VDI", disk, "cbt_enabled", message == "enable_cbt"));
            operate(ctx, disk, message, None, change).await.map(|_| json!(""))
        }
        "data_destroy" => {
            let change = |db: &mut Db| {
                let fields = [("type", json!("cbt_metadata")), ("physical_utilisation", json!(0))];
                json!(db.update("VDI", disk, fields))
            };
            operate(ctx, disk, message, None, change).await.map(|_| json!(""))
        }
        "set_sharable" | "set_allow_caching" | "set_read_only" | "set_managed" | "set_missing" => {
            let field = message.trim_start_matches("set_");
            let done = ctx.core.write(|db| {
                let done = db.set("VDI", disk, field, args.get(1).cloned().unwrap_or_default());
                allowed::settle(db, "VDI", disk);
                done
            });
            if done { Ok(json!("")) } else { Err(handle_invalid("VDI", disk)) }
        }
        _ => return None,
    })
}

/// Runs an operation of a disk, announced on its SR too when that has a name for it.
async fn operate<T>(
    ctx: &Ctx,
    disk: &str,
    operation: &str,
    on_sr: Option<(String, &'static str)>,
    effect: impl FnOnce(&mut Db) -> T,
) -> Result<T, Failure> {
    let ready = |db: &mut Db, marks: &mut frame::Marks| {
        check(db, disk, operation)?;
        marks.add("VDI", disk, operation);
        if let Some((sr, name)) = &on_sr {
            sr::check(db, sr, name)?;
            marks.add("SR", sr, name);
        }
        Ok(())
    };
    frame::operate(ctx, ctx.core.options.delays.operation, ready, |db, ()| Ok(effect(db))).await
}

async fn create(ctx: &Ctx, value: Value) -> Result<Value, Failure> {
    let Value::Object(fields) = value else { return Err(fail("FIELD_TYPE_ERROR", ["args"])) };
    let constructor = model().class("VDI").and_then(|c| c.constructor.as_ref());
    if let Some(missing) = constructor.into_iter().flatten().find(|m| !fields.contains_key(*m)) {
        return Err(fail("FIELD_TYPE_ERROR", [missing]));
    }
    let sr = fields["SR"].as_str().unwrap_or_default().to_owned();
    let size = fields["virtual_size"].as_i64().unwrap_or_default();
    let ready = |db: &mut Db, marks: &mut frame::Marks| {
        sr::check(db, &sr, "vdi_create")?;
        assert_room(db, &sr, round(size))?;
        marks.add("SR", &sr, "vdi_create");
        Ok(())
    };
    let effect = |db: &mut Db, ()| Ok(json!(make(db, object(Value::Object(fields)))));
    frame::operate(ctx, ctx.core.options.delays.operation, ready, effect).await
}

fn round(size: i64) -> i64 {
    (size + STEP - 1) / STEP * STEP
}

/// Is there room for so many bytes? An SR that does not know its size takes everything.
pub fn assert_room(db: &Db, sr: &str, size: i64) -> Result<(), Failure> {
    let total = db.int("SR", sr, "physical_size");
    let free = (total - db.int("SR", sr, "physical_utilisation")).max(0);
    if total >= 0 && size > free {
        return Err(fail("SR_FULL", [&size.to_string(), &free.to_string()]));
    }
    Ok(())
}

/// Makes a disk as the storage would: rounded, placed, managed.
pub fn make(db: &mut Db, mut fields: Record) -> String {
    let sr = fields["SR"].as_str().unwrap_or_default().to_owned();
    let size = round(fields["virtual_size"].as_i64().unwrap_or_default());
    let thick = db.text("SR", &sr, "type").starts_with("lvm");
    let physical = if thick { size } else { 0 };
    for (field, value) in [
        ("virtual_size", json!(size)),
        ("physical_utilisation", json!(physical)),
        ("managed", json!(true)),
        ("location", json!(db.uuid())),
    ] {
        fields.insert(field, value);
    }
    let disk = db.insert("VDI", fields);
    account(db, &sr, size, physical);
    allowed::refresh(db, "VDI", &disk);
    disk
}

/// Adds to what the SR says it holds.
pub fn account(db: &mut Db, sr: &str, size: i64, physical: i64) {
    if db.get("SR", sr).is_some() {
        let total = |field: &str, more: i64| json!((db.int("SR", sr, field) + more).max(0));
        let fields = [
            ("virtual_allocation", total("virtual_allocation", size)),
            ("physical_utilisation", total("physical_utilisation", physical)),
        ];
        db.update("SR", sr, fields);
    }
}

/// A record without anything done on the storage.
fn introduce(ctx: &Ctx, args: &[Value]) -> Result<Value, Failure> {
    let (_, _, message) = model().message("VDI.introduce").expect("the model has it");
    let mut fields = Record::new();
    for (param, value) in message.params.iter().zip(args) {
        fields.insert(param.name.clone(), value.clone());
    }
    let sr = fields["SR"].as_str().unwrap_or_default().to_owned();
    ctx.core.write(|db| {
        sr::check(db, &sr, "vdi_introduce")?;
        let disk = db.insert("VDI", fields);
        allowed::refresh(db, "VDI", &disk);
        Ok(json!(disk))
    })
}

/// The disk goes, on the storage too.
pub fn erase(db: &mut Db, disk: &str) {
    if db.get("VDI", disk).is_none() {
        return;
    }
    let sr = db.text("VDI", disk, "SR").to_owned();
    let (size, physical) = (db.int("VDI", disk, "virtual_size"), db.int("VDI", disk, "physical_utilisation"));
    remove(db, disk);
    account(db, &sr, -size, -physical);
}

/// The record goes: drives are empty then, other devices go with it.
fn remove(db: &mut Db, disk: &str) {
    for vbd in db.list("VDI", disk, "VBDs") {
        let vm = db.text("VBD", &vbd, "VM").to_owned();
        if db.text("VBD", &vbd, "type") == "CD" {
            db.update("VBD", &vbd, [("VDI", json!(NULL)), ("empty", json!(true))]);
            allowed::refresh(db, "VBD", &vbd);
        } else {
            db.remove("VBD", &vbd);
        }
        allowed::refresh(db, "VM", &vm);
    }
    for dump in db.list("VDI", disk, "crash_dumps") {
        db.remove("crashdump", &dump);
    }
    let sr = db.text("VDI", disk, "SR").to_owned();
    db.remove("VDI", disk);
    allowed::refresh(db, "SR", &sr);
}

/// How a disk is copied.
pub enum Kind<'a> {
    /// Writable, on the same SR.
    Clone,
    /// On the same SR, belongs to the original.
    Snapshot,
    /// Every block, to this SR.
    Full(&'a str),
}

/// Makes a new disk from one.
pub fn duplicate(db: &mut Db, disk: &str, kind: &Kind<'_>) -> String {
    let mut record = db.get("VDI", disk).map(|r| (**r).clone()).unwrap_or_default();
    let snapshot = matches!(kind, Kind::Snapshot);
    let full = matches!(kind, Kind::Full(_));
    let sr =
        if let Kind::Full(sr) = kind { (*sr).to_owned() } else { record["SR"].as_str().unwrap_or_default().to_owned() };
    let (size, old) =
        (record["virtual_size"].as_i64().unwrap_or(0), record["physical_utilisation"].as_i64().unwrap_or(0));
    let physical = if full { old } else { THIN.min(old) };
    let mut sm_config = record["sm_config"].as_object().cloned().unwrap_or_default();
    sm_config.retain(|key, _| key != "vhd-parent" && !key.starts_with("host_"));
    for (field, value) in [
        ("uuid", json!("")),
        ("location", json!(db.uuid())),
        ("SR", json!(sr)),
        ("VBDs", json!([])),
        ("snapshots", json!([])),
        ("crash_dumps", json!([])),
        ("current_operations", json!({})),
        ("allowed_operations", json!([])),
        ("storage_lock", json!(false)),
        ("managed", json!(true)),
        ("physical_utilisation", json!(physical)),
        ("sm_config", json!(sm_config)),
        ("is_a_snapshot", json!(snapshot)),
        ("snapshot_of", json!(if snapshot { disk } else { NULL })),
        ("snapshot_time", json!(if snapshot { clock::now() } else { NEVER.to_owned() })),
        ("cbt_enabled", json!(snapshot && record["cbt_enabled"] == true)),
    ] {
        record.insert(field, value);
    }
    let new = db.insert("VDI", record);
    db.copy_content(disk, &new);
    if !full && sm::is_vhd(db, &sr) {
        share_parent(db, disk, &new);
    }
    account(db, &sr, size, physical);
    allowed::refresh(db, "VDI", &new);
    new
}

/// What both have in common goes to a hidden disk, the parent of both from now on.
fn share_parent(db: &mut Db, disk: &str, new: &str) {
    let old = db.field("VDI", disk, "sm_config")["vhd-parent"].as_str().map(str::to_owned);
    let mut sm_config = json!({"vdi_type": "vhd"});
    if let Some(old) = old {
        sm_config["vhd-parent"] = json!(old);
    }
    let parent = json!({
        "name_label": "base copy", "SR": db.text("VDI", disk, "SR"), "virtual_size": db.int("VDI", disk, "virtual_size"),
        "physical_utilisation": 0, "type": "user", "managed": false, "read_only": true, "sm_config": sm_config,
    });
    let parent = db.insert("VDI", object(parent));
    let uuid = db.text("VDI", &parent, "uuid").to_owned();
    db.set("VDI", &parent, "location", uuid.clone());
    for child in [disk, new] {
        db.set_entry("VDI", child, "sm_config", "vhd-parent", Some(&uuid));
    }
    allowed::refresh(db, "VDI", &parent);
}

/// `VDI.copy`: to an SR, or into a disk that is there and large enough.
async fn copy(ctx: &Ctx, disk: &str, sr: &str, into: &str) -> Result<Value, Failure> {
    let ready = |db: &mut Db, marks: &mut frame::Marks| {
        check(db, disk, "copy")?;
        marks.add("VDI", disk, "copy");
        let size = db.int("VDI", disk, "virtual_size");
        if into == NULL || into.is_empty() {
            sr::check(db, sr, "vdi_create")?;
            marks.add("SR", sr, "vdi_create");
            return assert_room(db, sr, size);
        }
        check(db, into, "copy")?;
        if db.flag("VDI", into, "read_only") {
            return Err(fail("VDI_READONLY", [into]));
        } else if db.int("VDI", into, "virtual_size") < size {
            return Err(fail("VDI_TOO_SMALL", [into, &size.to_string()]));
        }
        Ok(())
    };
    let effect = |db: &mut Db, ()| {
        if into == NULL || into.is_empty() {
            return Ok(json!(duplicate(db, disk, &Kind::Full(sr))));
        }
        let physical = db.int("VDI", disk, "physical_utilisation");
        let sr = db.text("VDI", into, "SR").to_owned();
        let more = physical - db.int("VDI", into, "physical_utilisation");
        db.set("VDI", into, "physical_utilisation", physical);
        account(db, &sr, 0, more);
        Ok(json!(into))
    };
    frame::operate(ctx, ctx.core.options.delays.operation, ready, effect).await
}

/// Disks only grow.
async fn resize(ctx: &Ctx, disk: &str, operation: &str, size: i64) -> Result<Value, Failure> {
    let ready = |db: &mut Db, marks: &mut frame::Marks| {
        check(db, disk, operation)?;
        marks.add("VDI", disk, operation);
        let sr = db.text("VDI", disk, "SR").to_owned();
        sr::check(db, &sr, "vdi_resize")?;
        let more = round(size) - db.int("VDI", disk, "virtual_size");
        if more < 0 {
            return Err(fail("SR_BACKEND_FAILURE_79", ["", "VDI Invalid size [opterr=shrinking not allowed]", ""]));
        }
        assert_room(db, &sr, more)?;
        marks.add("SR", &sr, "vdi_resize");
        Ok(more)
    };
    let effect = |db: &mut Db, more: i64| {
        let sr = db.text("VDI", disk, "SR").to_owned();
        let physical = if db.text("SR", &sr, "type").starts_with("lvm") { more } else { 0 };
        let grown = db.int("VDI", disk, "physical_utilisation") + physical;
        db.update("VDI", disk, [("virtual_size", json!(round(size))), ("physical_utilisation", json!(grown))]);
        account(db, &sr, more, physical);
        Ok(json!(""))
    };
    frame::operate(ctx, ctx.core.options.delays.operation, ready, effect).await
}

/// `VDI.pool_migrate`: the disk of a VM moves to another SR while the VM runs, under a new reference.
async fn migrate(ctx: &Ctx, disk: &str, sr: &str) -> Result<Value, Failure> {
    let ready = |db: &mut Db, marks: &mut frame::Marks| {
        check(db, disk, "mirror")?;
        let vbds = db.list("VDI", disk, "VBDs");
        let Some(vbd) = vbds.first() else { return Err(fail("VDI_NEEDS_VM_FOR_MIGRATE", [disk])) };
        let vm = db.text("VBD", vbd, "VM").to_owned();
        vm::check(db, &vm, "migrate_send")?;
        sr::check(db, sr, "vdi_create")?;
        assert_room(db, sr, db.int("VDI", disk, "virtual_size"))?;
        marks.add("VM", &vm, "migrate_send");
        marks.add("VDI", disk, "mirror");
        marks.add("SR", sr, "vdi_create");
        Ok(())
    };
    frame::operate(ctx, ctx.core.options.delays.operation, ready, |db, ()| Ok(json!(relocate(db, disk, sr)))).await
}

/// The disk's content under a new reference on another SR; its devices and snapshots follow, the old one goes.
pub fn relocate(db: &mut Db, disk: &str, sr: &str) -> String {
    let new = duplicate(db, disk, &Kind::Full(sr));
    take_place(db, disk, &new);
    erase(db, disk);
    allowed::settle(db, "VDI", &new);
    new
}

/// Who pointed at the old disk points at the new one.
fn take_place(db: &mut Db, old: &str, new: &str) {
    for vbd in db.list("VDI", old, "VBDs") {
        db.set("VBD", &vbd, "VDI", new);
    }
    for snapshot in db.list("VDI", old, "snapshots") {
        db.set("VDI", &snapshot, "snapshot_of", new);
    }
}

/// Brings the state of a snapshot back and returns the disk that has it: the old one where the storage can turn back, else a
/// clone of the snapshot in place of the old one. That the other snapshots of the old disk become the clone's is a guess.
pub fn revert(db: &mut Db, snapshot: &str, old: Option<&str>) -> String {
    let sr = db.text("VDI", snapshot, "SR").to_owned();
    match old.filter(|old| db.get("VDI", old).is_some()) {
        Some(old) if sm::has_feature(db, &sr, "VDI_REVERT") && db.count("SM") > 0 => {
            let size = db.int("VDI", snapshot, "virtual_size");
            db.set("VDI", old, "virtual_size", size);
            old.to_owned()
        }
        Some(old) => {
            let new = duplicate(db, snapshot, &Kind::Clone);
            take_place(db, old, &new);
            erase(db, old);
            new
        }
        None => duplicate(db, snapshot, &Kind::Clone),
    }
}
