//! Weighs the picture: bytes on the heap per VM with its disks, interface and metrics, by class and by part, and the
//! processor time that translating takes. The pools are composed here, with contents as long as real records have.
//!
//! `cargo run -p inventory --example weigh [VMs] [pools]`; for times add `--release`.

use std::alloc::System;
use std::time::Duration;

use inventory::{Inventory, Writer};
use model::ServerId;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use xapi::{Delta, Value};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What the allocator of glibc adds to an allocation on average: a size field and rounding up to 16 bytes.
const PER_ALLOCATION: isize = 16;

/// Bytes and allocations that are alive.
#[derive(Clone, Copy)]
struct Weight {
    bytes: isize,
    allocations: isize,
}

impl Weight {
    fn now() -> Self {
        let stats = HEAP.stats();
        let alive = |made: usize, gone: usize| made.cast_signed() - gone.cast_signed();
        Self {
            bytes: alive(stats.bytes_allocated, stats.bytes_deallocated),
            allocations: alive(stats.allocations, stats.deallocations),
        }
    }

    fn since(self, before: Self) -> Self {
        Self { bytes: self.bytes - before.bytes, allocations: self.allocations - before.allocations }
    }

    fn print(self, what: &str, count: usize) {
        let count = count.cast_signed().max(1);
        let all = self.bytes + self.allocations * PER_ALLOCATION;
        println!(
            "{what:32} {:8} KiB {:9} allocations {:6} + {:5} = {:6} bytes each",
            all / 1024,
            self.allocations,
            self.bytes / count,
            self.allocations * PER_ALLOCATION / count,
            all / count,
        );
    }
}

/// Returns the processor time of this thread, which does not depend on what else the machine does.
fn processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("this is Linux");
    Duration::from_nanos(stat.split(' ').next().and_then(|nanos| nanos.parse().ok()).expect("a number"))
}

/// Makes UUIDs that look like real ones and are the same each time.
fn uuid(name: &str) -> String {
    let hash = |seed: u64| {
        name.bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(29)
        })
    };
    let (a, b) = (hash(1).wrapping_mul(0x9e37_79b9_7f4a_7c15), hash(2).wrapping_mul(0xbf58_476d_1ce4_e5b9));
    let digits = format!("{a:016x}{b:016x}");
    format!("{}-{}-{}-{}-{}", &digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..])
}

fn reference(name: &str) -> String {
    format!("OpaqueRef:{}", uuid(&format!("reference of {name}")))
}

fn map<const N: usize>(pairs: [(&str, &str); N]) -> Value {
    Value::record(pairs)
}

