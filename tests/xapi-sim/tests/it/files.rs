//! The smaller handlers, and consoles.

use anyhow::Context;
use futures::{SinkExt, StreamExt};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};
use xapi_sim::Fleet;

use crate::client::{Client, Connection, until};

async fn start() -> anyhow::Result<Client> {
    Client::start(Fleet { vms: 4, ..Fleet::small() }.options(0)).await
}

async fn get(client: &Client, path: &str) -> anyhow::Result<crate::client::Answer> {
    let sign = if path.contains('?') { '&' } else { '?' };
    Connection::plain(&client.sim).await?.get(&format!("{path}{sign}session_id={}", client.session)).await
}

#[tokio::test]
async fn the_database_is_a_file() -> anyhow::Result<()> {
    let client = start().await?;
    let vm = client.sim.find("VM", "web-01-00000").unwrap();
    client.call("VM.set_name_label", json!([vm, "a 100% <new> name"])).await?;
    let answer = get(&client, "/pool/xmldbdump").await?;
    assert!(answer.body.starts_with("<database><manifest><pair key=\"schema_major_vsn\" value=\"5\"/>"));
    assert!(
        answer.body.contains(" name__label=\"a%.100%%%.&lt;new&gt;%.name\"")
            && answer.body.ends_with("</table></database>")
    );
    assert!(answer.body.matches("<row ref=\"OpaqueRef:").count() > 200);
    assert!(
        answer.body.contains(&format!("<row ref=\"{vm}\" __ctime=\""))
            && !answer.body.contains("table name=\"session\"")
    );
    Ok(())
}

#[tokio::test]
async fn reports_updates_blobs_and_patches() -> anyhow::Result<()> {
    let client = start().await?;
    let report = get(&client, "/system-status?output=tar&entries=a,b").await?;
    assert!(
        report.body.contains("bug-report/b.txt")
            && report.header("content-disposition").is_some_and(|d| d.contains("bug-report-host"))
    );

    assert_eq!(get(&client, "/updates").await?.status, 404);
    client.sim.insert("Repository", json!({"name_label": "base"}))?;
    let updates: serde_json::Value = serde_json::from_str(&get(&client, "/updates").await?.body)?;
    assert_eq!(updates["hosts"].as_array().map(Vec::len), Some(3));
    assert_eq!(get(&client, "/updates?host_refs=OpaqueRef:no").await?.status, 400);

    let blob = client.sim.insert("blob", json!({"name_label": "b", "public": true}))?;
    let mut upload = Connection::plain(&client.sim).await?;
    let head = format!("PUT /blob?ref={blob}&session_id={} HTTP/1.1\r\nHost: x\r\nContent-Length: 5", client.session);
    upload.send(&head, "hello").await?;
    assert_eq!(upload.receive().await?.status, 200);
    let read = Connection::plain(&client.sim).await?.get(&format!("/blob?ref={blob}")).await?;
    assert_eq!((read.status, read.body.as_str()), (200, "hello"));
    client.sim.set("blob", &blob, "public", json!(false))?;
    assert_eq!(Connection::plain(&client.sim).await?.get(&format!("/blob?ref={blob}")).await?.status, 401);
    assert_eq!(get(&client, "/blob?ref=OpaqueRef:no").await?.status, 404);

    for (times, status) in [(0, "success"), (1, "failure")] {
        let task = client.call("task.create", json!(["patch", times.to_string()])).await?;
        let task = task.as_str().unwrap_or_default();
        let mut upload = Connection::plain(&client.sim).await?;
        let head = format!(
            "PUT /pool_patch_upload?task_id={task}&session_id={} HTTP/1.1\r\nHost: x\r\nContent-Length: 5",
            client.session
        );
        upload.send(&head, "patch").await?;
        upload.receive().await?;
        until(|| client.sim.record("task", task).unwrap()["status"] != "pending").await;
        let task = client.sim.record("task", task).unwrap();
        assert_eq!(task["status"], status);
        if status == "success" {
            // Without tags, unlike everything else.
            assert!(task["result"].as_str().is_some_and(|r| r.starts_with("OpaqueRef:")));
        }
    }
    Ok(())
}

