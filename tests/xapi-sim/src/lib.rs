//! A XAPI master that lives in memory and speaks the real wire protocol: the other machine of our tests.
//!
//! It imports nothing of `host/`: two witnesses, so that one misreading of the protocol cannot hide itself.

mod options;
mod sim;

pub use options::{Delays, Dump, Options};
pub use sim::Sim;
