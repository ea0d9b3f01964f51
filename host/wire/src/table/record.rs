//! Accounts, servers and plugins as collections of REST.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    read("group.get", SignedIn, Params::Fields(ID), "Returns a group.").rest_only(Verb::Get, "/groups/{id}"),
    read("group.list", SignedIn, LIST, "Lists the groups that the caller may see.").rest_only(Verb::Get, "/groups"),
    read("group.tasks", SignedIn, OF_ONE, "Lists tasks on a group.").rest_only(Verb::Get, "/groups/{id}/tasks"),
    read("group.users", SignedIn, OF_ONE, "Lists the accounts in a group.").rest_only(Verb::Get, "/groups/{id}/users"),
    read("plugin.list", Admin, LIST, "Lists the installed plugins.").rest_only(Verb::Get, "/plugins"),
    read("plugin.one", Admin, Params::Fields(ID), "Returns an installed plugin.").rest_only(Verb::Get, "/plugins/{id}"),
    read("server.get", SignedIn, Params::Fields(ID), "Returns a registered server.")
        .rest_only(Verb::Get, "/servers/{id}"),
    read("server.list", SignedIn, LIST, "Lists the registered servers that the caller may see.")
        .rest_only(Verb::Get, "/servers"),
    read("server.tasks", SignedIn, OF_ONE, "Lists tasks on a server.").rest_only(Verb::Get, "/servers/{id}/tasks"),
    read("user.get", SignedIn, Params::Fields(ID), "Returns an account.").rest_only(Verb::Get, "/users/{id}"),
    read("user.groups", SignedIn, OF_ONE, "Lists the groups of an account.").rest_only(Verb::Get, "/users/{id}/groups"),
    read("user.list", SignedIn, LIST, "Lists the accounts that the caller may see.").rest_only(Verb::Get, "/users"),
    read("user.tasks", SignedIn, OF_ONE, "Lists the tasks of an account.").rest_only(Verb::Get, "/users/{id}/tasks"),
    change(
        "user.makeToken",
        Admin,
        Params::Fields(&[
            Param::opt("description", Text),
            Param::opt("client", Record(&[Param::req("id", Str)])),
            Param::opt("expiresIn", Or(&[Num, Str])),
        ]),
        "Creates an API token of one's own, under an address of old; it is shown this once.",
    )
    .rest_elsewhere(),
    change(
        "user.token",
        SignedIn,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("description", Text),
            Param::opt("client", Record(&[Param::req("id", Str)])),
            Param::opt("expiresIn", Or(&[Num, Str])),
        ]),
        "Creates an API token of one's own; it is shown this once.",
    )
    .rest_elsewhere(),
    read(
        "user.tokens",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), FILTER, LIMIT]),
        "Lists one's own API tokens.",
    )
    .rest_only(Verb::Get, "/users/{id}/authentication_tokens"),
];
