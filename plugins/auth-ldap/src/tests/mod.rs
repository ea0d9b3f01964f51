//! Native tests against a fake directory.

mod configuration;
mod fake;
mod manifest;
mod probing;
mod signing_in;
