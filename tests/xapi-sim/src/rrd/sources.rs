//! Which measurements a host, a VM or a storage has: the names that the statistics daemon of a host gives them.

use super::curve::{Curve, Shape};
use crate::{
    clock,
    db::Db,
    model::{NULL, Record},
};

/// One column of an answer.
#[derive(Clone, Debug)]
pub struct Source {
    /// `host`, `vm` or `sr`.
    pub kind: &'static str,
    pub uuid: String,
    pub name: String,
    pub units: &'static str,
    pub curve: Curve,
    /// Nothing was measured before.
    pub since: i64,
}

/// Sources of one owner while they are listed.
struct List {
    kind: &'static str,
    uuid: String,
    since: i64,
    out: Vec<Source>,
}

impl List {
    fn add(&mut self, name: impl Into<String>, units: &'static str, shape: Shape, scale: f64) {
        let name = name.into();
        let curve = Curve::new(&self.uuid, &name, shape, scale);
        let (kind, uuid, since) = (self.kind, self.uuid.clone(), self.since);
        self.out.push(Source { kind, uuid, name, units, curve, since });
    }

    /// The twelve of one disk or storage; `place` makes a name from what is measured.
    fn storage(&mut self, place: impl Fn(&str) -> String) {
        for direction in ["read", "write"] {
            self.add(place(direction), "B/s", Shape::Bursts, 40e6);
            self.add(place(&format!("{direction}_latency")), "us", Shape::Around, 900.0);
            self.add(place(&format!("iops_{direction}")), "requests/s", Shape::Bursts, 800.0);
            self.add(place(&format!("io_throughput_{direction}")), "MiB/s", Shape::Bursts, 40.0);
        }
        self.add(place("iops_total"), "requests/s", Shape::Bursts, 1600.0);
        self.add(place("io_throughput_total"), "MiB/s", Shape::Bursts, 80.0);
        self.add(place("iowait"), "", Shape::Fraction, 1.0);
        self.add(place("inflight"), "requests", Shape::Bursts, 8.0);
        self.add(place("avgqu_sz"), "requests", Shape::Bursts, 4.0);
    }
}

fn started(metrics: Option<&Record>) -> i64 {
    metrics.and_then(|m| clock::seconds_of(m["start_time"].as_str()?)).unwrap_or(0)
}

/// Lists the sources of a VM.
pub fn vm(db: &Db, vm: &str) -> Vec<Source> {
    let uuid = db.text("VM", vm, "uuid").to_owned();
    let metrics = db.get("VM_metrics", db.text("VM", vm, "metrics")).map(|m| &**m);
    let mut list = List { kind: "vm", uuid, since: started(metrics), out: Vec::new() };
    for cpu in 0..db.int("VM", vm, "VCPUs_at_startup") {
        list.add(format!("cpu{cpu}"), "(fraction)", Shape::Fraction, 1.0);
    }
    list.add("cpu_usage", "(fraction)", Shape::Fraction, 1.0);
    let memory = db.int("VM", vm, "memory_static_max") as f64;
    list.add("memory", "B", Shape::Flat, memory);
    list.add("memory_target", "B", Shape::Flat, memory);
    if db.text("VM", vm, "guest_metrics") != NULL {
        list.add("memory_internal_free", "KiB", Shape::Around, memory / 1024.0 * 0.4);
    }
    for vif in db.list("VM", vm, "VIFs") {
        let device = db.text("VIF", &vif, "device");
        for direction in ["rx", "tx"] {
            list.add(format!("vif_{device}_{direction}"), "B/s", Shape::Bursts, 12e6);
        }
    }
    for vbd in db.list("VM", vm, "VBDs") {
        let device = db.text("VBD", &vbd, "device").to_owned();
        if !device.is_empty() && db.text("VBD", &vbd, "type") == "Disk" {
            list.storage(|what| format!("vbd_{device}_{what}"));
        }
    }
    list.out
}

/// Lists the sources of a host.
pub fn host(db: &Db, host: &str) -> Vec<Source> {
    let uuid = db.text("host", host, "uuid").to_owned();
    let mut list = List { kind: "host", uuid, since: 0, out: Vec::new() };
    let cpus = db.field("host", host, "cpu_info")["cpu_count"].as_str().and_then(|c| c.parse().ok()).unwrap_or(4);
    for cpu in 0..cpus {
        list.add(format!("cpu{cpu}"), "(fraction)", Shape::Fraction, 1.0);
    }
    list.add("cpu_avg", "(fraction)", Shape::Fraction, 1.0);
    list.add("loadavg", "", Shape::Fraction, 1.0);
    list.add("hostload", "(fraction)", Shape::Fraction, 1.0);
    let metrics = db.text("host", host, "metrics");
    let kib = |field| db.int("host_metrics", metrics, field) as f64 / 1024.0;
    list.add("memory_total_kib", "KiB", Shape::Flat, kib("memory_total"));
    list.add("memory_free_kib", "KiB", Shape::Flat, kib("memory_free"));
    list.add("memory_reclaimed", "B", Shape::Flat, 0.0);
    list.add("memory_reclaimed_max", "B", Shape::Flat, 0.0);
    let residents = db.list("host", host, "resident_VMs");
    let vcpus: i64 = residents.iter().map(|vm| db.int("VM", vm, "VCPUs_at_startup")).sum();
    list.add("running_vcpus", "count", Shape::Flat, vcpus as f64);
    list.add("running_domains", "count", Shape::Flat, residents.len() as f64);
    let mut wires: Vec<String> = db
        .list("host", host, "PIFs")
        .iter()
        .filter(|p| db.flag("PIF", p, "physical") || !db.list("PIF", p, "bond_master_of").is_empty())
        .map(|p| db.text("PIF", p, "device").to_owned())
        .collect();
    wires.sort();
    wires.push("aggr".to_owned());
    for wire in wires {
        for direction in ["rx", "tx"] {
            list.add(format!("pif_{wire}_{direction}"), "B/s", Shape::Bursts, 120e6);
        }
    }
    for pbd in db.list("host", host, "PBDs") {
        let sr = db.text("PBD", &pbd, "SR");
        if db.flag("PBD", &pbd, "currently_attached") && db.text("SR", sr, "content_type") != "iso" {
            let short: String = db.text("SR", sr, "uuid").chars().take(8).collect();
            list.storage(|what| match what.strip_suffix("_latency") {
                Some(direction) => format!("{direction}_latency_{short}"),
                None => format!("{what}_{short}"),
            });
        }
    }
    for (name, scale) in
        [("memory_usage", 60_000.0), ("free_memory", 9_000.0), ("live_memory", 40_000.0), ("allocation", 80.0)]
    {
        list.add(format!("xapi_{name}_kib"), "KiB", Shape::Around, scale);
    }
    list.add("xapi_open_fds", "count", Shape::Around, 140.0);
    if db.master() == host {
        list.add("pool_task_count", "tasks", Shape::Flat, db.count("task") as f64);
        list.add("pool_session_count", "sessions", Shape::Flat, db.count("session") as f64);
    }
    list.out
}

/// Lists the sources of a storage.
pub fn sr(db: &Db, sr: &str) -> Vec<Source> {
    let mut list = List { kind: "sr", uuid: db.text("SR", sr, "uuid").to_owned(), since: 0, out: Vec::new() };
    list.add("physical_size", "B", Shape::Flat, db.int("SR", sr, "physical_size") as f64);
    list.add("physical_utilisation", "B", Shape::Flat, db.int("SR", sr, "physical_utilisation") as f64);
    list.out
}
