//! `PUT /services/xenops`: a VM comes from another simulator (`peer`), in steps that the query names: `check` and `prepare`
//! (a `Parcel`), `alive`, then `finish` (a `Delivery`) or `abandon`. The answer is `{"result"}` or `{"failure": [code, ...]}`.

use std::sync::Arc;

use http_body_util::{BodyExt, Limited};
use hyper::{Response, StatusCode, body::Incoming};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::Ask;
use crate::{
    calls::arrive::{self, Arrival},
    failure::{Failure, fail},
    server::{self, Body},
};

/// The largest step: what was written on a VM's disks comes in one piece.
const STEP: usize = 256 << 20;

/// What was begun on a connection: it goes with it, unless it was finished.
#[derive(Default)]
pub struct Visit(Mutex<Option<Arrival>>);

pub async fn receive(ask: &Ask, visit: Option<Arc<Visit>>, body: Incoming) -> Response<Body> {
    let (Some(visit), Ok(body)) = (visit, Limited::new(body, STEP).collect().await) else {
        return server::page(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let answer = match step(ask, &visit, &body.to_bytes()) {
        Ok(result) => json!({ "result": result }),
        Err(failure) => json!({ "failure": failure.description() }),
    };
    server::pieced("application/json", vec![answer.to_string().into()], ask.close)
}

fn step(ask: &Ask, visit: &Visit, body: &[u8]) -> Result<Value, Failure> {
    let unreadable = |error: serde_json::Error| fail("INTERNAL_ERROR", [&error.to_string()]);
    let unknown = || fail("VM_MIGRATE_FAILED", ["", "", &ask.seat.host(), "no VM is on its way here"]);
    let core = &ask.seat.core;
    match ask.param("step").unwrap_or_default() {
        "check" => {
            let parcel = serde_json::from_slice(body).map_err(unreadable)?;
            core.read(|db| arrive::check(db, &parcel)).map(|()| json!(""))
        }
        "prepare" => {
            let arrival = Arrival::prepare(core, serde_json::from_slice(body).map_err(unreadable)?)?;
            let vm = json!(arrival.vm());
            let before = visit.0.lock().replace(arrival);
            drop(before);
            Ok(vm)
        }
        "alive" => visit.0.lock().as_ref().map(|_| json!("")).ok_or_else(unknown),
        "finish" => {
            let delivery = serde_json::from_slice(body).map_err(unreadable)?;
            let arrival = visit.0.lock().take().ok_or_else(unknown)?;
            arrival.finish(delivery).map(|()| json!(""))
        }
        "abandon" => {
            let begun = visit.0.lock().take();
            drop(begun);
            Ok(json!(""))
        }
        other => Err(fail("MESSAGE_METHOD_UNKNOWN", [other])),
    }
}
