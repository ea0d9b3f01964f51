//! Actions: the call becomes a task of ours, and the answer is the task, or with `?sync` what comes of it.

use std::sync::Arc;

use app::task::{self, Properties};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::ServerId;
use serde_json::{Map, Value, json};
use wire::{Endpoint, Failure, REST_BASE};

use crate::handlers::Reply;
use crate::session::Session;
use crate::{Api, rpc};

/// What the route says of an action.
pub(super) struct Action {
    pub label: &'static str,
    pub creates: Option<&'static str>,
    pub sync: bool,
}

/// Begins an action whose parameters are the operation's.
pub(super) async fn serve(
    api: &Api,
    session: &Arc<Session>,
    endpoint: &'static Endpoint,
    params: Map<String, Value>,
    action: Action,
) -> Result<Response, Failure> {
    let operation = endpoint.operation();
    let ctx = session.ctx(&api.app)?;
    // What can be refused at once is refused at once, and leaves no task behind.
    let object = rpc::admit(&ctx, operation, &params)?;
    let id = params.get("id").and_then(Value::as_str).map(str::to_owned);
    if let Some(id) = id.as_deref().filter(|_| object.is_none()) {
        let found = match endpoint.path.split('/').nth(1) {
            Some("acl-roles") => app::role::get(&ctx, id).map(drop),
            Some("servers") => app::server::get(&ctx, &ServerId::from(id)).map(drop),
            Some("tasks") => task::get(&ctx, id).map(drop),
            _ => Ok(()),
        };
        found.map_err(|error| error.failure)?;
    }
    let mut shown = app::mask_params(&params);
    let shown = shown.as_object_mut().map(std::mem::take).unwrap_or_default();
    let properties = Properties {
        name: format!("REST API: {}", action.label),
        kind: Some("xo:rest-api:action".to_owned()),
        object_type: object.as_ref().map(|object| object.kind().to_string()),
        object_id: object.map(|object| object.id().to_string()).or(id),
        params: shown.into_iter().filter(|(name, _)| name != "id").collect(),
        ..Properties::default()
    };
    let running = task::start(&ctx, properties).await.map_err(|error| error.failure)?;
    let (id, creates) = (running.id().to_owned(), action.creates);
    let work = {
        let (api, session) = (api.clone(), session.clone());
        async move {
            let call = rpc::invoke(&api, &session, operation, params);
            Arc::new(running).run(call, |reply| result_of(reply, creates)).await
        }
    };
    // It goes on when whoever asked has left.
    let work = tokio::spawn(work);
    if !action.sync {
        let address = format!("{REST_BASE}/tasks/{id}");
        return Ok(
            (StatusCode::ACCEPTED, [(header::LOCATION, address)], axum::Json(json!({ "taskId": id }))).into_response()
        );
    }
    let reply = work.await.map_err(|error| Failure::Internal(error.to_string()))??;
    match (result_of(&reply, creates), creates) {
        (Some(result), Some(collection)) => Ok(created(collection, &result)),
        (Some(result), None) => Ok(axum::Json(result).into_response()),
        (None, _) => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

/// Returns what a reply is as the result of a task.
fn result_of(reply: &Reply, creates: Option<&str>) -> Option<Value> {
    let value = match reply {
        Reply::Value(value) => value.clone(),
        Reply::Json(text) => serde_json::from_slice(text).ok()?,
        _ => return None,
    };
    Some(if creates.is_some() { with_id(value) } else { value })
}

/// Returns the id of something new as REST shows it.
pub(super) fn with_id(value: Value) -> Value {
    match &value {
        Value::String(_) => json!({ "id": value }),
        // A record of a pool.
        Value::Object(members) if !members.contains_key("id") => json!({ "id": members.get("uuid") }),
        _ => value,
    }
}

/// Returns the answer when something new is there.
pub(super) fn created(collection: &str, value: &Value) -> Response {
    let address = value["id"].as_str().map(|id| format!("{REST_BASE}/{collection}/{id}"));
    let location: Vec<(HeaderName, String)> = address.into_iter().map(|address| (header::LOCATION, address)).collect();
    (StatusCode::CREATED, axum::response::AppendHeaders(location), axum::Json(value)).into_response()
}
