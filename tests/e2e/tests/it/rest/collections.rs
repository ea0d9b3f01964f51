//! Collections, what belongs to an object, accounts and servers.

use anyhow::{Context, Result, ensure};
use rig::{Auth, Rig};
use serde_json::{Value, json};

const JSON: &str = "application/json";

#[tokio::test]
async fn collections_come_in_every_documented_form() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let rest = rig.admin_rest()?;

    let hrefs = rest.get("/vms").await?.json();
    let hrefs = hrefs.as_array().context("a list")?;
    ensure!(
        !hrefs.is_empty() && hrefs.iter().all(|href| href.as_str().is_some_and(|h| h.starts_with("/rest/v0/vms/")))
    );
    let some = rest.get("/vms?fields=id,name_label,nothing").await?.json();
    for vm in some.as_array().context("a list")? {
        ensure!(vm.as_object().context("an object")?.keys().eq(["href", "id", "name_label"]), "{vm}");
        ensure!(vm["href"] == format!("/rest/v0/vms/{}", vm["id"].as_str().unwrap_or_default()), "{vm}");
    }
    let whole = rest.get("/vms?fields=*&limit=1").await?.json();
    ensure!(
        whole.as_array().is_some_and(|all| all.len() == 1) && whole[0]["type"] == "VM" && whole[0]["href"].is_string()
    );
    let one = rest.get(&format!("/vms/{}", whole[0]["id"].as_str().context("an id")?)).await?.json();
    ensure!(one["type"] == "VM" && one.get("href").is_none(), "a single object has no address");

    let lines = rest.get("/vms?ndjson=true&filter=power_state:Running&fields=power_state").await?;
    ensure!(lines.header("content-type") == Some("application/x-ndjson"), "{:?}", lines.headers);
    ensure!(lines.text.lines().count() > 0);
    for line in lines.text.lines() {
        ensure!(serde_json::from_str::<Value>(line)?["power_state"] == "Running", "{line}");
    }
    let table = rest.get("/vms?markdown=true&fields=id,power_state").await?;
    ensure!(table.header("content-type") == Some("text/markdown; charset=utf-8"), "{:?}", table.headers);
    ensure!(table.text.starts_with("| id | power_state |\n| --- | --- |\n| "), "{}", table.text);
    ensure!(table.text.lines().count() == hrefs.len() + 2, "{}", table.text);
    ensure!(rest.get("/vms?markdown=true&filter=id:none").await?.text == "No results.\n");
    ensure!(rest.get("/vms?markdown=true&limit=1").await?.text.starts_with("/rest/v0/vms/"));

    // What is wrong is said by parameter.
    for (path, field) in [("/vms?limit=many", "limit"), ("/vms?ndjson=maybe", "ndjson"), ("/vms?other=1", "other")] {
        let answer = rest.get(path).await?;
        let errors = &answer.json()["data"]["errors"];
        ensure!(
            answer.status == 422 && errors[field]["message"].is_string(),
            "{path}: {} {}",
            answer.status,
            answer.text
        );
    }
    ensure!(rest.get("/vms?ndjson=true&markdown=true").await?.status == 422);
    ensure!(rest.get("/vms?limit=-1").await?.status == 422);
    let wrong = rest.get("/vms?filter=a:").await?;
    ensure!(wrong.status == 400 && wrong.json()["data"]["stringToParse"] == "a:", "{}", wrong.text);
    let method = rest.send("DELETE", "/rest/v0/vms", &[], b"").await?;
    ensure!(method.status == 405 && method.json()["error"].is_string(), "{} {}", method.status, method.text);
    ensure!(rest.get("/nothing").await?.json() == json!({ "error": "no such route" }));
    for index in ["/rest/v0", "/rest/v0/"] {
        let answer = rig.get(index).await?;
        ensure!(
            answer.status == 307 && answer.header("location") == Some("/rest/v0/docs"),
            "{index}: {}",
            answer.status
        );
    }
    rig.end().await
}

