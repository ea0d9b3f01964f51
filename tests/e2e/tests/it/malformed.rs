//! Everything wrong that can be sent: each gets its defined answer, and the daemon goes on.

use anyhow::{Context, Result, bail, ensure};
use e2e::{compiled, plugin_view};
use rig::tungstenite::protocol::frame::Frame;
use rig::tungstenite::protocol::frame::coding::{Data, OpCode};
use rig::tungstenite::{Bytes, Message};
use rig::{Auth, Client, ConnectError, Rig};
use serde_json::{Value, json};

/// Text frames: what is sent, the id that comes back, the code.
const FRAMES: &[(&str, &str, i64)] = &[
    ("", "null", -32700),
    ("{", "null", -32700),
    ("nonsense", "null", -32700),
    (r#"{"jsonrpc":"2.0","id":1,"method":"vm.start""#, "null", -32700),
    (r#"{"jsonrpc":"2.0","id":1,"method":"a\u{}"}"#, "null", -32700),
    ("null", "null", -32600),
    ("1", "null", -32600),
    (r#""vm.start""#, "null", -32600),
    ("[]", "null", -32600),
    ("{}", "null", -32600),
    (r#"{"id":1001,"method":"session.getUser"}"#, "1001", -32600),
    (r#"{"jsonrpc":"1.0","id":1002,"method":"session.getUser"}"#, "1002", -32600),
    (r#"{"jsonrpc":"2.0","id":1003}"#, "1003", -32600),
    (r#"{"jsonrpc":"2.0","id":1004,"method":7}"#, "1004", -32600),
    (r#"{"jsonrpc":"2.0","id":{},"method":"session.getUser"}"#, "null", -32600),
    (r#"{"jsonrpc":"2.0","id":[1],"method":"session.getUser"}"#, "null", -32600),
    (r#"{"jsonrpc":"2.0","id":true,"method":"session.getUser"}"#, "null", -32600),
    (r#"{"jsonrpc":"2.0","id":1005,"method":"vm.fly","params":{}}"#, "1005", -32601),
    (r#"{"jsonrpc":"2.0","id":1006,"method":""}"#, "1006", -32601),
    (r#"{"jsonrpc":"2.0","id":1007,"method":"VM.START"}"#, "1007", -32601),
    (r#"{"jsonrpc":"2.0","id":1008,"method":"vm.list"}"#, "1008", -32601),
    (r#"{"jsonrpc":"2.0","id":"text","method":"vm.start"}"#, r#""text""#, 10),
    (r#"{"jsonrpc":"2.0","id":-9007199254740991,"method":"vm.start"}"#, "-9007199254740991", 10),
    (r#"{"jsonrpc":"2.0","id":1.5,"method":"vm.start"}"#, "1.5", 10),
    (r#"{"jsonrpc":"2.0","id":1010,"method":"vm.start","params":["an-id"]}"#, "1010", 10),
    (r#"{"jsonrpc":"2.0","id":1011,"method":"vm.start","params":"an-id"}"#, "1011", 10),
    (r#"{"jsonrpc":"2.0","id":1012,"method":"vm.start","params":null}"#, "1012", 10),
    (r#"{"jsonrpc":"2.0","id":1013,"method":"vm.start","params":{"id":7}}"#, "1013", 10),
    (r#"{"jsonrpc":"2.0","id":1014,"method":"vm.start","params":{"id":""}}"#, "1014", 10),
    (r#"{"jsonrpc":"2.0","id":1015,"method":"vm.start","params":{"id":"a","fast":true}}"#, "1015", 10),
    (r#"{"jsonrpc":"2.0","id":1016,"method":"vm.start","params":{"id":"a","id?":"b"}}"#, "1016", 10),
    (r#"{"jsonrpc":"2.0","id":1017,"method":"vm.start","params":{"id":"a","fast?":true}}"#, "1017", 1),
    (r#"{"jsonrpc":"2.0","id":1018,"method":"vm.start","params":{"vm":"a"}}"#, "1018", 1),
    (r#"{"jsonrpc":"2.0","id":1019,"method":"vm.start","params":{"id":"a\u0000b"}}"#, "1019", 1),
    (r#"{"jsonrpc":"2.0","id":1020,"method":"xo.getAllObjects","params":{"filter":7}}"#, "1020", 10),
    (r#"{"jsonrpc":"2.0","id":1019,"method":"xo.getAllObjects","params":{"filter":"a:>b"}}"#, "1019", 10),
    (r#"{"jsonrpc":"2.0","id":1021,"method":"xo.getAllObjects","params":{"limit":"7"}}"#, "1021", 10),
    (r#"{"jsonrpc":"2.0","id":1022,"method":"server.add","params":{"host":"a"}}"#, "1022", 10),
    (
        r#"{"jsonrpc":"2.0","id":1023,"method":"server.add","params":{"host":"a b","username":"u","password":"p"}}"#,
        "1023",
        10,
    ),
    (
        r#"{"jsonrpc":"2.0","id":1024,"method":"user.create","params":{"email":"a","password":"p","permission":"god"}}"#,
        "1024",
        10,
    ),
    (r#"{"jsonrpc":"2.0","id":1025,"method":"token.create","params":{"expiresIn":"soon"}}"#, "1025", 10),
    (r#"{"jsonrpc":"2.0","id":1026,"method":"token.create","params":{"expiresIn":1e300}}"#, "1026", 10),
    (r#"{"jsonrpc":"2.0","id":1027,"method":"session.signIn","params":{"token":"no such token"}}"#, "1027", 3),
    (
        r#"{"jsonrpc":"2.0","id":1028,"method":"session.signIn","params":{"username":["admin"],"password":{}}}"#,
        "1028",
        3,
    ),
    (r#"{"jsonrpc":"2.0","id":1029,"method":"plugin.get","id":1030,"params":{"a":1}}"#, "1030", 0),
];

/// Requests over HTTP: what for, the bytes ("HOST" is replaced), the status.
const REQUESTS: &[(&str, &str, u16)] = &[
    ("a path that is not there", "GET /rest/v0/nothing HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n", 404),
    ("below api", "GET /api/nothing HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n", 404),
    ("the socket without an upgrade", "GET /api/ HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n", 400),
    ("a method that is not there", "DELETE /rest/v0/vms HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n", 405),
    ("nobody", "GET /rest/v0/vms HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n", 401),
    (
        "a wrong cookie",
        "GET /rest/v0/vms HTTP/1.1\r\nHost: HOST\r\nCookie: token=wrong\r\nConnection: close\r\n\r\n",
        401,
    ),
    (
        "a cookie of garbage",
        "GET /rest/v0/vms HTTP/1.1\r\nHost: HOST\r\nCookie: ;;=;token=\x01;\r\nConnection: close\r\n\r\n",
        400,
    ),
    (
        "a wrong password",
        "GET /rest/v0/vms HTTP/1.1\r\nHost: HOST\r\nAuthorization: Basic bm9ib2R5OnB3\r\nConnection: close\r\n\r\n",
        401,
    ),
    (
        "Basic that is no base64",
        "GET /rest/v0/vms HTTP/1.1\r\nHost: HOST\r\nAuthorization: Basic ???\r\nConnection: close\r\n\r\n",
        400,
    ),
    (
        "Basic without a colon",
        "GET /rest/v0/vms HTTP/1.1\r\nHost: HOST\r\nAuthorization: Basic YWRtaW4=\r\nConnection: close\r\n\r\n",
        400,
    ),
    (
        "another scheme",
        "GET /rest/v0/vms HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer abc\r\nConnection: close\r\n\r\n",
        400,
    ),
    (
        "a login that is not JSON",
        "POST /rest/v0/auth/login HTTP/1.1\r\nHost: HOST\r\nContent-Length: 1\r\nConnection: close\r\n\r\n{",
        400,
    ),
    (
        "a login that is a list",
        "POST /rest/v0/auth/login HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]",
        422,
    ),
    (
        "a login without a password",
        "POST /rest/v0/auth/login HTTP/1.1\r\nHost: HOST\r\nContent-Length: 14\r\nConnection: close\r\n\r\n{\"username\":1}",
        422,
    ),
    (
        "a login from another site",
        "POST /rest/v0/auth/login HTTP/1.1\r\nHost: HOST\r\nOrigin: https://evil.example\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
        403,
    ),
    (
        "a login from nowhere",
        "POST /rest/v0/auth/login HTTP/1.1\r\nHost: HOST\r\nOrigin: null\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
        403,
    ),
    (
        "a login across sites",
        "POST /rest/v0/auth/login HTTP/1.1\r\nHost: HOST\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
        403,
    ),
    ("no HTTP", "hello\r\n\r\n", 400),
    ("no version", "GET /\r\n\r\n", 400),
    (
        "two lengths",
        "POST /rest/v0/auth/login HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2\r\nContent-Length: 3\r\nConnection: close\r\n\r\n{}",
        400,
    ),
    ("a file outside", "GET /../../etc/passwd.txt HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n", 404),
    ("a page of a plugin", "GET /plugins/auth-ldap/x HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n", 404),
];

/// Queries of an administrator, and the status.
const QUERIES: &[(&str, u16)] = &[
    ("/vms?limit=abc", 422),
    ("/vms?limit=-1", 422),
    ("/vms?limit=1&limit=2", 422),
    ("/vms?limit=99999999999999999999999", 422),
    ("/vms?nothing=1", 422),
    ("/vms?fields=%zz", 422),
    ("/vms?fields=%ff", 422),
    ("/vms?fields=%", 422),
    ("/vms?fields=", 422),
    ("/vms?fields=nothing,*,,id", 200),
    ("/vms/%00", 404),
    ("/vms/%2e%2e%2fhosts", 404),
    ("/vms/a?id=b", 404),
    ("/vms?limit=0", 200),
    ("/vms?ndjson=maybe", 422),
    ("/vms?filter=a%3A%3E", 400),
    ("/vms?filter=name_label%3A%2F%28%2F", 400),
];

#[tokio::test]
async fn each_wrong_thing_has_its_answer_and_the_daemon_goes_on() -> Result<()> {
    let mut rig = Rig::builder().pools(["single-host"]).plugin("auth-ldap").start().await?;
    let admin = rig.admin().await?;
    for (sent, id, code) in FRAMES {
        admin.send(*sent).await?;
        let answer = admin.stray().await.with_context(|| (*sent).to_owned())?;
        let id: Value = serde_json::from_str(id)?;
        if *code == 0 {
            ensure!(answer["id"] == id && answer.get("result").is_some(), "{sent}: {answer}");
            continue;
        }
        ensure!(answer["id"] == id && answer["error"]["code"] == *code, "{sent}: {answer}");
        if *code == 10 && answer["error"]["data"]["errors"].as_array().is_some_and(|all| !all.is_empty()) {
            ensure!(answer["error"]["data"]["errors"][0]["instancePath"].is_string(), "{sent}: {answer}");
        }
        alive(&mut rig, sent).await?;
    }
    ensure!(admin.is_closed().is_none(), "the socket survives wrong text");
    deep_and_many(&admin).await?;
    names_of_megabytes(&rig).await?;
    alive(&mut rig, "deep and many").await?;

    sockets_that_end(&mut rig).await?;
    for (what, bytes, status) in REQUESTS {
        let bytes = bytes.replace("HOST", rig.address());
        let answer = rig::raw(rig.address(), bytes.as_bytes()).await?;
        let line = String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned();
        ensure!(line.split(' ').nth(1) == Some(status.to_string().as_str()), "{what}: wanted {status}, got {line:?}");
        alive(&mut rig, what).await?;
    }
    let rest = rig.admin_rest()?;
    for (path, status) in QUERIES {
        let answer = rest.get(path).await?;
        ensure!(answer.status == *status, "{path}: wanted {status}, got {} {}", answer.status, answer.text);
        ensure!(*status == 200 || answer.json()["error"].is_string(), "{path}: {}", answer.text);
    }
    big_and_half(&mut rig).await?;
    origins_and_cookies(&mut rig).await?;
    plugins(&mut rig, &admin).await?;
    ensure!(admin.is_closed().is_none(), "the first socket is still there");
    rig.end().await
}

async fn alive(rig: &mut Rig, after: &str) -> Result<()> {
    if let Some(status) = rig.ended() {
        bail!("the daemon ended with {status} after {after}");
    }
    let answer = rig.get("/healthz").await.with_context(|| format!("after {after}"))?;
    ensure!((answer.status, answer.text.as_str()) == (200, "ok\n"), "after {after}: {} {}", answer.status, answer.text);
    Ok(())
}

/// JSON that is right and unreasonable.
async fn deep_and_many(admin: &Client) -> Result<()> {
    admin.send("[".repeat(100_000)).await?;
    ensure!(admin.stray().await?["error"]["code"] == -32700, "brackets without end");
    let deep = format!("{}{}", r#"{"a":"#.repeat(100_000), "1");
    admin.send(deep).await?;
    ensure!(admin.stray().await?["error"]["code"] == -32700, "objects without end");
    // A notification of ours has no answer; a batch has one for each call.
    admin.send(r#"{"jsonrpc":"2.0","method":"vm.fly"}"#).await?;
    let batch: Vec<Value> =
        (0..500).map(|id| json!({ "jsonrpc": "2.0", "id": id + 5_000, "method": "vm.fly" })).collect();
    admin.send(Value::Array(batch).to_string()).await?;
    let answer = admin.stray().await?;
    ensure!(answer.as_array().is_some_and(|all| all.len() == 500), "a batch of 500");
    let long = "x".repeat(3 << 20);
    let error = admin.refused("vm.start", json!({ "id": long })).await?;
    ensure!(error.code == 1, "{}", error.code);
    Ok(())
}

/// A failed sign-in is remembered by name; a stranger must not choose how much that is.
async fn names_of_megabytes(rig: &Rig) -> Result<()> {
    let client = rig.client().await?;
    let before = rig.rss()?;
    for number in 0..40 {
        let name = format!("{number}{}", "x".repeat(1 << 20));
        let error = client.refused("session.signIn", json!({ "username": name, "password": "x" })).await?;
        ensure!(error.code == 3, "{}", error.code);
    }
    let grown = rig.rss()?.saturating_sub(before) >> 20;
    ensure!(grown < 20, "the daemon grew by {grown} MiB from 40 MiB of names");
    Ok(())
}

/// Frames after which there is nothing left to talk about: the daemon says why and closes.
async fn sockets_that_end(rig: &mut Rig) -> Result<()> {
    let text = |bytes: &'static [u8]| {
        Message::Frame(Frame::message(Bytes::from_static(bytes), OpCode::Data(Data::Text), true))
    };
    let cases = [
        ("10 MB in a frame", Message::text("x".repeat(10_000_000)), Some(1009)),
        ("20 MB in a frame", Message::text("x".repeat(20_000_000)), Some(1009)),
        ("a byte more than 4 MiB", Message::text("x".repeat((4 << 20) + 1)), Some(1009)),
        ("binary", Message::binary(vec![1, 2, 3]), Some(1003)),
        ("bad UTF-8", text(b"{\"a\":\"\xff\xfe\"}"), Some(1007)),
        ("half a character", text(b"\xe2\x82"), Some(1007)),
        (
            "a reserved kind of frame",
            Message::Frame(Frame::message(Bytes::new(), OpCode::Data(Data::Reserved(5)), true)),
            None,
        ),
        ("the rest of nothing", Message::Frame(Frame::message(Bytes::new(), OpCode::Data(Data::Continue), true)), None),
    ];
    for (what, message, code) in cases {
        for signed_in in [false, true] {
            let client = if signed_in { rig.admin().await? } else { rig.client().await? };
            // The daemon may close before it has read everything.
            let _ = client.send_frame(message.clone()).await;
            let closed = client.closed().await.with_context(|| what.to_owned())?;
            ensure!(code.is_none() || closed.code == code, "{what}: {closed:?}");
        }
        alive(rig, what).await?;
    }
    Ok(())
}

async fn big_and_half(rig: &mut Rig) -> Result<()> {
    let nobody = rig.rest(Auth::Nobody);
    let body = vec![b' '; (4 << 20) + 1];
    let answer = nobody.send("POST", "/rest/v0/auth/login", &[], &body).await?;
    ensure!(answer.status == 413, "a body over 4 MiB: {}", answer.status);
    alive(rig, "a big body").await?;
    let head = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\nX: {}\r\n\r\n", rig.address(), "x".repeat(1 << 20));
    let answer = rig::raw(rig.address(), head.as_bytes()).await?;
    ensure!(answer.starts_with(b"HTTP/1.1 431"), "a head of 1 MiB: {:?}", String::from_utf8_lossy(&answer));

    // Those who never finish: they are let go after a while, and meanwhile they are in nobody's way.
    let before = rig.fds()?;
    let halves: [&[u8]; 4] =
        [b"", b"GET /heal", b"POST /rest/v0/auth/login HTTP/1.1\r\nHost: a\r\nContent-Le", b"\x16\x03\x01\x02\x00\x01"];
    let mut open = Vec::new();
    for index in 0..100 {
        use tokio::io::AsyncWriteExt;
        let mut stream = tokio::net::TcpStream::connect(rig.address()).await?;
        stream.write_all(halves[index % halves.len()]).await?;
        open.push(stream);
    }
    alive(rig, "half requests").await?;
    drop(open);
    let gone = rig::until("the half requests to be gone", async || (rig.fds().ok()? <= before + 2).then_some(()));
    gone.await
}

async fn origins_and_cookies(rig: &mut Rig) -> Result<()> {
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1", "file://"] {
        match Client::connect(rig.address(), &[("Origin", origin.to_owned())]).await {
            Err(ConnectError::Status(403)) => {}
            Err(error) => bail!("{origin}: {error}"),
            Ok(_) => bail!("{origin} was let in"),
        }
        alive(rig, origin).await?;
    }
    // A wrong cookie on our own page: the socket opens, and nobody is signed in.
    let wrong = [("Origin", rig.url()), ("Cookie", "token=wrong".to_owned())];
    let client = Client::connect(rig.address(), &wrong).await?;
    ensure!(client.call("session.getUser", json!({})).await?.is_null(), "a wrong cookie");
    // With credentials, a changing request from another site is refused; without a browser's headers it is not.
    let admin = rig.admin_rest()?;
    let foreign = [("Origin", "https://evil.example".to_owned())];
    ensure!(admin.send("POST", "/rest/v0/auth/logout", &foreign, b"").await?.status == 403, "a foreign page signs out");
    ensure!(admin.send("POST", "/rest/v0/auth/logout", &[], b"").await?.status == 204, "a command line signs out");
    Ok(())
}

/// Files that are no plugins, and configurations that break the schema.
async fn plugins(rig: &mut Rig, admin: &Client) -> Result<()> {
    compiled(admin, "auth-ldap").await?;
    let good = std::fs::read(rig::component("auth-ldap")?)?;
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle..middle + 64].fill(0xff);
    let files: [(&str, &[u8]); 6] = [
        ("empty", b""),
        ("text", b"this is not wasm"),
        // A module of the core language with nothing in it.
        ("core-module", b"\0asm\x01\0\0\0"),
        ("empty-component", b"\0asm\x0d\0\x01\0"),
        ("half", &good[..good.len() / 2]),
        ("flipped", &flipped),
    ];
    for (name, bytes) in files {
        std::fs::write(rig.plugins().join(format!("{name}.wasm")), bytes)?;
    }
    for (name, _) in files {
        let error = e2e::plugin(admin, name, "refused", |view| {
            let refused = view["state"] == "load-error" || view["state"] == "incompatible";
            refused.then(|| view["lastError"].clone())
        });
        let error = error.await?;
        ensure!(
            error["code"].is_string() && error["message"].as_str().is_some_and(|text| !text.is_empty()),
            "{name}: {error}"
        );
        println!("{name}.wasm: {error}");
        let refusal = admin.refused("plugin.load", json!({ "id": name })).await?;
        ensure!(refusal.code == 10, "{name}: {refusal}");
        alive(rig, name).await?;
    }
    ensure!(plugin_view(admin, "auth-ldap").await?["state"] == "installed", "the good one is as it was");
    ensure!(admin.refused("plugin.load", json!({ "id": "nothing" })).await?.code == 1, "no such plugin");

    let good = json!({ "server": { "host": "192.0.2.1" }, "base": "dc=example,dc=org" });
    let with = |pointer: &str, value: Value| {
        let mut config = good.clone();
        match pointer.rsplit_once('/') {
            Some((parent, name)) => {
                config.pointer_mut(parent).and_then(Value::as_object_mut).map(|o| o.insert(name.into(), value))
            }
            None => None,
        };
        config
    };
    let cases = [
        (json!(7), ""),
        (json!([]), ""),
        (json!({}), "/server"),
        (with("/server/port", json!("636")), "/server/port"),
        (with("/server/port", json!(70_000)), "/server/port"),
        (with("/server/tls", json!("maybe")), "/server/tls"),
        (with("/server/host", json!("")), "/server/host"),
        (with("/nothing", json!(1)), "/nothing"),
        (with("/timeout", json!(1_000_000)), "/timeout"),
        (with("/bind", json!({ "dn": 1 })), "/bind/dn"),
        (with("/bind", json!({ "password": ["a"] })), "/bind/password"),
        // The schema has no opinion here; the plugin has.
        (with("/filter", json!("(uid={{name}}")), "/filter"),
    ];
    for (config, path) in cases {
        let error = admin.refused("plugin.configure", json!({ "id": "auth-ldap", "configuration": config })).await?;
        let errors = error.data["errors"].as_array().cloned().unwrap_or_default();
        let named = errors.iter().any(|error| error["instancePath"] == path);
        ensure!(error.code == 10 && named, "{config}: {error}");
        alive(rig, &config.to_string()).await?;
    }
    ensure!(plugin_view(admin, "auth-ldap").await?["configuration"].is_null(), "nothing wrong was saved");
    Ok(())
}
