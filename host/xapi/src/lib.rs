//! Speaks XAPI, the API of a XenServer or XCP-ng pool, and nothing else: values, sessions, calls, events.
//!
//! Two dialects carry the same calls: XML-RPC, which every host speaks, and JSON-RPC, which is cheaper and newer. A
//! [`Connection`] finds out which one a host speaks, keeps a session alive and makes calls. An [`EventStream`] keeps a
//! reader up to date with all objects of the pool, and never gives up.
//!
//! ```text
//!   events   the state machine: connect, load everything, poll, come back after a loss
//!      |
//!   Connection (call, start a task, fetch; one new login when the session died)
//!      |
//!   dial (the entry, its master, or a surviving member) -- member (who may be talked to)
//!      |
//!   transport (HTTP, timeouts, size cap) -- tls (verify, pin, or anything goes)
//!      |
//!   json, xmlrpc  <->  Value
//! ```
//!
//! Rules that hold everywhere below: a malformed answer is [`Error::Protocol`], never a panic; session references and
//! passwords are neither logged nor part of an error; they go to the entry and to trusted members of its pool only; nothing
//! reads proxies from the environment.

pub mod events;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
pub mod rrd;
pub mod xml;

mod connection;
mod dial;
mod error;
mod exchange;
mod fetch;
mod json;
mod key;
mod member;
mod read_only;
mod rpc;
mod split;
mod target;
mod task;
mod tls;
mod transport;
mod value;
mod version1;
mod xmlrpc;

pub use connection::Connection;
pub use error::{Error, TlsFailure};
pub use events::{Delta, Event, EventStream, Nudger};
pub use key::{Fields, Key};
pub use member::Member;
pub use rpc::Dialect;
pub use target::{Target, Timeouts, Tls, join_proxy, split_proxy};
pub use task::Task;
pub use tls::same_fingerprint;
pub use value::Value;
