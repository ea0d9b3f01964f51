//! API tokens.

use super::*;

const WHICH: Params = Params::Fields(&[Param::opt("tokens", List(&Str)), Param::opt("pattern", MapOf(&Any))]);

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    change(
        "token.create",
        SignedIn,
        Params::Fields(&[
            Param::opt("description", Text),
            Param::opt("client", Record(&[Param::req("id", Str)])),
            Param::opt("expiresIn", Or(&[Num, Str])),
        ]),
        "Creates an API token; it is shown this once.",
    ),
    change("token.delete", Admin, WHICH, "Deletes tokens, those that are named and those that look like a pattern."),
    change(
        "token.deleteOwn",
        SignedIn,
        WHICH,
        "Deletes own tokens, those that are named and those that look like a pattern.",
    ),
    change(
        "token.set",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::opt("description", Or(&[Str, Null]))]),
        "Changes the description of one of one's own tokens.",
    ),
];
