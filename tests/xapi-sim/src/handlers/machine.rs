//! `/export` and `/import`: whole VMs as XVA.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use hyper::{Response, StatusCode, body::Incoming};
use serde_json::{Map, Value, json};

use super::{
    Ask,
    transfer::{Sink, Source},
};
use crate::{
    calls::coerce,
    clock,
    content::Content,
    core::Core,
    db::Db,
    failure::{Failure, fail},
    model::{NULL, Record, Type, model},
    server::{self, Body},
    wire::{Reply, Wire, xml},
    xva,
};

/// What is exported beside the VM: class, and the set of the VM that names them.
const DEVICES: [(&str, &str); 2] = [("VBD", "VBDs"), ("VIF", "VIFs")];
/// The largest `ova.xml` that is read.
const OVA: usize = 64 << 20;

/// A VM's records with references of the file, and its disks by those.
struct Bundle {
    ova: String,
    disks: Vec<(String, Content, u64)>,
}

fn bundle(db: &Db, vm: &str) -> Bundle {
    let mut parts: Vec<(&str, String)> = vec![("VM", vm.to_owned())];
    let mut add = |class: &'static str, reference: &str| {
        let known = parts.iter().any(|(_, r)| r == reference);
        if !known && db.get(class, reference).is_some() {
            parts.push((class, reference.to_owned()));
        }
    };
    add("VM_metrics", db.text("VM", vm, "metrics"));
    add("VM_guest_metrics", db.text("VM", vm, "guest_metrics"));
    for (class, set) in DEVICES {
        for device in db.list("VM", vm, set) {
            add(class, &device);
            let disk = db.text("VBD", &device, "VDI");
            // What is in a CD drive stays where it is.
            if db.text("VBD", &device, "type") == "Disk" {
                add("VDI", disk);
                add("SR", db.text("VDI", disk, "SR"));
            }
            add("network", db.text("VIF", &device, "network"));
        }
    }
    let names: HashMap<&str, String> =
        parts.iter().enumerate().map(|(n, (_, r))| (r.as_str(), format!("Ref:{n}"))).collect();
    let objects = parts.iter().map(|(class, reference)| {
        let mut fields = db.get(class, reference).map(|r| r.to_map()).unwrap_or_default();
        for value in fields.values_mut() {
            rename(value, &names);
        }
        if *class == "VM" {
            fields.insert("power_state".to_owned(), json!("Halted"));
        }
        Wire::Struct(vec![
            ("class".to_owned(), Wire::Text((*class).to_owned())),
            ("id".to_owned(), Wire::Text(names[reference.as_str()].clone())),
            ("snapshot".to_owned(), Wire::Typed(Value::Object(fields), Type::Record((*class).into()))),
        ])
    });
    let objects = Wire::List(objects.collect());
    let versions = db.release().versions();
    let (major, minor) =
        (versions.xapi.split('.').next().unwrap_or("1"), versions.xapi.rsplit('.').next().unwrap_or("20"));
    let version = json!({
        "hostname": db.text("host", db.master(), "hostname"), "date": &clock::now()[..8], "product_version": versions.product,
        "product_brand": versions.brand, "build_number": "cloud", "xapi_major": major, "xapi_minor": minor, "export_vsn": "2",
    });
    let ova =
        xml::value(&Wire::Struct(vec![("version".to_owned(), Wire::Plain(version)), ("objects".to_owned(), objects)]));
    let mut disks: Vec<_> = parts
        .iter()
        .filter(|(class, _)| *class == "VDI")
        .map(|(_, disk)| {
            let size = u64::try_from(db.int("VDI", disk, "virtual_size")).unwrap_or(0);
            (names[disk.as_str()].clone(), db.content(disk), size)
        })
        .collect();
    disks.sort_by(|a, b| a.0.cmp(&b.0));
    Bundle { ova, disks }
}

