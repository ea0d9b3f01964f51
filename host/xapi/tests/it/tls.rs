//! Certificates: pinned, changed, unknown, and hosts that do not speak TLS at all.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::version::TLS12;
use xapi::{Connection, Error, Event, EventStream, Member, Target, Timeouts, Tls, TlsFailure};

use crate::server::{PATIENCE, Reply, Request, Server, host, in_turn, ok, timeouts};

/// Starts a host with a self-signed certificate and returns its fingerprint, too.
async fn start() -> (Server, String) {
    start_with(host(|_| ok(json!("fine")))).await
}

async fn start_with(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (Server, String) {
    let made = rcgen::generate_simple_self_signed(vec!["xen1".to_owned()]).expect("a certificate");
    let certificate: CertificateDer<'static> = made.cert.der().clone();
    let seen = fingerprint(&certificate);
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a configuration");
    let server = Server::start_tls(answer, TlsAcceptor::from(Arc::new(config))).await;
    (server, seen)
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    let hex: Vec<String> = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    hex.join(":")
}

/// A key that does not belong to any certificate here.
fn key_of_somebody_else() -> PrivateKeyDer<'static> {
    let key = rcgen::KeyPair::generate().expect("a key");
    PrivateKeyDer::try_from(key.serialize_der()).expect("a key")
}

fn target(server: &Server, tls: Tls) -> Target {
    Target { host: server.address.to_string(), tls, ..server.target() }
}

#[tokio::test]
async fn a_pinned_certificate_is_good_and_another_one_is_not() {
    let (server, fingerprint) = start().await;
    let pins = [fingerprint.clone(), fingerprint.to_uppercase(), fingerprint.replace(':', "")];
    for pin in pins {
        let connection = Connection::open(target(&server, Tls::Pin(pin)), timeouts()).await.expect("a session");
        assert_eq!(connection.peer_fingerprint(), Some(fingerprint.clone()));
    }
    let wrong = "AB".repeat(32);
    let error = Connection::open(target(&server, Tls::Pin(wrong)), timeouts()).await.expect_err("another certificate");
    let expected = ["ab"; 32].join(":");
    assert!(
        matches!(&error, Error::Tls { failure: TlsFailure::ChangedCertificate { expected: told, fingerprint: seen }, .. }
            if *told == expected && *seen == fingerprint),
        "{error:?}"
    );
    assert_eq!(error.fingerprint(), Some(&*fingerprint));
    assert!(error.needs_administrator());
    assert_eq!(server.calls("session.login_with_password").len(), 3, "the password was not sent");
}

#[tokio::test]
async fn certificates_of_version_1_can_be_pinned() {
    let pem = include_bytes!("version1.pem");
    let certificate = CertificateDer::from_pem_slice(pem).expect("a certificate");
    let (key, wrong) = (PrivateKeyDer::from_pem_slice(pem).expect("a key"), key_of_somebody_else());
    for (key, good) in [(key, true), (wrong, false)] {
        let provider = default_provider();
        let key = provider.key_provider.load_private_key(key).expect("a key");
        let resolver = SingleCertAndKey::from(CertifiedKey::new(vec![certificate.clone()], key));
        // Like the hosts that have such certificates.
        let config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&TLS12])
            .expect("versions")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(resolver));
        let server = Server::start_tls(host(|_| ok(json!("fine"))), TlsAcceptor::from(Arc::new(config))).await;
        for tls in [Tls::AllowUnauthorized, Tls::Pin(fingerprint(&certificate))] {
            let outcome = Connection::open(target(&server, tls), timeouts()).await;
            assert_eq!(outcome.is_ok(), good, "{outcome:?}");
        }
    }
}

#[tokio::test]
async fn an_unknown_certificate_is_shown() {
    let (server, fingerprint) = start().await;
    let error = Connection::open(target(&server, Tls::Verify), timeouts()).await.expect_err("self-signed");
    assert!(matches!(&error, Error::Tls { failure: TlsFailure::UnknownCertificate { .. }, .. }), "{error:?}");
    assert_eq!(error.fingerprint(), Some(&*fingerprint));
    assert!(error.needs_administrator());
    assert!(server.all().is_empty());
}

#[tokio::test]
async fn anything_goes_when_told_so() {
    let (server, fingerprint) = start().await;
    let connection = Connection::open(target(&server, Tls::AllowUnauthorized), timeouts()).await.expect("a session");
    assert_eq!(connection.peer_fingerprint(), Some(fingerprint));
}

#[tokio::test]
async fn a_host_that_speaks_no_tls_is_not_a_certificate_problem() {
    let server = Server::start(host(|_| ok(json!("")))).await;
    let times = Timeouts { connect: Duration::from_millis(500), ..timeouts() };
    let error = Connection::open(target(&server, Tls::Verify), times).await.expect_err("no TLS");
    assert!(!error.needs_administrator() && error.fingerprint().is_none(), "{error:?}");
}

#[tokio::test]
async fn a_bad_fingerprint_is_a_bad_setting() {
    let (server, _) = start().await;
    let error = Connection::open(target(&server, Tls::Pin("abc".to_owned())), timeouts()).await.expect_err("a bad pin");
    assert!(matches!(error, Error::Target { .. }), "{error:?}");
    assert!(error.needs_administrator());
}

#[tokio::test]
async fn an_old_pool_is_asked_for_the_certificates_of_its_members() {
    let made = rcgen::generate_simple_self_signed(vec!["xen2".to_owned()]).expect("a certificate");
    let (pem, expected) = (made.cert.pem(), fingerprint(made.cert.der()));
    let first = in_turn(vec![true, false]);
    let object = |class: &str, reference: &str, snapshot: serde_json::Value| json!({ "id": "1", "timestamp": "0.0", "class": class, "operation": "add", "ref": reference, "snapshot": snapshot });
    let events = json!([
        object("pool", "p", json!({ "master": "h1" })),
        object("host", "h1", json!({ "address": "10.0.0.1" })),
        object("host", "h2", json!({ "address": "10.0.0.2" })),
    ]);
    let (server, seen) = start_with(host(move |request| match request.method().as_str() {
        "event.from" if first() => ok(json!({ "events": events, "token": "7,0" })),
        "event.from" => ok(json!({ "events": [], "token": "8,0" })),
        "host.get_server_certificate" if request.params()[1] == "h2" => ok(json!(pem)),
        "host.get_server_certificate" => ok(json!("no certificate at all")),
        other => panic!("{other}"),
    }))
    .await;
    let mut stream =
        EventStream::new(target(&server, Tls::Pin(seen)), timeouts(), &["pool", "host", "Certificate"], Some(&[]));
    let wanted = [
        Member { address: "10.0.0.1".to_owned(), fingerprint: None },
        Member { address: "10.0.0.2".to_owned(), fingerprint: Some(expected) },
    ];
    let reading = async { while !matches!(stream.next().await, Event::Members(members) if members == wanted) {} };
    tokio::time::timeout(PATIENCE, reading).await.expect("members and their pins");
}
