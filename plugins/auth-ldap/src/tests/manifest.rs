//! The manifest and the code must say the same.

use xylem_sdk::{Value, json};

use crate::language::Language::English;
use crate::settings::Settings;
use crate::syntax;

fn manifest() -> Value {
    serde_json::from_str(include_str!("../../manifest.json")).unwrap()
}

/// Calls `visit` with the pointer and schema of every property.
fn properties(schema: &Value, pointer: &str, visit: &mut impl FnMut(&str, &Value)) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let pointer = format!("{pointer}/properties/{name}");
        visit(&pointer, property);
        properties(property, &pointer, visit);
    }
}

#[test]
fn the_defaults_of_the_schema_are_those_of_the_code() {
    let manifest = manifest();
    let minimal = json!({"server": {"host": "h"}, "base": "dc=x"});
    let settings: Settings = xylem_sdk::config::parse(&minimal.to_string()).unwrap();
    let schema = &manifest["configSchema"]["properties"];
    let default = |pointer: &str| schema.pointer(pointer).unwrap()["default"].clone();
    assert_eq!(default("/server/properties/port"), settings.server.port);
    assert_eq!(default("/server/properties/tls"), "ldaps");
    assert_eq!(default("/filter"), settings.filter);
    assert_eq!(default("/userIdAttribute"), settings.user_id_attribute);
    assert_eq!(default("/attributes/properties/username"), settings.attributes.username);
    assert_eq!(default("/attributes/properties/displayName"), settings.attributes.display_name);
    assert_eq!(default("/attributes/properties/email"), settings.attributes.email);
    assert_eq!(default("/timeout"), settings.timeout);
}

#[test]
fn every_preset_is_a_valid_configuration_once_host_and_base_are_there() {
    for preset in manifest()["presets"].as_array().unwrap() {
        let mut config = preset["config"].clone();
        config["server"]["host"] = json!("dc1.example.org");
        config["base"] = json!("dc=example,dc=org");
        let settings: Settings = xylem_sdk::config::parse(&config.to_string()).unwrap();
        assert!(syntax::problems(&settings, English).is_empty(), "{preset}");
    }
}

#[test]
fn every_text_of_the_forms_is_there_in_french_and_no_other() {
    let manifest = manifest();
    let french = manifest["texts"]["fr"].as_object().unwrap();
    let mut wanted = vec![];
    for schema in ["configSchema", "testSchema"] {
        properties(&manifest[schema], "", &mut |pointer, property| {
            let texts = ["title", "description"].into_iter().filter(|word| property[*word].is_string());
            wanted.extend(texts.map(|word| format!("{pointer}/{word}")));
            assert!(property["title"].is_string(), "{pointer} has no title");
        });
    }
    wanted.sort();
    assert_eq!(french.keys().cloned().collect::<Vec<_>>(), wanted);
}

#[test]
fn every_field_has_its_place_in_the_form() {
    let manifest = manifest();
    let ordered = |pointer: &str, schema: &Value| {
        let Some(fields) = schema["properties"].as_object() else { return };
        let mut order: Vec<&str> = schema["x-order"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        order.sort_unstable();
        assert_eq!(order, fields.keys().collect::<Vec<_>>(), "{pointer}");
    };
    for schema in ["configSchema", "testSchema"] {
        ordered(schema, &manifest[schema]);
        properties(&manifest[schema], "", &mut |pointer, property| ordered(pointer, property));
    }
}
