//! XML-RPC bodies as XAPI writes them: strings without a tag, integers as strings.

use std::borrow::Cow;
use std::fmt::Write as _;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

use crate::json::RawEvent;
use crate::key::{Key, Names};
use crate::rpc::Answer;
use crate::value::{MAX_DEPTH, Value};

/// Returns the body of a request.
pub(crate) fn encode(method: &str, params: &[Value]) -> Result<Vec<u8>, String> {
    let mut out = String::with_capacity(256);
    out.push_str("<?xml version=\"1.0\"?><methodCall><methodName>");
    escape(&mut out, method)?;
    out.push_str("</methodName><params>");
    for param in params {
        out.push_str("<param>");
        encode_value(&mut out, param)?;
        out.push_str("</param>");
    }
    out.push_str("</params></methodCall>");
    Ok(out.into_bytes())
}

/// Writes `<value>...</value>`.
pub(crate) fn encode_value(out: &mut String, value: &Value) -> Result<(), String> {
    out.push_str("<value>");
    match value {
        Value::Nil => out.push_str("<nil/>"),
        Value::Bool(flag) => {
            let _ = write!(out, "<boolean>{}</boolean>", u8::from(*flag));
        }
        // Digits in a string are what every release takes for an int.
        Value::Int(number) => {
            let _ = write!(out, "<string>{number}</string>");
        }
        Value::Double(number) => {
            let _ = write!(out, "<double>{number}</double>");
        }
        Value::String(text) => {
            out.push_str("<string>");
            escape(out, text)?;
            out.push_str("</string>");
        }
        Value::Array(items) => {
            out.push_str("<array><data>");
            for item in items {
                encode_value(out, item)?;
            }
            out.push_str("</data></array>");
        }
        Value::Struct(members) => {
            out.push_str("<struct>");
            for (name, value) in members {
                out.push_str("<member><name>");
                escape(out, name)?;
                out.push_str("</name>");
                encode_value(out, value)?;
                out.push_str("</member>");
            }
            out.push_str("</struct>");
        }
    }
    out.push_str("</value>");
    Ok(())
}

/// Writes a text with the characters replaced that mean something in XML. Characters XML cannot express are an error:
/// leaving them out would silently change a name or a password.
pub(crate) fn escape(out: &mut String, text: &str) -> Result<(), String> {
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            // A parser would turn a bare one into a line feed.
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' | '\u{20}'..='\u{fffd}' | '\u{10000}'.. => out.push(letter),
            other => return Err(format!("XML cannot express the character U+{:04X}", u32::from(other))),
        }
    }
    Ok(())
}

/// Reads the body of an answer.
pub(crate) fn decode(body: &[u8]) -> Result<Answer, String> {
    let text = std::str::from_utf8(body).map_err(|error| format!("not UTF-8 at byte {}", error.valid_up_to()))?;
    let mut parser = Parser::new(text);
    parser.response().map_err(|problem| format!("{problem} at byte {}", parser.reader.buffer_position()))
}

/// Reads one `<value>`.
pub(crate) fn decode_value(text: &str) -> Result<Value, String> {
    Parser::new(text).document(|parser| {
        parser.open("value")?;
        parser.value(0)
    })
}

