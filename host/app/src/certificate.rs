//! How long the key of a certificate is. XAPI hands the certificate of a host out as text; only the key in it is looked at.

use x509_parser::pem::parse_x509_pem;
use x509_parser::public_key::PublicKey;

/// Returns how many bits the RSA key of the first certificate in a PEM text has; none when it is no certificate, or its key is
/// of another sort.
pub(crate) fn rsa_bits(pem: &str) -> Option<usize> {
    let (_, block) = parse_x509_pem(pem.as_bytes()).ok()?;
    let certificate = block.parse_x509().ok()?;
    let PublicKey::RSA(key) = certificate.public_key().parsed().ok()? else { return None };
    // The sign of the number stands in front of it.
    let first = key.modulus.iter().position(|byte| *byte != 0)?;
    Some((key.modulus.len() - first) * 8 - key.modulus[first].leading_zeros() as usize)
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
