//! RRD answers as clients of the real thing read them.

use base64::Engine;
use serde_json::{Value, json};
use xapi_sim::{Fleet, Members, Options, Release, Sim};

use crate::client::{Answer, Client, Connection};

async fn get(place: &str, path: &str, header: &str) -> anyhow::Result<Answer> {
    let mut connection = Connection::at(place).await?;
    connection.send(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n{header}Connection: close"), "").await?;
    connection.receive().await
}

fn pool(release: Release) -> Options {
    Options { release, ..Fleet { vms: 12, ..Fleet::small() }.options(0) }
}

#[tokio::test]
async fn each_host_answers_for_itself() -> anyhow::Result<()> {
    let client = Client::start(Options { members: Members::Ports, ..pool(Release::Latest) }).await?;
    let query = format!("cf=AVERAGE&host=true&interval=5&json=true&start=-600&session_id={}", client.session);
    for member in client.sim.members() {
        let answer = get(&member.url, &format!("/rrd_updates?{query}"), "").await?;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        let answer: Value = serde_json::from_str(&answer.body)?;
        assert_eq!((&answer["meta"]["step"], answer["data"].as_array().map(Vec::len)), (&json!("5"), Some(120)));
        let host = client.sim.record("host", &member.host).unwrap();
        let legend: Vec<&str> = answer["meta"]["legend"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let own = format!("AVERAGE:host:{}:", host["uuid"].as_str().unwrap());
        assert!(legend.iter().filter(|l| l.contains(":host:")).all(|l| l.starts_with(&own)));
        for source in
            ["cpu0", "cpu_avg", "memory_total_kib", "memory_free_kib", "pif_eth0_rx", "pif_aggr_tx", "loadavg"]
        {
            assert!(legend.contains(&format!("{own}{source}").as_str()), "{source}");
        }
        for vm in host["resident_VMs"].as_array().unwrap().iter().filter_map(Value::as_str) {
            let uuid = client.sim.record("VM", vm).unwrap()["uuid"].as_str().unwrap().to_owned();
            assert!(legend.contains(&format!("AVERAGE:vm:{uuid}:cpu_usage").as_str()));
        }
        let columns = legend.len().to_string();
        assert_eq!(answer["meta"]["columns"], columns.as_str());
        let row = &answer["data"][0]["values"];
        assert_eq!(row.as_array().map(Vec::len), Some(legend.len()));
        assert!(row[0].is_string());
    }
    Ok(())
}

#[tokio::test]
async fn a_vm_elsewhere_is_one_redirect_away() -> anyhow::Result<()> {
    let client = Client::start(Options { members: Members::Ports, ..pool(Release::Latest) }).await?;
    let members = client.sim.members();
    let slave = &members[1];
    let (_, vm) = client
        .sim
        .records("VM")
        .into_iter()
        .find(|(_, vm)| vm["resident_on"] == json!(slave.host) && vm["is_control_domain"] == false)
        .unwrap();
    let path = format!("/vm_rrd?uuid={}&session_id={}", vm["uuid"].as_str().unwrap(), client.session);
    let answer = get(&members[0].url, &path, "").await?;
    assert_eq!((answer.status, answer.header("location")), (302, Some(format!("{}{path}", slave.url).as_str())));
    let answer = get(&slave.url, &path, "").await?;
    assert_eq!(answer.status, 200);
    assert!(
        answer.body.contains("<rrd><version>0003</version><step>5</step>") && answer.body.ends_with("</rra></rrd>")
    );
    // One cf, four spans of 120, 120, 168 and 366 rows.
    assert_eq!(answer.body.matches("<rra>").count(), 4);
    assert_eq!(answer.body.matches("<row>").count(), 774);
    // What has stopped is the master's.
    let (_, halted) = client
        .sim
        .records("VM")
        .into_iter()
        .find(|(_, vm)| vm["power_state"] == "Halted" && vm["is_a_template"] == false)
        .unwrap();
    let path = format!("/vm_rrd?json=true&uuid={}&session_id={}", halted["uuid"].as_str().unwrap(), client.session);
    assert_eq!(
        get(&slave.url, &path, "").await?.header("location"),
        Some(format!("{}{path}", members[0].url).as_str())
    );
    let archive: Value = serde_json::from_str(&get(&members[0].url, &path, "").await?.body)?;
    assert_eq!((&archive["step"], archive["rra"][0]["database"].as_array().map(Vec::len)), (&json!("5"), Some(120)));
    Ok(())
}

#[tokio::test]
async fn old_hosts_write_their_own_json_and_keep_extremes() -> anyhow::Result<()> {
    let sim = Sim::start(pool(Release::V7_2)).await?;
    let basic =
        format!("Authorization: Basic {}\r\n", base64::engine::general_purpose::STANDARD.encode("root:password"));
    let answer = get(&sim.host(), "/rrd_updates?start=-30&json=true", &basic).await?;
    assert!(answer.body.starts_with("{meta: {start:"), "{}", &answer.body[..80]);
    assert!(answer.body.contains("MIN:vm:") && answer.body.contains("MAX:vm:"));
    let xml = get(&sim.host(), "/rrd_updates?start=-30", &basic).await?;
    assert_eq!(xml.header("content-type"), Some("text/xml"));
    assert!(xml.body.contains("<rows>6</rows>") || xml.body.contains("<rows>5</rows>"), "{}", &xml.body[..200]);
    Ok(())
}

#[tokio::test]
async fn a_cookie_will_do_and_so_will_name_and_password() -> anyhow::Result<()> {
    let client = Client::start(pool(Release::Latest)).await?;
    let path = "/host_rrd?json=1";
    assert_eq!(get(&client.sim.host(), path, "").await?.status, 401);
    let refused = get(&client.sim.host(), path, "Cookie: session_id=OpaqueRef:nobody\r\n").await?;
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Basic realm=\"get_host_rrd\"")));
    let cookie = format!("Cookie: a=b; session_id={}\r\n", client.session);
    assert_eq!(get(&client.sim.host(), path, &cookie).await?.status, 200);
    let sessions = client.sim.sessions();
    let basic = base64::engine::general_purpose::STANDARD.encode("root:password");
    assert_eq!(get(&client.sim.host(), path, &format!("Authorization: Basic {basic}\r\n")).await?.status, 200);
    assert_eq!(client.sim.sessions(), sessions);
    let wrong = base64::engine::general_purpose::STANDARD.encode("root:wrong");
    assert_eq!(get(&client.sim.host(), path, &format!("Authorization: Basic {wrong}\r\n")).await?.status, 401);
    Ok(())
}

