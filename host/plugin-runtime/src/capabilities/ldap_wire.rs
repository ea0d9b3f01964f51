//! Between ldap3 and a server that may be hostile: StartTLS, and a guard that lets only bounded, well-formed messages through.
//!
//! ldap3 has no limit on messages, and its parser calls itself for each level of nesting, so a server could fill our memory or
//! overflow our stack. The guard reads whole messages, checks length, depth and number of elements without recursion, counts
//! bytes against the call, and only then hands them over, through a socket pair, in clear: TLS ends here.

use std::io;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use crate::{ErrorKind, PluginError};

/// Bytes from servers in one call: what a call may move, twice, because LDAP wraps and our answers leave things out.
pub(crate) const CALL_BYTES: u64 = 16 << 20;

/// Bytes of one message: a group of 40,000 members.
const MESSAGE_BYTES: usize = 4 << 20;

/// Elements of one message. ldap3 makes about 100 bytes of each, twice.
const ELEMENTS: usize = 100_000;

/// Nesting of one message; a search entry has 5, the deepest answer of RFC 4511 fewer than 10.
const DEPTH: usize = 16;

/// A connection in clear or in TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Why a connection broke, in place of ldap3's own words.
pub(crate) type Broken = Arc<Mutex<Option<PluginError>>>;

/// Ends a task with its owner.
pub(crate) struct Owned<T>(pub(crate) JoinHandle<T>);

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Puts the guard before a connection. Returns ldap3's end, the guard's task, and where it will say why it broke.
pub(crate) fn guard(server: Box<dyn Stream>, inflow: Arc<AtomicU64>) -> io::Result<(StdUnixStream, Owned<()>, Broken)> {
    let (theirs, ours) = StdUnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let ours = UnixStream::from_std(ours)?;
    let broken = Broken::default();
    let reason = broken.clone();
    let task = tokio::spawn(async move {
        let (from_server, mut to_server) = tokio::io::split(server);
        let (mut from_client, to_client) = ours.into_split();
        let outcome = tokio::select! {
            outcome = messages(from_server, to_client, &inflow) => outcome,
            sent = tokio::io::copy(&mut from_client, &mut to_server) => sent.map(drop).map_err(|error| lost(&error)),
        };
        // TLS wants to say goodbye; a server that does not listen must not hold us.
        let _ = tokio::time::timeout(Duration::from_secs(1), to_server.shutdown()).await;
        if let Err(error) = outcome {
            reason.lock().get_or_insert(error);
        }
    });
    Ok((theirs, Owned(task), broken))
}

fn lost(error: &io::Error) -> PluginError {
    PluginError::new(
        ErrorKind::Unavailable,
        "connect.closed",
        format!("the connection to the LDAP server broke: {error}"),
    )
}

fn malformed(what: &str) -> PluginError {
    PluginError::new(ErrorKind::Upstream, "ldap.protocol", format!("the server does not speak LDAP: {what}"))
}

/// Hands messages from the server to ldap3, one by one.
async fn messages(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    inflow: &AtomicU64,
) -> Result<(), PluginError> {
    loop {
        let Some(message) = message(&mut from, MESSAGE_BYTES, Some(inflow)).await? else {
            let what = "the LDAP server closed the connection";
            return Err(PluginError::new(ErrorKind::Unavailable, "connect.closed", what));
        };
        check(&message).map_err(malformed)?;
        if to.write_all(&message).await.is_err() {
            return Ok(());
        }
    }
}

