//! How a simulator is asked to start: which pool, which door, how fast.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use crate::{Fleet, Release};

/// Where the pool's records come from.
#[derive(Clone, Debug)]
pub enum Dump {
    /// A recorded pool that is part of this crate: `single-host`, `pool2` or `snapshots`, or the file's stem in `data/`.
    Named(String),
    /// A file of the shape `{class: {ref: record}}`.
    File(PathBuf),
    /// The same, given directly.
    Json(Box<serde_json::Value>),
    /// One pool of a made-up fleet, by its number from 0.
    Fleet(Fleet, usize),
}

impl From<&str> for Dump {
    /// Takes the name of a built-in dump, else a path.
    fn from(name: &str) -> Self {
        if name.contains(['/', '.']) { Self::File(name.into()) } else { Self::Named(name.to_owned()) }
    }
}

/// Who has a listener of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Members {
    /// One listener, which is whoever the master is; `host.address` stays as recorded.
    #[default]
    One,
    /// Every host, each on a loopback address of its own (127.0.0.1, 127.0.0.2, ...) and all on the same port: a client that
    /// keeps the port of its URL, as real ones do, finds them. `host.address` is that address. Linux only: elsewhere the other
    /// loopback addresses must be configured first.
    Loopback,
    /// Every host, all on the address of `listen`, each on a port of its own. `host.address` is `ip:port`, which no real host
    /// says: for clients that take what they are told.
    Ports,
}

/// What a simulator is and how it behaves; `Options::default()` is a plain HTTP master on a free loopback port.
#[derive(Clone, Debug)]
pub struct Options {
    /// The pool; `single-host` unless told.
    pub dump: Dump,
    /// Address of the XAPI listener; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Which hosts can be reached.
    pub members: Members,
    /// TLS with a self-signed certificate, each listener with its own.
    pub tls: bool,
    /// Folder where the certificate is kept between runs (`certificate.pem`, `key.pem`); in memory only when `None`.
    pub certificate_folder: Option<PathBuf>,
    /// Address of the control endpoint (JSON over plain HTTP); none when `None`.
    pub control: Option<SocketAddr>,
    /// The one account.
    pub user: String,
    /// Its password.
    pub password: String,
    /// Which host it is: newer fields and methods are hidden. The numbers it says of itself are the dump's.
    pub release: Release,
    /// False makes a host older than 7.3: `/jsonrpc` is answered by the XML-RPC handler.
    pub json_rpc: bool,
    /// Start of the pseudo-random uuids and references; the same seed and the same calls give the same ones.
    pub seed: u64,
    /// Copies of every real VM (with disks, interfaces and metrics) added to the dump at load.
    pub copies: usize,
    /// Calls with a task are TOO_MANY_PENDING_TASKS above this many.
    pub pending_tasks: usize,
    /// How long things take.
    pub delays: Delays,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dump: Dump::Named("single-host".to_owned()),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            members: Members::One,
            tls: false,
            certificate_folder: None,
            control: None,
            user: "root".to_owned(),
            password: "password".to_owned(),
            release: Release::Latest,
            json_rpc: true,
            seed: 1,
            copies: 0,
            pending_tasks: usize::MAX,
            delays: Delays::default(),
        }
    }
}

/// How long things take. The defaults are short enough for tests; `Delays::real()` has the numbers of a real host.
#[derive(Clone, Debug)]
pub struct Delays {
    /// Before a wrong password is answered (real: 5 s).
    pub login_failure: Duration,
    /// The work of one VM operation (real: seconds).
    pub operation: Duration,
    /// From a VM's start until its guest tools report.
    pub guest_tools: Duration,
    /// From the answer to `host.reboot` or `host.shutdown` until the machine is down (real: 10 s).
    pub power_off: Duration,
    /// From then, or from `host.power_on`, until it is up again (real: minutes).
    pub boot: Duration,
    /// Pause of `event.from` before it looks (real: 50 ms).
    pub event_before: Duration,
    /// Distance between two looks of `event.from` (real: 50 ms).
    pub event_spacing: Duration,
    /// Between two tries of a call that found another operation in progress (real: 1 to 20 s).
    pub busy_step: Duration,
    /// After which such a call gives up with OTHER_OPERATION_IN_PROGRESS (real: 2 h).
    pub busy_limit: Duration,
    /// Between two collections of garbage: old tasks, surplus sessions (real: 30 s).
    pub garbage: Duration,
    /// After which a finished task is garbage (real: 65 min); whole seconds count.
    pub task_life: Duration,
    /// After which an unused session is garbage (real: 24 h).
    pub session_life: Duration,
}

impl Default for Delays {
    fn default() -> Self {
        Self {
            login_failure: Duration::from_millis(50),
            operation: Duration::from_millis(30),
            guest_tools: Duration::from_millis(30),
            power_off: Duration::from_millis(30),
            boot: Duration::from_millis(60),
            event_before: Duration::from_millis(50),
            event_spacing: Duration::from_millis(50),
            busy_step: Duration::from_millis(20),
            busy_limit: Duration::from_secs(7200),
            garbage: Duration::from_secs(30),
            task_life: Duration::from_secs(65 * 60),
            session_life: Duration::from_secs(24 * 3600),
        }
    }
}

impl Delays {
    /// The numbers of a real host.
    pub fn real() -> Self {
        Self {
            login_failure: Duration::from_secs(5),
            operation: Duration::from_secs(2),
            guest_tools: Duration::from_secs(10),
            power_off: Duration::from_secs(10),
            boot: Duration::from_secs(180),
            busy_step: Duration::from_secs(5),
            ..Self::default()
        }
    }
}
