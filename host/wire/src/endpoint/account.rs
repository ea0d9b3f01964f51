//! Accounts, groups and servers.

use super::{Endpoint, Outcome, create, delete, line, patch, put};
use crate::table::Verb;

pub(super) const LINES: &[Endpoint] = &[
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
    line(Verb::Post, "/users/{id}/authentication_tokens", "user.token", Outcome::Made),
    patch("/users/{id}", "user.set")
        .takes(&["email", "password", "permission", "preferences"])
        .named(&[("name", "email")]),
    delete("/users/{id}", "user.delete"),
];
