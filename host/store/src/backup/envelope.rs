//! A stream under a passphrase: argon2id makes the key, XChaCha20-Poly1305 seals piece after piece.
//!
//! ```text
//!  "xylem-backup" | version, 2 bytes | memory KiB, passes, lanes: 4 bytes each | salt, 16 bytes | tag | piece | piece | ... | last
//! ```
//!
//! Numbers are big-endian. A piece is 64 KiB and a tag; the last one is shorter, if need be empty, and the first of all is
//! nothing but a tag: it tells a wrong passphrase from a damaged file. The nonce of a piece counts
//! them and says whether it is the last, so none can be left out, moved, or cut off; the key belongs to this file alone (its
//! salt is random), so counting is enough. The whole header is bound to each piece.

use std::io::{self, Read, Write};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use model::Secret;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::Error;

const MAGIC: &[u8; 12] = b"xylem-backup";

/// The newest layout that is read, and the one that is written.
const VERSION: u16 = 1;
const HEADER: usize = MAGIC.len() + 2 + 3 * 4 + SALT;
const SALT: usize = 16;
const PIECE: usize = 64 * 1024;
const TAG: usize = 16;

/// What a guess costs: 64 MiB and three passes, the second choice of RFC 9106 on one lane.
const COST: Cost = Cost { memory: 64 * 1024, passes: 3, lanes: 1 };

/// What a file may ask of us: 1 GiB, and half a minute.
const MOST: Cost = Cost { memory: 1024 * 1024, passes: 16, lanes: 16 };

#[derive(Clone, Copy)]
struct Cost {
    memory: u32,
    passes: u32,
    lanes: u32,
}

/// Seals what is written to it. [`Sealer::finish`] makes it whole.
pub(super) struct Sealer<W> {
    out: W,
    pieces: Pieces,
    buffer: Zeroizing<Vec<u8>>,
}

/// Opens what is read from it; a read fails before it gives a byte of a piece that is not genuine.
pub(super) struct Opener<R> {
    from: R,
    pieces: Pieces,
    buffer: Zeroizing<Vec<u8>>,
    at: usize,
    is_last: bool,
}

struct Pieces {
    cipher: XChaCha20Poly1305,
    header: [u8; HEADER],
    count: u64,
}

impl Pieces {
    fn new(header: [u8; HEADER], cost: Cost, passphrase: &Secret) -> Result<Self, Error> {
        let params = Params::new(cost.memory, cost.passes, cost.lanes, Some(32)).map_err(|_| Error::NotABackup)?;
        let mut key = Zeroizing::new([0; 32]);
        let salt = &header[HEADER - SALT..];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose().as_bytes(), salt, &mut *key)
            .map_err(|error| Error::Io(io::Error::other(error.to_string())))?;
        Ok(Self { cipher: XChaCha20Poly1305::new((&*key).into()), header, count: 0 })
    }

    fn nonce(&mut self, is_last: bool) -> XNonce {
        let mut nonce = [0; 24];
        nonce[15..23].copy_from_slice(&self.count.to_be_bytes());
        nonce[23] = u8::from(is_last);
        self.count += 1;
        nonce.into()
    }
}

impl<W: Write> Sealer<W> {
    pub(super) fn new(out: W, passphrase: &Secret) -> Result<Self, Error> {
        Self::with_cost(out, passphrase, COST)
    }

    fn with_cost(mut out: W, passphrase: &Secret, cost: Cost) -> Result<Self, Error> {
        let mut header = [0; HEADER];
        let (front, salt) = header.split_at_mut(HEADER - SALT);
        SystemRandom::new().fill(salt).expect("the random source of the system answers once it is up");
        let numbers = [cost.memory, cost.passes, cost.lanes].map(u32::to_be_bytes);
        front.copy_from_slice(&[&MAGIC[..], &VERSION.to_be_bytes(), numbers.as_flattened()].concat());
        let pieces = Pieces::new(header, cost, passphrase)?;
        out.write_all(&header).map_err(Error::Io)?;
        let mut sealer = Self { out, pieces, buffer: Zeroizing::new(Vec::with_capacity(PIECE + TAG)) };
        sealer.seal(false).map_err(Error::Io)?;
        Ok(sealer)
    }

    fn seal(&mut self, is_last: bool) -> io::Result<()> {
        let nonce = self.pieces.nonce(is_last);
        let sealed = self.pieces.cipher.encrypt_in_place(&nonce, &self.pieces.header, &mut *self.buffer);
        sealed.map_err(|_| io::Error::other("a piece cannot be sealed"))?;
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Writes the end and gives back where it went to.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.seal(true)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        if self.buffer.len() == PIECE {
            self.seal(false)?;
        }
        Ok(taken)
    }

