//! All tasks of ours, in memory, and what is thrown away when they become too many, too large or too old.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Millis;

use super::record::{Status, Task, id_at};
use crate::audit::Keep;

/// Tasks that are over and kept, as in Xen Orchestra.
const KEPT: usize = 1_000;

/// How long tasks that are over are kept, and how many bytes of them, unless the operator says otherwise: a thousand of usual
/// size are half a megabyte.
pub(super) const KEEP: Keep = Keep { time: 31 * 24 * 3_600_000, size: 8 << 20 };

/// Tasks that may run at once: more than anybody waits for, and a bound for a program that has lost its way.
const RUNNING: usize = 1_000;

/// What happened to a task; none before it came and after it went.
#[derive(Clone, Debug)]
pub struct Change {
    /// As it was.
    pub before: Option<Arc<Task>>,
    /// As it is.
    pub after: Option<Arc<Task>>,
}

/// The tasks by id, which is by age.
pub(super) struct Shelf {
    /// What may stay.
    pub(super) keep: Keep,
    tasks: BTreeMap<String, (Arc<Task>, usize)>,
    /// Bytes of those that are over.
    bytes: usize,
    over: usize,
    /// The moment in the youngest id.
    last: Millis,
}

impl Default for Shelf {
    fn default() -> Self {
        Self { keep: KEEP, tasks: BTreeMap::new(), bytes: 0, over: 0, last: 0 }
    }
}

fn weigh(task: &Task) -> usize {
    task.view().to_string().len()
}

impl Shelf {
    pub(super) fn get(&self, id: &str) -> Option<&Arc<Task>> {
        self.tasks.get(id).map(|(task, _)| task)
    }

    /// Returns all, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Task>> {
        self.tasks.values().map(|(task, _)| task)
    }

    /// Returns an id that none had before; none when too many run.
    pub(super) fn new_id(&mut self, now: Millis) -> Option<String> {
        if self.tasks.len() - self.over >= RUNNING {
            return None;
        }
        self.last = now.max(self.last + 1);
        Some(id_at(self.last))
    }

    /// Puts a task in the place of its last state.
    pub(super) fn put(&mut self, task: Task) -> Change {
        let before = self.remove(&task.id).before;
        let weight = if task.is_pending() { 0 } else { weigh(&task) };
        if !task.is_pending() {
            self.over += 1;
            self.bytes += weight;
        }
        let task = Arc::new(task);
        self.tasks.insert(task.id.clone(), (task.clone(), weight));
        Change { before, after: Some(task) }
    }

    pub(super) fn remove(&mut self, id: &str) -> Change {
        let before = self.tasks.remove(id).map(|(task, weight)| {
            if !task.is_pending() {
                self.over -= 1;
                self.bytes -= weight;
            }
            task
        });
        Change { before, after: None }
    }

    /// Takes the oldest out until the rest may stay.
    pub(super) fn trim(&mut self, now: Millis) -> Vec<Change> {
        let mut gone = Vec::new();
        loop {
            let oldest = self.iter().find(|task| !task.is_pending());
            let Some(oldest) = oldest.filter(|task| {
                let age = now.saturating_sub(task.end.unwrap_or(task.start));
                self.over > KEPT || self.bytes as u64 > self.keep.size || age > self.keep.time
            }) else {
                return gone;
            };
            let id = oldest.id.clone();
            gone.push(self.remove(&id));
        }
    }

    /// Takes stored tasks over: what ran then was interrupted. Returns those that are different now.
    pub(super) fn load(&mut self, stored: Vec<Task>, now: Millis) -> Vec<Arc<Task>> {
        let mut interrupted = Vec::new();
        for mut task in stored {
            let ran = task.is_pending();
            if ran {
                task.status = Status::Interrupted;
                (task.end, task.updated_at) = (Some(now), now);
            }
            self.last = self.last.max(Millis::from_str_radix(&task.id, 36).unwrap_or_default());
            let change = self.put(task);
            interrupted.extend(change.after.filter(|_| ran));
        }
        interrupted
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::record::Properties;
    use super::*;

    fn task(id: String, status: Status, at: Millis) -> Task {
        let end = (status != Status::Pending).then_some(at);
        let properties = Properties::default();
        Task { id, properties, start: at, status, updated_at: at, end, abortion_requested_at: None, result: None }
    }

    #[test]
    fn the_oldest_go_first_and_those_that_run_stay() {
        let mut shelf = Shelf::default();
        let running = shelf.new_id(5).unwrap();
        shelf.put(task(running.clone(), Status::Pending, 5));
        for _ in 0..KEPT + 10 {
            let id = shelf.new_id(5).unwrap();
            shelf.put(task(id, Status::Success, 5));
        }
        assert_eq!(shelf.trim(6).len(), 10);
        assert!(shelf.get(&running).is_some());
        assert_eq!(shelf.trim(6 + KEEP.time).len(), KEPT);
        assert_eq!((shelf.bytes, shelf.over, shelf.iter().count()), (0, 0, 1));
    }

    #[test]
    fn bytes_and_running_tasks_are_bounded() {
        let mut shelf = Shelf::default();
        for _ in 0..200 {
            let id = shelf.new_id(5).unwrap();
            shelf.put(Task { result: Some(json!("x".repeat(60_000))), ..task(id, Status::Success, 5) });
            shelf.trim(5);
        }
        assert!(shelf.bytes as u64 <= KEEP.size && shelf.over > 100, "{} {}", shelf.bytes, shelf.over);
        shelf.keep = Keep { size: 1 << 20, ..KEEP };
        shelf.trim(5);
        assert!(shelf.bytes <= 1 << 20 && shelf.over > 10, "{} {}", shelf.bytes, shelf.over);
        for _ in 0..RUNNING {
            let id = shelf.new_id(5).unwrap();
            shelf.put(task(id, Status::Pending, 5));
        }
        assert!(shelf.new_id(5).is_none());
    }

    #[test]
    fn a_restart_interrupts_what_ran() {
        let mut shelf = Shelf::default();
        let stored = vec![task(id_at(10), Status::Success, 1), task(id_at(20), Status::Pending, 2)];
        let interrupted = shelf.load(stored, 30);
        assert_eq!(interrupted.len(), 1);
        assert_eq!((interrupted[0].status, interrupted[0].end), (Status::Interrupted, Some(30)));
        assert_eq!(shelf.new_id(3).unwrap(), id_at(21), "ids never repeat, whatever the clock says");
    }
}
