//! Roles of fine rights, and their privileges.

use super::*;

const ROLE: &[Param] = &[Param::req("name", Str), Param::opt("description", Text)];
const CHANGES: &[Param] = &[Param::req("id", Str), Param::opt("name", Str), Param::opt("description", Text)];
const EFFECT: Type = Word(&["allow", "deny"]);

/// Lines of this family, by name.
pub(super) const OPERATIONS: &[Operation] = &[
    change(
        "aclPrivilege.create",
        Admin,
        Params::Fields(&[
            Param::req("roleId", Str),
            Param::req("resource", Str),
            Param::req("action", Str),
            Param::req("effect", EFFECT),
            Param::opt("selector", Str),
        ]),
        "Adds a privilege to a role and returns its id.",
    ),
    change("aclPrivilege.delete", Admin, Params::Fields(ID), "Deletes a privilege."),
    read("aclPrivilege.get", Admin, Params::Fields(ID), "Returns a privilege.").rest(Verb::Get, "/acl-privileges/{id}"),
    read(
        "aclPrivilege.getAll",
        Admin,
        Params::Fields(&[Param::opt("roleId", Str)]),
        "Lists the privileges, of one role or of all.",
    ),
    read("aclPrivilege.list", SignedIn, LIST, "Lists the privileges that the caller may see.")
        .rest_only(Verb::Get, "/acl-privileges"),
    change(
        "aclPrivilege.set",
        Admin,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("resource", Str),
            Param::opt("action", Str),
            Param::opt("effect", EFFECT),
            Param::opt("selector", Or(&[Str, Null])),
        ]),
        "Changes a privilege.",
    ),
    change(
        "aclRole.addGroup",
        Admin,
        Params::Fields(&[Param::req("id", Str), Param::req("groupId", Str)]),
        "Gives a role to everybody in a group.",
    ),
    change(
        "aclRole.addUser",
        Admin,
        Params::Fields(&[Param::req("id", Str), Param::req("userId", Str)]),
        "Gives a role to an account.",
    ),
    change(
        "aclRole.copy",
        Admin,
        Params::Fields(CHANGES),
        "Copies a role with its privileges and returns the id of the copy.",
    ),
    change("aclRole.create", Admin, Params::Fields(ROLE), "Creates a role without privileges and returns its id."),
    change("aclRole.delete", Admin, Params::Fields(ID), "Deletes a role and its privileges."),
    read("aclRole.get", Admin, Params::Fields(ID), "Returns a role.").rest(Verb::Get, "/acl-roles/{id}"),
    read("aclRole.getAll", Admin, Params::Any, "Lists the roles."),
    read("aclRole.getHolders", Admin, Params::Fields(ID), "Lists who has a role: accounts and groups."),
    read("aclRole.groups", Admin, OF_ONE, "Lists the groups that have a role.")
        .rest_only(Verb::Get, "/acl-roles/{id}/groups"),
    read("aclRole.list", Admin, LIST, "Lists the roles.").rest_only(Verb::Get, "/acl-roles"),
    read("aclRole.privileges", Admin, OF_ONE, "Lists the privileges of a role.")
        .rest_only(Verb::Get, "/acl-roles/{id}/privileges"),
    change(
        "aclRole.removeGroup",
        Admin,
        Params::Fields(&[Param::req("id", Str), Param::req("groupId", Str)]),
        "Takes a role from a group.",
    ),
    change(
        "aclRole.removeUser",
        Admin,
        Params::Fields(&[Param::req("id", Str), Param::req("userId", Str)]),
        "Takes a role from an account.",
    ),
    change("aclRole.set", Admin, Params::Fields(CHANGES), "Renames or describes a role."),
    read("aclRole.users", Admin, OF_ONE, "Lists the accounts that have a role themselves.")
        .rest_only(Verb::Get, "/acl-roles/{id}/users"),
    read("group.aclRoles", SignedIn, OF_ONE, "Lists the roles of a group.")
        .rest_only(Verb::Get, "/groups/{id}/acl-roles"),
    read("group.getAclRoles", Admin, Params::Fields(ID), "Lists the roles of a group."),
    read(
        "user.aclPrivileges",
        SignedIn,
        OF_ONE,
        "Lists the privileges of an account, by its groups, too; everyone sees their own.",
    )
    .rest_only(Verb::Get, "/users/{id}/acl-privileges"),
    read(
        "user.getAclPrivileges",
        SignedIn,
        Params::Fields(ID),
        "Lists the privileges of an account; everyone sees their own.",
    ),
];