    /// Nothing leaves before a piece is full, or all is over.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<R: Read> Opener<R> {
    /// Reads the header and the first tag: a wrong passphrase is found here.
    pub(super) fn new(mut from: R, passphrase: &Secret) -> Result<Self, Error> {
        let mut header = [0; HEADER];
        let mut read = 0;
        while read < HEADER {
            match from.read(&mut header[read..]).map_err(Error::Io)? {
                0 => break,
                more => read += more,
            }
        }
        if read < MAGIC.len() || header[..MAGIC.len()] != *MAGIC {
            return Err(Error::NotABackup);
        }
        if read < HEADER {
            return Err(Error::Damaged);
        }
        let (version, numbers) = header[MAGIC.len()..HEADER - SALT].split_at(2);
        let version = u16::from_be_bytes([version[0], version[1]]);
        if version > VERSION {
            return Err(Error::Newer { found: version.into(), supported: VERSION.into() });
        }
        let number =
            |at: usize| numbers[at * 4..].first_chunk::<4>().map_or(u32::MAX, |bytes| u32::from_be_bytes(*bytes));
        let cost = Cost { memory: number(0), passes: number(1), lanes: number(2) };
        if cost.memory > MOST.memory || cost.passes > MOST.passes || cost.lanes > MOST.lanes {
            return Err(Error::Damaged);
        }
        let pieces = Pieces::new(header, cost, passphrase)?;
        let mut opener = Self { from, pieces, buffer: Zeroizing::default(), at: 0, is_last: false };
        match opener.next(TAG) {
            Ok(()) => Ok(opener),
            Err(error) if error.kind() != io::ErrorKind::InvalidData => Err(Error::Io(error)),
            Err(_) if opener.is_last => Err(Error::Damaged),
            Err(_) => Err(Error::Passphrase),
        }
    }

    /// Opens the next piece, of this size unless it is the last.
    fn next(&mut self, size: usize) -> io::Result<()> {
        self.buffer.clear();
        self.at = 0;
        self.from.by_ref().take(size as u64).read_to_end(&mut self.buffer)?;
        self.is_last = self.buffer.len() < size;
        let nonce = self.pieces.nonce(self.is_last);
        let opened = self.pieces.cipher.decrypt_in_place(&nonce, &self.pieces.header, &mut *self.buffer);
        opened.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "a piece is not genuine"))?;
        // What stands behind the end was not written by us.
        if self.is_last && self.from.read(&mut [0])? > 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(())
    }
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.buffer.len() {
            if self.is_last {
                return Ok(0);
            }
            self.next(PIECE + TAG)?;
        }
        let taken = out.len().min(self.buffer.len() - self.at);
        out[..taken].copy_from_slice(&self.buffer[self.at..self.at + taken]);
        self.at += taken;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(plain: &[u8]) -> Vec<u8> {
        // The cost stands in the file, so a cheap one is read as the dear one is.
        let cost = Cost { memory: 64, passes: 1, lanes: 1 };
        let mut sealer = Sealer::with_cost(Vec::new(), &"correct horse".into(), cost).unwrap();
        sealer.write_all(plain).unwrap();
        sealer.finish().unwrap()
    }

    fn open(sealed: &[u8], passphrase: &str) -> Result<Vec<u8>, Error> {
        let mut plain = Vec::new();
        let mut opener = Opener::new(sealed, &passphrase.into())?;
        opener.read_to_end(&mut plain).map_err(Error::Io).map(|_| plain)
    }

    #[test]
    fn what_was_sealed_opens_whole_or_not_at_all() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 5] {
            let plain: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let sealed = seal(&plain);
            assert_eq!(open(&sealed, "correct horse").unwrap(), plain, "{length}");
        }
        let sealed = seal(&vec![7; 2 * PIECE]);
        assert!(matches!(open(&sealed, "wrong horse"), Err(Error::Passphrase)));
        // Cut inside the header, behind it, on the border of a piece, inside one, before the last byte; or prolonged.
        let first = HEADER + TAG;
        for cut in [13, HEADER, first, first + PIECE + TAG, first + PIECE + 99, sealed.len() - TAG, sealed.len() - 1] {
            let error = open(&sealed[..cut], "correct horse").unwrap_err();
            assert!(!matches!(error, Error::Passphrase), "{cut}: {error}");
        }
        let longer = [&sealed[..], &[0]].concat();
        assert!(open(&longer, "correct horse").is_err());
        for at in [20, HEADER - 1, HEADER + 5, first + PIECE + TAG + 5, sealed.len() - 1] {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(open(&altered, "correct horse").is_err(), "{at}");
        }
        let (one, two) = sealed[first..].split_at(PIECE + TAG);
        let swapped = [&sealed[..first], &two[..PIECE + TAG], one, &two[PIECE + TAG..]].concat();
        assert!(open(&swapped, "correct horse").is_err());
    }

    #[test]
    fn other_files_are_told_apart() {
        assert!(matches!(open(b"", "x"), Err(Error::NotABackup)));
        assert!(matches!(open(b"PK\x03\x04 something else that is long enough", "x"), Err(Error::NotABackup)));
        let mut newer = seal(b"x");
        newer[MAGIC.len() + 1] = 2;
        assert!(matches!(open(&newer, "correct horse"), Err(Error::Newer { found: 2, supported: 1 })));
        let mut greedy = seal(b"x");
        greedy[MAGIC.len() + 2] = 0x7f;
        assert!(matches!(open(&greedy, "correct horse"), Err(Error::Damaged)), "two terabytes of memory");
    }
}
