//! API tokens.

use super::*;

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
    change("token.delete", Admin, Params::Fields(&[Param::req("tokens", List(&Str))]), "Deletes tokens."),
    change("token.deleteOwn", SignedIn, Params::Fields(&[Param::req("tokens", List(&Str))]), "Deletes own tokens."),
];
