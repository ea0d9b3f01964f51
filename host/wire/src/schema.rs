//! Schemas of parameters: a small dialect that can be written down as constants, checked, and printed as JSON Schema.
//!
//! The rules are those of Xen Orchestra's API (ajv without coercion): required unless optional, no undeclared parameter,
//! strings not empty unless declared as [`Type::Text`].

use serde::Serialize;
use serde_json::{Map, Value, json};

/// The shape of one value.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    /// Anything.
    Any,
    /// A string of at least one character.
    Str,
    /// A string, also the empty one.
    Text,
    /// true or false.
    Bool,
    /// A whole number.
    Int,
    /// A whole number that is not negative.
    Count,
    /// A number.
    Num,
    /// null.
    Null,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of such values.
    List(&'static Type),
    /// An object whose values all look like this.
    Map(&'static Type),
    /// An object with these members and no others, unless one is named `*`: that is the shape of all others.
    Record(&'static [Param]),
    /// One of these shapes.
    Or(&'static [Type]),
}

/// One named parameter.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// The shape of its value.
    pub ty: Type,
    /// Whether it may be left out.
    pub optional: bool,
}

impl Param {
    /// A parameter that must be there.
    pub const fn req(name: &'static str, ty: Type) -> Self {
        Self { name, ty, optional: false }
    }

    /// A parameter that may be left out.
    pub const fn opt(name: &'static str, ty: Type) -> Self {
        Self { name, ty, optional: true }
    }
}

/// The parameters of an operation.
#[derive(Clone, Copy, Debug)]
pub enum Params {
    /// Anything is taken; the operation looks for what it knows.
    Any,
    /// These and no others, unless one is named `*`: that is the shape of all others.
    Fields(&'static [Param]),
}

/// One value that is wrong, in the form of the validator that Xen Orchestra's clients know (ajv).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Issue {
    /// JSON Pointer to the value, "" for the parameters as a whole.
    pub instance_path: String,
    /// JSON Pointer to the rule.
    pub schema_path: String,
    /// The rule: "type", "required", "additionalProperties", "enum", "minLength", "anyOf".
    pub keyword: String,
    /// Details of the rule.
    pub params: Value,
    /// For people.
    pub message: String,
}

impl Issue {
    /// Returns an issue at a place, for rules that no schema can express.
    pub fn at(instance_path: impl Into<String>, keyword: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            instance_path: instance_path.into(),
            schema_path: String::new(),
            keyword: keyword.into(),
            params: json!({}),
            message: message.into(),
        }
    }
}

impl Params {
    /// Returns what is wrong with these parameters; empty = nothing.
    pub fn check(&self, params: &Map<String, Value>) -> Vec<Issue> {
        let mut issues = Vec::new();
        if let Self::Fields(fields) = self {
            issues = check_fields(fields, params);
        }
        issues
    }

    /// Returns whether a parameter of that name is declared.
    pub fn declares(&self, name: &str) -> bool {
        matches!(self, Self::Fields(fields) if fields.iter().any(|field| field.name == name))
    }

    /// Returns the shape of the parameter of that name, if it is declared.
    pub fn type_of(&self, name: &str) -> Option<Type> {
        match self {
            Self::Any => None,
            Self::Fields(fields) => fields.iter().find(|field| field.name == name).map(|field| field.ty),
        }
    }

    /// Returns the schemas by name, as `system.getMethodsInfo` shows them.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Any => json!({}),
            Self::Fields(fields) => fields_json(fields),
        }
    }
}