/// References to what is in the file get its names, the others go.
fn rename(value: &mut Value, names: &HashMap<&str, String>) {
    match value {
        Value::String(text) if text.starts_with("OpaqueRef:") => {
            *text = names.get(text.as_str()).cloned().unwrap_or_else(|| NULL.to_owned());
        }
        Value::Array(items) => items.iter_mut().for_each(|v| rename(v, names)),
        Value::Object(members) => members.values_mut().for_each(|v| rename(v, names)),
        _ => {}
    }
}

fn home(db: &Db, vm: &str) -> Option<String> {
    match db.text("VM", vm, "resident_on") {
        NULL => {
            db.list("VM", vm, "VBDs").iter().find_map(|v| db.home_of_sr(db.text("VDI", db.text("VBD", v, "VDI"), "SR")))
        }
        host => Some(host.to_owned()),
    }
}

pub fn export(ask: &Ask) -> Response<Body> {
    let core = &ask.seat.core;
    let Some(vm) = ask.object("VM", "ref").or_else(|| ask.object("VM", "uuid")) else {
        return ask
            .refuse(StatusCode::NOT_FOUND, &fail("HANDLE_INVALID", ["VM", ask.param("ref").unwrap_or_default()]));
    };
    if let Some(elsewhere) = core.read(|db| home(db, &vm)).and_then(|home| ask.elsewhere(&home)) {
        return elsewhere;
    }
    let state = core.read(|db| db.text("VM", &vm, "power_state").to_lowercase());
    if !["halted", "suspended"].contains(&state.as_str()) {
        let failure = fail("VM_BAD_POWER_STATE", [&vm, "halted, suspended", &state]);
        return ask.refuse(StatusCode::INTERNAL_SERVER_ERROR, &failure);
    }
    if !matches!(ask.param("use_compression"), None | Some("" | "false")) {
        return ask.refuse(StatusCode::INTERNAL_SERVER_ERROR, &fail("NOT_IMPLEMENTED", ["use_compression"]));
    }
    let made = core.read(|db| bundle(db, &vm));
    let metadata_only = ask.path == "/export_metadata";
    let total = made
        .disks
        .iter()
        .map(|(_, content, size)| 2 * xva::CHUNK + 2 * xva::CHUNK * content.filled(*size).len() as u64)
        .sum();
    ask.download("VM.export", "application/octet-stream", "export.xva", total, move |mut sink: Sink| async move {
        xva::write_member(&mut sink, "ova.xml", made.ova.into()).await?;
        for (name, content, size) in made.disks.iter().filter(|_| !metadata_only) {
            xva::write_disk(&mut sink, name, content, *size).await?;
        }
        sink.send(xva::END).await?;
        Ok(Wire::Text(String::new()))
    })
}

pub fn import(ask: &Ask, body: Incoming) -> Response<Body> {
    let core = ask.seat.core.clone();
    if ask.headers.contains_key("transfer-encoding") {
        return ask.refuse(StatusCode::FORBIDDEN, &fail("INTERNAL_ERROR", ["chunked transfers are not supported"]));
    }
    let given = ask.object("SR", "sr_id").or_else(|| ask.object("SR", "sr_uuid"));
    let sr = given.unwrap_or_else(|| core.read(|db| db.text("pool", db.pool(), "default_SR").to_owned()));
    if core.read(|db| db.get("SR", &sr).is_none()) {
        return ask.refuse(StatusCode::INTERNAL_SERVER_ERROR, &fail("DEFAULT_SR_NOT_FOUND", [&sr]));
    }
    if let Some(elsewhere) = core.read(|db| db.home_of_sr(&sr)).and_then(|home| ask.elsewhere(&home)) {
        return elsewhere;
    }
    if ask.is_probe() {
        return server::pieced("application/octet-stream", Vec::new(), true);
    }
    let force = ask.param("force") == Some("true");
    ask.upload("VM.import", body, move |mut source| async move {
        let ova = member(&mut source).await?;
        let Some((name, text)) = ova.filter(|(name, _)| name == "ova.xml") else {
            return Err(fail("IMPORT_ERROR_PREMATURE_EOF", []));
        };
        debug_assert_eq!(name, "ova.xml");
        let parsed = xml::read_text_value(&String::from_utf8_lossy(&text))
            .map_err(|e| fail("INTERNAL_ERROR", [&format!("{e:#}")]))?;
        let (vms, disks) = core.write(|db| create(db, &parsed, &sr))?;
        source.note("object_creation", "complete");
        match read_disks(&core, &disks, &mut source, force).await {
            Ok(()) => {}
            Err(failure) => {
                // Nothing half-made is left.
                core.write(|db| {
                    vms.iter().for_each(|vm| crate::calls::remove_vm(db, vm));
                    disks.values().for_each(|disk| _ = db.remove("VDI", disk));
                });
                return Err(failure);
            }
        }
        Reply::Ok(Wire::List(vms.into_iter().map(Wire::Text).collect()))
    })
}