/// Reads one event: a struct with `class`, `operation`, `ref` and perhaps `snapshot`; the rest is dropped.
pub(crate) fn parse_event(body: &[u8], names: &mut Names) -> Result<RawEvent, String> {
    let text = std::str::from_utf8(body).map_err(|_| "not UTF-8".to_owned())?;
    let mut parser = Parser::new(text);
    // The event itself, and the record in it.
    parser.names = Some((names, 1));
    let mut event = parser.document(|parser| {
        parser.open("value")?;
        parser.value(0)
    })?;
    let mut text = |name| match event.take(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let (class, operation, reference) = (text("class"), text("operation"), text("ref"));
    Ok(RawEvent { class, operation, reference, snapshot: event.take("snapshot") })
}

/// Reads one entry of a struct of records, `<member>...</member>`.
pub(crate) fn parse_entry(body: &[u8], names: &mut Names) -> Result<(Box<str>, Value), String> {
    let text = std::str::from_utf8(body).map_err(|_| "not UTF-8".to_owned())?;
    let mut parser = Parser::new(text);
    parser.names = Some((names, 0));
    parser.document(|parser| {
        parser.open("member")?;
        parser.open("name")?;
        let name = parser.text()?.into();
        parser.open("value")?;
        let value = parser.value(0)?;
        parser.close()?;
        Ok((name, value))
    })
}

struct Parser<'a, 'n> {
    reader: Reader<&'a [u8]>,
    /// Shares names of members down to this depth.
    names: Option<(&'n mut Names, usize)>,
}

/// Problems are words without pieces of the answer: it may hold secrets.
type Parsed<T> = Result<T, String>;

impl<'a> Parser<'a, '_> {
    fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, names: None }
    }

    /// Reads a whole document this way; a problem comes with its place.
    fn document<T>(mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let outcome = read(&mut self).and_then(|value| self.end().map(|()| value));
        outcome.map_err(|problem| format!("{problem} at byte {}", self.reader.buffer_position()))
    }

    fn key(&mut self, name: String, depth: usize) -> Key {
        match &mut self.names {
            Some((names, deepest)) if depth <= *deepest => names.key(&name),
            _ => name.into(),
        }
    }

    /// Returns whether somebody reads this member: of a record, which is the deepest whose names are shared.
    fn reads(&mut self, name: &Key, depth: usize) -> bool {
        match &mut self.names {
            Some((names, deepest)) if depth == *deepest => names.reads(name),
            _ => true,
        }
    }

    fn response(&mut self) -> Parsed<Answer> {
        self.open("methodResponse")?;
        let name = self.next_tag()?;
        if name == Some(Tag::Fault) {
            // XAPI itself sends none, something in between may.
            self.open("value")?;
            let mut fault = self.value(0)?;
            let mut part = |name| fault.take(name).ok_or_else(|| format!("a fault without {name}"));
            return Answer::failure(vec!["FAULT".into(), part("faultCode")?, part("faultString")?]);
        }
        if name != Some(Tag::Params) {
            return Err("expected <params> or <fault>".to_owned());
        }
        self.open("param")?;
        self.open("value")?;
        let mut value = self.value(0)?;
        for _ in ["param", "params", "methodResponse"] {
            self.close()?;
        }
        self.end()?;
        let status =
            value.get("Status").and_then(Value::as_str).map(|status| (status == "Success", status == "Failure"));
        match status {
            Some((true, _)) => {
                value.take("Value").map(Answer::Success).ok_or_else(|| "success without a value".to_owned())
            }
            Some((_, true)) => match value.take("ErrorDescription") {
                Some(Value::Array(parts)) => Answer::failure(parts),
                _ => Err("failure without a description".to_owned()),
            },
            Some(_) => Err("a status that is neither success nor failure".to_owned()),
            // system.listMethods is the one answer without the wrapping.
            None => Ok(Answer::Success(value)),
        }
    }

    /// Reads the rest of a value whose start tag has been read, up to its end tag.
    fn value(&mut self, depth: usize) -> Parsed<Value> {
        if depth > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH}"));
        }
        let mut text = String::new();
        loop {
            match self.next()? {
                Piece::Text(piece) => text.push_str(&piece),
                Piece::End => return Ok(Value::String(text.into())),
                Piece::Start(_) if !text.trim_ascii().is_empty() => return Err("text beside a type".to_owned()),
                Piece::Start(tag) => {
                    let value = self.typed(tag, depth)?;
                    self.close()?;
                    return Ok(value);
                }
            }
        }
    }

    /// Reads the rest of `<int>`, `<array>` and so on, up to the end tag.
    fn typed(&mut self, tag: Tag, depth: usize) -> Parsed<Value> {
        match tag {
            Tag::String => Ok(Value::String(self.text()?.into())),
            Tag::Int => self.text()?.trim().parse().map(Value::Int).map_err(|_| "not an integer".to_owned()),
            Tag::Double => self.text()?.trim().parse().map(Value::Double).map_err(|_| "not a double".to_owned()),
            Tag::Boolean => match self.text()?.trim() {
                "1" => Ok(Value::Bool(true)),
                "0" => Ok(Value::Bool(false)),
                _ => Err("not a boolean".to_owned()),
            },
            Tag::Nil => self.close().map(|()| Value::Nil),
            Tag::Array => {
                let mut items = Vec::new();
                // <array/> without <data> is not XML-RPC, but there is only one thing it can mean.
                if self.open_or_close("data")? {
                    while self.open_or_close("value")? {
                        items.push(self.value(depth + 1)?);
                    }
                    self.close()?;
                }
                Ok(Value::Array(items))
            }
            Tag::Struct => {
                let mut members = Vec::new();
                while self.open_or_close("member")? {
                    self.open("name")?;
                    let name = self.text()?;
                    let name = self.key(name, depth);
                    self.open("value")?;
                    let value = self.value(depth + 1)?;
                    if self.reads(&name, depth) {
                        members.push((name, value));
                    }
                    self.close()?;
                }
                Ok(Value::Struct(members))
            }
            _ => Err("an unknown type".to_owned()),
        }
    }

    /// Reads a text up to the end tag of the element it stands in.
    fn text(&mut self) -> Parsed<String> {
        let mut text = String::new();
        loop {
            match self.next()? {
                Piece::Text(piece) => text.push_str(&piece),
                Piece::End => return Ok(text),
                Piece::Start(_) => return Err("an element inside of a text".to_owned()),
            }
        }
    }

    /// Expects the start of this element.
    fn open(&mut self, name: &'static str) -> Parsed<()> {
        if self.open_or_close(name)? { Ok(()) } else { Err(format!("expected <{name}>")) }
    }

    /// Expects the start of this element or the end of the one around it, and returns whether it was the start.
    fn open_or_close(&mut self, name: &'static str) -> Parsed<bool> {
        match self.next_tag()? {
            None => Ok(false),
            Some(Tag::Other(found)) if found == name => Ok(true),
            Some(_) => Err(format!("expected <{name}>")),
        }
    }

    /// Expects the end of the present element. (The reader checks that names match.)
    fn close(&mut self) -> Parsed<()> {
        match self.next_tag()? {
            None => Ok(()),
            Some(_) => Err("one element too many".to_owned()),
        }
    }

    /// Expects the end of the document.
    fn end(&mut self) -> Parsed<()> {
        loop {
            match self.event()? {
                Event::Eof => return Ok(()),
                Event::Comment(_) | Event::PI(_) => {}
                Event::Text(text) if text.iter().all(u8::is_ascii_whitespace) => {}
                _ => return Err("something behind the end".to_owned()),
            }
        }
    }

    /// Returns the next start tag, or `None` for an end tag; only blanks may stand in between.
    fn next_tag(&mut self) -> Parsed<Option<Tag>> {
        loop {
            match self.next()? {
                Piece::Start(tag) => return Ok(Some(tag)),
                Piece::End => return Ok(None),
                Piece::Text(text) if text.trim_ascii().is_empty() => {}
                Piece::Text(_) => return Err("a text where none belongs".to_owned()),
            }
        }
    }

    fn next(&mut self) -> Parsed<Piece<'a>> {
        loop {
            return match self.event()? {
                Event::Start(tag) => Ok(Piece::Start(Tag::of(tag.name().as_ref()))),
                Event::End(_) => Ok(Piece::End),
                // Line ends stay as they are: XAPI's JSON has them verbatim, too.
                Event::Text(text) => text.decode().map(Piece::Text).map_err(|_| "not UTF-8".to_owned()),
                Event::CData(text) => text.decode().map(Piece::Text).map_err(|_| "not UTF-8".to_owned()),
                Event::GeneralRef(reference) => letter(&reference)
                    .map(|letter| Piece::Text(letter.to_string().into()))
                    .ok_or_else(|| "unknown entity".to_owned()),
                Event::Comment(_) | Event::PI(_) | Event::Decl(_) => continue,
                // No entity definitions, hence no entity bombs.
                Event::DocType(_) => Err("a document type".to_owned()),
                Event::Eof => Err("the answer ends too early".to_owned()),
                Event::Empty(_) => Err("malformed XML".to_owned()),
            };
        }
    }

    fn event(&mut self) -> Parsed<Event<'a>> {
        self.reader.read_event().map_err(|error| match error {
            quick_xml::Error::Syntax(_) => "malformed XML".to_owned(),
            quick_xml::Error::IllFormed(_) => "tags that do not match".to_owned(),
            _ => "unreadable XML".to_owned(),
        })
    }
}

