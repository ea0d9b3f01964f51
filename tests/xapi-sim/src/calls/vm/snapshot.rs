//! Snapshots, checkpoints, and the way back to them.

use serde_json::{Map, Value, json};

use super::{
    check::check,
    copy::{self, Kind},
    domain::boot,
    operate::{nothing, operate},
    power::{drop_suspended_memory, put_to_disk, shut_down, suspend_sr},
};
use crate::{
    calls::objects::{
        allowed,
        frame::{self, Marks},
        messages::alert,
        vdi,
    },
    core::Ctx,
    db::Db,
    failure::{Failure, handle_invalid},
    model::{NEVER, NULL, Record, model},
};

/// Fields that a revert leaves as they are: the VM's identity, its state and what others say about it.
const KEPT: [&str; 22] = [
    "uuid",
    "suspend_VDI",
    "power_state",
    "parent",
    "allowed_operations",
    "current_operations",
    "metrics",
    "guest_metrics",
    "resident_on",
    "scheduled_to_be_resident_on",
    "domid",
    "is_a_template",
    "is_a_snapshot",
    "snapshot_of",
    "snapshot_time",
    "snapshot_info",
    "snapshot_metadata",
    "transportable_snapshot_id",
    "tags",
    "affinity",
    "groups",
    "appliance",
];

/// Text of a VM's record for `snapshot_metadata`. XAPI has a notation of its own that nobody but XAPI reads.
pub fn dump(record: &Record) -> String {
    let fields = model().class("VM").into_iter().flat_map(|c| c.fields.keys());
    let fields = fields.filter(|f| *f != "snapshot_metadata");
    let map: Map<String, Value> = fields.filter_map(|f| Some((f.clone(), record.get(f)?.clone()))).collect();
    Value::Object(map).to_string()
}

/// `VM.snapshot`: disks in `without` are left out.
pub async fn snapshot(ctx: &Ctx, vm: &str, name: &str, without: &[String]) -> Result<Value, Failure> {
    let effect = |db: &mut Db, ()| {
        let new = take(db, vm, name, &Kind::Snapshot, without);
        alert(db, "VM_SNAPSHOTTED", vm);
        Ok(json!(new))
    };
    operate(ctx, vm, "snapshot", nothing, effect).await
}

/// Makes the snapshot and puts it between the VM and its parent in the tree.
fn take(db: &mut Db, vm: &str, name: &str, kind: &Kind<'_>, without: &[String]) -> String {
    let new = copy::duplicate(db, vm, name, kind, without);
    let parent = db.text("VM", vm, "parent").to_owned();
    db.set("VM", &new, "parent", parent);
    db.set("VM", vm, "parent", new.clone());
    new
}

/// `VM.checkpoint`: a snapshot with memory. A running VM is really suspended and resumed for it. That a paused VM gives a
/// snapshot without memory is a guess: the facts speak of running and suspended ones.
pub async fn checkpoint(ctx: &Ctx, vm: &str, name: &str) -> Result<Value, Failure> {
    let time = ctx.core.options.delays.operation;
    let ready = |db: &mut Db, marks: &mut Marks| {
        check(db, vm, "checkpoint")?;
        marks.add("VM", vm, "checkpoint");
        let running = db.text("VM", vm, "power_state") == "Running";
        running.then(|| Ok((suspend_sr(db, vm)?, db.text("VM", vm, "resident_on").to_owned()))).transpose()
    };
    let (running, marks) = frame::announce(ctx, ready).await?;
    let work = async {
        if let Some((sr, _)) = &running {
            ctx.work(time).await?;
            ctx.core.write(|db| put_to_disk(db, vm, sr));
        }
        let made = match ctx.work(time).await {
            Ok(()) => Ok(ctx.core.write(|db| {
                let new = take(db, vm, name, &Kind::Checkpoint, &[]);
                alert(db, "VM_CHECKPOINTED", vm);
                json!(new)
            })),
            Err(failure) => Err(failure),
        };
        if let Some((_, host)) = &running {
            // Whatever happened, the VM goes on.
            tokio::time::sleep(time).await;
            ctx.core.write(|db| {
                if db.text("VM", vm, "power_state") == "Suspended" {
                    boot(db, vm, host, "Running", false);
                    drop_suspended_memory(db, vm);
                }
            });
        }
        made
    };
    let out = work.await;
    ctx.core.write(|db| marks.retire(db, &ctx.task));
    out
}

/// `VM.revert(snapshot)`: the VM becomes what it was; a VM that is gone is made again.
pub async fn revert(ctx: &Ctx, snapshot: &str) -> Result<(), Failure> {
    let ready = |db: &mut Db, marks: &mut Marks| {
        check(db, snapshot, "revert")?;
        marks.add("VM", snapshot, "revert");
        let vm = db.text("VM", snapshot, "snapshot_of").to_owned();
        let there = db.get("VM", &vm).is_some();
        if there {
            check(db, &vm, "reverting")?;
            marks.add("VM", &vm, "reverting");
        }
        Ok((vm, there))
    };
    let effect = |db: &mut Db, (vm, there): (String, bool)| {
        if there && db.get("VM", &vm).is_none() {
            return Err(handle_invalid("VM", &vm));
        }
        let vm = if there { vm } else { recreate(db, snapshot, &vm) };
        go_back(db, snapshot, &vm);
        alert(db, "VM_SNAPSHOT_REVERTED", &vm);
        allowed::settle(db, "VM", &vm);
        Ok(())
    };
    frame::operate(ctx, ctx.core.options.delays.operation, ready, effect).await
}

