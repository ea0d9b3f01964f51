//! XML-RPC as XAPI speaks it: strings and ints without a tag, no white space, failures inside a success.

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use quick_xml::{Reader, events::Event};
use serde_json::{Map, Value, json};

use super::{Call, Out, Reply, Wire, whole};
use crate::model::{Class, Field, Type, model};

/// Reads a `methodCall`.
pub fn read_call(body: &[u8]) -> anyhow::Result<Call> {
    let text = std::str::from_utf8(body).context("read the body as UTF-8")?;
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut call = Call { method: String::new(), params: Vec::new() };
    let mut rooted = false;
    loop {
        match reader.read_event()? {
            Event::Start(tag) => match tag.name().as_ref() {
                b"methodCall" => rooted = true,
                b"params" | b"param" => ensure!(rooted, "no methodCall"),
                b"methodName" => call.method = read_text(&mut reader)?,
                b"value" => call.params.push(read_value(&mut reader)?),
                other => bail!("unexpected <{}>", String::from_utf8_lossy(other)),
            },
            Event::Eof => break,
            _ => {}
        }
    }
    ensure!(rooted && !call.method.is_empty(), "no methodName");
    Ok(call)
}

/// Reads one `<value>`, as exports carry it.
pub fn read_text_value(text: &str) -> anyhow::Result<Value> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    loop {
        match reader.read_event()? {
            Event::Start(tag) if tag.name().as_ref() == b"value" => return read_value(&mut reader),
            Event::Start(tag) => bail!("unexpected <{}>", String::from_utf8_lossy(tag.name().as_ref())),
            Event::Eof => bail!("no value"),
            _ => {}
        }
    }
}

/// Reads up to the end tag of the element whose start was just read.
fn read_text(reader: &mut Reader<&[u8]>) -> anyhow::Result<String> {
    let mut text = String::new();
    loop {
        match reader.read_event()? {
            Event::End(_) => return Ok(text),
            event => push_text(&event, &mut text)?,
        }
    }
}

/// Appends what a text-like event stands for; other events are an error.
fn push_text(event: &Event<'_>, text: &mut String) -> anyhow::Result<()> {
    match event {
        Event::Text(t) => text.push_str(&t.decode()?),
        Event::CData(t) => text.push_str(&t.decode()?),
        Event::GeneralRef(r) => match r.resolve_char_ref()? {
            Some(c) => text.push(c),
            None => {
                let name = r.decode()?;
                text.push_str(
                    quick_xml::escape::resolve_predefined_entity(&name)
                        .with_context(|| format!("unknown entity &{name};"))?,
                );
            }
        },
        Event::Comment(_) | Event::PI(_) => {}
        other => bail!("text expected, got {other:?}"),
    }
    Ok(())
}

/// Reads a `<value>` whose start was just read. White space before an element is layout; else text is kept as it is.
fn read_value(reader: &mut Reader<&[u8]>) -> anyhow::Result<Value> {
    let mut text = String::new();
    let mut typed = None;
    loop {
        match reader.read_event()? {
            Event::Start(tag) => {
                let name = tag.name().as_ref().to_vec();
                ensure!(typed.is_none(), "two elements in one value");
                typed = Some(match name.as_slice() {
                    b"string" | b"dateTime.iso8601" | b"base64" => json!(read_text(reader)?),
                    b"int" | b"i4" | b"i8" => json!(read_text(reader)?.trim().parse::<i64>().context("read an int")?),
                    b"double" => json!(read_text(reader)?.trim().parse::<f64>().context("read a double")?),
                    b"boolean" => json!(read_text(reader)?.trim() == "1"),
                    b"nil" => {
                        read_text(reader)?;
                        Value::Null
                    }
                    b"array" => read_array(reader)?,
                    b"struct" => read_struct(reader)?,
                    other => bail!("unknown type <{}>", String::from_utf8_lossy(other)),
                });
            }
            Event::End(_) => return Ok(typed.unwrap_or(Value::String(text))),
            event => push_text(&event, &mut text)?,
        }
    }
}