/// Reads one member; `None` at the end of the archive.
async fn member(source: &mut Source) -> Result<Option<(String, Vec<u8>)>, Failure> {
    let head = source.take(512).await?;
    let Some((name, size)) = xva::read_head(&head) else {
        return if head.len() < 512 { Err(fail("IMPORT_ERROR_PREMATURE_EOF", [])) } else { Ok(None) };
    };
    if size > OVA {
        return Err(fail("IMPORT_ERROR_UNEXPECTED_FILE", ["a chunk", &name]));
    }
    let data = source.take(size).await?;
    if data.len() < size {
        return Err(fail("IMPORT_ERROR_PREMATURE_EOF", []));
    }
    source.take(xva::padding(size)).await?;
    Ok(Some((name, data.into())))
}

/// Makes the objects of an `ova.xml`: fresh, halted, on this pool's networks. Returns the VMs, and the disks by their names there.
fn create(db: &mut Db, ova: &Value, sr: &str) -> Result<(Vec<String>, BTreeMap<String, String>), Failure> {
    let objects: Vec<(&str, &str, &Value)> = ova["objects"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|o| (o["class"].as_str().unwrap_or_default(), o["id"].as_str().unwrap_or_default(), &o["snapshot"]))
        .collect();
    let read = |class: &str, snapshot: &Value| -> Result<Map<String, Value>, Failure> {
        match coerce(snapshot.clone(), &Type::Record(class.into())) {
            Some(Value::Object(fields)) => Ok(fields),
            _ => Err(fail("INTERNAL_ERROR", [&format!("a record of class {class} has wrong types")])),
        }
    };
    let mut made: HashMap<&str, String> = HashMap::new();
    for (_, id, snapshot) in objects.iter().filter(|(class, ..)| *class == "network") {
        let known = db
            .rows("network")
            .find(|(_, n)| n["name_label"] == snapshot["name_label"] || n["bridge"] == snapshot["bridge"]);
        let first = || db.rows("network").next().map(|(r, _)| r.to_string());
        made.insert(id, known.map(|(r, _)| r.to_string()).or_else(first).unwrap_or_else(|| NULL.to_owned()));
    }
    let mut disks = BTreeMap::new();
    for (class, id, snapshot) in &objects {
        if !["VM_metrics", "VM_guest_metrics", "VDI"].contains(class) {
            continue;
        }
        let mut fields: Record = read(class, snapshot)?.into();
        fields.insert("uuid", json!(""));
        if *class == "VDI" {
            for (field, value) in [
                ("SR", json!(sr)),
                ("VBDs", json!([])),
                ("snapshots", json!([])),
                ("snapshot_of", json!(NULL)),
                ("is_a_snapshot", json!(false)),
                ("current_operations", json!({})),
                ("location", json!(db.uuid())),
            ] {
                fields.insert(field, value);
            }
        }
        let reference = db.insert(class, fields);
        if *class == "VDI" {
            disks.insert((*id).to_owned(), reference.clone());
        }
        made.insert(id, reference);
    }
    let mut vms = Vec::new();
    for (_, id, snapshot) in objects.iter().filter(|(class, ..)| *class == "VM") {
        let mut fields: Record = read("VM", snapshot)?.into();
        for (set, _) in model().mirrored("VM") {
            fields.insert(set, json!([]));
        }
        let named = |field: &str| {
            made.get(snapshot[field].as_str().unwrap_or_default()).cloned().unwrap_or_else(|| NULL.to_owned())
        };
        let (metrics, guest) = (named("metrics"), named("guest_metrics"));
        for (field, value) in [
            ("uuid", json!("")),
            ("power_state", json!("Halted")),
            ("resident_on", json!(NULL)),
            ("affinity", json!(NULL)),
            ("domid", json!(-1)),
            ("metrics", json!(metrics)),
            ("guest_metrics", json!(guest)),
            ("current_operations", json!({})),
            ("suspend_VDI", json!(NULL)),
            ("parent", json!(NULL)),
            ("snapshot_of", json!(NULL)),
        ] {
            fields.insert(field, value);
        }
        let vm = db.insert("VM", fields);
        made.insert(id, vm.clone());
        vms.push(vm);
    }
    for (class, _, snapshot) in objects.iter().filter(|(class, ..)| ["VBD", "VIF"].contains(class)) {
        let mut fields: Record = read(class, snapshot)?.into();
        for field in ["VM", "VDI", "network"] {
            if let Some(there) = snapshot[field].as_str() {
                fields.insert(field, json!(made.get(there).map_or(NULL, String::as_str)));
            }
        }
        for (field, value) in [
            ("uuid", json!("")),
            ("currently_attached", json!(false)),
            ("current_operations", json!({})),
            ("metrics", json!(NULL)),
        ] {
            fields.insert(field, value);
        }
        if *class == "VIF" {
            fields.insert("MAC", json!(crate::calls::random_mac(db)));
        }
        db.insert(class, fields);
    }
    vms.iter().for_each(|vm| crate::calls::recompute(db, vm));
    Ok((vms, disks))
}

