//! One-time passwords by the clock (RFC 6238), as authenticator apps make them: six digits, thirty seconds, SHA-1.

use std::collections::HashMap;

use model::{Millis, Secret, UserId};
use parking_lot::Mutex;
use totp_rs::{Algorithm, Builder};
use wire::Failure;

use crate::ctx::App;
use crate::error::{Error, Result};
use crate::user::{self, User};

/// Milliseconds for which a code is the current one. The one before and the one after it are taken too: clocks differ.
const STEP: Millis = 30_000;

/// Name of the preference.
pub(crate) const PREFERENCE: &str = "otp";

/// What is shown of the secret.
pub(crate) const SHOWN: &str = "* obfuscated *";

/// Accounts of which the last code is remembered. Beyond it those are forgotten whose codes are over.
const ENTRIES: usize = 10_000;

/// The codes that were used: each is good once.
#[derive(Default)]
pub(crate) struct Used(Mutex<HashMap<UserId, u64>>);

impl Used {
    /// Takes a code of this step, unless one of it or of a later one was taken before.
    fn take(&self, user: &UserId, step: u64) -> bool {
        let mut used = self.0.lock();
        if used.len() >= ENTRIES {
            used.retain(|_, last| *last + 2 >= step);
        }
        let last = used.entry(user.clone()).or_default();
        let is_new = *last < step;
        *last = step.max(*last);
        is_new
    }
}

/// Checks a new secret in Base32, as the apps take it.
pub(crate) fn check_secret(text: &str) -> Result<Secret> {
    let secret = totp_rs::Secret::try_from_base32(text);
    match secret {
        Ok(secret) if secret.as_bytes().len() >= 10 => Ok(Secret::new(text)),
        _ => Err(Failure::invalid("preferences.otp must be a secret of 80 bits or more in Base32, or null").into()),
    }
}

/// Returns the step of a code, if it is one of the secret's at this time.
fn step_of(secret: &Secret, code: &str, now: Millis) -> Option<u64> {
    let secret = totp_rs::Secret::try_from_base32(secret.expose()).ok()?;
    // Shorter secrets than the RFC recommends were made by the daemon that this one replaces.
    let totp =
        Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_skew(1).with_step_duration(STEP / 1_000);
    totp.with_secret(secret).build_noncompliant().check(code.trim(), now / 1_000)
}

impl App {
    /// Asks for the one-time password of an account that has one; the password was right.
    pub(crate) fn check_code(&self, user: &User, code: Option<&str>) -> Result<()> {
        let Some(sealed) = &user.otp else { return Ok(()) };
        let Some(code) = code.filter(|code| !code.is_empty()) else {
            return Err(Failure::OneTimePassword { is_missing: true }.into());
        };
        let now = self.clock.now();
        if !self.throttle.allows_code(&user.id, now) {
            return Err(Failure::TooFast.into());
        }
        let secret = self.store.unseal(store::Table::Users, &user::id_key(&user.id), PREFERENCE, sealed)?;
        match step_of(&secret, code, now) {
            Some(step) if self.codes.take(&user.id, step) => Ok(()),
            found => {
                self.throttle.failed_code(&user.id, now);
                let refused = Error::from(Failure::OneTimePassword { is_missing: false });
                Err(refused.with_detail(if found.is_some() { "code used before" } else { "wrong code" }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238, appendix B, in Base32.
    const RFC: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn codes_are_those_of_the_rfc() {
        // Its codes have eight digits; these are their last six.
        let cases = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ];
        let secret = Secret::new(RFC);
        for (seconds, code) in cases {
            let now = seconds * 1_000;
            assert_eq!(step_of(&secret, code, now), Some(seconds / 30), "{code}");
            assert!(step_of(&secret, code, now + STEP).is_some() && step_of(&secret, code, now - STEP).is_some());
            assert!(step_of(&secret, code, now + 2 * STEP).is_none() && step_of(&secret, "000000", now).is_none());
        }
    }

    #[test]
    fn a_code_is_good_once() {
        let (used, user) = (Used::default(), UserId::from("u"));
        let tries = [(10, true), (10, false), (9, false), (11, true), (10, false)];
        assert_eq!(tries.map(|(step, _)| used.take(&user, step)), tries.map(|(_, fine)| fine));
        assert!(used.take(&UserId::from("v"), 10));
    }

    #[test]
    fn secrets() {
        for (text, fine) in [(RFC, true), ("GEZDGNBVGY3TQOJQ", true), ("GEZDGNBV", false), ("", false), ("1!", false)] {
            assert_eq!(check_secret(text).is_ok(), fine, "{text}");
        }
    }
}
