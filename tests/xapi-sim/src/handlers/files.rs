//! The smaller handlers: the database as XML, a status report, updates, blobs, patches.

use std::fmt::Write;

use hyper::{Response, StatusCode, body::Incoming};
use serde_json::{Value, json};

use super::{Ask, transfer::Sink};
use crate::{
    calls::database_text,
    clock,
    core::Core,
    db::Db,
    failure::fail,
    model::{Class, model},
    server::{self, Body},
    tasks,
    wire::Wire,
    xva,
};

/// Largest content of a blob or a patch that is kept.
const KEPT: usize = 16 << 20;

/// The protection of attribute values: every space, tab and line end, and the percent sign itself.
fn protect(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            ' ' => out.push_str("%."),
            '\t' => out.push_str("%t"),
            '\n' => out.push_str("%n"),
            '\r' => out.push_str("%r"),
            '%' => out.push_str("%%"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// Wire names join the path by one underscore, columns by two. Where the path is cut shows in these first parts.
fn column(field: &str) -> String {
    let cut = ["name", "memory", "VCPUs", "PV", "HVM", "actions_after", "actions"].into_iter().find(|p| {
        field.strip_prefix(p).is_some_and(|rest| rest.starts_with('_')) && !matches!(field, "name" | "memory")
    });
    match cut {
        Some("actions_after") => field.replacen("actions_after_", "actions__after_", 1),
        Some(first) => format!("{first}_{}", &field[first.len()..]),
        None => field.to_owned(),
    }
}

fn table(db: &Db, class: &Class) -> String {
    let mut out = format!("<table name=\"{}\">", class.name);
    for (reference, created, modified, record) in db.rows_with_times(&class.name) {
        // Writing to a string cannot fail.
        let _ = write!(out, "<row ref=\"{reference}\" __ctime=\"{created}\" __mtime=\"{modified}\"");
        for (name, value) in record.to_map() {
            let _ = write!(out, " {}=\"{}\"", column(&name), protect(&database_text(&value)));
        }
        out.push_str("/>");
    }
    out.push_str("</table>");
    out
}

pub fn database(ask: &Ask) -> Response<Body> {
    let core = ask.seat.core.clone();
    ask.download("pool.xmldbdump", "text/xml", "xapi-db.xml", 0, move |mut sink: Sink| async move {
        let generation = core.read(Db::generation);
        let head = format!(
            "<database><manifest><pair key=\"schema_major_vsn\" value=\"5\"/><pair key=\"schema_minor_vsn\" value=\"909\"/>\
             <pair key=\"generation_count\" value=\"{generation}\"/></manifest>"
        );
        sink.send(head).await?;
        for class in model().classes.values().filter(|c| c.in_database && c.name != "session") {
            let text = core.read(|db| table(db, class));
            sink.send(text).await?;
        }
        sink.send("</database>").await?;
        Ok(Wire::Text(String::new()))
    })
}

pub fn status(ask: &Ask) -> Response<Body> {
    if !matches!(ask.param("output"), None | Some("tar")) {
        return ask.refuse(StatusCode::INTERNAL_SERVER_ERROR, &fail("NOT_IMPLEMENTED", ["output"]));
    }
    let core = ask.seat.core.clone();
    let host = ask.seat.host();
    let host = core.read(|db| db.text("host", &host, "hostname").to_owned());
    let entries = ask.param("entries").unwrap_or("xenserver-logs").to_owned();
    let name = format!("bug-report-{host}.tar");
    ask.download("host.system_status", "application/octet-stream", &name, 0, move |mut sink: Sink| async move {
        for entry in entries.split(',') {
            let text = format!("{} {host}: nothing to report for {entry}\n", clock::now());
            xva::write_member(&mut sink, &format!("bug-report/{entry}.txt"), text.into()).await?;
        }
        sink.send(xva::END).await?;
        Ok(Wire::Text(String::new()))
    })
}

/// One update is pending for every host: only hosts of the newer kind know this.
pub fn updates(ask: &Ask) -> Response<Body> {
    let core = &ask.seat.core;
    let wanted: Option<Vec<&str>> = ask.param("host_refs").map(|refs| refs.split(';').collect());
    let hosts: Vec<String> = match wanted {
        Some(refs) => {
            if core.read(|db| refs.iter().any(|r| db.get("host", r).is_none())) {
                return server::page(StatusCode::BAD_REQUEST);
            }
            refs.into_iter().map(str::to_owned).collect()
        }
        None => core.read(|db| db.rows("host").map(|(r, _)| r.to_string()).collect()),
    };
    if core.read(|db| db.count("Repository") == 0) {
        return server::page(StatusCode::NOT_FOUND);
    }
    let guidance = json!({"mandatory": [], "recommended": ["RebootHost"], "full": ["RebootHost"], "livepatch": []});
    let hosts: Vec<Value> = hosts
        .into_iter()
        .map(|r| json!({"ref": r, "guidance": guidance, "RPMS": ["xapi-core-26.1.4-1.xs8.x86_64.rpm"], "updates": ["UPDATE-2026-0012"], "livepatches": []}))
        .collect();
    let update = json!({"id": "UPDATE-2026-0012", "summary": "Fixes", "description": "Fixes of the toolstack", "special-info": "",
        "URL": "https://updates.example/0012", "type": "security", "issued": "20260820T08:00:00Z", "severity": "High", "title": "Toolstack",
        "livepatches": [], "guidance": guidance});
    let answer = json!({"hosts": hosts, "updates": [update], "hash": "6f1e0d2c5b4a"});
    server::pieced("application/json", vec![answer.to_string().into()], ask.close)
}

fn blob(ask: &Ask) -> Option<String> {
    ask.object("blob", "ref").or_else(|| ask.object("blob", "uuid"))
}

/// Public blobs need no session.
pub fn is_public_blob(core: &Core, given: Option<&str>) -> bool {
    core.read(|db| {
        let found = given.and_then(|g| {
            db.get("blob", g).map(|_| g.to_owned()).or_else(|| db.by_uuid("blob", g).map(|r| r.to_string()))
        });
        found.is_some_and(|blob| db.flag("blob", &blob, "public"))
    })
}

pub fn read_blob(ask: &Ask) -> Response<Body> {
    let Some(blob) = blob(ask) else { return server::page(StatusCode::NOT_FOUND) };
    let content = ask.seat.core.blobs.lock().get(&blob).cloned().unwrap_or_default();
    server::pieced("application/octet-stream", vec![content], ask.close)
}

pub fn write_blob(ask: &Ask, body: Incoming) -> Response<Body> {
    let Some(blob) = blob(ask) else { return server::page(StatusCode::NOT_FOUND) };
    if ask.length().is_none() {
        return server::page(StatusCode::NOT_FOUND);
    }
    let core = ask.seat.core.clone();
    ask.upload("blob.put", body, move |mut source| async move {
        let content = source.take(KEPT).await?;
        let fields = [("size", json!(content.len())), ("last_updated", json!(clock::now()))];
        core.write(|db| db.update("blob", &blob, fields));
        core.blobs.lock().insert(blob, content);
        Ok(Wire::Text(String::new()))
    })
}

/// A patch of the old kind: whatever comes in is one, known by what it holds. The task's result has no tags.
pub fn patch(ask: &Ask, body: Incoming) -> Response<Body> {
    if ask.is_probe() {
        return server::pieced("application/octet-stream", Vec::new(), true);
    }
    let core = ask.seat.core.clone();
    ask.upload("pool_patch.upload", body, move |mut source| async move {
        let content = source.take(KEPT).await?;
        source.skip(u64::MAX).await?;
        if content.is_empty() {
            return Err(fail("INVALID_PATCH", []));
        }
        let digest = ::ring::digest::digest(&::ring::digest::SHA256, &content);
        let first = digest.as_ref().first_chunk::<16>().copied().unwrap_or_default();
        let uuid = uuid::Uuid::from_bytes(first).to_string();
        if core.read(|db| db.by_uuid("pool_patch", &uuid).is_some()) {
            return Err(fail("PATCH_ALREADY_EXISTS", [&uuid]));
        }
        let fields = json!({"uuid": uuid, "name_label": format!("patch-{}", &uuid[..8]), "version": "1.0", "size": content.len(),
            "after_apply_guidance": ["restartHost"]});
        let patch = core.write(|db| db.insert("pool_patch", tasks::object(fields)));
        Ok(Wire::Bare(patch))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_as_in_a_database_file() {
        for (field, expected) in [
            ("name_label", "name__label"),
            ("memory_static_max", "memory__static_max"),
            ("VCPUs_at_startup", "VCPUs__at_startup"),
            ("HVM_boot_policy", "HVM__boot_policy"),
            ("actions_after_crash", "actions__after_crash"),
            ("snapshot_time", "snapshot_time"),
            ("uuid", "uuid"),
        ] {
            assert_eq!(column(field), expected);
        }
        assert_eq!(protect("web 01\n<5% \"x\">"), "web%.01%n&lt;5%%%.&quot;x&quot;&gt;");
    }
}
