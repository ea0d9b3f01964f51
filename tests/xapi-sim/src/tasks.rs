//! Task records: what stands for a call while it runs, and for an asynchronous one until it is collected.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{
    Delays, clock,
    core::{Core, Ctx},
    db::Db,
    failure::{Failure, fail, handle_invalid},
    model::{NEVER, NULL, Record},
    wire::{Reply, xml},
};

/// Above this the oldest finished tasks go.
const KEPT: usize = 200;
/// After which a pending task is given up.
const PENDING_LIFE: i64 = 24 * 3600;
/// Sessions kept per originator and user; those without an originator share a smaller limit.
const SESSIONS: usize = 500;
const ANONYMOUS_SESSIONS: usize = 400;

/// Makes the pending task of a call and returns the call's context.
pub fn begin(core: &Arc<Core>, name: &str, session: &str) -> Result<Ctx, Failure> {
    if core.cancels.lock().len() >= core.options.pending_tasks {
        return Err(fail("TOO_MANY_PENDING_TASKS", []));
    }
    let task = core.write(|db| {
        drop_surplus(db);
        create(db, name, "")
    });
    let (ask, cancelled) = watch::channel(false);
    core.cancels.lock().insert(task.clone(), ask);
    Ok(Ctx { core: core.clone(), session: session.to_owned(), task, cancelled })
}

/// Returns the context of a call that has no task.
pub fn without(core: &Arc<Core>, name: &str, session: &str) -> Ctx {
    let task = core.write(|db| format!("DummyRef:|{}|{name}", db.uuid()));
    Ctx { core: core.clone(), session: session.to_owned(), task, cancelled: watch::channel(false).1 }
}

/// Adds a pending task.
pub fn create(db: &mut Db, name: &str, description: &str) -> String {
    let host = db.rows("pool").next().map_or(NULL, |(r, _)| db.text("pool", r, "master")).to_owned();
    let fields = json!({
        "name_label": name, "name_description": description, "created": clock::now(), "finished": NEVER,
        "status": "pending", "resident_on": host, "progress": 0.0, "type": "<none/>", "backtrace": "()",
        "allowed_operations": ["cancel", "destroy"],
    });
    db.insert("task", object(fields))
}

/// Writes what the call came to, for those who watch the task.
pub fn finish(ctx: &Ctx, reply: &Reply) {
    ctx.core.cancels.lock().remove(&ctx.task);
    let (status, result, error) = match reply {
        Ok(wire) => ("success", xml::value(wire), Vec::new()),
        Err(failure) if failure.code == "TASK_CANCELLED" => ("cancelled", String::new(), failure.description()),
        Err(failure) => ("failure", String::new(), failure.description()),
    };
    ctx.core.write(|db| {
        let doomed = db
            .field("task", &ctx.task, "current_operations")
            .as_object()
            .is_some_and(|o| o.values().any(|v| v == "destroy"));
        if doomed {
            db.remove("task", &ctx.task);
            return;
        }
        let fields = [
            ("allowed_operations", json!([])),
            ("finished", json!(clock::now())),
            ("progress", json!(1.0)),
            ("result", json!(result)),
            ("error_info", json!(error)),
            ("status", json!(status)),
        ];
        db.update("task", &ctx.task, fields);
    });
}

/// Removes the task of a synchronous call.
pub fn forget(ctx: &Ctx) {
    ctx.core.cancels.lock().remove(&ctx.task);
    ctx.core.write(|db| db.remove("task", &ctx.task));
}

/// Collects garbage from time to time, for as long as the simulator runs.
pub async fn sweep(core: Arc<Core>) {
    loop {
        tokio::time::sleep(core.options.delays.garbage).await;
        let now = clock::seconds();
        core.write(|db| {
            drop_surplus(db);
            drop_old(db, &core.options.delays, now);
            drop_sessions(db, &core.options.delays, now);
        });
    }
}

/// Finished tasks beyond the limit go, oldest first.
fn drop_surplus(db: &mut Db) {
    let surplus = db.count("task").saturating_sub(KEPT);
    if surplus == 0 {
        return;
    }
    let mut finished: Vec<(String, String)> = db
        .rows("task")
        .filter(|(_, t)| t["status"] != "pending")
        .map(|(r, t)| (t["finished"].as_str().unwrap_or_default().to_owned(), r.to_string()))
        .collect();
    finished.sort();
    for (_, task) in finished.into_iter().take(surplus) {
        db.remove("task", &task);
    }
}

fn age(record: &Record, field: &str, now: i64) -> i64 {
    now - record[field].as_str().and_then(clock::seconds_of).unwrap_or(now)
}