/// Returns the JSON Schema (2020-12) of an object with these members and no others.
pub(crate) fn record_schema(fields: &[Param]) -> Value {
    let properties = fields.iter().map(|field| (field.name.to_owned(), field.ty.to_schema())).collect::<Map<_, _>>();
    let required: Vec<_> = fields.iter().filter(|field| !field.optional).map(|field| field.name).collect();
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// Returns what is wrong with parameters that should be these and no others.
pub(crate) fn check_fields(fields: &[Param], params: &Map<String, Value>) -> Vec<Issue> {
    let mut issues = Vec::new();
    check_record(fields, params, "", "#", &mut issues);
    issues
}

fn fields_json(fields: &[Param]) -> Value {
    Value::Object(
        fields
            .iter()
            .map(|field| {
                let mut schema = field.ty.to_json();
                if field.optional
                    && let Value::Object(members) = &mut schema
                {
                    members.insert("optional".to_owned(), Value::Bool(true));
                }
                (field.name.to_owned(), schema)
            })
            .collect(),
    )
}

impl Type {
    /// Returns this shape as a JSON Schema in the API's dialect.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Any => json!({}),
            Self::Word(words) => json!({ "enum": words }),
            Self::Text => json!({ "type": "string", "minLength": 0 }),
            Self::List(item) => json!({ "type": "array", "items": item.to_json() }),
            Self::Map(value) => json!({ "type": "object", "properties": { "*": value.to_json() } }),
            Self::Record(fields) => json!({ "type": "object", "properties": fields_json(fields) }),
            Self::Or(types) if types.iter().all(|ty| ty.is_plain()) => {
                json!({ "type": types.iter().map(|ty| ty.word()).collect::<Vec<_>>() })
            }
            Self::Or(types) => json!({ "anyOf": types.iter().map(Self::to_json).collect::<Vec<_>>() }),
            plain => json!({ "type": plain.word() }),
        }
    }

    /// Returns this shape as a JSON Schema of today's dialect (2020-12), for the documents.
    pub fn to_schema(&self) -> Value {
        match self {
            Self::Any => json!({}),
            Self::Str => json!({ "type": "string", "minLength": 1 }),
            Self::Count => json!({ "type": "integer", "minimum": 0 }),
            Self::Word(words) => json!({ "type": "string", "enum": words }),
            Self::List(item) => json!({ "type": "array", "items": item.to_schema() }),
            Self::Map(value) => json!({ "type": "object", "additionalProperties": value.to_schema() }),
            Self::Record(fields) => record_schema(fields),
            Self::Or(types) => json!({ "anyOf": types.iter().map(Self::to_schema).collect::<Vec<_>>() }),
            plain => json!({ "type": plain.word() }),
        }
    }

    fn is_plain(&self) -> bool {
        matches!(self, Self::Str | Self::Bool | Self::Int | Self::Count | Self::Num | Self::Null)
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Str | Self::Text | Self::Word(_) => "string",
            Self::Bool => "boolean",
            Self::Int | Self::Count => "integer",
            Self::Num => "number",
            Self::Null => "null",
            Self::List(_) => "array",
            Self::Any | Self::Map(_) | Self::Record(_) => "object",
            Self::Or(_) => "any",
        }
    }

    fn check(&self, value: &Value, path: &str, rule: &str, issues: &mut Vec<Issue>) {
        let fits = match self {
            Self::Any => true,
            Self::Str | Self::Text => value.is_string(),
            Self::Bool => value.is_boolean(),
            Self::Int => value.as_i64().is_some() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
            Self::Count => value.as_u64().is_some(),
            Self::Num => value.is_number(),
            Self::Null => value.is_null(),
            Self::Word(words) => {
                if !value.as_str().is_some_and(|text| words.contains(&text)) {
                    let params = json!({ "allowedValues": words });
                    let message = format!("must be equal to one of the allowed values: {}", words.join(", "));
                    issue(issues, path, &format!("{rule}/enum"), "enum", params, message);
                }
                return;
            }
            Self::List(_) => value.is_array(),
            Self::Map(_) | Self::Record(_) => value.is_object(),
            Self::Or(types) => {
                let any = types.iter().any(|ty| {
                    let mut probe = Vec::new();
                    ty.check(value, path, rule, &mut probe);
                    probe.is_empty()
                });
                if !any {
                    let words: Vec<_> = types.iter().map(|ty| ty.word()).collect();
                    let message = format!("must be {}", words.join(","));
                    issue(issues, path, &format!("{rule}/type"), "type", json!({ "type": words }), message);
                }
                return;
            }
        };
        if !fits {
            let word = self.word();
            issue(issues, path, &format!("{rule}/type"), "type", json!({ "type": word }), format!("must be {word}"));
            return;
        }
        match (self, value) {
            (Self::Str, Value::String(text)) if text.is_empty() => {
                let message = "must NOT have fewer than 1 characters".to_owned();
                issue(issues, path, &format!("{rule}/minLength"), "minLength", json!({ "limit": 1 }), message);
            }
            (Self::List(item), Value::Array(values)) => {
                for (index, value) in values.iter().enumerate() {
                    item.check(value, &format!("{path}/{index}"), &format!("{rule}/items"), issues);
                }
            }
            (Self::Map(item), Value::Object(members)) => {
                for (name, value) in members {
                    let path = format!("{path}/{}", escape(name));
                    item.check(value, &path, &format!("{rule}/additionalProperties"), issues);
                }
            }
            (Self::Record(fields), Value::Object(members)) => check_record(fields, members, path, rule, issues),
            _ => {}
        }
    }
}

