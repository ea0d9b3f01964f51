//! Filters wherever objects are listed, and live lists: a window is what a whole listing says, and stays so.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use rig::{Auth, Client, Rig, View};
use serde_json::{Value, json};

const POOLS: [&str; 2] = ["xs56-singlehost-8vms-15snaps", "xs56fp1-pool2-bonds-vlans-tunnels"];

/// REST collections and the type of their objects; the pools have no alarms, which are messages elsewhere.
const COLLECTIONS: &[(&str, &str)] = &[
    ("hosts", "host"),
    ("messages", "message"),
    ("networks", "network"),
    ("pbds", "PBD"),
    ("pcis", "PCI"),
    ("pgpus", "PGPU"),
    ("pifs", "PIF"),
    ("pools", "pool"),
    ("sms", "SM"),
    ("srs", "SR"),
    ("vbds", "VBD"),
    ("vdi-snapshots", "VDI-snapshot"),
    ("vdis", "VDI"),
    ("vifs", "VIF"),
    ("vm-controllers", "VM-controller"),
    ("vm-snapshots", "VM-snapshot"),
    ("vm-templates", "VM-template"),
    ("vms", "VM"),
];

#[tokio::test]
async fn filters_find_the_same_by_every_way() -> Result<()> {
    let rig = Rig::builder().pools(POOLS).start().await?;
    let admin = rig.admin().await?;
    admin.watch().await?;
    let view = admin.view();
    let running = |object: &&Value| object["power_state"] == "Running";
    let wanted: Vec<&str> = view.of_kind("VM").filter(running).filter_map(|vm| vm["id"].as_str()).collect();
    ensure!(!wanted.is_empty() && wanted.len() < view.of_kind("VM").count(), "the filter tells VMs apart");

    for filter in [json!("type:/^VM$/ power_state:Running"), json!({ "type": "VM", "power_state": "Running" })] {
        let found = admin.call("xo.getAllObjects", json!({ "filter": filter })).await?;
        let found: Vec<&str> = found.as_object().context("a map")?.keys().map(String::as_str).collect();
        ensure!(found == wanted, "{filter}: {found:?}");
    }
    let rest = rig.rest(Auth::Basic("admin".into(), rig.password()?));
    let hrefs = rest.get("/vms?filter=power_state:Running").await?.json();
    let hrefs: Vec<&str> = hrefs.as_array().context("a list")?.iter().filter_map(Value::as_str).collect();
    let mut ids: Vec<&str> = hrefs.iter().filter_map(|href| href.rsplit('/').next()).collect();
    // Listings go pool by pool.
    ids.sort_unstable();
    ensure!(ids == wanted, "{hrefs:?}");
    ensure!(rest.get("/vms?filter=power_state:Running&limit=1").await?.json().as_array().map(Vec::len) == Some(1));

    // Every collection has all objects of its type and nothing else.
    for (collection, kind) in COLLECTIONS {
        let list = rest.get(&format!("/{collection}?fields=type")).await?.json();
        let list = list.as_array().with_context(|| (*collection).to_owned())?;
        let count = view.of_kind(kind).count();
        ensure!(list.len() == count, "{collection}: {} of {count}", list.len());
        ensure!(list.iter().all(|object| object["type"] == *kind), "{collection}");
    }

    // What is no filter is said so, in the words of the language.
    let answer = rest.get("/vms?filter=a%3A").await?;
    let error = json!("parse error: expected end of input at position 1");
    ensure!(answer.status == 400 && answer.json()["error"] == error, "{} {}", answer.status, answer.text);
    ensure!(answer.json()["data"]["stringToParse"] == "a:", "{}", answer.text);
    let refused = admin.refused("xo.getAllObjects", json!({ "filter": "a:" })).await?;
    ensure!(refused.code == 10 && refused.message == error, "{refused}");
    ensure!(rest.get("/vms?limit=-1").await?.status == 422);

    // Trees are drawn from counts.
    let counts = admin.call("inventory.counts", json!({ "by": ["$pool", "type"], "filter": "!type:/^VDI/" })).await?;
    let mut wanted: BTreeMap<(String, String), u64> = BTreeMap::new();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for object in view.objects.values().filter(|object| !text(&object["type"]).starts_with("VDI")) {
        *wanted.entry((text(&object["$pool"]), text(&object["type"]))).or_default() += 1;
    }
    let found = counts.as_array().context("a list")?.iter();
    let found: BTreeMap<_, _> = found
        .map(|line| ((text(&line["$pool"]), text(&line["type"])), line["count"].as_u64().unwrap_or_default()))
        .collect();
    ensure!(found == wanted, "{counts}");
    rig.end().await
}

