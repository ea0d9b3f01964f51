//! The control endpoint, and the program that prints where it is.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use xapi_sim::Options;

use crate::client::Client;

async fn ask(control: &str, method: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
    let mut stream = TcpStream::connect(control.replace("http://", "")).await?;
    let body = body.to_string();
    let request = format!(
        "{method} /{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap_or_default())?)
}

#[tokio::test]
async fn faults_and_records_are_reached_from_outside() -> anyhow::Result<()> {
    let client = Client::start(Options { control: Some("127.0.0.1:0".parse()?), ..Options::default() }).await?;
    let control = client.sim.control_url().unwrap();
    let vm = client.vm("silver");
    let fail = json!({"method": "VM.pause", "code": "TOO_BUSY", "params": ["x"]});
    assert_eq!(ask(&control, "POST", "fail", &fail).await?, json!({"ok": null}));
    assert_eq!(client.fails("VM.pause", json!([vm])).await, ["TOO_BUSY", "x"]);
    assert_eq!(ask(&control, "GET", "calls", &json!({})).await?["ok"]["VM.pause"], 1);
    let set = json!({"class": "VM", "ref": vm, "field": "name_label", "value": "new"});
    ask(&control, "POST", "set", &set).await?;
    assert_eq!(ask(&control, "GET", "records/VM", &json!({})).await?["ok"][&vm]["name_label"], "new");
    let made = ask(&control, "POST", "insert", &json!({"class": "network", "record": {"name_label": "n"}})).await?;
    let removed = ask(&control, "POST", "remove", &json!({"class": "network", "ref": made["ok"]})).await?;
    assert_eq!(removed, json!({"ok": true}));
    ask(&control, "POST", "kill-sessions", &json!({})).await?;
    assert_eq!(client.fails("VM.get_all", json!([])).await[0], "SESSION_INVALID");
    ask(&control, "POST", "pause", &json!({})).await?;
    assert!(TcpStream::connect(client.sim.host()).await.is_err());
    ask(&control, "POST", "resume", &json!({})).await?;
    assert!(TcpStream::connect(client.sim.host()).await.is_ok());
    for (path, body) in [
        ("dance", json!({})),
        ("hang", json!({})),
        ("set", json!({"class": "VM", "ref": vm, "field": "no", "value": 1})),
    ] {
        assert!(ask(&control, "POST", path, &body).await?["error"].is_string(), "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn the_program_says_where_it_is_and_stops_when_told() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut child = Command::new(env!("CARGO_BIN_EXE_xapi-sim"))
        .args([
            "--dump",
            "pool2",
            "--listen",
            "127.0.0.1:0",
            "--tls",
            "--user",
            "admin",
            "--password",
            "pw",
            "--certificate-folder",
        ])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line)?;
    let said: Value = serde_json::from_str(&line)?;
    assert!(said["url"].as_str().is_some_and(|u| u.starts_with("https://127.0.0.1:")), "{said}");
    assert_eq!(said["fingerprint"].as_str().map(str::len), Some(95));
    assert!(folder.path().join("certificate.pem").exists());
    let pools = ask(said["control"].as_str().unwrap_or_default(), "GET", "records/pool", &json!({})).await?;
    assert_eq!(pools["ok"].as_object().map(serde_json::Map::len), Some(1));
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
    assert!(tokio::task::spawn_blocking(move || child.wait()).await??.success());
    Ok(())
}
