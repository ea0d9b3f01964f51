//! Configurations: checked by the manifest's JSON Schema, with secrets taken out, masked and put back.
//!
//! The schema comes from a plugin, so it is bounded before it is compiled: local references only and no cycles among them, a
//! limit on what they expand to, and patterns that run in linear time.

use std::collections::BTreeMap;

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{PatternOptions, Validator};
use model::Secret;
use serde_json::{Map, Value, json};

use crate::{FieldError, LoadError, SENTINEL};

/// Schemas that one schema may expand to when its references are followed: bounds the work of one validation.
const MAX_NODES: usize = 10_000;

/// Patterns in a schema; each compiles to at most [`PATTERN_BYTES`].
const MAX_PATTERNS: usize = 64;
const PATTERN_BYTES: usize = 1 << 20;

/// Bytes of a configuration, as JSON; the certificates of a large site fit many times over.
const MAX_CONFIG: usize = 1 << 20;

/// Errors reported at once; beyond that nobody reads them.
const MAX_ERRORS: usize = 100;

/// Stands for a secret that is kept elsewhere, while the rest is checked. Errors about it are left out.
const PLACEHOLDER: &str = "a secret that is stored";

/// A compiled schema.
#[derive(Debug)]
pub(crate) struct Schema {
    root: Value,
    validator: Validator,
}

/// A way into a value, key by key.
type Path = Vec<String>;

impl Schema {
    /// Compiles a schema of a manifest; `name` is its field, for the error. Null takes anything.
    pub(crate) fn compile(name: &str, schema: &Value) -> Result<Self, LoadError> {
        let wrong = |message: String| LoadError::new("manifest.schema", format!("the manifest's {name}: {message}"));
        let root = if schema.is_null() { json!({}) } else { schema.clone() };
        let mut census = Census { root: &root, nodes: 0, patterns: 0, references: vec![] };
        census.visit(&root, true).map_err(&wrong)?;
        let validator = jsonschema::options()
            .offline()
            .should_validate_formats(true)
            .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES))
            .build(&root)
            .map_err(|error| wrong(error.masked().to_string()))?;
        Ok(Self { root, validator })
    }

    /// Returns where a value breaks the schema. Secrets may be plain, `{"$secret": ..}` or the sentinel.
    pub(crate) fn check(&self, value: &Value) -> Vec<FieldError> {
        if !within(value, MAX_CONFIG, 64) {
            let message = "is too large or too deep".to_owned();
            return vec![FieldError { path: String::new(), code: "too-large".to_owned(), message }];
        }
        let mut copy = value.clone();
        let mut stored = vec![];
        for path in self.secrets(value) {
            if let Some(found) = at_mut(&mut copy, &path).filter(|found| is_kept(found)) {
                *found = Value::from(PLACEHOLDER);
                stored.push(pointer(&path));
            }
        }
        let mut errors = vec![];
        for error in self.validator.iter_errors(&copy).take(MAX_ERRORS) {
            let path = error.instance_path().to_string();
            if stored.contains(&path) {
                continue;
            }
            for (extra, code, message) in explain(error.kind()) {
                let message = message.unwrap_or_else(|| error.masked().to_string());
                errors.push(FieldError { path: format!("{path}{extra}"), code: code.to_owned(), message });
            }
        }
        errors
    }

    /// Returns the value with the defaults of the schema where something is missing, in objects that are there.
    pub(crate) fn with_defaults(&self, value: &Value) -> Value {
        let mut value = value.clone();
        self.fill(&self.root, &mut value);
        value
    }

    fn fill(&self, schema: &Value, value: &mut Value) {
        for part in schema["allOf"].as_array().into_iter().flatten().chain(self.referred(schema)) {
            self.fill(part, value);
        }
        match value {
            Value::Object(object) => {
                for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
                    if !object.contains_key(key) {
                        match inner.get("default").or_else(|| self.referred(inner)?.get("default")) {
                            Some(default) => drop(object.insert(key.clone(), default.clone())),
                            None => continue,
                        }
                    }
                    if let Some(present) = object.get_mut(key) {
                        self.fill(inner, present);
                    }
                }
            }
            Value::Array(list) if schema["items"].is_object() => {
                list.iter_mut().for_each(|element| self.fill(&schema["items"], element));
            }
            _ => {}
        }
    }

    /// Returns the names of the secrets in a value ("bind.password").
    pub(crate) fn secret_names(&self, value: &Value) -> Vec<String> {
        self.secrets(value).iter().map(|path| path.join(".")).collect()
    }

    /// Returns the value with the sentinel in place of each secret.
    pub(crate) fn mask(&self, value: &Value) -> Value {
        let mut masked = value.clone();
        for path in self.secrets(value) {
            if let Some(found) = at_mut(&mut masked, &path).filter(|found| !found.is_null()) {
                *found = Value::from(SENTINEL);
            }
        }
        masked
    }

    /// Divides a value into what may be stored in clear and the secrets. What stands for a stored secret keeps it; with none
    /// stored the field goes away, so that the schema can say that it is missing.
    pub(crate) fn split(&self, value: &Value, old: &BTreeMap<String, Secret>) -> (Value, BTreeMap<String, Secret>) {
        let (mut public, mut secrets) = (value.clone(), BTreeMap::new());
        for path in self.secrets(value) {
            let name = path.join(".");
            let Some(found) = at_mut(&mut public, &path) else { continue };
            let kept = if is_kept(found) {
                // By its own name, whatever the reference says: nobody reaches another secret by spelling it.
                old.get(&name).cloned()
            } else if let Some(text) = found.as_str() {
                Some(Secret::from(text))
            } else {
                continue;
            };
            match kept {
                Some(secret) => {
                    *found = json!({"$secret": name});
                    secrets.insert(name, secret);
                }
                None => remove(&mut public, &path),
            }
        }
        (public, secrets)
    }

    /// Returns where the secrets of a value are. Every branch of the schema that might apply counts: a secret shown because the
    /// wrong branch was believed would be worse than a text hidden.
    fn secrets(&self, value: &Value) -> Vec<Path> {
        let mut found = vec![];
        self.find(&self.root, value, &mut vec![], &mut found);
        found.sort();
        found.dedup();
        found
    }

    fn find(&self, schema: &Value, value: &Value, path: &mut Path, found: &mut Vec<Path>) {
        if let Some(target) = self.referred(schema) {
            self.find(target, value, path, found);
        }
        if schema["x-secret"] == Value::Bool(true) {
            if !path.is_empty() {
                found.push(path.clone());
            }
            return;
        }
        for word in ["allOf", "anyOf", "oneOf"] {
            for part in schema[word].as_array().into_iter().flatten() {
                self.find(part, value, path, found);
            }
        }
        for word in ["if", "then", "else"] {
            if schema[word].is_object() {
                self.find(&schema[word], value, path, found);
            }
        }
        match value {
            Value::Object(object) => {
                for (key, inner) in object {
                    path.push(key.clone());
                    match schema["properties"].get(key) {
                        Some(property) => self.find(property, inner, path, found),
                        None => {
                            for pattern in schema["patternProperties"].as_object().into_iter().flat_map(Map::values) {
                                self.find(pattern, inner, path, found);
                            }
                            self.find(&schema["additionalProperties"], inner, path, found);
                        }
                    }
                    path.pop();
                }
            }
            Value::Array(list) => {
                for (index, inner) in list.iter().enumerate() {
                    path.push(index.to_string());
                    self.find(&schema["items"], inner, path, found);
                    if let Some(own) = schema["prefixItems"].get(index) {
                        self.find(own, inner, path, found);
                    }
                    path.pop();
                }
            }
            _ => {}
        }
    }

    /// Returns what a schema refers to; [`Census`] has seen that references end.
    fn referred<'s>(&'s self, schema: &Value) -> Option<&'s Value> {
        target(&self.root, schema["$ref"].as_str()?)
    }
}

