//! Pools of several hosts: who is believed to be a member, what goes to whom, and how the pool is found again.

use std::time::Duration;

use serde_json::json;
use xapi::{Connection, Error, Member, Target, Timeouts, Tls, TlsFailure};
use xapi_sim::{Fleet, Members, Options, Sim};

use crate::server::timeouts;
use crate::simulator::{Reader, simulator, stir, target};

async fn pool(tls: bool) -> Sim {
    let fleet = Fleet { vms: 10, snapshots: 2, templates: 2, ..Fleet::small() };
    simulator(Options { members: Members::Loopback, tls, ..fleet.options(0) }).await
}

/// Returns the members as the pool tells them to a reader.
fn known(sim: &Sim) -> Vec<Member> {
    let members = sim.members().into_iter();
    let mut members: Vec<Member> =
        members.map(|member| Member { address: member.address, fingerprint: member.fingerprint }).collect();
    members.sort();
    members
}

/// Returns host and port of a member.
fn place(member: &xapi_sim::Member) -> String {
    member.url.split("//").nth(1).unwrap_or_default().to_owned()
}

/// Where the reader's session is.
fn talks_to(reader: &Reader) -> String {
    reader.stream.connection().map(|connection| connection.member().to_owned()).unwrap_or_default()
}

/// Returns a target that enters the pool at this member.
fn entry(sim: &Sim, member: &xapi_sim::Member, members: Vec<Member>) -> Target {
    let tls = member.fingerprint.clone().map_or(Tls::Verify, Tls::Pin);
    Target { host: member.url.clone(), tls, members, ..target(sim) }
}

#[tokio::test]
async fn the_pool_is_found_again_when_its_master_dies_and_when_another_one_is_named() {
    for tls in [true, false] {
        let sim = pool(tls).await;
        let all = sim.members();
        let mut reader = Reader::new(target(&sim));
        reader.until_equal(&sim, "the first load").await;
        while reader.members != known(&sim) {
            reader.step().await;
        }
        assert_eq!(talks_to(&reader), place(&all[0]));

        sim.fail_over(&all[2].host).await.expect("a member");
        stir(&sim, 1);
        reader.until_equal(&sim, "the death of the master").await;
        assert_eq!(talks_to(&reader), place(&all[2]));

        // A slave now, which sends us on.
        sim.revive_member(&all[0].host).await.expect("a member");
        sim.drop_connections();
        stir(&sim, 2);
        reader.until_equal(&sim, "a cut line").await;
        assert_eq!(talks_to(&reader), place(&all[2]));

        sim.designate_master(&all[0].host).expect("a member");
        stir(&sim, 3);
        reader.until_equal(&sim, "another master").await;
        assert_eq!(talks_to(&reader), place(&all[0]));
        assert!(reader.losses.iter().all(|error| !error.needs_administrator()), "{:?}", reader.losses);

        // After a restart of ours, with what was kept, and the entry dead.
        sim.fail_over(&all[1].host).await.expect("a member");
        let mut reader = Reader::new(Target { members: reader.members.clone(), ..target(&sim) });
        reader.until_equal(&sim, "a dead entry").await;
        assert_eq!(talks_to(&reader), place(&all[1]));
    }
}

#[tokio::test]
async fn only_a_known_and_pinned_master_is_followed() {
    let sim = pool(true).await;
    let all = sim.members();
    let (master, slave) = (&all[0], &all[1]);
    let with = |members: Vec<Member>| entry(&sim, slave, members);
    let named = |fingerprint: Option<String>| vec![Member { address: master.address.clone(), fingerprint }];

    for (members, reason) in [(vec![], "not known as a member"), (named(None), "its certificate is not known")] {
        let error = Connection::open(with(members), timeouts()).await.expect_err("a stranger");
        assert!(
            matches!(&error, Error::HostIsSlave { master: told, stranger: Some(why) }
                if *told == master.address && why.contains(reason)),
            "{error:?}"
        );
        assert!(error.needs_administrator());
    }
    let wrong = Connection::open(with(named(Some(["ab"; 32].join(":")))), timeouts()).await.expect_err("another pin");
    assert!(
        matches!(&wrong, Error::Tls { failure: TlsFailure::ChangedCertificate { fingerprint, .. }, .. }
            if Some(fingerprint) == master.fingerprint.as_ref()),
        "{wrong:?}"
    );
    assert_eq!(sim.sessions(), 0, "nobody got in");
    let connection = Connection::open(with(known(&sim)), timeouts()).await.expect("a session");
    assert_eq!(connection.member(), place(master));
    // Who takes any certificate takes the master's, if it is known.
    let any = Target { tls: Tls::AllowUnauthorized, ..with(named(None)) };
    assert_eq!(Connection::open(any, timeouts()).await.expect("a session").member(), place(master));
}

