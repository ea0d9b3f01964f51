//! Statistics as the simulator writes them, whose author has not seen our reader: every release, both forms, all archives.

use std::time::Duration;

use model::Secret;
use xapi::rrd::{Archive, Cf, Owner, Updates};
use xapi::{Connection, Target, Tls};
use xapi_sim::{Options, Release, Sim};

use crate::server::timeouts;

const LIMIT: Duration = Duration::from_secs(20);

/// Step and points of each archive.
const ARCHIVES: [(u32, usize); 4] = [(5, 120), (60, 120), (3_600, 168), (86_400, 366)];

async fn connect(sim: &Sim) -> Connection {
    let target = Target {
        host: sim.url(),
        username: sim.username().to_owned(),
        password: Secret::new(sim.password()),
        tls: Tls::Verify,
        http_proxy: None,
        read_only: true,
        members: vec![],
    };
    Connection::open(target, timeouts()).await.expect("a session")
}

#[tokio::test]
async fn every_release_and_form_of_updates() {
    // The dialects differ by release, the archives do not.
    for (release, archives) in [(Release::V8_2, &ARCHIVES[..1]), (Release::Latest, &ARCHIVES)] {
        let sim = Sim::start(Options { release, ..Options::default() }).await.expect("a simulator");
        let connection = connect(&sim).await;
        for &(step, points) in archives {
            let start = i64::from(step) * points as i64 - 1;
            let path = format!("/rrd_updates?start=-{start}&cf=AVERAGE&host=true&interval={step}");
            let mut seen = Vec::new();
            for form in ["", "&json=true"] {
                let body = connection.fetch(None, &format!("{path}{form}"), LIMIT, 64 << 20).await.expect("an answer");
                let case = format!("{release:?} {step}{form}");
                let updates = Updates::parse(&body).unwrap_or_else(|error| panic!("{case}: {error}"));
                assert_eq!(updates.step, step, "{case}");
                assert!((points - 1..=points).contains(&updates.times.len()), "{case}: {} rows", updates.times.len());
                assert_eq!(updates.times.last(), Some(&updates.end), "{case}");
                assert!(updates.times.windows(2).all(|pair| pair[1] - pair[0] == i64::from(step)), "{case}");
                assert!(updates.columns.iter().all(|column| column.cf == Cf::Average), "{case}");
                for owner in [Owner::Host, Owner::Vm] {
                    let cpu = updates.columns.iter().position(|c| c.owner == owner && &*c.source == "cpu0");
                    let cpu: Vec<f64> = updates.values(cpu.expect("a processor")).collect();
                    assert!(cpu.iter().all(|value| value.is_nan() || (0.0..=1.0).contains(value)), "{case}: {cpu:?}");
                    assert!(owner == Owner::Vm || cpu.iter().any(|value| !value.is_nan()), "{case}");
                }
                seen.push(updates);
            }
            // Told twice in a moment: the same, unless a step ended or the oldest row went in between.
            if seen[0].times == seen[1].times {
                assert_eq!(format!("{:?}", seen[0]), format!("{:?}", seen[1]), "{release:?} {step}");
            }
        }
    }
}

#[tokio::test]
async fn every_release_and_form_of_archives() {
    for release in [Release::V8_2, Release::Latest] {
        let sim = Sim::start(Options { release, ..Options::default() }).await.expect("a simulator");
        let connection = connect(&sim).await;
        let vm = sim.records("VM").into_values().find(|vm| vm["power_state"] == "Running").expect("a running VM");
        let vm = vm["uuid"].as_str().expect("a uuid").to_owned();
        let path = if release == Release::V8_2 { "/host_rrd?a=b".to_owned() } else { format!("/vm_rrd?uuid={vm}") };
        for form in ["", "&json=true"] {
            let case = format!("{release:?} {path}{form}");
            let body = connection.fetch(None, &format!("{path}{form}"), LIMIT, 64 << 20).await.expect("an answer");
            let archive = Archive::parse(&body).unwrap_or_else(|error| panic!("{case}: {error}"));
            assert_eq!(archive.step, 5, "{case}");
            for (step, points) in ARCHIVES {
                let (end, values) = archive.curve("cpu0", Cf::Average, step.into()).expect("a curve");
                assert_eq!(values.len(), points, "{case} {step}");
                assert!(end <= archive.last_update && end % i64::from(step) == 0, "{case} {step}");
            }
        }
    }
}
