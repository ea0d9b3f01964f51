//! What survives a restart: a small key-value store with revisions, and the secrets in it sealed.
//!
//! The interface is small on purpose (get, scan, put-if-revision, delete, atomic batch, watch), so that a replicated engine
//! can stand behind it later. Nothing of redb, the engine of today, leaves this crate.
//!
//! ```text
//!  put, delete, commit --> queue (bounded) --> writer thread: everything queued = one transaction, one durable commit
//!                                                 |--> watch (broadcast)      |--> answers
//!  get, scan --------------------------------> read transaction of the caller's own, never waits for a commit
//! ```
//!
//! - **Durable**: what was acknowledged is there after `kill -9` or a power cut, and opening again needs no repair.
//! - **Format**: the file carries a format version. An older one is migrated when it is opened, a newer one is refused with
//!   the version of Xylem that can read it (`format.rs`).
//! - **Full disk**: a failed write makes the store read-only and says why; reads go on, each later write tries again.
//! - **Secrets**: sealed with the address of the record they belong to (`seal.rs`), under a master key that lies outside the
//!   store (`key.rs`). A lost key degrades the store and is never replaced in silence.
//! - **Backup**: all records in one file under a passphrase, for a machine with another master key (`backup`).

pub mod backup;
mod batch;
mod engine;
mod error;
mod format;
mod handle;
mod key;
mod overlay;
mod seal;
mod table;
mod writer;

pub use batch::{Batch, Expect, KeyChange, MAX_KEY_BYTES, MAX_VALUE_BYTES, Stored};
pub use error::Error;
pub use handle::Store;
pub use key::{KeyState, MasterKey};
pub use seal::Sealed;
pub use table::Table;

#[cfg(test)]
mod tests;