fn target<'s>(root: &'s Value, reference: &str) -> Option<&'s Value> {
    root.pointer(reference.strip_prefix('#')?)
}

/// Counts what a schema expands to, and refuses what cannot be bounded.
struct Census<'s> {
    root: &'s Value,
    nodes: usize,
    patterns: usize,
    references: Vec<&'s str>,
}

impl<'s> Census<'s> {
    /// `schema` is true where a schema stands, false where names or values do.
    fn visit(&mut self, value: &'s Value, is_schema: bool) -> Result<(), String> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(format!("it expands to more than {MAX_NODES} parts"));
        }
        match value {
            Value::Object(object) => {
                for (key, inner) in object {
                    if is_schema {
                        self.keyword(key, inner)?;
                    }
                    if is_schema && matches!(key.as_str(), "const" | "enum" | "default" | "examples") {
                        continue;
                    }
                    let names = matches!(
                        key.as_str(),
                        "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas"
                    );
                    self.visit(inner, !(is_schema && names))?;
                }
                if is_schema
                    && object.get("x-secret") == Some(&Value::Bool(true))
                    && object.get("type") != Some(&json!("string"))
                {
                    return Err("x-secret is for values of type \"string\"".to_owned());
                }
            }
            Value::Array(list) => {
                for inner in list {
                    self.visit(inner, true)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn keyword(&mut self, key: &str, inner: &'s Value) -> Result<(), String> {
        match key {
            "pattern" => self.patterns += 1,
            "patternProperties" => self.patterns += inner.as_object().map_or(0, Map::len),
            "$dynamicRef" | "$recursiveRef" => return Err(format!("{key} is not supported")),
            "$ref" => {
                let text = inner.as_str().unwrap_or_default();
                let Some(next) = text.starts_with('#').then(|| target(self.root, text)).flatten() else {
                    return Err(format!("the reference {text:?} leads out of it, or nowhere"));
                };
                if self.references.contains(&text) {
                    return Err(format!("the reference {text:?} leads back to itself"));
                }
                self.references.push(text);
                self.visit(next, true)?;
                self.references.pop();
            }
            _ => {}
        }
        if self.patterns > MAX_PATTERNS {
            return Err(format!("it has more than {MAX_PATTERNS} patterns"));
        }
        Ok(())
    }
}

/// A code and, where the library's sentence would be clumsy, our own; with the part of the path that the library leaves out.
fn explain(kind: &Kind) -> Vec<(String, &'static str, Option<String>)> {
    let one = |code: &'static str, message: String| vec![(String::new(), code, Some(message))];
    match kind {
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            vec![(format!("/{}", escape(name)), "required", Some("is required".to_owned()))]
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => unexpected
            .iter()
            .map(|name| (format!("/{}", escape(name)), "unknown", Some("is not a setting of this plugin".to_owned())))
            .collect(),
        Kind::Type { .. } => vec![(String::new(), "type", None)],
        Kind::Minimum { limit } => one("range", format!("must be at least {limit}")),
        Kind::Maximum { limit } => one("range", format!("must be at most {limit}")),
        Kind::ExclusiveMinimum { limit } => one("range", format!("must be more than {limit}")),
        Kind::ExclusiveMaximum { limit } => one("range", format!("must be less than {limit}")),
        Kind::MultipleOf { multiple_of } => one("range", format!("must be a multiple of {multiple_of}")),
        Kind::MinLength { limit: 1 } => one("required", "must not be empty".to_owned()),
        Kind::MinLength { limit } => one("length", format!("must have at least {limit} characters")),
        Kind::MaxLength { limit } => one("length", format!("must have at most {limit} characters")),
        Kind::MinItems { limit } => one("length", format!("must have at least {limit} elements")),
        Kind::MaxItems { limit } => one("length", format!("must have at most {limit} elements")),
        Kind::Enum { options } => one("enum", format!("must be one of {options}")),
        Kind::Constant { expected_value } => one("enum", format!("must be {expected_value}")),
        Kind::Format { format } => one("format", format!("is not of the format {format:?}")),
        Kind::Pattern { pattern } => one("format", format!("does not match {pattern:?}")),
        Kind::UniqueItems => one("unique", "has an element twice".to_owned()),
        _ => vec![(String::new(), "schema", None)],
    }
}

fn is_kept(value: &Value) -> bool {
    value.as_str() == Some(SENTINEL) || value.as_object().is_some_and(|object| object.contains_key("$secret"))
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn pointer(path: &[String]) -> String {
    path.iter().map(|key| format!("/{}", escape(key))).collect()
}

fn at_mut<'v>(value: &'v mut Value, path: &[String]) -> Option<&'v mut Value> {
    path.iter().try_fold(value, |value, key| match value {
        Value::Object(object) => object.get_mut(key),
        Value::Array(list) => list.get_mut(key.parse::<usize>().ok()?),
        _ => None,
    })
}

fn remove(value: &mut Value, path: &[String]) {
    let Some((last, way)) = path.split_last() else { return };
    match at_mut(value, way) {
        Some(Value::Object(object)) => drop(object.remove(last)),
        // An element cannot go without moving its neighbours, whose names are their places.
        Some(Value::Array(list)) => {
            if let Some(element) = last.parse::<usize>().ok().and_then(|index| list.get_mut(index)) {
                *element = Value::Null;
            }
        }
        _ => {}
    }
}

/// Returns whether a value is within so many bytes (roughly) and so deep.
pub(crate) fn within(value: &Value, bytes: usize, depth: usize) -> bool {
    fn weigh(value: &Value, left: &mut usize, depth: usize) -> bool {
        let own = match value {
            Value::String(text) => text.len() + 2,
            Value::Object(object) => object.keys().map(|key| key.len() + 4).sum::<usize>() + 2,
            Value::Array(list) => list.len() + 2,
            _ => 8,
        };
        let Some(rest) = left.checked_sub(own) else { return false };
        *left = rest;
        match value {
            Value::Object(object) => depth > 0 && object.values().all(|inner| weigh(inner, left, depth - 1)),
            Value::Array(list) => depth > 0 && list.iter().all(|inner| weigh(inner, left, depth - 1)),
            _ => true,
        }
    }
    let mut left = bytes;
    weigh(value, &mut left, depth)
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
