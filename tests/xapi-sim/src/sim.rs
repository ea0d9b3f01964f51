//! The handle of a running simulator: its addresses, its records, its counters and its faults.
//!
//! SIGNATURES FIRST: the bodies are being filled in; what stands here is what stays.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use crate::Options;

/// A running simulator. Clones are the same simulator; it stops when told, or when the last clone is dropped.
#[derive(Clone)]
pub struct Sim {}

impl Sim {
    /// Loads the dump, binds the listeners and serves.
    pub async fn start(_options: Options) -> anyhow::Result<Sim> {
        anyhow::bail!("the simulator is being built")
    }

    /// Returns `http(s)://127.0.0.1:port`.
    pub fn url(&self) -> String {
        String::new()
    }

    /// Returns `127.0.0.1:port`.
    pub fn host(&self) -> String {
        String::new()
    }

    /// Returns the SHA-256 of the certificate as lower-case hex with colons; `None` without TLS.
    pub fn fingerprint(&self) -> Option<String> {
        None
    }

    /// Returns the address of the control endpoint.
    pub fn control_url(&self) -> Option<String> {
        None
    }

    /// Returns the account that may log in.
    pub fn username(&self) -> &str {
        ""
    }

    /// Returns its password.
    pub fn password(&self) -> &str {
        ""
    }

    /// Stops at once: listeners closed, connections cut.
    pub async fn stop(&self) {}

    // --- records

    /// Returns one record as the wire would show it.
    pub fn record(&self, _class: &str, _reference: &str) -> Option<Value> {
        None
    }

    /// Returns all records of a class by reference.
    pub fn records(&self, _class: &str) -> BTreeMap<String, Value> {
        BTreeMap::new()
    }

    /// Returns the first reference (in reference order) of the class whose `name_label` is `label`.
    pub fn find(&self, _class: &str, _label: &str) -> Option<String> {
        None
    }

    /// Returns the reference of the object with this uuid.
    pub fn by_uuid(&self, _class: &str, _uuid: &str) -> Option<String> {
        None
    }

    /// Changes one field, mirrors the relation and raises the events, as a change inside the pool would.
    pub fn set(&self, _class: &str, _reference: &str, _field: &str, _value: Value) -> anyhow::Result<()> {
        Ok(())
    }

    /// Adds an object (missing fields take their defaults, `uuid` is made up if absent) and returns its reference.
    pub fn insert(&self, _class: &str, _fields: Value) -> anyhow::Result<String> {
        Ok(String::new())
    }

    /// Deletes an object; false when there was none.
    pub fn remove(&self, _class: &str, _reference: &str) -> bool {
        false
    }

    /// Returns how often each method was called, failures included, by the name on the wire (`Async.VM.start`).
    pub fn calls(&self) -> BTreeMap<String, u64> {
        BTreeMap::new()
    }

    /// Returns how often this method was called.
    pub fn calls_of(&self, _method: &str) -> u64 {
        0
    }

    /// Returns how many sessions are alive.
    pub fn sessions(&self) -> usize {
        0
    }

    /// Returns how many connections are open on the XAPI listener.
    pub fn connections(&self) -> usize {
        0
    }

    // --- faults: `method` is the name on the wire without `Async.` (`VM.start`), or `*`

    /// Lets the next call of the method fail with this error; an asynchronous call fails in its task.
    pub fn fail_next(&self, _method: &str, _code: &str, _params: &[&str]) {}

    /// Lets the next `times` calls of the method fail.
    pub fn fail_times(&self, _times: u32, _method: &str, _code: &str, _params: &[&str]) {}

    /// Lets calls of the method hang until `release`.
    pub fn hang(&self, _method: &str) {}

    /// Ends `hang`: waiting calls go on.
    pub fn release(&self, _method: &str) {}

    /// Delays every call of the method; a zero delay ends it.
    pub fn slow(&self, _method: &str, _delay: Duration) {}

    /// Answers the next `times` calls of the method with this HTTP status and an HTML page.
    pub fn http_error(&self, _method: &str, _status: u16, _times: u32) {}

    /// Cuts the connection in the middle of the answers of the next `times` calls of the method (which do take effect).
    pub fn half_answer(&self, _method: &str, _times: u32) {}

    /// Takes back fail, hang, slow, http_error and half_answer.
    pub fn clear_faults(&self) {}

    /// Destroys all sessions: the next call of each is SESSION_INVALID, waiting event.from calls end with it at once.
    pub fn kill_sessions(&self) {}

    /// Cuts all open connections.
    pub fn drop_connections(&self) {}

    /// Closes the listener: new connections are refused. Open ones stay (see `drop_connections`).
    pub async fn pause_listening(&self) {}

    /// Listens again on the same port.
    pub async fn resume_listening(&self) {}

    /// Cuts all connections and refuses new ones for this long.
    pub async fn refuse_for(&self, _time: Duration) {}

    /// Makes every event token given out so far worthless: event.from with one of them is EVENTS_LOST.
    pub fn lose_events(&self) {}

    /// The toolstack restarts: connections cut, sessions and tasks gone, deletions forgotten, generation further on.
    pub fn restart(&self) {}

    /// Presents another certificate from now on and returns its fingerprint; `None` without TLS.
    pub fn swap_certificate(&self) -> Option<String> {
        None
    }

    /// Is a slave from now on: every call is HOST_IS_SLAVE with this master's address.
    pub fn become_slave(&self, _master: &str) {}

    /// Is the master again.
    pub fn become_master(&self) {}
}
