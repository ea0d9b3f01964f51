//! Verbs on VMs. The new state does not come back from here: it arrives as an event of the pool, like any other change.

mod config_drive;
mod copy;
mod create;
mod delete;
mod facts;
mod life;
mod migrate;
mod set;

pub use config_drive::create_config_drive;
pub use copy::{
    Snapshot, clone, convert, copy, copy_to_template, create_graphics, create_tpm, delete_graphics, delete_tpm,
    recovery_start, revert, revert_to, set_boot_order, set_data_source, set_pcis, snapshot,
};
pub use create::{Hardware, New, create};
pub use delete::{Delete, delete};
pub use facts::{cloud_config, coalesce_leaf, pool_secure_boot_readiness, secure_boot_readiness};
pub use life::{Restart, Start, Stop, pause, restart, resume, start, stop, suspend, unpause};
pub use migrate::{Migrate, migrate};
pub use set::{Changes, set, set_and_restart};