/// Reads the chunks. Where one goes is relative to the one before.
async fn read_disks(
    core: &Arc<Core>,
    disks: &BTreeMap<String, String>,
    source: &mut Source,
    force: bool,
) -> Result<(), Failure> {
    // Disk, number and length of the first chunk, end of the last one.
    let mut now: Option<(String, u64, u64, u64)> = None;
    while let Some((name, data)) = member(source).await? {
        let unexpected = || fail("IMPORT_ERROR_UNEXPECTED_FILE", ["a chunk", &name]);
        let (prefix, number) = name.split_once('/').ok_or_else(unexpected)?;
        let disk = disks.get(prefix).ok_or_else(unexpected)?;
        let number: u64 = number.parse().map_err(|_| unexpected())?;
        let offset = match &now {
            Some((last, before, first, end)) if last == disk => {
                end + (number.checked_sub(before + 1).ok_or_else(unexpected)?) * first
            }
            _ => 0,
        };
        let first = match &now {
            Some((last, _, first, _)) if last == disk => *first,
            _ => data.len() as u64,
        };
        let Some((sum_name, sum)) = member(source).await? else { return Err(fail("IMPORT_ERROR_PREMATURE_EOF", [])) };
        let right = match sum_name.rsplit('.').next() {
            Some("xxhash") => sum == xva::checksum(&data).as_bytes(),
            Some("checksum") => {
                let digest = ::ring::digest::digest(&::ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &data);
                sum == digest.as_ref().iter().map(|b| format!("{b:02x}")).collect::<String>().as_bytes()
            }
            _ => return Err(fail("IMPORT_ERROR_UNEXPECTED_FILE", ["a checksum", &sum_name])),
        };
        if !right && !force {
            return Err(fail("IMPORT_ERROR_SOME_CHECKSUMS_FAILED", []));
        }
        core.write(|db| db.write_content(disk, |content| content.write(offset, &data)));
        now = Some((disk.clone(), number, first, offset + data.len() as u64));
    }
    Ok(())
}
