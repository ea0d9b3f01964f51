//! Why a pool could not be swapped in.

use model::{ObjectId, ServerId};

/// What went wrong while a pool was loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another server is the entry to this pool already; the first one keeps it.
    #[error("pool {pool} is already connected by server {by}")]
    PoolAlreadyConnected {
        /// The pool.
        pool: ObjectId,
        /// The server that has it.
        by: ServerId,
    },
    /// The records held no pool, so they belong nowhere.
    #[error("the records of server {server} have no pool")]
    NoPool {
        /// The server.
        server: ServerId,
    },
    /// The server was removed, or has a newer writer; this one writes nothing any more.
    #[error("server {server} has another writer or was removed")]
    Superseded {
        /// The server.
        server: ServerId,
    },
}
