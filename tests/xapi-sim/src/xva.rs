//! The container of exported VMs: a tar of `ova.xml` and of the disks' chunks with their checksums.

use bytes::Bytes;
use twox_hash::XxHash64;

use crate::{content::Content, failure::Failure, handlers::transfer::Sink};

/// Bytes of a chunk; the last of a disk may be shorter.
pub const CHUNK: u64 = 1 << 20;
/// What ends a tar: two empty blocks.
pub const END: Bytes = Bytes::from_static(&[0; 1024]);

/// Returns the head of a member.
pub fn head(name: &str, size: usize) -> Vec<u8> {
    let mut out = vec![0; 512];
    let mut put = |at: usize, text: &str| out[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, &name[..name.len().min(99)]);
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{size:011o}\0"));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = out.iter().map(|b| u32::from(*b)).sum();
    out[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    out
}

/// Returns the zeros after a member of this size.
pub fn padding(size: usize) -> usize {
    size.next_multiple_of(512) - size
}

/// Name and size of the member whose head this is; `None` at the end of the archive.
pub fn read_head(head: &[u8]) -> Option<(String, usize)> {
    if head.len() < 512 || head.iter().all(|b| *b == 0) {
        return None;
    }
    let text = |from: usize, to: usize| {
        let field = &head[from..to];
        String::from_utf8_lossy(field.split(|b| *b == 0).next().unwrap_or_default()).trim().to_owned()
    };
    Some((text(0, 100), usize::from_str_radix(&text(124, 136), 8).ok()?))
}

/// The checksum that follows a chunk.
pub fn checksum(data: &[u8]) -> String {
    format!("{:016X}", XxHash64::oneshot(0, data))
}

/// Sends one member.
pub async fn write_member(sink: &mut Sink, name: &str, data: Bytes) -> Result<(), Failure> {
    let size = data.len();
    sink.send(head(name, size)).await?;
    sink.send(data).await?;
    sink.send(vec![0; padding(size)]).await
}

/// Sends a disk: its first and last chunk, and those between that are not zeros.
pub async fn write_disk(sink: &mut Sink, prefix: &str, content: &Content, size: u64) -> Result<(), Failure> {
    let last = size.div_ceil(CHUNK).saturating_sub(1);
    for number in 0..=last {
        let length = usize::try_from((size - number * CHUNK).min(CHUNK)).unwrap_or(0);
        let data = content.read(number * CHUNK, length);
        if data.is_none() && number != 0 && number != last {
            continue;
        }
        let data = data.unwrap_or_else(|| vec![0; length].into());
        let name = format!("{prefix}/{number:08}");
        let sum = checksum(&data);
        write_member(sink, &name, data).await?;
        write_member(sink, &format!("{name}.xxhash"), sum.into()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_the_recorded_ones() {
        assert_eq!(checksum(b""), "EF46DB3751D8E999");
        assert_eq!(checksum(&[b'A'; 512]), "80D4AA24F2091F69");
        assert_eq!(checksum(&vec![0; 1 << 20]), "87D2A1B6E1163EF1");
    }

    #[test]
    fn heads_are_read_back() {
        let made = head("Ref:3/00000001.xxhash", 16);
        assert_eq!(read_head(&made), Some(("Ref:3/00000001.xxhash".to_owned(), 16)));
        assert_eq!(read_head(&[0; 512]), None);
        assert_eq!((padding(0), padding(1), padding(512)), (0, 511, 0));
    }
}
