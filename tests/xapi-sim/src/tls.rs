//! The certificate a host shows, and how it is changed while clients are connected.

use std::{fs, path::Path, sync::Arc};

use anyhow::Context;
use parking_lot::Mutex;
use rustls::{
    ClientConfig, DigitallySignedStruct, ServerConfig, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio_rustls::TlsConnector;

/// The certificate shown to the next client.
#[derive(Debug)]
pub struct Identity {
    current: Mutex<(Arc<CertifiedKey>, String)>,
}

impl Identity {
    /// Takes the certificate from the folder, or makes one (and keeps it there).
    pub fn new(folder: Option<&Path>) -> anyhow::Result<Arc<Self>> {
        let files = folder.map(|f| (f.join("certificate.pem"), f.join("key.pem")));
        let (certificate, key) = match &files {
            Some((certificate, key)) if certificate.exists() => (
                fs::read_to_string(certificate).context("read the certificate")?,
                fs::read_to_string(key).context("read the key")?,
            ),
            _ => generate()?,
        };
        if let Some((certificate_file, key_file)) = files.filter(|(c, _)| !c.exists()) {
            fs::create_dir_all(certificate_file.parent().context("the folder has a name")?)?;
            fs::write(&key_file, &key).context("write the key")?;
            fs::write(&certificate_file, &certificate).context("write the certificate")?;
        }
        Ok(Arc::new(Self { current: Mutex::new(certified(&certificate, &key)?) }))
    }

    /// SHA-256 of the certificate, lower-case hex with colons.
    pub fn fingerprint(&self) -> String {
        self.current.lock().1.clone()
    }

    /// Shows a new certificate from now on; the folder keeps the old one.
    pub fn swap(&self) -> anyhow::Result<String> {
        let (certificate, key) = generate()?;
        *self.current.lock() = certified(&certificate, &key)?;
        Ok(self.fingerprint())
    }

    /// TLS 1.2 only, as today's hosts; no session is resumed, so that a changed certificate is seen at once.
    pub fn server_config(self: &Arc<Self>) -> anyhow::Result<Arc<ServerConfig>> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Arc::new(config))
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.lock().0.clone())
    }
}

/// Returns a self-signed certificate and its key as PEM.
fn generate() -> anyhow::Result<(String, String)> {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).context("make a certificate")?;
    Ok((made.cert.pem(), made.signing_key.serialize_pem()))
}

fn certified(certificate: &str, key: &str) -> anyhow::Result<(Arc<CertifiedKey>, String)> {
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).context("parse the certificate")?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).context("parse the key")?;
    let digest = ::ring::digest::digest(&::ring::digest::SHA256, &certificate);
    let fingerprint: Vec<String> = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    let key = CertifiedKey::from_der(vec![certificate], key, &ring::default_provider()).context("use the key")?;
    Ok((Arc::new(key), fingerprint.join(":")))
}

/// Returns what connects to another simulator, whatever certificate that shows: hosts of other pools are strangers to each other.
pub fn trusting() -> anyhow::Result<TlsConnector> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
