//! Access lists.

use super::*;

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    change("acl.add", Admin, ACL, "Grants a role on an object to an account or a group."),
    read(
        "acl.explain",
        Admin,
        Params::Fields(&[Param::req("user", Str), Param::req("object", Str), Param::opt("operation", Str)]),
        "Tells what an account may do to an object, operation by operation, and why.",
    ),
    read("acl.get", Admin, Params::Any, "Lists who was granted what."),
    read("acl.getCurrentPermissions", SignedIn, Params::Any, "Tells what the caller was granted, object by object."),
    change("acl.remove", Admin, ACL, "Takes a grant back."),
    read("role.getAll", SignedIn, Params::Any, "Lists the roles of access lists."),
];
