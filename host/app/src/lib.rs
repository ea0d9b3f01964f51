//! The verbs: what can be done with users, tokens, servers, VMs and plugins. Transport-free: nothing here knows HTTP.
//!
//! Nouns are modules, verbs are functions whose first argument is the [`Ctx`]: who asks, from where, of which daemon.
//! A verb that changes something wants a permit from `access`, and answers with a [`wire::Failure`] that the caller may
//! read and a detail for the log.

pub mod acl;
mod act;
pub mod alarm;
pub mod audit;
mod certificate;
pub mod cloud_config;
mod ctx;
pub mod dashboard;
pub mod disk;
mod error;
pub mod explain;
mod find;
mod fine;
pub mod group;
pub mod host;
pub mod house;
pub mod ip_pool;
pub mod job;
mod known;
pub mod log;
pub mod member;
pub mod network;
pub mod object;
mod otp;
mod password;
pub mod patch;
mod pattern;
pub mod plugin;
pub mod pool;
mod query;
pub mod raw;
pub mod resource_set;
pub mod role;
pub mod server;
mod services;
pub mod session;
pub mod sr;
pub mod sr_state;
pub mod stats;
pub mod tag;
pub mod task;
#[cfg(test)]
mod testing;
mod throttle;
pub mod token;
pub mod user;
pub mod vm;
pub mod watch;
mod workers;

pub use audit::mask_params;
pub use ctx::{App, Ctx, Meaning, Notice, Settings};
pub use error::{Error, Result};
pub use pattern::Pattern;
pub use query::{Query, RecordFilter};
pub use workers::{Stop, Workers};

/// Returns the IANA name of the time zone of this machine.
pub fn time_zone() -> String {
    jiff::tz::TimeZone::system().iana_name().unwrap_or("UTC").to_owned()
}
