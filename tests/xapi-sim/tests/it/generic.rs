//! The messages every class has, the errors of dispatch, and sessions.

use serde_json::json;
use xapi_sim::{Options, Sim};

use crate::client::{Client, raw};

#[tokio::test]
async fn fields_are_read_and_written() -> anyhow::Result<()> {
    let client = Client::start(Options { dump: "pool2".into(), ..Options::default() }).await?;
    let vm = client.vm("Demo Linux VM (1)");
    let record = client.call("VM.get_record", json!([vm])).await?;
    assert_eq!(record, client.sim.record("VM", &vm).unwrap());
    assert_eq!(client.call("VM.get_all_records", json!([])).await?, json!(client.sim.records("VM")));
    assert_eq!(client.call("VM.get_by_uuid", json!([record["uuid"]])).await?, json!(vm));
    assert_eq!(client.call("VM.get_by_name_label", json!(["Demo Linux VM (1)"])).await?, json!([vm]));
    assert_eq!(client.call("VM.get_by_name_label", json!(["nobody"])).await?, json!([]));
    let halted =
        r#"(field "power_state"="Halted") and ((field "is_a_template"="false") and (field "is_a_snapshot"="false"))"#;
    let found = client.call("VM.get_all_records_where", json!([halted])).await?;
    assert_eq!(found.as_object().unwrap().keys().collect::<Vec<_>>(), [&vm]);

    // A map edit as xo does it: remove, then add.
    for _ in 0..2 {
        client.call("VM.remove_from_other_config", json!([vm, "k"])).await?;
        client.call("VM.add_to_other_config", json!([vm, "k", "v"])).await?;
    }
    assert_eq!(client.sim.record("VM", &vm).unwrap()["other_config"]["k"], "v");
    assert_eq!(
        client.fails("VM.add_to_other_config", json!([vm, "k", "w"])).await,
        ["MAP_DUPLICATE_KEY", "VM", "other_config", &vm, "k"]
    );
    client.call("VM.add_tags", json!([vm, "a"])).await?;
    client.call("VM.add_tags", json!([vm, "a"])).await?;
    assert_eq!(client.call("VM.get_tags", json!([vm])).await?, json!(["a"]));
    client.call("VM.remove_tags", json!([vm, "a"])).await?;
    client.call("VM.remove_tags", json!([vm, "a"])).await?;
    assert_eq!(client.call("VM_get_tags", json!([vm])).await?, json!([]));
    client.call("pool.set_name_label", json!([client.sim.records("pool").keys().next(), "p"])).await?;
    // Ints come as strings from XML clients.
    client.call("VM.set_start_delay", json!([vm, "12"])).await?;
    assert_eq!(client.call("VM.get_start_delay", json!([vm])).await?, json!(12));
    Ok(())
}

#[tokio::test]
async fn every_class_answers_get_all_records() -> anyhow::Result<()> {
    let client = Client::start(Options { dump: "snapshots".into(), ..Options::default() }).await?;
    let methods = raw(&client.sim, "system.listMethods", json!([])).await?;
    let all: Vec<&str> = methods
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|m| m.as_str())
        .filter(|m| m.ends_with(".get_all_records"))
        .collect();
    assert!(all.len() > 55);
    for method in all {
        let class = method.split('.').next().unwrap();
        let records = client.call(method, json!([])).await?;
        if class != "task" {
            assert_eq!(records, json!(client.sim.records(class)), "{method}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn dispatch_has_the_errors_of_xapi() -> anyhow::Result<()> {
    let client = Client::start(Options::default()).await?;
    let vm = client.vm("silver");
    for (method, params, error) in [
        ("VM.dance", json!([]), vec!["MESSAGE_METHOD_UNKNOWN", "VM.dance"]),
        ("dance", json!([]), vec!["MESSAGE_METHOD_UNKNOWN", "dance"]),
        ("VM.start", json!([vm, true]), vec!["MESSAGE_PARAMETER_COUNT_MISMATCH", "VM.start", "3", "2"]),
        ("VM.get_uuid", json!(["OpaqueRef:no"]), vec!["HANDLE_INVALID", "VM", "OpaqueRef:no"]),
        ("VM.set_name_label", json!(["OpaqueRef:no", "x"]), vec!["HANDLE_INVALID", "VM", "OpaqueRef:no"]),
        ("VM.get_by_uuid", json!(["no"]), vec!["UUID_INVALID", "VM", "no"]),
        ("VM.set_VCPUs_max", json!([vm, "x"]), vec!["FIELD_TYPE_ERROR", "value"]),
        ("VMPP.protect_now", json!(["x"]), vec!["MESSAGE_REMOVED"]),
        ("Async.VM.get_uuid", json!([vm]), vec!["Fault", "No async mode for this operation"]),
        ("pool.rotate_secret", json!([]), vec!["NOT_IMPLEMENTED", "pool.rotate_secret"]),
    ] {
        assert_eq!(client.fails(method, params).await, error, "{method}");
    }
    for (method, params) in [("VM.get_all", json!(["x"])), ("no.such", json!(["x"]))] {
        assert_eq!(raw(&client.sim, method, params).await.unwrap_err().to_string(), "SESSION_INVALID x");
    }
    assert_eq!(raw(&client.sim, "no.such", json!([])).await.unwrap_err().to_string(), "MESSAGE_METHOD_UNKNOWN no.such");
    assert_eq!(raw(&client.sim, "system.isAlive:x", json!(["echo"])).await?, "echo");
    Ok(())
}

#[tokio::test]
async fn sessions_begin_and_end() -> anyhow::Result<()> {
    let sim = Sim::start(Options::default()).await?;
    let wrong = raw(&sim, "session.login_with_password", json!(["root", "wrong"])).await.unwrap_err().to_string();
    assert!(wrong.starts_with("SESSION_AUTHENTICATION_FAILED root"), "{wrong}");
    let client = Client::login(sim.clone()).await?;
    assert_eq!(client.call("session.get_originator", json!([client.session])).await?, "test");
    let host = client.call("session.get_this_host", json!([client.session])).await?;
    assert!(sim.record("host", host.as_str().unwrap()).is_some());
    assert_eq!(sim.sessions(), 1);
    client.call("session.change_password", json!(["password", "new"])).await?;
    assert!(Client::login(sim.clone()).await.is_err());
    raw(&sim, "session.login_with_password", json!(["root", "new"])).await?;
    assert_eq!(sim.sessions(), 2);
    client.call("session.logout", json!([])).await?;
    assert_eq!(sim.sessions(), 1);
    Ok(())
}

#[tokio::test]
async fn the_same_seed_gives_the_same_references() -> anyhow::Result<()> {
    let mut seen = Vec::new();
    for seed in [5, 5, 6] {
        let client = Client::start(Options { seed, ..Options::default() }).await?;
        let vm = client.sim.insert("VM", json!({"name_label": "x"}))?;
        seen.push((client.session.clone(), vm.clone(), client.sim.record("VM", &vm).unwrap()["uuid"].clone()));
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0], seen[2]);
    Ok(())
}