fn record<const N: usize>(name: &str, fields: [(&'static str, Value); N]) -> Value {
    Value::record([("uuid", Value::from(uuid(name)))].into_iter().chain(fields))
}

fn one(name: &str) -> Value {
    Value::from(reference(name))
}

fn list(names: impl IntoIterator<Item = String>) -> Value {
    Value::from(names.into_iter().map(|name| reference(&name)).collect::<Vec<_>>())
}

fn none() -> Value {
    Value::from("OpaqueRef:NULL")
}

fn empty() -> Value {
    Value::Array(vec![])
}

/// One pool of `vms` VMs and a host for 32 of them.
struct Pool {
    number: usize,
    vms: usize,
}

type Record = (&'static str, String, Value);

impl Pool {
    fn name(&self, what: &str, number: usize) -> String {
        format!("{what}-{}-{number}", self.number)
    }

    fn hosts(&self) -> usize {
        self.vms.div_ceil(32)
    }

    fn host_of(&self, vm: usize) -> usize {
        vm % self.hosts()
    }

    fn site(&self) -> Vec<Record> {
        let mut records = Vec::new();
        let pool = self.name("pool", 0);
        let fields = [
            ("name_label", Value::from(pool.as_str())),
            ("master", one(&self.name("host", 0))),
            ("default_SR", one(&self.name("sr", 0))),
            ("other_config", map([("xo:clientInfo:0", "{}")])),
        ];
        records.push(("pool", pool.clone(), record(&pool, fields)));
        let sr = self.name("sr", 0);
        let disks = (0..self.vms * 2).map(|disk| self.name("vdi", disk));
        let fields = [
            ("name_label", Value::from("NFS")),
            ("type", Value::from("nfs")),
            ("shared", true.into()),
            ("VDIs", list(disks)),
            ("PBDs", list((0..self.hosts()).map(|host| self.name("pbd", host)))),
        ];
        records.push(("SR", sr.clone(), record(&sr, fields)));
        let network = self.name("network", 0);
        let fields = [
            ("name_label", Value::from("LAN")),
            ("VIFs", list((0..self.vms).map(|vif| self.name("vif", vif)))),
            ("PIFs", list((0..self.hosts()).map(|host| self.name("pif", host)))),
        ];
        records.push(("network", network.clone(), record(&network, fields)));
        for host in 0..self.hosts() {
            let name = self.name("host", host);
            let fields = [
                ("name_label", Value::from(name.as_str())),
                ("address", Value::from("10.0.0.1")),
                ("software_version", map([("product_brand", "XCP-ng"), ("platform_version", "3.4.0")])),
                (
                    "resident_VMs",
                    list((0..self.vms).filter(|&vm| self.host_of(vm) == host).map(|vm| self.name("vm", vm))),
                ),
                ("PBDs", list([self.name("pbd", host)])),
                ("PIFs", list([self.name("pif", host)])),
                ("metrics", none()),
            ];
            records.push(("host", name.clone(), record(&name, fields)));
            let pbd = self.name("pbd", host);
            let fields = [("host", one(&name)), ("SR", one(&sr)), ("device_config", map([("server", "10.0.0.8")]))];
            records.push(("PBD", pbd.clone(), record(&pbd, fields)));
            let pif = self.name("pif", host);
            let fields = [("host", one(&name)), ("network", one(&network)), ("device", Value::from("eth0"))];
            records.push(("PIF", pif.clone(), record(&pif, fields)));
        }
        records
    }

    fn vm(&self, number: usize, label: &str) -> Record {
        let name = self.name("vm", number);
        let seed = uuid(&format!("seed {name}"));
        let creation = format!(
            r#"{{"creation":{{"date":"2026-01-01T10:00:00.000Z","template":"{}","user":"{}"}}}}"#,
            uuid("template"),
            uuid("user")
        );
        let creation_key = format!("xo:{}", &uuid(&name)[..8]);
        let bios = [
            ("bios-vendor", "Xen"),
            ("bios-version", ""),
            ("system-manufacturer", "Xen"),
            ("system-product-name", "HVM domU"),
            ("system-version", ""),
            ("system-serial-number", ""),
            ("hp-rombios", ""),
            ("oem-1", "Xen"),
            ("oem-2", "MS_VM_CERT/SHA1/bdbeb6e0a816d43fa6d3fe8aaef04c2bad9d3e3d"),
        ];
        let fields = [
            ("name_label", Value::from(label)),
            ("name_description", Value::from("A web server of the shop")),
            ("power_state", Value::from("Running")),
            ("tags", Value::from(vec!["production", "web"])),
            ("is_a_template", false.into()),
            ("is_a_snapshot", false.into()),
            ("is_control_domain", false.into()),
            ("snapshot_of", none()),
            ("snapshots", empty()),
            ("snapshot_time", Value::from("19700101T00:00:00Z")),
            ("parent", none()),
            ("suspend_VDI", none()),
            ("suspend_SR", none()),
            ("affinity", none()),
            ("resident_on", one(&self.name("host", self.host_of(number)))),
            ("metrics", one(&self.name("vmm", number))),
            ("guest_metrics", one(&self.name("gm", number))),
            ("VBDs", list((0..2).map(|disk| self.name("vbd", number * 2 + disk)))),
            ("VIFs", list([self.name("vif", number)])),
            ("VTPMs", empty()),
            ("VGPUs", empty()),
            ("VCPUs_max", Value::from("4")),
            ("VCPUs_at_startup", Value::from("4")),
            ("VCPUs_params", map([("weight", "256"), ("cap", "0")])),
            ("memory_static_min", Value::from("1073741824")),
            ("memory_dynamic_min", Value::from("4294967296")),
            ("memory_dynamic_max", Value::from("4294967296")),
            ("memory_static_max", Value::from("4294967296")),
            (
                "platform",
                map([("device-model", "qemu-upstream-compat"), ("viridian", "false"), ("cores-per-socket", "2")]),
            ),
            (
                "other_config",
                Value::record([
                    ("base_template_name", "Debian Bookworm 12"),
                    ("mac_seed", &seed),
                    ("install-methods", "cdrom,nfs,http,ftp"),
                    ("linux_template", "true"),
                    (&creation_key, &creation),
                ]),
            ),
            ("HVM_boot_policy", Value::from("BIOS order")),
            ("HVM_boot_params", map([("firmware", "uefi"), ("order", "cdn")])),
            ("blocked_operations", map([])),
            ("bios_strings", map(bios)),
            ("xenstore_data", map([("vm-data", ""), ("vm-data/mmio-hole-size", "268435456")])),
            (
                "recommendations",
                Value::from("<restrictions><restriction field=\"memory-static-max\" max=\"1\"/></restrictions>"),
            ),
            ("current_operations", map([])),
            ("ha_restart_priority", Value::from("")),
            ("PV_args", Value::from("")),
            ("domain_type", Value::from("hvm")),
            ("has_vendor_device", false.into()),
            ("start_delay", Value::from("0")),
        ];
        ("VM", name.clone(), record(&name, fields))
    }

    fn metrics(&self, number: usize) -> Record {
        let name = self.name("vmm", number);
        let fields = [
            ("memory_actual", Value::from("4294967296")),
            ("VCPUs_number", Value::from("4")),
            ("install_time", Value::from("20260101T10:00:00Z")),
            ("start_time", Value::from("20260102T10:00:00Z")),
        ];
        ("VM_metrics", name.clone(), record(&name, fields))
    }

    fn guest_metrics(&self, number: usize) -> Record {
        let name = self.name("gm", number);
        let (v4, v6) = (format!("10.1.{}.{}", number / 250, number % 250), format!("fe80::216:3eff:fe{number:06x}"));
        let fields = [
            ("networks", Value::record([("0/ip", &*v4), ("0/ipv4/0", &*v4), ("0/ipv6/0", &*v6)])),
            (
                "os_version",
                map([
                    ("name", "Debian GNU/Linux 12 (bookworm)"),
                    ("uname", "6.1.0-18-amd64"),
                    ("distro", "debian"),
                    ("major", "12"),
                    ("minor", "5"),
                ]),
            ),
            ("PV_drivers_version", map([("major", "7"), ("minor", "30"), ("micro", "0"), ("build", "12")])),
            ("PV_drivers_up_to_date", true.into()),
            ("PV_drivers_detected", true.into()),
            ("memory", map([])),
            ("other", map([("feature-static-ip-setting", "1")])),
        ];
        ("VM_guest_metrics", name.clone(), record(&name, fields))
    }

    fn vdi(&self, number: usize) -> Record {
        let name = self.name("vdi", number);
        let fields = [
            ("name_label", Value::from(format!("vm-{}-{} disk {}", self.number, number / 2, number % 2))),
            ("name_description", Value::from("Created by XO")),
            ("SR", one(&self.name("sr", 0))),
            ("VBDs", list([self.name("vbd", number)])),
            ("snapshots", empty()),
            ("snapshot_of", none()),
            ("is_a_snapshot", false.into()),
            ("managed", true.into()),
            ("virtual_size", Value::from("10737418240")),
            ("physical_utilisation", Value::from(format!("{}", 1_000_000_000 + number * 4096))),
            ("type", Value::from("user")),
            ("sm_config", map([("vdi_type", "vhd"), ("image-format", "vhd")])),
            ("cbt_enabled", false.into()),
        ];
        ("VDI", name.clone(), record(&name, fields))
    }

    fn vbd(&self, number: usize) -> Record {
        let name = self.name("vbd", number);
        let fields = [
            ("VM", one(&self.name("vm", number / 2))),
            ("VDI", one(&self.name("vdi", number))),
            ("device", Value::from(if number.is_multiple_of(2) { "xvda" } else { "xvdb" })),
            ("userdevice", Value::from(if number.is_multiple_of(2) { "0" } else { "1" })),
            ("bootable", true.into()),
            ("mode", Value::from("RW")),
            ("type", Value::from("Disk")),
            ("currently_attached", true.into()),
        ];
        ("VBD", name.clone(), record(&name, fields))
    }

    fn vif(&self, number: usize) -> Record {
        let name = self.name("vif", number);
        let fields = [
            ("VM", one(&self.name("vm", number))),
            ("network", one(&self.name("network", 0))),
            ("device", Value::from("0")),
            ("MAC", Value::from(format!("00:16:3e:{:02x}:{:02x}:{:02x}", self.number, number / 256, number % 256))),
            ("MTU", Value::from("1500")),
            ("currently_attached", true.into()),
            ("locking_mode", Value::from("network_default")),
            ("other_config", map([])),
            ("qos_algorithm_type", Value::from("")),
        ];
        ("VIF", name.clone(), record(&name, fields))
    }

    fn class(&self, class: &str) -> Vec<Record> {
        let each = |count: usize, make: &dyn Fn(usize) -> Record| (0..count).map(make).collect();
        match class {
            "site" => self.site(),
            "VM" => each(self.vms, &|vm| self.vm(vm, &self.name("vm", vm))),
            "VM_metrics" => each(self.vms, &|vm| self.metrics(vm)),
            "VM_guest_metrics" => each(self.vms, &|vm| self.guest_metrics(vm)),
            "VDI" => each(self.vms * 2, &|disk| self.vdi(disk)),
            "VBD" => each(self.vms * 2, &|disk| self.vbd(disk)),
            _ => each(self.vms, &|vm| self.vif(vm)),
        }
    }
}

const CLASSES: [&str; 7] = ["site", "VM", "VM_metrics", "VM_guest_metrics", "VDI", "VBD", "VIF"];

fn load(inventory: &Inventory, pools: &[Pool], classes: &[&str]) -> Vec<Writer> {
    let load = |pool: &Pool| {
        let mut writer = inventory.writer(ServerId::from(format!("server-{}", pool.number)));
        writer.begin();
        for class in classes {
            for (class, name, record) in pool.class(class) {
                writer.load(class, &reference(&name), &record);
            }
        }
        writer.finish().expect("the pool is whole");
        writer
    };
    pools.iter().map(load).collect()
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>().expect("a number"));
    let (vms, count) = (arguments.next().unwrap_or(2000), arguments.next().unwrap_or(4));
    let pools: Vec<Pool> = (0..count).map(|number| Pool { number, vms: vms / count }).collect();

    println!("{vms} VMs in {count} pools; by class, each added to those above, per record:");
    let mut last = Weight::now();
    for upto in 1..=CLASSES.len() {
        let before = Weight::now();
        let inventory = Inventory::new();
        let writers = load(&inventory, &pools, &CLASSES[..upto]);
        let whole = Weight::now().since(before);
        let class = CLASSES[upto - 1];
        let records = if matches!(class, "VDI" | "VBD") { vms * 2 } else { vms };
        if upto == 1 {
            whole.print("the pools without VMs", inventory.snapshot().len());
        } else {
            whole.since(last).print(class, records);
        }
        last = whole;
        if upto == CLASSES.len() {
            println!("all of it, per VM:");
            whole.print("whole", vms);
            println!("  of which, in {} objects:", inventory.snapshot().len());
            let before = Weight::now();
            drop(writers);
            before.since(Weight::now()).print("only the tables hold", vms);
            let before = Weight::now();
            drop(inventory);
            before.since(Weight::now()).print("the picture holds", vms);
        }
    }
    times(&pools, vms);
}

fn times(pools: &[Pool], vms: usize) {
    let inventory = Inventory::new();
    let records: Vec<Vec<Record>> =
        pools.iter().map(|pool| CLASSES.iter().flat_map(|class| pool.class(class)).collect()).collect();
    let (mut reading, mut finishing, mut writers) = (0.0, 0.0, Vec::new());
    for (pool, records) in pools.iter().zip(records) {
        let mut writer = inventory.writer(ServerId::from(format!("server-{}", pool.number)));
        writer.begin();
        let records: Vec<Record> =
            records.into_iter().map(|(class, name, value)| (class, reference(&name), value)).collect();
        let start = processor();
        for (class, reference, record) in &records {
            writer.load(class, reference, record);
        }
        reading += (processor() - start).as_secs_f64();
        let start = processor();
        writer.finish().expect("the pool is whole");
        finishing += (processor() - start).as_secs_f64();
        writers.push(writer);
    }
    println!(
        "{} objects: read in {:.0} ms, translated in {:.0} ms",
        inventory.snapshot().len(),
        reading * 1e3,
        finishing * 1e3
    );
    let changes: Vec<(usize, Delta)> = (0..20_000)
        .map(|number| {
            let pool = &pools[number % pools.len()];
            let (class, name, record) = pool.vm((number * 7919) % (vms / pools.len()), &format!("renamed {number}"));
            (number % pools.len(), Delta::Apply { class: class.into(), reference: reference(&name).into(), record })
        })
        .collect();
    let start = processor();
    for (pool, delta) in &changes {
        writers[*pool].apply(std::slice::from_ref(delta));
    }
    println!("a change of a VM: {:.1} us", (processor() - start).as_secs_f64() / changes.len() as f64 * 1e6);
}
