//! A directory server for tests: speaks enough LDAP to be believed, and misbehaves on demand.
#![allow(dead_code)] // Unit and integration tests use different halves.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// How a server behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As it should, with pages.
    Good,
    /// As it should, but without pages.
    NoPages,
    /// Refuses StartTLS.
    NoStartTls,
    /// Accepts and says nothing.
    Silent,
    /// Answers binds, then says nothing.
    SilentSearch,
    /// Hangs up at the first request.
    HangUp,
    /// Answers with something else than LDAP.
    Garbage,
    /// Announces a message of 2 GiB.
    Huge,
    /// Answers with a message nested 100,000 deep.
    Deep,
    /// Answers with well-formed BER that is no LDAP.
    Nonsense,
    /// Sends entries without end.
    Endless,
}

/// How a connection begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// TLS from the first byte.
    Ldaps,
    /// In clear, with StartTLS on request.
    Plain,
}

/// A certificate authority and one certificate of it.
pub struct Certificates {
    /// The authority, PEM.
    pub ca: String,
    /// SHA-256 of the server's certificate, in hex.
    pub fingerprint: String,
    config: Arc<rustls::ServerConfig>,
}

impl Certificates {
    /// Makes a certificate for these names; an expired one ended in 2001.
    pub fn new(names: &[&str], expired: bool) -> Self {
        let ca_key = rcgen::KeyPair::generate().unwrap();
        let mut ca = rcgen::CertificateParams::new(vec![]).unwrap();
        ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        ca.distinguished_name.push(rcgen::DnType::CommonName, "Test authority");
        let ca_certificate = ca.self_signed(&ca_key).unwrap();
        let issuer = rcgen::Issuer::from_params(&ca, &ca_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = rcgen::CertificateParams::new(names).unwrap();
        if expired {
            params.not_before = rcgen::date_time_ymd(2000, 1, 1);
            params.not_after = rcgen::date_time_ymd(2001, 1, 1);
        }
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let der = CertificateDer::from(certificate.der().to_vec());
        let hash = ring::digest::digest(&ring::digest::SHA256, &der);
        let fingerprint = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![der], PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())))
            .unwrap();
        Self { ca: ca_certificate.pem(), fingerprint, config: Arc::new(config) }
    }
}

