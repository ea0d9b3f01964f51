//! The event stream against the simulator: whatever happens to the pool, the picture ends up equal to its state.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use model::Secret;
use serde_json::{Map, Value as Json, json};
use xapi::{Connection, Delta, Dialect, Error, Event, EventStream, Member, Target, Tls, TlsFailure, Value};
use xapi_sim::{Options, Sim};

use crate::server::{PATIENCE, timeouts};

const CLASSES: &[&str] = &[
    "Certificate",
    "pool",
    "host",
    "host_metrics",
    "VM",
    "VM_metrics",
    "VM_guest_metrics",
    "VBD",
    "VDI",
    "VIF",
    "SR",
    "PBD",
    "PIF",
    "network",
    "task",
];

/// All objects by class and reference.
type Picture = BTreeMap<(String, String), Json>;

/// What a reader of the stream knows.
pub struct Reader {
    pub stream: EventStream,
    picture: Picture,
    /// The picture that is being drawn between `Init` and `InitDone`.
    next: Picture,
    pub losses: Vec<Error>,
    pictures: u32,
    pub members: Vec<Member>,
}

pub fn target(sim: &Sim) -> Target {
    Target {
        host: sim.url(),
        username: sim.username().to_owned(),
        password: Secret::new(sim.password()),
        tls: sim.fingerprint().map_or(Tls::Verify, Tls::Pin),
        http_proxy: None,
        read_only: false,
        members: vec![],
    }
}

impl Reader {
    pub fn new(target: Target) -> Self {
        Self {
            members: vec![],
            stream: EventStream::new(target, timeouts(), CLASSES, None),
            picture: Picture::new(),
            next: Picture::new(),
            losses: Vec::new(),
            pictures: 0,
        }
    }

    /// Takes one event, and returns whether the picture is worth a look now.
    pub async fn step(&mut self) -> bool {
        match self.stream.next().await {
            Event::Connecting { .. } => {}
            Event::Members(members) => self.members = members,
            Event::Init => self.next.clear(),
            Event::InitApply { class, reference, record } => {
                self.next.insert((class.into(), reference.into()), plain(&record));
            }
            Event::InitDone => {
                self.picture = std::mem::take(&mut self.next);
                self.pictures += 1;
                return true;
            }
            Event::Batch(deltas) => {
                for delta in deltas {
                    match delta {
                        Delta::Apply { class, reference, record } => {
                            self.picture.insert((class.into(), reference.into()), plain(&record));
                        }
                        Delta::Delete { class, reference } => {
                            self.picture.remove(&(class.into(), reference.into()));
                        }
                    }
                }
                return true;
            }
            Event::Lost { error, .. } => self.losses.push(error),
        }
        false
    }

    /// Reads until the picture equals the simulator's state.
    pub async fn until_equal(&mut self, sim: &Sim, after: &str) {
        // Troubles follow each other faster here than the waits between attempts were made for.
        self.stream.nudge();
        let reading = async {
            while self.picture != state(sim) {
                while !self.step().await {}
            }
        };
        if tokio::time::timeout(PATIENCE, reading).await.is_err() {
            let expected = state(sim);
            let wrong = |(key, value): &(&(String, String), &Json)| expected.get(*key) != Some(*value);
            let extra: Vec<_> = self.picture.iter().filter(wrong).map(|(key, _)| key).collect();
            let missing: Vec<_> = expected.keys().filter(|key| !self.picture.contains_key(*key)).collect();
            panic!("after {after}: differs in {extra:?}, misses {missing:?}, losses {:?}", self.losses);
        }
    }

