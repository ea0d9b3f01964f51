//! TLS to servers of plugins: certificates are always checked, by authority or by fingerprint, and refusals say what to do.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use ring::digest;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::{ErrorKind, PluginError};

/// Certificates of one PEM text; a system's whole bundle has about 150.
const MAX_CERTIFICATES: usize = 500;

/// Whom to believe.
pub(crate) struct Trust<'a> {
    /// PEM certificates beside those of the system: of the configuration and of the grant.
    pub(crate) authorities: Vec<&'a str>,
    /// SHA-256 of the certificate; then it alone counts.
    pub(crate) fingerprint: Option<[u8; 32]>,
}

fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())).clone()
}

/// The system's authorities, read once.
fn system_roots() -> &'static RootCertStore {
    static ROOTS: OnceLock<RootCertStore> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        for error in found.errors {
            tracing::warn!(%error, "a certificate of the system cannot be read");
        }
        roots.add_parsable_certificates(found.certs);
        roots
    })
}

/// Starts TLS. `name` is what the certificate must be for.
pub(crate) async fn connect(
    stream: TcpStream,
    name: &str,
    trust: Trust<'_>,
    step: Duration,
) -> Result<TlsStream<TcpStream>, PluginError> {
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let server = ServerName::try_from(bare.to_owned())
        .map_err(|_| PluginError::new(ErrorKind::Invalid, "tls.name", format!("{name:?} is not a name for TLS")))?;
    let seen = Arc::new(Mutex::new(None));
    let verifier = Verifier { inner: verifier(&trust)?, pin: trust.fingerprint, seen: seen.clone() };
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| PluginError::new(ErrorKind::Internal, "tls.config", error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    match tokio::time::timeout(step, TlsConnector::from(Arc::new(config)).connect(server, stream)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(explain(name, &error, seen.lock().take())),
        Err(_) => {
            let message =
                format!("{name}: TLS did not come about within {} ms; is this the TLS port?", step.as_millis());
            Err(PluginError::new(ErrorKind::Unavailable, "connect.timeout", message))
        }
    }
}

fn verifier(trust: &Trust<'_>) -> Result<Arc<WebPkiServerVerifier>, PluginError> {
    let invalid = |message: &str| PluginError::new(ErrorKind::Invalid, "tls.ca", message);
    let mut roots = system_roots().clone();
    for pem in &trust.authorities {
        let mut count = 0;
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()).take(MAX_CERTIFICATES) {
            let certificate = certificate
                .map_err(|_| invalid("the CA certificate is not PEM; copy it with its BEGIN and END lines"))?;
            roots
                .add(certificate)
                .map_err(|_| invalid("the CA certificate cannot be used: it is damaged or of an unknown kind"))?;
            count += 1;
        }
        if count == 0 {
            return Err(invalid("the text given as CA has no certificate; copy it with its BEGIN and END lines"));
        }
    }
    if roots.is_empty() {
        if trust.fingerprint.is_none() {
            let message = "this machine has no certificate authorities and the configuration gives none; add the CA";
            return Err(PluginError::new(ErrorKind::Unavailable, "tls.unknown-ca", message));
        }
        // Behind a fingerprint no authority is asked, but the verifier wants one to exist; the signatures are checked all the same.
        roots.roots.push(placeholder_anchor());
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| PluginError::new(ErrorKind::Internal, "tls.config", error.to_string()))
}

fn placeholder_anchor() -> rustls::pki_types::TrustAnchor<'static> {
    rustls::pki_types::TrustAnchor {
        subject: [0_u8; 0].as_slice().into(),
        subject_public_key_info: [0_u8; 0].as_slice().into(),
        name_constraints: None,
    }
}

/// Checks by fingerprint, if there is one, else by authority; remembers what it saw, for the message.
#[derive(Debug)]
struct Verifier {
    inner: Arc<WebPkiServerVerifier>,
    pin: Option<[u8; 32]>,
    seen: Arc<Mutex<Option<String>>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let hash = digest::digest(&digest::SHA256, end);
        let text: Vec<String> = hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
        *self.seen.lock() = Some(text.join(":"));
        match self.pin {
            Some(pin) if hash.as_ref() == pin => Ok(ServerCertVerified::assertion()),
            Some(_) => Err(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)),
            None => self.inner.verify_server_cert(end, intermediates, name, ocsp, now),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

fn explain(name: &str, error: &io::Error, seen: Option<String>) -> PluginError {
    let seen = seen.unwrap_or_default();
    let make = |code: &str, what: String| {
        let error = PluginError::new(ErrorKind::Unavailable, code, format!("{name}: {what}"));
        if seen.is_empty() { error } else { error.param(seen.clone()) }
    };
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidCertificate(certificate)) => match certificate {
            CertificateError::ApplicationVerificationFailure => make(
                "tls.fingerprint",
                format!(
                    "its certificate has the fingerprint {seen}, not the one in the grant; if it was renewed, grant the new one"
                ),
            ),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => make(
                "tls.name-mismatch",
                "its certificate is for another name; use the name that stands in the certificate".to_owned(),
            ),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                make("tls.expired", "its certificate has expired; renew it on the server".to_owned())
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => make(
                "tls.not-yet-valid",
                "its certificate is not valid yet; check the clocks of both machines".to_owned(),
            ),
            // A bad signature is mostly an authority of the same name with another key; a certificate that signs itself reads as
            // an authority used as a server's certificate, which is among the others.
            CertificateError::UnknownIssuer | CertificateError::BadSignature | CertificateError::Other(_) => make(
                "tls.unknown-ca",
                format!(
                    "its certificate (SHA-256 {seen}) is of an authority that is not trusted here; add the CA, or its fingerprint to the grant"
                ),
            ),
            other => make("tls.certificate", format!("its certificate is refused: {other:?}")),
        },
        Some(rustls::Error::InvalidMessage(_)) => {
            make("tls.not-tls", "it does not speak TLS on this port; check the port, or use StartTLS".to_owned())
        }
        Some(other) => make("tls.failed", format!("TLS failed: {other}")),
        None if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => {
            make("tls.not-tls", "it hung up at the start of TLS; check the port, or use StartTLS".to_owned())
        }
        None => make("tls.failed", format!("TLS failed: {error}")),
    }
}
