//! Statistics: however many look, a host is asked once; and one that is dead keeps nobody from the curves of the others.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use rig::Rig;
use serde_json::{Value, json};
use xapi_sim::{Dump, Members, Options};

/// Granularity, seconds between two points, points.
const GRANULARITIES: [(&str, u64, usize); 4] =
    [("seconds", 5, 120), ("minutes", 60, 120), ("hours", 3_600, 168), ("days", 86_400, 366)];

const HANDLER: &str = "/rrd_updates";

/// Returns the numbers of a curve.
fn curve(stats: &Value, path: &str) -> Result<Vec<Option<f64>>> {
    let values = stats.pointer(path).and_then(Value::as_array);
    let values = values.with_context(|| format!("no curve {path} in {stats}"))?;
    Ok(values.iter().map(Value::as_f64).collect())
}

#[tokio::test]
async fn however_many_look_a_host_is_asked_once() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let (sim, admin) = (rig.sim(0), rig.admin().await?);
    admin.watch().await?;
    let view = admin.view();
    let host = view.of_kind("host").next().context("a host")?["id"].clone();
    let running: Vec<Value> =
        view.of_kind("VM").filter(|vm| vm["power_state"] == "Running").map(|vm| vm["id"].clone()).collect();
    ensure!(running.len() > 1, "some VMs run");

    // All wait for the same answer: sixteen readers of the host, and as many of each VM on it.
    sim.slow(HANDLER, Duration::from_millis(500));
    let readers = try_join_all((0..16).map(|_| rig.admin())).await?;
    let all = readers.iter().flat_map(|reader| {
        let of_vms = running.iter().map(move |vm| reader.call("vm.stats", json!({ "id": vm })));
        of_vms.chain([reader.call("host.stats", json!({ "host": host }))])
    });
    let all = try_join_all(all).await?;
    println!("{} readers, {} request", all.len(), sim.calls_of(HANDLER));
    ensure!(sim.calls_of(HANDLER) == 1, "{} requests for {} readers", sim.calls_of(HANDLER), all.len());
    sim.slow(HANDLER, Duration::ZERO);
    let (of_host, of_vm) = (&all[running.len()], &all[0]);
    ensure!(all.chunks(running.len() + 1).all(|of_one| of_one == &all[..=running.len()]), "all read the same");

    // What the host says of itself and of a VM, in the units of the API.
    let record = |class: &str, uuid: &Value| -> Result<Value> {
        let reference = sim.by_uuid(class, uuid.as_str().context("an id")?).context("it is in the simulator")?;
        sim.record(class, &reference).context("it has a record")
    };
    let metrics = record("host", &host)?["metrics"].as_str().context("metrics")?.to_owned();
    let total = sim.record("host_metrics", &metrics).context("host metrics")?["memory_total"].clone();
    let total: f64 = total.as_str().map_or(total.as_f64(), |text| text.parse().ok()).context("a size")?;
    let memory = curve(of_host, "/stats/memory")?;
    let near = |value: &Option<f64>| value.is_some_and(|value| (value - total).abs() <= 1024.0);
    // In one second of five the host leaves out its oldest row: what is asked for ends just behind it.
    ensure!(memory[0].is_none() || near(&memory[0]), "{total} bytes became {memory:?}");
    ensure!(memory.len() == 120 && memory[1..].iter().all(near), "{total} bytes became {memory:?}");
    for path in ["/stats/cpus/0", "/stats/load", "/stats/memoryFree"] {
        ensure!(curve(of_host, path)?.len() == 120, "{path}");
    }
    let wanted = record("VM", &running[0])?["memory_static_max"].clone();
    let wanted: f64 = wanted.as_str().map_or(wanted.as_f64(), |text| text.parse().ok()).context("a size")?;
    let memory = curve(of_vm, "/stats/memory")?;
    ensure!(memory.iter().all(|value| value.is_none_or(|value| value == wanted)), "{wanted} bytes became {memory:?}");
    let usage = curve(of_vm, "/stats/cpuUsage")?;
    ensure!(usage.iter().flatten().all(|value| (0.0..=100.0).contains(value)), "percentages: {usage:?}");
    ensure!(usage.iter().flatten().any(|value| *value > 1.0), "not fractions: {usage:?}");

    // Each granularity, by REST, has its own points.
    let rest = rig.admin_rest()?;
    for (granularity, interval, points) in GRANULARITIES {
        let (host, vm) = (host.as_str().unwrap_or_default(), running[0].as_str().unwrap_or_default());
        for path in [format!("/hosts/{host}/stats"), format!("/vms/{vm}/stats")] {
            let answer = rest.get(&format!("{path}?granularity={granularity}")).await?;
            ensure!(answer.status == 200, "{path} {granularity}: {}", answer.text);
            let stats = answer.json();
            ensure!(stats["interval"] == interval, "{stats}");
            ensure!(curve(&stats, "/stats/cpus/0")?.len() == points, "{path} {granularity}");
            let (end, asked) = (stats["endTimestamp"].as_u64(), stats["localTimestamp"].as_u64());
            let (end, asked) = end.zip(asked).context("times are seconds")?;
            ensure!(end <= asked + 2 && asked - end.min(asked) <= 2 * interval, "newest {end}, asked at {asked}");
        }
    }

    // What cannot be answered says why.
    let wrong = rest.get(&format!("/hosts/{}/stats?granularity=years", host.as_str().unwrap_or_default())).await?;
    ensure!(wrong.status == 422, "{} {}", wrong.status, wrong.text);
    let id = running[1].as_str().context("an id")?.to_owned();
    let is = |state: &'static str| {
        let (admin, id) = (&admin, &id);
        admin.until(state, move |view| (view.objects.get(id)?["power_state"] == state).then_some(()))
    };
    admin.call("vm.stop", json!({ "id": id, "force": true })).await?;
    is("Halted").await?;
    let refused = admin.refused("vm.stats", json!({ "id": id })).await?;
    ensure!(refused.code == 25 && refused.data["property"] == "resident_on", "{refused}");

    // A VM that starts gets its curves, though the host was asked a moment ago.
    admin.call("vm.start", json!({ "id": id })).await?;
    is("Running").await?;
    let measured = rig::until("curves of the started VM", async || {
        let stats = admin.call("vm.stats", json!({ "id": id })).await.ok()?;
        stats["stats"]["cpuUsage"].as_array().map(Vec::len)
    });
    ensure!(measured.await? == 120, "points of the started VM");

    // Storage is what its hosts measured.
    let sr = view.of_kind("SR").find(|sr| sr["content_type"] == "user").context("a storage with disks")?;
    let of_sr = admin.call("sr.stats", json!({ "id": sr["id"] })).await?;
    ensure!(curve(&of_sr, "/stats/iops/r")?.len() == 120, "{of_sr}");
    rig.end().await
}

