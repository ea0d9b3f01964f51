//! The daemon about itself.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    change("api.closeAllConnections", Admin, Params::Fields(&[]), "Closes every socket but the one that asks."),
    read(
        "api.getConnections",
        Admin,
        Params::Any,
        "Lists the open sockets: the address, and who has signed in until when.",
    ),
    read("rest.ping", Open, Params::Any, "Answers.").rest_only(Verb::Get, "/ping"),
    read("system.getMethodsInfo", Open, Params::Any, "Describes every method."),
    read("system.getServerTimezone", SignedIn, Params::Any, "Returns the time zone of the daemon."),
    read("system.getServerVersion", Open, Params::Any, "Returns the version of the daemon."),
    read("system.getVersion", Open, Params::Any, "Returns the version of the API."),
    read("system.listMethods", Open, Params::Any, "Lists the names of the methods."),
    read("system.methodSignature", Open, Params::Fields(&[Param::req("method", Str)]), "Describes one method."),
    change(
        "xo.clean",
        Admin,
        Params::Any,
        "Removes tokens that are over and rights of accounts and groups that are gone.",
    ),
];
