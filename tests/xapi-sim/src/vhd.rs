//! VHD images, dynamic and differencing: the structures that stand around the blocks. All numbers are big endian.

use anyhow::{Context, ensure};

use crate::content::BLOCK;

/// Bytes of a sector, and of everything that is counted in sectors.
pub const SECTOR: u64 = 512;
/// Bytes of a block's bitmap.
pub const BITMAP: usize = 512;
/// Where the table of blocks stands.
const TABLE: u64 = 1536;
const DYNAMIC: u32 = 3;
const DIFFERENCING: u32 = 4;
const UNUSED: u32 = u32::MAX;
const HEADER: usize = 1024;

/// The parent of a differencing image.
#[derive(Clone, Debug)]
pub struct Parent {
    pub uuid: [u8; 16],
    pub name: String,
}

fn put(buffer: &mut [u8], at: usize, bytes: &[u8]) {
    buffer[at..at + bytes.len()].copy_from_slice(bytes);
}

/// One's complement of the sum of all bytes, the field itself taken as zero.
fn seal(buffer: &mut [u8], at: usize) {
    let sum: u32 = buffer.iter().map(|b| u32::from(*b)).sum();
    put(buffer, at, &(!sum).to_be_bytes());
}

/// Cylinders, heads, sectors per track.
fn geometry(size: u64) -> (u16, u8, u8) {
    let sectors = (size / SECTOR).min(65_535 * 16 * 255);
    let (tracks, heads, per_track);
    if sectors >= 65_535 * 16 * 63 {
        (per_track, heads, tracks) = (255, 16, sectors / 255);
    } else {
        let wanted = (sectors / 17).div_ceil(1024).max(4);
        if sectors / 17 < wanted * 1024 && wanted <= 16 {
            (per_track, heads, tracks) = (17, wanted, sectors / 17);
        } else if sectors / 31 < 16 * 1024 {
            (per_track, heads, tracks) = (31, 16, sectors / 31);
        } else {
            (per_track, heads, tracks) = (63, 16, sectors / 63);
        }
    }
    let narrow = |n: u64| u8::try_from(n).unwrap_or(u8::MAX);
    (u16::try_from(tracks / heads).unwrap_or(u16::MAX), narrow(heads), narrow(per_track))
}

/// Returns the 512 bytes that an image begins and ends with.
pub fn footer(size: u64, differencing: bool, uuid: [u8; 16]) -> Vec<u8> {
    let mut out = vec![0; 512];
    put(&mut out, 0, b"conectix");
    put(&mut out, 8, &2_u32.to_be_bytes());
    put(&mut out, 12, &0x0001_0000_u32.to_be_bytes());
    put(&mut out, 16, &512_u64.to_be_bytes());
    put(&mut out, 28, b"tap\0");
    put(&mut out, 32, &0x0001_0003_u32.to_be_bytes());
    put(&mut out, 40, &size.to_be_bytes());
    put(&mut out, 48, &size.to_be_bytes());
    let (cylinders, heads, per_track) = geometry(size);
    put(&mut out, 56, &cylinders.to_be_bytes());
    out[58] = heads;
    out[59] = per_track;
    put(&mut out, 60, &(if differencing { DIFFERENCING } else { DYNAMIC }).to_be_bytes());
    put(&mut out, 68, &uuid);
    seal(&mut out, 64);
    out
}

/// Returns the header that follows the first footer.
pub fn header(size: u64, parent: Option<&Parent>) -> Vec<u8> {
    let mut out = vec![0; HEADER];
    put(&mut out, 0, b"cxsparse");
    put(&mut out, 8, &u64::MAX.to_be_bytes());
    put(&mut out, 16, &TABLE.to_be_bytes());
    put(&mut out, 24, &0x0001_0000_u32.to_be_bytes());
    put(&mut out, 28, &u32::try_from(size.div_ceil(BLOCK)).unwrap_or(u32::MAX).to_be_bytes());
    put(&mut out, 32, &0x0020_0000_u32.to_be_bytes());
    if let Some(parent) = parent {
        put(&mut out, 40, &parent.uuid);
        let name: Vec<u8> = parent.name.encode_utf16().take(255).flat_map(u16::to_be_bytes).collect();
        put(&mut out, 64, &name);
    }
    seal(&mut out, 36);
    out
}

/// Returns the table of blocks, when `blocks` follow it in this order.
pub fn table(size: u64, blocks: &[u64]) -> Vec<u8> {
    let entries = usize::try_from(size.div_ceil(BLOCK)).unwrap_or(0);
    let bytes = (entries * 4).next_multiple_of(512);
    let mut out = vec![0xff; bytes];
    let first = (TABLE + bytes as u64) / SECTOR;
    for (place, number) in blocks.iter().enumerate() {
        let sector = first + place as u64 * (BLOCK + BITMAP as u64) / SECTOR;
        let at = usize::try_from(*number).unwrap_or(0) * 4;
        put(&mut out, at, &u32::try_from(sector).unwrap_or(UNUSED).to_be_bytes());
    }
    out
}

/// Returns the length of an image with this many blocks.
pub fn length(size: u64, blocks: usize) -> u64 {
    TABLE + (size.div_ceil(BLOCK) * 4).next_multiple_of(512) + blocks as u64 * (BLOCK + BITMAP as u64) + 512
}

