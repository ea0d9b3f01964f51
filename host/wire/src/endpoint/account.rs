//! Accounts and servers.

use super::{Endpoint, create, delete, patch};

pub(super) const LINES: &[Endpoint] = &[
    // It does not connect: that is an action of its own.
    create("/servers", "server.add", "servers")
        .takes(&["host", "username", "password", "label", "allowUnauthorized", "readOnly", "httpProxy", "fingerprint"])
        .given(&[("autoConnect", super::Given::Flag(false))]),
    delete("/servers/{id}", "server.remove"),
    create("/users", "user.create", "users").takes(&["email", "password", "permission"]).named(&[("name", "email")]),
    patch("/users/{id}", "user.set")
        .takes(&["email", "password", "permission", "preferences"])
        .named(&[("name", "email")]),
    delete("/users/{id}", "user.delete"),
];
