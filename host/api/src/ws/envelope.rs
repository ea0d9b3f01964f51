//! JSON-RPC 2.0: takes a message apart, has it done, and puts the answer together.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use wire::Failure;

use crate::handlers::Reply;
use crate::listing::{Stream, append_json};
use crate::session::Session;
use crate::{Api, error, rpc};

/// Returns the answer to a message; none for notifications.
pub(super) async fn answer(api: &Api, session: &Arc<Session>, text: &str) -> Option<Stream> {
    match serde_json::from_str::<Value>(text) {
        Err(_) => Some(failure(&Value::Null, &Failure::InvalidJson, false)),
        Ok(Value::Array(messages)) if !messages.is_empty() => {
            let mut answers = Stream::default();
            for message in messages {
                if let Some(answer) = answer_one(api, session, message).await {
                    answers.bytes(if answers.is_empty() { "[" } else { "," });
                    answers.append(answer);
                }
            }
            if answers.is_empty() {
                return None;
            }
            answers.bytes("]");
            Some(answers)
        }
        Ok(message) => answer_one(api, session, message).await,
    }
}

async fn answer_one(api: &Api, session: &Arc<Session>, message: Value) -> Option<Stream> {
    let admin = || session.ctx(&api.app).is_ok_and(|ctx| ctx.caller.is_admin());
    let invalid = |id: &Value| Some(failure(id, &Failure::InvalidRequest, false));
    let Value::Object(mut message) = message else { return invalid(&Value::Null) };
    let id = message.remove("id");
    let known_id = match &id {
        None => &Value::Null,
        Some(id @ (Value::Number(_) | Value::String(_) | Value::Null)) => id,
        Some(_) => return invalid(&Value::Null),
    };
    if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return invalid(known_id);
    }
    let Some(Value::String(method)) = message.remove("method") else { return invalid(known_id) };
    let params = match message.remove("params") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(params)) => Ok(params),
        Some(_) => Err(Failure::invalid("params must be an object: parameters go by name")),
    };
    let operation = wire::find(&method).filter(|operation| operation.rpc);
    let outcome = match (operation, params) {
        (None, _) => Err(Failure::MethodNotFound(method)),
        (Some(_), Err(failure)) => Err(failure),
        (Some(operation), Ok(params)) => rpc::invoke(api, session, operation, params).await,
    };
    let id = id?;
    Some(match outcome {
        Ok(reply) => success(&id, reply),
        Err(cause) => failure(&id, &cause, admin()),
    })
}

fn success(id: &Value, reply: Reply) -> Stream {
    let mut begin = br#"{"jsonrpc":"2.0","id":"#.to_vec();
    append_json(id, &mut begin);
    begin.extend_from_slice(br#","result":"#);
    match reply {
        Reply::Done => begin.extend_from_slice(b"true"),
        Reply::Value(value) => append_json(&value, &mut begin),
        Reply::Json(json) => begin.extend_from_slice(&json),
        Reply::Kept(bytes, _) => begin.extend_from_slice(&bytes),
        Reply::Listing(listing) => {
            let mut answer = Stream::from(begin);
            answer.append(Stream::from(*listing));
            answer.bytes("}");
            let id = id.clone();
            return answer.or(move |failure| failure_json(&id, failure, false));
        }
    }
    begin.push(b'}');
    Stream::from(begin)
}

fn failure(id: &Value, failure: &Failure, admin: bool) -> Stream {
    Stream::from(failure_json(id, failure, admin))
}

fn failure_json(id: &Value, failure: &Failure, admin: bool) -> Vec<u8> {
    let answer = json!({ "jsonrpc": "2.0", "id": id, "error": error::to_rpc(failure, admin) });
    answer.to_string().into_bytes()
}
