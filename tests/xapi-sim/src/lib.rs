//! A XAPI pool that lives in memory and speaks the real wire protocol: the other machine of our tests.
//!
//! It imports nothing of `host/`: two witnesses, so that one misreading of the protocol cannot hide itself.
//! What comes in goes down this list: `server` (HTTP, TLS, faults of the wire), which is one host's `seat` - `wire` (the two
//! dialects) - `calls` (messages) or `handlers` (statistics, disks, consoles, files) - `db` (records, generations, relations);
//! `events` looks at the database from the side. `load` and `fleet` fill it, `storm` keeps it busy, `members` are its hosts;
//! by `peer` its VMs get to other pools.

mod calls;
mod clock;
mod content;
mod control;
mod core;
mod db;
mod events;
mod failure;
mod faults;
mod fleet;
mod handlers;
mod load;
mod members;
mod model;
mod options;
mod peer;
mod record;
mod release;
mod rrd;
mod seat;
mod server;
mod sessions;
mod sim;
mod storm;
mod tasks;
mod tls;
mod vhd;
mod wire;
mod xva;

pub use fleet::Fleet;
pub use members::Member;
pub use options::{Delays, Dump, Members, Options};
pub use release::Release;
pub use sim::Sim;
pub use storm::{Stamp, Storm};
