//! Live lists: whoever applies the changes sees what a fresh look sees, whatever happened.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use model::{Changes, Kind, Object, ObjectId};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::support::{apply, connected, delete, modern};
use crate::filter::Filter;
use crate::watch::{Change, Order, Path, Sees, Sort, Spec, Window, WindowSpec};
use crate::{Feed, Inventory, Snapshot, Subscription, Writer};

const VMS: usize = 24;

/// A pool with two hosts and VMs `vm-0`... on them.
fn pool() -> Json {
    let mut pool = modern();
    let vm = pool["VM"]["OpaqueRef:win"].clone();
    for index in 0..VMS {
        let mut copy = vm.clone();
        copy["uuid"] = json!(format!("{index:08}-0000-0000-0000-000000000000"));
        copy["name_label"] = json!(format!("vm-{index}"));
        pool["VM"][format!("OpaqueRef:vm-{index}")] = copy;
    }
    pool
}

fn host(second: bool) -> &'static str {
    if second { "host2" } else { "host1" }
}

/// One thing that happens.
#[derive(Clone, Debug)]
enum Event {
    Rename(usize, u8),
    Power(usize, bool),
    Move(usize, bool),
    Delete(usize),
    RenameHost(bool, u8),
    DeleteHost(bool),
    /// Somebody scrolls: the first window goes elsewhere.
    Scroll(usize, usize),
    /// The changes so far are looked at.
    Look,
    Resync,
}

fn events() -> impl Strategy<Value = Event> {
    let vm = 0..VMS;
    prop_oneof![
        6 => (vm.clone(), any::<u8>()).prop_map(|(vm, name)| Event::Rename(vm, name)),
        4 => (vm.clone(), any::<bool>()).prop_map(|(vm, on)| Event::Power(vm, on)),
        4 => (vm.clone(), any::<bool>()).prop_map(|(vm, host)| Event::Move(vm, host)),
        2 => vm.prop_map(Event::Delete),
        2 => (any::<bool>(), any::<u8>()).prop_map(|(host, name)| Event::RenameHost(host, name)),
        1 => any::<bool>().prop_map(Event::DeleteHost),
        1 => (0..VMS, 0..10_usize).prop_map(|(start, count)| Event::Scroll(start, count)),
        6 => Just(Event::Look),
        1 => Just(Event::Resync),
    ]
}

struct World {
    pool: Json,
    inventory: Inventory,
    writer: Writer,
    news: Subscription,
}

impl World {
    fn new() -> Self {
        let pool = pool();
        let (inventory, writer) = connected(&pool);
        let mut news = inventory.subscribe();
        news.snapshot();
        Self { pool, inventory, writer, news }
    }

    fn change(&mut self, class: &str, name: &str, change: impl FnOnce(&mut Json)) {
        change(&mut self.pool[class][format!("OpaqueRef:{name}")]);
        self.writer.apply(&[apply(&self.pool, class, name)]);
    }

    fn happen(&mut self, event: &Event) {
        match *event {
            Event::Rename(vm, name) => {
                self.change("VM", &format!("vm-{vm}"), |vm| vm["name_label"] = json!(format!("VM-{}", name % 8)));
            }
            Event::Power(vm, on) => self.change("VM", &format!("vm-{vm}"), |vm| {
                vm["power_state"] = json!(if on { "Running" } else { "Halted" });
            }),
            Event::Move(vm, second) => {
                let host = format!("OpaqueRef:{}", host(second));
                self.change("VM", &format!("vm-{vm}"), |vm| {
                    vm["power_state"] = json!("Running");
                    vm["resident_on"] = json!(host);
                });
            }
            Event::Delete(vm) => self.writer.apply(&[delete("VM", &format!("vm-{vm}"))]),
            Event::RenameHost(second, name) => {
                self.change("host", host(second), |host| host["name_label"] = json!(format!("host {}", name % 4)));
            }
            Event::DeleteHost(second) => self.writer.apply(&[delete("host", host(second))]),
            Event::Scroll(..) | Event::Look | Event::Resync => {}
        }
    }

    /// Returns the ids of what changed since the last time.
    fn changed(&mut self) -> HashSet<ObjectId> {
        let mut ids = HashSet::new();
        while let Some(changes) = futures_now(self.news.recv()) {
            let changes: Arc<Changes> = match changes {
                Feed::Changes(changes) => changes,
                Feed::Resync => panic!("the queue is long enough"),
            };
            ids.extend(changes.set.iter().map(|object| object.id().clone()));
            ids.extend(changes.removed.iter().map(|(id, _)| id.clone()));
        }
        ids
    }
}

