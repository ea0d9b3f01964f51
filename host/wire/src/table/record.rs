//! Accounts, servers and plugins as collections of REST.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    read("plugin.list", Admin, LIST, "Lists the installed plugins.").rest_only(Verb::Get, "/plugins"),
    read("plugin.one", Admin, Params::Fields(ID), "Returns an installed plugin.").rest_only(Verb::Get, "/plugins/{id}"),
    read("server.get", SignedIn, Params::Fields(ID), "Returns a registered server.")
        .rest_only(Verb::Get, "/servers/{id}"),
    read("server.list", SignedIn, LIST, "Lists the registered servers that the caller may see.")
        .rest_only(Verb::Get, "/servers"),
    read("user.get", SignedIn, Params::Fields(ID), "Returns an account.").rest_only(Verb::Get, "/users/{id}"),
    read("user.list", SignedIn, LIST, "Lists the accounts that the caller may see.").rest_only(Verb::Get, "/users"),
];