    /// Reads until it was lost, and returns why.
    pub async fn until_lost(&mut self) -> Error {
        let before = self.losses.len();
        let reading = async {
            while self.losses.len() == before {
                self.step().await;
            }
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("a loss");
        self.losses.last().cloned().expect("a loss")
    }
}

fn state(sim: &Sim) -> Picture {
    let records = CLASSES.iter().flat_map(|class| {
        sim.records(class).into_iter().map(|(reference, record)| ((class.to_string(), reference), plain_json(record)))
    });
    records.collect()
}

/// Returns the value with numbers as text: XML-RPC has integers as text, and two ways to write a fraction.
fn plain(value: &Value) -> Json {
    match value {
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Struct(members) => {
            Json::Object(members.iter().map(|(name, value)| (name.to_string(), plain(value))).collect::<Map<_, _>>())
        }
        Value::Int(number) => number.to_string().into(),
        Value::Double(number) => number.to_string().into(),
        Value::String(text) => Json::from(&**text),
        Value::Bool(flag) => (*flag).into(),
        Value::Nil => Json::Null,
    }
}

fn plain_json(value: Json) -> Json {
    match value {
        Json::Array(items) => items.into_iter().map(plain_json).collect(),
        Json::Object(members) => {
            Json::Object(members.into_iter().map(|(name, value)| (name, plain_json(value))).collect())
        }
        Json::Number(number) => match number.as_i64() {
            Some(number) => number.to_string().into(),
            None => number.as_f64().unwrap_or_default().to_string().into(),
        },
        other => other,
    }
}

pub async fn simulator(options: Options) -> Sim {
    Sim::start(options).await.expect("the simulator starts")
}

/// Changes one object, adds one and removes one, so that each way to fall behind would show.
pub fn stir(sim: &Sim, round: usize) {
    let vms: Vec<String> = sim.records("VM").into_keys().collect();
    let changed = &vms[round % vms.len()];
    sim.set("VM", changed, "name_label", json!(format!("round {round} <&>"))).expect("a VM");
    let network = sim.insert("network", json!({ "name_label": format!("added in round {round}") })).expect("a network");
    if round.is_multiple_of(2) {
        assert!(sim.remove("network", &network));
    } else {
        let vdi = sim.records("VDI").into_keys().next().expect("a VDI");
        assert!(sim.remove("VDI", &vdi));
    }
}

/// Lets everything happen to a pool that can happen, and looks at the picture after each.
async fn through_thick_and_thin(json_rpc: bool) {
    let sim = simulator(Options { json_rpc, ..Options::default() }).await;
    let mut reader = Reader::new(target(&sim));
    reader.until_equal(&sim, "the first load").await;
    let connection = reader.stream.connection().expect("connected");
    assert_eq!(connection.dialect(), if json_rpc { Dialect::Json } else { Dialect::Xml });
    assert!(!reader.picture.is_empty());

    let mut round = 0;
    let mut stirred = |sim: &Sim| {
        round += 1;
        stir(sim, round);
    };
    stirred(&sim);
    reader.until_equal(&sim, "changes").await;
    assert_eq!(reader.pictures, 1, "changes need no new picture");

    sim.kill_sessions();
    stirred(&sim);
    reader.until_equal(&sim, "dead sessions").await;
    sim.lose_events();
    stirred(&sim);
    reader.until_equal(&sim, "lost events").await;
    assert!(reader.losses.is_empty(), "the pool was there all the time: {:?}", reader.losses);

    sim.drop_connections();
    stirred(&sim);
    reader.until_equal(&sim, "cut lines").await;
    sim.restart();
    stirred(&sim);
    reader.until_equal(&sim, "a restart").await;
    sim.half_answer("event.from", 1);
    stirred(&sim);
    reader.until_equal(&sim, "half an answer").await;
    sim.http_error("event.from", 500, 1);
    stirred(&sim);
    reader.until_equal(&sim, "status 500").await;
    sim.fail_next("event.from", "INTERNAL_ERROR", &["Not_found"]);
    stirred(&sim);
    reader.until_equal(&sim, "an internal error").await;

    sim.pause_listening().await;
    sim.drop_connections();
    let error = reader.until_lost().await;
    assert!(!error.needs_administrator(), "{error:?}");
    stirred(&sim);
    sim.resume_listening().await;
    reader.stream.nudge();
    reader.until_equal(&sim, "an absence").await;
}

#[tokio::test]
async fn through_thick_and_thin_in_json() {
    through_thick_and_thin(true).await;
}

#[tokio::test]
async fn through_thick_and_thin_in_xml() {
    through_thick_and_thin(false).await;
}

#[tokio::test]
async fn a_vm_starts_and_the_stream_shows_it_soon() {
    for json_rpc in [true, false] {
        let sim = simulator(Options { dump: "pool2".into(), json_rpc, ..Options::default() }).await;
        let mut reader = Reader::new(target(&sim));
        reader.until_equal(&sim, "the first load").await;
        let connection = reader.stream.connection().expect("connected");
        let is_halted = |vm: &Json| {
            vm["power_state"] == "Halted" && vm["is_a_template"] == json!(false) && vm["is_a_snapshot"] == json!(false)
        };
        let vm = sim.records("VM").into_iter().find(|(_, vm)| is_halted(vm)).expect("a halted VM").0;
        let params = vec![Value::from(vm.as_str()), false.into(), false.into()];
        connection.call("VM.start", params).await.expect("the VM starts");
        let start = Instant::now();
        let key = ("VM".to_owned(), vm);
        while reader.picture[&key]["power_state"] != "Running" {
            assert!(start.elapsed() < Duration::from_secs(5), "a second was promised, with room for a busy machine");
            reader.step().await;
        }
    }
}

#[tokio::test]
async fn the_way_for_old_hosts_gives_the_same_picture() {
    let sim = simulator(Options::default()).await;
    sim.fail_next("event.from", "INTERNAL_ERROR", &["Out_of_memory"]);
    let mut reader = Reader::new(target(&sim));
    reader.until_equal(&sim, "the first load").await;
    assert!(sim.calls_of("VM.get_all_records") > 0);
    stir(&sim, 1);
    reader.until_equal(&sim, "changes").await;
    assert!(reader.losses.is_empty(), "{:?}", reader.losses);
}

#[tokio::test]
async fn certificates_and_masters_change() {
    let sim = simulator(Options { tls: true, ..Options::default() }).await;
    let (mut reader, pinned) = (Reader::new(target(&sim)), sim.fingerprint().expect("TLS"));
    reader.until_equal(&sim, "the first load").await;
    assert_eq!(reader.stream.connection().and_then(|connection| connection.peer_fingerprint()), Some(pinned.clone()));

    let other = sim.swap_certificate().expect("TLS");
    sim.drop_connections();
    let error = loop {
        // The cut line comes first.
        match reader.until_lost().await {
            error if error.needs_administrator() => break error,
            _ => {}
        }
    };
    assert!(
        matches!(&error, Error::Tls { failure: TlsFailure::ChangedCertificate { expected, fingerprint }, .. }
            if *expected == pinned && *fingerprint == other),
        "{error:?}"
    );

    // The administrator looks at the new fingerprint and takes it.
    let mut reader = Reader::new(target(&sim));
    reader.until_equal(&sim, "a new pin").await;
    sim.become_slave("192.0.2.9");
    let error = loop {
        match reader.until_lost().await {
            error if error.needs_administrator() => break error,
            _ => {}
        }
    };
    assert!(matches!(&error, Error::HostIsSlave { master, .. } if master == "192.0.2.9"), "{error:?}");
    sim.become_master();
    reader.stream.nudge();
    stir(&sim, 1);
    reader.until_equal(&sim, "the master's return").await;
}

#[tokio::test]
async fn sessions_are_not_left_behind() {
    let sim = simulator(Options::default()).await;
    let connection = Connection::open(target(&sim), timeouts()).await.expect("a session");
    assert_eq!(sim.sessions(), 1);
    connection.logout().await;
    assert_eq!(sim.sessions(), 0);
    let wrong = Target { password: Secret::new("wrong"), ..target(&sim) };
    let error = Connection::open(wrong, timeouts()).await.expect_err("refused");
    assert!(matches!(error, Error::AuthenticationFailed { .. }), "{error:?}");
    assert_eq!(sim.sessions(), 0);
}
