//! XML for those who translate: small documents XAPI hides in strings (task results, recommendations, update lists).

pub use quick_xml;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::Value;
use crate::value::MAX_DEPTH;

/// Why a text could not be read; holds no piece of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed XML: {0}")]
pub struct Malformed(String);

/// Reads the result of a task: `<value>...</value>`, nothing at all, or (old hosts) a bare text.
pub fn task_result(text: &str) -> Result<Value, Malformed> {
    match text.trim_ascii() {
        "" => Ok(Value::String("".into())),
        text if text.starts_with('<') => crate::xmlrpc::decode_value(text).map_err(Malformed),
        text => Ok(text.into()),
    }
}

/// An element with everything in it. For small documents only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// The name, with its prefix if it has one.
    pub name: String,
    /// The attributes in their order.
    pub attributes: Vec<(String, String)>,
    /// The elements inside.
    pub children: Vec<Element>,
    /// The text directly inside, all pieces together.
    pub text: String,
}

impl Element {
    /// Reads a document and returns its root.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        // The document itself is the lowest entry, so that the root has a parent.
        let mut open = vec![Self::default()];
        loop {
            let event = reader.read_event();
            let fail = |what: &str| Malformed(format!("{what} at byte {}", reader.buffer_position()));
            let depth = open.len();
            let top = open.last_mut().ok_or_else(|| fail("one end too many"))?;
            match event.map_err(|_| fail("unreadable"))? {
                Event::Start(_) if depth > MAX_DEPTH => return Err(fail("too deep")),
                Event::Start(tag) => open.push(Self::start(&tag).ok_or_else(|| fail("bad tag"))?),
                Event::End(_) => {
                    let done = open.pop().ok_or_else(|| fail("one end too many"))?;
                    open.last_mut().ok_or_else(|| fail("one end too many"))?.children.push(done);
                }
                Event::Text(text) => top.text.push_str(&text.decode().map_err(|_| fail("not UTF-8"))?),
                Event::CData(text) => top.text.push_str(&text.decode().map_err(|_| fail("not UTF-8"))?),
                Event::GeneralRef(reference) => {
                    top.text.push(crate::xmlrpc::letter(&reference).ok_or_else(|| fail("entity"))?)
                }
                Event::DocType(_) => return Err(fail("a document type")),
                Event::Eof => break,
                Event::Comment(_) | Event::PI(_) | Event::Decl(_) | Event::Empty(_) => {}
            }
        }
        match (open.len(), open.pop().and_then(|mut document| document.children.pop())) {
            (1, Some(root)) => Ok(root),
            _ => Err(Malformed("the document is not complete".to_owned())),
        }
    }

    /// Returns the value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn start(tag: &BytesStart<'_>) -> Option<Self> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        let mut attributes = Vec::new();
        for attribute in tag.attributes() {
            let attribute = attribute.ok()?;
            let value = quick_xml::escape::unescape(std::str::from_utf8(&attribute.value).ok()?).ok()?.into_owned();
            attributes.push((text(attribute.key.as_ref())?, value));
        }
        Some(Self { name: text(tag.name().as_ref())?, attributes, ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn task_results() {
        assert_eq!(task_result(""), Ok("".into()));
        assert_eq!(task_result("<value></value>"), Ok("".into()));
        assert_eq!(task_result("<value>OpaqueRef:1</value>"), Ok("OpaqueRef:1".into()));
        assert_eq!(task_result("OpaqueRef:1"), Ok("OpaqueRef:1".into()));
        assert_eq!(task_result("<value><array><data><value>a</value></data></array></value>"), Ok(vec!["a"].into()));
        assert!(task_result("<value>").is_err());
        assert!(task_result("<value></value><value/>").is_err());
    }

    #[test]
    fn elements() {
        let text = r#"<?xml version="1.0"?><restrictions><restriction field="memory-static-max" max="137438953472"/>
            <restriction property="a &amp; b">x &lt; y</restriction></restrictions>"#;
        let root = Element::parse(text).expect("a good document");
        assert_eq!(root.children.len(), 2);
        assert_eq!(root.children[0].attribute("max"), Some("137438953472"));
        assert_eq!(root.children[1].attribute("property"), Some("a & b"));
        assert_eq!(root.children[1].text, "x < y");
        for text in ["", "<a>", "<a></b>", "</a>", "<a b></a>", "<!DOCTYPE a><a/>", "text", &"<a>".repeat(200)] {
            assert!(Element::parse(text).is_err(), "{text}");
        }
    }
}
