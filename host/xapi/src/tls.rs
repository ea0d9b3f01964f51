//! Decides which certificates are good, and remembers which one it saw.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::{Tls, TlsFailure, version1};

/// Judges certificates for one target.
#[derive(Debug)]
pub(crate) struct Judge {
    policy: Policy,
    provider: Arc<CryptoProvider>,
    /// SHA-256 of the certificate the host showed last, good or not.
    seen: Mutex<Option<String>>,
}

#[derive(Debug)]
enum Policy {
    /// `None`: this system has no certificate authorities, so nobody can vouch.
    Verify(Option<Arc<WebPkiServerVerifier>>),
    Pin(String),
    Any,
}

impl Judge {
    /// Returns a judge; the error says what is wrong with the settings. Reads files the first time.
    pub(crate) fn new(tls: &Tls) -> Result<Arc<Self>, String> {
        Self::with_roots(tls, system_roots)
    }

    fn with_roots(tls: &Tls, roots: impl FnOnce() -> Arc<RootCertStore>) -> Result<Arc<Self>, String> {
        let provider = Arc::new(ring::default_provider());
        let policy = match tls {
            Tls::Verify => {
                Policy::Verify(WebPkiServerVerifier::builder_with_provider(roots(), provider.clone()).build().ok())
            }
            Tls::Pin(pin) => {
                Policy::Pin(normalise(pin).ok_or("the fingerprint has to be SHA-256, 64 hexadecimal digits")?)
            }
            Tls::AllowUnauthorized => Policy::Any,
        };
        Ok(Arc::new(Self { policy, provider, seen: Mutex::default() }))
    }

    /// Returns the fingerprint of the certificate the host showed last.
    pub(crate) fn seen(&self) -> Option<String> {
        self.seen.lock().clone()
    }

    /// Returns the TLS settings that ask this judge.
    pub(crate) fn config(self: &Arc<Self>) -> Result<ClientConfig, rustls::Error> {
        Ok(ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(self.clone())
            .with_no_client_auth())
    }

    /// Says what a TLS error means under this judge's policy.
    pub(crate) fn explain(&self, error: &rustls::Error) -> TlsFailure {
        let seen = self.seen();
        match (error, &self.policy, seen) {
            (rustls::Error::InvalidCertificate(reason), Policy::Verify(roots), Some(fingerprint)) => {
                let reason = match roots {
                    Some(_) => reason.to_string(),
                    None => "this system has no certificate authorities".to_owned(),
                };
                TlsFailure::UnknownCertificate { fingerprint, reason }
            }
            (rustls::Error::InvalidCertificate(_), Policy::Pin(pin), Some(fingerprint)) if fingerprint != *pin => {
                TlsFailure::ChangedCertificate { expected: pin.clone(), fingerprint }
            }
            _ => TlsFailure::Handshake { reason: error.to_string() },
        }
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let fingerprint = fingerprint(end_entity);
        *self.seen.lock() = Some(fingerprint.clone());
        match &self.policy {
            Policy::Any => Ok(ServerCertVerified::assertion()),
            Policy::Pin(pin) if *pin == fingerprint => Ok(ServerCertVerified::assertion()),
            Policy::Pin(_) => Err(CertificateError::ApplicationVerificationFailure.into()),
            Policy::Verify(Some(roots)) => roots.verify_server_cert(end_entity, intermediates, name, ocsp, now),
            Policy::Verify(None) => Err(CertificateError::UnknownIssuer.into()),
        }
    }

