//! Password hashes: argon2id, at most two at a time, and a short memory for clients that send Basic with each request.

use std::collections::HashMap;

use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use model::{Millis, Secret, UserId};
use parking_lot::Mutex;
use ring::hmac;
use tokio::sync::Semaphore;
use wire::Failure;

use crate::error::{Error, Result};

/// A hash costs 19 MiB and tens of milliseconds; more at once would let strangers choose our memory.
const AT_ONCE: usize = 2;

/// Milliseconds for which a success is remembered.
const REMEMBERED: Millis = 60_000;

/// Successes remembered; more clients than that pay for the hash again.
const ENTRIES: usize = 1_000;

pub(crate) struct Passwords {
    slots: Semaphore,
    key: hmac::Key,
    remembered: Mutex<HashMap<[u8; 32], Millis>>,
}

impl Passwords {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self {
            slots: Semaphore::new(AT_ONCE),
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            remembered: Mutex::default(),
        }
    }

    /// Returns the hash to store for a password.
    pub(crate) async fn hash(&self, password: &Secret) -> Result<String> {
        let password = password.clone();
        self.work(move || {
            let hash = Argon2::default().hash_password(password.expose().as_bytes());
            hash.map(|hash| hash.to_string()).map_err(|error| Error::internal(&error))
        })
        .await?
    }

    /// Returns whether the password belongs to the hash. Without a hash it takes as long and says no, so that nobody
    /// learns which names exist. `still` is asked once it is this one's turn: tries of a crowd that came at once are counted
    /// one after the other, too.
    pub(crate) async fn verify(
        &self,
        user: Option<&UserId>,
        hash: Option<&str>,
        password: &Secret,
        now: Millis,
        still: impl Fn() -> bool,
    ) -> Result<bool> {
        // The MAC covers the stored hash too: after a change of the password nothing is remembered.
        let mut mac = hmac::Context::with_key(&self.key);
        for part in [user.map_or("", UserId::as_str), hash.unwrap_or_default(), password.expose()] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        let mut tag = [0; 32];
        tag.copy_from_slice(mac.sign().as_ref());
        if self.remembered.lock().get(&tag).is_some_and(|at| now.saturating_sub(*at) < REMEMBERED) {
            return Ok(true);
        }
        let (hash, password) = (hash.map(str::to_owned), password.clone());
        let matches = self
            .work_if(still, move || match hash.as_deref().and_then(|hash| PasswordHash::new(hash).ok()) {
                Some(hash) => Argon2::default().verify_password(password.expose().as_bytes(), &hash).is_ok(),
                None => {
                    let _ = Argon2::default().hash_password(password.expose().as_bytes());
                    false
                }
            })
            .await?;
        if matches {
            let mut remembered = self.remembered.lock();
            if remembered.len() >= ENTRIES {
                remembered.clear();
            }
            remembered.insert(tag, now);
        }
        Ok(matches)
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        self.work_if(|| true, work).await
    }

    async fn work_if<T: Send + 'static>(
        &self,
        still: impl Fn() -> bool,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let slot = self.slots.acquire().await.expect("the semaphore is never closed");
        if !still() {
            return Err(Failure::TooFast.into());
        }
        let result = tokio::task::spawn_blocking(work).await.map_err(|error| Error::internal(&error));
        drop(slot);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn verifies_remembers_and_forgets_with_the_hash() {
        let passwords = Passwords::new([1; 32]);
        let (user, good, bad) = (UserId::from("u"), Secret::new("good"), Secret::new("bad"));
        let hash = passwords.hash(&good).await.unwrap();
        assert!(passwords.verify(Some(&user), Some(&hash), &good, 0, || true).await.unwrap());
        assert!(!passwords.verify(Some(&user), Some(&hash), &bad, 0, || true).await.unwrap());
        assert!(!passwords.verify(None, None, &good, 0, || true).await.unwrap());
        let other = passwords.hash(&bad).await.unwrap();
        assert!(!passwords.verify(Some(&user), Some(&other), &good, 1, || true).await.unwrap());
        assert_eq!(passwords.remembered.lock().len(), 1);
        let late = passwords.verify(Some(&user), Some(&hash), &bad, 0, || false).await;
        assert_eq!(late.unwrap_err().failure, Failure::TooFast);
    }
}
