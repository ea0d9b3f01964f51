//! The LDAP capability against servers that behave and servers that do not.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wasmtime::component::Resource;

use super::ldap::{Connection, Entries};
use crate::bindings::xylem::plugin::ldap::{Credential, Host, HostConnection, HostEntries, Query, Scope};
use crate::bindings::xylem::plugin::types::{Endpoint, Tls};
use crate::ctx::{Ctx, Fault, Phase};
use crate::testing::ctx;
use crate::testing::directory::{Certificates, Directory, Door, Manner};
use crate::{Grant, Mode, PluginError};

fn _linked(ctx: &mut Ctx) -> &mut impl Host {
    ctx
}

/// A server, what it is trusted by, and a call that may use it.
struct Bench {
    certificates: Certificates,
    server: Directory,
    ctx: Ctx,
}

async fn bench(door: Door, manner: Manner) -> Bench {
    let certificates = Certificates::new(&["localhost"], false);
    let server = Directory::start(door, manner, &certificates).await;
    let mut bench = Bench { certificates, server, ctx: ctx(vec![], Phase::Normal).0 };
    bench.grant(json!({"addresses": ["loopback"], "plaintext": true}));
    bench
}

impl Bench {
    fn grant(&mut self, options: Value) {
        let capability = format!("ldap:*:{}", self.server.address.port());
        self.ctx = ctx(vec![Grant { capability, mode: Mode::On, options }], Phase::Normal).0;
    }

    fn endpoint(&self, tls: Tls) -> Endpoint {
        let (host, port) = ("localhost".to_owned(), self.server.address.port());
        let ca_pem = Some(self.certificates.ca.clone());
        Endpoint { host, port, tls, ca_pem, timeout: 2_000, options: "{}".to_owned() }
    }

    async fn try_open(&mut self, endpoint: Endpoint) -> Result<Resource<Connection>, PluginError> {
        self.ctx.open(endpoint).await.map_err(plain)
    }

    async fn open(&mut self, tls: Tls) -> Resource<Connection> {
        let endpoint = self.endpoint(tls);
        self.try_open(endpoint).await.expect("the server is there")
    }

    async fn bind(&mut self, it: &Resource<Connection>, dn: &str, password: &str) -> Result<(), PluginError> {
        let credential = Credential::Password(password.to_owned());
        self.ctx.bind(borrow(it), dn.to_owned(), credential).await.map_err(plain)
    }

    async fn search(&mut self, it: &Resource<Connection>, query: Query) -> Result<Resource<Entries>, PluginError> {
        HostConnection::search(&mut self.ctx, borrow(it), query).await.map_err(plain)
    }

    /// Reads to the end, or to the first error.
    async fn read(&mut self, entries: &Resource<Entries>, max: u32) -> (usize, Option<String>) {
        let mut count = 0;
        loop {
            match self.ctx.next(Resource::new_borrow(entries.rep()), max).await.map_err(plain) {
                Ok(page) if page.is_empty() => return (count, None),
                Ok(page) => count += page.len(),
                Err(error) => return (count, Some(error.code)),
            }
        }
    }
}

fn borrow(it: &Resource<Connection>) -> Resource<Connection> {
    Resource::new_borrow(it.rep())
}

fn plain(fault: Fault) -> PluginError {
    match fault {
        Fault::Error(error) => error,
        Fault::Trap(trap) => panic!("a refusal is a value: {trap:#}"),
    }
}

fn query(filter: &str, limit: u32) -> Query {
    Query {
        base: "dc=test".to_owned(),
        scope: Scope::Subtree,
        filter: filter.to_owned(),
        values: vec![("name".to_owned(), "user7".to_owned())],
        attributes: vec!["mail".to_owned()],
        limit,
        options: "{}".to_owned(),
    }
}

#[tokio::test]
async fn signs_in_by_every_door() {
    for (door, tls) in [(Door::Ldaps, Tls::Implicit), (Door::Plain, Tls::Starttls), (Door::Plain, Tls::None)] {
        let mut bench = bench(door, Manner::Good).await;
        let connection = bench.open(tls).await;
        bench.bind(&connection, "cn=xylem", "s3cret").await.unwrap();
        let found = bench.search(&connection, query("(uid={{name}})", 2)).await.unwrap();
        let page = bench.ctx.next(found, 10).await.map_err(plain).unwrap();
        assert_eq!(page.len(), 1);
        assert_eq!(page[0].dn, "uid=user7,dc=test");
        assert!(page[0].attributes.contains(&("mail".to_owned(), vec![b"user7@example.org".to_vec()])));
        // The same connection checks the person's password; nobody else uses it.
        let wrong = bench.bind(&connection, "uid=user7,dc=test", "wrong").await.unwrap_err();
        assert_eq!(wrong.code, "ldap.invalid-credentials");
        bench.bind(&connection, "uid=user7,dc=test", "pw7").await.unwrap();
        HostConnection::drop(&mut bench.ctx, connection).await.unwrap();
        bench.server.until_idle().await;
    }
}