    // Whoever shows a certificate has to hold its key, under every policy.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        match verify_tls12_signature(message, certificate, signature, algorithms) {
            // A certificate webpki cannot read. Hosts that have one speak TLS 1.2 at most.
            Err(rustls::Error::InvalidCertificate(error))
                if !matches!(error, CertificateError::BadSignature)
                    && !matches!(self.policy, Policy::Verify(_))
                    && version1::signed_by(certificate, message, signature, algorithms) =>
            {
                Ok(HandshakeSignatureValid::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Returns SHA-256 of a certificate as `ab:cd:...`, the way XAPI and browsers show it.
fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = ::ring::digest::digest(&::ring::digest::SHA256, certificate);
    let mut text = String::with_capacity(95);
    for byte in digest.as_ref() {
        if !text.is_empty() {
            text.push(':');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Returns the fingerprint of the first certificate in a PEM text.
pub(crate) fn fingerprint_of_pem(pem: &str) -> Option<String> {
    CertificateDer::from_pem_slice(pem.as_bytes()).ok().map(|certificate| fingerprint(&certificate))
}

/// Returns whether two fingerprints (SHA-256, in hexadecimal digits with or without colons) are of the same certificate.
pub fn same_fingerprint(one: &str, other: &str) -> bool {
    normalise(one).is_some_and(|one| Some(one) == normalise(other))
}

/// Returns a fingerprint as a person wrote it in the form we compare and show, or `None` when it is not SHA-256.
pub(crate) fn normalise(pin: &str) -> Option<String> {
    let digits: Vec<char> = pin.chars().filter(|letter| *letter != ':' && !letter.is_whitespace()).collect();
    if digits.len() != 64 || !digits.iter().all(char::is_ascii_hexdigit) {
        return None;
    }
    let pairs: Vec<String> =
        digits.chunks(2).map(|pair| pair.iter().collect::<String>().to_ascii_lowercase()).collect();
    Some(pairs.join(":"))
}

/// Returns the system's certificate authorities, read once: it takes about 10 ms, and a change of them is rare enough
/// to wait for a restart.
fn system_roots() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    ROOTS
        .get_or_init(|| {
            let mut roots = RootCertStore::empty();
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                tracing::warn!(%error, "some certificate authorities of the system cannot be read");
            }
            roots.add_parsable_certificates(found.certs);
            Arc::new(roots)
        })
        .clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(judge: &Judge, certificate: &CertificateDer<'_>, name: &str) -> Result<(), TlsFailure> {
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let verdict = judge.verify_server_cert(certificate, &[], &name, &[], UnixTime::now());
        verdict.map(drop).map_err(|error| judge.explain(&error))
    }

    #[test]
    fn policies() {
        let made = rcgen::generate_simple_self_signed(vec!["xen1".to_owned()]).expect("a certificate");
        let other = rcgen::generate_simple_self_signed(vec!["xen1".to_owned()]).expect("a certificate");
        let (good, bad) = (made.cert.der(), other.cert.der());
        let seen = fingerprint(good);

        let any = Judge::new(&Tls::AllowUnauthorized).expect("settings");
        assert_eq!(judge(&any, good, "elsewhere"), Ok(()));
        assert_eq!(any.seen(), Some(seen.clone()));

        let shouted = seen.to_uppercase().replace(':', " ");
        let pinned = Judge::new(&Tls::Pin(shouted)).expect("settings");
        assert_eq!(judge(&pinned, good, "elsewhere"), Ok(()));
        let changed = TlsFailure::ChangedCertificate { expected: seen.clone(), fingerprint: fingerprint(bad) };
        assert_eq!(judge(&pinned, bad, "xen1"), Err(changed));

        let mut roots = RootCertStore::empty();
        roots.add(good.clone()).expect("a root");
        let verify = Judge::with_roots(&Tls::Verify, || Arc::new(roots)).expect("settings");
        assert_eq!(judge(&verify, good, "xen1"), Ok(()));
        for (certificate, name) in [(good, "elsewhere"), (bad, "xen1")] {
            let failure = judge(&verify, certificate, name).expect_err("nobody vouches");
            assert!(matches!(failure, TlsFailure::UnknownCertificate { .. }), "{failure:?}");
        }

        let nobody = Judge::with_roots(&Tls::Verify, || Arc::new(RootCertStore::empty())).expect("settings");
        assert!(judge(&nobody, good, "xen1").is_err());
        for pin in ["", "abcd", &"g".repeat(64), &"a".repeat(40)] {
            assert!(Judge::new(&Tls::Pin(pin.to_owned())).is_err(), "{pin}");
        }
    }
}
