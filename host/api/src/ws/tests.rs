//! What a socket's halves put on the wire, byte by byte, with a peer that reads slowly or not at all.

use std::sync::Arc;

use access::VisibilityClass;
use inventory::JsonCache;
use model::object::{Head, Vbd};
use model::{Kind, Object};
use tokio::io::{AsyncReadExt, DuplexStream};

use super::frame;
use super::outbox::{Control, Framing, Out, Outbox};
use crate::feed::{Batch, Changed};
use crate::listing::{Listing, PIECE, Stream};

/// The last object of a piece.
const SLACK: usize = 8 << 10;

/// Bytes that the pipe between socket and peer takes.
const PIPE: usize = 16 << 10;

fn object(number: usize) -> Arc<Object> {
    Arc::new(Object::from(Vbd {
        head: Head::new(format!("vbd-{number:05}").into(), Kind::Vbd, "pool".into(), "OpaqueRef:é".into()),
        attached: true,
        bootable: false,
        device: None,
        is_cd_drive: false,
        position: "0".into(),
        read_only: false,
        vdi: None,
        vm: None,
    }))
}

/// Returns a listing of so many objects, and the text that it is.
fn listing(count: usize, json: &JsonCache) -> (Stream, String) {
    let objects: Vec<_> = (0..count).map(object).collect();
    let entries: Vec<_> = objects.iter().map(|object| format!("\"{}\":{}", object.id(), object.to_json())).collect();
    let changed = objects.into_iter().map(|after| Changed { before: None, after }).collect();
    let batch = Arc::new(Batch { changed, ..Batch::default() });
    let listing = Listing::changed(json, batch, VisibilityClass::Administrator);
    (listing.into(), format!("{{{}}}", entries.join(",")))
}

/// A frame as the peer sees it.
#[derive(Debug)]
struct Seen {
    opcode: u8,
    is_final: bool,
    payload: Vec<u8>,
}

async fn read_frame(peer: &mut DuplexStream) -> Option<Seen> {
    let first = peer.read_u8().await.ok()?;
    let length = match peer.read_u8().await.ok()? {
        126 => usize::from(peer.read_u16().await.ok()?),
        127 => usize::try_from(peer.read_u64().await.ok()?).ok()?,
        short => usize::from(short),
    };
    let mut payload = vec![0; length];
    peer.read_exact(&mut payload).await.ok()?;
    Some(Seen { opcode: first & 0xf, is_final: first & 0x80 != 0, payload })
}

fn outbox() -> (Outbox<DuplexStream>, Control, DuplexStream) {
    let (ours, theirs) = tokio::io::duplex(PIPE);
    let control = Control::default();
    (Outbox::new(ours, Framing::WebSocket, control.clone()), control, theirs)
}

/// Writes until the peer would have to read, or nothing is left.
async fn drive_a_little(outbox: &mut Outbox<DuplexStream>) {
    for _ in 0..20 {
        assert!(futures::poll!(std::pin::pin!(outbox.drive())).is_pending());
    }
}

#[tokio::test]
async fn on_a_connection_of_lines_each_message_is_one() {
    let (ours, mut peer) = tokio::io::duplex(PIPE);
    let mut outbox = Outbox::new(ours, Framing::Lines, Control::default());
    let (stream, text) = listing(300, &JsonCache::with_cap(100_000));
    let mut frames = Vec::new();
    for message in ["{}", "[1]"] {
        frame::append(&mut frames, frame::TEXT, message.as_bytes());
    }
    outbox.push(Out::Stream(stream));
    outbox.push(Out::Frames(frames.into()));
    outbox.push(Out::Stream(b"{\"last\":1}".to_vec().into()));
    let reading = async {
        let mut all = Vec::new();
        peer.read_to_end(&mut all).await.unwrap();
        String::from_utf8(all).unwrap()
    };
    let writing = async {
        outbox.finish().await.unwrap();
        drop(outbox);
    };
    let ((), read) = tokio::join!(writing, reading);
    assert_eq!(read, format!("{text}\n{{}}\n[1]\n{{\"last\":1}}\n"));
}