/// Reads one message, header included; None at the end of the stream.
async fn message(
    from: &mut (impl AsyncRead + Unpin),
    limit: usize,
    inflow: Option<&AtomicU64>,
) -> Result<Option<Vec<u8>>, PluginError> {
    let mut message = vec![0; 2];
    if from.read(&mut message[..1]).await.map_err(|error| lost(&error))? == 0 {
        return Ok(None);
    }
    from.read_exact(&mut message[1..]).await.map_err(|error| lost(&error))?;
    if message[0] != 0x30 {
        return Err(malformed("what came is no message"));
    }
    let mut length = usize::from(message[1]);
    if length > 0x7f {
        let digits = length - 0x80;
        if !(1..=4).contains(&digits) {
            return Err(malformed("a message has no usable length"));
        }
        message.resize(2 + digits, 0);
        from.read_exact(&mut message[2..]).await.map_err(|error| lost(&error))?;
        length = message[2..].iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    }
    let too_large = |what: String| Err(PluginError::new(ErrorKind::Exhausted, "ldap.too-large", what));
    if length > limit {
        return too_large(format!("the server announced a message of {length} bytes; {limit} are allowed"));
    }
    if let Some(inflow) = inflow {
        let take = |left: u64| left.checked_sub(length as u64);
        if inflow.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            let message = format!(
                "the server sent more than {} MiB in this call; ask for fewer entries or attributes",
                CALL_BYTES >> 20
            );
            return too_large(message);
        }
    }
    // Room grows with what comes, not with what was announced.
    let header = message.len();
    from.take(length as u64).read_to_end(&mut message).await.map_err(|error| lost(&error))?;
    if message.len() != header + length {
        return Err(lost(&io::Error::from(io::ErrorKind::UnexpectedEof)));
    }
    Ok(Some(message))
}

/// Checks the shape of a message: BER with definite lengths, not too deep, not too many parts, and a number in front.
fn check(message: &[u8]) -> Result<(), &'static str> {
    let mut ends: Vec<usize> = vec![];
    let (mut at, mut elements) = (0, 0);
    while at < message.len() {
        while ends.last().is_some_and(|end| *end <= at) {
            ends.pop();
        }
        let end = ends.last().copied().unwrap_or(message.len());
        let (tag, start, length) = header(&message[..end], at)?;
        elements += 1;
        if elements > ELEMENTS {
            return Err("a message has too many parts");
        }
        if elements == 2 && (tag != 0x02 || !(1..=4).contains(&length)) {
            return Err("a message has no number");
        }
        if tag & 0x20 == 0 {
            at = start + length;
            continue;
        }
        if ends.len() == DEPTH {
            return Err("a message is nested too deep");
        }
        ends.push(start + length);
        at = start;
    }
    if elements < 3 { Err("a message is empty") } else { Ok(()) }
}

/// Returns tag, start of the content and its length; all of it within `bytes`.
fn header(bytes: &[u8], at: usize) -> Result<(u8, usize, usize), &'static str> {
    const CUT: &str = "a message is cut off inside";
    let tag = *bytes.get(at).ok_or(CUT)?;
    if tag & 0x1f == 0x1f {
        return Err("a message has a tag that LDAP does not know");
    }
    let first = usize::from(*bytes.get(at + 1).ok_or(CUT)?);
    let (start, length) = if first < 0x80 {
        (at + 2, first)
    } else {
        let digits = first - 0x80;
        if !(1..=4).contains(&digits) {
            return Err("a part of a message has no usable length");
        }
        let digits = bytes.get(at + 2..at + 2 + digits).ok_or(CUT)?;
        (at + 2 + digits.len(), digits.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
    };
    if bytes.len().checked_sub(start).is_none_or(|room| room < length) {
        return Err(CUT);
    }
    Ok((tag, start, length))
}

/// StartTLS (RFC 4511, 4.14.1): an extended request with message id 1 and the OID of StartTLS.
const START_TLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";