/// What a page knows of a window: the answer, and all that was told since.
pub(crate) fn window(answer: &Value, view: &View) -> Value {
    let mut shown = answer.clone();
    for told in view.notifications.iter().filter(|told| told["method"] == "inventory.watch") {
        let params = &told["params"];
        if params["watch"] != shown["watch"] || params["revision"].as_u64() <= answer["revision"].as_u64() {
            continue;
        }
        shown["total"] = params["total"].clone();
        if let Some(ids) = params.get("ids") {
            shown["ids"] = ids.clone();
        }
        for (id, row) in params["set"].as_object().into_iter().flatten() {
            shown["rows"][id] = row.clone();
        }
        let ids = shown["ids"].as_array().cloned().unwrap_or_default();
        if let Some(rows) = shown["rows"].as_object_mut() {
            rows.retain(|id, _| ids.iter().any(|shown| shown == id));
        }
    }
    if let Some(members) = shown.as_object_mut() {
        members.remove("revision");
    }
    shown
}

/// Asks for the same window anew, under another name.
async fn fresh(client: &Client, params: &Value) -> Result<Value> {
    let mut params = params.clone();
    let name = params["watch"].clone();
    params["watch"] = json!("fresh");
    let mut answer = client.call("inventory.watch", params).await?;
    client.call("inventory.unwatch", json!({ "watch": "fresh" })).await?;
    answer["watch"] = name;
    Ok(window(&answer, &View::default()))
}

#[tokio::test]
async fn a_window_stays_what_a_listing_says() -> Result<()> {
    let rig = Rig::builder().pools(POOLS).start().await?;
    let admin = rig.admin().await?;
    admin.watch().await?;
    let view = admin.view();

    let page = rig.admin().await?;
    let params = json!({
        "watch": "vms",
        "type": ["VM", "VM-snapshot"],
        "fields": ["name_label", "memory.size", "$container.name_label", "$pool.name_label", "no.such"],
        "filter": "!name_label:\"nothing is called so\"",
        "sort": [{ "by": "type" }, { "by": "name_label", "descending": true }],
        "window": { "start": 2, "count": 6 },
    });
    let answer = page.call("inventory.watch", params.clone()).await?;
    let total = view.of_kind("VM").count() + view.of_kind("VM-snapshot").count();
    ensure!(answer["total"] == total && answer["start"] == 2, "{answer}");
    let ids: Vec<&str> = answer["ids"].as_array().context("ids")?.iter().filter_map(Value::as_str).collect();
    ensure!(ids.len() == 6 && answer["rows"].as_object().map(serde_json::Map::len) == Some(6), "{answer}");
    let key = |id: &str| {
        let object = &view.objects[id];
        let text = |name: &str| object[name].as_str().unwrap_or_default().to_lowercase();
        (text("type"), std::cmp::Reverse(text("name_label")))
    };
    ensure!(ids.windows(2).all(|pair| key(pair[0]) <= key(pair[1])), "{answer}");
    for id in &ids {
        let (row, object) = (&answer["rows"][id], &view.objects[*id]);
        ensure!(row["name_label"] == object["name_label"] && row["memory.size"] == object["memory"]["size"], "{row}");
        let pool = object["$pool"].as_str().and_then(|pool| view.objects.get(pool)).context("its pool")?;
        ensure!(row["$pool.name_label"] == pool["name_label"] && row.get("no.such").is_none(), "{row}");
        let container = object["$container"].as_str().and_then(|id| view.objects.get(id));
        let name = container.map_or(&Value::Null, |container| &container["name_label"]);
        ensure!(row.get("$container.name_label").unwrap_or(&Value::Null) == name, "{row}");
    }

    // A renamed VM is shown renamed, where it belongs now. Whoever asks joins the list as it is at the moment, up to 50 ms old.
    let vm = ids.iter().find(|id| view.objects[**id]["type"] == "VM").context("a VM in the window")?;
    let mut before = answer["ids"].clone();
    for name in ["! so that it leaves the window", "zzz so that it is the first", "m 10"] {
        admin.call("vm.set", json!({ "id": vm, "name_label": name })).await?;
        let followed = rig::until(name, async || {
            let wanted = fresh(&admin, &params).await.ok()?;
            (wanted["ids"] != before && window(&answer, &page.view()) == wanted).then_some(wanted)
        });
        let wanted = followed.await.with_context(|| format!("{}", window(&answer, &page.view())))?;
        before = wanted["ids"].clone();
    }

    // Scrolled: the same name, elsewhere.
    let mut params = params;
    params["window"] = json!({ "start": total - 2, "count": 500 });
    let answer = page.call("inventory.watch", params.clone()).await?;
    ensure!(answer["ids"].as_array().map(Vec::len) == Some(2), "{answer}");
    ensure!(window(&answer, &View::default()) == fresh(&admin, &params).await?);

    // What is asked wrongly ends nothing.
    let wrong = [
        ("filter", json!("a:"), "parse error: expected end of input at position 1"),
        ("type", json!("nothing"), "invalid parameters: unknown object type"),
        ("fields", json!(["a..b"]), "invalid parameters: a..b is no path"),
        ("window", json!({ "start": 0, "count": 501 }), "invalid parameters: must NOT be more than 500"),
    ];
    for (name, value, message) in wrong {
        let mut params = params.clone();
        params[name] = value;
        let error = page.refused("inventory.watch", params).await?;
        ensure!(error.code == 10 && error.message == message, "{name}: {error}");
    }
    let begun = page.view().notifications.len();
    let last = answer["ids"][1].as_str().context("an id")?;
    ensure!(view.objects[last]["type"] == "VM-snapshot", "{answer}");
    admin.call("vm.set", json!({ "id": last, "name_description": "not shown" })).await?;
    admin.call("vm.set", json!({ "id": last, "name_label": "! the very last" })).await?;
    let told =
        |view: &View| view.notifications[begun..].iter().any(|told| told["params"]["watch"] == "vms").then_some(());
    page.until("the window to live on", told).await?;

    // A socket has room for 32.
    for index in 0..31 {
        params["watch"] = json!(format!("other {index}"));
        page.call("inventory.watch", params.clone()).await?;
    }
    params["watch"] = json!("one too many");
    ensure!(page.refused("inventory.watch", params.clone()).await?.code == 10);
    page.call("inventory.unwatch", json!({ "watch": "other 0" })).await?;
    page.call("inventory.watch", params.clone()).await?;
    rig.end().await
}

