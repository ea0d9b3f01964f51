//! Stories from end to end: the real daemon as a child process, recorded pools, a real directory, clients from outside.
//!
//! Each story has a rig of its own and runs alone (`.config/nextest.toml`), so that what it measures is its own doing.

mod accounts;
mod acl;
mod addresses;
mod audit;
mod backup;
mod between;
mod cli;
mod conversations;
mod crash;
mod devices;
mod explain;
mod groups;
mod hostile;
mod ldap;
mod ledger;
mod lines;
mod listings;
mod machines;
mod malformed;
mod matrix;
mod members;
mod otp;
mod pools;
mod recovery;
mod resource_sets;
mod rest;
mod roles;
mod self_service;
mod sockets;
mod stats;
mod upkeep;
mod watch;
mod xo_lib;
