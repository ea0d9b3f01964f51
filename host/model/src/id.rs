//! Ids are types, so that the id of a server never stands where a user's is wanted.

use std::borrow::Borrow;
use std::fmt;

use arcstr::ArcStr;
use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(ArcStr);

        impl $name {
            /// Returns the text of the id.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Returns a fresh random id (UUID version 4).
            pub fn random() -> Self {
                Self::from(uuid::Uuid::new_v4().to_string())
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl From<ArcStr> for $name {
            fn from(text: ArcStr) -> Self {
                Self(text)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

id! {
    /// Id of an object of a pool in the public API: its UUID, for default templates `<pool>-<template>`.
    ObjectId
}
id! {
    /// Id of a registered server, the entry to one pool.
    ServerId
}
id! {
    /// Id of an account of this daemon.
    UserId
}
id! {
    /// Id of a group of accounts.
    GroupId
}
id! {
    /// Public handle of an API token: its SHA-256 in hexadecimal. The token itself is never kept.
    TokenId
}
id! {
    /// Id of an installed plugin: a slug that never changes, such as `auth-ldap`.
    InstanceId
}
