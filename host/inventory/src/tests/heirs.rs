//! No object comes or goes for anybody without being among those that moved and their heirs.

use access::{Action, allows};
use model::{Entry, Kind, Rights};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use xapi::Delta;

use super::support::{connected, modern, value};
use crate::{Inventory, Snapshot, Subscription, Writer};

/// Class and field that leads to another object; class and list of the other end.
const RELATIONS: &[(&str, &str, &str, &str)] = &[
    ("VBD", "VM", "VM", "VBDs"),
    ("VBD", "VDI", "VDI", "VBDs"),
    ("VIF", "VM", "VM", "VIFs"),
    ("VIF", "network", "network", "VIFs"),
    ("VDI", "SR", "SR", "VDIs"),
    ("VDI", "snapshot_of", "VDI", "snapshots"),
    ("VM", "snapshot_of", "VM", "snapshots"),
    ("VM", "resident_on", "host", "resident_VMs"),
    ("PBD", "host", "host", "PBDs"),
    ("PBD", "SR", "SR", "PBDs"),
    ("PUSB", "USB_group", "USB_group", "PUSBs"),
    ("PUSB", "host", "host", ""),
    ("VUSB", "VM", "VM", "VUSBs"),
    ("task", "resident_on", "host", ""),
];

struct World {
    pool: Json,
    inventory: Inventory,
    writer: Writer,
    news: Subscription,
}

/// What happens: something is made to belong to something else, or is switched, or goes and comes back.
#[derive(Clone, Debug)]
enum Event {
    Relate(usize, usize, usize),
    Power(usize, bool),
    Template(usize, bool),
    Discs(usize, bool),
    About(usize, usize),
    Vanish(usize, usize),
    Return(usize, usize),
}

fn events() -> impl Strategy<Value = Event> {
    let number = 0..1_000_usize;
    prop_oneof![
        6 => (number.clone(), number.clone(), number.clone()).prop_map(|(which, child, parent)| Event::Relate(which, child, parent)),
        2 => (number.clone(), any::<bool>()).prop_map(|(vm, on)| Event::Power(vm, on)),
        1 => (number.clone(), any::<bool>()).prop_map(|(vm, on)| Event::Template(vm, on)),
        1 => (number.clone(), any::<bool>()).prop_map(|(sr, on)| Event::Discs(sr, on)),
        1 => (number.clone(), number.clone()).prop_map(|(message, object)| Event::About(message, object)),
        1 => (number.clone(), number.clone()).prop_map(|(class, which)| Event::Vanish(class, which)),
        1 => (number.clone(), number).prop_map(|(class, which)| Event::Return(class, which)),
    ]
}

const VANISHING: &[&str] = &["VM", "VDI", "VBD", "SR", "network", "message", "PUSB", "host"];

fn nth(pool: &Json, class: &str, which: usize) -> String {
    let records = pool[class].as_object().expect("a class");
    records.keys().nth(which % records.len()).expect("there is one").clone()
}

impl World {
    fn new() -> Self {
        let mut pool = modern();
        // The fixture has a few ends that XAPI would not leave apart.
        for (class, field, other, list) in RELATIONS.iter().filter(|(.., list)| !list.is_empty()) {
            let children = pool[class].as_object().expect("a class").clone();
            for (parent, record) in pool[other].as_object_mut().expect("a class") {
                let its = children.iter().filter(|(_, child)| child[field] == json!(parent));
                record[list] = its.map(|(child, _)| json!(child)).collect();
            }
        }
        let (inventory, writer) = connected(&pool);
        let news = inventory.subscribe();
        Self { pool, inventory, writer, news }
    }

    fn tell(&mut self, records: &[(&str, String)]) {
        let deltas: Vec<Delta> = records
            .iter()
            .map(|(class, reference)| {
                let (class, reference) = (*class, reference.as_str());
                let record = value(&self.pool[class][reference]);
                Delta::Apply { class: class.into(), reference: reference.into(), record }
            })
            .collect();
        self.writer.apply(&deltas);
    }

