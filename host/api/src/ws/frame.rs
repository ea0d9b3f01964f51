//! Frames as a server writes them (RFC 6455, section 5.2): never masked, so one frame serves any number of sockets.

use bytes::Bytes;

/// Opcode of a text message's first frame.
pub(crate) const TEXT: u8 = 0x1;
/// Opcode of its other frames.
pub(super) const CONTINUATION: u8 = 0x0;
/// Opcode of the last frame of all.
const CLOSE: u8 = 0x8;

/// The longest header of an unmasked frame.
pub(crate) const HEADER: usize = 10;

/// Puts the header of a frame before its payload, which begins at [`HEADER`] and goes on with `more` bytes elsewhere;
/// returns where the frame begins.
pub(crate) fn finish(bytes: &mut [u8], more: usize, opcode: u8, is_final: bool) -> usize {
    let (header, begin) = header(opcode, is_final, bytes.len() - HEADER + more);
    bytes[begin..HEADER].copy_from_slice(&header[begin..]);
    begin
}

/// Appends a whole frame.
pub(crate) fn append(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    let (header, begin) = header(opcode, true, payload.len());
    out.extend_from_slice(&header[begin..]);
    out.extend_from_slice(payload);
}

/// Returns the payloads of whole frames that stand one after the other.
pub(super) fn payloads(mut bytes: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        let (header, length) = match *bytes.get(1)? {
            126 => (4, usize::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?))),
            127 => (10, usize::try_from(u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?)).ok()?),
            short => (2, usize::from(short)),
        };
        let mut frame = bytes.split_to(bytes.len().min(header + length));
        Some(frame.split_off(header.min(frame.len())))
    })
}

/// Returns a close frame; the reason may have 123 bytes.
pub(super) fn close(code: u16, reason: &str) -> Vec<u8> {
    let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
    let mut out = Vec::new();
    append(&mut out, CLOSE, &payload);
    out
}

/// Returns a header, right-aligned, and where it begins.
fn header(opcode: u8, is_final: bool, length: usize) -> ([u8; HEADER], usize) {
    let first = opcode | if is_final { 0x80 } else { 0 };
    let mut header = [0; HEADER];
    let begin = match (length, u16::try_from(length)) {
        (0..=125, _) => {
            header[9] = length as u8;
            8
        }
        (_, Ok(medium)) => {
            header[7] = 126;
            header[8..].copy_from_slice(&medium.to_be_bytes());
            6
        }
        _ => {
            header[1] = 127;
            header[2..].copy_from_slice(&(length as u64).to_be_bytes());
            0
        }
    };
    header[begin] = first;
    (header, begin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_as_short_as_they_can_be() {
        let cases: &[(usize, &[u8])] = &[
            (0, &[0x81, 0]),
            (125, &[0x81, 125]),
            (126, &[0x81, 126, 0, 126]),
            (65_535, &[0x81, 126, 255, 255]),
            (65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ];
        for &(length, expected) in cases {
            let payload = vec![7; length];
            let mut whole = Vec::new();
            append(&mut whole, TEXT, &payload);
            let twice = Bytes::from([&*whole, &*whole].concat());
            assert!(payloads(twice).eq([&*payload, &*payload]), "{length}");
            assert_eq!(whole, [expected, &payload].concat(), "{length}");
            let mut room = [&[0; HEADER], &*payload].concat();
            let begin = finish(&mut room, 0, TEXT, true);
            assert_eq!(room[begin..], whole, "{length}");
            let (ours, shared) = room.split_at_mut(HEADER + length / 2);
            let begin = finish(ours, shared.len(), TEXT, true);
            assert_eq!([&ours[begin..], shared].concat(), whole, "{length}");
        }
    }

    #[test]
    fn fragments_and_closes() {
        let mut first = [&[0; HEADER], &b"ab"[..]].concat();
        assert_eq!(finish(&mut first, 0, TEXT, false), 8);
        assert_eq!(first[8..], [0x01, 2, b'a', b'b']);
        let mut last = [&[0; HEADER], &b"c"[..]].concat();
        finish(&mut last, 0, CONTINUATION, true);
        assert_eq!(last[8..], [0x80, 1, b'c']);
        assert_eq!(close(1013, "why"), [0x88, 5, 3, 245, b'w', b'h', b'y']);
    }
}
