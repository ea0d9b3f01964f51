//! Verbs on VMs. The new state does not come back from here: it arrives as an event of the pool, like any other change.

mod life;
mod set;

pub use life::{Restart, Start, Stop, pause, restart, resume, start, stop, suspend, unpause};
pub use set::{Changes, set};
