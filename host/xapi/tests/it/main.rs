//! A connection and an event stream against small hosts that say exactly what a test wants them to say.

mod connecting;
mod events;
mod members;
mod proxy;
mod server;
mod simulator;
mod statistics;
mod tasks;
mod tls;
mod trouble;