#[tokio::test]
async fn handlers_misbehave_on_demand() -> anyhow::Result<()> {
    let client = Client::start(pool(Release::Latest)).await?;
    let path = format!("/rrd_updates?start=-30&session_id={}", client.session);
    let ask = || get_owned(client.sim.host(), path.clone());
    assert_eq!(get(&client.sim.host(), &format!("/rrd_updates?session_id={}", client.session), "").await?.status, 400);
    client.sim.http_error("/rrd_updates", 503, 1);
    assert_eq!(ask().await?.status, 503);
    client.sim.redirect("/rrd_updates", "https://192.0.2.1/x", 1);
    let answer = ask().await?;
    assert_eq!((answer.status, answer.header("location")), (302, Some("https://192.0.2.1/x")));
    client.sim.half_answer("/rrd_updates", 1);
    assert!(ask().await.unwrap_err().to_string().contains("cut"));
    assert_eq!(ask().await?.status, 200);
    assert_eq!(client.sim.calls_of("/rrd_updates"), 5);
    Ok(())
}

async fn get_owned(place: String, path: String) -> anyhow::Result<Answer> {
    get(&place, &path, "").await
}

#[tokio::test]
async fn sources_are_listed_and_read_by_calls() -> anyhow::Result<()> {
    let client = Client::start(pool(Release::Latest)).await?;
    let host = client.sim.records("host").into_keys().next().unwrap();
    let sources = client.call("host.get_data_sources", json!([host])).await?;
    let total = sources.as_array().unwrap().iter().find(|s| s["name_label"] == "memory_total_kib").unwrap();
    assert_eq!(
        (&total["units"], &total["enabled"], &total["value"]),
        (&json!("KiB"), &json!(true), &json!(268435456.0))
    );
    let read = client.call("host.query_data_source", json!([host, "memory_total_kib"])).await?;
    assert_eq!(read, json!(268435456.0));
    let (vm, _) = client.sim.records("VM").into_iter().find(|(_, vm)| vm["power_state"] == "Running").unwrap();
    let share = client.call("VM.query_data_source", json!([vm, "cpu_usage"])).await?.as_f64().unwrap();
    assert!((0.0..=1.0).contains(&share));
    assert_eq!(client.fails("host.query_data_source", json!([host, "nonsense"])).await[0], "INTERNAL_ERROR");
    Ok(())
}