/// Returns what a future has at once.
fn futures_now<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}

/// Somebody who only hears of changes.
#[derive(Debug, Default, PartialEq)]
struct Client {
    total: usize,
    ids: Vec<ObjectId>,
    rows: BTreeMap<ObjectId, String>,
}

impl Client {
    fn apply(&mut self, change: &Change) {
        self.total = change.total;
        if let Some(ids) = &change.ids {
            self.ids.clone_from(ids);
            self.rows.retain(|id, _| ids.contains(id));
        }
        self.rows.extend(change.set.iter().map(|(id, row)| (id.clone(), row.get().to_owned())));
    }

    fn fresh(change: &Change) -> Self {
        let mut client = Self::default();
        client.apply(change);
        client
    }
}

fn everything() -> Sees {
    Arc::new(|_: &Snapshot, _: &Object| true)
}

fn paths(texts: &[&str]) -> Vec<Path> {
    texts.iter().map(|text| Path::parse(text).expect(text)).collect()
}

fn spec(filter: &str, sort: &[(&str, bool)]) -> Spec {
    let sort = sort.iter().map(|(by, descending)| Sort { by: Path::parse(by).expect(by), descending: *descending });
    Spec { kinds: vec![Kind::Vm], filter: Some(Filter::parse(filter).expect(filter)), sort: sort.collect() }
}

fn specs() -> Vec<Spec> {
    vec![
        spec("", &[("name_label", false)]),
        spec("power_state:Running", &[("$container.name_label", true), ("name_label", false)]),
        spec("name_label:/[0-4]$/", &[("power_state", false), ("$container.memory.size", false)]),
        spec("", &[]),
    ]
}

/// `host2`.
const HIDDEN: &str = "host2-uuid";

fn hidden_second_host() -> Sees {
    Arc::new(|_: &Snapshot, object: &Object| object.id().as_str() != HIDDEN)
}

struct Watched {
    spec: Spec,
    sees: Sees,
    order: Order,
    windows: Vec<(WindowSpec, Window, Client)>,
}

impl Watched {
    fn new(snapshot: &Snapshot, spec: Spec, sees: Sees) -> Self {
        let order = Order::new(snapshot, spec.clone(), sees.clone());
        let fields = paths(&["name_label", "power_state", "$container.name_label", "$pool.name_label"]);
        let windows = [(0, 500), (5, 4), (VMS, 3)].map(|(start, count)| {
            let spec = WindowSpec { start, count, fields: fields.clone() };
            let window = Window::new(&order, snapshot, spec.clone());
            let client = Client::fresh(&window.whole());
            (spec, window, client)
        });
        Self { spec, sees, order, windows: windows.into() }
    }

