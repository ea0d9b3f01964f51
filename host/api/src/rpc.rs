//! One way in for every operation, whatever brought it: table line, permission, parameters, handler, and once, here, the
//! audit, the metrics and the log.

use std::sync::Arc;
use std::time::Instant;

use app::{Ctx, Meaning, object};
use model::Object;
use serde_json::{Map, Value, json};
use tracing::{Instrument, debug_span, info_span, warn};
use wire::{Access, Failure, Level, Operation};

use crate::Api;
use crate::handlers::{self, Call, Reply};
use crate::session::Session;

/// Calls an operation.
pub(crate) async fn invoke(
    api: &Api,
    session: &Arc<Session>,
    operation: &'static Operation,
    params: Map<String, Value>,
) -> Result<Reply, Failure> {
    let ctx = meaning(session.ctx(&api.app)?, operation, &params);
    // Questions are many and short; what goes wrong with them says itself whose call it was.
    let span = if operation.changes {
        info_span!("call", method = operation.name, caller = %ctx.caller)
    } else {
        debug_span!("call", method = operation.name, caller = %ctx.caller)
    };
    let started = Instant::now();
    let record = operation.changes.then(|| app::mask_params(&params));
    let outcome = run(api, session, &ctx, operation, params).instrument(span).await;
    api.timings.record(operation, outcome.is_ok(), started.elapsed());
    if let Some(params) = record {
        let duration = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut data = json!({ "method": operation.name, "params": params, "duration": duration });
        if let Err(failure) = &outcome {
            data["error"] = json!({ "code": failure.code(), "message": failure.to_string() });
        }
        ctx.audit("apiCall", data).await;
    }
    outcome
}

/// Refuses a caller that may not call this, whatever it names.
pub(crate) fn permission(ctx: &Ctx, operation: &Operation) -> Result<(), Failure> {
    let refused = |permission: &str| Failure::Unauthorized { permission: permission.to_owned(), object: None };
    match operation.access {
        Access::Open => {}
        Access::SignedIn => {
            let _signed_in = access::signed_in(&ctx.caller).map_err(|_| refused("signed in"))?;
        }
        Access::Admin => {
            let _admin = access::admin(&ctx.caller).map_err(|_| refused("admin"))?;
        }
    }
    Ok(())
}

/// Says what a call means in the words of fine rights; administrators do not need it.
fn meaning(ctx: Ctx, operation: &Operation, params: &Map<String, Value>) -> Ctx {
    if operation.objects.is_empty() || ctx.caller.principal().is_none_or(|who| who.rights.privileges().is_empty()) {
        return ctx;
    }
    let meaning = |named: &wire::Object| Meaning {
        kinds: named.kinds,
        action: action(named.level),
        privileges: wire::privileges(operation, named.param, params),
    };
    Ctx { means: operation.objects.iter().map(meaning).collect(), ..ctx }
}

fn action(level: Level) -> access::Action {
    match level {
        Level::View => access::Action::View,
        Level::Operate => access::Action::Operate,
        Level::Administrate => access::Action::Administrate,
    }
}

/// Refuses what would be refused for the objects that a call names, before it is made; returns the first of them.
pub(crate) fn admit(
    ctx: &Ctx,
    operation: &Operation,
    params: &Map<String, Value>,
) -> Result<Option<Arc<Object>>, Failure> {
    let ctx = &meaning(ctx.clone(), operation, params);
    let named = object::named(ctx, operation.objects, params).map_err(|error| error.failure)?;
    // The one that the path names, where there are several.
    let own = named.iter().position(|(param, _)| *param == "id").unwrap_or(0);
    Ok(named.into_iter().nth(own).map(|(_, target)| target.into_target()))
}

async fn run(
    api: &Api,
    session: &Arc<Session>,
    ctx: &Ctx,
    operation: &'static Operation,
    mut params: Map<String, Value>,
) -> Result<Reply, Failure> {
    permission(ctx, operation)?;
    // Reserved: asked the server for its log of this call; taken and ignored.
    params.remove("_log");
    alias_id(operation, &mut params);
    drop_ignorable(operation, &mut params)?;
    let issues = operation.params.check(&params);
    if !issues.is_empty() {
        return Err(Failure::InvalidParameters { message: "invalid parameters".into(), issues });
    }
    let objects = object::named(ctx, operation.objects, &params).map_err(|error| error.failure)?;
    let handler = handlers::find(operation.name).ok_or(Failure::NotImplemented)?;
    let call = Call {
        ctx: ctx.clone(),
        session: session.clone(),
        tickets: api.tickets.clone(),
        answers: api.answers.clone(),
        events: api.events.clone(),
        sockets: api.sockets.clone(),
        params,
        objects,
    };
    handler(call).await.map_err(|error| {
        if let Some(detail) = &error.detail {
            warn!(method = operation.name, caller = %ctx.caller, detail, "call failed");
        }
        error.failure
    })
}

/// `vm.start {vm: id}` means `vm.start {id}`.
fn alias_id(operation: &Operation, params: &mut Map<String, Value>) {
    let Some((namespace, _)) = operation.name.split_once('.') else { return };
    let takes_id = operation.params.declares("id") && !operation.params.declares(namespace);
    if takes_id
        && !params.contains_key("id")
        && params.get(namespace).is_some_and(Value::is_string)
        && let Some(id) = params.remove(namespace)
    {
        params.insert("id".to_owned(), id);
    }
}

/// `foo?` means `foo` where that is known, and nothing where it is not.
fn drop_ignorable(operation: &Operation, params: &mut Map<String, Value>) -> Result<(), Failure> {
    let ignorable: Vec<String> = params.keys().filter(|name| name.ends_with('?')).cloned().collect();
    for name in ignorable {
        let plain = name.trim_end_matches('?').to_owned();
        let Some(value) = params.remove(&name) else { continue };
        if params.contains_key(&plain) {
            return Err(Failure::invalid(format!("both {plain} and {name} are given")));
        }
        if operation.params.declares(&plain) || matches!(operation.params, wire::Params::Any) {
            params.insert(plain, value);
        }
    }
    Ok(())
}