#[tokio::test]
async fn what_belongs_to_an_object_is_found_below_it() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let (admin, rest) = (rig.admin().await?, rig.admin_rest()?);
    let all = admin.call("xo.getAllObjects", json!({})).await?;
    let all = all.as_object().context("a map")?;
    let of = |kind: &str| all.values().filter(|object| object["type"] == kind).collect::<Vec<_>>();

    // Alarms are messages in another shape, and no messages of REST.
    let host = of("host")[0]["id"].as_str().context("a host")?.to_owned();
    let body = "value: 0.856\nconfig:\n<variable>\n\t<name value=\"cpu_usage\"/>\n</variable>";
    let fields = json!({
        "name": "ALARM", "priority": "3", "cls": "Host", "obj_uuid": host, "timestamp": "20260801T00:00:00Z", "body": body,
    });
    rig.sim(0).insert("message", fields)?;
    let mine = |all: &Value| {
        let alarms = all.as_array().into_iter().flatten();
        alarms.filter(|alarm| alarm["object"]["uuid"] == host.as_str()).cloned().collect::<Vec<_>>()
    };
    let alarms = rig::until("the alarm", async || {
        let alarms = mine(&rest.get("/alarms?fields=*").await.ok()?.json());
        (!alarms.is_empty()).then_some(alarms)
    })
    .await?;
    let alarm = &alarms[0];
    let id = alarm["id"].as_str().context("an id")?;
    ensure!(alarm["body"] == json!({ "value": "85.6", "name": "cpu_usage" }) && alarm["name"] == "ALARM", "{alarm}");
    ensure!(
        alarm["object"]["type"] == "host" && alarm["object"]["href"] == format!("/rest/v0/hosts/{host}"),
        "{alarm}"
    );
    ensure!(alarm["time"].as_i64().is_some_and(|time| time > 1_000_000_000_000), "milliseconds: {alarm}");
    let mut single = rest.get(&format!("/alarms/{id}")).await?.json();
    single["href"] = json!(format!("/rest/v0/alarms/{id}"));
    ensure!(single == *alarm, "{single}");
    let filtered = rest.get("/alarms?fields=id&filter=body:name:cpu_usage%20object:type:host").await?.json();
    ensure!(filtered.to_string().contains(id), "{filtered}");
    ensure!(rest.get("/alarms?filter=body:name:memory").await?.json() == json!([]));
    ensure!(!rest.get("/messages").await?.text.contains(id), "an alarm among the messages");
    let below = rest.get(&format!("/hosts/{host}/alarms")).await?.json();
    ensure!(below.as_array().is_some_and(|all| all.contains(&json!(format!("/rest/v0/alarms/{id}")))), "{below}");
    let table = rest.get("/alarms?markdown=true&fields=name,body").await?.text;
    ensure!(table.contains("| ALARM | {\"name\":\"cpu_usage\",\"value\":\"85.6\"} |"), "{table}");

    // Disks of a VM, by the way of its drives.
    let vm = of("VM").into_iter().find(|vm| vm["$VBDs"].as_array().is_some_and(|vbds| !vbds.is_empty()));
    let vm = vm.context("a VM with drives")?;
    let mut wanted: Vec<String> = Vec::new();
    for vbd in vm["$VBDs"].as_array().context("drives")? {
        let vbd = &all[vbd.as_str().unwrap_or_default()];
        wanted.extend(vbd["VDI"].as_str().map(|vdi| format!("/rest/v0/vdis/{vdi}")));
    }
    wanted.sort();
    let path = format!("/vms/{}/vdis", vm["id"].as_str().context("an id")?);
    let found = rest.get(&path).await?.json();
    let mut found: Vec<_> =
        found.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    found.sort();
    ensure!(found == wanted && !wanted.is_empty(), "{found:?}, not {wanted:?}");
    ensure!(rest.get("/vms/nothing/vdis").await?.status == 404);
    // A template is no VM.
    let template = of("VM-template")[0]["id"].as_str().context("a template")?.to_owned();
    ensure!(rest.get(&format!("/vms/{template}/messages")).await?.status == 404);
    ensure!(rest.get(&format!("/vm-templates/{template}/messages")).await?.status == 200);

    // Contents come later, whatever is named.
    for path in ["/vms/nothing.xva", "/vdis/nothing.vhd", "/hosts/nothing/logs.tgz"] {
        ensure!(rest.get(path).await?.status == 501, "{path}");
        ensure!(rig.rest(Auth::Nobody).get(path).await?.status == 401, "{path}");
    }
    ensure!(rest.send("PUT", "/rest/v0/vdis/nothing.raw", &[], b"x").await?.status == 501);
    ensure!(rest.send("PUT", "/rest/v0/vdis/nothing", &[], b"x").await?.status == 404);
    rig.end().await
}

