//! The master key: 32 random bytes outside the store, from which everything that seals or signs is derived.
//!
//! It lies in a file of 64 hexadecimal digits and a newline that only its owner may read, or in a systemd credential.
//! Several keys make a ring: the current one seals, the older ones still open what they sealed, until a rotation is done.
//! Ids of keys are derived too; they are no secret and stand in each sealed record.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use ring::hkdf;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::Error;

/// Name of the systemd credential (`LoadCredential=xylem-master-key:...`).
const CREDENTIAL: &str = "xylem-master-key";

/// The key, or the ring of keys, that a store is opened with. Printing it shows ids only.
#[derive(Clone)]
pub struct MasterKey {
    current: Key,
    older: Vec<Key>,
    /// The key file is lost: `current` is random and derives, but neither seals nor opens.
    missing: bool,
}

#[derive(Clone)]
struct Key {
    id: Box<str>,
    master: Zeroizing<[u8; 32]>,
}

/// Whether the master key is the one that the store was sealed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It is.
    Ok,
    /// There is no key; secrets stay sealed until the file is restored.
    Missing {
        /// Id of the key that the store was sealed with.
        expected: String,
    },
    /// It is another key; secrets stay sealed until the right file is restored.
    Wrong {
        /// Id of the key that the store was sealed with.
        expected: String,
        /// Id of the key that was given.
        found: String,
    },
}

impl MasterKey {
    /// Returns the key in the file, and makes a new random one (mode 0600) where there is no file.
    ///
    /// Only for a state folder that has no store yet: beside an old store a new key opens nothing. When in doubt use
    /// [`MasterKey::for_store`].
    pub fn load_or_create(path: &Path) -> Result<Self, Error> {
        if let Some(key) = Self::load(path)? {
            return Ok(key);
        }
        match Self::create(path) {
            Ok(key) => Ok(key),
            // Another process was quicker: its key counts.
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {
                Self::load(path)?.ok_or(Error::KeyFile { doing: "read", path: path.into(), source })
            }
            Err(source) => Err(Error::KeyFile { doing: "create", path: path.into(), source }),
        }
    }

    /// Returns the key in the file for the store at `store`. Where the key file is missing, makes a new one if there is no
    /// store yet, and [`MasterKey::missing`] if there is: a new key must never take the place of a lost one in silence.
    pub fn for_store(path: &Path, store: &Path) -> Result<Self, Error> {
        match Self::load(path)? {
            Some(key) => Ok(key),
            None if store.exists() => Ok(Self::missing()),
            None => Self::load_or_create(path),
        }
    }

    /// Returns the key in the file, `None` when there is no such file. Refuses a file that group or others may touch.
    pub fn load(path: &Path) -> Result<Option<Self>, Error> {
        Self::read(path, |mode| mode & 0o077 == 0)
    }

    /// Returns the systemd credential `xylem-master-key`; `folder` is what `$CREDENTIALS_DIRECTORY` says. `None` when there
    /// is no such credential. Modes are systemd's business there: it may show its access list as group rights.
    pub fn from_credentials(folder: &Path) -> Result<Option<Self>, Error> {
        Self::read(&folder.join(CREDENTIAL), |_| true)
    }

