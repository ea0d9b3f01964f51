//! Schemas, secrets and bounds.

use super::*;

fn schema() -> Schema {
    Schema::compile(
        "configSchema",
        &json!({
            "type": "object", "additionalProperties": false, "required": ["server", "bind"],
            "$defs": {"account": {"type": "object", "required": ["dn", "password"], "properties": {
                "dn": {"type": "string", "minLength": 1},
                "password": {"type": "string", "x-secret": true, "minLength": 3}}}},
            "properties": {
                "server": {"type": "object", "required": ["host"], "properties": {
                    "host": {"type": "string"},
                    "port": {"type": "integer", "minimum": 1, "maximum": 65535, "default": 636}}},
                "bind": {"$ref": "#/$defs/account"},
                "more": {"type": "array", "items": {"$ref": "#/$defs/account"}},
                "mode": {"enum": ["a", "b"], "default": "a"},
                "name": {"type": "string", "pattern": "^[a-z]+$"},
            },
        }),
    )
    .unwrap()
}

fn errors(value: &Value) -> Vec<String> {
    let mut errors: Vec<String> = schema().check(value).iter().map(|e| format!("{} {}", e.path, e.code)).collect();
    errors.sort();
    errors
}

#[test]
fn says_where() {
    for (value, expected) in [
        (json!({"server": {"host": "h"}, "bind": {"dn": "d", "password": "secret"}}), &[][..]),
        (json!({}), &["/bind required", "/server required"]),
        (
            json!({"server": {}, "bind": {"dn": "", "password": "x"}, "extra": 1}),
            &["/bind/dn required", "/bind/password length", "/extra unknown", "/server/host required"],
        ),
        (
            json!({"server": {"host": "h", "port": 0}, "bind": {"dn": "d", "password": {"$secret": "bind.password"}}}),
            &["/server/port range"],
        ),
        (
            json!({"server": {"host": 1}, "bind": {"dn": "d", "password": SENTINEL}, "mode": "c", "name": "A"}),
            &["/mode enum", "/name format", "/server/host type"],
        ),
        (json!("text"), &[" type"]),
    ] {
        assert_eq!(errors(&value), expected, "{value}");
    }
}

#[test]
fn messages_do_not_show_secrets() {
    let value = json!({"server": {"host": "h"}, "bind": {"dn": "d", "password": "q!"}});
    for error in schema().check(&value) {
        assert!(!error.message.contains("q!"), "{error:?}");
    }
}

#[test]
fn large_values_are_refused() {
    assert_eq!(errors(&json!({"name": "a".repeat(MAX_CONFIG)})), [" too-large"]);
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(errors(&deep), [" too-large"]);
}

#[test]
fn defaults() {
    assert_eq!(
        schema().with_defaults(&json!({"server": {"host": "h"}})),
        json!({"server": {"host": "h", "port": 636}, "mode": "a"})
    );
    assert_eq!(schema().with_defaults(&json!({})), json!({"mode": "a"}));
}

#[test]
fn secrets_go_out_and_come_back() {
    let schema = schema();
    let given = json!({"server": {"host": "h"}, "bind": {"dn": "d", "password": "one"},
        "more": [{"dn": "e", "password": "two"}]});
    let (public, secrets) = schema.split(&given, &BTreeMap::new());
    assert_eq!(
        public,
        json!({"server": {"host": "h"}, "bind": {"dn": "d", "password": {"$secret": "bind.password"}},
        "more": [{"dn": "e", "password": {"$secret": "more.0.password"}}]})
    );
    assert_eq!(secrets["bind.password"].expose(), "one");
    assert_eq!(secrets["more.0.password"].expose(), "two");
    assert_eq!(schema.secret_names(&public), ["bind.password", "more.0.password"]);

    let masked = schema.mask(&public);
    assert_eq!(masked["bind"]["password"], SENTINEL);
    assert_eq!(masked, schema.mask(&given));
    assert!(!masked.to_string().contains("one"));

    // The sentinel keeps, a new text replaces, a reference to another secret is taken as one to its own.
    let mut back = masked;
    back["more"][0]["password"] = json!("three");
    let (public_again, secrets_again) = schema.split(&back, &secrets);
    assert_eq!(public_again, public);
    assert_eq!((secrets_again["bind.password"].expose(), secrets_again["more.0.password"].expose()), ("one", "three"));
    let theft = json!({"bind": {"dn": "d", "password": {"$secret": "more.0.password"}}});
    assert_eq!(schema.split(&theft, &secrets).1["bind.password"].expose(), "one");

    // With nothing stored, the sentinel is a missing value.
    let (public, secrets) = schema.split(&back, &BTreeMap::new());
    assert_eq!(public["bind"], json!({"dn": "d"}));
    assert_eq!(secrets.keys().collect::<Vec<_>>(), ["more.0.password"]);
    assert!(errors(&public).contains(&"/bind/password required".to_owned()));
}

#[test]
fn refuses_schemas_that_cannot_be_bounded() {
    let mut bomb = json!({"$defs": {"l0": {"type": "string"}}, "$ref": "#/$defs/l20"});
    for level in 1..=20 {
        let below = json!({"$ref": format!("#/$defs/l{}", level - 1)});
        bomb["$defs"][format!("l{level}")] = json!({"allOf": [below, below]});
    }
    let patterns: Map<String, Value> = (0..65).map(|n| (format!("p{n}"), json!({"pattern": "a"}))).collect();
    for (schema, words) in [
        (json!({"$ref": "https://example.org/schema"}), "leads out"),
        (json!({"$ref": "#/$defs/none"}), "nowhere"),
        (json!({"$defs": {"a": {"properties": {"b": {"$ref": "#/$defs/a"}}}}, "$ref": "#/$defs/a"}), "back to itself"),
        (bomb, "more than 10000"),
        (json!({"properties": patterns}), "more than 64"),
        (json!({"pattern": "(a{1000}){1000}"}), "configSchema"),
        (json!({"pattern": "(a)\\1"}), "configSchema"),
        (json!({"type": "strin"}), "configSchema"),
        (json!({"properties": {"a": {"x-secret": true}}}), "x-secret"),
        (json!({"$dynamicRef": "#x"}), "not supported"),
    ] {
        let error = Schema::compile("configSchema", &schema).unwrap_err();
        assert!(error.code == "manifest.schema" && error.message.contains(words), "{error} for {schema}");
    }
}

#[test]
fn secrets_in_any_branch_count() {
    let schema = Schema::compile(
        "configSchema",
        &json!({"oneOf": [
            {"properties": {"token": {"type": "string", "x-secret": true}}},
            {"properties": {"token": {"type": "string"}}},
            {"additionalProperties": {"type": "string", "x-secret": true}}]}),
    )
    .unwrap();
    assert_eq!(schema.secret_names(&json!({"token": "a", "other": "b"})), ["other", "token"]);
}