/// The first console of this protocol and the name of its VM.
fn console(client: &Client, protocol: &str) -> anyhow::Result<(String, String)> {
    let all = client.sim.records("console");
    let (reference, found) = all.iter().find(|(_, c)| c["protocol"] == protocol).context("no such console")?;
    let vm = client.sim.record("VM", found["VM"].as_str().unwrap_or_default()).context("its VM has gone")?;
    Ok((reference.clone(), vm["name_label"].as_str().unwrap_or_default().to_owned()))
}

#[tokio::test]
async fn a_terminal_echoes_through_a_tunnel() -> anyhow::Result<()> {
    let client = start().await?;
    let (reference, name) = console(&client, "vt100")?;
    let mut stream = tokio::net::TcpStream::connect(client.sim.host()).await?;
    let head = format!(
        "CONNECT /console?ref={reference} HTTP/1.0\r\nHost: x\r\nCookie: session_id={}\r\n\r\n",
        client.session
    );
    stream.write_all(head.as_bytes()).await?;
    let mut seen = Vec::new();
    while !seen.ends_with(b"login: ") {
        seen.push(stream.read_u8().await?);
    }
    let seen = String::from_utf8(seen)?;
    assert!(seen.contains(" 200 ") && seen.ends_with(&format!("\r\n\r\n{name} login: ")), "{seen}");
    stream.write_all(b"root\n").await?;
    let mut echo = [0; 5];
    stream.read_exact(&mut echo).await?;
    assert_eq!(&echo, b"root\n");
    for (path, status) in [("/console?ref=OpaqueRef:no", "404"), ("/console?x=y", "404")] {
        let mut stream = tokio::net::TcpStream::connect(client.sim.host()).await?;
        stream.write_all(format!("CONNECT {path}&session_id={} HTTP/1.0\r\n\r\n", client.session).as_bytes()).await?;
        let mut line = [0; 12];
        stream.read_exact(&mut line).await?;
        assert!(line.ends_with(status.as_bytes()));
    }
    Ok(())
}

#[tokio::test]
async fn a_screen_is_painted_through_a_web_socket() -> anyhow::Result<()> {
    let client = start().await?;
    let (reference, name) = console(&client, "rfb")?;
    let mut request = format!("ws://{}/console?ref={reference}&session_id={}", client.sim.host(), client.session)
        .into_client_request()?;
    request.headers_mut().insert("sec-websocket-protocol", "binary".parse()?);
    let (mut socket, answer) = tokio_tungstenite::connect_async(request).await?;
    assert_eq!(answer.headers()["sec-websocket-protocol"], "binary");
    let mut seen = Vec::new();
    let mut read =
        async |socket: &mut tokio_tungstenite::WebSocketStream<_>, length: usize| -> anyhow::Result<Vec<u8>> {
            while seen.len() < length {
                match socket.next().await {
                    Some(Ok(Message::Binary(data))) => seen.extend_from_slice(&data),
                    other => anyhow::bail!("{other:?}"),
                }
            }
            let rest = seen.split_off(length);
            Ok(std::mem::replace(&mut seen, rest))
        };
    assert_eq!(read(&mut socket, 12).await?, b"RFB 003.003\n");
    socket.send(Message::binary(b"RFB 003.003\n".to_vec())).await?;
    assert_eq!(read(&mut socket, 4).await?, [0, 0, 0, 1]);
    socket.send(Message::binary(vec![1])).await?;
    let hello = read(&mut socket, 24 + name.len()).await?;
    assert_eq!((&hello[..4], &hello[24..]), (&[2, 128, 1, 224][..], name.as_bytes()));
    let ask = |incremental: u8| Message::binary(vec![3, incremental, 0, 0, 0, 0, 2, 128, 1, 224]);
    socket.send(ask(0)).await?;
    let size = 16 + 640 * 480 * 4;
    let first = read(&mut socket, size).await?;
    // Nothing new, until a key is pressed.
    socket.send(ask(1)).await?;
    socket.send(Message::binary(vec![4, 1, 0, 0, 0, 0, 0, 65])).await?;
    let second = read(&mut socket, size).await?;
    assert!(first[..16] == second[..16] && first[16..] != second[16..]);
    Ok(())
}
