//! How long the key of a certificate is. XAPI hands the certificate of a host out as text; only the key in it is looked at.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// RSA, as certificates name it.
const RSA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

const INTEGER: u8 = 0x02;
const BITS: u8 = 0x03;
const NAME: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// Splits the first element off: its tag, its content, what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // Nothing in a certificate needs more than four bytes for its length.
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// Returns the content of the first element, if it has this tag, and what follows.
fn wanted(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    element(der).filter(|(found, ..)| *found == tag).map(|(_, content, rest)| (content, rest))
}

/// Returns how many bits the RSA key of the first certificate in a PEM text has; none when it is no certificate, or its key is
/// of another sort.
pub(crate) fn rsa_bits(pem: &str) -> Option<usize> {
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    let der = STANDARD.decode(body).ok()?;
    let (certificate, _) = wanted(&der, SEQUENCE)?;
    let (mut rest, _) = wanted(certificate, SEQUENCE)?;
    if let Some((_, after)) = wanted(rest, VERSION) {
        rest = after;
    }
    // Serial number, signature, issuer, validity, subject.
    for tag in [INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE] {
        rest = wanted(rest, tag)?.1;
    }
    let (key, _) = wanted(rest, SEQUENCE)?;
    let (algorithm, key) = wanted(key, SEQUENCE)?;
    if wanted(algorithm, NAME)?.0 != RSA {
        return None;
    }
    // The number of unused bits stands first.
    let (_, key) = wanted(key, BITS)?.0.split_first()?;
    let (modulus, _) = wanted(wanted(key, SEQUENCE)?.0, INTEGER)?;
    let first = modulus.iter().position(|byte| *byte != 0)?;
    Some((modulus.len() - first) * 8 - modulus[first].leading_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with openssl: `req -x509 -newkey rsa:1024` and `-newkey ec:prime256v1`.
    const SHORT: &str = include_str!("../tests/certificates/rsa-1024.pem");
    const CURVE: &str = include_str!("../tests/certificates/p-256.pem");

    #[test]
    fn keys_of_certificates() {
        assert_eq!(rsa_bits(SHORT), Some(1024));
        assert_eq!(rsa_bits(CURVE), None);
        for text in ["", "no certificate", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----"] {
            assert_eq!(rsa_bits(text), None);
        }
        // Cut off anywhere it is none, and nothing worse.
        let whole: String = SHORT.lines().filter(|line| !line.starts_with('-')).collect();
        for length in (0..whole.len()).step_by(4) {
            let pem = format!("-----BEGIN CERTIFICATE-----{}-----END CERTIFICATE-----", &whole[..length]);
            assert_eq!(rsa_bits(&pem), None, "{length}");
        }
    }
}