fn check_record(fields: &[Param], members: &Map<String, Value>, path: &str, rule: &str, issues: &mut Vec<Issue>) {
    for field in fields {
        match members.get(field.name) {
            Some(value) => {
                let path = format!("{path}/{}", escape(field.name));
                field.ty.check(value, &path, &format!("{rule}/properties/{}", escape(field.name)), issues);
            }
            None if !field.optional => {
                let message = format!("must have required property '{}'", field.name);
                let params = json!({ "missingProperty": field.name });
                issue(issues, path, &format!("{rule}/required"), "required", params, message);
            }
            None => {}
        }
    }
    let others = fields.iter().find(|field| field.name == "*");
    for (name, value) in members.iter().filter(|(name, _)| !fields.iter().any(|field| field.name == name.as_str())) {
        if let Some(others) = others {
            let path = format!("{path}/{}", escape(name));
            others.ty.check(value, &path, &format!("{rule}/additionalProperties"), issues);
            continue;
        }
        let params = json!({ "additionalProperty": name });
        let message = format!("must NOT have additional properties: {name}");
        issue(issues, path, &format!("{rule}/additionalProperties"), "additionalProperties", params, message);
    }
}

fn issue(issues: &mut Vec<Issue>, path: &str, schema_path: &str, keyword: &str, params: Value, message: String) {
    issues.push(Issue {
        instance_path: path.to_owned(),
        schema_path: schema_path.to_owned(),
        keyword: keyword.to_owned(),
        params,
        message,
    });
}

/// Returns a name as a part of a JSON Pointer (RFC 6901).
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[Param] = &[
        Param::req("id", Type::Str),
        Param::opt("force", Type::Bool),
        Param::opt("note", Type::Or(&[Type::Str, Type::Null])),
        Param::opt("tags", Type::List(&Type::Str)),
        Param::opt("mode", Type::Word(&["on", "off"])),
        Param::opt("size", Type::Int),
        Param::opt("client", Type::Record(&[Param::req("id", Type::Str)])),
        Param::opt("disk", Type::Record(&[Param::req("size", Type::Int), Param::opt("*", Type::Str)])),
    ];

    fn issues(params: Value) -> Vec<String> {
        let Value::Object(params) = params else { panic!("cases are objects") };
        let found = Params::Fields(FIELDS).check(&params);
        found.iter().map(|issue| format!("{} {}", issue.instance_path, issue.keyword)).collect()
    }

    #[test]
    fn checks_like_the_api_it_replaces() {
        let cases: &[(Value, &[&str])] = &[
            (json!({ "id": "a" }), &[]),
            (json!({}), &[" required"]),
            (json!({ "id": "" }), &["/id minLength"]),
            (json!({ "id": 1 }), &["/id type"]),
            (json!({ "id": "a", "force": "true" }), &["/force type"]),
            (json!({ "id": "a", "note": null }), &[]),
            (json!({ "id": "a", "note": 3 }), &["/note type"]),
            (json!({ "id": "a", "tags": ["x", 1] }), &["/tags/1 type"]),
            (json!({ "id": "a", "mode": "maybe" }), &["/mode enum"]),
            (json!({ "id": "a", "size": 1.5 }), &["/size type"]),
            (json!({ "id": "a", "size": 2.0 }), &[]),
            (json!({ "id": "a", "client": {} }), &["/client required"]),
            (json!({ "id": "a", "other": 1 }), &[" additionalProperties"]),
            (json!({ "id": "a", "disk": { "size": 1, "more": "x" } }), &[]),
            (json!({ "id": "a", "disk": { "size": 1, "more": 2 } }), &["/disk/more type"]),
        ];
        for (params, expected) in cases {
            assert_eq!(issues(params.clone()), *expected, "{params}");
        }
    }
}