fn drop_old(db: &mut Db, delays: &Delays, now: i64) {
    let life = i64::try_from(delays.task_life.as_secs()).unwrap_or(i64::MAX);
    let old = |task: &Record| match task["status"].as_str() {
        Some("pending") => age(task, "created", now) > PENDING_LIFE,
        _ => age(task, "finished", now) >= life,
    };
    let old: Vec<_> = db.rows("task").filter(|(_, t)| old(t)).map(|(r, _)| r.clone()).collect();
    for task in old {
        db.remove("task", &task);
    }
}

/// Unused sessions go, and of each group the oldest beyond its limit: who logs in again and again evicts others.
fn drop_sessions(db: &mut Db, delays: &Delays, now: i64) {
    let life = i64::try_from(delays.session_life.as_secs()).unwrap_or(i64::MAX);
    let mut groups: BTreeMap<String, Vec<(i64, Arc<str>)>> = BTreeMap::new();
    for (reference, session) in db.rows("session") {
        let originator = session["originator"].as_str().unwrap_or_default().to_owned();
        groups.entry(originator).or_default().push((age(session, "last_active", now), reference.clone()));
    }
    for (originator, mut sessions) in groups {
        sessions.sort();
        let limit = if originator.is_empty() { ANONYMOUS_SESSIONS } else { SESSIONS };
        for (at, (age, session)) in sessions.into_iter().enumerate() {
            if at >= limit || age > life {
                db.remove("session", &session);
            }
        }
    }
}

/// The messages of the class that do something.
pub fn call(ctx: &Ctx, message: &str, args: &[Value]) -> Option<Result<Value, Failure>> {
    let text = |i: usize| args.get(i).and_then(Value::as_str).unwrap_or_default();
    let set = |field: &str| {
        let done = ctx.core.write(|db| db.set("task", text(0), field, args[1].clone()));
        if done { Ok(json!("")) } else { Err(handle_invalid("task", text(0))) }
    };
    Some(match message {
        "create" => Ok(json!(ctx.core.write(|db| create(db, text(0), text(1))))),
        "destroy" => destroy(ctx, text(0)),
        "cancel" => cancel(ctx, text(0)),
        "set_status" => set_status(ctx, text(0), text(1)),
        "set_progress" => set("progress"),
        "set_result" => set("result"),
        "set_error_info" => set("error_info"),
        _ => return None,
    })
}

fn status(ctx: &Ctx, task: &str) -> Result<String, Failure> {
    ctx.core.read(|db| match db.text("task", task, "status") {
        "" => Err(handle_invalid("task", task)),
        status => Ok(status.to_owned()),
    })
}

/// A finished task goes; of a pending one that runs here only the wish is kept.
fn destroy(ctx: &Ctx, task: &str) -> Result<Value, Failure> {
    let running = status(ctx, task)? == "pending" && ctx.core.cancels.lock().contains_key(task);
    ctx.core.write(|db| match running {
        true => db.set_entry("task", task, "current_operations", &ctx.task, Some("destroy")),
        false => db.remove("task", task),
    });
    Ok(json!(""))
}

/// Cancelling a finished task is a no-op.
fn cancel(ctx: &Ctx, task: &str) -> Result<Value, Failure> {
    if status(ctx, task)? == "pending" {
        if !ctx.core.read(|db| db.list("task", task, "allowed_operations").iter().any(|o| o == "cancel")) {
            return Err(fail("OPERATION_NOT_ALLOWED", ["the task cannot be cancelled"]));
        }
        ctx.core.write(|db| db.set_entry("task", task, "current_operations", &ctx.task, Some("cancel")));
        ask_to_cancel(&ctx.core, task);
    }
    Ok(json!(""))
}

/// Lets the work of a task end at its next pause.
pub fn ask_to_cancel(core: &Core, task: &str) {
    if let Some(ask) = core.cancels.lock().get(task) {
        ask.send_replace(true);
    }
}

fn set_status(ctx: &Ctx, task: &str, value: &str) -> Result<Value, Failure> {
    status(ctx, task)?;
    let mut fields: Vec<(&str, Value)> = Vec::new();
    if value != "pending" {
        fields.extend([("allowed_operations", json!([])), ("finished", json!(clock::now()))]);
    }
    fields.push(("status", json!(value)));
    ctx.core.write(|db| db.update("task", task, fields));
    Ok(json!(""))
}

/// Unwraps a literal object.
pub fn object(value: Value) -> Record {
    match value {
        Value::Object(map) => map.into(),
        _ => Record::new(),
    }
}
