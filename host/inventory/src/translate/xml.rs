//! The three bits of XML that records carry: restrictions and disks of templates, and what docker says.

use serde_json::{Map, Value};
use xapi::xml::Element;

/// Returns the attributes of every element with this name; none from a document that cannot be read.
pub(super) fn elements(xml: &str, name: &str) -> Vec<Vec<(String, String)>> {
    let mut found = Vec::new();
    if let Ok(root) = Element::parse(xml) {
        collect(root, name, &mut found);
    }
    found
}

fn collect(element: Element, name: &str, found: &mut Vec<Vec<(String, String)>>) {
    if element.name == name {
        found.push(element.attributes);
    }
    for child in element.children {
        collect(child, name, found);
    }
}

/// Returns the value of an attribute.
pub(super) fn attribute<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    attributes.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
}

/// Returns a document as a tree: an element is its text, or an object of its children; repeated children are a list.
pub(super) fn tree(xml: &str) -> Option<Value> {
    let root = Element::parse(xml).ok()?;
    let mut document = Map::new();
    document.insert(root.name.clone(), value(root));
    Some(Value::Object(document))
}

fn value(element: Element) -> Value {
    if element.children.is_empty() {
        return Value::from(element.text.trim());
    }
    let mut children = Map::new();
    for child in element.children {
        let name = child.name.clone();
        add(&mut children, name, value(child));
    }
    Value::Object(children)
}

fn add(children: &mut Map<String, Value>, name: String, value: Value) {
    match children.get_mut(&name) {
        None => {
            children.insert(name, value);
        }
        Some(Value::Array(items)) => items.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_hold_text_children_and_lists() {
        let xml =
            "<docker_ps><item><entry><id>a&amp;b</id></entry></item><item><entry><id>2</id></entry></item></docker_ps>";
        let expected = serde_json::json!({"docker_ps": {"item": [{"entry": {"id": "a&b"}}, {"entry": {"id": "2"}}]}});
        assert_eq!(tree(xml), Some(expected));
        assert_eq!(tree("<a><b></a>"), None);
        assert_eq!(tree(&"<a>".repeat(1000)), None);
    }

    #[test]
    fn elements_are_found_at_any_depth() {
        let found = elements(r#"<r><x a="1"/><y><x a="&lt;2"></x></y></r>"#, "x");
        assert_eq!(attribute(&found[0], "a"), Some("1"));
        assert_eq!(attribute(&found[1], "a"), Some("<2"));
        assert!(elements("<r><x a=broken/></r>", "x").is_empty());
    }
}
