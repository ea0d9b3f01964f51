//! The simulator seen from outside: through sockets, in both dialects, with a client of its own and with PyPI's XenAPI.

mod between;
mod bytes;
mod client;
mod control;
mod dialects;
mod events;
mod faults;
mod files;
mod fleet;
mod generic;
mod life;
mod members;
mod npm;
mod power;
mod python;
mod statistics;
mod tasks;
