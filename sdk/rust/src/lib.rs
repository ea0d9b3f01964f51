//! What a plugin author needs: the bindings of the contract, one trait per role, and two macros. It is thin on purpose, so
//! that a plugin reads like the contract it keeps.
//!
//! ```ignore
//! use xylem_sdk::prelude::*;
//!
//! xylem_sdk::manifest!("manifest.json");
//! xylem_sdk::export!(OneDoor: password_provider);
//!
//! struct OneDoor;
//!
//! impl Plugin for OneDoor {
//!     type Config = NoConfig;
//! }
//!
//! impl PasswordProvider for OneDoor {
//!     fn authenticate(_: &NoConfig, username: &str, _password: &str) -> Result<Verdict, Error> {
//!         Ok(Verdict::Refused(format!("{username} is not on the list")))
//!     }
//! }
//! ```
//!
//! Everything compiles for the machine of the author as well, so that logic is tested with a plain `cargo test`; there the
//! functions of the daemon panic when they are called. **An import is a power**: a component imports the interfaces whose
//! functions it calls, and no others.

#[doc(hidden)]
pub mod bindings;
pub mod config;
pub mod error;
#[doc(hidden)]
pub mod manifest;
mod plugin;

use bindings::imports::xylem::plugin as imports;

/// What sign-in providers say about people.
pub use imports::auth_types as auth;
/// Notifications.
pub use imports::notify_types;
/// Functions of the daemon, as in the contract. The folder `/wit` has their grants and limits.
pub use imports::{
    api, context, downloads, inventory, jobs, kv, ldap, log, mail, notify, operations, remotes, repository, reveal,
    saml, secrets, sockets, stats, transfer, types, xapi, xapi_streams,
};

pub use error::{Error, ErrorKind, FieldError};
#[doc(hidden)]
pub use plugin::Face;
pub use plugin::{Activation, Check, Methods, PasswordProvider, Plugin, Schedule, Subscription, check, nothing};
pub use serde_json::{Value, json};

/// The usual names.
pub mod prelude {
    pub use crate::auth::{Identity, Verdict};
    pub use crate::{
        Activation, Check, Error, ErrorKind, FieldError, Methods, NoConfig, PasswordProvider, Plugin, Value, check,
        config, error,
    };
}

/// The configuration of a plugin that has none.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
pub struct NoConfig {}

impl auth::Identity {
    /// Returns a person with a stable id at the provider and a wanted login name; all else is unknown.
    pub fn new(subject: impl Into<String>, username: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            username: username.into(),
            display_name: None,
            email: None,
            groups: None,
            valid_until: None,
            strong: false,
            session_key: None,
            session: None,
            attributes: "{}".to_owned(),
        }
    }
}

/// Exports a plugin as a component: `export!(MyPlugin: password_provider, methods)`. The lifecycle is always there. Roles:
/// `password_provider` ([`PasswordProvider`]), `methods` ([`Methods`]). Outside WebAssembly it only checks that the traits are
/// there.
#[macro_export]
macro_rules! export {
    ($plugin:ident $(: $($role:ident),+ $(,)?)?) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Face = $crate::Face<$plugin>;
            $crate::bindings::lifecycle::export_lifecycle!(Face with_types_in $crate::bindings::lifecycle);
            $($($crate::__export_role!(Face $role);)+)?
        };
        #[cfg(not(target_arch = "wasm32"))]
        const _: () = {
            const fn is_plugin<P: $crate::Plugin>() {}
            is_plugin::<$plugin>();
            $($($crate::__has_role!($plugin $role);)+)?
        };
    };
}

/// The word of a role and its trait.
#[doc(hidden)]
#[macro_export]
macro_rules! __has_role {
    ($plugin:ident password_provider) => {{
        const fn has_role<P: $crate::PasswordProvider>() {}
        has_role::<$plugin>();
    }};
    ($plugin:ident methods) => {{
        const fn has_role<P: $crate::Methods>() {}
        has_role::<$plugin>();
    }};
}

/// The word of a role and its generated macro. A new role is a line here, a trait and a face in `plugin.rs`, and a world in
/// `bindings.rs`.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_role {
    ($face:ident password_provider) => {
        $crate::bindings::password_provider::export_password_provider!(
            $face with_types_in $crate::bindings::password_provider
        );
    };
    ($face:ident methods) => {
        $crate::bindings::methods::export_methods!($face with_types_in $crate::bindings::methods);
    };
}
