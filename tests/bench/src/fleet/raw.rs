//! The cheapest client there can be: it finds the end of an answer and counts its bytes, so that what is measured is the
//! server. The daemon and the yardstick get the very same one.

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Bytes read at once.
const CHUNK: usize = 256 << 10;

/// Mask of our frames. A server must unmask whatever it is; all zeros costs this client nothing.
const MASK: [u8; 4] = [0; 4];

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 with a length or in chunks.
    Http,
    /// One message of a WebSocket, in as many frames as the server likes.
    WebSocket,
}

/// A connection.
pub struct Conn {
    stream: TcpStream,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Everything that is consumed, when it is asked for.
    pub record: Option<Vec<u8>>,
}

impl Conn {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
    pub async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true).context("send at once")?;
        Ok(Self { stream, buffer: vec![0; CHUNK].into(), start: 0, end: 0, record: None })
    }

    /// Upgrades to a WebSocket at `/api/`.
    ///
    /// # Errors
    /// When the server does not.
    pub async fn upgrade(&mut self, host: &str) -> Result<()> {
        let request = format!(
            "GET /api/ HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        self.send(request.as_bytes()).await?;
        let head = self.head().await?;
        ensure!(
            head.starts_with("HTTP/1.1 101"),
            "the upgrade was answered with {}",
            head.lines().next().unwrap_or("")
        );
        Ok(())
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await.context("send a request")
    }

    /// Reads one answer to its end and returns its length on the wire. Its body, when `body` is there, is put into it.
    ///
    /// # Errors
    /// When it is no success, or no answer at all.
    pub async fn answer(&mut self, protocol: Protocol, body: Option<&mut Vec<u8>>) -> Result<usize> {
        match protocol {
            Protocol::Http => self.http(body).await,
            Protocol::WebSocket => self.message(body).await,
        }
    }

    async fn http(&mut self, mut body: Option<&mut Vec<u8>>) -> Result<usize> {
        let head = self.head().await?;
        let mut length = head.len();
        ensure!(head.starts_with("HTTP/1.1 200"), "the answer is {}", head.lines().next().unwrap_or(""));
        let lower = head.to_ascii_lowercase();
        if let Some(rest) = lower.split_once("content-length:") {
            let size: usize = rest.1.lines().next().unwrap_or("").trim().parse().context("read the content length")?;
            self.consume(size, body).await?;
            return Ok(length + size);
        }
        ensure!(lower.contains("transfer-encoding: chunked"), "the answer has no length");
        loop {
            let line = self.line().await?;
            let size =
                usize::from_str_radix(line.trim_end(), 16).with_context(|| format!("read chunk size {line:?}"))?;
            self.consume(size, body.as_deref_mut()).await?;
            self.consume(2, None).await?;
            length += line.len() + size + 2;
            if size == 0 {
                return Ok(length);
            }
        }
    }

    async fn message(&mut self, mut body: Option<&mut Vec<u8>>) -> Result<usize> {
        let mut length = 0;
        loop {
            self.need(2).await?;
            let (first, short) = (self.peek(0), usize::from(self.peek(1) & 0x7f));
            let extra = match short {
                126 => 2,
                127 => 8,
                _ => 0,
            };
            self.need(2 + extra).await?;
            let size = match extra {
                0 => short,
                _ => (0..extra).fold(0, |size, at| (size << 8) | usize::from(self.peek(2 + at))),
            };
            self.consume(2 + extra, None).await?;
            let opcode = first & 0x0f;
            let ours = opcode <= 2;
            self.consume(size, if ours { body.as_deref_mut() } else { None }).await?;
            length += 2 + extra + size;
            match opcode {
                8 => bail!("the server closed the socket"),
                0..=2 if first & 0x80 != 0 => return Ok(length),
                _ => {}
            }
        }
    }

    async fn head(&mut self) -> Result<String> {
        let mut head = String::new();
        loop {
            let line = self.line().await?;
            head += &line;
            if line == "\r\n" {
                return Ok(head);
            }
        }
    }

    async fn line(&mut self) -> Result<String> {
        let mut looked = 0;
        loop {
            if let Some(at) = self.buffer[self.start + looked..self.end].iter().position(|&byte| byte == b'\n') {
                let mut line = Vec::new();
                self.consume(looked + at + 1, Some(&mut line)).await?;
                return String::from_utf8(line).context("read a line");
            }
            looked = self.end - self.start;
            self.need(looked + 1).await?;
        }
    }

    fn peek(&self, at: usize) -> u8 {
        self.buffer[self.start + at]
    }

    /// Reads until this many bytes are in the buffer.
    async fn need(&mut self, count: usize) -> Result<()> {
        while self.end - self.start < count {
            if self.start + count > self.buffer.len() || self.start == self.end {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            let read = self.stream.read(&mut self.buffer[self.end..]).await.context("read an answer")?;
            ensure!(read > 0, "the server closed the connection");
            self.end += read;
        }
        Ok(())
    }

    async fn consume(&mut self, mut count: usize, mut body: Option<&mut Vec<u8>>) -> Result<()> {
        while count > 0 {
            self.need(1).await?;
            let part = count.min(self.end - self.start);
            let bytes = &self.buffer[self.start..self.start + part];
            if let Some(body) = &mut body {
                body.extend_from_slice(bytes);
            }
            if let Some(record) = &mut self.record {
                record.extend_from_slice(bytes);
            }
            self.start += part;
            count -= part;
        }
        Ok(())
    }
}

/// Returns a text as a client's frame.
pub fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match text.len() {
        length if length < 126 => frame.push(0x80 | u8::try_from(length).expect("below 126")),
        length => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(length).expect("requests are short").to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend_from_slice(text.as_bytes());
    frame
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn served(bytes: Vec<u8>) -> Conn {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(&bytes).await.unwrap();
        });
        Conn::open(&address).await.unwrap()
    }

    #[tokio::test]
    async fn finds_the_end_of_every_kind_of_answer() {
        let big = vec![b'x'; 3 * CHUNK];
        let mut long = vec![0x01, 127];
        long.extend((big.len() as u64).to_be_bytes());
        long.extend(&big);
        long.extend([0x89, 0x01, b'p', 0x80, 0x02, b'y', b'z']);
        let mut plain = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", big.len()).into_bytes();
        plain.extend(&big);
        let chunked =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n".to_vec();
        for (bytes, protocol, body) in [
            (long, Protocol::WebSocket, [&big[..], b"yz"].concat()),
            (vec![0x81, 0x02, b'o', b'k'], Protocol::WebSocket, b"ok".to_vec()),
            (plain, Protocol::Http, big),
            (chunked, Protocol::Http, b"abc0123456789".to_vec()),
        ] {
            let total = bytes.len();
            let mut conn = served(bytes.clone()).await;
            conn.record = Some(Vec::new());
            let mut found = Vec::new();
            assert_eq!(conn.answer(protocol, Some(&mut found)).await.unwrap(), total);
            assert!(found == body && conn.record.unwrap() == bytes);
        }
    }

    #[tokio::test]
    async fn what_is_no_success_is_an_error() {
        for (bytes, protocol) in [
            (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(), Protocol::Http),
            (vec![0x88, 0x00], Protocol::WebSocket),
            (vec![0x81, 0x05, b'x'], Protocol::WebSocket),
        ] {
            assert!(served(bytes).await.answer(protocol, None).await.is_err());
        }
    }
}
