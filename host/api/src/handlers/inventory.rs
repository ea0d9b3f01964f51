//! All objects: lists, live lists, counts.

use app::object::{self, Selection};
use app::{Ctx, Error, Query};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Call, Handler, Reply, json_text, limit_of};
use crate::listing::{Form, Item, Listing};
use crate::watch;

handlers! {
    "inventory.counts" => |call| {
        let Counts { by, filter } = call.take()?;
        app::watch::counts(&call.ctx, &by, filter.as_deref()).await.map(json_text)
    };
    "inventory.unwatch" => |call| {
        call.session.watches.end(call.text("watch"));
        Ok(Reply::Done)
    };
    "inventory.watch" => |call| {
        let asked = call.take()?;
        watch::start(&call.ctx.app, &call.session, asked).await.map(json_text)
    };
    "xo.getAllObjects" => |call| {
        if call.flag("ndjson") {
            // What is wrong with the question is said now, not by the address.
            Query::of(call.params.get("filter"))?;
            let path = call.tickets.issue(&call.ctx, call.session.clone(), call.params);
            return Ok(Reply::Value(json!({ "$getFrom": path })));
        }
        let selection = everything(&call.ctx, &call.params)?;
        let listing = Listing::new(&call.ctx.app.inventory, selection, Form::Map, Item::Object);
        Ok(Reply::Listing(Box::new(listing)))
    };
}

#[derive(Deserialize)]
struct Counts {
    by: Vec<String>,
    filter: Option<String>,
}

/// Returns what `xo.getAllObjects` asks for with these parameters.
pub(crate) fn everything(ctx: &Ctx, params: &Map<String, Value>) -> Result<Selection, Error> {
    Ok(object::select(ctx, Query::of(params.get("filter"))?, limit_of(params)?))
}
