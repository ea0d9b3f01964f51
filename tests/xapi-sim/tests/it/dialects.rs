//! Both dialects, byte by byte where clients depend on the byte.

use serde_json::{Value, json};
use xapi_sim::{Options, Sim};

use crate::client::{Client, Connection};

fn xml(method: &str, params: &[&str]) -> String {
    let params: String = params.iter().map(|p| format!("<param><value><string>{p}</string></value></param>")).collect();
    format!(
        "<?xml version=\"1.0\"?><methodCall><methodName>{method}</methodName><params>{params}</params></methodCall>"
    )
}

fn success(value: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><methodResponse><params><param><value><struct><member><name>Status</name><value>Success</value></member>\
         <member><name>Value</name>{value}</member></struct></value></param></params></methodResponse>"
    )
}

#[tokio::test]
async fn xml_answers_are_exact_and_keep_the_connection() -> anyhow::Result<()> {
    let client = Client::start(Options::default()).await?;
    let session = client.session.as_str();
    let mut connection = Connection::plain(&client.sim).await?;
    let master = client.sim.records("host").keys().next().cloned().unwrap_or_default();
    let vm = client.vm("silver");
    // The same connection for all: keep-alive works. All three paths are the same handler.
    for (path, method, params, value) in [
        ("/", "session.get_this_host", vec![session, session], format!("<value>{master}</value>")),
        ("/RPC2", "VM.get_VCPUs_max", vec![session, &vm], "<value>2</value>".to_owned()),
        ("/xmlrpc", "VM.get_is_a_template", vec![session, &vm], "<value><boolean>0</boolean></value>".to_owned()),
        ("/x", "VM.get_HVM_shadow_multiplier", vec![session, &vm], "<value><double>1</double></value>".to_owned()),
        (
            "/",
            "VM.get_snapshot_time",
            vec![session, &vm],
            "<value><dateTime.iso8601>19700101T00:00:00Z</dateTime.iso8601></value>".to_owned(),
        ),
        ("/", "VM.get_tags", vec![session, &vm], "<value><array><data></data></array></value>".to_owned()),
        ("/", "VM.set_name_description", vec![session, &vm, "a &lt; b"], "<value></value>".to_owned()),
        ("/", "VM.get_name_description", vec![session, &vm], "<value>a &lt; b</value>".to_owned()),
    ] {
        let answer = connection.post(path, &xml(method, &params)).await?;
        assert_eq!(answer.body, success(&value), "{method}");
        let length = answer.body.len().to_string();
        let expected = [
            ("content-length", length.as_str()),
            ("connection", "keep-alive"),
            ("cache-control", "no-cache, no-store"),
            ("content-type", "text/xml"),
            ("access-control-allow-origin", "*"),
            ("access-control-allow-headers", "X-Requested-With"),
        ];
        let seen: Vec<_> = answer.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(seen, expected);
    }
    let failed = connection.post("/", &xml("VM.get_uuid", &[session, "OpaqueRef:no"])).await?;
    assert!(failed.body.contains("<name>Status</name><value>Failure</value>"), "{}", failed.body);
    assert!(
        failed.body.contains("<value>HANDLE_INVALID</value><value>VM</value><value>OpaqueRef:no</value>"),
        "{}",
        failed.body
    );
    Ok(())
}

