//! `/rrd_updates`, `/vm_rrd`, `/host_rrd`, `/sr_rrd`.

use hyper::{Response, StatusCode, header};

use super::Ask;
use crate::{
    clock,
    model::NULL,
    release::Release,
    rrd::{self, Cf, Numbers, Source, Updates, sources},
    server::{self, Body},
};

impl Ask {
    fn numbers(&self) -> Numbers {
        if self.seat.core.options.release.quotes_rrd_numbers() { Numbers::New } else { Numbers::Old }
    }

    /// The parameter asks for JSON; an `Accept` header that names it does too.
    fn wants_json(&self) -> bool {
        let accept = self.headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
        self.query.contains_key("json") || accept.contains("application/json")
    }

    /// Old hosts keep extremes of VMs; newer ones only when the pool says so.
    fn vm_extremes(&self) -> bool {
        self.seat.core.options.release < Release::V8_2
            || self
                .seat
                .core
                .read(|db| db.field("pool", db.pool(), "other_config")["create_min_max_in_new_VM_RRDs"] == "true")
    }
}

fn kind(json: bool) -> &'static str {
    if json { "application/json" } else { "text/xml" }
}

pub fn updates(ask: &Ask) -> Response<Body> {
    let Some(start) = ask.param("start").and_then(|s| s.parse::<f64>().ok()) else {
        return server::page(StatusCode::BAD_REQUEST);
    };
    let cfs: Vec<Cf> = match ask.param("cf").and_then(|name| Cf::ALL.into_iter().find(|c| c.name() == name)) {
        Some(cf) => vec![cf],
        None => Cf::ALL.to_vec(),
    };
    let interval = ask.param("interval").and_then(|s| s.parse::<f64>().ok()).unwrap_or(0.0) as i64;
    let host = ask.seat.host();
    let only = ask.params("vm_uuid");
    let extremes = ask.vm_extremes();
    let found: Vec<Source> = ask.seat.core.read(|db| {
        let mut found = Vec::new();
        for vm in db.list("host", &host, "resident_VMs") {
            if only.is_empty() || only.iter().any(|uuid| uuid == db.text("VM", &vm, "uuid")) {
                found.extend(sources::vm(db, &vm));
            }
        }
        for uuid in ask.params("sr_uuid") {
            found.extend(db.by_uuid("SR", uuid).map(|sr| sources::sr(db, &sr)).unwrap_or_default());
        }
        if ask.param("host") == Some("true") {
            found.extend(sources::host(db, &host));
        }
        found
    });
    let kept = |cf: Cf, source: &Source| cf == Cf::Average || extremes || source.kind != "vm";
    let columns = cfs.iter().flat_map(|cf| found.iter().filter(|s| kept(*cf, s)).map(|s| (*cf, s.clone()))).collect();
    let (json, numbers) = (ask.wants_json(), ask.numbers());
    let text = Updates { start: start as i64, interval, now: clock::seconds(), columns, json, numbers }.answer();
    whole(ask, json, text)
}

/// An answer of known length, or half of it.
fn whole(ask: &Ask, json: bool, text: String) -> Response<Body> {
    let pieces = vec![text.into()];
    if ask.seat.core.faults.half(ask.path) {
        return server::half(kind(json), pieces);
    }
    server::pieced(kind(json), pieces, ask.close)
}

pub fn vm(ask: &Ask) -> Response<Body> {
    let Some(vm) = ask.object("VM", "uuid") else { return server::page(StatusCode::NOT_FOUND) };
    let home = ask.seat.core.read(|db| match db.text("VM", &vm, "resident_on") {
        // What has stopped is kept by the master.
        NULL => db.master().to_owned(),
        host => host.to_owned(),
    });
    if let Some(elsewhere) = ask.elsewhere(&home) {
        return elsewhere;
    }
    let extremes = ask.vm_extremes();
    let cfs = if extremes { &Cf::ALL[..] } else { &Cf::ALL[..1] };
    archive(ask, &ask.seat.core.read(|db| sources::vm(db, &vm)), cfs)
}

pub fn host(ask: &Ask) -> Response<Body> {
    let host = ask.seat.host();
    archive(ask, &ask.seat.core.read(|db| sources::host(db, &host)), &Cf::ALL)
}

pub fn sr(ask: &Ask) -> Response<Body> {
    let Some(sr) = ask.object("SR", "uuid") else { return server::page(StatusCode::INTERNAL_SERVER_ERROR) };
    archive(ask, &ask.seat.core.read(|db| sources::sr(db, &sr)), &Cf::ALL)
}

/// Whole archives end with their connection.
fn archive(ask: &Ask, found: &[Source], cfs: &[Cf]) -> Response<Body> {
    let json = ask.wants_json();
    let text = rrd::archive(found, cfs, clock::seconds(), json, ask.numbers());
    if ask.seat.core.faults.half(ask.path) {
        return server::half(kind(json), vec![text.into()]);
    }
    server::streamed(kind(json), futures::stream::iter([Ok(text.into())]))
}
