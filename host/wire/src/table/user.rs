//! Accounts.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    change(
        "user.changePassword",
        SignedIn,
        Params::Fields(&[Param::req("oldPassword", Str), Param::req("newPassword", Str)]),
        "Changes one's own password.",
    ),
    change(
        "user.create",
        Admin,
        Params::Fields(&[
            Param::req("email", Str),
            Param::req("password", Str),
            Param::opt("permission", Word(PERMISSIONS)),
        ]),
        "Creates an account.",
    ),
    change("user.delete", Admin, Params::Fields(ID), "Deletes an account, its tokens and its connections."),
    read("user.getAll", Admin, Params::Any, "Lists the accounts."),
    read("user.getAuthenticationTokens", SignedIn, Params::Any, "Lists one's own tokens."),
    change(
        "user.removeAuthProvider",
        Admin,
        Params::Fields(&[Param::req("authProvider", Str), Param::req("id", Str)]),
        "Takes the link of an account to a sign-in provider away.",
    ),
    change(
        "user.set",
        SignedIn,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("email", Str),
            Param::opt("password", Str),
            Param::opt("permission", Word(PERMISSIONS)),
            Param::opt("preferences", MapOf(&Any)),
        ]),
        "Changes an account; everyone may change their own preferences.",
    ),
];