    /// Returns the key with these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self { current: Key::new(Zeroizing::new(bytes)), older: Vec::new(), missing: false }
    }

    /// Returns what to open a store with whose key is lost: it opens, and secrets stay sealed.
    pub fn missing() -> Self {
        Self { current: Key::new(random()), older: Vec::new(), missing: true }
    }

    /// Returns a ring that seals with `current` and opens what any of them sealed.
    pub fn ring(current: Self, older: Vec<Self>) -> Self {
        let mut ring = current;
        for key in older {
            // A missing key is a random one that sealed nothing.
            if !key.missing {
                ring.older.push(key.current);
                ring.older.extend(key.older);
            }
        }
        ring
    }

    /// Returns whether there is no key.
    pub fn is_missing(&self) -> bool {
        self.missing
    }

    /// Returns the id of the key that seals.
    pub fn current_id(&self) -> &str {
        &self.current.id
    }

    /// Returns the sealing key with this id.
    pub(crate) fn sealing(&self, id: &str) -> Option<Zeroizing<[u8; 32]>> {
        if self.missing {
            return None;
        }
        let mut keys = std::iter::once(&self.current).chain(&self.older);
        keys.find(|key| *key.id == *id).map(|key| Zeroizing::new(key.derive(&[b"seal"])))
    }

    /// Returns a key for another purpose, derived from the current one.
    pub(crate) fn derive(&self, purpose: &str) -> [u8; 32] {
        // The first part keeps a purpose of the caller's apart from our own.
        self.current.derive(&[b"purpose/", purpose.as_bytes()])
    }

    fn read(path: &Path, mode_is_fine: impl Fn(u32) -> bool) -> Result<Option<Self>, Error> {
        let failed = |source| Error::KeyFile { doing: "read", path: path.into(), source };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(failed(source)),
        };
        // Asked of the open file, not of the path: nobody can exchange it in between.
        let mode = file.metadata().map_err(failed)?.mode() & 0o7777;
        if !mode_is_fine(mode) {
            return Err(Error::KeyFileMode { path: path.into(), mode });
        }
        let mut text = Zeroizing::new(String::with_capacity(80));
        match file.take(80).read_to_string(&mut text) {
            Ok(_) => {}
            Err(source) if source.kind() == io::ErrorKind::InvalidData => {
                return Err(Error::KeyFileContent { path: path.into() });
            }
            Err(source) => return Err(failed(source)),
        }
        let bytes = parse_hex(text.strip_suffix('\n').unwrap_or(&text));
        let bytes = bytes.ok_or_else(|| Error::KeyFileContent { path: path.into() })?;
        Ok(Some(Self { current: Key::new(bytes), older: Vec::new(), missing: false }))
    }

    /// Makes the file with `O_EXCL`, so that a key is never overwritten, and syncs file and folder: the store that will be
    /// sealed with it must not survive a power cut that the key does not.
    fn create(path: &Path) -> io::Result<Self> {
        let bytes = random();
        let mut text = Zeroizing::new(String::with_capacity(65));
        for byte in bytes.iter() {
            text.push_str(&format!("{byte:02x}"));
        }
        text.push('\n');
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| sync_folder(path));
        if let Err(error) = written {
            // Half a key would stop the next start; it sealed nothing yet.
            let _ = std::fs::remove_file(path);
            return Err(error);
        }
        Ok(Self { current: Key::new(bytes), older: Vec::new(), missing: false })
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let older: Vec<_> = self.older.iter().map(|key| &key.id).collect();
        f.debug_struct("MasterKey")
            .field("current", &self.current.id)
            .field("older", &older)
            .field("missing", &self.missing)
            .finish()
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("the master key fits the store"),
            Self::Missing { expected } => {
                write!(f, "the master key {expected} is missing: restore its file and restart")
            }
            Self::Wrong { expected, found } => write!(
                f,
                "the master key is {found}, but the store was sealed with {expected}: restore that file and restart"
            ),
        }
    }
}

impl Key {
    fn new(master: Zeroizing<[u8; 32]>) -> Self {
        let mut key = Self { id: "".into(), master };
        let id = key.derive(&[b"id"]);
        // 64 bits tell keys of one installation apart; they are no protection and need not be more.
        key.id = id[..8].iter().map(|byte| format!("{byte:02x}")).collect::<String>().into();
        key
    }

    /// HKDF-SHA256 (RFC 5869); the salt names us, the info the purpose.
    fn derive(&self, info: &[&[u8]]) -> [u8; 32] {
        let mut out = [0; 32];
        hkdf::Salt::new(hkdf::HKDF_SHA256, b"xylem master key")
            .extract(&*self.master)
            .expand(info, hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut out))
            .expect("HKDF-SHA256 gives 32 bytes whatever it is asked for");
        out
    }
}

/// Makes a new name in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn random() -> Zeroizing<[u8; 32]> {
    let mut bytes = Zeroizing::new([0; 32]);
    SystemRandom::new().fill(&mut *bytes).expect("the random source of the system answers once it is up");
    bytes
}

fn parse_hex(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = u8::try_from(digit(0)? << 4 | digit(1)?).ok()?;
    }
    Some(bytes)
}
