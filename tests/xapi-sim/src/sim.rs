//! The handle of a running simulator: its addresses, its records, its counters and its faults.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock, Weak, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context, ensure};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::{
    Options, Storm, calls, control,
    core::{Core, Power},
    failure::Failure,
    faults::Action,
    load,
    members::{self, Listener},
    model::model,
    server::Door,
    tasks,
};

/// A running simulator. Clones are the same simulator; it stops when told, or when the last clone is dropped.
#[derive(Clone)]
pub struct Sim(pub(crate) Arc<Running>);

/// What a running simulator owns.
pub(crate) struct Running {
    pub(crate) core: Arc<Core>,
    /// The master's at start first; the only one with `Members::One`.
    pub(crate) listeners: Vec<Listener>,
    /// Set once, after the rest exists: its connections look back at the simulator.
    control: OnceLock<Door>,
    /// What goes on by itself: garbage collection, restarts that calls asked for.
    chores: [JoinHandle<()>; 2],
    pub(crate) storm: Mutex<Option<Storm>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.chores.iter().for_each(JoinHandle::abort);
        self.core.abort_workers();
    }
}

/// Restarts the toolstack when a call asked for it.
async fn restarts(core: Arc<Core>, weak: Weak<Running>) {
    loop {
        core.restart_wanted.notified().await;
        tokio::time::sleep(core.options.delays.operation).await;
        let Some(running) = weak.upgrade() else { return };
        Sim(running).restart();
    }
}

/// Does to a machine what a call asked for: its listener, if it has one, goes and comes with it. With the master goes everybody's
/// session; its timers would go too, so they are not the toolstack's.
async fn switch(weak: Weak<Running>, power: Power) {
    let sim = || weak.upgrade().map(Sim);
    if power.off {
        let Some(sim) = sim() else { return };
        if let Some(listener) = sim.listener_of(&power.host) {
            listener.door.listen(false).await;
            listener.door.cut();
        }
        if sim.0.core.read(|db| db.master() == power.host) {
            sim.restart();
        }
    }
    let Some(boot) = power.boot else { return };
    tokio::time::sleep(boot).await;
    let Some(sim) = sim() else { return };
    calls::host_is_up(&sim.0.core, &power.host);
    if let Some(listener) = sim.listener_of(&power.host) {
        listener.door.listen(true).await;
    }
}

impl Sim {
    /// Loads the dump, binds the listeners and serves.
    pub async fn start(options: Options) -> anyhow::Result<Sim> {
        let db = load::load(&options)?;
        let control = options.control;
        let core = Arc::new(Core::new(options, db));
        let listeners = members::open(&core).await?;
        let running = Arc::new_cyclic(|weak: &Weak<Running>| {
            let chores = [tokio::spawn(tasks::sweep(core.clone())), tokio::spawn(restarts(core.clone(), weak.clone()))];
            Running { core, listeners, control: OnceLock::new(), chores, storm: Mutex::default() }
        });
        let weak = Arc::downgrade(&running);
        let switch = move |power| drop(tokio::spawn(switch(weak.clone(), power)));
        // It was empty: nobody else has the simulator yet.
        let _ = running.core.power.set(Box::new(switch));
        if let Some(address) = control {
            let weak = Arc::downgrade(&running);
            let door = Door::open(address, move |stream| control::serve(weak.clone(), stream))
                .await
                .with_context(|| format!("listen on {address}"))?;
            // It was empty: nobody else has the simulator yet.
            let _ = running.control.set(door);
        }
        Ok(Sim(running))
    }

    /// Returns `http(s)://127.0.0.1:port` of the host that was the master at start.
    pub fn url(&self) -> String {
        self.url_of(&self.0.listeners[0])
    }

    pub(crate) fn url_of(&self, listener: &Listener) -> String {
        format!("{}://{}", if listener.identity.is_some() { "https" } else { "http" }, listener.door.address)
    }

    /// The listener of a host; the only listener is the master's.
    fn listener_of(&self, host: &str) -> Option<&Listener> {
        let own = self.0.listeners.iter().find(|l| l.host.as_deref() == Some(host));
        own.or_else(|| self.0.core.read(|db| db.master() == host).then(|| self.master()))
    }

    /// The listener of the present master.
    fn master(&self) -> &Listener {
        let master = self.0.core.read(|db| db.master().to_owned());
        self.0.listeners.iter().find(|l| l.host.as_ref() == Some(&master)).unwrap_or(&self.0.listeners[0])
    }

    /// Returns `127.0.0.1:port`.
    pub fn host(&self) -> String {
        self.0.listeners[0].door.address.to_string()
    }

    /// Returns the SHA-256 of the certificate as lower-case hex with colons; `None` without TLS.
    pub fn fingerprint(&self) -> Option<String> {
        self.0.listeners[0].identity.as_ref().map(|i| i.fingerprint())
    }

    /// Returns the address of the control endpoint.
    pub fn control_url(&self) -> Option<String> {
        self.0.control.get().map(|door| format!("http://{}", door.address))
    }