#[tokio::test]
async fn a_refused_password_is_not_tried_at_every_member() {
    let sim = pool(true).await;
    let wrong = Target { password: "wrong".to_owned().into(), members: known(&sim), ..target(&sim) };
    let before = sim.calls_of("session.login_with_password");
    let error = Connection::open(wrong, timeouts()).await.expect_err("refused");
    assert!(matches!(error, Error::AuthenticationFailed { .. }), "{error:?}");
    assert_eq!(sim.calls_of("session.login_with_password"), before + 1);
}

#[tokio::test]
async fn a_silent_entry_does_not_keep_us_from_the_others() {
    let sim = pool(true).await;
    let all = sim.members();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    // Another port for the entry alone: members are named with theirs.
    let port = place(&all[0]).rsplit(':').next().unwrap_or_default().to_owned();
    let with_port = known(&sim).into_iter();
    let members = with_port.map(|member| Member { address: format!("{}:{port}", member.address), ..member }).collect();
    let host = format!("https://{}", silent.local_addr().expect("an address"));
    let times = Timeouts { failover: Duration::from_millis(20), ..timeouts() };
    let connection = Connection::open(Target { host, members, ..target(&sim) }, times).await.expect("a session");
    assert_eq!(connection.member(), place(&all[0]));
}

#[tokio::test]
async fn handlers_are_asked_at_the_member_that_has_the_answer() {
    let sim = pool(true).await;
    let all = sim.members();
    let mut reader = Reader::new(target(&sim));
    reader.until_equal(&sim, "the first load").await;
    let connection = reader.stream.connection().expect("connected");
    let limit = Duration::from_secs(10);
    let get = |member: Option<String>, path: String, max: usize| {
        let connection = connection.clone();
        async move { connection.fetch(member.as_deref(), &path, limit, max).await }
    };
    for member in &all {
        let got = get(Some(member.address.clone()), "/host_rrd?json=true".to_owned(), 64 << 20).await;
        assert!(got.as_ref().is_ok_and(|body| body.starts_with(b"{")), "{got:?}");
    }
    get(None, "/host_rrd".to_owned(), 64 << 20).await.expect("the master's");
    // The master sends us on to the host of the VM.
    let elsewhere = |vm: &serde_json::Value| vm["power_state"] == "Running" && vm["resident_on"] == json!(all[1].host);
    let vm = sim.records("VM").into_values().find(elsewhere).expect("a VM that runs elsewhere");
    let path = format!("/vm_rrd?uuid={}", vm["uuid"].as_str().unwrap_or_default());
    let archive = get(None, path.clone(), 64 << 20).await.expect("an archive");
    assert!(archive.len() > 1000);

    let error = get(None, path.clone(), 1000).await.expect_err("too large");
    assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
    let error = get(Some("192.0.2.1".to_owned()), path.clone(), 1000).await.expect_err("a stranger");
    assert!(matches!(&error, Error::Stranger { host, .. } if host == "192.0.2.1"), "{error:?}");
    for (location, stranger) in
        [("https://192.0.2.1/host_rrd", true), (&*format!("http://{}/host_rrd", place(&all[0])), false), ("", false)]
    {
        sim.redirect("/host_rrd", location, 10);
        let error = get(None, "/host_rrd".to_owned(), 64 << 20).await.expect_err("not followed");
        assert_eq!(matches!(error, Error::Stranger { .. }), stranger, "{location}: {error:?}");
        sim.clear_faults();
    }
    for path in ["//192.0.2.1/x", "https://192.0.2.1/x", "host_rrd", ""] {
        let error = get(None, path.to_owned(), 1000).await.expect_err("no path");
        assert!(matches!(error, Error::Unsendable { .. }), "{path}: {error:?}");
    }
    let error = get(None, "/nothing/here".to_owned(), 1000).await.expect_err("no such handler");
    assert!(matches!(error, Error::Status { .. }), "{error:?}");

    // A dead session is renewed, also for another member.
    sim.kill_sessions();
    get(Some(all[2].address.clone()), "/host_rrd".to_owned(), 64 << 20).await.expect("a new session");
}

#[tokio::test]
async fn a_certificate_that_a_member_renews_is_learnt_from_the_master() {
    let sim = pool(true).await;
    let all = sim.members();
    let mut reader = Reader::new(target(&sim));
    reader.until_equal(&sim, "the first load").await;
    let connection = reader.stream.connection().expect("connected");
    let limit = Duration::from_secs(10);
    let there = Some(all[1].address.as_str());
    connection.fetch(there, "/host_rrd", limit, 64 << 20).await.expect("statistics");

    sim.swap_certificate_of(&all[1].host).expect("a member");
    while reader.members != known(&sim) {
        reader.step().await;
    }
    sim.drop_connections();
    reader.until_equal(&sim, "cut lines").await;
    let connection = reader.stream.connection().expect("connected");
    connection.fetch(there, "/host_rrd", limit, 64 << 20).await.expect("statistics with the new pin");
}