#[tokio::test]
async fn without_the_grant_nothing_is_sent() {
    let certificates = Certificates::new(&["localhost"], false);
    let server = Directory::start(Door::Ldaps, Manner::Good, &certificates).await;
    let port = server.address.port();
    let endpoint = |host: &str, tls| Endpoint {
        host: host.to_owned(),
        port,
        tls,
        ca_pem: Some(certificates.ca.clone()),
        timeout: 2_000,
        options: "{}".to_owned(),
    };
    let right = format!("ldap:localhost:{port}");
    let with = |options| vec![Grant { capability: right.clone(), mode: Mode::On, options }];
    let loopback = || json!({"addresses": ["loopback"]});
    for (grants, phase, endpoint, code, param) in [
        (vec![], Phase::Normal, endpoint("localhost", Tls::Implicit), "grant.missing", right.as_str()),
        (with(loopback()), Phase::Normal, endpoint("other", Tls::Implicit), "grant.missing", ""),
        (with(loopback()), Phase::Normal, endpoint("127.0.0.1", Tls::Implicit), "grant.missing", ""),
        (
            vec![Grant { mode: Mode::Off, ..Grant::on(&right) }],
            Phase::Normal,
            endpoint("localhost", Tls::Implicit),
            "grant.missing",
            "",
        ),
        (with(json!({})), Phase::Normal, endpoint("localhost", Tls::Implicit), "grant.address", "loopback"),
        (with(loopback()), Phase::Normal, endpoint("localhost", Tls::None), "grant.plaintext", "plaintext"),
        (with(loopback()), Phase::Pure, endpoint("localhost", Tls::Implicit), "phase.pure", ""),
    ] {
        let (mut ctx, recorder, watch) = ctx(grants, phase);
        let host = endpoint.host.clone();
        let Err(fault) = ctx.open(endpoint).await else { panic!("{host} must be refused") };
        let error = plain(fault);
        assert_eq!((error.kind, error.code.as_str()), (crate::ErrorKind::Denied, code), "{host}");
        assert!(param.is_empty() || error.params == [param], "{error:?}");
        assert_eq!(watch.health(0).denied, 1);
        let audited = recorder.audited();
        assert!(audited.len() == 1 && audited[0].contains(code), "{audited:?}");
    }
    assert_eq!(server.accepted(), 0);
    let (mut ctx, recorder, _) = ctx(vec![], Phase::Normal);
    for _ in 0..1_000 {
        assert!(ctx.open(endpoint("localhost", Tls::Implicit)).await.is_err());
    }
    assert_eq!(recorder.audited().len(), 1, "a loop of denials is one line");
}

