//! From a wire name to the code that answers: sessions, arity, types and tasks are settled here, once for all messages.

mod args;
mod generic;
mod objects;
mod query;
mod site;
mod vm;

use serde_json::{Value, json};

use crate::{
    clock,
    core::Ctx,
    events,
    failure::{Failure, fail},
    model::{Class, Message, Type, model},
    release::Release,
    seat::Seat,
    sessions, tasks,
    wire::{Call, Reply, Wire},
};

pub use args::coerce;
pub use objects::{
    allowed::{forget_operations, refresh},
    machine::up as host_is_up,
};
pub use query::database_text;
pub use vm::{arrive, random_mac, recompute, remove as remove_vm};

/// Calls that a local session may make on a slave.
const LOCAL: [&str; 4] =
    ["session.slave_local_login_with_password", "session.slave_local_login", "session.local_logout", "pool.is_slave"];

/// Returns `Class.message` for any spelling of a call, so that faults and counters need one name.
pub fn canonical(method: &str) -> String {
    let bare = method.strip_prefix("Async.").unwrap_or(method);
    match model().message(bare) {
        Some((class, message, _)) => format!("{}.{message}", class.name),
        None => bare.to_owned(),
    }
}

/// Answers a call that came in at a listener.
pub async fn dispatch(seat: &Seat, call: Call) -> Reply {
    clock::skewed(seat.core.skew(), dispatch_now(seat, call)).await
}

async fn dispatch_now(seat: &Seat, call: Call) -> Reply {
    let Call { method, params } = call;
    let core = &seat.core;
    if method == "system.listMethods" {
        return Ok(list_methods(core.options.release));
    }
    if method.starts_with("system.isAlive:") {
        return Ok(Wire::Plain(params.into_iter().next().unwrap_or_else(|| json!(""))));
    }
    let (bare, asynchronous) = match method.strip_prefix("Async.") {
        Some(bare) => (bare, true),
        None => (method.as_str(), false),
    };
    let session = params.first().and_then(Value::as_str).unwrap_or_default().to_owned();
    let release = core.options.release;
    let found = model().message(bare).filter(|(.., m)| (!asynchronous || bare.contains('.')) && release.knows(m.since));
    let Some((class, name, message)) = found else {
        if !params.is_empty() {
            refuse_on_slave(seat, bare)?;
            core.check_session(&session)?;
        }
        return Err(fail("MESSAGE_METHOD_UNKNOWN", [&method]));
    };
    let args = args::read(&format!("{}.{name}", class.name), message, params)?;
    refuse_on_slave(seat, &format!("{}.{name}", class.name))?;
    if message.session {
        core.maybe_kill(&session);
        core.check_session(&session)?;
    }
    if message.removed {
        return Err(fail("MESSAGE_REMOVED", []));
    }
    if asynchronous && !message.asynchronous {
        return Err(fail("Fault", ["No async mode for this operation"]));
    }
    if method == "pool.is_slave" {
        return Ok(Wire::Plain(json!(seat.master_elsewhere().is_some())));
    }
    if !message.asynchronous {
        let ctx = tasks::without(core, bare, &session);
        return run(&ctx, class, name, message, args).await;
    }

    let ctx = tasks::begin(core, &method, &session)?;
    let task = ctx.task.clone();
    // The work goes on when the caller goes away, as in XAPI.
    let (done, answer) = tokio::sync::oneshot::channel();
    core.spawn(async move {
        let reply = run(&ctx, class, name, message, args).await;
        if asynchronous {
            tasks::finish(&ctx, &reply);
        } else {
            tasks::forget(&ctx);
            // Nobody may be there any more to hear it.
            let _ = done.send(reply);
        }
    });
    if asynchronous {
        return Ok(Wire::Text(task));
    }
    answer.await.unwrap_or_else(|_| Err(fail("INTERNAL_ERROR", ["the toolstack was restarted"])))
}

fn refuse_on_slave(seat: &Seat, method: &str) -> Result<(), Failure> {
    match seat.master_elsewhere() {
        Some(master) if !LOCAL.contains(&method) => Err(fail("HOST_IS_SLAVE", [&master])),
        _ => Ok(()),
    }
}

fn list_methods(release: Release) -> Wire {
    let all = model().classes.values().flat_map(|c| c.messages.iter().map(move |(name, m)| (c, name, m)));
    Wire::List(
        all.filter(|(.., m)| release.knows(m.since))
            .map(|(c, name, _)| Wire::Text(format!("{}.{name}", c.name)))
            .collect(),
    )
}

/// Runs the message itself: by hand where it does something of its own, else by its name.
async fn run(ctx: &Ctx, class: &'static Class, name: &str, message: &Message, args: Vec<Value>) -> Reply {
    if let Some(failure) = ctx.core.faults.failure(&format!("{}.{name}", class.name)) {
        return Err(failure);
    }
    let by_hand = match class.name.as_str() {
        "event" => Some(event(ctx, name, &args).await),
        "session" => sessions::call(ctx, name, &args).await.map(|r| r.map(Wire::Plain)),
        "task" => tasks::call(ctx, name, &args).map(|r| r.map(Wire::Plain)),
        _ if let Some(reply) = site::call(ctx, &class.name, name, &args) => Some(reply.map(Wire::Plain)),
        "VM" => vm::call(ctx, name, &args).await.map(|r| r.map(Wire::Plain)),
        _ => objects::call(ctx, &class.name, name, &args).await.map(|r| r.map(Wire::Plain)),
    };
    let reply = match by_hand {
        Some(reply) => reply,
        None => generic::call(&ctx.core, class, name, args),
    };
    reply.map(|wire| declared(wire, &message.result))
}

/// Gives a plain value the declared type.
fn declared(wire: Wire, ty: &Type) -> Wire {
    match wire {
        Wire::Plain(value) => Wire::Typed(value, ty.clone()),
        other => other,
    }
}

async fn event(ctx: &Ctx, name: &str, args: &[Value]) -> Reply {
    let classes = |i: usize| args.get(i).and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |i: usize| args.get(i).and_then(Value::as_str).unwrap_or_default();
    match name {
        "from" => {
            let timeout = args.get(2).and_then(Value::as_f64).unwrap_or_default();
            events::from(&ctx.core, &ctx.session, &classes(0), text(1), timeout).await
        }
        "inject" => events::inject(&ctx.core, text(0), text(1)).map(Wire::Plain),
        "register" => {
            events::register(&ctx.core, &ctx.session, &classes(0));
            Ok(Wire::Plain(json!("")))
        }
        "unregister" => {
            events::unregister(&ctx.core, &ctx.session);
            Ok(Wire::Plain(json!("")))
        }
        "next" => events::next(&ctx.core, &ctx.session).await,
        "get_current_id" => Ok(Wire::Plain(json!(ctx.core.read(|db| db.generation())))),
        other => Err(fail("NOT_IMPLEMENTED", [&format!("event.{other}")])),
    }
}
