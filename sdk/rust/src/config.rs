//! The configuration of a plugin instance as a type of the author's.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{self, Error};

/// Returns the saved configuration of this instance.
///
/// # Errors
/// `invalid` if the type does not fit what the manifest's schema lets through: a defect of the plugin.
pub fn current<T: DeserializeOwned>() -> Result<T, Error> {
    parse(&crate::imports::config::current())
}

/// Reads a configuration, or any other JSON of the contract, as a type.
///
/// # Errors
/// `invalid`, with what is wrong and where.
pub fn parse<T: DeserializeOwned>(json: &str) -> Result<T, Error> {
    serde_json::from_str(json)
        .map_err(|problem| error::invalid(format_args!("the configuration cannot be read: {problem}")))
}

/// A field marked `x-secret` in the schema. The value stays in the daemon; here is only its name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Secret {
    /// Its path in the configuration, such as `bind.password`.
    #[serde(rename = "$secret")]
    pub name: String,
}

impl Secret {
    /// Returns a handle that other functions of the daemon take in place of the text.
    ///
    /// # Errors
    /// `not-found` if nothing is stored under the name.
    pub fn open(&self) -> Result<crate::secrets::Secret, Error> {
        crate::secrets::get(&self.name)
    }
}
