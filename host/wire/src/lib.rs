//! The public API as data: the one table of operations, the schemas of their parameters, and every failure with its code.
//!
//! JSON-RPC, REST, the command line, the documents and the web client's types all read this table, so a method exists
//! everywhere or nowhere, with the same parameters, permissions and errors.

mod failure;
mod schema;
mod table;

pub use failure::Failure;
pub use schema::{Issue, Param, Params, Type};
pub use table::{
    Access, Collection, Level, OPERATIONS, Object, Operation, Route, Verb, collections, find, method_info,
};

/// What stands in place of a stored secret in answers; sent back on save it means "keep what is stored".
///
/// The fixed text is that of Xen Orchestra's plugin configurations, which its clients know.
pub const SENTINEL: &str = "obfuscated-q3oi6d9X8uenGvdLnHk2";

/// Where the REST API begins.
pub const REST_BASE: &str = "/rest/v0";