fn read_array(reader: &mut Reader<&[u8]>) -> anyhow::Result<Value> {
    let mut items = Vec::new();
    loop {
        match reader.read_event()? {
            Event::Start(tag) if tag.name().as_ref() == b"value" => items.push(read_value(reader)?),
            Event::End(tag) if tag.name().as_ref() == b"array" => return Ok(Value::Array(items)),
            Event::Eof => bail!("the array does not end"),
            _ => {}
        }
    }
}

fn read_struct(reader: &mut Reader<&[u8]>) -> anyhow::Result<Value> {
    let mut members = Map::new();
    let mut name = String::new();
    loop {
        match reader.read_event()? {
            Event::Start(tag) if tag.name().as_ref() == b"name" => name = read_text(reader)?,
            Event::Start(tag) if tag.name().as_ref() == b"value" => {
                members.insert(std::mem::take(&mut name), read_value(reader)?);
            }
            Event::End(tag) if tag.name().as_ref() == b"struct" => return Ok(Value::Object(members)),
            Event::Eof => bail!("the struct does not end"),
            _ => {}
        }
    }
}

/// Writes the answer of a call. `system.listMethods` is the one answer without the Status wrapper.
pub fn write_reply(method: &str, reply: &Reply) -> Vec<Bytes> {
    let mut out = Out::default();
    out.text.push_str("<?xml version=\"1.0\"?><methodResponse><params><param>");
    match reply {
        Ok(value) if method == "system.listMethods" => write_wire(&mut out, value),
        Ok(value) => {
            out.text.push_str(
                "<value><struct><member><name>Status</name><value>Success</value></member><member><name>Value</name>",
            );
            write_wire(&mut out, value);
            out.text.push_str("</member></struct></value>");
        }
        Err(failure) => {
            out.text.push_str("<value><struct><member><name>Status</name><value>Failure</value></member><member><name>ErrorDescription</name>");
            write_list(&mut out.text, &failure.description(), |out, text| write_text(out, text));
            out.text.push_str("</member></struct></value>");
        }
    }
    out.text.push_str("</param></params></methodResponse>");
    out.finish()
}

/// Returns `<value>...</value>`: the form of a task's result.
pub fn value(wire: &Wire) -> String {
    let mut out = Out::default();
    write_wire(&mut out, wire);
    whole(&out.finish())
}

fn write_wire(out: &mut Out, wire: &Wire) {
    match wire {
        Wire::Plain(value) => write_untyped(&mut out.text, value),
        Wire::Typed(value, ty) => write_typed(&mut out.text, value, ty),
        Wire::Record(class, record) => record.write_xml(class, &mut out.text),
        Wire::Text(text) => write_text(&mut out.text, text),
        Wire::Bare(text) => out.text.push_str(text),
        Wire::I4(number) => out.text.push_str(&format!("<value><i4>{number}</i4></value>")),
        Wire::Event(event) => write_event(&mut out.text, event),
        Wire::List(items) => {
            out.text.push_str("<value><array><data>");
            for item in items {
                write_wire(out, item);
                out.spill();
            }
            out.text.push_str("</data></array></value>");
        }
        Wire::Struct(members) => {
            out.text.push_str("<value><struct>");
            for (name, value) in members {
                out.text.push_str("<member><name>");
                out.text.push_str(name);
                out.text.push_str("</name>");
                write_wire(out, value);
                out.text.push_str("</member>");
                out.spill();
            }
            out.text.push_str("</struct></value>");
        }
        Wire::Records(class, records) => {
            out.text.push_str("<value><struct>");
            for (reference, record) in records {
                write_member(&mut out.text, reference, |out| record.write_xml(class, out));
                out.spill();
            }
            out.text.push_str("</struct></value>");
        }
    }
}

fn write_event(out: &mut String, event: &super::Event) {
    out.push_str("<value><struct>");
    for (name, text) in event.texts() {
        write_member(out, name, |out| write_text(out, text));
    }
    if let Some(uuid) = event.uuid() {
        write_member(out, "obj_uuid", |out| write_text(out, uuid));
    }
    if let Some(record) = &event.snapshot {
        write_member(out, "snapshot", |out| record.write_xml(event.class, out));
    }
    out.push_str("</struct></value>");
}