#[tokio::test]
async fn accounts_and_servers_are_made_and_changed() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let rest = rig.admin_rest()?;
    let send = async |method: &'static str, path: String, body: Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        rest.send(method, &format!("/rest/v0{path}"), &[], body.as_bytes()).await
    };

    let made = rest.post("/users", &json!({ "name": "bob", "password": "bob-1" })).await?;
    let id = made.json()["id"].as_str().context("an id")?.to_owned();
    ensure!(made.status == 201 && made.header("location") == Some(&format!("/rest/v0/users/{id}")), "{}", made.text);
    ensure!(rest.post("/users", &json!({ "name": "bob", "password": "bob-1" })).await?.status == 409);
    ensure!(rest.post("/users", &json!({ "email": "bob", "password": "x" })).await?.status == 422, "REST says name");
    let path = format!("/users/{id}");
    ensure!(send("PATCH", path.clone(), json!({ "name": "robert" })).await?.status == 204);
    let user = rest.get(&path).await?.json();
    ensure!(user["name"] == "robert" && user["id"] == id.as_str() && user["permission"] == "none", "{user}");
    let found = rest.get("/users?filter=name:robert&fields=name").await?.json();
    ensure!(found == json!([{ "name": "robert", "href": format!("/rest/v0{path}") }]), "{found}");

    // He sees himself and nobody else.
    let bob = rig.rest(Auth::Basic("robert".into(), "bob-1".into()));
    ensure!(bob.get("/users").await?.json() == json!([format!("/rest/v0{path}")]));
    let me = bob.get("/users/me?x=1").await?;
    ensure!(me.status == 307 && me.header("location") == Some(&format!("/rest/v0{path}?x=1")), "{:?}", me.headers);
    ensure!(bob.get("/servers").await?.json() == json!([]));
    ensure!(rig.rest(Auth::Nobody).get("/users/me").await?.status == 401);
    ensure!(send("DELETE", path.clone(), Value::Null).await?.status == 204);
    ensure!(rest.get(&path).await?.status == 404);

    // A server that is registered is not connected until somebody says so.
    let body = json!({ "host": "192.0.2.1", "username": "root", "password": "p", "label": "far" });
    let made = rest.post("/servers", &body).await?;
    let id = made.json()["id"].as_str().context("an id")?.to_owned();
    ensure!(made.status == 201, "{}", made.text);
    let server = rest.get(&format!("/servers/{id}")).await?.json();
    ensure!(server["enabled"] == false && server["label"] == "far" && server.get("password").is_none(), "{server}");
    ensure!(rest.get("/servers").await?.json().as_array().is_some_and(|all| all.len() == 2));
    ensure!(send("DELETE", format!("/servers/{id}"), Value::Null).await?.status == 204);
    ensure!(rest.get(&format!("/servers/{id}")).await?.status == 404);

    // Programs find the cookie that they look for; browsers get the one.
    let login = json!({ "username": "admin", "password": rig.password()? });
    let nobody = rig.rest(Auth::Nobody);
    let answer = nobody.post("/auth/login", &login).await?;
    let cookies = answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.clone());
    let cookies: Vec<_> = cookies.collect();
    ensure!(
        cookies.iter().any(|cookie| cookie.starts_with("authenticationToken=")) && cookies.len() == 2,
        "{cookies:?}"
    );
    ensure!(answer.header("content-type") == Some(JSON));
    rig.end().await
}
