//! A plugin that was inspected and compiled: what the settings page shows, and what can be asked without running it.

use std::collections::BTreeMap;

use model::Secret;
use serde::Serialize;
use serde_json::Value;

use crate::{FieldError, Manifest, Texts};

/// A right that a configuration needs, resolved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Requested {
    /// The right as it would be granted ("ldap:dc1.example.org:636").
    pub capability: String,
    /// The scope of the manifest that it came from.
    pub template: String,
    /// Why, for the administrator.
    pub reason: Texts,
    /// True if the plugin also works without it.
    pub optional: bool,
    /// Options wanted for the grant; null = none.
    pub options: Value,
}

/// A plugin that can run.
#[derive(Debug)]
pub struct Plugin {
    /// What it says about itself.
    pub manifest: Manifest,
    /// Interfaces with functions that it imports, such as "ldap", "kv", "wasi:http/outgoing-handler".
    pub powers: Vec<String>,
    /// Roles that it exports, such as "password-provider"; `lifecycle` goes without saying.
    pub roles: Vec<String>,
    /// SHA-256 of the component, in hex.
    pub digest: String,
    /// Bytes of the component.
    pub size: u64,
}

impl Plugin {
    /// Returns the rights that a configuration needs; scopes whose values are missing are left out.
    pub fn requested(&self, _config: &Value) -> Vec<Requested> {
        vec![]
    }

    /// Returns where a configuration breaks the manifest's schema; empty = nowhere. Secrets may be plain text or
    /// `{"$secret": ..}`.
    pub fn check_schema(&self, _config: &Value) -> Vec<FieldError> {
        vec![]
    }

    /// Returns where the input of a test breaks the manifest's test schema; empty = nowhere.
    pub fn check_test_input(&self, _input: &Value) -> Vec<FieldError> {
        vec![]
    }

    /// Returns the configuration with the schema's defaults filled in.
    pub fn with_defaults(&self, config: &Value) -> Value {
        config.clone()
    }

    /// Returns the names of the secrets that a configuration holds ("bind.password"), plain or as references.
    pub fn secret_paths(&self, _config: &Value) -> Vec<String> {
        vec![]
    }

    /// Returns the configuration with every secret as XO's sentinel, as it leaves the API.
    pub fn mask(&self, config: &Value) -> Value {
        config.clone()
    }

    /// Divides a configuration as it comes from the API into what may be stored in clear, with `{"$secret": name}` in place of
    /// each secret, and the secrets. The sentinel (or a reference) keeps the old value; with none stored the field goes away.
    pub fn split(&self, config: &Value, _old_secrets: &BTreeMap<String, Secret>) -> (Value, BTreeMap<String, Secret>) {
        (config.clone(), BTreeMap::new())
    }
}