#[tokio::test]
async fn endpoints_that_are_none() {
    let mut bench = bench(Door::Ldaps, Manner::Good).await;
    for (host, options, code) in [
        ("", "{}", "endpoint.invalid"),
        ("*", "{}", "endpoint.invalid"),
        ("user@localhost", "{}", "endpoint.invalid"),
        ("localhost/x", "{}", "endpoint.invalid"),
        ("local\nhost", "{}", "endpoint.invalid"),
        ("localhost", r#"{"insecure": true}"#, "option.unknown"),
    ] {
        let endpoint = Endpoint { host: host.to_owned(), options: options.to_owned(), ..bench.endpoint(Tls::Implicit) };
        assert_eq!(bench.try_open(endpoint).await.unwrap_err().code, code, "{host:?}");
    }
    assert_eq!(bench.server.accepted(), 0);
    // Spellings of the loopback address that only the resolver understands are still the loopback address.
    bench.grant(json!({}));
    for host in ["127.1", "0x7f000001", "2130706433", "[::ffff:127.0.0.1]", "::1", "127.0.0.2"] {
        let endpoint = Endpoint { host: host.to_owned(), ..bench.endpoint(Tls::Implicit) };
        let code = bench.try_open(endpoint).await.unwrap_err().code;
        assert!(["grant.address", "connect.dns"].contains(&code.as_str()), "{host}: {code}");
    }
    assert_eq!(bench.server.accepted(), 0);
}

#[tokio::test]
async fn certificates_are_checked_and_explained() {
    let mut bench = bench(Door::Ldaps, Manner::Good).await;
    let other = Certificates::new(&["localhost"], false);
    let unknown = Endpoint { ca_pem: Some(other.ca.clone()), ..bench.endpoint(Tls::Implicit) };
    let error = bench.try_open(unknown).await.unwrap_err();
    assert_eq!(error.code, "tls.unknown-ca");
    assert_eq!(error.params[0].replace(':', "").to_lowercase(), bench.certificates.fingerprint);

    let by_address = Endpoint { host: "127.0.0.1".to_owned(), ..bench.endpoint(Tls::Implicit) };
    assert_eq!(bench.try_open(by_address).await.unwrap_err().code, "tls.name-mismatch");
    for pem in ["nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let endpoint = Endpoint { ca_pem: Some(pem.to_owned()), ..bench.endpoint(Tls::Implicit) };
        assert_eq!(bench.try_open(endpoint).await.unwrap_err().code, "tls.ca");
    }

    // The grant may bring the authority, or the fingerprint alone, which then also stands for the name.
    let (fingerprint, ca) = (bench.certificates.fingerprint.clone(), bench.certificates.ca.clone());
    let without =
        |bench: &Bench, host: &str| Endpoint { host: host.to_owned(), ca_pem: None, ..bench.endpoint(Tls::Implicit) };
    bench.grant(json!({"addresses": ["loopback"], "ca": ca}));
    let endpoint = without(&bench, "localhost");
    bench.try_open(endpoint).await.unwrap();
    bench.grant(json!({"addresses": ["loopback"], "fingerprint": fingerprint}));
    let endpoint = without(&bench, "127.0.0.1");
    bench.try_open(endpoint).await.unwrap();
    bench.grant(json!({"addresses": ["loopback"], "fingerprint": "00".repeat(32)}));
    let endpoint = bench.endpoint(Tls::Implicit);
    assert_eq!(bench.try_open(endpoint).await.unwrap_err().code, "tls.fingerprint");

    bench.certificates = Certificates::new(&["localhost"], true);
    bench.server = Directory::start(Door::Ldaps, Manner::Good, &bench.certificates).await;
    bench.grant(json!({"addresses": ["loopback"]}));
    let endpoint = bench.endpoint(Tls::Implicit);
    assert_eq!(bench.try_open(endpoint).await.unwrap_err().code, "tls.expired");
}

#[tokio::test]
async fn servers_that_cannot_be_reached() {
    for (door, manner, tls, code) in [
        (Door::Plain, Manner::HangUp, Tls::Implicit, "tls.not-tls"),
        (Door::Plain, Manner::Garbage, Tls::Starttls, "ldap.protocol"),
        (Door::Plain, Manner::HangUp, Tls::Starttls, "connect.closed"),
        (Door::Plain, Manner::NoStartTls, Tls::Starttls, "ldap.starttls-refused"),
        (Door::Plain, Manner::Silent, Tls::Implicit, "connect.timeout"),
        (Door::Plain, Manner::Silent, Tls::Starttls, "ldap.timeout"),
    ] {
        let mut bench = bench(door, manner).await;
        let endpoint = Endpoint { timeout: 300, ..bench.endpoint(tls) };
        let error = bench.try_open(endpoint).await.unwrap_err();
        assert_eq!(error.code, code, "{manner:?} {tls:?}: {}", error.message);
        bench.server.until_idle().await;
    }
    let mut bench = bench(Door::Ldaps, Manner::Good).await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    bench.ctx = ctx(
        vec![Grant { options: json!({"addresses": ["loopback"]}), ..Grant::on(format!("ldap:*:{}", closed.port())) }],
        Phase::Normal,
    )
    .0;
    let endpoint = Endpoint { port: closed.port(), ..bench.endpoint(Tls::Implicit) };
    assert_eq!(bench.try_open(endpoint).await.unwrap_err().code, "connect.refused");
    let endpoint = Endpoint { port: closed.port(), host: "nosuch.invalid".to_owned(), ..bench.endpoint(Tls::Implicit) };
    assert_eq!(bench.try_open(endpoint).await.unwrap_err().code, "connect.dns");
}

#[tokio::test]
async fn binds_that_would_say_nothing() {
    let mut bench = bench(Door::Ldaps, Manner::Good).await;
    let connection = bench.open(Tls::Implicit).await;
    assert_eq!(bench.bind(&connection, "cn=xylem", "").await.unwrap_err().code, "ldap.empty-password");
    assert_eq!(bench.bind(&connection, "", "x").await.unwrap_err().code, "ldap.empty-dn");
    let named = bench.ctx.bind(borrow(&connection), "cn=xylem".to_owned(), Credential::Anonymous).await;
    assert_eq!(named.map_err(plain).unwrap_err().code, "ldap.dn");
    bench.ctx.bind(borrow(&connection), String::new(), Credential::Anonymous).await.map_err(plain).unwrap();
}

#[tokio::test]
async fn reads_page_by_page_and_stops_at_the_limit() {
    for manner in [Manner::Good, Manner::NoPages] {
        let mut bench = bench(Door::Plain, manner).await;
        let connection = bench.open(Tls::None).await;
        for (limit, max, expected) in [
            (0, 1_000, (1_200, None)),
            (0, 7, (1_200, None)),
            (1_200, 1_000, (1_200, None)),
            (1_199, 1_000, (1_199, Some("ldap.limit".to_owned()))),
            (2, 1_000, (2, Some("ldap.limit".to_owned()))),
        ] {
            let entries = bench.search(&connection, query("(uid=*)", limit)).await.unwrap();
            assert_eq!(bench.read(&entries, max).await, expected, "{manner:?} limit {limit}");
            HostEntries::drop(&mut bench.ctx, entries).await.unwrap();
        }
        let one = bench.search(&connection, query("(uid={{name}})", 2)).await.unwrap();
        assert_eq!(bench.read(&one, 2).await, (1, None));
    }
}

#[tokio::test]
async fn searches_that_are_wrong() {
    let mut bench = bench(Door::Plain, Manner::Good).await;
    let connection = bench.open(Tls::None).await;
    for (query, code) in [
        (Query { base: "dc=none".to_owned(), ..query("(uid=*)", 0) }, "ldap.no-such-object"),
        (query("(uid=", 0), "ldap.filter"),
        (query("(uid={{who}})", 0), "ldap.filter-hole"),
        (Query { options: r#"{"follow": true}"#.to_owned(), ..query("(uid=*)", 0) }, "option.unknown"),
        (Query { base: "x".repeat(9_000), ..query("(uid=*)", 0) }, "ldap.query"),
    ] {
        assert_eq!(bench.search(&connection, query).await.unwrap_err().code, code);
    }
    bench.bind(&connection, "cn=xylem", "s3cret").await.expect("a wrong search breaks nothing");
}

#[tokio::test]
async fn a_search_belongs_to_its_identity_and_connection() {
    let mut bench = bench(Door::Plain, Manner::Good).await;
    let connection = bench.open(Tls::None).await;
    let entries = bench.search(&connection, query("(uid=*)", 0)).await.unwrap();
    bench.bind(&connection, "cn=xylem", "s3cret").await.unwrap();
    assert_eq!(bench.read(&entries, 500).await, (500, Some("ldap.rebound".to_owned())));
    HostConnection::drop(&mut bench.ctx, connection).await.unwrap();
    let other = bench.open(Tls::None).await;
    assert_eq!(bench.read(&entries, 500).await, (0, Some("ldap.connection-gone".to_owned())));
    HostConnection::drop(&mut bench.ctx, other).await.unwrap();
    bench.server.until_idle().await;
}

#[tokio::test]
async fn hostile_servers_are_cut_off() {
    for (manner, code, then) in [
        (Manner::HangUp, "connect.closed", "connect.closed"),
        (Manner::Garbage, "ldap.protocol", "ldap.protocol"),
        (Manner::Huge, "ldap.too-large", "ldap.too-large"),
        (Manner::Deep, "ldap.protocol", "ldap.protocol"),
        (Manner::Nonsense, "ldap.protocol", "connect.closed"),
    ] {
        let mut bench = bench(Door::Plain, manner).await;
        let connection = bench.open(Tls::None).await;
        let error = bench.bind(&connection, "cn=xylem", "s3cret").await.unwrap_err();
        assert_eq!(error.code, code, "{manner:?}: {}", error.message);
        let again = bench.bind(&connection, "cn=xylem", "s3cret").await.unwrap_err();
        assert_eq!(again.code, then, "{manner:?} later: {}", again.message);
        drop(bench.ctx);
        bench.server.until_idle().await;
    }
    for (manner, code) in [(Manner::Endless, "ldap.too-large"), (Manner::SilentSearch, "ldap.timeout")] {
        let mut bench = bench(Door::Plain, manner).await;
        let endpoint =
            Endpoint { timeout: if code == "ldap.timeout" { 300 } else { 10_000 }, ..bench.endpoint(Tls::None) };
        let connection = bench.try_open(endpoint).await.unwrap();
        let start = Instant::now();
        let error = bench.search(&connection, query("(uid=*)", 0)).await.unwrap_err();
        assert_eq!(error.code, code, "{manner:?}: {}", error.message);
        assert!(start.elapsed() < Duration::from_secs(10));
        drop(bench.ctx);
        bench.server.until_idle().await;
    }
}

#[tokio::test]
async fn connections_are_few() {
    let mut bench = bench(Door::Plain, Manner::Good).await;
    let mut all = vec![];
    for _ in 0..super::net::PER_CALL {
        all.push(bench.open(Tls::None).await);
    }
    let endpoint = bench.endpoint(Tls::None);
    assert_eq!(bench.try_open(endpoint).await.unwrap_err().code, "connect.limit");
    HostConnection::drop(&mut bench.ctx, all.remove(0)).await.unwrap();
    bench.open(Tls::None).await;
    drop(bench.ctx);
    bench.server.until_idle().await;
}