    fn check(&self, snapshot: &Snapshot) -> Result<(), TestCaseError> {
        let fresh = Order::new(snapshot, self.spec.clone(), self.sees.clone());
        prop_assert_eq!(self.order.total(), fresh.total());
        for (spec, _, client) in &self.windows {
            let fresh = Window::new(&fresh, snapshot, spec.clone());
            prop_assert_eq!(client, &Client::fresh(&fresh.whole()));
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn changes_add_up_to_what_a_fresh_look_shows(events in prop::collection::vec(events(), 1..60)) {
        let mut world = World::new();
        let snapshot = world.inventory.snapshot();
        let mut watched: Vec<_> = specs()
            .into_iter()
            .flat_map(|spec| [(spec.clone(), everything()), (spec, hidden_second_host())])
            .map(|(spec, sees)| Watched::new(&snapshot, spec, sees))
            .collect();
        for event in events.iter().chain([&Event::Look]) {
            world.happen(event);
            let snapshot = world.inventory.snapshot();
            match *event {
                Event::Look => {
                    let ids = world.changed();
                    for watched in &mut watched {
                        watched.order.advance(&snapshot, &ids);
                        for (_, window, client) in &mut watched.windows {
                            if let Some(change) = window.update(&watched.order, &snapshot, Some(&ids)) {
                                client.apply(&change);
                            }
                        }
                        watched.check(&snapshot)?;
                    }
                }
                Event::Resync => {
                    world.changed();
                    for watched in &mut watched {
                        watched.order.resync(&snapshot);
                        for (_, window, client) in &mut watched.windows {
                            window.update(&watched.order, &snapshot, None);
                            *client = Client::fresh(&window.whole());
                        }
                        watched.check(&snapshot)?;
                    }
                }
                Event::Scroll(start, count) => {
                    for watched in &mut watched {
                        let spec = WindowSpec { start, count, ..watched.windows[0].0.clone() };
                        let window = Window::new(&watched.order, &snapshot, spec.clone());
                        let client = Client::fresh(&window.whole());
                        watched.windows[0] = (spec, window, client);
                    }
                }
                _ => {}
            }
        }
    }
}

#[test]
fn a_window_tells_only_what_is_different() {
    let mut world = World::new();
    let mut order =
        Order::new(&world.inventory.snapshot(), spec("name_label:vm-*", &[("name_label", false)]), everything());
    let fields = paths(&["name_label", "memory.size", "missing", "$container.name_label"]);
    let mut window = Window::new(&order, &world.inventory.snapshot(), WindowSpec { start: 1, count: 2, fields });
    let shown: Json = serde_json::to_value(window.whole()).expect("is JSON");
    let ids = json!(["00000001-0000-0000-0000-000000000000", "00000002-0000-0000-0000-000000000000"]);
    assert_eq!((&shown["total"], &shown["start"], &shown["ids"]), (&json!(VMS), &json!(1), &ids));
    let row = &shown["set"]["00000001-0000-0000-0000-000000000000"];
    assert_eq!((&row["type"], &row["name_label"], &row["missing"]), (&json!("VM"), &json!("vm-1"), &Json::Null));
    assert!(row["memory.size"].is_number() && row["$container.name_label"].is_string(), "{row}");

    let mut look = |world: &mut World, window: &mut Window| {
        let ids = world.changed();
        order.advance(&world.inventory.snapshot(), &ids);
        window
            .update(&order, &world.inventory.snapshot(), Some(&ids))
            .map(|change| serde_json::to_value(change).expect("is JSON"))
    };
    // From behind the window into it.
    world.happen(&Event::Rename(5, 1));
    assert_eq!(
        look(&mut world, &mut window),
        Some(json!({ "total": VMS, "start": 1, "ids": [
        "00000001-0000-0000-0000-000000000000", "00000005-0000-0000-0000-000000000000"], "set": {
        "00000005-0000-0000-0000-000000000000": { "id": "00000005-0000-0000-0000-000000000000", "type": "VM",
            "name_label": "VM-1", "memory.size": row["memory.size"], "$container.name_label": row["$container.name_label"] } } }))
    );
    world.change("VM", "vm-1", |vm| vm["name_description"] = json!("nobody shows this"));
    assert_eq!(look(&mut world, &mut window), None);
    world.happen(&Event::RenameHost(false, 3));
    let change = look(&mut world, &mut window).expect("the host's name is shown");
    assert_eq!(change["set"]["00000001-0000-0000-0000-000000000000"]["$container.name_label"], "host 3");
    assert_eq!(change.get("ids"), None);
    world.happen(&Event::Delete(20));
    assert_eq!(look(&mut world, &mut window), Some(json!({ "total": VMS - 1, "start": 1 })));
}

#[test]
fn hidden_objects_are_neither_listed_nor_joined() {
    let mut world = World::new();
    world.happen(&Event::Move(0, true));
    let fields = || paths(&["$container.name_label"]);
    let shown = |sees: Sees| {
        let order = Order::new(&world.inventory.snapshot(), spec("name_label:/^vm-0$/", &[]), sees);
        let window =
            Window::new(&order, &world.inventory.snapshot(), WindowSpec { start: 0, count: 9, fields: fields() });
        serde_json::to_value(window.whole()).expect("is JSON")["set"]["00000000-0000-0000-0000-000000000000"].clone()
    };
    assert!(shown(everything())["$container.name_label"].is_string());
    assert_eq!(shown(hidden_second_host()), json!({ "id": "00000000-0000-0000-0000-000000000000", "type": "VM" }));
    assert_eq!(shown(Arc::new(|_: &Snapshot, _: &Object| false)), Json::Null);
}

#[test]
fn paths_are_bounded() {
    for text in ["", ".", "a.", ".a", "a..b", "a.b.c.d.e.f.g.h.i"] {
        assert_eq!(Path::parse(text), None, "{text}");
    }
    assert_eq!(Path::parse("a.b.c.d.e.f.g.h").map(|path| path.as_str().len()), Some(15));
}