fn write_list<T>(out: &mut String, items: &[T], write: impl Fn(&mut String, &T)) {
    out.push_str("<value><array><data>");
    for item in items {
        write(out, item);
    }
    out.push_str("</data></array></value>");
}

/// Member names are not escaped: XAPI does not either.
fn write_member(out: &mut String, name: &str, write: impl FnOnce(&mut String)) {
    out.push_str("<member><name>");
    out.push_str(name);
    out.push_str("</name>");
    write(out);
    out.push_str("</member>");
}

/// Writes a field of a record.
pub fn write_field(out: &mut String, name: &str, value: &Value, field: &Field) {
    write_member(out, name, |out| write_typed(out, value, &field.ty));
}

/// Writes a field that the data model does not have (old dumps hold some).
pub fn write_unknown(out: &mut String, name: &str, value: &Value) {
    write_member(out, name, |out| write_untyped(out, value));
}

fn write_object(out: &mut String, class: &Class, fields: &Map<String, Value>) {
    out.push_str("<value><struct>");
    for (name, value) in fields {
        match class.fields.get(name) {
            Some(field) => write_field(out, name, value, field),
            None => write_unknown(out, name, value),
        }
    }
    out.push_str("</struct></value>");
}

fn write_typed(out: &mut String, value: &Value, ty: &Type) {
    match (ty, value) {
        (Type::Date, Value::String(date)) => {
            out.push_str(&format!("<value><dateTime.iso8601>{date}</dateTime.iso8601></value>"));
        }
        (Type::Float, Value::Number(n)) => {
            out.push_str(&format!("<value><double>{}</double></value>", general(n.as_f64().unwrap_or(f64::NAN))));
        }
        (Type::Set(of) | Type::Option(of), Value::Array(items)) => {
            write_list(out, items, |out, v| write_typed(out, v, of))
        }
        (Type::Map(_, of), Value::Object(members)) => {
            out.push_str("<value><struct>");
            for (name, value) in members {
                write_member(out, name, |out| write_typed(out, value, of));
            }
            out.push_str("</struct></value>");
        }
        (Type::Record(name), Value::Object(record)) => match model().class(name) {
            Some(class) => write_object(out, class, record),
            None => write_untyped(out, value),
        },
        _ => write_untyped(out, value),
    }
}

/// Without a declared type the value's own shape decides.
fn write_untyped(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("<value></value>"),
        Value::Bool(b) => out.push_str(&format!("<value><boolean>{}</boolean></value>", u8::from(*b))),
        Value::Number(n) if n.is_f64() => write_typed(out, value, &Type::Float),
        Value::Number(n) => out.push_str(&format!("<value>{n}</value>")),
        Value::String(text) => write_text(out, text),
        Value::Array(items) => write_list(out, items, write_untyped),
        Value::Object(members) => {
            out.push_str("<value><struct>");
            for (name, value) in members {
                write_member(out, name, |out| write_untyped(out, value));
            }
            out.push_str("</struct></value>");
        }
    }
}

fn write_text(out: &mut String, text: impl AsRef<str>) {
    out.push_str("<value>");
    for c in text.as_ref().chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(c),
            c if c < ' ' => {}
            c => out.push(c),
        }
    }
    out.push_str("</value>");
}

