//! A plugin that was inspected and compiled: what the settings page shows, and what can be asked without running it.

use std::collections::BTreeMap;

use model::Secret;
use serde::Serialize;
use serde_json::Value;
use wasmtime::component::{Component, InstancePre, Linker};

use crate::bindings::exports::xylem::plugin::{lifecycle, password_provider};
use crate::config::Schema;
use crate::ctx::Ctx;
use crate::{FieldError, LoadError, Manifest, Texts, inspect, scope};

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
    pub(crate) pre: InstancePre<Ctx>,
    pub(crate) lifecycle: lifecycle::GuestIndices,
    pub(crate) password_provider: Option<password_provider::GuestIndices>,
    /// Milliseconds that compiling took; None = it came from the cache.
    pub(crate) compile_ms: Option<u64>,
    config_schema: Schema,
    test_schema: Option<Schema>,
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Manifest { id, version, .. } = &self.manifest;
        write!(f, "Plugin({id} {version}, {})", &self.digest[..12.min(self.digest.len())])
    }
}

/// What is known of a plugin before it is linked.
pub(crate) struct Draft {
    pub(crate) manifest: Manifest,
    pub(crate) digest: String,
    pub(crate) size: u64,
    pub(crate) compile_ms: Option<u64>,
}

impl Plugin {
    /// Links a compiled component. Nothing of it runs.
    pub(crate) fn link(draft: Draft, linker: &Linker<Ctx>, component: &Component) -> Result<Self, LoadError> {
        let Draft { manifest, digest, size, compile_ms } = draft;
        let config_schema = Schema::compile("configSchema", &manifest.config_schema)?;
        let test_schema = manifest.test_schema.as_ref();
        let test_schema = test_schema.map(|schema| Schema::compile("testSchema", schema)).transpose()?;
        let (powers, roles) = inspect::powers_and_roles(linker.engine(), component, &manifest)?;
        let pre = linker.instantiate_pre(component).map_err(|error| {
            LoadError::new("link.failed", format!("it asks for something that is not here: {error:#}"))
        })?;
        let lifecycle = lifecycle::GuestIndices::new(&pre).map_err(|error| {
            LoadError::new("role.lifecycle", format!("its lifecycle is not that of the contract: {error:#}"))
        })?;
        // Only where it is exported, so that one of the wrong shape is an error and not a role that is missing.
        let has = |role: &str| roles.iter().any(|exported| exported == role);
        let password_provider =
            has("password-provider").then(|| password_provider::GuestIndices::new(&pre)).transpose();
        let password_provider = password_provider.map_err(|error| {
            LoadError::new(
                "role.password-provider",
                format!("its password-provider is not that of the contract: {error:#}"),
            )
        })?;
        Ok(Self {
            manifest,
            powers,
            roles,
            digest,
            size,
            pre,
            lifecycle,
            password_provider,
            compile_ms,
            config_schema,
            test_schema,
        })
    }

    /// Returns the rights that a configuration needs; scopes whose values are missing or cannot stand in a right are left out
    /// ([`check_schema`](Self::check_schema) says so).
    pub fn requested(&self, config: &Value) -> Vec<Requested> {
        let config = self.with_defaults(config);
        let mut all = vec![];
        for capability in &self.manifest.capabilities {
            let template = if capability.scope.is_empty() { &capability.name } else { &capability.scope };
            for right in scope::resolve(template, &config).unwrap_or_default() {
                all.push(Requested {
                    capability: right,
                    template: template.clone(),
                    reason: capability.reason.clone(),
                    optional: capability.optional,
                    options: capability.options.clone(),
                });
            }
        }
        all
    }

    /// Returns where a configuration breaks the manifest's schema, or has a value that cannot stand in a right; empty = nowhere.
    /// Secrets may be plain text, `{"$secret": ..}` or the sentinel.
    pub fn check_schema(&self, config: &Value) -> Vec<FieldError> {
        let mut errors = self.config_schema.check(config);
        if errors.is_empty() {
            let config = self.with_defaults(config);
            for capability in &self.manifest.capabilities {
                if let Err(error) = scope::resolve(&capability.scope, &config)
                    && !capability.scope.is_empty()
                {
                    errors.push(FieldError { path: error.path, code: "format".to_owned(), message: error.message });
                }
            }
        }
        errors
    }

    /// Returns where the input of a test breaks the manifest's test schema; empty = nowhere. Without a test schema any input is
    /// left to the plugin.
    pub fn check_test_input(&self, input: &Value) -> Vec<FieldError> {
        self.test_schema.as_ref().map_or_else(Vec::new, |schema| schema.check(input))
    }

    /// Returns the configuration with the schema's defaults filled in.
    pub fn with_defaults(&self, config: &Value) -> Value {
        self.config_schema.with_defaults(config)
    }

    /// Returns the names of the secrets that a configuration holds ("bind.password"), plain or as references.
    pub fn secret_paths(&self, config: &Value) -> Vec<String> {
        self.config_schema.secret_names(config)
    }

    /// Returns the configuration with every secret as XO's sentinel, as it leaves the API.
    pub fn mask(&self, config: &Value) -> Value {
        self.config_schema.mask(config)
    }

    /// Returns the input of a test with every secret as XO's sentinel, for logs and audit.
    pub fn mask_test_input(&self, input: &Value) -> Value {
        self.test_schema.as_ref().map_or_else(|| input.clone(), |schema| schema.mask(input))
    }

    /// Divides a configuration as it comes from the API into what may be stored in clear, with `{"$secret": name}` in place of
    /// each secret, and the secrets. The sentinel (or a reference) keeps the old value; with none stored the field goes away.
    pub fn split(&self, config: &Value, old_secrets: &BTreeMap<String, Secret>) -> (Value, BTreeMap<String, Secret>) {
        self.config_schema.split(config, old_secrets)
    }
}