#[tokio::test]
async fn a_window_shows_what_the_account_may_see_now() -> Result<()> {
    let rig = Rig::builder().pools(["xs56-singlehost-8vms-15snaps"]).start().await?;
    let admin = rig.admin().await?;
    let id = admin.call("user.create", json!({ "email": "guest", "password": "guest-1" })).await?;
    let guest = rig.client().await?;
    guest.sign_in("guest", "guest-1").await?;
    let params =
        json!({ "watch": "w", "type": "VM", "fields": ["name_label"], "window": { "start": 0, "count": 100 } });
    let answer = guest.call("inventory.watch", params.clone()).await?;
    ensure!(answer["total"] == 0 && answer["ids"] == json!([]) && answer["rows"] == json!({}), "{answer}");
    ensure!(guest.call("inventory.counts", json!({ "by": ["type"] })).await? == json!([]));

    admin.call("user.set", json!({ "id": id, "permission": "admin" })).await?;
    let wanted = fresh(&admin, &params).await?;
    ensure!(wanted["total"] == 8, "{wanted}");
    guest.until("the VMs to appear", |view| (window(&answer, view) == wanted).then_some(())).await?;
    admin.call("user.set", json!({ "id": id, "permission": "none" })).await?;
    let gone = json!({ "watch": "w", "total": 0, "start": 0, "ids": [], "rows": {} });
    guest.until("the VMs to disappear", |view| (window(&answer, view) == gone).then_some(())).await?;

    // A change that it may not see is not told.
    admin.watch().await?;
    let vm = admin.view().named("VM", "CCNET").context("a VM")?["id"].clone();
    let begun = guest.view().notifications.len();
    admin.call("vm.set", json!({ "id": vm, "name_label": "secret" })).await?;
    admin.until("the new name", |view| view.named("VM", "secret").map(drop)).await?;
    guest.call("user.getAuthenticationTokens", json!({})).await?;
    ensure!(guest.view().notifications.len() == begun, "{:?}", guest.view().notifications.last());
    rig.end().await
}

#[tokio::test]
async fn a_page_may_ask_to_hear_of_its_windows_only_and_of_its_account_anyway() -> Result<()> {
    let rig = Rig::builder().pools(["xs56-singlehost-8vms-15snaps"]).start().await?;
    let admin = rig.admin().await?;
    admin.watch().await?;
    let vm = admin.view().named("VM", "CCNET").context("a VM")?["id"].clone();
    let id = admin.call("user.create", json!({ "email": "second", "password": "second-1" })).await?;
    admin.call("user.set", json!({ "id": id, "permission": "admin" })).await?;
    let page = rig.client().await?;
    page.sign_in("second", "second-1").await?;
    page.call("session.subscribe", json!({ "topics": ["servers"], "all": false })).await?;
    let fields = json!(["name_label"]);
    let params = json!({ "watch": "w", "type": "VM", "fields": fields, "window": { "start": 0, "count": 100 } });
    let answer = page.call("inventory.watch", params).await?;

    admin.call("vm.set", json!({ "id": vm, "name_label": "renamed" })).await?;
    admin.until("the feed to say so", |view| view.named("VM", "renamed").map(drop)).await?;
    let row = vm.as_str().context("an id")?;
    let renamed = |view: &View| (window(&answer, view)["rows"][row]["name_label"] == "renamed").then_some(());
    page.until("the window to say so", renamed).await?;
    ensure!(page.view().notifications.iter().all(|told| told["method"] == "inventory.watch"));

    admin.call("user.set", json!({ "id": id, "permission": "none" })).await?;
    let told =
        |view: &View| view.notifications.iter().any(|told| told["method"] == "user" && told["params"]["id"] == id);
    page.until("the account's change", |view| told(view).then_some(())).await?;
    rig.end().await
}