/// C's `%.16g`.
fn general(x: f64) -> String {
    if x.is_nan() {
        return "nan".to_owned();
    }
    if x.is_infinite() {
        return if x > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    if x == 0.0 {
        return "0".to_owned();
    }
    let text = format!("{x:.15e}");
    let (mantissa, exponent) = text.split_once('e').expect("the format has an exponent");
    let exponent: i32 = exponent.parse().expect("the exponent is a number");
    let trim = |digits: &str| match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => digits.to_owned(),
    };
    if (-4..16).contains(&exponent) {
        let decimals = usize::try_from(15 - exponent).unwrap_or(0);
        return trim(&format!("{x:.decimals$}"));
    }
    format!("{}e{}{:02}", trim(mantissa), if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::fail;

    #[test]
    fn calls_are_read_as_clients_write_them() {
        let call = read_call(
            br#"<?xml version="1.0"?>
<methodCall><methodName>VM.x</methodName><params>
 <param><value><string>a &lt;&#65;&amp; </string></value></param><param><value> bare </value></param>
 <param><value><i4>7</i4></value></param><param><value><double>60.1</double></value></param><param><value><boolean>1</boolean></value></param>
 <param><value>
   <array><data><value>x</value><value/><value><string/></value></data></array> </value></param>
 <param><value><struct><member><name>k</name><value>v</value></member><member><name>n</name><value><int>1</int></value></member></struct></value></param>
 <param><value><nil/></value></param><param><value><struct/></value></param><param><value><array><data/></array></value></param>
</params></methodCall>"#,
        )
        .unwrap();
        assert_eq!(call.method, "VM.x");
        assert_eq!(
            Value::Array(call.params),
            json!(["a <A& ", " bare ", 7, 60.1, true, ["x", "", ""], {"k": "v", "n": 1}, null, {}, []])
        );
        for bad in
            ["", "<methodCall/>", "<methodCall><methodName>x</methodName><params><param><value><a/></value>", "{}"]
        {
            assert!(read_call(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn answers_have_the_exact_shape() {
        let ok = |wire| whole(&write_reply("x", &Ok(wire)));
        assert_eq!(
            ok(Wire::Text("OpaqueRef:a".into())),
            "<?xml version=\"1.0\"?><methodResponse><params><param><value><struct><member><name>Status</name><value>Success</value></member>\
             <member><name>Value</name><value>OpaqueRef:a</value></member></struct></value></param></params></methodResponse>"
        );
        assert_eq!(
            whole(&write_reply("x", &Err(fail("HANDLE_INVALID", ["VM", "r"])))),
            "<?xml version=\"1.0\"?><methodResponse><params><param><value><struct><member><name>Status</name><value>Failure</value></member>\
             <member><name>ErrorDescription</name><value><array><data><value>HANDLE_INVALID</value><value>VM</value><value>r</value></data></array>\
             </value></member></struct></value></param></params></methodResponse>"
        );
        let list = whole(&write_reply("system.listMethods", &Ok(Wire::List(vec![Wire::Text("a.b".into())]))));
        assert!(list.contains("<param><value><array><data><value>a.b</value>"), "{list}");
    }

    #[test]
    fn values_are_typed_by_the_model() {
        let t = |v: Value, ty: Type| value(&Wire::Typed(v, ty));
        assert_eq!(t(json!(42), Type::Int), "<value>42</value>");
        assert_eq!(t(json!(0.25), Type::Float), "<value><double>0.25</double></value>");
        assert_eq!(t(json!(1), Type::Float), "<value><double>1</double></value>");
        assert_eq!(t(json!(true), Type::Bool), "<value><boolean>1</boolean></value>");
        assert_eq!(
            t(json!("19700101T00:00:00Z"), Type::Date),
            "<value><dateTime.iso8601>19700101T00:00:00Z</dateTime.iso8601></value>"
        );
        assert_eq!(t(json!("a<\"\u{1}\n&"), Type::Text), "<value>a&lt;&quot;\n&amp;</value>");
        assert_eq!(t(json!(""), Type::Void), "<value></value>");
        assert_eq!(value(&Wire::I4(7)), "<value><i4>7</i4></value>");
    }

    #[test]
    fn doubles_are_written_like_printf() {
        for (x, text) in [
            (1.0, "1"),
            (0.1, "0.1"),
            (60.1, "60.1"),
            (1e21, "1e+21"),
            (1.5e-7, "1.5e-07"),
            (123456789.0, "123456789"),
            (-0.0001, "-0.0001"),
            (f64::NAN, "nan"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(general(x), text);
        }
    }
}