#[tokio::test]
async fn a_dead_host_does_not_spoil_the_pool() -> Result<()> {
    let dump = Dump::Named("xs56fp1-pool2-bonds-vlans-tunnels".to_owned());
    let rig = Rig::builder().pool(Options { dump, members: Members::Loopback, ..Options::default() }).start().await?;
    let (sim, admin, rest) = (rig.sim(0), rig.admin().await?, rig.admin_rest()?);
    admin.watch().await?;
    let pool = e2e::pool_id(sim);
    let path = format!("/pools/{pool}/stats");
    let uuid = |host: &str| sim.record("host", host).and_then(|record| Some(record["uuid"].as_str()?.to_owned()));
    let members = sim.members();
    let master =
        members.iter().find(|member| member.master).and_then(|member| uuid(&member.host)).context("a master")?;
    let slave = members.iter().find(|member| !member.master).context("a second host")?.host.clone();
    let second = uuid(&slave).context("its record")?;

    let both = rest.get(&path).await?.json();
    for host in [&master, &second] {
        ensure!(curve(&both[host], "/stats/load")?.len() == 120, "{host}: {}", both[host]);
    }
    // A host that answers nonsense, or no more, is an error in its own place.
    sim.http_error(HANDLER, 500, 1);
    let one = rest.get(&format!("{path}?granularity=minutes")).await?;
    let (status, one) = (one.status, one.json());
    let failed: Vec<_> =
        [&master, &second].into_iter().filter(|host| one[host]["error"]["message"].is_string()).collect();
    ensure!(status == 200 && failed.len() == 1, "{one}");
    sim.kill_member(&slave).await?;
    admin
        .until("the host to be dead", |view| (view.objects.get(&second)?["power_state"] == "Halted").then_some(()))
        .await?;
    let one = rest.get(&format!("{path}?granularity=hours")).await?.json();
    ensure!(one[&second]["error"]["code"] == 18, "{}", one[&second]);
    ensure!(curve(&one[&master], "/stats/load")?.len() == 168, "{}", one[&master]);
    let refused = admin.refused("host.stats", json!({ "host": second, "granularity": "hours" })).await?;
    ensure!(refused.code == 18, "{refused}");
    rig.end().await
}

/// Hosts whose clocks are a month ahead or behind have curves, sessions and tasks as any other.
#[tokio::test]
async fn clocks_that_are_wrong_spoil_nothing() -> Result<()> {
    const MONTH: i64 = 30 * 86_400;
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let (sim, admin) = (rig.sim(0), rig.admin().await?);
    admin.watch().await?;
    let view = admin.view();
    let host = view.of_kind("host").next().context("a host")?["id"].clone();
    let vm = view.of_kind("VM").find(|vm| vm["power_state"] == "Running").context("a running VM")?["id"].clone();
    let id = vm.as_str().context("an id")?;
    // Each its own granularity: what is kept of the last one is good for a while.
    for (skew, granularity, points) in [(MONTH, "seconds", 120), (-MONTH, "minutes", 120), (0, "hours", 168)] {
        sim.skew_clock(skew);
        sim.kill_sessions();
        let stats = admin.call("host.stats", json!({ "host": host, "granularity": granularity })).await?;
        ensure!(curve(&stats, "/stats/memory")?.iter().flatten().count() >= points - 1, "{stats}");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
        let (end, step) = (stats["endTimestamp"].as_i64().context("an end")?, stats["interval"].as_i64().unwrap_or(0));
        let behind = i64::try_from(now)? + skew - end;
        ensure!((-2..=2 * step).contains(&behind), "{granularity}: the newest point is {behind} s old");
        let stats = admin.call("vm.stats", json!({ "id": vm, "granularity": granularity })).await?;
        ensure!(curve(&stats, "/stats/cpuUsage")?.len() == points, "{stats}");
        // A task of that time ends, and its events arrive.
        for (method, state) in [("vm.stop", "Halted"), ("vm.start", "Running")] {
            let params = if state == "Halted" { json!({ "id": vm, "force": true }) } else { json!({ "id": vm }) };
            admin.call(method, params).await?;
            let done = admin.until(state, |view| (view.objects.get(id)?["power_state"] == state).then_some(()));
            done.await?;
        }
    }
    rig.end().await
}