    /// Returns the account that may log in.
    pub fn username(&self) -> &str {
        &self.0.core.options.user
    }

    /// Returns its password.
    pub fn password(&self) -> &str {
        &self.0.core.options.password
    }

    /// Stops at once: listeners closed, connections cut.
    pub async fn stop(&self) {
        self.0.storm.lock().take();
        self.0.chores.iter().for_each(JoinHandle::abort);
        self.0.listeners.iter().for_each(|l| l.door.close());
        if let Some(control) = self.0.control.get() {
            control.close();
        }
        self.0.core.abort_workers();
    }

    /// Returns the generation of the latest change.
    pub fn generation(&self) -> u64 {
        self.0.core.read(crate::db::Db::generation)
    }

    // --- records

    /// Returns one record as the wire would show it.
    pub fn record(&self, class: &str, reference: &str) -> Option<Value> {
        let class = model().class(class)?;
        self.0.core.read(|db| db.get(&class.name, reference).map(|r| Value::Object(r.to_map())))
    }

    /// Returns all records of a class by reference.
    pub fn records(&self, class: &str) -> BTreeMap<String, Value> {
        self.0.core.read(|db| db.rows(class).map(|(r, v)| (r.to_string(), Value::Object(v.to_map()))).collect())
    }

    /// Returns the first reference (in reference order) of the class whose `name_label` is `label`.
    pub fn find(&self, class: &str, label: &str) -> Option<String> {
        self.0.core.read(|db| {
            db.rows(class).find(|(_, r)| r.get("name_label").is_some_and(|l| l == label)).map(|(r, _)| r.to_string())
        })
    }

    /// Returns the reference of the object with this uuid.
    pub fn by_uuid(&self, class: &str, uuid: &str) -> Option<String> {
        self.0.core.read(|db| db.by_uuid(class, uuid).map(|r| r.to_string()))
    }

    /// Changes one field, mirrors the relation and raises the events, as a change inside the pool would.
    pub fn set(&self, class: &str, reference: &str, field: &str, value: Value) -> anyhow::Result<()> {
        let known = model().class(class).with_context(|| format!("class {class} is unknown"))?;
        ensure!(known.fields.contains_key(field), "{class} has no field {field}");
        ensure!(self.0.core.write(|db| db.set(class, reference, field, value)), "there is no {class} {reference}");
        Ok(())
    }

    /// Adds an object (missing fields take their defaults, `uuid` is made up if absent) and returns its reference.
    pub fn insert(&self, class: &str, fields: Value) -> anyhow::Result<String> {
        ensure!(model().class(class).is_some(), "class {class} is unknown");
        let Value::Object(fields) = fields else { anyhow::bail!("fields must be an object") };
        Ok(self.0.core.write(|db| db.insert(class, fields)))
    }

    /// Returns a reference nobody has: put it into a field first, and `insert_as` its object later.
    pub fn reserve(&self) -> String {
        self.0.core.write(|db| db.reference())
    }

    /// Adds an object under a reserved reference; those who pointed at it find it.
    pub fn insert_as(&self, class: &str, reference: &str, fields: Value) -> anyhow::Result<()> {
        ensure!(model().class(class).is_some(), "class {class} is unknown");
        let Value::Object(fields) = fields else { anyhow::bail!("fields must be an object") };
        self.0.core.write(|db| db.insert_as(class, reference, fields));
        Ok(())
    }

    /// Deletes an object; false when there was none.
    pub fn remove(&self, class: &str, reference: &str) -> bool {
        self.0.core.write(|db| db.remove(class, reference))
    }

