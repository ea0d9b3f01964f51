//! Made-up pools of any size, the same for the same seed: hosts (`hosts`), storage and networks (`site`), and what runs on
//! them (`vms`).
//!
//! Field contents and sizes follow recorded pools and the shape of today's records; nothing in them is anybody's.

mod hosts;
mod site;
mod vms;

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    Dump, Options,
    db::Db,
    model::{NULL, Record},
    record::Base,
    release::Release,
};

/// How large a fleet is. All counts but `pools` are per pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fleet {
    /// How many pools; each is one simulator.
    pub pools: usize,
    /// Hosts of a pool, at least 1.
    pub hosts: usize,
    /// VMs of a pool, each with 2 disks, 1 interface and metrics; three in four run, with guest metrics and a console.
    pub vms: usize,
    /// Snapshots of VMs of a pool, with their disks and interface.
    pub snapshots: usize,
    /// Default templates of a pool.
    pub templates: usize,
    /// Alert messages of a pool.
    pub messages: usize,
    /// Start of all uuids: the same seed gives the same fleet, byte by byte.
    pub seed: u64,
}

impl Fleet {
    /// 1 pool, 3 hosts, 100 VMs: about 800 objects as Xen Orchestra counts them.
    pub fn small() -> Self {
        Self { pools: 1, hosts: 3, vms: 100, snapshots: 20, templates: 20, messages: 10, seed: 1 }
    }

    /// 4 pools of 16 hosts and 500 VMs: about 13,500 objects as Xen Orchestra counts them.
    pub fn medium() -> Self {
        Self { pools: 4, hosts: 16, vms: 500, snapshots: 25, ..Self::small() }
    }

    /// 10 pools of 32 hosts and 1,000 VMs: about 66,000 objects.
    pub fn large() -> Self {
        Self { pools: 10, hosts: 32, vms: 1_000, snapshots: 25, ..Self::small() }
    }

    /// Pools of up to 1,000 VMs, each made like one of `large`; `vms` VMs in all, less what does not divide evenly.
    pub fn of_vms(vms: usize) -> Self {
        let pools = vms.div_ceil(1_000).max(1);
        Self { pools, vms: vms / pools, hosts: (vms / pools).div_ceil(31).max(1), ..Self::large() }
    }

    /// Returns the fleet of this name: `small`, `medium`, `large`, or a number of VMs.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "small" => Some(Self::small()),
            "medium" => Some(Self::medium()),
            "large" => Some(Self::large()),
            number => number.parse().ok().map(Self::of_vms),
        }
    }

    /// Returns the options of a simulator that serves one pool, from 0 to `pools` - 1.
    pub fn options(&self, pool: usize) -> Options {
        let seed = self.pool_seed(pool);
        Options { dump: Dump::Fleet(self.clone(), pool), seed, ..Options::default() }
    }

    fn pool_seed(&self, pool: usize) -> u64 {
        self.seed.wrapping_mul(1_000_003).wrapping_add(pool as u64)
    }

    /// Makes the records of one pool.
    pub(crate) fn load(&self, pool: usize, release: Release) -> Db {
        let mut making = Making { db: Db::new(self.pool_seed(pool), release), fleet: self.clone(), pool };
        let site = making.site();
        making.vms(&site);
        making.db.relate();
        allow(&mut making.db);
        making.db
    }
}

/// Classes with allowed_operations, before those that depend on them.
const OPERATED: [&str; 8] = ["pool", "host", "network", "SR", "VM", "VBD", "VIF", "VDI"];

/// Gives every object the operations that the rules allow it. Objects in the same state share the answer: it is asked for once.
fn allow(db: &mut Db) {
    const FIELD: &str = "allowed_operations";
    for class in OPERATED {
        let mut known: HashMap<(usize, String), Arc<Base>> = HashMap::new();
        let all: Vec<Arc<str>> = db.rows(class).map(|(r, _)| r.clone()).collect();
        for reference in all {
            let Some(base) = db.get(class, &reference).and_then(|r| r.base()).cloned() else { continue };
            let key = (Arc::as_ptr(&base) as usize, state(db, class, &reference));
            let shared = known.entry(key).or_insert_with(|| {
                crate::calls::refresh(db, class, &reference);
                base.with(FIELD, db.field(class, &reference, FIELD))
            });
            let shared = shared.clone();
            db.move_to(class, &reference, &shared, FIELD);
        }
    }
}

/// What the operations of an object depend on beside what it has in common with others of its making.
fn state(db: &Db, class: &str, reference: &str) -> String {
    let of = |fields: &[&str]| {
        fields.iter().map(|f| db.field(class, reference, f).to_string()).collect::<Vec<_>>().join(" ")
    };
    match class {
        "VM" => {
            of(&["is_default_template", "is_a_snapshot"])
                + if db.text("VM", reference, "guest_metrics") == NULL { "" } else { "tools" }
        }
        "VBD" | "VIF" => {
            let vm = db.text(class, reference, "VM");
            let base = db.get("VM", vm).and_then(|r| r.base()).map_or(0, |b| Arc::as_ptr(b) as usize);
            format!("{base} {}", of(&["bootable", "currently_attached", "type"]))
        }
        "VDI" => {
            let attached = db.list("VDI", reference, "VBDs").iter().any(|v| db.flag("VBD", v, "currently_attached"));
            format!("{attached} {}", of(&["SR", "is_a_snapshot", "type"]))
        }
        _ => reference.to_owned(),
    }
}

