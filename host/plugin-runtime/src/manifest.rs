//! The manifest: what a plugin says about itself, read from its custom section before anything runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{LoadError, grants};

/// Bytes of a manifest; an icon of 128 x 128 and texts in many languages fit ten times over.
pub(crate) const MAX_MANIFEST: usize = 256 << 10;

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

/// Fields of a manifest; others are ignored with a warning, so that newer plugins load.
const FIELDS: &[&str] = &[
    "manifestVersion",
    "id",
    "version",
    "xylem",
    "name",
    "description",
    "roles",
    "configVersion",
    "configSchema",
    "presets",
    "testSchema",
    "capabilities",
    "methods",
    "jobs",
    "limits",
    "warm",
    "signIn",
    "icon",
    "license",
    "homepage",
    "texts",
];

impl Manifest {
    /// Reads a manifest. Returns it with warnings for the log; an unknown capability is an error, because leaving out a
    /// right in silence would only fail later, and worse.
    pub(crate) fn parse(bytes: &[u8]) -> Result<(Self, Vec<String>), LoadError> {
        if bytes.len() > MAX_MANIFEST {
            return Err(LoadError::new(
                "manifest.too-large",
                format!("the manifest has {} bytes; {MAX_MANIFEST} are allowed", bytes.len()),
            ));
        }
        let wrong = |error: serde_json::Error| {
            LoadError::new("manifest.invalid", format!("the manifest cannot be read: {error}"))
        };
        let mut value: Value = serde_json::from_slice(bytes).map_err(wrong)?;
        let Some(object) = value.as_object_mut() else {
            return Err(LoadError::new("manifest.invalid", "the manifest is not a JSON object"));
        };
        let mut warnings: Vec<String> = object
            .keys()
            .filter(|key| !FIELDS.contains(&key.as_str()))
            .map(|key| format!("the manifest's field {key:?} is not known and ignored"))
            .collect();
        if let Some(version) = object.get("manifestVersion").and_then(Value::as_u64).filter(|version| *version != 1) {
            return Err(LoadError::new(
                "manifest.version",
                format!("the manifest has version {version}; this Xylem reads version 1"),
            ));
        }
        for capability in object.get_mut("capabilities").and_then(Value::as_array_mut).into_iter().flatten() {
            gather_options(capability, &mut warnings);
        }
        let manifest: Self = serde_json::from_value(value).map_err(wrong)?;
        manifest.check()?;
        Ok((manifest, warnings))
    }

    fn check(&self) -> Result<(), LoadError> {
        let plain = |text: &str, extra: &str| {
            !text.is_empty()
                && text.len() <= 100
                && text.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
        };
        if !plain(&self.id, ".-_") {
            return Err(LoadError::new(
                "manifest.invalid",
                format!("the manifest's id {:?} is not a plugin id", self.id),
            ));
        }
        if !plain(&self.version, ".-+") {
            let message = format!("the manifest's version {:?} is not a version", self.version);
            return Err(LoadError::new("manifest.invalid", message));
        }
        for capability in &self.capabilities {
            if !grants::is_word(&capability.name) {
                let message = format!(
                    "the manifest asks for the capability {:?}, which does not exist; there are {}",
                    capability.name,
                    grants::words().join(", ")
                );
                return Err(LoadError::new("capability.unknown", message));
            }
            let scope = if capability.scope.is_empty() { &capability.name } else { &capability.scope };
            if scope.split(':').next() != Some(&capability.name) {
                let message = format!(
                    "the scope {:?} of the capability {:?} does not begin with its word",
                    capability.scope, capability.name
                );
                return Err(LoadError::new("capability.scope", message));
            }
        }
        Ok(())
    }
}

/// Moves grant options that stand beside `name` and `scope` into `options`, where the rest of the program looks for them.
fn gather_options(capability: &mut Value, warnings: &mut Vec<String>) {
    let Some(object) = capability.as_object_mut() else { return };
    let mut options = match object.remove("options") {
        Some(Value::Object(options)) => options,
        _ => Map::new(),
    };
    for name in grants::OPTIONS {
        if let Some(value) = object.remove(*name) {
            options.entry(*name).or_insert(value);
        }
    }
    for key in object.keys().filter(|key| !["name", "scope", "reason", "optional"].contains(&key.as_str())) {
        warnings.push(format!("the field {key:?} of a capability is not known and ignored"));
    }
    if !options.is_empty() {
        object.insert("options".to_owned(), Value::Object(options));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(Manifest, Vec<String>), String> {
        Manifest::parse(text.as_bytes()).map_err(|error| error.code)
    }

    #[test]
    fn reads_what_it_knows_and_warns_of_the_rest() {
        let (manifest, warnings) = parse(
            r#"{"manifestVersion": 1, "id": "org.xylem.x", "version": "0.1.0", "name": {"en": "X", "fr": "Y"}, "colour": 1,
                "capabilities": [{"name": "ldap", "scope": "ldap:{config.h}:636", "reason": {"en": "to look"},
                                  "plaintext": true, "shade": 2}]}"#,
        )
        .unwrap();
        assert_eq!(manifest.capabilities[0].options, serde_json::json!({"plaintext": true}));
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert_eq!(manifest.config_version, 1);
        assert_eq!((manifest.name.get("fr-CH"), manifest.name.get("de")), ("Y", "X"));
    }

    #[test]
    fn refuses() {
        let with = |capabilities: &str| {
            format!(r#"{{"manifestVersion":1,"id":"a","version":"1","name":{{}},"capabilities":[{capabilities}]}}"#)
        };
        for (text, code) in [
            ("", "manifest.invalid"),
            ("[]", "manifest.invalid"),
            ("{}", "manifest.invalid"),
            (r#"{"manifestVersion": 2}"#, "manifest.version"),
            (r#"{"manifestVersion": 1, "id": "a b", "version": "1", "name": {}}"#, "manifest.invalid"),
            (&with(r#"{"name": "files"}"#), "capability.unknown"),
            (&with(r#"{"name": "ldap", "scope": "http:https://x"}"#), "capability.scope"),
        ] {
            assert_eq!(parse(text).unwrap_err(), code, "{text}");
        }
        let error = Manifest::parse(with(r#"{"name": "files"}"#).as_bytes()).unwrap_err();
        assert!(error.message.contains("act-as-plugin") && error.message.contains("ldap"), "{error}");
        assert_eq!(parse(&" ".repeat(MAX_MANIFEST + 1)).unwrap_err(), "manifest.too-large");
    }
}