/// Returns the character a reference (`&lt;`, `&#65;`) stands for.
pub(crate) fn letter(reference: &BytesRef<'_>) -> Option<char> {
    match (reference.resolve_char_ref(), reference.as_ref()) {
        (Ok(Some(letter)), _) => Some(letter),
        (Ok(None), b"lt") => Some('<'),
        (Ok(None), b"gt") => Some('>'),
        (Ok(None), b"amp") => Some('&'),
        (Ok(None), b"quot") => Some('"'),
        (Ok(None), b"apos") => Some('\''),
        _ => None,
    }
}

/// What an answer is made of; references are text already, comments are gone.
enum Piece<'a> {
    Start(Tag),
    End,
    Text(Cow<'a, str>),
}

/// The elements of XML-RPC.
#[derive(Clone, Copy, PartialEq)]
enum Tag {
    String,
    Int,
    Double,
    Boolean,
    Nil,
    Array,
    Struct,
    Params,
    Fault,
    /// One of those that have only one place.
    Other(&'static str),
    Unknown,
}

impl Tag {
    fn of(name: &[u8]) -> Self {
        match name {
            // Dates stay as they are written, and so does base64, which XAPI does not use.
            b"string" | b"dateTime.iso8601" | b"base64" => Self::String,
            b"int" | b"i4" | b"i8" => Self::Int,
            b"double" => Self::Double,
            b"boolean" => Self::Boolean,
            b"nil" | b"ex:nil" => Self::Nil,
            b"array" => Self::Array,
            b"struct" => Self::Struct,
            b"params" => Self::Params,
            b"fault" => Self::Fault,
            b"value" => Self::Other("value"),
            b"member" => Self::Other("member"),
            b"name" => Self::Other("name"),
            b"data" => Self::Other("data"),
            b"param" => Self::Other("param"),
            b"methodResponse" => Self::Other("methodResponse"),
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrap(value: &str) -> String {
        format!("<?xml version=\"1.0\"?><methodResponse><params><param>{value}</param></params></methodResponse>")
    }

    fn success(value: &str) -> String {
        wrap(&format!(
            "<value><struct><member><name>Status</name><value>Success</value></member>\
             <member><name>Value</name>{value}</member></struct></value>"
        ))
    }

    fn read(value: &str) -> Result<Value, String> {
        decode(success(value).as_bytes()).map(|answer| match answer {
            Answer::Success(value) => value,
            Answer::Failure(parts) => panic!("a failure: {parts:?}"),
        })
    }

    #[test]
    fn values() {
        for (text, expected) in [
            ("<value>OpaqueRef:1</value>", Value::from("OpaqueRef:1")),
            ("<value></value>", "".into()),
            ("<value/>", "".into()),
            ("<value> a\r\n b </value>", " a\r\n b ".into()),
            ("<value>\n <i4>7</i4>\n</value>", Value::Int(7)),
            ("<value><int>-7</int></value>", Value::Int(-7)),
            ("<value>42</value>", "42".into()),
            ("<value><string> x </string></value>", " x ".into()),
            ("<value>a&lt;b&gt;&amp;&quot;&apos;&#65;&#x42;c</value>", "a<b>&\"'ABc".into()),
            ("<value><![CDATA[<x>]]>y<!-- no --></value>", "<x>y".into()),
            ("<value><double>0.25</double></value>", Value::Double(0.25)),
            ("<value><double>1</double></value>", Value::Double(1.0)),
            ("<value><double>inf</double></value>", Value::Double(f64::INFINITY)),
            ("<value><boolean>1</boolean></value>", true.into()),
            ("<value><dateTime.iso8601>20260822T10:00:00Z</dateTime.iso8601></value>", "20260822T10:00:00Z".into()),
            ("<value><nil/></value>", Value::Nil),
            ("<value><array><data/></array></value>", Value::Array(vec![])),
            ("<value><struct/></value>", Value::Struct(vec![])),
            (
                "<value> <array> <data> <value>a</value> <value><array><data></data></array></value> </data> </array> </value>",
                Value::Array(vec!["a".into(), Value::Array(vec![])]),
            ),
            (
                "<value><struct><member><name>k &amp; l</name><value><struct></struct></value></member></struct></value>",
                Value::record([("k & l", Value::Struct(vec![]))]),
            ),
        ] {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
        assert!(matches!(read("<value><double>nan</double></value>"), Ok(Value::Double(number)) if number.is_nan()));
    }

    #[test]
    fn failures_faults_and_the_unwrapped_answer() {
        let failure = wrap(
            "<value><struct><member><name>Status</name><value>Failure</value></member><member><name>ErrorDescription</name>\
             <value><array><data><value>HANDLE_INVALID</value><value>VM</value></data></array></value></member></struct></value>",
        );
        assert_eq!(decode(failure.as_bytes()), Ok(Answer::Failure(vec!["HANDLE_INVALID".into(), "VM".into()])));
        let methods = wrap("<value><array><data><value>VM.start</value></data></array></value>");
        assert_eq!(decode(methods.as_bytes()), Ok(Answer::Success(vec!["VM.start"].into())));
        let fault = "<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>4</int></value></member>\
                     <member><name>faultString</name><value>no</value></member></struct></value></fault></methodResponse>";
        assert_eq!(decode(fault.as_bytes()), Ok(Answer::Failure(vec!["FAULT".into(), "4".into(), "no".into()])));
    }

    #[test]
    fn malformed_answers_say_where() {
        let cut = success("<value>x</value>");
        for end in 0..cut.len() {
            assert!(decode(&cut.as_bytes()[..end]).is_err(), "{end}");
        }
        for value in [
            "<value>a<int>1</int></value>",
            "<value><int>x</int></value>",
            "<value><int>99999999999999999999</int></value>",
            "<value><boolean>yes</boolean></value>",
            "<value><double>1,5</double></value>",
            "<value><what>1</what></value>",
            "<value><int>1</int><int>2</int></value>",
            "<value><string><b>x</b></string></value>",
            "<value>&unknown;</value>",
            "<value>a & b</value>",
            "<value><struct><member><value>x</value></member></struct></value>",
            "<value><array><value>x</value></array></value>",
            "<value>x</string>",
        ] {
            let problem = read(value).expect_err(value);
            assert!(problem.contains(" at byte "), "{problem}");
        }
        for body in [
            "<!DOCTYPE x [<!ENTITY a \"b\">]><methodResponse/>".to_owned(),
            "<html><body>500</body></html>".to_owned(),
            wrap("<value><struct><member><name>Status</name><value>Perhaps</value></member></struct></value>"),
            wrap("<value><struct><member><name>Status</name><value>Success</value></member></struct></value>"),
            wrap("<value><struct><member><name>Status</name><value>Failure</value></member></struct></value>"),
            success("<value>x</value>") + "<more/>",
        ] {
            assert!(decode(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn depth_is_limited() {
        let nested =
            |depth| "<value><array><data>".repeat(depth) + "<value/>" + &"</data></array></value>".repeat(depth);
        assert!(decode_value(&nested(MAX_DEPTH)).is_ok());
        assert!(decode_value(&nested(MAX_DEPTH + 1)).is_err());
        assert!(decode_value(&nested(50_000)).is_err());
    }

    #[test]
    fn requests() {
        let params = ["a<b>&\"\r".into(), 5.into(), true.into(), 60.1.into(), Value::record([("k", vec!["v"])])];
        let text = String::from_utf8(encode("VM.x", &params).expect("plain values")).expect("UTF-8");
        assert_eq!(
            text,
            "<?xml version=\"1.0\"?><methodCall><methodName>VM.x</methodName><params>\
             <param><value><string>a&lt;b&gt;&amp;&quot;&#13;</string></value></param>\
             <param><value><string>5</string></value></param>\
             <param><value><boolean>1</boolean></value></param>\
             <param><value><double>60.1</double></value></param>\
             <param><value><struct><member><name>k</name><value><array><data><value><string>v</string></value></data></array>\
             </value></member></struct></value></param></params></methodCall>"
        );
        assert!(encode("x", &["\u{1}".into()]).is_err());
    }
}
