//! The picture of all pools, held in memory: XAPI records come in, public objects, snapshots and changes go out.
//!
//! ```text
//!   xapi events --> Writer (one per server) --> table of records --> translate --> Inventory
//!                   begin, load.., finish        (refs, watchers)                  |        \
//!                   apply, apply, ...                                       Snapshot        Feed
//!                   mark_stale                                              (immutable)     (Changes | Resync)
//! ```
//!
//! What holds at every moment:
//! - Only a [`Writer`] changes the picture. A pool is swapped in whole; nobody sees an empty or half one.
//! - A connection that is lost removes nothing: the last state stays, marked stale, until a full re-read replaces it.
//! - [`Changes`](model::Changes) tell real differences only, so a re-read after a reconnect is silent when nothing happened.
//! - A [`Snapshot`] never changes. Its revision and the revisions of the feed are one sequence.
//! - One pool has one server: who connects it first keeps it. The same id in two pools (an SR that both introduced) shows
//!   the first one; the other is kept aside and takes over when the first is gone.

mod bytes;
mod error;
mod feed;
mod fields;
pub mod filter;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
mod heirs;
mod index;
mod intern;
mod inventory;
mod pages;
mod reader;
mod record;
mod slot;
mod snapshot;
mod table;
mod translate;
pub mod watch;
mod writer;

pub use bytes::JsonCache;
pub use error::Error;
pub use feed::{Feed, Subscription};
pub use fields::FIELDS;
pub use filter::{Filter, FilterError};
pub use inventory::Inventory;
pub use pages::{Pages, Piece};
pub use snapshot::{ServerState, Snapshot};
pub use writer::{Loaded, Writer};

/// The XAPI classes to load and to watch, in their exact case. Those of the last group have no objects of their own;
/// others read from them. A release that does not know one of them sends nothing for it.
pub const CLASSES: &[&str] = &[
    "pool",
    "host",
    "VM",
    "SR",
    "VDI",
    "VBD",
    "VIF",
    "network",
    "PBD",
    "PIF",
    "Bond",
    "SM",
    "message",
    "task",
    "host_patch",
    "pool_patch",
    "PCI",
    "PGPU",
    "GPU_group",
    "VGPU",
    "VGPU_type",
    "VTPM",
    "PUSB",
    "VUSB",
    "USB_group",
    // Only read from.
    "VM_metrics",
    "VM_guest_metrics",
    "host_metrics",
    "PIF_metrics",
    "Certificate",
    "pool_update",
];

#[cfg(test)]
mod tests;