    fn happen(&mut self, event: &Event) {
        match *event {
            Event::Relate(which, child, parent) => {
                let (class, field, other, list) = RELATIONS[which % RELATIONS.len()];
                let (child, parent) = (nth(&self.pool, class, child), nth(&self.pool, other, parent));
                let before = self.pool[class][&child][field].as_str().unwrap_or_default().to_owned();
                self.pool[class][&child][field] = json!(parent);
                let mut told = vec![(class, child.clone())];
                if !list.is_empty() {
                    if let Some(list) = self.pool[other].get_mut(&before).and_then(|old| old[list].as_array_mut()) {
                        list.retain(|id| *id != json!(child));
                        told.push((other, before));
                    }
                    let record = &mut self.pool[other][&parent];
                    let mut ends = record[list].as_array().cloned().unwrap_or_default();
                    ends.push(json!(child));
                    record[list] = json!(ends);
                    told.push((other, parent));
                }
                self.tell(&told);
            }
            Event::Power(vm, on) => {
                let vm = nth(&self.pool, "VM", vm);
                self.pool["VM"][&vm]["power_state"] = json!(if on { "Running" } else { "Halted" });
                self.tell(&[("VM", vm)]);
            }
            Event::Template(vm, on) => {
                let vm = nth(&self.pool, "VM", vm);
                self.pool["VM"][&vm]["is_a_template"] = json!(on);
                self.tell(&[("VM", vm)]);
            }
            Event::Discs(sr, on) => {
                let sr = nth(&self.pool, "SR", sr);
                self.pool["SR"][&sr]["content_type"] = json!(if on { "iso" } else { "user" });
                self.tell(&[("SR", sr)]);
            }
            Event::About(message, object) => {
                let message = nth(&self.pool, "message", message);
                let class = ["VM", "VDI", "SR", "host", "pool"][object % 5];
                let object = nth(&self.pool, class, object);
                self.pool["message"][&message]["obj_uuid"] = self.pool[class][&object]["uuid"].clone();
                self.tell(&[("message", message)]);
            }
            Event::Vanish(class, which) => {
                let class = VANISHING[class % VANISHING.len()];
                let reference = nth(&self.pool, class, which);
                self.writer.apply(&[Delta::Delete { class: class.into(), reference: reference.as_str().into() }]);
            }
            Event::Return(class, which) => {
                let class = VANISHING[class % VANISHING.len()];
                let reference = nth(&self.pool, class, which);
                self.tell(&[(class, reference)]);
            }
        }
    }

    fn check(&mut self, before: &Snapshot, everybody: &[Rights]) -> Result<(), TestCaseError> {
        let (after, changes) = self.news.catch_up().expect("the queue is long enough");
        prop_assert_eq!(changes.last().map_or(before.revision(), |last| last.revision), after.revision());
        let heirs = after.heirs(changes.iter().flat_map(|changes| changes.states()));
        for object in before.iter().chain(after.iter()) {
            for rights in everybody {
                let can = |snapshot: &Snapshot| allows(rights, snapshot, object.id().as_str(), Action::View);
                prop_assert!(
                    can(before) == can(&after) || heirs.contains(object.id()),
                    "{} {} came or went without a word for {:?}",
                    object.kind(),
                    object.id(),
                    rights
                );
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn who_sees_what_changes_only_where_something_is_told(events in prop::collection::vec(events(), 1..32)) {
        let mut world = World::new();
        // One for each object from which others inherit: who was granted that one alone.
        let kinds = [Kind::Pool, Kind::Host, Kind::Vm, Kind::VmSnapshot, Kind::Sr, Kind::Network];
        let snapshot = world.inventory.snapshot();
        let granted = kinds.iter().flat_map(|kind| snapshot.of_kind(*kind));
        let entry = |id| Entry { subject: "u", object: id, action: "viewer" };
        let mut everybody: Vec<_> = granted.map(|object| Rights::of(&["u"], [entry(object.id().as_str())])).collect();
        // And one who may use a resource set with nothing else in it.
        let offered = [Kind::VmTemplate, Kind::Vm, Kind::Sr].into_iter().flat_map(|kind| snapshot.of_kind(kind));
        everybody.extend(offered.map(|object| Rights::default().offering([object.id().as_str()])));
        for events in events.chunks(4) {
            let before = world.inventory.snapshot();
            events.iter().for_each(|event| world.happen(event));
            world.check(&before, &everybody)?;
        }
    }
}
