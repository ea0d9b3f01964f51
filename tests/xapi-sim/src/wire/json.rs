//! JSON-RPC as XAPI speaks it: 1.0 when the member `jsonrpc` is absent, 2.0 when it is "2.0"; no batches, no notifications.

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use serde_json::{Map, Value};

use super::{Call, Event, Out, Reply, Wire};
use crate::model::{Class, Field, Type, model};

/// What an answer must repeat of its call.
#[derive(Debug)]
pub struct Envelope {
    version_2: bool,
    id: Value,
}

/// Reads a request.
pub fn read_call(body: &[u8]) -> anyhow::Result<(Envelope, Call)> {
    let mut request: Value = serde_json::from_slice(body).context("parse the request")?;
    let version_2 = match request.get("jsonrpc") {
        None => false,
        Some(Value::String(v)) if v == "2.0" => true,
        Some(other) => bail!("unknown version {other}"),
    };
    let id = request.get("id").cloned().unwrap_or_default();
    ensure!(id.is_string() || id.is_i64() || id.is_u64(), "the id must be an integer or a string");
    let method = request.get("method").and_then(Value::as_str).context("no method")?.to_owned();
    let params = match request.get_mut("params").map(Value::take) {
        Some(Value::Array(params)) => params,
        Some(object @ Value::Object(_)) if version_2 => vec![object],
        None if version_2 => Vec::new(),
        _ => bail!("params must be an array"),
    };
    Ok((Envelope { version_2, id }, Call { method, params }))
}

/// Writes the answer. A 2.0 success has no `error` and a 2.0 failure no `result`: clients refuse both at once.
pub fn write_reply(envelope: &Envelope, reply: &Reply) -> Vec<Bytes> {
    let mut out = Out::default();
    out.text.push('{');
    if envelope.version_2 {
        out.text.push_str("\"jsonrpc\":\"2.0\",");
    }
    match reply {
        Ok(value) => {
            out.text.push_str("\"result\":");
            write_wire(&mut out, value);
            if !envelope.version_2 {
                out.text.push_str(",\"error\":null");
            }
        }
        Err(failure) if envelope.version_2 => {
            out.text.push_str("\"error\":{\"code\":1,\"message\":");
            write_text(&mut out.text, &failure.code);
            out.text.push_str(",\"data\":");
            write_list(&mut out.text, &failure.params, |out, text| write_text(out, text));
            out.text.push('}');
        }
        Err(failure) => {
            out.text.push_str("\"result\":null,\"error\":");
            write_list(&mut out.text, &failure.description(), |out, text| write_text(out, text));
        }
    }
    out.text.push_str(",\"id\":");
    write_value(&mut out.text, &envelope.id);
    out.text.push('}');
    out.finish()
}

fn write_wire(out: &mut Out, wire: &Wire) {
    match wire {
        Wire::Plain(value) => write_value(&mut out.text, value),
        Wire::Typed(value, ty) => write_typed(&mut out.text, value, ty),
        Wire::Record(class, record) => record.write_json(class, &mut out.text),
        Wire::Text(text) | Wire::Bare(text) => write_text(&mut out.text, text),
        Wire::I4(number) => out.text.push_str(&number.to_string()),
        Wire::Event(event) => write_event(&mut out.text, event),
        Wire::List(items) => {
            out.text.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.text.push(',');
                }
                write_wire(out, item);
                out.spill();
            }
            out.text.push(']');
        }
        Wire::Struct(members) => {
            out.text.push('{');
            for (i, (name, value)) in members.iter().enumerate() {
                write_name(&mut out.text, i > 0, name);
                write_wire(out, value);
                out.spill();
            }
            out.text.push('}');
        }
        Wire::Records(class, records) => {
            out.text.push('{');
            for (i, (reference, record)) in records.iter().enumerate() {
                write_name(&mut out.text, i > 0, reference);
                record.write_json(class, &mut out.text);
                out.spill();
            }
            out.text.push('}');
        }
    }
}

fn write_event(out: &mut String, event: &Event) {
    out.push('{');
    for (i, (name, text)) in event.texts().iter().enumerate() {
        write_name(out, i > 0, name);
        write_text(out, text);
    }
    if let Some(uuid) = event.uuid() {
        write_name(out, true, "obj_uuid");
        write_text(out, uuid);
    }
    if let Some(record) = &event.snapshot {
        write_name(out, true, "snapshot");
        record.write_json(event.class, out);
    }
    out.push('}');
}

fn write_name(out: &mut String, comma: bool, name: &str) {
    if comma {
        out.push(',');
    }
    write_text(out, name);
    out.push(':');
}

fn write_list<T>(out: &mut String, items: &[T], write: impl Fn(&mut String, &T)) {
    out.push('[');
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}

