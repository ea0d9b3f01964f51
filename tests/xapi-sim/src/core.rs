//! What every call works on: the database behind its lock, the sessions, the counters, the faults and the work in progress.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    future::Future,
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use parking_lot::Mutex;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};

use crate::{
    Options, clock,
    db::Db,
    events::Legacy,
    failure::{Failure, fail},
    faults::Faults,
    model::Record,
    tls::Identity,
};

/// A machine goes off, boots, or does one after the other.
#[derive(Debug)]
pub struct Power {
    /// Reference of the host.
    pub host: String,
    pub off: bool,
    /// How long it takes until it is up; never when `None`.
    pub boot: Option<Duration>,
}

/// One simulated master.
pub struct Core {
    pub options: Options,
    db: Mutex<Db>,
    /// Generation of the database, for those who wait for it to move.
    moved: watch::Sender<u64>,
    /// The same of the sessions alone: those who wait for time to pass need not wake with every change of a busy pool.
    sessions_moved: watch::Sender<u64>,
    pub faults: Faults,
    pub calls: Mutex<BTreeMap<String, u64>>,
    /// Tasks that run here, by reference: true once somebody asked to cancel.
    pub cancels: Mutex<HashMap<String, watch::Sender<bool>>>,
    /// What the guest tools of a VM (by uuid) reported last: they report it again after the next start.
    pub tools: Mutex<HashMap<String, Record>>,
    /// The account's password; it can be changed.
    pub password: Mutex<String>,
    /// Sessions of slave_local_login_with_password.
    pub local_sessions: Mutex<HashSet<String>>,
    /// Registrations of event.register by session.
    pub legacy: Mutex<HashMap<String, Legacy>>,
    /// Address of the master when this host is a slave.
    pub slave_of: Mutex<Option<String>>,
    /// Tokens below this generation are EVENTS_LOST.
    pub oldest_token: Mutex<u64>,
    /// Where the listeners of the hosts are, by reference; empty when the pool has one.
    pub places: Mutex<HashMap<String, SocketAddr>>,
    /// Where the first listener is: the only one of a pool with one.
    pub front: OnceLock<SocketAddr>,
    /// The certificates of the hosts that have a listener.
    pub identities: Mutex<HashMap<String, Arc<Identity>>>,
    /// What is in the blobs, by reference.
    pub blobs: Mutex<HashMap<String, Bytes>>,
    /// A call asks for a restart of the toolstack, once it is answered.
    pub restart_wanted: Notify,
    /// Seconds the hosts' clocks are ahead.
    pub skew: AtomicI64,
    /// The share of calls whose session dies, and what decides which.
    pub session_deaths: Mutex<(f64, StdRng)>,
    /// Hosts that do not enable themselves after a reboot.
    pub stay_disabled: Mutex<HashSet<String>>,
    /// The switch of the machines: with whoever owns the listeners.
    pub power: OnceLock<Box<dyn Fn(Power) + Send + Sync>>,
    workers: Mutex<JoinSet<()>>,
}

impl Core {
    /// Takes over a loaded database.
    pub fn new(options: Options, mut db: Db) -> Self {
        db.seal();
        let tools = db.rows("VM").filter_map(|(reference, vm)| {
            let metrics = db.get("VM_guest_metrics", db.text("VM", reference, "guest_metrics"))?;
            Some((vm.get("uuid")?.as_str()?.to_owned(), (**metrics).clone()))
        });
        Self {
            tools: Mutex::new(tools.collect()),
            password: Mutex::new(options.password.clone()),
            moved: watch::Sender::new(db.generation()),
            sessions_moved: watch::Sender::new(db.session_generation()),
            db: Mutex::new(db),
            faults: Faults::default(),
            calls: Mutex::default(),
            cancels: Mutex::default(),
            local_sessions: Mutex::default(),
            legacy: Mutex::default(),
            slave_of: Mutex::default(),
            oldest_token: Mutex::new(0),
            places: Mutex::default(),
            front: OnceLock::new(),
            identities: Mutex::default(),
            blobs: Mutex::default(),
            restart_wanted: Notify::new(),
            skew: AtomicI64::new(0),
            session_deaths: Mutex::new((0.0, StdRng::seed_from_u64(options.seed))),
            options,
            stay_disabled: Mutex::default(),
            power: OnceLock::new(),
            workers: Mutex::default(),
        }
    }

    /// Reads the database.
    pub fn read<T>(&self, look: impl FnOnce(&Db) -> T) -> T {
        look(&self.db.lock())
    }

    /// Changes the database and wakes those who wait for changes.
    pub fn write<T>(&self, work: impl FnOnce(&mut Db) -> T) -> T {
        let mut db = self.db.lock();
        let out = work(&mut db);
        let generation = db.generation();
        self.moved.send_if_modified(|seen| std::mem::replace(seen, generation) != generation);
        let sessions = db.session_generation();
        self.sessions_moved.send_if_modified(|seen| std::mem::replace(seen, sessions) != sessions);
        out
    }

    /// Returns a view on the generation that can be waited on.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }

    /// Runs work that outlives the connection it came from, until it ends or the process "restarts".
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut workers = self.workers.lock();
        while workers.try_join_next().is_some() {}
        workers.spawn(clock::skewed(self.skew(), work));
    }

    /// Returns the seconds the hosts' clocks are ahead.
    pub fn skew(&self) -> i64 {
        self.skew.load(Ordering::Relaxed)
    }

    /// Lets the session die when it is its turn.
    pub fn maybe_kill(&self, session: &str) {
        let (share, dice) = &mut *self.session_deaths.lock();
        if *share > 0.0 && dice.random_bool(share.clamp(0.0, 1.0)) {
            self.write(|db| db.remove("session", session));
        }
    }

    /// Ends all work in progress where it stands.
    pub fn abort_workers(&self) {
        self.workers.lock().abort_all();
    }

    /// Waits, but ends at once with SESSION_INVALID when the session does.
    pub async fn pause(&self, session: &str, time: Duration) -> Result<(), Failure> {
        let mut moved = self.sessions_moved.subscribe();
        let deadline = tokio::time::sleep(time);
        tokio::pin!(deadline);
        loop {
            self.check_session(session)?;
            tokio::select! {
                () = &mut deadline => return Ok(()),
                _ = moved.changed() => {}
            }
        }
    }

    /// Is this a live session?
    pub fn check_session(&self, session: &str) -> Result<(), Failure> {
        if self.read(|db| db.get("session", session).is_some()) || self.local_sessions.lock().contains(session) {
            return Ok(());
        }
        Err(fail("SESSION_INVALID", [session]))
    }
}

/// A call in progress.
#[derive(Clone)]
pub struct Ctx {
    pub core: Arc<Core>,
    pub session: String,
    /// Reference of the task that stands for the call; a `DummyRef:` when the message has no asynchronous form.
    pub task: String,
    pub cancelled: watch::Receiver<bool>,
}

impl Ctx {
    /// Takes as long as the work it stands for, unless somebody cancels the task.
    pub async fn work(&self, time: Duration) -> Result<(), Failure> {
        let mut cancelled = self.cancelled.clone();
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            Ok(_) = cancelled.wait_for(|asked| *asked) => Err(fail("TASK_CANCELLED", [&self.task])),
        }
    }
}