    /// Returns how often each method was called, failures included, by the name on the wire (`Async.VM.start`).
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.0.core.calls.lock().clone()
    }

    /// Returns how often this method was called.
    pub fn calls_of(&self, method: &str) -> u64 {
        self.0.core.calls.lock().get(method).copied().unwrap_or_default()
    }

    /// Returns how many sessions are alive.
    pub fn sessions(&self) -> usize {
        self.0.core.read(|db| db.count("session")) + self.0.core.local_sessions.lock().len()
    }

    /// Returns how many connections are open on the XAPI listeners.
    pub fn connections(&self) -> usize {
        self.0.listeners.iter().map(|l| l.door.connections()).sum()
    }

    // --- faults: `method` is the name on the wire without `Async.` (`VM.start`), a handler's path (`/rrd_updates`), or `*`

    /// Lets the next call of the method fail with this error; an asynchronous call fails in its task.
    pub fn fail_next(&self, method: &str, code: &str, params: &[&str]) {
        self.fail_times(1, method, code, params);
    }

    /// Lets the next `times` calls of the method fail.
    pub fn fail_times(&self, times: u32, method: &str, code: &str, params: &[&str]) {
        let failure = Failure { code: code.to_owned(), params: params.iter().map(|p| (*p).to_owned()).collect() };
        self.0.core.faults.add(method, Action::Fail(failure), Some(times));
    }

    /// Lets calls of the method hang until `release`.
    pub fn hang(&self, method: &str) {
        self.0.core.faults.add(method, Action::Hang, None);
    }

    /// Ends `hang`: waiting calls go on.
    pub fn release(&self, method: &str) {
        self.0.core.faults.end(method, |a| matches!(a, Action::Hang));
    }

    /// Delays every call of the method; a zero delay ends it.
    pub fn slow(&self, method: &str, delay: Duration) {
        self.0.core.faults.end(method, |a| matches!(a, Action::Slow(_)));
        if !delay.is_zero() {
            self.0.core.faults.add(method, Action::Slow(delay), None);
        }
    }

    /// Answers the next `times` calls of the method with this HTTP status and an HTML page.
    pub fn http_error(&self, method: &str, status: u16, times: u32) {
        self.0.core.faults.add(method, Action::Http(status), Some(times));
    }

    /// Answers the next `times` requests with 302 and this location.
    pub fn redirect(&self, method: &str, location: &str, times: u32) {
        self.0.core.faults.add(method, Action::Redirect(location.to_owned()), Some(times));
    }

    /// Cuts the connection in the middle of the answers of the next `times` calls of the method (which do take effect).
    pub fn half_answer(&self, method: &str, times: u32) {
        self.0.core.faults.add(method, Action::Half, Some(times));
    }

    /// Lets answers of the method that are longer than this many bytes stand still in their middle until `let_go`.
    pub fn hold(&self, method: &str, over: usize) {
        self.0.core.faults.add(method, Action::Hold(over), None);
    }

    /// Ends `hold`: the second halves follow, unless the method hangs or its answers are to be cut.
    pub fn let_go(&self, method: &str) {
        self.0.core.faults.end(method, |a| matches!(a, Action::Hold(_)));
    }

    /// Returns how many answers stand still in their middle.
    pub fn held(&self) -> usize {
        self.0.core.faults.held()
    }

    /// Takes back fail, hang, slow, http_error, redirect, half_answer and hold.
    pub fn clear_faults(&self) {
        self.0.core.faults.clear();
    }

    /// Destroys all sessions: the next call of each is SESSION_INVALID, waiting event.from calls end with it at once.
    pub fn kill_sessions(&self) {
        self.0.core.local_sessions.lock().clear();
        self.0.core.legacy.lock().clear();
        self.0.core.write(|db| db.clear("session"));
    }

    /// Cuts all open connections, those of the other members too.
    pub fn drop_connections(&self) {
        self.0.listeners.iter().for_each(|l| l.door.cut());
    }

    /// Closes the master's listener: new connections are refused. Open ones stay (see `drop_connections`).
    pub async fn pause_listening(&self) {
        self.master().door.listen(false).await;
    }

    /// Listens again on the same port.
    pub async fn resume_listening(&self) {
        self.master().door.listen(true).await;
    }

    /// Cuts all connections and lets the master refuse new ones for this long.
    pub async fn refuse_for(&self, time: Duration) {
        self.pause_listening().await;
        self.drop_connections();
        let weak = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            if let Some(running) = weak.upgrade() {
                Sim(running).resume_listening().await;
            }
        });
    }

    /// Makes every event token given out so far worthless: event.from with one of them is EVENTS_LOST.
    pub fn lose_events(&self) {
        let core = &self.0.core;
        core.legacy.lock().values_mut().for_each(|l| l.lost = true);
        core.write(|db| {
            *core.oldest_token.lock() = db.generation() + 1;
            db.restart();
        });
    }

    /// The toolstack restarts: connections cut, sessions and tasks gone, deletions forgotten, generation further on.
    pub fn restart(&self) {
        let core = &self.0.core;
        core.abort_workers();
        core.cancels.lock().clear();
        self.drop_connections();
        self.kill_sessions();
        core.write(|db| {
            db.clear("task");
            calls::forget_operations(db);
            db.restart();
        });
    }

    /// The master presents another certificate from now on; returns its fingerprint, `None` without TLS.
    pub fn swap_certificate(&self) -> Option<String> {
        self.swap(self.master())
    }

    /// Lets this share of all calls (0 to 1) find its session dead; which ones follows from the seed.
    pub fn random_session_invalid(&self, share: f64) {
        self.0.core.session_deaths.lock().0 = share;
    }

    /// Sets the hosts' clocks this many seconds ahead of ours (behind when negative).
    pub fn skew_clock(&self, seconds: i64) {
        self.0.core.skew.store(seconds, Ordering::Relaxed);
    }

    /// Is a slave from now on: every call is HOST_IS_SLAVE with this master's address.
    pub fn become_slave(&self, master: &str) {
        *self.0.core.slave_of.lock() = Some(master.to_owned());
        self.drop_connections();
    }

    /// Is the master again.
    pub fn become_master(&self) {
        *self.0.core.slave_of.lock() = None;
    }
}
