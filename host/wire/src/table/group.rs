//! Groups of accounts.

use super::*;

const MEMBER: &[Param] = &[Param::req("id", Str), Param::req("userId", Str)];

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    change("group.addUser", Admin, Params::Fields(MEMBER), "Puts an account into a group."),
    change("group.create", Admin, Params::Fields(&[Param::req("name", Str)]), "Creates a group and returns its id."),
    change("group.delete", Admin, Params::Fields(ID), "Deletes a group and what it was granted; its members stay."),
    read("group.getAll", Admin, Params::Any, "Lists the groups."),
    change("group.removeUser", Admin, Params::Fields(MEMBER), "Takes an account out of a group."),
    change("group.set", Admin, Params::Fields(&[Param::req("id", Str), Param::opt("name", Str)]), "Renames a group."),
    change(
        "group.setUsers",
        Admin,
        Params::Fields(&[Param::req("id", Str), Param::req("userIds", List(&Str))]),
        "Says who is in a group, and nobody else.",
    ),
];
