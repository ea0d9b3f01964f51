//! Signing in and out.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    read(
        "auth.login",
        Open,
        Params::Fields(&[
            Param::req("username", Str),
            Param::req("password", Str),
            Param::opt("provider", Str),
            Param::opt("remember", Bool),
            Param::opt("otp", Str),
        ]),
        "Signs in and sets the session cookie.",
    )
    .rest_only(Verb::Post, "/auth/login"),
    read("auth.logout", Open, Params::Any, "Ends the session of the cookie.").rest_only(Verb::Post, "/auth/logout"),
    read("auth.providers", Open, Params::Any, "Lists the ways to sign in.").rest_only(Verb::Get, "/auth/providers"),
    read("auth.session", SignedIn, Params::Any, "Returns who is signed in.").rest_only(Verb::Get, "/auth/session"),
    read("session.getUser", Open, Params::Any, "Returns who is signed in, null when nobody is."),
    read(
        "session.signIn",
        Open,
        Params::Any,
        "Signs in by name and password, with a one-time password if the account has them, or by token.",
    ),
    read(
        "session.signInWithPassword",
        Open,
        Params::Fields(&[Param::req("email", Str), Param::req("password", Str), Param::opt("otp", Str)]),
        "Signs in by name and password.",
    ),
    read("session.signInWithToken", Open, Params::Fields(&[Param::req("token", Str)]), "Signs in by token."),
    read("session.signOut", SignedIn, Params::Any, "Forgets who is signed in on this connection."),
    read(
        "session.subscribe",
        Admin,
        Params::Fields(&[Param::req("topics", List(&Word(&["servers", "plugins"]))), Param::opt("all", Bool)]),
        "Asks for notifications about servers and plugins on this connection; with `all: false` for none about objects.",
    ),
];
