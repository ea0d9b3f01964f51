//! From nothing to a living list: what was recorded is listed, by every way in, and what changes is seen at once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::{both, listed, pool_id, recorded, same};
use rig::{Auth, Rest, Rig};
use serde_json::json;

const POOLS: [&str; 2] = ["xs56-singlehost-8vms-15snaps", "xs56fp1-pool2-bonds-vlans-tunnels"];

/// REST collection, type of its objects, how many of them the two recorded pools have.
const COLLECTIONS: [(&str, &str, usize); 6] = [
    ("pools", "pool", 2),
    ("hosts", "host", 3),
    ("vms", "VM", 12),
    ("srs", "SR", 19),
    ("vdis", "VDI", 306),
    ("networks", "network", 15),
];

/// The halted VM of the second pool.
const HALTED: &str = "Demo Linux VM (1)";

#[tokio::test]
async fn what_was_recorded_is_listed_and_what_changes_is_seen() -> Result<()> {
    let rig = Rig::builder().pools(POOLS).start().await?;
    let admin = rig.admin().await?;
    let password = rig.password()?;
    ensure!(password.len() == 24 && password.chars().all(|c| c.is_ascii_alphanumeric()), "24 letters and digits");

    // By WebSocket: the same objects with the same names, nothing more.
    admin.watch().await?;
    let wanted = both(recorded(POOLS[0])?, recorded(POOLS[1])?);
    let view = admin.view();
    let found = both(listed(&view, &pool_id(rig.sim(0))), listed(&view, &pool_id(rig.sim(1))));
    same(&wanted, &found)?;

    // By REST: the same ids, by Basic, by both cookies.
    let token = admin.call("token.create", json!({ "description": "of a test" })).await?;
    let token = token.as_str().context("a token is a string")?.to_owned();
    let ways = [
        rig.rest(Auth::Basic("admin".into(), password.clone())),
        rig.rest(Auth::Cookie("token", token.clone())),
        rig.rest(Auth::Cookie("authenticationToken", token.clone())),
    ];
    for (collection, kind, count) in COLLECTIONS {
        let wanted = &wanted[kind];
        let wanted: BTreeMap<&str, &str> = wanted.iter().map(|(id, name)| (id.as_str(), name.as_str())).collect();
        ensure!(wanted.len() == count, "the recordings have {} of {kind}", wanted.len());
        for (index, rest) in ways.iter().enumerate() {
            let answer = rest.get(&format!("/{collection}")).await?;
            let hrefs = answer.json();
            let hrefs = hrefs.as_array().with_context(|| format!("{collection}: {}", answer.text))?;
            ensure!(hrefs.len() == count, "{collection} by way {index}: {} of {count}", hrefs.len());
            let prefix = format!("/rest/v0/{collection}/");
            let ids = hrefs.iter().filter_map(|href| href.as_str()?.strip_prefix(&prefix));
            ensure!(ids.clone().all(|id| wanted.contains_key(id)), "{collection}: an unknown id");
        }
    }
    listings_have_fields_and_limits(&ways[0]).await?;
    credentials_are_needed_and_one_is_enough(&rig, &token, &password).await?;

    // A change is seen by somebody else's socket without asking.
    let other = rig.admin().await?;
    other.watch().await?;
    let halted = other.view().named("VM", HALTED).cloned().context("the halted VM")?;
    ensure!(halted["power_state"] == "Halted", "{halted}");
    let begun = Instant::now();
    admin.call("vm.start", json!({ "id": halted["id"] })).await?;
    let seen = other.until("the VM to run", |view| {
        let vm = view.objects.get(halted["id"].as_str()?)?;
        (vm["power_state"] == "Running").then(|| begun.elapsed())
    });
    let seen = seen.await?;
    println!("a started VM is seen running by another socket after {} ms", seen.as_millis());
    ensure!(seen < Duration::from_secs(5), "it took {seen:?}");
    // The task of the call comes and goes beside it.
    let id = halted["id"].as_str().context("an id")?;
    let view = other.view();
    let mut told = view.notifications.iter().filter(|n| n["params"]["items"].get(id).is_some()).peekable();
    let all = told.peek().is_some() && told.all(|n| n["method"] == "all" && n["params"]["type"] == "enter");
    ensure!(all, "a start is told as `all` with `enter`");

    // What XAPI says no to comes back with its own code.
    let error = admin.refused("vm.start", json!({ "id": halted["id"] })).await?;
    ensure!(error.code == 13 && error.data["actual"].as_str().is_some(), "{error}");
    admin.call("vm.set", json!({ "id": halted["id"], "name_label": "renamed" })).await?;
    other.until("the new name", |view| view.named("VM", "renamed").map(drop)).await?;
    admin.call("vm.stop", json!({ "id": halted["id"], "force": true })).await?;
    let stopped = other.until("the VM to stop", |view| {
        let vm = view.named("VM", "renamed")?;
        (vm["power_state"] == "Halted").then_some(())
    });
    stopped.await?;
    same(&e2e::simulated(rig.sim(1)), &listed(&other.view(), &pool_id(rig.sim(1))))?;
    rig.end().await
}

