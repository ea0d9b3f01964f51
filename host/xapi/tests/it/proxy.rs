//! Through an HTTP proxy: CONNECT for https, the whole address for http, and a password that nobody else gets to see.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use xapi::{Connection, Error, Target};
use xapi_sim::Options;

use crate::server::{Server, host, ok, timeouts};
use crate::simulator::{simulator, target};

/// A proxy that lets `me:hunter2` through to where they want, and notes what they said.
async fn proxy() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = heads.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, seen.clone()));
        }
    });
    (address, heads)
}

async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    seen.lock().push(head.clone());
    let allowed = head.to_lowercase().contains("proxy-authorization: basic bwu6ahvudgvymg==");
    let to = head.split(' ').nth(1).unwrap_or_default().to_owned();
    if !allowed || !head.starts_with("CONNECT ") {
        return stream.write_all(b"HTTP/1.1 407 no\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
    }
    let mut onward = TcpStream::connect(to).await?;
    stream.write_all(b"HTTP/1.1 200 fine\r\n\r\n").await?;
    copy_bidirectional(&mut stream, &mut onward).await.map(drop)
}

#[tokio::test]
async fn https_goes_through_a_tunnel() {
    let sim = simulator(Options { tls: true, ..Options::default() }).await;
    let (address, heads) = proxy().await;
    let through =
        |password: &str| Target { http_proxy: Some(format!("http://me:{password}@{address}")), ..target(&sim) };
    let connection = Connection::open(through("hunter2"), timeouts()).await.expect("a session");
    connection.call("VM.get_all", vec![]).await.expect("an answer");
    let expected = format!("CONNECT {} HTTP/1.1\r\n", sim.host());
    assert!(heads.lock().iter().all(|head| head.starts_with(&expected)), "{:?}", heads.lock());
    assert!(!heads.lock().is_empty());

    let error = Connection::open(through("secret-guess"), timeouts()).await.expect_err("refused by the proxy");
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert!(!format!("{error:?} {}", error.chain()).contains("secret-guess"), "{error:?}");
}

#[tokio::test]
async fn http_goes_with_its_whole_address() {
    let proxy = Server::start(host(|_| ok(json!("")))).await;
    let target = Target {
        host: "http://pool.invalid".to_owned(),
        http_proxy: Some(format!("me:hunter2@{}", proxy.address)),
        ..proxy.target()
    };
    Connection::open(target, timeouts()).await.expect("a session");
    for request in proxy.all() {
        assert_eq!(request.line, "POST http://pool.invalid/jsonrpc HTTP/1.1");
        assert!(
            request.head.to_lowercase().contains("proxy-authorization: basic bwu6ahvudgvymg=="),
            "{}",
            request.head
        );
    }
}
