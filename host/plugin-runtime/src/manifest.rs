//! The manifest: what a plugin says about itself, read from its custom section before anything runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A text in several languages, by BCP 47 tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Texts(pub BTreeMap<String, String>);

impl Texts {
    /// Returns the text for a locale: as asked ("fr-CH"), else its language ("fr"), else English, else any, else "".
    pub fn get(&self, locale: &str) -> &str {
        let language = locale.split(['-', '_']).next().unwrap_or(locale);
        [locale, language, "en"]
            .iter()
            .find_map(|tag| self.0.get(*tag))
            .or_else(|| self.0.values().next())
            .map_or("", String::as_str)
    }
}

impl From<&str> for Texts {
    fn from(text: &str) -> Self {
        Self(BTreeMap::from([("en".to_owned(), text.to_owned())]))
    }
}

/// A right that a plugin asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capability {
    /// The word: "ldap", "http", "secret"...
    pub name: String,
    /// The right with holes for the configuration: "ldap:{config.server.host}:{config.server.port}". Empty = the word.
    #[serde(default)]
    pub scope: String,
    /// Why, for the administrator.
    #[serde(default)]
    pub reason: Texts,
    /// True if the plugin also works without it.
    #[serde(default)]
    pub optional: bool,
    /// Options wanted for the grant, by the names of the grant's options.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub options: Value,
}

/// A configuration to start from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preset {
    /// Its name.
    pub name: Texts,
    /// Part of a configuration.
    #[serde(default)]
    pub config: Value,
}

/// What a plugin says about itself. Field names as in the manifest's JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Version of this format; 1.
    pub manifest_version: u32,
    /// Id of the plugin, such as "org.xylem.auth-ldap"; instances have their own.
    pub id: String,
    /// Version of the plugin.
    pub version: String,
    /// Versions of Xylem it works with: ">=0.1.0, <0.2.0".
    #[serde(default)]
    pub xylem: String,
    /// Its name.
    pub name: Texts,
    /// What it is for.
    #[serde(default)]
    pub description: Texts,
    /// Roles it offers; each must be exported.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Version of the shape of its configuration.
    #[serde(default = "one")]
    pub config_version: u32,
    /// JSON Schema of its configuration; null = it has none.
    #[serde(default)]
    pub config_schema: Value,
    /// Configurations to start from.
    #[serde(default)]
    pub presets: Vec<Preset>,
    /// JSON Schema of the input of its test; None = it takes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_schema: Option<Value>,
    /// Rights it asks for.
    #[serde(default)]
    pub capabilities: Vec<Capability>,
    /// API methods it offers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<Value>,
    /// Jobs it can run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<Value>,
    /// Limits it wants beyond the defaults, with reasons.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub limits: Value,
    /// True if it asks to be kept warm between calls.
    #[serde(default)]
    pub warm: bool,
    /// Label and icon on the sign-in page.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub sign_in: Value,
    /// PNG, 128 x 128, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// SPDX expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// Where to read more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// Translations of the schema's texts: locale -> JSON Pointer -> text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: BTreeMap<String, BTreeMap<String, String>>,
}

fn one() -> u32 {
    1
}