/// A running server; it stops when dropped.
pub struct Directory {
    pub address: SocketAddr,
    /// Connections accepted so far.
    pub accepted: Arc<AtomicUsize>,
    /// Connections open now.
    pub open: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Directory {
    /// Starts a server on the loopback address. It knows `cn=xylem` / `s3cret` and 1,200 people `user<n>` / `pw<n>` below
    /// `dc=test`.
    pub async fn start(door: Door, manner: Manner, certificates: &Certificates) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (accepted, open) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (count, live, tls) = (accepted.clone(), open.clone(), TlsAcceptor::from(certificates.config.clone()));
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let (live, tls) = (live.clone(), tls.clone());
                connections.spawn(async move {
                    live.fetch_add(1, Ordering::SeqCst);
                    let _ = session(stream, door, manner, tls).await;
                    live.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, accepted, open, task }
    }

    /// Returns how many connections were accepted.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Waits until no connection is open.
    pub async fn until_idle(&self) {
        for _ in 0..500 {
            if self.open.load(Ordering::SeqCst) == 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("{} connections are still open", self.open.load(Ordering::SeqCst));
    }
}

async fn session(mut stream: TcpStream, door: Door, manner: Manner, tls: TlsAcceptor) -> std::io::Result<()> {
    if manner == Manner::Silent {
        let mut sink = vec![];
        stream.read_to_end(&mut sink).await?;
        return Ok(());
    }
    match door {
        Door::Ldaps => serve(&mut tls.accept(stream).await?, manner).await.map(drop),
        Door::Plain => {
            if serve(&mut stream, manner).await? {
                serve(&mut tls.accept(stream).await?, manner).await?;
            }
            Ok(())
        }
    }
}

/// Serves one connection. Returns whether TLS is to start.
async fn serve(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), manner: Manner) -> std::io::Result<bool> {
    while let Some(message) = read(stream).await? {
        if manner == Manner::HangUp {
            return Ok(false);
        }
        let (_, body, _) = part(&message);
        let (_, id, rest) = part(body);
        let (tag, op, controls) = part(rest);
        match (manner, tag) {
            (Manner::Garbage, _) => stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await?,
            (Manner::Huge, _) => {
                stream.write_all(&[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 2, 1, 1]).await?;
                loop {
                    stream.write_all(&[0; 1 << 16]).await?;
                }
            }
            (Manner::Deep, _) => {
                let mut bytes = vec![];
                for level in (0..100_000_u32).rev() {
                    bytes.extend([0x30, 0x84]);
                    bytes.extend((level * 6).to_be_bytes());
                }
                stream.write_all(&make(0x30, &[make(2, id), bytes].concat())).await?;
            }
            (Manner::Nonsense, _) => {
                let op = make(tag + 1, &make(0x30, &make(0x30, b"")));
                stream.write_all(&make(0x30, &[make(2, id), op].concat())).await?;
            }
            (_, 0x42) => return Ok(false),
            (_, 0x60) => {
                let (_, _, rest) = part(op);
                let (_, dn, rest) = part(rest);
                let (_, password, _) = part(rest);
                let code = bind(&String::from_utf8_lossy(dn), &String::from_utf8_lossy(password));
                stream.write_all(&result(id, 0x61, code, &[])).await?;
            }
            (_, 0x77) if manner == Manner::NoStartTls => stream.write_all(&result(id, 0x78, 2, &[])).await?,
            (_, 0x77) => {
                stream.write_all(&result(id, 0x78, 0, &[])).await?;
                return Ok(true);
            }
            (Manner::SilentSearch, 0x63) => {}
            (Manner::Endless, 0x63) => loop {
                stream.write_all(&entry(id, "cn=again,dc=test", &[("fill", &"x".repeat(1 << 15))])).await?;
            },
            (_, 0x63) => stream.write_all(&search(id, op, controls, manner)).await?,
            _ => return Ok(false),
        }
    }
    Ok(false)
}

fn bind(dn: &str, password: &str) -> u8 {
    let person = dn.strip_prefix("uid=user").and_then(|rest| rest.strip_suffix(",dc=test"));
    match (dn, password) {
        ("", "") | ("cn=xylem", "s3cret") => 0,
        _ if person.is_some_and(|number| password == format!("pw{number}")) => 0,
        _ => 49,
    }
}

const PEOPLE: usize = 1_200;

fn search(id: &[u8], op: &[u8], controls: &[u8], manner: Manner) -> Vec<u8> {
    let (_, base, rest) = part(op);
    if base != b"dc=test" {
        return result(id, 0x65, 32, &[]);
    }
    let rest = (0..5).fold(rest, |rest, _| part(rest).2);
    let (kind, filter, _) = part(rest);
    let wanted: Vec<usize> = if kind == 0xa3 {
        let (_, _, rest) = part(filter);
        let value = String::from_utf8_lossy(part(rest).1).into_owned();
        (0..PEOPLE).filter(|number| format!("user{number}") == value).collect()
    } else {
        (0..PEOPLE).collect()
    };
    let (mut size, mut start) = (PEOPLE, 0);
    let paged = manner != Manner::NoPages && !controls.is_empty();
    if paged {
        let value = part(part(part(part(controls).1).1).2).1;
        let (_, number, rest) = part(part(value).1);
        size = number.iter().fold(0, |n, byte| n << 8 | usize::from(*byte));
        start = String::from_utf8_lossy(part(rest).1).parse().unwrap_or(0);
    }
    let mut out = vec![];
    for number in wanted.iter().skip(start).take(size) {
        let uid = format!("user{number}");
        let mail = format!("{uid}@example.org");
        let attributes =
            [("uid", uid.as_str()), ("entryUUID", uid.as_str()), ("mail", mail.as_str()), ("cn", uid.as_str())];
        out.extend(entry(id, &format!("uid={uid},dc=test"), &attributes));
    }
    let end = start + size;
    let cookie = if end < wanted.len() { end.to_string() } else { String::new() };
    let value = make(0x30, &[make(2, &[0]), make(4, cookie.as_bytes())].concat());
    let control = make(0x30, &[make(4, b"1.2.840.113556.1.4.319"), make(4, &value)].concat());
    out.extend(result(id, 0x65, 0, if paged { &control } else { &[] }));
    out
}

fn entry(id: &[u8], dn: &str, attributes: &[(&str, &str)]) -> Vec<u8> {
    let attribute = |(name, value): &(&str, &str)| {
        make(0x30, &[make(4, name.as_bytes()), make(0x31, &make(4, value.as_bytes()))].concat())
    };
    let list: Vec<u8> = attributes.iter().flat_map(attribute).collect();
    let op = make(0x64, &[make(4, dn.as_bytes()), make(0x30, &list)].concat());
    make(0x30, &[make(2, id), op].concat())
}

fn result(id: &[u8], tag: u8, code: u8, control: &[u8]) -> Vec<u8> {
    let op = make(tag, &[make(0x0a, &[code]), make(4, b""), make(4, b"")].concat());
    let controls = if control.is_empty() { vec![] } else { make(0xa0, control) };
    make(0x30, &[make(2, id), op, controls].concat())
}

fn make(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x84][..], &length, content].concat()
}

/// Returns tag, content and what follows.
fn part(bytes: &[u8]) -> (u8, &[u8], &[u8]) {
    let (start, length) = match bytes[1] {
        short if short < 0x80 => (2, usize::from(short)),
        long => {
            let start = 2 + usize::from(long & 0x7f);
            (start, bytes[2..start].iter().fold(0, |n, byte| n << 8 | usize::from(*byte)))
        }
    };
    (bytes[0], &bytes[start..start + length], &bytes[start + length..])
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Option<Vec<u8>>> {
    let mut message = vec![0; 2];
    if stream.read(&mut message[..1]).await? == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut message[1..]).await?;
    let mut length = usize::from(message[1]);
    if length > 0x7f {
        message.resize(2 + length - 0x80, 0);
        stream.read_exact(&mut message[2..]).await?;
        length = message[2..].iter().fold(0, |n, byte| n << 8 | usize::from(*byte));
    }
    let start = message.len();
    message.resize(start + length, 0);
    stream.read_exact(&mut message[start..]).await?;
    Ok(Some(message))
}