/// A VM for a snapshot whose VM is gone. Its other snapshots become its own again.
fn recreate(db: &mut Db, snapshot: &str, gone: &str) -> String {
    let mut record = db.get("VM", snapshot).map(|r| (**r).clone()).unwrap_or_default();
    let metrics = db.insert("VM_metrics", Record::new());
    let blank = [
        ("uuid", json!("")),
        ("is_a_template", json!(false)),
        ("is_a_snapshot", json!(false)),
        ("snapshot_of", json!(NULL)),
        ("snapshot_time", json!(NEVER)),
        ("snapshot_info", json!({})),
        ("snapshot_metadata", json!("")),
        ("power_state", json!("Halted")),
        ("suspend_VDI", json!(NULL)),
        ("metrics", json!(metrics)),
        ("guest_metrics", json!(NULL)),
        ("current_operations", json!({})),
    ];
    for (field, value) in blank {
        record.insert(field, value);
    }
    for (set, _) in model().mirrored("VM") {
        record.insert(set, json!([]));
    }
    let vm = db.insert("VM", record);
    let orphans: Vec<String> =
        db.rows("VM").filter(|(_, v)| v["snapshot_of"] == gone).map(|(r, _)| r.to_string()).collect();
    for orphan in orphans {
        db.set("VM", &orphan, "snapshot_of", vm.clone());
    }
    vm
}

fn go_back(db: &mut Db, snapshot: &str, vm: &str) {
    if db.text("VM", vm, "power_state") != "Halted" {
        shut_down(db, vm);
    }
    revert_disks(db, snapshot, vm);
    for vif in db.list("VM", vm, "VIFs") {
        db.remove("VIF", &vif);
    }
    for vif in db.list("VM", snapshot, "VIFs") {
        copy::duplicate_interface(db, &vif, vm, false);
    }
    for vtpm in db.list("VM", vm, "VTPMs") {
        db.remove("VTPM", &vtpm);
    }
    for vtpm in db.list("VM", snapshot, "VTPMs") {
        let Some(mut record) = db.get("VTPM", &vtpm).map(|r| (**r).clone()) else { continue };
        copy::reset_device(&mut record, vm);
        db.insert("VTPM", record);
    }
    let fields = metadata(db, snapshot, vm);
    db.update("VM", vm, fields.iter().map(|(field, value)| (field.as_str(), value.clone())));
    let state = db.text("VM", snapshot, "power_state").to_owned();
    if state == "Suspended" {
        let memory = db.text("VM", snapshot, "suspend_VDI").to_owned();
        if db.get("VDI", &memory).is_some() {
            let copy = vdi::duplicate(db, &memory, &vdi::Kind::Clone);
            db.set("VM", vm, "suspend_VDI", copy);
        }
    }
    db.update("VM", vm, [("parent", json!(snapshot)), ("power_state", json!(state))]);
}

/// What the VM's fields were: as noted in the snapshot's metadata, or (recorded snapshots have another notation) as the
/// snapshot itself has them, but for its name.
fn metadata(db: &Db, snapshot: &str, vm: &str) -> Map<String, Value> {
    let noted = serde_json::from_str::<Map<String, Value>>(db.text("VM", snapshot, "snapshot_metadata"));
    let class = model().class("VM").expect("the model has VMs");
    let mut fields = noted.unwrap_or_else(|_| {
        let own = |f: &String| Some((f.clone(), db.get("VM", snapshot)?.get(f)?.clone()));
        let mut own: Map<String, Value> = class.fields.keys().filter_map(own).collect();
        own.remove("name_label");
        own
    });
    fields.retain(|field, value| {
        let computed = model().mirrored("VM").any(|(set, _)| set == field);
        !computed && !KEPT.contains(&field.as_str()) && db.field("VM", vm, field) != value
    });
    fields
}

/// Disks go back in place where the storage can; else the old one is destroyed and a clone of the snapshot's takes its place.
/// Disks that came after the snapshot are detached and kept. All VBDs are made anew.
fn revert_disks(db: &mut Db, snapshot: &str, vm: &str) {
    let disk_of = |db: &Db, vbd: &String| db.text("VBD", vbd, "VDI").to_owned();
    let current: Vec<String> = db.list("VM", vm, "VBDs");
    let old: Vec<String> = current.iter().map(|vbd| disk_of(db, vbd)).collect();
    for vbd in &current {
        db.remove("VBD", vbd);
    }
    for vbd in db.list("VM", snapshot, "VBDs") {
        let Some(mut record) = db.get("VBD", &vbd).map(|r| (**r).clone()) else { continue };
        let saved = disk_of(db, &vbd);
        if record["type"] != "CD" && db.get("VDI", &saved).is_some() {
            let was = db.text("VDI", &saved, "snapshot_of").to_owned();
            let disk = vdi::revert(db, &saved, old.contains(&was).then_some(was.as_str()));
            record.insert("VDI", json!(disk));
        }
        copy::reset_device(&mut record, vm);
        db.insert("VBD", record);
    }
}
