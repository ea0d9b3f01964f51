//! What the stories of `tests/it` share: what was recorded, what a simulator has, what the daemon lists, in one form.
//!
//! A story is a test that starts a whole system ([`rig::Rig`]) and follows one person or one misfortune through it. The form
//! is made from XAPI records here and from public objects there, by code that knows nothing of the daemon's own.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use rig::{Client, Rig, View};
use serde_json::{Value, json};
use xapi_sim::Sim;

/// Public type -> UUID -> what one can see of it in a list.
pub type Shown = BTreeMap<String, BTreeMap<String, String>>;

/// Classes of XAPI that become objects.
const CLASSES: [&str; 16] = [
    "pool",
    "host",
    "VM",
    "SR",
    "SM",
    "VDI",
    "VBD",
    "VIF",
    "network",
    "PBD",
    "PIF",
    "PGPU",
    "GPU_group",
    "PCI",
    "Bond",
    "message",
];

/// Returns what a recorded pool has, read from its file in the simulator's folder.
///
/// # Errors
/// When there is no such recording.
pub fn recorded(name: &str) -> Result<Shown> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../xapi-sim/data/{name}.json"));
    let text = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
    let dump: Value = serde_json::from_str(&text).with_context(|| format!("understand {}", file.display()))?;
    Ok(shown(|class| dump[class].as_object().into_iter().flatten().map(|(_, record)| record.clone()).collect()))
}

/// Returns what a simulator has now.
pub fn simulated(sim: &Sim) -> Shown {
    shown(|class| sim.records(class).into_values().collect())
}

/// Returns what a client knows of one pool, but for tasks: calls leave them behind for a while.
pub fn listed(view: &View, pool: &str) -> Shown {
    let mut all = Shown::new();
    for object in view.objects.values().filter(|object| object["$pool"] == pool || object["id"] == pool) {
        if object["type"] == "task" {
            continue;
        }
        let kind = text(object, "type").to_owned();
        let label = label(&kind, object);
        all.entry(kind).or_default().insert(text(object, "uuid").to_owned(), label);
    }
    all
}

/// Puts two pools together.
pub fn both(mut one: Shown, other: Shown) -> Shown {
    for (kind, objects) in other {
        one.entry(kind).or_default().extend(objects);
    }
    one
}

/// Returns the id of the simulator's pool.
pub fn pool_id(sim: &Sim) -> String {
    sim.records("pool").into_values().map(|pool| text(&pool, "uuid").to_owned()).next().unwrap_or_default()
}

/// Fails with what differs, not with two pages of everything.
///
/// # Errors
/// When they differ.
pub fn same(wanted: &Shown, found: &Shown) -> Result<()> {
    let differences = differences(wanted, found);
    ensure!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    Ok(())
}

/// Returns a line for each difference.
pub fn differences(wanted: &Shown, found: &Shown) -> Vec<String> {
    let none = BTreeMap::new();
    let kinds = wanted.keys().chain(found.keys()).collect::<std::collections::BTreeSet<_>>();
    let mut lines = Vec::new();
    for kind in kinds {
        let (wanted, found) = (wanted.get(kind).unwrap_or(&none), found.get(kind).unwrap_or(&none));
        let ids = wanted.keys().chain(found.keys()).collect::<std::collections::BTreeSet<_>>();
        for id in ids.into_iter().filter(|id| wanted.get(*id) != found.get(*id)) {
            lines.push(format!("{kind} {id}: wanted {:?}, found {:?}", wanted.get(id), found.get(id)));
        }
    }
    lines
}

fn shown(records: impl Fn(&str) -> Vec<Value>) -> Shown {
    let mut all = Shown::new();
    for class in CLASSES {
        for record in records(class) {
            let kind = kind(class, &record);
            let label = label(kind, &record);
            all.entry(kind.to_owned()).or_default().insert(text(&record, "uuid").to_owned(), label);
        }
    }
    all
}

/// The public type of a record of XAPI.
fn kind<'a>(class: &'a str, record: &Value) -> &'a str {
    let is = |field: &str| record[field] == true;
    match class {
        "VM" if is("is_control_domain") => "VM-controller",
        "VM" if is("is_a_snapshot") => "VM-snapshot",
        "VM" if is("is_a_template") => "VM-template",
        "VDI" if is("is_a_snapshot") => "VDI-snapshot",
        "VDI" if record["managed"] == false => "VDI-unmanaged",
        "Bond" => "bond",
        "GPU_group" => "gpuGroup",
        other => other,
    }
}

fn label(kind: &str, object: &Value) -> String {
    let name = text(object, "name_label");
    match kind {
        "VM" | "VM-controller" => {
            let tags = &object["tags"];
            format!("{name} {} {:?} {tags}", text(object, "power_state"), text(object, "name_description"))
        }
        _ => name.to_owned(),
    }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// Waits until a plugin's view says something.
///
/// # Errors
/// When it does not in time.
pub async fn plugin<T>(client: &Client, id: &str, what: &str, fact: impl Fn(&Value) -> Option<T>) -> Result<T> {
    rig::until(&format!("{id}: {what}"), async || fact(&plugin_view(client, id).await.ok()?)).await
}

/// Returns what `plugin.get` says of one plugin.
///
/// # Errors
/// When it is not installed.
pub async fn plugin_view(client: &Client, id: &str) -> Result<Value> {
    let all = client.call("plugin.get", json!({})).await?;
    let found = all.as_array().into_iter().flatten().find(|plugin| plugin["id"] == id).cloned();
    found.with_context(|| format!("{id} is not installed"))
}

/// Waits until a plugin is compiled.
///
/// # Errors
/// When it cannot be loaded.
pub async fn compiled(client: &Client, id: &str) -> Result<()> {
    let state = plugin(client, id, "compiled", |view| {
        let compiling = view["stateText"] == "being compiled" || view["state"].is_null();
        (!compiling).then(|| (view["state"].clone(), view["stateText"].clone()))
    });
    let (state, text) = state.await?;
    ensure!(state != "load-error" && state != "incompatible", "{id}: {text}");
    Ok(())
}

/// Configures auth-ldap for the rig's directory, grants what it needs and enables it.
///
/// # Errors
/// When any of it is refused.
pub async fn enable_ldap(rig: &Rig, admin: &Client) -> Result<()> {
    compiled(admin, "auth-ldap").await?;
    let slapd = rig.slapd();
    admin.call("plugin.configure", json!({ "id": "auth-ldap", "configuration": slapd.config() })).await?;
    let mut grant = slapd.grant();
    grant["id"] = json!("auth-ldap");
    admin.call("plugin.grant", grant).await?;
    admin.call("plugin.load", json!({ "id": "auth-ldap" })).await?;
    Ok(())
}