#[tokio::test]
async fn list_methods_is_unwrapped_in_xml_and_plain_in_json() -> anyhow::Result<()> {
    let sim = Sim::start(Options::default()).await?;
    let mut connection = Connection::plain(&sim).await?;
    let answer = connection.post("/", &xml("system.listMethods", &[])).await?;
    assert!(
        answer.body.starts_with("<?xml version=\"1.0\"?><methodResponse><params><param><value><array><data><value>"),
        "{}",
        &answer.body[..200]
    );
    assert!(answer.body.contains("<value>VM.start</value>") && !answer.body.contains("Async."));
    let answer =
        connection.post("/jsonrpc", r#"{"jsonrpc":"2.0","method":"system.listMethods","params":[],"id":0}"#).await?;
    let methods: Value = serde_json::from_str(&answer.body)?;
    let methods: Vec<&str> = methods["result"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert!(methods.len() > 2000 && methods.contains(&"event.from"), "{}", methods.len());
    Ok(())
}

#[tokio::test]
async fn json_has_both_versions() -> anyhow::Result<()> {
    let client = Client::start(Options::default()).await?;
    let mut connection = Connection::plain(&client.sim).await?;
    let (session, vm) = (&client.session, client.vm("silver"));
    for (request, expected) in [
        (
            json!({"method": "VM.get_VCPUs_max", "params": [session, vm], "id": 7}),
            json!({"result": 2, "error": null, "id": 7}),
        ),
        (
            json!({"method": "VM.get_uuid", "params": [session, "x"], "id": "a"}),
            json!({"result": null, "error": ["HANDLE_INVALID", "VM", "x"], "id": "a"}),
        ),
        (
            json!({"jsonrpc": "2.0", "method": "VM.get_VCPUs_max", "params": [session, vm], "id": 0}),
            json!({"jsonrpc": "2.0", "result": 2, "id": 0}),
        ),
        (
            json!({"jsonrpc": "2.0", "method": "VM.get_uuid", "params": [session, "x"], "id": 0}),
            json!({"jsonrpc": "2.0", "error": {"code": 1, "message": "HANDLE_INVALID", "data": ["VM", "x"]}, "id": 0}),
        ),
        (
            json!({"jsonrpc": "2.0", "method": "VM.set_name_description", "params": [session, vm, "d"], "id": 0}),
            json!({"jsonrpc": "2.0", "result": "", "id": 0}),
        ),
    ] {
        let answer = connection.post("/jsonrpc", &request.to_string()).await?;
        assert_eq!(serde_json::from_str::<Value>(&answer.body)?, expected);
        assert!(answer.headers.contains(&("content-type".to_owned(), "application/json".to_owned())));
    }
    let refused = connection.post("/jsonrpc", r#"{"method":"VM.get_all","params":[]}"#).await?;
    assert_eq!(refused.status, 500);
    Ok(())
}

#[tokio::test]
async fn an_old_host_answers_json_with_xml() -> anyhow::Result<()> {
    let sim = Sim::start(Options { json_rpc: false, ..Options::default() }).await?;
    let mut connection = Connection::plain(&sim).await?;
    for body in [&xml("system.listMethods", &[]), r#"{"jsonrpc":"2.0","method":"x","params":[],"id":0}"#] {
        let answer = connection.post("/jsonrpc", body).await?;
        assert_eq!(answer.status, 200);
        assert!(answer.headers.contains(&("content-type".to_owned(), "text/xml".to_owned())));
    }
    Ok(())
}

#[tokio::test]
async fn limits_are_those_of_a_host() -> anyhow::Result<()> {
    let sim = Sim::start(Options::default()).await?;
    let list = xml("system.listMethods", &[]);
    let long = "x".repeat(1100);
    for (head, body, status) in [
        (format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nCookie: {long}", list.len()), list.as_str(), 431),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 307201".to_owned(), &"y".repeat(307_201), 500),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked".to_owned(), "0\r\n\r\n", 500),
        ("DELETE / HTTP/1.1\r\nHost: x".to_owned(), "", 501),
        ("PUT /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 0".to_owned(), "", 403),
        ("GET / HTTP/1.1\r\nHost: x".to_owned(), "", 200),
    ] {
        let mut connection = Connection::plain(&sim).await?;
        // The server may answer and close before it has read all of a body that is too large.
        let _ = connection.send(&head, body).await;
        let answer = connection.receive().await?;
        assert_eq!(answer.status, status, "{}", head.lines().next().unwrap_or_default());
        assert!(answer.headers.contains(&("connection".to_owned(), "close".to_owned())));
        assert!(connection.is_closed().await);
    }
    // Only the first head of a connection is limited.
    let mut connection = Connection::plain(&sim).await?;
    assert_eq!(connection.post("/", &list).await?.status, 200);
    let head = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nCookie: {long}", list.len());
    connection.send(&head, &list).await?;
    assert_eq!(connection.receive().await?.status, 200);
    // HTTP/1.0 closes unless asked otherwise.
    let mut connection = Connection::plain(&sim).await?;
    connection.send(&format!("POST / HTTP/1.0\r\nContent-Length: {}", list.len()), &list).await?;
    assert!(connection.receive().await?.headers.contains(&("connection".to_owned(), "close".to_owned())));
    Ok(())
}

#[tokio::test]
async fn tls_shows_the_certificate_it_says_and_keeps_it() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let options = || Options { tls: true, certificate_folder: Some(folder.path().to_owned()), ..Options::default() };
    let sim = Sim::start(options()).await?;
    let (mut connection, seen) = Connection::tls(&sim).await?;
    assert_eq!(Some(&seen), sim.fingerprint().as_ref());
    assert!(sim.url().starts_with("https://127.0.0.1:"));
    assert_eq!(connection.post("/", &xml("system.listMethods", &[])).await?.status, 200);

    let again = Sim::start(options()).await?;
    assert_eq!(again.fingerprint(), Some(seen.clone()));

    let swapped = sim.swap_certificate();
    assert_ne!(swapped, Some(seen));
    assert_eq!(Some(Connection::tls(&sim).await?.1), swapped);
    // The old connection goes on.
    assert_eq!(connection.post("/", &xml("system.listMethods", &[])).await?.status, 200);
    Ok(())
}
