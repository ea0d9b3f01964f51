//! Checks handshake signatures against certificates that the TLS library refuses to read: X.509 version 1, and other
//! oddities of the certificates that old hosts made for themselves.
//!
//! Only the public key is read; whether the certificate itself is good has been decided before, by its fingerprint (or by
//! the administrator who allows any). A certificate that the system's authorities have to vouch for never comes here.

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::{DigitallySignedStruct, SignatureScheme};

/// Returns whether the owner of this certificate made the signature.
pub(crate) fn signed_by(
    certificate: &[u8],
    message: &[u8],
    signature: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> bool {
    let Some((kind, key)) = public_key(certificate) else { return false };
    let named = algorithms.mapping.iter().find(|(scheme, _): &&(SignatureScheme, _)| *scheme == signature.scheme);
    named.is_some_and(|(_, candidates)| {
        candidates.iter().any(|candidate| {
            candidate.public_key_alg_id().as_ref() == kind
                && candidate.verify_signature(key, message, signature.signature()).is_ok()
        })
    })
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;
/// The version, which version 1 leaves out.
const VERSION: u8 = 0xa0;

/// Returns the algorithm and the bits of a certificate's public key (RFC 5280, section 4.1).
fn public_key(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let (certificate, _) = element(certificate, SEQUENCE)?;
    let (mut fields, _) = element(certificate, SEQUENCE)?;
    if let Some((_, rest)) = element(fields, VERSION) {
        fields = rest;
    }
    // Serial number, signature algorithm, issuer, validity, subject.
    for tag in [INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE] {
        (_, fields) = element(fields, tag)?;
    }
    let (info, _) = element(fields, SEQUENCE)?;
    let (kind, rest) = element(info, SEQUENCE)?;
    let (bits, _) = element(rest, BIT_STRING)?;
    // The first byte counts unused bits at the end; a key has none.
    Some((kind, bits.strip_prefix(&[0])?))
}

/// Returns the content of the DER element in front, which has to have this tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let [first, length, rest @ ..] = bytes else { return None };
    if *first != tag {
        return None;
    }
    let (length, rest) = match *length {
        short @ 0..=0x7f => (usize::from(short), rest),
        long @ 0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            (digits.iter().fold(0, |sum, digit| (sum << 8) | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_and_noise_is_not_one() {
        let made = rcgen::generate_simple_self_signed(vec!["xen1".to_owned()]).expect("a certificate");
        let der = made.cert.der();
        let (_, key) = public_key(der).expect("a key");
        assert_eq!(key, made.signing_key.public_key_raw());
        for end in 0..der.len() {
            assert_eq!(public_key(&der[..end]), None, "{end}");
        }
        for at in 0..der.len() {
            let mut damaged = der.to_vec();
            damaged[at] ^= 0x85;
            // Whatever comes out, it comes out without a panic.
            let _ = public_key(&damaged);
        }
    }
}
