//! Accounts, groups, roles and servers.

use super::{Endpoint, Outcome, action, create, delete, line, patch, put};
use crate::table::Verb;

pub(super) const LINES: &[Endpoint] = &[
    create("/acl-privileges", "aclPrivilege.create", "acl-privileges"),
    patch("/acl-privileges/{id}", "aclPrivilege.set"),
    delete("/acl-privileges/{id}", "aclPrivilege.delete"),
    create("/acl-roles", "aclRole.create", "acl-roles"),
    patch("/acl-roles/{id}", "aclRole.set"),
    delete("/acl-roles/{id}", "aclRole.delete"),
    action("/acl-roles/{id}/actions/copy", "aclRole.copy", "copy ACL role")
        .takes(&["name", "description"])
        .creates("acl-roles"),
    put("/acl-roles/{id}/groups/{groupId}", "aclRole.addGroup"),
    delete("/acl-roles/{id}/groups/{groupId}", "aclRole.removeGroup"),
    put("/acl-roles/{id}/users/{userId}", "aclRole.addUser"),
    delete("/acl-roles/{id}/users/{userId}", "aclRole.removeUser"),
    create("/groups", "group.create", "groups"),
    patch("/groups/{id}", "group.set"),
    delete("/groups/{id}", "group.delete"),
    put("/groups/{id}/users/{userId}", "group.addUser"),
    delete("/groups/{id}/users/{userId}", "group.removeUser"),
    // It does not connect: that is an action of its own.
    create("/servers", "server.add", "servers")
        .takes(&["host", "username", "password", "label", "allowUnauthorized", "readOnly", "httpProxy", "fingerprint"])
        .given(&[("autoConnect", super::Given::Flag(false))]),
    delete("/servers/{id}", "server.remove"),
    create("/users", "user.create", "users").takes(&["email", "password", "permission"]).named(&[("name", "email")]),
    line(Verb::Post, "/users/authentication_tokens", "user.makeToken", Outcome::Made),
    line(Verb::Post, "/users/{id}/authentication_tokens", "user.token", Outcome::Made),
    patch("/users/{id}", "user.set")
        .takes(&["email", "password", "permission", "preferences"])
        .named(&[("name", "email")]),
    delete("/users/{id}", "user.delete"),
];
