//! Sealed secrets: XChaCha20-Poly1305, bound to the field of the record they stand in.
//!
//! Written as `x1.<key id>.<base64url of nonce (24 bytes), ciphertext and tag>`. The nonce is random, which 192 bits allow
//! without counting. The associated data is the address (table, key, field), so a sealed value that is copied to another
//! record, where another person might be allowed to have it used, does not open there.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use model::Secret;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::key::{KeyState, MasterKey};
use crate::{Error, Table};

/// First part of a sealed text: the algorithm and this layout.
const SCHEME: &str = "x1";
const NONCE_BYTES: usize = 24;

/// What the canary says; that it opens is all that counts.
const CANARY: &str = "xylem";

/// A sealed secret: a text to keep inside a record. Opened with [`crate::Store::unseal`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(String);

impl Sealed {
    /// Returns the id of the key that sealed it; empty when the text is no sealed secret.
    pub fn key_id(&self) -> &str {
        self.parts().map_or("", |(key_id, _)| key_id)
    }

    /// Returns the text as it is kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parts(&self) -> Option<(&str, &str)> {
        self.0.strip_prefix(SCHEME)?.strip_prefix('.')?.split_once('.')
    }
}

impl From<String> for Sealed {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({SCHEME}.{}...)", self.key_id())
    }
}

/// Seals with the current key, which must be there.
pub(crate) fn seal(key: &MasterKey, table: Table, record: &str, field: &str, plain: &Secret) -> Sealed {
    seal_at(key, &[table.name(), record, field], plain.expose())
}

/// Opens with whichever key of the ring sealed it.
pub(crate) fn unseal(
    key: &MasterKey,
    table: Table,
    record: &str,
    field: &str,
    sealed: &Sealed,
) -> Result<Secret, Error> {
    unseal_at(key, &[table.name(), record, field], sealed).map_err(|failure| {
        let (key, field) = (record.to_owned(), field.to_owned());
        match failure {
            Failure::UnknownKey => Error::UnknownKey { table, key, field, key_id: sealed.key_id().to_owned() },
            Failure::Altered => Error::Unseal { table, key, field },
        }
    })
}

/// Seals what tells, at the next start, whether the key is the same.
pub(crate) fn seal_canary(key: &MasterKey) -> Sealed {
    seal_at(key, &["store", "canary", ""], CANARY)
}

/// Compares the key with the canary of the store.
pub(crate) fn key_state(key: &MasterKey, canary: &Sealed) -> KeyState {
    let expected = canary.key_id().to_owned();
    if key.is_missing() {
        return KeyState::Missing { expected };
    }
    match unseal_at(key, &["store", "canary", ""], canary) {
        Ok(_) => KeyState::Ok,
        Err(_) => KeyState::Wrong { expected, found: key.current_id().to_owned() },
    }
}

enum Failure {
    UnknownKey,
    Altered,
}

fn seal_at(key: &MasterKey, address: &[&str; 3], plain: &str) -> Sealed {
    let key_id = key.current_id();
    let cipher = cipher(key, key_id).expect("callers have looked at the state of the key");
    let mut bytes = vec![0; NONCE_BYTES];
    SystemRandom::new().fill(&mut bytes).expect("the random source of the system answers once it is up");
    let nonce = XNonce::try_from(&bytes[..]).expect("24 bytes");
    let sealed = cipher
        .encrypt(&nonce, Payload { msg: plain.as_bytes(), aad: &associated(address) })
        .expect("fails only beyond 256 GiB");
    bytes.extend_from_slice(&sealed);
    Sealed(format!("{SCHEME}.{key_id}.{}", URL_SAFE_NO_PAD.encode(bytes)))
}

fn unseal_at(key: &MasterKey, address: &[&str; 3], sealed: &Sealed) -> Result<Secret, Failure> {
    let (key_id, text) = sealed.parts().ok_or(Failure::Altered)?;
    let cipher = cipher(key, key_id).ok_or(Failure::UnknownKey)?;
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Failure::Altered)?;
    let (nonce, msg) = bytes.split_at_checked(NONCE_BYTES).ok_or(Failure::Altered)?;
    let nonce = XNonce::try_from(nonce).map_err(|_| Failure::Altered)?;
    let plain = cipher.decrypt(&nonce, Payload { msg, aad: &associated(address) }).map_err(|_| Failure::Altered)?;
    match String::from_utf8(plain) {
        Ok(text) => Ok(Secret::new(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            Err(Failure::Altered)
        }
    }
}

fn cipher(key: &MasterKey, id: &str) -> Option<XChaCha20Poly1305> {
    let sealing: Zeroizing<[u8; 32]> = key.sealing(id)?;
    Some(XChaCha20Poly1305::new((&*sealing).into()))
}

/// Writes the address so that no two look alike: each part with its length before it.
fn associated(address: &[&str; 3]) -> Vec<u8> {
    let mut bytes = Vec::from(SCHEME);
    for part in address {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}
