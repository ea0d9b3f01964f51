//! What is on the disks: a few made-up blocks, what was written since, and zeros.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// Bytes of a block: that of a VHD.
pub const BLOCK: u64 = 2 << 20;
/// The blocks of a made-up disk that hold something: neighbours and gaps.
const FILLED: [u64; 4] = [0, 1, 5, 9];

/// The data of one disk. A copy costs nothing until one of the two is written.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// What the made-up blocks follow from; none is an empty disk.
    seed: Option<u64>,
    /// Blocks that were written; `None` is zeros.
    written: Arc<BTreeMap<u64, Option<Bytes>>>,
}

impl Content {
    /// The data of a disk that was there from the start.
    pub fn made_up(uuid: &str) -> Self {
        let seed = uuid
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self { seed: Some(seed), written: Arc::default() }
    }

    /// Returns a block of `BLOCK` bytes, `None` when it is all zeros.
    pub fn block(&self, number: u64) -> Option<Bytes> {
        if let Some(written) = self.written.get(&number) {
            return written.clone();
        }
        let seed = self.seed.filter(|_| FILLED.contains(&number))?;
        let mut state = seed ^ number;
        // A page of noise, repeated: quick to make, and no two disks are alike.
        let page: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .take(4096)
        .collect();
        Some(page.repeat(usize::try_from(BLOCK).unwrap_or(0) / 4096).into())
    }

    /// Returns the numbers of the blocks below `size` bytes that are not zeros.
    pub fn filled(&self, size: u64) -> Vec<u64> {
        let made_up = FILLED.into_iter().filter(|n| self.seed.is_some() && !self.written.contains_key(n));
        let written = self.written.iter().filter(|(_, block)| block.is_some()).map(|(n, _)| *n);
        let mut all: Vec<u64> = made_up.chain(written).filter(|n| n * BLOCK < size).collect();
        all.sort_unstable();
        all
    }

    /// Returns the numbers of the blocks below `size` that differ.
    pub fn differing(&self, base: &Self, size: u64) -> Vec<u64> {
        let mut all = self.filled(size);
        all.extend(base.filled(size));
        all.sort_unstable();
        all.dedup();
        all.retain(|n| self.block(*n) != base.block(*n));
        all
    }

    /// Returns `length` bytes from `offset`, `None` when they are all zeros.
    pub fn read(&self, offset: u64, length: usize) -> Option<Bytes> {
        let number = offset / BLOCK;
        let at = usize::try_from(offset % BLOCK).unwrap_or(0);
        let block = self.block(number)?;
        // Nobody reads across blocks: all chunks divide a block.
        let part = block.slice(at.min(block.len())..(at + length).min(block.len()));
        part.iter().any(|b| *b != 0).then_some(part)
    }

    /// Writes bytes.
    pub fn write(&mut self, mut offset: u64, mut data: &[u8]) {
        while !data.is_empty() {
            let (number, at) = (offset / BLOCK, usize::try_from(offset % BLOCK).unwrap_or(0));
            let size = usize::try_from(BLOCK).unwrap_or(0);
            let (now, rest) = data.split_at(data.len().min(size - at));
            let mut block = self.block(number).map_or_else(|| vec![0; size], Vec::from);
            block[at..at + now.len()].copy_from_slice(now);
            let zeros = block.iter().all(|b| *b == 0);
            Arc::make_mut(&mut self.written).insert(number, (!zeros).then(|| block.into()));
            offset += now.len() as u64;
            data = rest;
        }
    }
}

/// What a disk holds as it goes to another simulator: the seed, and the written blocks by their numbers.
#[derive(Serialize, Deserialize)]
struct Shipped {
    seed: Option<u64>,
    written: BTreeMap<u64, Option<String>>,
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = self.written.iter().map(|(n, block)| (*n, block.as_ref().map(|b| STANDARD.encode(b))));
        Shipped { seed: self.seed, written: written.collect() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Shipped { seed, written } = Shipped::deserialize(deserializer)?;
        let block = |block: Option<String>| block.map(|text| STANDARD.decode(text).map(Bytes::from)).transpose();
        let written = written.into_iter().map(|(n, text)| Ok((n, block(text)?)));
        let written: Result<_, base64::DecodeError> = written.collect();
        Ok(Self { seed, written: Arc::new(written.map_err(D::Error::custom)?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disks_are_sparse_and_copies_part_when_written() {
        let mut disk = Content::made_up("u");
        assert_eq!(disk.filled(1 << 40), FILLED);
        assert_eq!(disk.filled(2 * BLOCK), [0, 1]);
        let copy = disk.clone();
        disk.write(BLOCK * 3 - 2, b"abcd");
        assert_eq!(disk.filled(1 << 40), [0, 1, 2, 3, 5, 9]);
        assert_eq!(disk.read(BLOCK * 3, 2).as_deref(), Some(&b"cd"[..]));
        assert_eq!(disk.differing(&copy, 1 << 40), [2, 3]);
        disk.write(BLOCK * 3, &[0; 2]);
        assert_eq!(disk.filled(1 << 40), [0, 1, 2, 5, 9]);
        let shipped: Content = serde_json::from_str(&serde_json::json!(disk).to_string()).unwrap();
        assert!(shipped.differing(&disk, 1 << 40).is_empty() && !shipped.differing(&copy, 1 << 40).is_empty());
        assert_ne!(Content::made_up("u").block(0), Content::made_up("v").block(0));
        assert_eq!(Content::default().filled(1 << 40), [0; 0]);
    }
}
