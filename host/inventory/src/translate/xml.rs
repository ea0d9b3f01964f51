//! The three bits of XML that records carry: restrictions and disks of templates, and what docker says.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value};

/// The docker blocks nest a handful of levels; a hostile guest must not overflow our stack or memory.
const MAX_DEPTH: usize = 32;

/// Returns the attributes of every element with this name. What is broken is left out.
pub(super) fn elements(xml: &str, name: &str) -> Vec<Vec<(String, String)>> {
    let mut reader = Reader::from_str(xml);
    let mut found = Vec::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(element) | Event::Empty(element)) if element.name().as_ref() == name.as_bytes() => {
                found.push(attributes(&element));
            }
            Ok(Event::Eof) | Err(_) => return found,
            Ok(_) => {}
        }
    }
}

fn attributes(element: &BytesStart<'_>) -> Vec<(String, String)> {
    let attributes = element.attributes().flatten();
    let decoded = attributes.filter_map(|attribute| {
        let name = std::str::from_utf8(attribute.key.as_ref()).ok()?.to_owned();
        let raw = std::str::from_utf8(&attribute.value).ok()?;
        Some((name, quick_xml::escape::unescape(raw).ok()?.into_owned()))
    });
    decoded.collect()
}

/// Returns the value of an attribute.
pub(super) fn attribute<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    attributes.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
}

/// Returns a document as a tree: an element is its text, or an object of its children; repeated children are a list.
pub(super) fn tree(xml: &str) -> Option<Value> {
    let mut reader = Reader::from_str(xml);
    let mut open: Vec<(String, Map<String, Value>, String)> = vec![Default::default()];
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) => {
                if open.len() > MAX_DEPTH {
                    return None;
                }
                open.push((name(&element)?, Map::new(), String::new()));
            }
            Event::Empty(element) => add(&mut open.last_mut()?.1, name(&element)?, Value::from("")),
            Event::Text(text) => {
                let raw = std::str::from_utf8(&text).ok()?.to_owned();
                open.last_mut()?.2.push_str(&raw);
            }
            Event::GeneralRef(entity) => {
                let raw = format!("&{};", std::str::from_utf8(&entity).ok()?);
                let text = quick_xml::escape::unescape(&raw).ok()?.into_owned();
                open.last_mut()?.2.push_str(&text);
            }
            Event::CData(text) => {
                let raw = std::str::from_utf8(&text).ok()?.to_owned();
                open.last_mut()?.2.push_str(&raw);
            }
            Event::End(_) => {
                let (name, children, text) = open.pop()?;
                let value = if children.is_empty() { Value::from(text.trim()) } else { Value::Object(children) };
                add(&mut open.last_mut()?.1, name, value);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    let (_, root, _) = open.pop().filter(|_| open.is_empty())?;
    Some(Value::Object(root))
}

fn name(element: &BytesStart<'_>) -> Option<String> {
    Some(std::str::from_utf8(element.name().as_ref()).ok()?.to_owned())
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
        let found = elements(r#"<r><x a="1"/><y><x a="&lt;2"></x></y><x a=broken/></r>"#, "x");
        assert_eq!(attribute(&found[0], "a"), Some("1"));
        assert_eq!(attribute(&found[1], "a"), Some("<2"));
    }
}