async fn listings_have_fields_and_limits(rest: &Rest) -> Result<()> {
    let list = rest.get("/vms?fields=id,name_label&limit=3").await?.json();
    let list = list.as_array().context("a list")?;
    ensure!(list.len() == 3, "limit 3 gave {}", list.len());
    for vm in list {
        let mut keys: Vec<_> = vm.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
        keys.sort_unstable();
        ensure!(keys == ["href", "id", "name_label"], "{vm}");
    }
    let id = list[0]["id"].as_str().context("an id")?;
    let one = rest.get(&format!("/vms/{id}?fields=name_label")).await?.json();
    ensure!(one == json!({ "name_label": list[0]["name_label"] }), "{one}");
    let whole = rest.get(&format!("/vms/{id}")).await?.json();
    ensure!(whole["type"] == "VM" && whole["uuid"] == id && whole["memory"].is_object(), "{whole}");
    let all = rest.get("/vms?fields=*").await?.json();
    let found = all.as_array().into_iter().flatten().find(|vm| vm["id"] == id).cloned().context("it is in the list")?;
    let mut with_href = whole.clone();
    with_href["href"] = json!(format!("/rest/v0/vms/{id}"));
    ensure!(found == with_href, "the list says {found}");
    let missing = rest.get("/vms/12345678-1234-1234-1234-123456789012").await?;
    ensure!(missing.status == 404, "{}", missing.status);
    // A host is no VM, though its id is known.
    let host = rest.get("/hosts?fields=id&limit=1").await?.json()[0]["id"].as_str().unwrap_or_default().to_owned();
    ensure!(rest.get(&format!("/vms/{host}")).await?.status == 404, "a host among the VMs");
    Ok(())
}

async fn credentials_are_needed_and_one_is_enough(rig: &Rig, token: &str, password: &str) -> Result<()> {
    let nobody = rig.rest(Auth::Nobody).get("/vms").await?;
    ensure!(nobody.status == 401 && nobody.header("www-authenticate").is_some(), "{}", nobody.status);
    let basic = rig.rest(Auth::Basic("admin".into(), password.to_owned()));
    let cookie = [("Cookie", format!("token={token}"))];
    let both = basic.send("GET", "/rest/v0/vms", &cookie, b"").await?;
    ensure!(both.status == 400, "two ways at once: {}", both.status);

    // A browser signs in with a form; the cookie works for REST and, from a page of ours, for the socket.
    let form = json!({ "username": "admin", "password": password, "remember": true });
    let answer = rig.rest(Auth::Nobody).post("/auth/login", &form).await?;
    ensure!(answer.status == 200 && answer.json()["user"]["email"] == "admin", "{} {}", answer.status, answer.text);
    let set = answer.header("set-cookie").context("a cookie")?.to_owned();
    ensure!(set.contains("HttpOnly") && set.contains("SameSite=Lax") && set.contains("Max-Age="), "{set}");
    let session = set.split(';').next().and_then(|pair| pair.strip_prefix("token=")).context("the token")?.to_owned();
    let browser = rig.rest(Auth::Cookie("token", session.clone()));
    ensure!(browser.get("/auth/session").await?.json()["user"]["email"] == "admin", "the session");
    let headers = [("Origin", rig.url()), ("Cookie", format!("token={session}"))];
    let page = rig::Client::connect(rig.address(), &headers).await?;
    ensure!(page.call("session.getUser", json!({})).await?["permission"] == "admin", "the page's socket");
    let no_page = rig::Client::connect(rig.address(), &headers[1..]).await?;
    ensure!(no_page.call("session.getUser", json!({})).await?.is_null(), "a cookie without a page does not count");

    // Signing out ends the session everywhere.
    ensure!(browser.post("/auth/logout", &json!({})).await?.status == 204, "sign out");
    ensure!(page.closed().await?.code == Some(1008), "the page's socket is closed");
    ensure!(browser.get("/vms").await?.status == 401, "the cookie is worth nothing");
    Ok(())
}