#[tokio::test]
async fn a_long_answer_leaves_in_fragments_of_one_message() {
    for count in [0, 1, 200, 300, 5_000] {
        let (mut outbox, _, mut peer) = outbox();
        let (stream, text) = listing(count, &JsonCache::with_cap(100_000));
        outbox.push(Out::Stream(stream));
        outbox.push(Out::Frames(b"\x81\x02[]"[..].into()));
        let reading = async {
            let mut frames = Vec::new();
            while frames.last().is_none_or(|last: &Seen| last.payload != b"[]") {
                frames.push(read_frame(&mut peer).await.unwrap());
            }
            frames
        };
        let mut frames = tokio::select! {
            _ = outbox.drive() => unreachable!("there was room all the time"),
            frames = reading => frames,
        };
        let behind = frames.pop().unwrap();
        assert!(
            (behind.opcode, behind.is_final) == (frame::TEXT, true),
            "{count}: another message comes after the end"
        );
        assert_eq!(frames.len(), text.len() / PIECE + 1, "{count}: {} bytes", text.len());
        for (place, seen) in frames.iter().enumerate() {
            assert_eq!(seen.opcode, if place == 0 { 1 } else { 0 }, "{count}: {place}");
            assert_eq!(seen.is_final, place + 1 == frames.len(), "{count}: {place}");
            assert!(seen.payload.len() <= PIECE + SLACK, "{count}: {place}");
        }
        let payload: Vec<u8> = frames.into_iter().flat_map(|seen| seen.payload).collect();
        assert!(payload == text.as_bytes(), "{count}: the text arrives as it is");
    }
}

#[tokio::test]
async fn pongs_go_between_fragments_and_never_into_them() {
    let (mut outbox, control, mut peer) = outbox();
    let (stream, _) = listing(5_000, &JsonCache::default());
    outbox.push(Out::Stream(stream));
    drive_a_little(&mut outbox).await;
    control.lock().extend_from_slice(b"\x8a\x04pong");
    let reading = async {
        let mut opcodes = Vec::new();
        while let Some(seen) = read_frame(&mut peer).await {
            assert!(seen.opcode != 0xa || seen.payload == b"pong");
            opcodes.push(seen.opcode);
            if seen.is_final && seen.opcode == 0 {
                break;
            }
        }
        opcodes
    };
    let opcodes = tokio::select! {
        _ = outbox.drive() => unreachable!("there was room all the time"),
        opcodes = reading => opcodes,
    };
    assert_eq!(opcodes[..3], [1, 0xa, 0]);
    assert!(opcodes[3..].iter().all(|opcode| *opcode == 0));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_costs_a_piece_and_is_dropped() {
    let (mut outbox, _, _peer) = outbox();
    let json = JsonCache::default();
    outbox.push(Out::Stream(listing(5_000, &json).0));
    while outbox.has_room() {
        outbox.push(Out::Stream(listing(10, &json).0));
    }
    drive_a_little(&mut outbox).await;
    assert!(!outbox.has_room() || outbox.buffered() > 0);
    assert!(outbox.buffered() <= PIECE + SLACK, "{} bytes wait", outbox.buffered());
    // One piece of the first listing was written from the objects, and no more.
    assert!(json.size() < 2 * (PIECE + SLACK), "{} bytes of JSON", json.size());
    let begin = tokio::time::Instant::now();
    let error = loop {
        if let Err(error) = outbox.drive().await {
            break error;
        }
    };
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    assert_eq!(begin.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_slow_peer_that_goes_on_reading_is_not_dropped() {
    let (mut outbox, _, mut peer) = outbox();
    let (stream, text) = listing(2_000, &JsonCache::default());
    outbox.push(Out::Stream(stream));
    let reading = async {
        let mut read = 0;
        while read < text.len() {
            tokio::time::sleep(std::time::Duration::from_secs(20)).await;
            read += peer.read(&mut [0; PIPE]).await.unwrap();
        }
    };
    tokio::select! {
        written = outbox.drive() => panic!("{written:?}"),
        () = reading => {}
    }
}

#[tokio::test]
async fn goodbye_waits_for_the_frame_under_way_and_for_nothing_else() {
    let (mut outbox, control, mut peer) = outbox();
    outbox.push(Out::Stream(listing(5_000, &JsonCache::default()).0));
    outbox.push(Out::Frames(b"\x81\x02{}"[..].into()));
    drive_a_little(&mut outbox).await;
    control.lock().extend_from_slice(b"\x8a\x04pong");
    outbox.close(1013, "slow");
    let reading = async {
        let first = read_frame(&mut peer).await.unwrap();
        let second = read_frame(&mut peer).await.unwrap();
        (first, second, peer.read(&mut [0]).await.unwrap())
    };
    let (finished, (first, second, rest)) = tokio::join!(outbox.finish(), reading);
    finished.unwrap();
    assert_eq!((first.opcode, first.is_final), (1, false));
    assert_eq!((second.opcode, second.payload.as_slice()), (8, &b"\x03\xf5slow"[..]));
    assert_eq!(rest, 0, "the end");
}
