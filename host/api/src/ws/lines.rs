//! The reading half of a connection without WebSocket: one message is one line of JSON.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::socket::{Ending, Incoming, Received};
use crate::MAX_MESSAGE;

/// Bytes read at once; an idle connection keeps no more.
const READ: usize = 4 << 10;

/// The lines that a peer sends.
pub(super) struct Lines<R> {
    io: R,
    buffer: BytesMut,
    /// How much of the buffer has no end of a line in it.
    scanned: usize,
    has_begun: bool,
}

impl<R> Lines<R> {
    pub(super) fn new(io: R) -> Self {
        Self { io, buffer: BytesMut::new(), scanned: 0, has_begun: false }
    }

    /// Takes the next line out of the buffer, without its end.
    fn line(&mut self) -> Option<Bytes> {
        let end = self.buffer[self.scanned..].iter().position(|byte| *byte == b'\n');
        let Some(end) = end else {
            self.scanned = self.buffer.len();
            return None;
        };
        let mut line = self.buffer.split_to(self.scanned + end + 1).freeze();
        self.scanned = 0;
        line.truncate(line.trim_ascii_end().len());
        Some(line)
    }

    /// Returns a line as a message; none when it is empty.
    fn message(&mut self, line: Bytes) -> Result<Option<Utf8Bytes>, Ending> {
        if line.is_empty() {
            return Ok(None);
        }
        // A browser can be made to send something to any port; what it sends begins with an HTTP request, and a peer that
        // speaks something else gets no second try.
        if !std::mem::replace(&mut self.has_begun, true)
            && !matches!(line.trim_ascii_start().first(), Some(b'{' | b'['))
        {
            return Err(Ending::Broken);
        }
        Utf8Bytes::try_from(line).map(Some).map_err(|_| Ending::NotUtf8)
    }
}

impl<R: AsyncRead + Unpin + Send> Incoming for Lines<R> {
    async fn next(&mut self) -> Result<Received, Ending> {
        loop {
            while let Some(line) = self.line() {
                if let Some(text) = self.message(line)? {
                    return Ok(Received::Text(text));
                }
            }
            if self.buffer.len() > MAX_MESSAGE {
                return Err(Ending::TooBig);
            }
            self.buffer.reserve(READ);
            // Dropping this future loses nothing: what was read stands in the buffer.
            match self.io.read_buf(&mut self.buffer).await {
                Ok(0) => {
                    // The last line may have no end.
                    let rest = self.buffer.split().freeze();
                    self.scanned = 0;
                    return Ok(self.message(rest)?.map_or(Received::End, Received::Text));
                }
                Ok(_) => {}
                Err(_) => return Err(Ending::Broken),
            }
        }
    }

    async fn drain(&mut self) {
        let mut dropped = [0; READ];
        while matches!(self.io.read(&mut dropped).await, Ok(count) if count > 0) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the messages of these bytes, and how it ended, whatever pieces they come in.
    async fn read(bytes: &[u8]) -> (Vec<String>, Result<(), Ending>) {
        let mut answers = Vec::new();
        for size in [1, 7, bytes.len().max(1)] {
            let (mut theirs, ours) = tokio::io::duplex(size);
            let bytes = bytes.to_vec();
            let writing = async move {
                // The reader may leave before the end.
                let _ = tokio::io::AsyncWriteExt::write_all(&mut theirs, &bytes).await;
            };
            let reading = async move {
                let (mut lines, mut messages) = (Lines::new(ours), Vec::new());
                loop {
                    match lines.next().await {
                        Ok(Received::Text(text)) => messages.push(text.to_string()),
                        Ok(Received::Nothing) => {}
                        Ok(Received::End) => return (messages, Ok(())),
                        Err(ending) => return (messages, Err(ending)),
                    }
                }
            };
            answers.push(tokio::join!(writing, reading).1);
        }
        let last = answers.pop().unwrap();
        assert!(answers.iter().all(|answer| *answer == last), "{answers:?} {last:?}");
        last
    }

    #[tokio::test]
    async fn one_line_is_one_message() {
        let cases: &[(&str, &[&str])] = &[
            ("{\"a\":1}\n{\"b\":\"é\"}\n", &["{\"a\":1}", "{\"b\":\"é\"}"]),
            ("\n\r\n{}\r\n\n[1] \n", &["{}", "[1]"]),
            ("{}\nnot json", &["{}", "not json"]),
            ("", &[]),
        ];
        for (sent, wanted) in cases {
            let wanted = wanted.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(read(sent.as_bytes()).await, (wanted, Ok(())), "{sent:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_line_of_json_ends_it() {
        assert_eq!(read(b"POST / HTTP/1.1\nHost: x\n\n{}\n").await, (vec![], Err(Ending::Broken)));
        assert_eq!(read(b"{}\n{\"a\":\"\xe9\"}\n").await, (vec!["{}".to_owned()], Err(Ending::NotUtf8)));
    }

    #[tokio::test]
    async fn a_line_without_end_is_not_kept() {
        let (mut theirs, ours) = tokio::io::duplex(1 << 20);
        let writing = async move {
            let piece = vec![b'{'; 1 << 20];
            while tokio::io::AsyncWriteExt::write_all(&mut theirs, &piece).await.is_ok() {}
        };
        let reading = async move {
            let mut lines = Lines::new(ours);
            (lines.next().await.err(), lines.buffer.len())
        };
        let (_, (ending, held)) = tokio::join!(writing, reading);
        assert_eq!(ending, Some(Ending::TooBig));
        assert!(held <= MAX_MESSAGE + (2 << 20), "{held}");
    }
}
