//! Servers: the entries to pools.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    change(
        "server.add",
        Admin,
        Params::Fields(&[
            Param::req("host", Str),
            Param::req("username", Str),
            Param::req("password", Str),
            Param::opt("label", Text),
            Param::opt("autoConnect", Bool),
            Param::opt("allowUnauthorized", Bool),
            Param::opt("httpProxy", Str),
            Param::opt("readOnly", Bool),
            Param::opt("fingerprint", Str),
        ]),
        "Registers a server and connects to its pool.",
    ),
    change("server.disable", Admin, Params::Fields(ID), "Disconnects from a pool."),
    change("server.enable", Admin, Params::Fields(ID), "Connects to a pool."),
    read("server.getAll", Admin, Params::Any, "Lists the registered servers."),
    change("server.remove", Admin, Params::Fields(ID), "Forgets a server."),
    change(
        "server.set",
        Admin,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("label", Or(&[Text, Null])),
            Param::opt("host", Str),
            Param::opt("username", Str),
            Param::opt("password", Str),
            Param::opt("allowUnauthorized", Bool),
            Param::opt("readOnly", Bool),
            Param::opt("httpProxy", Or(&[Text, Null])),
            Param::opt("fingerprint", Or(&[Text, Null])),
        ]),
        "Changes a server.",
    ),
];
