//! The public API as data: the one table of operations, the schemas of their parameters, and every failure with its code.
//!
//! JSON-RPC, REST, the command line, the documents and the web client's types all read this table, so a method exists
//! everywhere or nowhere, with the same parameters, permissions and errors.

mod document;
mod endpoint;
mod failure;
mod privilege;
mod schema;
mod table;

pub use document::{openapi, openrpc};
pub use endpoint::{ENDPOINTS, Endpoint, LATER, Later, Outcome};
pub use failure::Failure;
pub use privilege::{meanings, privileges};
pub use schema::{Issue, Param, Params, Type};
pub use table::{
    Access, Collection, Level, OPERATIONS, Object, Operation, Route, Verb, collection, collections, find, later,
    method_info,
};

/// Where the REST API begins.
pub const REST_BASE: &str = "/rest/v0";