/// Writes a field of a record, with a comma before it.
pub fn write_member(out: &mut String, name: &str, value: &Value, field: &Field) {
    write_name(out, true, name);
    write_typed(out, value, &field.ty);
}

/// Writes a field that the data model does not have (old dumps hold some), with a comma before it.
pub fn write_unknown(out: &mut String, name: &str, value: &Value) {
    write_name(out, true, name);
    write_value(out, value);
}

fn write_object(out: &mut String, class: &Class, fields: &Map<String, Value>) {
    out.push('{');
    for (i, (name, value)) in fields.iter().enumerate() {
        write_name(out, i > 0, name);
        match class.fields.get(name) {
            Some(field) => write_typed(out, value, &field.ty),
            None => write_value(out, value),
        }
    }
    out.push('}');
}

fn write_typed(out: &mut String, value: &Value, ty: &Type) {
    match (ty, value) {
        (Type::Float, Value::Number(n)) => out.push_str(&float(n.as_f64().unwrap_or(f64::NAN))),
        (Type::Void, Value::Null) => out.push_str("\"\""),
        (Type::Set(of) | Type::Option(of), Value::Array(items)) => {
            write_list(out, items, |out, v| write_typed(out, v, of))
        }
        (Type::Map(_, of), Value::Object(members)) => {
            out.push('{');
            for (i, (name, value)) in members.iter().enumerate() {
                write_name(out, i > 0, name);
                write_typed(out, value, of);
            }
            out.push('}');
        }
        (Type::Record(name), Value::Object(fields)) => match model().class(name) {
            Some(class) => write_object(out, class, fields),
            None => write_value(out, value),
        },
        _ => write_value(out, value),
    }
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::String(text) => write_text(out, text),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        other => out.push_str(&other.to_string()),
    }
}

fn write_text(out: &mut String, text: impl AsRef<str>) {
    let text = text.as_ref();
    if text.bytes().any(|b| b < b' ' || b == b'"' || b == b'\\') {
        out.push_str(&Value::from(text).to_string());
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

/// XAPI writes the bare tokens for what JSON has no number for.
fn float(x: f64) -> String {
    match x {
        x if x.is_nan() => "NaN".to_owned(),
        x if x.is_infinite() => if x > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        x => format!("{x:?}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::whole, *};
    use crate::failure::fail;

    #[test]
    fn both_versions_have_their_shapes() {
        for (request, ok, failed) in [
            (
                r#"{"method":"VM.get_all","params":["s"],"id":7}"#,
                r#"{"result":["a"],"error":null,"id":7}"#,
                r#"{"result":null,"error":["CODE","p1"],"id":7}"#,
            ),
            (
                r#"{"jsonrpc":"2.0","method":"VM.get_all","params":["s"],"id":"x"}"#,
                r#"{"jsonrpc":"2.0","result":["a"],"id":"x"}"#,
                r#"{"jsonrpc":"2.0","error":{"code":1,"message":"CODE","data":["p1"]},"id":"x"}"#,
            ),
        ] {
            let (envelope, call) = read_call(request.as_bytes()).unwrap();
            assert_eq!((call.method.as_str(), Value::Array(call.params)), ("VM.get_all", json!(["s"])));
            let text = |reply| whole(&write_reply(&envelope, &reply));
            assert_eq!(text(Ok(Wire::List(vec![Wire::Text("a".into())]))), ok);
            assert_eq!(text(Err(fail("CODE", ["p1"]))), failed);
        }
    }

    #[test]
    fn malformed_requests_are_refused() {
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"method":"x","params":[]}"#,
            r#"{"method":"x","params":[],"id":null}"#,
            r#"{"method":"x","params":[],"id":1.5}"#,
            r#"{"jsonrpc":"1.1","method":"x","params":[],"id":1}"#,
            r#"{"method":"x","params":{},"id":1}"#,
        ] {
            assert!(read_call(bad.as_bytes()).is_err(), "{bad}");
        }
        let (_, call) = read_call(br#"{"jsonrpc":"2.0","method":"x","params":{"a":1},"id":1}"#).unwrap();
        assert_eq!(Value::Array(call.params), json!([{"a": 1}]));
        assert!(read_call(br#"{"jsonrpc":"2.0","method":"x","id":1}"#).unwrap().1.params.is_empty());
    }

    #[test]
    fn floats_stay_floats_and_ints_stay_ints() {
        let t = |v: Value, ty: Type| {
            let mut out = String::new();
            write_typed(&mut out, &v, &ty);
            out
        };
        assert_eq!(t(json!(1), Type::Float), "1.0");
        assert_eq!(t(json!(2147483648_i64), Type::Int), "2147483648");
        assert_eq!(t(json!({"0": 1}), Type::Map(Box::new(Type::Int), Box::new(Type::Float))), r#"{"0":1.0}"#);
    }
}
