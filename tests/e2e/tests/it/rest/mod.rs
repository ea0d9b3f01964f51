//! REST as its clients use it: collections in every form, records, actions and their tasks.

mod actions;
mod collections;
mod documents;
mod events;
mod machines;
mod roles;
mod schemathesis;
