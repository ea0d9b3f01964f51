//! `/console`: a small screen over RFB, or a terminal that echoes, through CONNECT or a WebSocket.

use std::io;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use hyper::{Method, Response, StatusCode, header::HeaderValue, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};

use super::Ask;
use crate::{
    model::NULL,
    server::{self, Body},
};

const WIDTH: u16 = 640;
const HEIGHT: u16 = 480;
/// Bytes between the console and the tunnel.
const PIPE: usize = 64 * 1024;

pub fn answer(ask: &Ask, method: &Method, upgrade: Option<OnUpgrade>) -> Response<Body> {
    let core = &ask.seat.core;
    let given = ask.object("console", "ref").or_else(|| ask.object("console", "uuid"));
    let of_vm = || {
        let vm = ask.object("VM", "ref").or_else(|| ask.object("VM", "uuid"))?;
        core.read(|db| db.list("VM", &vm, "consoles").into_iter().find(|c| db.text("console", c, "protocol") == "rfb"))
    };
    let Some(console) = given.or_else(of_vm) else { return server::page(StatusCode::NOT_FOUND) };
    let (rfb, host, label) = core.read(|db| {
        let vm = db.text("console", &console, "VM");
        let rfb = db.text("console", &console, "protocol") == "rfb";
        (rfb, db.text("VM", vm, "resident_on").to_owned(), db.text("VM", vm, "name_label").to_owned())
    });
    // Only the host where the VM is has its console; others do not say where that is.
    if host == NULL || ask.seat.place_of(&host).is_some() {
        return server::page(StatusCode::INTERNAL_SERVER_ERROR);
    }
    let Some(upgrade) = upgrade else { return server::page(StatusCode::BAD_REQUEST) };
    let socket_key = ask.headers.get("sec-websocket-key").cloned();
    let mut response = server::pieced("application/octet-stream", Vec::new(), false);
    response.headers_mut().remove("content-length");
    response.headers_mut().remove("content-type");
    if *method == Method::GET {
        let Some(key) = socket_key else { return server::page(StatusCode::BAD_REQUEST) };
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes()));
        let headers = response.headers_mut();
        headers.insert("upgrade", HeaderValue::from_static("websocket"));
        headers.insert("connection", HeaderValue::from_static("Upgrade"));
        headers.insert("sec-websocket-protocol", HeaderValue::from_static("binary"));
        if let Ok(accept) = accept {
            headers.insert("sec-websocket-accept", accept);
        }
    }
    let web = *method == Method::GET;
    core.spawn(async move {
        if let Err(error) = serve(upgrade, web, rfb, &label).await {
            tracing::debug!(%error, "a console ended");
        }
    });
    response
}

/// Ties the client to a console, until either ends.
async fn serve(upgrade: OnUpgrade, web: bool, rfb: bool, label: &str) -> io::Result<()> {
    let client = TokioIo::new(upgrade.await.map_err(io::Error::other)?);
    let (console, mut tunnel) = tokio::io::duplex(PIPE);
    let machine = async {
        match rfb {
            true => screen(console, label).await,
            false => terminal(console, label).await,
        }
    };
    let carry = async {
        if web {
            let socket = WebSocketStream::from_raw_socket(client, Role::Server, Some(WebSocketConfig::default())).await;
            frames(socket, tunnel).await
        } else {
            let mut client = client;
            tokio::io::copy_bidirectional(&mut client, &mut tunnel).await.map(|_| ())
        }
    };
    let (served, _) = tokio::join!(machine, carry);
    served
}

async fn frames<S>(socket: WebSocketStream<S>, tunnel: DuplexStream) -> io::Result<()>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let (mut to_client, mut from_client) = socket.split();
    let (mut from_console, mut to_console) = tokio::io::split(tunnel);
    let inward = async {
        while let Some(Ok(message)) = from_client.next().await {
            match message {
                Message::Binary(data) => to_console.write_all(&data).await?,
                Message::Text(text) => to_console.write_all(text.as_bytes()).await?,
                Message::Close(_) => break,
                _ => {}
            }
        }
        to_console.shutdown().await
    };
    let outward = async {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let length = from_console.read(&mut buffer).await?;
            if length == 0 {
                break;
            }
            to_client
                .send(Message::Binary(Bytes::copy_from_slice(&buffer[..length])))
                .await
                .map_err(io::Error::other)?;
        }
        to_client.close().await.map_err(io::Error::other)
    };
    let (inward, outward) = tokio::join!(inward, outward);
    inward.and(outward)
}

/// A terminal: says whose it is, and returns what is typed.
async fn terminal(mut stream: DuplexStream, label: &str) -> io::Result<()> {
    stream.write_all(format!("{label} login: ").as_bytes()).await?;
    let mut buffer = [0; 1024];
    loop {
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..length]).await?;
    }
}

/// A screen of one colour, which every key changes.
async fn screen(mut stream: DuplexStream, label: &str) -> io::Result<()> {
    stream.write_all(b"RFB 003.003\n").await?;
    let mut version = [0; 12];
    stream.read_exact(&mut version).await?;
    // No security.
    stream.write_u32(1).await?;
    stream.read_u8().await?;
    let mut hello = Vec::new();
    hello.extend(WIDTH.to_be_bytes());
    hello.extend(HEIGHT.to_be_bytes());
    // 32 bits a pixel, 24 of them used, little endian, true colour; 8 bits each of red, green and blue.
    hello.extend([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]);
    hello.extend(u32::try_from(label.len()).unwrap_or(0).to_be_bytes());
    hello.extend(label.as_bytes());
    stream.write_all(&hello).await?;
    let (mut colour, mut shown) = (0x0020_4060_u32, None);
    // The client may ask for a change before there is one.
    let mut waiting = false;
    loop {
        let kind = match stream.read_u8().await {
            Ok(kind) => kind,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        match kind {
            0 => skip(&mut stream, 19).await?,
            2 => {
                stream.read_u8().await?;
                let count = stream.read_u16().await?;
                skip(&mut stream, u64::from(count) * 4).await?;
            }
            3 => {
                let incremental = stream.read_u8().await? != 0;
                skip(&mut stream, 8).await?;
                waiting = true;
                if !incremental {
                    shown = None;
                }
            }
            4 => {
                let down = stream.read_u8().await? != 0;
                skip(&mut stream, 2).await?;
                let key = stream.read_u32().await?;
                if down {
                    colour = key.wrapping_mul(0x9e37_79b1) & 0x00ff_ffff;
                }
            }
            5 => skip(&mut stream, 5).await?,
            6 => {
                skip(&mut stream, 3).await?;
                let length = stream.read_u32().await?;
                skip(&mut stream, u64::from(length)).await?;
            }
            other => return Err(io::Error::other(format!("RFB message {other} is unknown"))),
        }
        if waiting && shown != Some(colour) {
            (waiting, shown) = (false, Some(colour));
            paint(&mut stream, colour).await?;
        }
    }
}

async fn paint(stream: &mut DuplexStream, colour: u32) -> io::Result<()> {
    let mut out = vec![0, 0, 0, 1, 0, 0, 0, 0];
    out.extend(WIDTH.to_be_bytes());
    out.extend(HEIGHT.to_be_bytes());
    out.extend(0_u32.to_be_bytes());
    out.extend(colour.to_le_bytes().repeat(usize::from(WIDTH) * usize::from(HEIGHT)));
    stream.write_all(&out).await
}

async fn skip(stream: &mut DuplexStream, bytes: u64) -> io::Result<()> {
    let read = tokio::io::copy(&mut stream.take(bytes), &mut tokio::io::sink()).await?;
    if read < bytes { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}
