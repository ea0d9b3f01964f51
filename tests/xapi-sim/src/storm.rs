//! A pool that is busy: VMs that change evenly at a given rate, each change with a number and its time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use tokio::{task::JoinHandle, time::Instant};

use crate::{core::Core, db::Db, model::NULL, sim::Sim};

/// Changes are made in small groups: timers are no finer than about a millisecond.
const TICK: Duration = Duration::from_millis(2);
/// What a stamp begins with.
const WORD: &str = "storm";

/// A storm under way; it ends when dropped or stopped.
#[derive(Debug)]
pub struct Storm {
    work: JoinHandle<()>,
    made: Arc<AtomicU64>,
}

/// What a changed VM carries in its `name_description`: `storm <serial> <UNIX microseconds>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Counts from 1 and has no gaps. The VM of serial n is always the same, so its next serial is n + the number of VMs.
    pub serial: u64,
    /// When the change was made.
    pub micros: u64,
}

impl Stamp {
    /// Reads the `name_description` of a VM.
    pub fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        if words.next()? != WORD {
            return None;
        }
        Some(Self { serial: words.next()?.parse().ok()?, micros: words.next()?.parse().ok()? })
    }

    /// Returns how long ago the change was made.
    pub fn age(self) -> Duration {
        Duration::from_micros(micros().saturating_sub(self.micros))
    }
}

fn micros() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}

impl Storm {
    /// Returns the serial of the latest change, which is how many there were.
    pub fn changes(&self) -> u64 {
        self.made.load(Ordering::Acquire)
    }

    /// Ends it and returns how many changes there were; none comes later.
    pub async fn stop(mut self) -> u64 {
        self.work.abort();
        // Aborted or not: what matters is that it has ended.
        let _ = (&mut self.work).await;
        self.changes()
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.work.abort();
    }
}

impl Sim {
    /// Changes VMs (no templates, snapshots or control domains) one after the other at this rate: name, other_config, tags,
    /// memory target, power state between Running and Paused, and every eighth time its metrics record too.
    pub fn storm(&self, per_second: f64) -> Storm {
        let made = Arc::new(AtomicU64::new(0));
        let work = tokio::spawn(blow(self.0.core.clone(), per_second, made.clone()));
        Storm { work, made }
    }
}

async fn blow(core: Arc<Core>, per_second: f64, made: Arc<AtomicU64>) {
    let vms: Vec<(String, String)> = core.read(|db| {
        let real = |vm: &crate::model::Record| {
            ["is_a_template", "is_a_snapshot", "is_control_domain"].iter().all(|f| vm[*f] == false)
        };
        let all = db.rows("VM").filter(|(_, vm)| real(vm));
        all.map(|(r, vm)| (r.to_string(), vm["name_label"].as_str().unwrap_or_default().to_owned())).collect()
    });
    if vms.is_empty() {
        return;
    }
    let start = Instant::now();
    loop {
        let due = (start.elapsed().as_secs_f64() * per_second) as u64;
        let mut serial = made.load(Ordering::Acquire);
        if due > serial {
            core.write(|db| {
                while serial < due {
                    serial += 1;
                    let at = usize::try_from(serial - 1).unwrap_or(0);
                    let (vm, label) = &vms[at % vms.len()];
                    change(db, vm, label, serial, at / vms.len() + at % vms.len());
                }
            });
            made.store(serial, Ordering::Release);
        }
        tokio::time::sleep(TICK).await;
    }
}

fn change(db: &mut Db, vm: &str, label: &str, serial: u64, kind: usize) {
    let other: (&str, Value) = match kind % 5 {
        0 => ("name_label", json!(format!("{label} ~{}", serial % 10))),
        1 => {
            let mut config = db.field("VM", vm, "other_config").clone();
            config[WORD] = json!(serial.to_string());
            ("other_config", config)
        }
        2 => ("tags", if serial.is_multiple_of(2) { json!(["busy"]) } else { json!(["busy", "production"]) }),
        3 => ("memory_target", json!(db.int("VM", vm, "memory_static_max") - 1024 * (serial % 7) as i64)),
        _ => match db.text("VM", vm, "power_state") {
            "Running" => ("power_state", json!("Paused")),
            "Paused" => ("power_state", json!("Running")),
            _ => ("user_version", json!(serial)),
        },
    };
    if serial.is_multiple_of(8) {
        let metrics = db.text("VM", vm, "metrics").to_owned();
        if metrics != NULL {
            db.set("VM_metrics", &metrics, "memory_actual", 1_073_741_824 + serial);
        }
    }
    let stamp = format!("{WORD} {serial} {}", micros());
    db.update("VM", vm, [("name_description", json!(stamp)), other]);
}