/// A pool while it is made.
struct Making {
    db: Db,
    fleet: Fleet,
    pool: usize,
}

impl Making {
    fn base(&self, class: &str, fields: Value) -> Arc<Base> {
        let Value::Object(fields) = fields else { return self.db.base_of(class, Map::new()) };
        self.db.base_of(class, fields)
    }

    /// Puts one object and returns its reference; its uuid is made up unless given.
    fn put<const N: usize>(&mut self, class: &str, base: &Arc<Base>, fields: [(&str, Value); N]) -> String {
        let reference = self.db.reference();
        self.put_as(class, base, &reference, fields);
        reference
    }

    fn put_as<const N: usize>(&mut self, class: &str, base: &Arc<Base>, reference: &str, fields: [(&str, Value); N]) {
        let mut record = Record::on(base);
        record.extend(fields);
        self.db.put(class, reference, record);
    }
}

/// Turns a place in a list into a reference, the null one beyond its end.
fn pick(list: &[String], at: usize) -> &str {
    match list.len() {
        0 => NULL,
        n => &list[at % n],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::model;

    /// Objects as Xen Orchestra counts them.
    const COUNTED: [&str; 13] =
        ["pool", "host", "VM", "VDI", "VBD", "VIF", "SR", "PBD", "PIF", "network", "message", "task", "VM_appliance"];

    #[test]
    fn fleets_have_the_size_they_say() {
        for (fleet, expected) in [(Fleet::small(), 813), (Fleet::medium(), 13_477), (Fleet::large(), 65_580)] {
            let db = fleet.load(0, Release::Latest);
            let objects: usize = COUNTED.iter().map(|c| db.count(c)).sum::<usize>() * fleet.pools;
            let off = objects.abs_diff(expected) as f64 / expected as f64;
            assert!(off < 0.05, "{objects} objects, {expected} expected");
        }
    }

    #[test]
    fn the_seed_decides_everything_and_pools_differ() {
        let text = |seed, pool| {
            let fleet = Fleet { seed, vms: 20, ..Fleet::small() };
            let db = fleet.load(pool, Release::Latest);
            let mut out = String::new();
            for class in model().classes.values().filter(|c| c.name != "task") {
                for (reference, record) in db.rows(&class.name) {
                    out.push_str(reference);
                    record.write_json(class, &mut out);
                }
            }
            out
        };
        assert_eq!(text(1, 0), text(1, 0));
        assert_ne!(text(1, 0), text(2, 0));
        assert_ne!(text(1, 0), text(1, 1));
    }

    #[test]
    fn every_reference_of_a_fleet_resolves() {
        let db = Fleet { vms: 60, ..Fleet::small() }.load(0, Release::Latest);
        let all: std::collections::HashSet<&str> =
            model().classes.keys().flat_map(|c| db.rows(c).map(|(r, _)| &**r)).collect();
        fn check(value: &Value, all: &std::collections::HashSet<&str>, place: &str) {
            match value {
                Value::String(s) if s.starts_with("OpaqueRef:") => {
                    assert!(s == NULL || all.contains(s.as_str()), "{place}: {s}");
                }
                Value::Array(items) => items.iter().for_each(|v| check(v, all, place)),
                Value::Object(members) => members.values().for_each(|v| check(v, all, place)),
                _ => {}
            }
        }
        for class in model().classes.keys() {
            for (_, record) in db.rows(class) {
                record.to_map().iter().for_each(|(name, value)| check(value, &all, &format!("{class}.{name}")));
            }
        }
        let vm = db.rows("VM").find(|(_, vm)| vm["power_state"] == "Running" && vm["guest_metrics"] != NULL).unwrap().1;
        assert_eq!(vm["VBDs"].as_array().map(Vec::len), Some(2));
        assert_eq!(vm["VIFs"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn what_is_allowed_is_what_the_rules_say() {
        let mut db = Fleet { vms: 40, ..Fleet::small() }.load(0, Release::Latest);
        let mut wrong = BTreeSet::new();
        for class in OPERATED {
            let all: Vec<String> = db.rows(class).map(|(r, _)| r.to_string()).collect();
            for reference in all {
                let allowed =
                    |db: &Db| db.list(class, &reference, "allowed_operations").into_iter().collect::<BTreeSet<_>>();
                let made = allowed(&db);
                crate::calls::refresh(&mut db, class, &reference);
                let ruled = allowed(&db);
                if made != ruled {
                    let (more, less): (Vec<_>, Vec<_>) =
                        (made.difference(&ruled).collect(), ruled.difference(&made).collect());
                    wrong.insert(format!(
                        "{class} {} has {more:?} too many, lacks {less:?}",
                        db.text(class, &reference, "power_state")
                    ));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn records_are_as_large_as_real_ones() {
        let db = Fleet { vms: 40, ..Fleet::small() }.load(0, Release::V8_3);
        for (class, least, most) in
            [("VM", 2500, 6000), ("host", 4000, 12000), ("VDI", 700, 1500), ("VBD", 500, 900), ("VIF", 500, 1200)]
        {
            let class = model().class(class).unwrap();
            let (mut out, mut count) = (String::new(), 0);
            for (_, record) in db.rows(&class.name) {
                record.write_json(class, &mut out);
                count += 1;
            }
            let mean = out.len() / count;
            assert!((least..=most).contains(&mean), "{} has {mean} bytes", class.name);
        }
    }
}
