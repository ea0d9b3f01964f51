//! Answers made of many objects: whole, filtered, line by line, over both interfaces, and to readers that do not read.

use std::collections::BTreeSet;
use std::net::TcpStream;

use anyhow::{Context, Result, ensure};
use rig::tungstenite::{self, Message};
use rig::{Auth, Rig};
use serde_json::{Value, json};
use xapi_sim::Fleet;

/// Sockets that ask for everything and read nothing, and how often each asks.
const DEAF: usize = 40;
const QUESTIONS: usize = 30;

async fn fleet() -> Result<Rig> {
    let fleet = Fleet { vms: 200, snapshots: 10, ..Fleet::small() };
    let mut rig = Rig::builder().pool(fleet.options(0)).start().await?;
    rig.pools_are_live().await?;
    Ok(rig)
}

fn lines(text: &str) -> Result<Vec<Value>> {
    text.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
}

fn ids<'a>(objects: impl IntoIterator<Item = &'a Value>) -> BTreeSet<String> {
    objects.into_iter().filter_map(|object| object["id"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn every_way_to_list_gives_the_same_objects() -> Result<()> {
    let rig = fleet().await?;
    let (admin, rest) = (rig.admin().await?, rig.admin_rest()?);
    let all = admin.call("xo.getAllObjects", json!({})).await?;
    let all = all.as_object().context("a map")?;
    ensure!(all.len() > 1_000 && all.iter().all(|(id, object)| object["id"] == id.as_str()), "{} objects", all.len());
    let running = |object: &&Value| object["type"] == "VM" && object["power_state"] == "Running";
    let expected = ids(all.values().filter(running));
    ensure!(expected.len() > 100, "{} VMs run", expected.len());

    for filter in [json!({ "type": "VM", "power_state": "Running" }), json!("type:/^VM$/ power_state:Running")] {
        let found = admin.call("xo.getAllObjects", json!({ "filter": filter })).await?;
        ensure!(ids(found.as_object().context("a map")?.values()) == expected, "{filter}");
        let few = admin.call("xo.getAllObjects", json!({ "filter": filter, "limit": 7 })).await?;
        ensure!(few.as_object().is_some_and(|few| few.len() == 7), "{filter}: {few}");
    }
    let one = expected.iter().next().context("a VM")?;
    let found = admin.call("xo.getAllObjects", json!({ "filter": { "id": one } })).await?;
    ensure!(found == json!({ one: all[one] }), "{found}");
    ensure!(admin.call("xo.getAllObjects", json!({ "filter": { "id": one, "type": "host" } })).await? == json!({}));

    // An address that serves one answer, once, to whoever knows it.
    let address = admin.call("xo.getAllObjects", json!({ "ndjson": true })).await?;
    ensure!(address.as_object().is_some_and(|address| address.len() == 1), "{address}");
    let path = address["$getFrom"].as_str().context("an address")?;
    let answer = rig.get(path).await?;
    ensure!(answer.status == 200 && answer.header("content-type") == Some("application/json"), "{}", answer.status);
    ensure!(ids(&lines(&answer.text)?) == all.keys().cloned().collect(), "line by line");
    ensure!(rig.get(path).await?.status == 404, "a second time");
    let wrong = admin.refused("xo.getAllObjects", json!({ "ndjson": true, "filter": "a:>b" })).await?;
    ensure!((wrong.code, wrong.message.as_str()) == (10, "value must be a number"), "{wrong}");
    // What a caller may no longer see when the address is read is not told.
    let address = admin.call("xo.getAllObjects", json!({ "ndjson": true })).await?;
    admin.call("session.signOut", json!({})).await?;
    ensure!(rig.get(address["$getFrom"].as_str().context("an address")?).await?.status == 401, "signed out");

    let whole = rest.get("/vms?fields=*").await?;
    let whole = whole.json();
    let whole = whole.as_array().context("a list")?;
    for vm in whole {
        let mut vm = vm.clone();
        let href = vm.as_object_mut().and_then(|vm| vm.remove("href"));
        ensure!(href == Some(json!(format!("/rest/v0/vms/{}", vm["id"].as_str().unwrap_or_default()))), "{href:?}");
        ensure!(all[vm["id"].as_str().unwrap_or_default()] == vm, "{vm}");
    }
    ensure!(whole.len() == all.values().filter(|object| object["type"] == "VM").count(), "{} VMs", whole.len());
    let single = rest.get(&format!("/vms/{one}")).await?;
    ensure!(single.json() == all[one] && single.header("content-length").is_some(), "{}", single.text);
    let short = rest.get("/pools").await?;
    ensure!(short.header("content-length").is_some(), "what fits into one piece goes with its length: {}", short.text);
    let hrefs = rest.get("/vms?filter=power_state:Running&limit=3&ndjson=true").await?;
    ensure!(hrefs.header("content-type") == Some("application/x-ndjson"), "{:?}", hrefs.headers);
    let hrefs = lines(&hrefs.text)?;
    ensure!(
        hrefs.len() == 3
            && hrefs.iter().all(|href| href.as_str().is_some_and(|href| href.starts_with("/rest/v0/vms/")))
    );
    let wrong = rest.get("/vms?filter=a:%3Eb").await?;
    ensure!(wrong.status == 400 && wrong.json()["data"]["stringToParse"] == "a:>b", "{} {}", wrong.status, wrong.text);
    rig.end().await
}

/// The same question again and again, while what it is about changes now and then.
#[tokio::test]
async fn an_answer_that_was_kept_is_never_out_of_date() -> Result<()> {
    let rig = fleet().await?;
    let (admin, rest) = (rig.admin().await?, rig.admin_rest()?);
    admin.watch().await?;
    let (reference, record) = rig
        .sim(0)
        .records("VM")
        .into_iter()
        .find(|(_, vm)| vm["power_state"] == "Running" && vm["is_control_domain"] == false)
        .context("a VM that runs")?;
    let id = record["uuid"].as_str().context("its id")?.to_owned();
    for round in 0..5 {
        let name = format!("round {round}");
        rig.sim(0).set("VM", &reference, "name_label", json!(name))?;
        let heard = |view: &rig::View| view.objects.get(&id).filter(|vm| vm["name_label"] == name).map(|_| ());
        admin.until(&name, heard).await?;
        for time in 0..4 {
            let answer = rest.get("/vms?filter=power_state:Running&fields=id,name_label").await?.json();
            let answer = answer.as_array().context("a list")?;
            let vm = answer.iter().find(|vm| vm["id"] == id.as_str()).context("the VM runs")?;
            ensure!(
                vm["name_label"] == name && vm.as_object().is_some_and(|vm| vm.len() == 3),
                "{round}, {time}: {vm}"
            );
        }
    }
    ensure!(rig.rest(Auth::Nobody).get("/vms?filter=power_state:Running&fields=id,name_label").await?.status == 401);
    rig.end().await
}

/// A hundred times the memory that may be used is asked for by sockets that never read.
#[tokio::test]
async fn sockets_that_do_not_read_cost_little_and_disturb_nobody() -> Result<()> {
    let rig = fleet().await?;
    let admin = rig.admin().await?;
    let size = admin.call("xo.getAllObjects", json!({})).await?.to_string().len();
    let before = rig.rss()?;
    let mut open = Vec::new();
    for _ in 0..DEAF {
        let stream = TcpStream::connect(rig.address())?;
        let (mut socket, _) = tungstenite::client(format!("ws://{}/api/", rig.address()), stream)?;
        let ask = |id: usize, method: &str, params: Value| {
            Message::text(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string())
        };
        let credentials = json!({ "username": "admin", "password": rig.password()? });
        socket.send(ask(0, "session.signIn", credentials))?;
        socket.read()?;
        for id in 1..=QUESTIONS {
            socket.send(ask(id, "xo.getAllObjects", json!({})))?;
        }
        open.push(socket);
    }
    for _ in 0..100 {
        admin.call("xo.getAllObjects", json!({ "filter": { "type": "pool" } })).await?;
    }
    let grown = rig.rss()?.saturating_sub(before);
    let asked = DEAF * QUESTIONS * size;
    println!("{} MiB asked for, {} KiB more memory", asked >> 20, grown >> 10);
    ensure!(asked > 1 << 30, "only {asked} bytes asked for");
    ensure!(grown < 40 << 20, "the daemon grew by {} MiB", grown >> 20);
    // Who begins to read gets everything.
    let mut socket = open.pop().context("a socket")?;
    let answers = tokio::task::spawn_blocking(move || -> Result<usize> {
        let mut answers = BTreeSet::new();
        while answers.len() < QUESTIONS {
            if let Message::Text(text) = socket.read()? {
                let answer: Value = serde_json::from_str(&text)?;
                answers.extend(answer["result"].as_object().filter(|all| all.len() > 1_000).and(answer["id"].as_u64()));
            }
        }
        Ok(answers.len())
    });
    ensure!(answers.await?? == QUESTIONS);
    rig.end().await
}
