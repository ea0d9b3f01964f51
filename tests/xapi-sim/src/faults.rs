//! Misbehaviour on demand, by method.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::failure::Failure;

/// What goes wrong with a call.
#[derive(Clone, Debug)]
pub enum Action {
    /// The call fails; an asynchronous one in its task.
    Fail(Failure),
    /// The call waits until `release`.
    Hang,
    /// The call takes this much longer.
    Slow(Duration),
    /// The answer is this HTTP status with an HTML page; the call has no effect.
    Http(u16),
    /// The caller is sent to this place; the call has no effect.
    Redirect(String),
    /// The connection is cut in the middle of the answer; the call has its effect.
    Half,
    /// An answer of more than this many bytes stands still in its middle until `let_go`.
    Hold(usize),
}

#[derive(Debug)]
struct Rule {
    method: String,
    action: Action,
    /// How often it still applies; `None` until taken back.
    left: Option<u32>,
}

impl Rule {
    fn matches(&self, method: &str) -> bool {
        self.method == "*" || self.method == method
    }
}

/// The rules in force.
#[derive(Debug)]
pub struct Faults {
    rules: Mutex<Vec<Rule>>,
    changed: watch::Sender<()>,
    /// Answers that stand still in their middle now.
    held: AtomicUsize,
}

impl Default for Faults {
    fn default() -> Self {
        Self { rules: Mutex::default(), changed: watch::Sender::new(()), held: AtomicUsize::new(0) }
    }
}

impl Faults {
    /// Adds a rule for a method (`VM.start`, or `*`), for some calls or until taken back.
    pub fn add(&self, method: &str, action: Action, times: Option<u32>) {
        if times != Some(0) {
            self.rules.lock().push(Rule { method: method.to_owned(), action, left: times });
        }
    }

    /// Takes back the rules of a method that `which` picks; `*` means those of every method.
    pub fn end(&self, method: &str, which: impl Fn(&Action) -> bool) {
        self.rules.lock().retain(|r| !((method == "*" || r.method == method) && which(&r.action)));
        self.changed.send_replace(());
    }

    /// Takes back everything.
    pub fn clear(&self) {
        self.end("*", |_| true);
    }

    /// Returns what the first rule of the kind says and counts it as used.
    fn take<T>(&self, method: &str, kind: impl Fn(&Action) -> Option<T>) -> Option<T> {
        let mut rules = self.rules.lock();
        let (at, found) = rules
            .iter()
            .enumerate()
            .find_map(|(i, r)| r.matches(method).then(|| kind(&r.action)).flatten().map(|f| (i, f)))?;
        if let Some(left) = &mut rules[at].left {
            *left -= 1;
            if *left == 0 {
                rules.remove(at);
            }
        }
        Some(found)
    }

    /// The error this call must fail with.
    pub fn failure(&self, method: &str) -> Option<Failure> {
        self.take(method, |a| if let Action::Fail(f) = a { Some(f.clone()) } else { None })
    }

    /// The HTTP status this call must be answered with.
    pub fn http(&self, method: &str) -> Option<u16> {
        self.take(method, |a| if let Action::Http(status) = a { Some(*status) } else { None })
    }

    /// Where the caller must be sent.
    pub fn redirect(&self, method: &str) -> Option<String> {
        self.take(method, |a| if let Action::Redirect(place) = a { Some(place.clone()) } else { None })
    }

    /// Must the answer be cut?
    pub fn half(&self, method: &str) -> bool {
        self.take(method, |a| matches!(a, Action::Half).then_some(())).is_some()
    }

    /// Waits as long as `slow` and `hang` demand.
    pub async fn wait(&self, method: &str) {
        if let Some(delay) = self.take(method, |a| if let Action::Slow(d) = a { Some(*d) } else { None }) {
            tokio::time::sleep(delay).await;
        }
        self.end_of(method, |action| matches!(action, Action::Hang)).await;
    }

    /// Must an answer of this length stand still?
    pub fn holds(&self, method: &str, length: usize) -> bool {
        let holds = |r: &Rule| r.matches(method) && matches!(r.action, Action::Hold(over) if length > over);
        self.rules.lock().iter().any(holds)
    }

    /// Waits in the middle of an answer as long as `hold` and `hang` demand.
    pub async fn stand_still(&self, method: &str) {
        let _held = Held::new(&self.held);
        self.end_of(method, |action| matches!(action, Action::Hold(_) | Action::Hang)).await;
    }

    /// How many answers stand still in their middle.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Waits until no rule of the method is one of these.
    async fn end_of(&self, method: &str, which: impl Fn(&Action) -> bool) {
        let mut changed = self.changed.subscribe();
        while self.rules.lock().iter().any(|r| r.matches(method) && which(&r.action)) {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }
}

/// Counts one answer while it stands still; its connection may be cut meanwhile.
struct Held<'a>(&'a AtomicUsize);

impl<'a> Held<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::fail;

    #[test]
    fn rules_are_used_up_in_order() {
        let faults = Faults::default();
        faults.add("VM.start", Action::Fail(fail("A", [])), Some(1));
        faults.add("*", Action::Fail(fail("B", [])), Some(2));
        faults.add("VM.start", Action::Http(500), None);
        assert_eq!(faults.failure("VM.start"), Some(fail("A", [])));
        assert_eq!(faults.failure("VM.start"), Some(fail("B", [])));
        assert_eq!(faults.failure("VM.pause"), Some(fail("B", [])));
        assert_eq!(faults.failure("VM.start"), None);
        assert_eq!(
            (faults.http("VM.start"), faults.http("VM.start"), faults.http("VM.pause")),
            (Some(500), Some(500), None)
        );
        faults.clear();
        assert_eq!(faults.http("VM.start"), None);
    }
}
