//! Sign-in with an account of an LDAP directory.
//!
//! Everything but `component` is plain Rust over a small trait for the directory, and is tested natively. A sign-in goes:
//! connect and bind as the service account, find exactly one person, then bind as that person over a second connection, so
//! that a connection never has two identities.

pub mod advice;
pub mod component;
pub mod directory;
pub mod language;
pub mod person;
pub mod probe;
pub mod settings;
pub mod sign_in;
mod syntax;

#[cfg(test)]
mod tests;