/// What an image that comes in says of itself.
#[derive(Debug)]
pub struct Image {
    pub size: u64,
    pub differencing: bool,
}

/// What its header adds.
#[derive(Debug)]
pub struct Layout {
    /// Where the table stands.
    pub table: u64,
    pub entries: usize,
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) << 32 | u64::from(u32_at(bytes, at + 4))
}

/// Reads the first 512 bytes.
pub fn read_footer(bytes: &[u8]) -> anyhow::Result<Image> {
    ensure!(bytes.len() == 512 && bytes.starts_with(b"conectix"), "no footer");
    let mut again = bytes.to_vec();
    again[64..68].fill(0);
    seal(&mut again, 64);
    ensure!(again == bytes, "the checksum of the footer is wrong");
    let kind = u32_at(bytes, 60);
    ensure!(kind == DYNAMIC || kind == DIFFERENCING, "type {kind} is not supported");
    ensure!(u64_at(bytes, 16) == 512, "the header does not follow");
    Ok(Image { size: u64_at(bytes, 48), differencing: kind == DIFFERENCING })
}

/// Reads the header.
pub fn read_header(bytes: &[u8]) -> anyhow::Result<Layout> {
    ensure!(bytes.len() == HEADER && bytes.starts_with(b"cxsparse"), "no header");
    ensure!(u64::from(u32_at(bytes, 32)) == BLOCK, "blocks of {} bytes", u32_at(bytes, 32));
    let table = u64_at(bytes, 16);
    ensure!(table >= TABLE, "the table stands in the header");
    // 2 TiB, the most an image can have.
    let entries = usize::try_from(u32_at(bytes, 28)).ok().filter(|n| *n <= 1 << 20).context("too many blocks")?;
    Ok(Layout { table, entries })
}

/// Reads the table: the used blocks as (sector, number), in the order of the file.
pub fn read_table(bytes: &[u8]) -> Vec<(u64, u64)> {
    let entries = bytes.chunks_exact(4).enumerate().map(|(n, e)| (u32_at(e, 0), n as u64));
    let mut used: Vec<(u64, u64)> = entries.filter(|(s, _)| *s != UNUSED).map(|(s, n)| (u64::from(s), n)).collect();
    used.sort_unstable();
    used
}

/// Returns the runs of sectors that a bitmap says are there, as (first, count).
pub fn runs(bitmap: &[u8]) -> Vec<(usize, usize)> {
    let sectors = usize::try_from(BLOCK / SECTOR).unwrap_or(0);
    let set = |s: usize| bitmap[s / 8] & (0x80 >> (s % 8)) != 0;
    let mut out: Vec<(usize, usize)> = Vec::new();
    for sector in (0..sectors).filter(|s| set(*s)) {
        match out.last_mut() {
            Some((first, count)) if *first + *count == sector => *count += 1,
            _ => out.push((sector, 1)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uuid() -> [u8; 16] {
        *uuid::Uuid::parse_str("11111111-2222-4333-8444-555555555555").unwrap().as_bytes()
    }

    #[test]
    fn an_image_is_the_recorded_vector() {
        // 4 MiB with one block that begins with 512 times `A`; qemu-img accepts it.
        let size = 4 << 20;
        let (footer, header) = (footer(size, false, uuid()), header(size, None));
        assert_eq!((u32_at(&footer, 64), u32_at(&header, 36)), (0xffff_f680, 0xffff_f475));
        let mut block = vec![0_u8; usize::try_from(BLOCK).unwrap()];
        block[..512].fill(b'A');
        let mut bitmap = vec![0_u8; BITMAP];
        bitmap[0] = 0x80;
        let image = [footer.clone(), header, table(size, &[0]), bitmap, block, footer].concat();
        assert_eq!((image.len(), length(size, 1)), (2_100_224, 2_100_224));
        let digest = ring::digest::digest(&ring::digest::SHA256, &image);
        let hex: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "0a074053e25b2b77a3b847d3059ab4c8cd9250ea544d0e9ef320651ef07c8c35");
        assert_eq!(read_footer(&image[..512]).unwrap().size, size);
        assert_eq!(read_header(&image[512..1536]).unwrap().entries, 2);
        assert_eq!(read_table(&image[1536..1544]), [(4, 0)]);
        assert_eq!(runs(&image[2048..2560]), [(0, 1)]);
    }

    #[test]
    fn the_geometry_is_that_of_others() {
        for (size, expected) in [
            (4_u64 << 20, (120, 4, 17)),
            (1 << 30, (2080, 16, 63)),
            (10 << 30, (20805, 16, 63)),
            (127 << 30, (65278, 16, 255)),
            (2040 << 30, (65535, 16, 255)),
        ] {
            assert_eq!(geometry(size), expected);
        }
    }

    #[test]
    fn what_is_no_image_is_refused() {
        let good = footer(4 << 20, true, uuid());
        assert!(read_footer(&good).unwrap().differencing);
        for at in [0, 48, 60, 70] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(read_footer(&bad).is_err(), "{at}");
        }
        assert!(read_header(&[0; 1024]).is_err());
        assert_eq!(runs(&[0xff; BITMAP]), [(0, 4096)]);
    }
}
