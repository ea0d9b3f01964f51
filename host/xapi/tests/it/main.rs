//! A connection and an event stream against small hosts that say exactly what a test wants them to say.

mod connecting;
mod events;
mod server;
mod simulator;
mod tls;
mod trouble;
