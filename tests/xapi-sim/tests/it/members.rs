//! Pools whose members each have a listener: slaves name the master, masters die, certificates and clocks differ.

use serde_json::json;
use tokio::net::TcpStream;
use xapi_sim::{Delays, Fleet, Member, Members, Options, Sim};

use crate::client::{Client, Connection, raw_at};

fn pool(members: Members) -> Options {
    Options { members, ..Fleet { vms: 20, ..Fleet::small() }.options(0) }
}

fn slaves(sim: &Sim) -> Vec<Member> {
    sim.members().into_iter().filter(|m| !m.master).collect()
}

async fn login(member: &Member) -> anyhow::Result<String> {
    let session = raw_at(&member.url, "session.login_with_password", json!(["root", "password"])).await?;
    Ok(session.as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn slaves_name_the_master_as_clients_can_reach_it() -> anyhow::Result<()> {
    for members in [Members::Loopback, Members::Ports] {
        let sim = Sim::start(pool(members)).await?;
        let all = sim.members();
        assert_eq!((all.len(), all.iter().filter(|m| m.master).count()), (3, 1));
        let master = &all[0];
        assert!(master.master && master.url == sim.url());
        let port = master.url.rsplit(':').next().unwrap_or_default();
        for member in &all {
            assert_eq!(sim.record("host", &member.host).unwrap()["address"], json!(member.address));
            match members {
                Members::Loopback => assert_eq!(member.url, format!("http://{}:{port}", member.address)),
                _ => assert_eq!(member.url, format!("http://{}", member.address)),
            }
        }
        let session = login(master).await?;
        for slave in &slaves(&sim) {
            let said = login(slave).await.unwrap_err().to_string();
            assert_eq!(said, format!("HOST_IS_SLAVE {}", master.address));
            let said = raw_at(&slave.url, "VM.get_all", json!([session])).await.unwrap_err().to_string();
            assert_eq!(said, format!("HOST_IS_SLAVE {}", master.address));
            let params = json!(["root", "password"]);
            let local = raw_at(&slave.url, "session.slave_local_login_with_password", params).await?;
            assert_eq!(raw_at(&slave.url, "pool.is_slave", json!([local, slave.host])).await?, true);
        }
        assert_eq!(raw_at(&master.url, "pool.is_slave", json!([session, master.host])).await?, false);
    }
    Ok(())
}

#[tokio::test]
async fn another_host_takes_over_when_the_master_dies() -> anyhow::Result<()> {
    let sim = Sim::start(pool(Members::Loopback)).await?;
    let (old, new) = (sim.members()[0].clone(), sim.members()[2].clone());
    let session = login(&old).await?;
    let vms = raw_at(&old.url, "VM.get_all", json!([session])).await?;
    let mut open = Connection::at(&sim.members()[1].url).await?;
    let generation = sim.generation();

    sim.fail_over(&new.host).await?;
    assert!(TcpStream::connect(old.url.trim_start_matches("http://")).await.is_err());
    assert!(open.is_closed().await);
    let said = login(&sim.members()[1]).await.unwrap_err().to_string();
    assert_eq!(said, format!("HOST_IS_SLAVE {}", new.address));
    assert!(
        raw_at(&new.url, "VM.get_all", json!([session])).await.unwrap_err().to_string().starts_with("SESSION_INVALID")
    );
    let session = login(&new).await?;
    assert_eq!(raw_at(&new.url, "VM.get_all", json!([session])).await?, vms);
    assert!(sim.generation() > generation);
    let metrics = sim.record("host", &old.host).unwrap()["metrics"].as_str().unwrap_or_default().to_owned();
    assert_eq!(sim.record("host_metrics", &metrics).unwrap()["live"], false);

    // Back as a slave.
    sim.revive_member(&old.host).await?;
    assert_eq!(login(&old).await.unwrap_err().to_string(), format!("HOST_IS_SLAVE {}", new.address));
    assert_eq!(sim.record("host_metrics", &metrics).unwrap()["live"], true);

    // By a call: everybody is disconnected after the answer.
    let mut open = Connection::at(&new.url).await?;
    raw_at(&new.url, "pool.designate_new_master", json!([session, old.host])).await?;
    assert!(open.is_closed().await);
    login(&old).await?;
    assert_eq!(login(&new).await.unwrap_err().to_string(), format!("HOST_IS_SLAVE {}", old.address));
    Ok(())
}

#[tokio::test]
async fn each_member_has_its_own_certificate_and_the_pool_knows_it() -> anyhow::Result<()> {
    let sim = Sim::start(Options { tls: true, ..pool(Members::Ports) }).await?;
    let known = |host: &str| {
        let all = sim.records("Certificate");
        let found = all.values().find(|c| c["host"] == host && c["type"] == "host").unwrap();
        found["fingerprint_sha256"].as_str().unwrap_or_default().to_lowercase()
    };
    let mut prints: Vec<String> = sim.members().into_iter().filter_map(|m| m.fingerprint).collect();
    for member in sim.members() {
        assert_eq!(Some(known(&member.host)), member.fingerprint);
    }
    let slave = slaves(&sim).remove(0);
    let swapped = sim.swap_certificate_of(&slave.host)?.unwrap();
    assert_eq!(known(&slave.host), swapped);
    prints.push(swapped);
    prints.sort();
    prints.dedup();
    assert_eq!(prints.len(), 4);
    let (_, shown) = Connection::tls(&sim).await?;
    assert_eq!(Some(shown), sim.fingerprint());
    // A slave says how the master is known, to who asks.
    let (mut connection, _) = Connection::tls_at(&slave.url).await?;
    let body =
        json!({"jsonrpc": "2.0", "method": "session.login_with_password", "params": ["root", "password"], "id": 0})
            .to_string();
    for asked in [true, false] {
        let question = if asked { "x-xenapi-request-host-certificate-thumbprint: sha-256:master\r\n" } else { "" };
        let head = format!("POST /jsonrpc HTTP/1.1\r\nHost: x\r\n{question}Content-Length: {}", body.len());
        connection.send(&head, &body).await?;
        let answer = connection.receive().await?;
        assert!(answer.body.contains("HOST_IS_SLAVE"));
        let told = answer.header("x-xenapi-response-host-certificate-thumbprint").map(str::to_lowercase);
        assert_eq!(told, sim.fingerprint().filter(|_| asked));
    }
    Ok(())
}

#[tokio::test]
async fn clocks_go_wrong_and_sessions_die_by_chance() -> anyhow::Result<()> {
    let client = Client::start(pool(Members::One)).await?;
    let host = client.sim.records("host").into_keys().next().unwrap();
    let hour = |time: serde_json::Value| time.as_str().unwrap_or_default()[..11].to_owned();
    let before = hour(client.call("host.get_servertime", json!([host])).await?);
    client.sim.skew_clock(-7200);
    assert_ne!(hour(client.call("host.get_servertime", json!([host])).await?), before);

    client.sim.random_session_invalid(0.5);
    let (mut died, mut client) = (0, client);
    for _ in 0..60 {
        if client.call("pool.get_all", json!([])).await.is_err() {
            died += 1;
            client = Client::login(client.sim).await?;
        }
    }
    assert!((10..50).contains(&died), "{died} of 60");
    Ok(())
}

#[tokio::test]
async fn plugins_answer_or_are_missing() -> anyhow::Result<()> {
    let client = Client::start(pool(Members::One)).await?;
    let host = client.sim.records("host").into_keys().next().unwrap();
    let ask = |plugin: &str, function: &str| json!([host, plugin, function, {}]);
    let updates = client.call("host.call_plugin", ask("updater.py", "check_update")).await?;
    let updates: serde_json::Value = serde_json::from_str(updates.as_str().unwrap())?;
    assert_eq!(updates[0]["name"], "xapi-core");
    assert_eq!(client.fails("host.call_plugin", ask("nonsense", "x")).await, ["XENAPI_MISSING_PLUGIN", "nonsense"]);
    assert_eq!(client.fails("host.call_plugin", ask("updater.py", "x")).await[0], "XENAPI_PLUGIN_FAILURE");
    Ok(())
}

#[tokio::test]
async fn tasks_are_limited_and_old_ones_are_collected() -> anyhow::Result<()> {
    let delays = Delays {
        operation: std::time::Duration::from_secs(60),
        garbage: std::time::Duration::from_millis(20),
        task_life: std::time::Duration::ZERO,
        ..Delays::default()
    };
    let client = Client::start(Options { delays, pending_tasks: 1, ..pool(Members::One) }).await?;
    let (vm, _) = client
        .sim
        .records("VM")
        .into_iter()
        .find(|(_, vm)| vm["power_state"] == "Halted" && vm["is_a_template"] == false)
        .unwrap();
    client.call("Async.VM.start", json!([vm, false, false])).await?;
    assert_eq!(client.fails("Async.VM.start", json!([vm, false, false])).await, ["TOO_MANY_PENDING_TASKS"]);
    // The two finished ones of the fleet go, the pending one stays.
    crate::client::until(|| client.sim.records("task").values().all(|t| t["status"] == "pending")).await;
    assert_eq!(client.sim.records("task").len(), 1);
    Ok(())
}
