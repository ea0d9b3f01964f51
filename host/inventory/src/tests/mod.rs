//! Tests from recorded pools and from a small modern one, and of the writer's promises.

mod filter;
mod heirs;
mod properties;
mod recorded;
pub(crate) mod support;
mod watch;
mod writer;