/// Asks the server for TLS. When it returns, the next byte on the connection is TLS's; nothing that came before it is kept, so
/// nobody can slip an answer in under the encryption.
pub(crate) async fn start_tls(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Result<(), PluginError> {
    stream.write_all(START_TLS).await.map_err(|error| lost(&error))?;
    let Some(answer) = message(stream, 64 << 10, None).await? else {
        let what = "the server hung up when asked for StartTLS; if this is its LDAPS port, choose LDAPS";
        return Err(PluginError::new(ErrorKind::Unavailable, "connect.closed", what));
    };
    check(&answer).map_err(malformed)?;
    match result_code(&answer) {
        Some(0) => Ok(()),
        Some(code) => {
            let message =
                format!("the server refuses StartTLS (result {code}); use LDAPS, or turn TLS on at the server");
            Err(PluginError::new(ErrorKind::Upstream, "ldap.starttls-refused", message).param(code.to_string()))
        }
        None => Err(malformed("the answer to StartTLS is none")),
    }
}

/// Returns the result code of an extended response.
fn result_code(message: &[u8]) -> Option<u8> {
    let (_, start, _) = header(message, 0).ok()?;
    let (_, id, length) = header(message, start).ok()?;
    let (tag, content, _) = header(message, id + length).ok()?;
    let (code, value, size) = header(message, content).ok()?;
    (tag == 0x78 && code == 0x0a && size == 1).then(|| message[value])
}

/// Returns the cookie of a paged-results response control (RFC 2696): SEQUENCE { INTEGER, OCTET STRING }.
pub(crate) fn page_cookie(value: &[u8]) -> Option<Vec<u8>> {
    let (sequence, start, _) = header(value, 0).ok()?;
    let (size, number, length) = header(value, start).ok()?;
    let (cookie, content, bytes) = header(value, number + length).ok()?;
    (sequence == 0x30 && size == 0x02 && cookie == 0x04).then(|| value[content..content + bytes].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A part with tag and content.
    fn part(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x84][..], &length, content].concat()
    }

    fn id() -> Vec<u8> {
        part(0x02, &[1])
    }

    #[test]
    fn checks_messages() {
        let deep = (0..DEPTH).fold(part(0x04, b"x"), |inner, _| part(0x30, &inner));
        let many = part(0x30, &part(0x04, b"").repeat(ELEMENTS));
        for (body, ok) in [
            ([id(), part(0x61, &part(0x0a, &[0]))].concat(), true),
            ([id(), deep].concat(), false),
            ([id(), many].concat(), false),
            (id(), false),
            (vec![], false),
            ([part(0x04, b"x"), part(0x61, b"")].concat(), false),
            ([id(), vec![0x61, 0x05, 0x04]].concat(), false),
            ([id(), vec![0x30, 0x80, 0, 0]].concat(), false),
            ([id(), vec![0x1f, 0x01, 0]].concat(), false),
            ([id(), vec![0x04, 0x85, 0, 0, 0, 0, 1, 0]].concat(), false),
        ] {
            assert_eq!(check(&part(0x30, &body)).is_ok(), ok, "{:02x?}", &body[..body.len().min(40)]);
        }
        assert!(check(&part(0x30, &[id(), vec![0x04, 0xff]].concat())).is_err());
    }

    #[tokio::test]
    async fn refuses_what_is_too_large() {
        let inflow = AtomicU64::new(CALL_BYTES);
        let huge: &[u8] = &[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff];
        assert_eq!(message(&mut { huge }, MESSAGE_BYTES, Some(&inflow)).await.unwrap_err().code, "ldap.too-large");
        let large = part(0x30, &[id(), part(0x04, &vec![0; MESSAGE_BYTES - 32])].concat());
        for _ in 0..4 {
            assert!(message(&mut &large[..], MESSAGE_BYTES, Some(&inflow)).await.unwrap().is_some());
        }
        assert_eq!(message(&mut &large[..], MESSAGE_BYTES, Some(&inflow)).await.unwrap_err().code, "ldap.too-large");
        assert_eq!(message(&mut &b"HTTP/1.1"[..], 99, None).await.unwrap_err().code, "ldap.protocol");
        assert_eq!(message(&mut &large[..9], 9, None).await.unwrap_err().code, "ldap.too-large");
        assert_eq!(message(&mut &part(0x30, b"abc")[..8], 9, None).await.unwrap_err().code, "connect.closed");
        assert!(message(&mut &b""[..], 9, None).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn asks_for_tls() {
        for (code, expected) in [(0, None), (2, Some("ldap.starttls-refused"))] {
            let (mut client, mut server) = tokio::io::duplex(1 << 10);
            let answer = part(0x30, &[id(), part(0x78, &part(0x0a, &[code]))].concat());
            let serve = async {
                let mut request = vec![0; START_TLS.len()];
                server.read_exact(&mut request).await.unwrap();
                assert!(check(&request).is_ok());
                server.write_all(&answer).await.unwrap();
                server.write_all(b"\x16").await.unwrap();
            };
            let (outcome, ()) = tokio::join!(start_tls(&mut client), serve);
            assert_eq!(outcome.err().map(|error| error.code).as_deref(), expected);
            if code == 0 {
                assert_eq!(client.read_u8().await.unwrap(), 0x16, "nothing of TLS was eaten");
            }
        }
    }

    #[test]
    fn reads_cookies() {
        let value = part(0x30, &[part(0x02, &[0]), part(0x04, b"next")].concat());
        assert_eq!(page_cookie(&value).unwrap(), b"next");
        assert_eq!(page_cookie(&value[..8]), None);
        assert_eq!(page_cookie(b""), None);
    }
}
