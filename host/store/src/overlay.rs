//! A file that can be read but not written, dressed as one that can: what the engine writes stays in memory.
//!
//! redb marks a file as open by writing to it, and after a crash refuses to open it without doing so. On a disk that takes no
//! write at all (remounted read-only after an error, the usual end of a disk) that would leave us without even our reads.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Bound;
use std::path::Path;

use parking_lot::Mutex;
use redb::backends::FileBackend;
use redb::{BackendError, DatabaseError, StorageBackend, StorageError};

/// Size of the pieces in which writes are kept: redb's own page, so a write is seldom more than one piece.
const BLOCK: u64 = 4096;

/// The file below and the writes above it. Dropping it forgets the writes.
#[derive(Debug)]
pub(crate) struct Overlay {
    below: FileBackend,
    /// The file is open for reading only, where the system grants no exclusive lock.
    shared_lock: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    len: u64,
    /// How much of the file below still counts: less than all of it once the length was cut.
    below_len: u64,
    blocks: BTreeMap<u64, Box<[u8]>>,
}

impl Overlay {
    /// Opens an existing file.
    pub(crate) fn open(path: &Path) -> Result<Self, DatabaseError> {
        let (file, shared_lock) = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => (file, false),
            Err(_) => (File::open(path).map_err(StorageError::Io)?, true),
        };
        let len = file.metadata().map_err(StorageError::Io)?.len();
        let state = Mutex::new(State { len, below_len: len, blocks: BTreeMap::new() });
        Ok(Self { below: FileBackend::new(file)?, shared_lock, state })
    }
}

impl State {
    /// Reads a part of one block.
    fn read(&self, below: &FileBackend, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (block, at) = (offset / BLOCK, place(offset % BLOCK));
        if let Some(bytes) = self.blocks.get(&block) {
            out.copy_from_slice(&bytes[at..at + out.len()]);
            return Ok(());
        }
        let from_below = place(self.below_len.saturating_sub(offset)).min(out.len());
        let (read, zeros) = out.split_at_mut(from_below);
        zeros.fill(0);
        if read.is_empty() { Ok(()) } else { below.read(offset, read) }
    }

    fn write(&mut self, below: &FileBackend, offset: u64, data: &[u8]) -> io::Result<()> {
        let (block, at) = (offset / BLOCK, place(offset % BLOCK));
        if !self.blocks.contains_key(&block) {
            let mut bytes = vec![0; place(BLOCK)].into_boxed_slice();
            self.read(below, block * BLOCK, &mut bytes)?;
            self.blocks.insert(block, bytes);
        }
        let bytes = self.blocks.get_mut(&block).expect("inserted above");
        bytes[at..at + data.len()].copy_from_slice(data);
        Ok(())
    }

    fn check(&self, offset: u64, len: usize) -> io::Result<()> {
        match offset.checked_add(len as u64) {
            Some(end) if end <= self.len => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state.lock().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.state.lock();
        state.check(offset, out.len())?;
        for (start, range) in pieces(offset, out.len()) {
            state.read(&self.below, start, &mut out[range])?;
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.state.lock();
        state.check(offset, data.len())?;
        for (start, range) in pieces(offset, data.len()) {
            state.write(&self.below, start, &data[range])?;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state.lock();
        if len < state.len {
            // What comes back when it grows again must be zeros.
            state.below_len = state.below_len.min(len);
            state.blocks.split_off(&len.div_ceil(BLOCK));
            if let Some(last) = state.blocks.get_mut(&(len / BLOCK)) {
                last[place(len % BLOCK)..].fill(0);
            }
        }
        state.len = len;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.below.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        if self.shared_lock {
            self.below.try_lock_shared_range(start, end)
        } else {
            self.below.try_lock_range(start, end)
        }
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.below.unlock_range(start, end)
    }
}

/// Cuts a stretch of the file at the borders of blocks: where each piece starts in the file, and its range in the buffer.
fn pieces(offset: u64, len: usize) -> impl Iterator<Item = (u64, std::ops::Range<usize>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = offset + at as u64;
        let piece = place(BLOCK - start % BLOCK).min(len - at);
        let range = at..at + piece;
        at += piece;
        (piece > 0).then_some((start, range))
    })
}

/// Turns a length into one of memory; longer than memory is cut, which every caller bounds by a buffer anyway.
fn place(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Write(u64, Vec<u8>),
        SetLen(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => (0_u64..20_000, prop::collection::vec(any::<u8>(), 0..9000)).prop_map(|(at, data)| Step::Write(at, data)),
            1 => (0_u64..25_000).prop_map(Step::SetLen),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn behaves_like_a_file_and_leaves_the_file_alone(
            below in prop::collection::vec(any::<u8>(), 0..15_000),
            steps in prop::collection::vec(step(), 0..12),
        ) {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(&below).unwrap();
            let overlay = Overlay::open(file.path()).unwrap();
            let mut model = below.clone();
            for step in steps {
                match step {
                    Step::Write(at, data) => {
                        let end = at as usize + data.len();
                        let written = overlay.write(at, &data);
                        prop_assert_eq!(written.is_ok(), end <= model.len());
                        if written.is_ok() {
                            model[at as usize..end].copy_from_slice(&data);
                        }
                    }
                    Step::SetLen(len) => {
                        overlay.set_len(len).unwrap();
                        model.resize(len as usize, 0);
                    }
                }
                let mut all = vec![0xaa; model.len()];
                prop_assert_eq!(overlay.len().unwrap(), model.len() as u64);
                overlay.read(0, &mut all).unwrap();
                prop_assert!(all == model);
                prop_assert!(overlay.read(1, &mut all).is_err() || all.is_empty());
            }
            prop_assert!(std::fs::read(file.path()).unwrap() == below);
        }
    }
}
