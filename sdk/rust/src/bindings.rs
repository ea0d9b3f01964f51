//! What `wit-bindgen` makes of the contract in `/wit`: once for all imports, and once for each role, so that a plugin exports
//! only what it says. Sharing them between plugins is free: an import that is never called does not reach the component.
#![allow(missing_docs, unreachable_pub, clippy::all)]

/// Every interface a plugin can call, and every type that a role shares with them.
pub(crate) mod imports {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package xylem:sdk;
            world imports {
                import xylem:plugin/types@0.1.0;
                import xylem:plugin/auth-types@0.1.0;
                import xylem:plugin/notify-types@0.1.0;
                import xylem:plugin/api@0.1.0;
                import xylem:plugin/config@0.1.0;
                import xylem:plugin/context@0.1.0;
                import xylem:plugin/downloads@0.1.0;
                import xylem:plugin/inventory@0.1.0;
                import xylem:plugin/jobs@0.1.0;
                import xylem:plugin/kv@0.1.0;
                import xylem:plugin/ldap@0.1.0;
                import xylem:plugin/log@0.1.0;
                import xylem:plugin/mail@0.1.0;
                import xylem:plugin/notify@0.1.0;
                import xylem:plugin/operations@0.1.0;
                import xylem:plugin/remotes@0.1.0;
                import xylem:plugin/repository@0.1.0;
                import xylem:plugin/reveal@0.1.0;
                import xylem:plugin/saml@0.1.0;
                import xylem:plugin/secrets@0.1.0;
                import xylem:plugin/sockets@0.1.0;
                import xylem:plugin/stats@0.1.0;
                import xylem:plugin/transfer@0.1.0;
                import xylem:plugin/xapi@0.1.0;
                import xylem:plugin/xapi-streams@0.1.0;
            }",
        world: "xylem:sdk/imports",
        generate_unused_types: true,
        generate_all,
    });
}

/// The role that every plugin has.
pub mod lifecycle {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package xylem:sdk; world lifecycle { export xylem:plugin/lifecycle@0.1.0; }",
        world: "xylem:sdk/lifecycle",
        with: { "xylem:plugin/types@0.1.0": crate::bindings::imports::xylem::plugin::types },
        pub_export_macro: true,
        export_macro_name: "export_lifecycle",
        default_bindings_module: "xylem_sdk::bindings::lifecycle",
    });
}

/// Sign-in by name and password.
pub mod password_provider {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package xylem:sdk; world password-provider { export xylem:plugin/password-provider@0.1.0; }",
        world: "xylem:sdk/password-provider",
        with: {
            "xylem:plugin/types@0.1.0": crate::bindings::imports::xylem::plugin::types,
            "xylem:plugin/auth-types@0.1.0": crate::bindings::imports::xylem::plugin::auth_types,
        },
        pub_export_macro: true,
        export_macro_name: "export_password_provider",
        default_bindings_module: "xylem_sdk::bindings::password_provider",
    });
}

/// Methods of the public API.
pub mod methods {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package xylem:sdk; world methods { export xylem:plugin/methods@0.1.0; }",
        world: "xylem:sdk/methods",
        with: { "xylem:plugin/types@0.1.0": crate::bindings::imports::xylem::plugin::types },
        pub_export_macro: true,
        export_macro_name: "export_methods",
        default_bindings_module: "xylem_sdk::bindings::methods",
    });
}
